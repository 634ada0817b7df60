"""Noise-contrastive estimation as a Cell; the formula is in `sporax.losses`."""

from __future__ import annotations

from typing import Any

from sporax import losses
from sporax.core import Tensor
from sporax.nn.loss._sampled import _CandidateLoss


class NCELoss(_CandidateLoss):
    r"""Noise-contrastive estimation: tell the true classes of a row from classes drawn by chance.

    .. math:: \ell = \sum_j \Big( \log (1 + e^{z_{t_j}}) - \frac{z_{t_j}}{T} \Big) + \sum_{s \in S} \log (1 + e^{z_s}),
        \qquad z_c = \langle x, W_c \rangle + b_c - \log Q_c

    Args:
        num_sampled: how many classes to draw for a batch.
        num_classes: how many classes there are, C.
        num_true: how many true classes a row has, T.
        sampled_values: (candidates, expected count of the true classes, expected count of the candidates). Default:
            drawn anew at each call.
        remove_accidental_hits: whether a candidate that is a true class of a row leaves the sum of that row.
        sampler: "log_uniform", for classes that are numbered by falling frequency, or "uniform".
        unique: whether the classes drawn are all different.
        seed: where the draws start; 0 takes them from the generator of `set_seed`.
        reduction: "mean", "sum" or "none".

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
        >>> loss = nn.NCELoss(num_sampled=4, num_classes=7)
        >>> loss(ops.ones((7, 10)), ops.ones((7,)), Tensor([0, 1, 2]), ops.ones((3, 10))).shape
        ()

    Source: Gutmann and Hyvärinen, "Noise-contrastive estimation: A new estimation principle for unnormalized
    statistical models", 2010; TensorFlow `tf.nn.nce_loss`.
    """

    def __init__(
        self,
        num_sampled: int,
        num_classes: int,
        num_true: int = 1,
        sampled_values: tuple[Any, Any, Any] | None = None,
        remove_accidental_hits: bool = False,
        sampler: str = "log_uniform",
        unique: bool = True,
        seed: int = 0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits, sampler, unique, seed, reduction
        )

    def construct(self, weights: Tensor, biases: Tensor, labels: Tensor, inputs: Tensor) -> Tensor:
        """The loss of a batch, given the class weights and biases."""
        return self.evaluate(losses.nce_loss, weights, biases, labels, inputs, **self._arguments())
