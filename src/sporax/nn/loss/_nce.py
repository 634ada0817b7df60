"""Noise-contrastive estimation as a Cell; the formula is in `sporax.losses`."""

from __future__ import annotations

from typing import Any

from sporax import losses
from sporax._schema import Flag, PositiveInteger
from sporax.nn.loss._sampled import CandidateLoss, Sampler, Seed

__all__ = ["NCELoss"]


class NCELoss(CandidateLoss, function=losses.nce_loss, inputs="weights, biases, labels, inputs"):
    """Noise-contrastive estimation over the true and randomly sampled classes.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.NCELoss(num_sampled=4, num_classes=7)
        >>> loss(ops.ones((7, 10)), ops.ones((7,)), Tensor([0, 1, 2]), ops.ones((3, 10))).shape
        ()
    """

    num_sampled: PositiveInteger
    num_classes: PositiveInteger
    num_true: PositiveInteger = 1
    sampled_values: tuple[Any, Any, Any] | None = None
    remove_accidental_hits: Flag = False
    sampler: Sampler = "log_uniform"
    unique: Flag = True
    seed: Seed = 0
    reduction: str = "mean"
