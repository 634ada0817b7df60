"""CTC as a Cell; the formula is in `sporax.losses`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from sporax import _check, losses
from sporax.core import Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss


class CTCLoss(RegisteredLoss):
    r"""How unlikely frames make a sequence of labels, over all ways to align the two.

    .. math:: \ell = -\log \sum_{\pi \in \mathcal{B}^{-1}(y)} \prod_t p_t(\pi_t)

    "mean" divides each value by the length of its target (by 1 for an empty one) before it averages over the batch.
    A target that needs more frames than there are costs inf, and has no gradient.

    Args:
        blank: the class that stands for no label.
        reduction: "mean", "sum" or "none".
        zero_infinity: whether a target that cannot be aligned counts 0, and not inf.

    Inputs:
        log_probs: log probabilities, Tensor of shape (T, N, C), or (T, C) for one sequence.
        targets: labels of an integer dtype, of shape (N, S) with padding, or all in a row, of shape
            (sum of `target_lengths`,).
        input_lengths: how many frames each has; a Tensor of shape (N,) or a tuple.
        target_lengths: how many labels each has; a Tensor of shape (N,) or a tuple.

    Returns:
        Tensor of shape (), or (N,) for "none" ((), for one sequence).

    Raises:
        ArgumentError: an unknown reduction, or a blank that is no class.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a length or label out of range, where values are known; in compiled code that sequence is NaN.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Tensor
        >>> log_probs = Tensor(np.log(np.full((3, 1, 2), 0.5, np.float32)))
        >>> loss = nn.CTCLoss(reduction="none")
        >>> print(loss(log_probs, Tensor([[1]]), (3,), (1,)).exp())  # 8 / 6
        [1.3333333]

    Source: Graves et al., "Connectionist Temporal Classification", 2006; the class of the same name in MindSpore;
    `torch.nn.CTCLoss`.
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction)
        self.blank = _check.integer(blank, name="blank", where="CTCLoss", minimum=0)
        self.zero_infinity = _check.is_type(zero_infinity, bool, name="zero_infinity", where="CTCLoss")

    def construct(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        """The loss of log probabilities, targets and the lengths of both."""
        arrays = [unwrap(each) for each in (log_probs, targets, input_lengths, target_lengths)]
        single = arrays[0].ndim == 2
        if single:
            arrays[0] = arrays[0][:, None]
            arrays[1] = jnp.atleast_2d(arrays[1])
            arrays[2:] = [jnp.atleast_1d(jnp.asarray(each)) for each in arrays[2:]]
        result = self.evaluate(
            losses.ctc_loss,
            *arrays,
            blank=self.blank,
            zero_infinity=self.zero_infinity,
            length_normalized=self.average,
        )
        return result.squeeze(0) if single and result.ndim else result
