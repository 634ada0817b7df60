"""Losses over a sample of the classes; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

from sporax import _check, losses
from sporax.core import Generator, Tensor, next_key, unwrap
from sporax.nn.loss._base import RegisteredLoss


class _CandidateLoss(RegisteredLoss):
    """A loss that draws classes; its arguments are those of `SampledSoftmaxLoss`."""

    def __init__(
        self,
        num_sampled: int,
        num_classes: int,
        num_true: int,
        sampled_values: tuple[Any, Any, Any] | None,
        remove_accidental_hits: bool,
        sampler: str,
        unique: bool,
        seed: int,
        reduction: str,
    ) -> None:
        super().__init__(reduction)
        where = type(self).__name__
        self.num_sampled = _check.integer(num_sampled, name="num_sampled", where=where, minimum=1)
        self.num_classes = _check.integer(num_classes, name="num_classes", where=where, minimum=1)
        self.num_true = _check.integer(num_true, name="num_true", where=where, minimum=1)
        self.remove_accidental_hits = _check.is_type(
            remove_accidental_hits, bool, name="remove_accidental_hits", where=where
        )
        self.sampler = _check.one_of(sampler, ("uniform", "log_uniform"), name="sampler", where=where)
        self.unique = _check.is_type(unique, bool, name="unique", where=where)
        self.seed = _check.integer(seed, name="seed", where=where, minimum=0)
        self.sampled_values = sampled_values
        self._generator = Generator(self.seed) if self.seed else None

    def _arguments(self) -> dict[str, Any]:
        """Keyword arguments of the function, with a fresh key where there is something to draw."""
        given = self.sampled_values
        return {
            "num_sampled": self.num_sampled,
            "num_classes": self.num_classes,
            "num_true": self.num_true,
            "sampled_values": None if given is None else tuple(unwrap(each) for each in given),
            "remove_accidental_hits": self.remove_accidental_hits,
            "sampler": self.sampler,
            "unique": self.unique,
            "key": next_key(self._generator) if given is None else None,
        }


class SampledSoftmaxLoss(_CandidateLoss):
    r"""The cross entropy of a softmax over the true classes and a sample of the others.

    .. math:: \ell = -\frac{1}{T} \sum_j \log \operatorname{softmax}(z_{t_1}, \ldots, z_{t_T}, z_S)_{t_j},
        \qquad z_c = \langle x, W_c \rangle + b_c - \log Q_c

    Args:
        num_sampled: how many classes to draw for a batch.
        num_classes: how many classes there are, C.
        num_true: how many true classes a row has, T; each has the target probability 1/T.
        sampled_values: (candidates, expected count of the true classes, expected count of the candidates). Default:
            drawn anew at each call.
        remove_accidental_hits: whether a candidate that is a true class of a row leaves that row's softmax.
        seed: where the draws start; 0 takes them from the generator of `set_seed`.
        reduction: "none" (the default here, as in MindSpore), "mean" or "sum".
        sampler: "uniform", or "log_uniform" for classes that are numbered by falling frequency; not in MindSpore.
        unique: whether the classes drawn are all different; not in MindSpore.

    Inputs:
        weights: Tensor (C, D).
        biases: Tensor (C,).
        labels: Tensor (N, num_true), or (N,) where `num_true` is 1; int32 or int64.
        inputs: Tensor (N, D).

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction or sampler, or counts that do not fit.
        DtypeError, ShapeError, LabelError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.SampledSoftmaxLoss(num_sampled=4, num_classes=7, num_true=1, reduction="mean")
        >>> loss(ops.ones((7, 10)), ops.ones((7,)), Tensor([0, 1, 2]), ops.ones((3, 10))).shape
        ()

    Source: Jean et al., "On Using Very Large Target Vocabulary for Neural Machine Translation", 2015; the class of
    the same name in MindSpore.
    """

    def __init__(
        self,
        num_sampled: int,
        num_classes: int,
        num_true: int = 1,
        sampled_values: tuple[Any, Any, Any] | None = None,
        remove_accidental_hits: bool = True,
        seed: int = 0,
        reduction: str = "none",
        *,
        sampler: str = "uniform",
        unique: bool = True,
    ) -> None:
        super().__init__(
            num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits, sampler, unique, seed, reduction
        )

    def construct(self, weights: Tensor, biases: Tensor, labels: Tensor, inputs: Tensor) -> Tensor:
        """The loss of a batch, given the class weights and biases."""
        return self.evaluate(losses.sampled_softmax_loss, weights, biases, labels, inputs, **self._arguments())
