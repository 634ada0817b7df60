"""Sampled softmax; the formula is in `sporax.losses`."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated, Any

from sporax import losses
from sporax._schema import Flag, PositiveInteger, integer, one_of
from sporax.core import Generator, next_key, unwrap
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["SampledSoftmaxLoss"]

Sampler = Annotated[str, one_of("uniform", "log_uniform")]
Seed = Annotated[int, integer(0)]


class CandidateLoss(FunctionLoss):
    """Base class of the losses that sample classes. With a seed, the instance has its own random stream.

    Args:
        sampled_values: (candidates, expected count of the true classes, expected count of the candidates). Default:
            drawn at each call.
        seed: seed of the random stream; 0 uses the generator of `set_seed`.
    """

    def _finish(self) -> None:
        self._generator = Generator(self.seed) if self.seed else None

    def _arguments(self, function: Any = None) -> dict[str, Any]:
        arguments = super()._arguments(function)
        del arguments["seed"]
        given = self.sampled_values
        if given is None:
            return arguments | {"key": next_key(self._generator)}
        return arguments | {"sampled_values": tuple(unwrap(each) for each in given)}


class SampledSoftmaxLoss(CandidateLoss, function=losses.sampled_softmax_loss, inputs="weights, biases, labels, inputs"):
    """Cross entropy of a softmax over the true and sampled classes.

    `sampler` and `unique` are not in MindSpore.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.SampledSoftmaxLoss(num_sampled=4, num_classes=7, num_true=1, reduction="mean")
        >>> loss(ops.ones((7, 10)), ops.ones((7,)), Tensor([0, 1, 2]), ops.ones((3, 10))).shape
        ()
    """

    num_sampled: PositiveInteger
    num_classes: PositiveInteger
    num_true: PositiveInteger = 1
    sampled_values: tuple[Any, Any, Any] | None = None
    remove_accidental_hits: Flag = True
    seed: Seed = 0
    reduction: str = "none"
    _: KW_ONLY
    sampler: Sampler = "uniform"
    unique: Flag = True
