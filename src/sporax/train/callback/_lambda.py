"""LambdaCallback: a callback that calls functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax import _check
from sporax.train.callback._base import Callback, RunContext

__all__ = ["LambdaCallback"]

Function = Callable[[RunContext], Any] | None


class LambdaCallback(Callback):
    """Callback that calls functions with the context of the run.

    Args:
        on_train_epoch_begin, on_train_epoch_end, on_train_step_begin, on_train_step_end, on_train_begin,
        on_train_end, on_eval_epoch_begin, on_eval_epoch_end, on_eval_step_begin, on_eval_step_end,
        on_eval_begin, on_eval_end: the functions to call; None for none.

    Raises:
        ArgumentTypeError: an argument is not a function.

    Examples:
        >>> from sporax.train import RunContext, RunParams
        >>> show = LambdaCallback(on_train_epoch_end=lambda run: print(run.original_args().cur_epoch_num))
        >>> show.on_train_epoch_end(RunContext(RunParams(cur_epoch_num=3)))
        3

    Source: the class of the same name in MindSpore.
    """

    calls_user_code = True

    def __init__(
        self,
        on_train_epoch_begin: Function = None,
        on_train_epoch_end: Function = None,
        on_train_step_begin: Function = None,
        on_train_step_end: Function = None,
        on_train_begin: Function = None,
        on_train_end: Function = None,
        on_eval_epoch_begin: Function = None,
        on_eval_epoch_end: Function = None,
        on_eval_step_begin: Function = None,
        on_eval_step_end: Function = None,
        on_eval_begin: Function = None,
        on_eval_end: Function = None,
    ) -> None:
        super().__init__()
        given = {name: value for name, value in locals().items() if name.startswith("on_") and value is not None}
        for name, function in given.items():
            if not callable(function):
                raise _check.wrong_type(function, "a function of the run's context", name=name, where="LambdaCallback")
            setattr(self, name, function)
