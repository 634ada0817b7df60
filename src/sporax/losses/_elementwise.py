"""The declaration that the elementwise regression losses share."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

import jax

from sporax.losses.contract import Counted, LossFunction, LossInfo, label, loss_function, prediction

P = ParamSpec("P")


def elementwise(info: LossInfo) -> Callable[[Callable[P, jax.Array | Counted]], LossFunction[P]]:
    """Declare a loss of predictions and targets of any shape, where one of the two may broadcast to the other.

    Args:
        info: the entry of the registry.

    Returns:
        The decorator of the formula; see `loss_function`.
    """
    return loss_function(
        prediction("logits", "..."), label("labels", "..."), output="...", broadcasting=True, info=info
    )
