"""CTC as a Cell; the formula is in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated, Any

import jax.numpy as jnp

from sporax import losses
from sporax._schema import Flag, integer
from sporax.core import Tensor, unwrap
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["CTCLoss"]


class CTCLoss(FunctionLoss, function=losses.ctc_loss):
    """Connectionist temporal classification: negative log likelihood of a label sequence over all alignments.

    "mean" divides each value by the length of its target (by 1 for an empty one) before averaging over the batch.
    A target that needs more frames than given has the loss inf and no gradient.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Tensor
        >>> log_probs = Tensor(np.log(np.full((3, 1, 2), 0.5, np.float32)))
        >>> loss = nn.CTCLoss(reduction="none")
        >>> print(loss(log_probs, Tensor([[1]]), (3,), (1,)).exp())  # 8 / 6
        [1.3333333]
    """

    blank: Annotated[int, integer(0)] = 0
    reduction: str = "mean"
    zero_infinity: Flag = False

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
