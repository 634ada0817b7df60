"""Operators that return their inputs, and show or change the gradient that flows back through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax._errors import ArgumentError, ArgumentTypeError, CellError
from sporax.core import Tensor, check_hook, is_floating, replaced, tensor_node, wrap
from sporax.ops._base import entered


def _tensors(inputs: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    for each in inputs:
        if not isinstance(each, Tensor):
            raise ArgumentTypeError(
                f"{where}: the input must be a Tensor, but got {each!r} of type {type(each).__name__}."
            )
    return inputs


@entered
class InsertGradientOf:
    """Return the input, and replace its gradient by `f(gradient)`.

    Args:
        f: a function of the gradient, a Tensor, that returns the new gradient, of the same shape.

    Raises:
        ArgumentTypeError: `f` cannot be called, or the input is not a Tensor.
        CellError: in the backward pass, `f` returned no Tensor of the gradient's shape.

    Examples:
        >>> from sporax import Tensor, grad, ops
        >>> clipped = ops.InsertGradientOf(lambda dout: ops.clamp(dout, -0.5, 0.5))
        >>> print(clipped(Tensor([3.0])), grad(lambda x: (clipped(x) * 100).sum())(Tensor([3.0])))
        [3.] [0.5]

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, f: Callable[[Tensor], Tensor]) -> None:
        check_hook(f, "ops.InsertGradientOf")
        self.f = f

    def __call__(self, x: Tensor) -> Tensor:
        """Return `x`, whose gradient passes through `f`."""

        def backward(outputs: Any, _: Any, gradients: Any, __: Any) -> Any:
            if not is_floating(outputs[0]):
                return (None,), ()
            return (replaced(self.f(wrap(gradients[0])), gradients[0], "ops.InsertGradientOf", self.f),), ()

        return tensor_node(_tensors((x,), "ops.InsertGradientOf"), (), backward)[0]


@entered
class HookBackward:
    """Return the inputs, and call `hook_fn` with their gradients in the backward pass.

    Args:
        hook_fn: a function of a tuple of gradients, one for each input, that returns None or the new gradients.
        cell_id: kept, as in MindSpore, without effect.

    Raises:
        ArgumentTypeError: `hook_fn` cannot be called, `cell_id` is not a str, or an input is not a Tensor.
        CellError: in the backward pass, the result of the hook does not match the gradients.

    Examples:
        >>> from sporax import Tensor, grad, ops
        >>> hook = ops.HookBackward(lambda gradients: gradients[0] * 10)
        >>> print(grad(lambda x: hook(x) * x)(Tensor(3.0)))
        33.0

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, hook_fn: Callable[[tuple[Tensor, ...]], Any], cell_id: str = "") -> None:
        check_hook(hook_fn, "ops.HookBackward")
        if not isinstance(cell_id, str):
            raise ArgumentTypeError(
                f"ops.HookBackward: `cell_id` must be a str, but got {cell_id!r} of type {type(cell_id).__name__}."
            )
        self.hook_fn = hook_fn
        self.cell_id = cell_id

    def __call__(self, *inputs: Tensor) -> Any:
        """Return the input, or a tuple of several inputs."""
        where = "ops.HookBackward"
        if not inputs:
            raise ArgumentError(f"{where}: give at least one Tensor; got no input.")

        def backward(outputs: Any, _: Any, gradients: Any, __: Any) -> Any:
            changed = self.hook_fn(tuple(wrap(each) for each in gradients))
            if changed is not None:
                changed = tuple(changed) if isinstance(changed, (tuple, list)) else (changed,)
                if len(changed) != len(gradients):
                    raise CellError(
                        f"{where}: the hook must return None or one gradient for each of the {len(gradients)} "
                        f"input(s), but got {len(changed)}."
                    )
                gradients = tuple(
                    replaced(new, old, where, self.hook_fn) for new, old in zip(changed, gradients, strict=True)
                )
            return tuple(g if is_floating(out) else None for g, out in zip(gradients, outputs, strict=True)), ()

        first, *others = tensor_node(_tensors(inputs, where), (), backward)
        return (first, *others) if others else first
