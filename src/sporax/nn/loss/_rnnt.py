"""The transducer loss as a Cell; the formula is in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class RNNTLoss(RegisteredLoss):
    r"""How unlikely a transducer makes a sequence of labels, over all ways to align it with the frames.

    .. math:: \ell = -\log \sum_{\pi} \prod_{(t, u) \in \pi} p_{t,u}(\pi_{t,u})

    Args:
        blank: the class that stands for no label; negative ones count from the end. 0 as in MindSpore, where
            torchaudio has -1.
        clamp: the bound of each element of a value's gradient, to both sides; none where it is not above 0.
        reduction: "mean", "sum" or "none".
        fused_log_softmax: whether logits go through a log-softmax; False if they are log probabilities already.

    Inputs:
        logits: Tensor of shape (N, T, U + 1, C): scores at frame t after u labels.
        targets: labels of an integer dtype, of shape (N, U).
        input_lengths: how many frames each has, of shape (N,).
        target_lengths: how many labels each has, of shape (N,).

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a blank that is no class.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a length or label out of range, where values are known; in compiled code that sequence is NaN.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Tensor
        >>> logits = Tensor(np.zeros((1, 3, 2, 4), np.float32))
        >>> loss = nn.RNNTLoss()(logits, Tensor([[2]]), Tensor([3]), Tensor([1]))
        >>> print(round(loss.exp().item(), 3))  # 4**4 / 3
        85.333

    Source: Graves, "Sequence Transduction with Recurrent Neural Networks", 2012; `torchaudio.transforms.RNNTLoss`;
    MindSpore `ops.RNNTLoss`.
    """

    def __init__(
        self, blank: int = 0, clamp: float = -1.0, reduction: str = "mean", fused_log_softmax: bool = True
    ) -> None:
        super().__init__(reduction)
        self.blank = _check.integer(blank, name="blank", where="RNNTLoss")
        self.clamp = _check.number(clamp, name="clamp", where="RNNTLoss")
        self.fused_log_softmax = _check.is_type(fused_log_softmax, bool, name="fused_log_softmax", where="RNNTLoss")

    def construct(self, logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> Tensor:
        """The loss of logits, targets and the lengths of both."""
        return self.evaluate(
            losses.rnnt_loss,
            logits,
            targets,
            input_lengths,
            target_lengths,
            blank=self.blank,
            clamp=self.clamp,
            fused_log_softmax=self.fused_log_softmax,
        )
