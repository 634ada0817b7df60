"""The transducer loss as a Cell; the formula is in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import Flag, Integer, Number
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["RNNTLoss"]


class RNNTLoss(FunctionLoss, function=losses.rnnt_loss):
    """RNN transducer: negative log likelihood of a label sequence over all alignments.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Tensor
        >>> logits = Tensor(np.zeros((1, 3, 2, 4), np.float32))
        >>> loss = nn.RNNTLoss()(logits, Tensor([[2]]), Tensor([3]), Tensor([1]))
        >>> print(round(loss.exp().item(), 3))  # 4**4 / 3
        85.333
    """

    blank: Integer = 0
    clamp: Number = -1.0
    reduction: str = "mean"
    fused_log_softmax: Flag = True
