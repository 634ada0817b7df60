"""grad and value_and_grad, by inputs and by Parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp

from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, note_guard, to_array, tracing, wrap
from sporax.transforms._captured import note_captured_by
from sporax.transforms._functional import run_framed


def _positions(grad_position: int | tuple[int, ...] | None, where: str) -> tuple[int, ...]:
    if grad_position is None:
        return ()
    positions = (grad_position,) if isinstance(grad_position, int) else tuple(grad_position)
    for position in positions:
        if isinstance(position, bool) or not isinstance(position, int):
            raise ArgumentTypeError(
                f"{where}: `grad_position` must be an int or a tuple of ints, but got {grad_position!r}."
            )
    return positions


def _weights(weights: Any, where: str) -> tuple[Parameter, ...]:
    if weights is None:
        return ()
    items = (weights,) if isinstance(weights, Parameter) else tuple(weights)
    for item in items:
        if not isinstance(item, Parameter):
            raise ArgumentTypeError(
                f"{where}: `weights` must hold Parameters, but got {item!r} of type {type(item).__name__}. "
                "Use net.trainable_params()."
            )
    return items


def _differentiable(value: Any, name: str, where: str) -> Any:
    array = to_array(value)
    if array.dtype.kind not in "fcV":
        raise DtypeError(
            f"{where}: {name} has dtype {array.dtype.name}, and a gradient exists for floating dtypes only. "
            "Cast it, for example .astype(sporax.float32)."
        )
    return array


def _trained(parameter: Parameter, value: Any) -> Any:
    """The value to differentiate by; a Parameter with `requires_grad=False` gets a gradient of zeros."""
    if tracing():
        note_guard(parameter, "requires_grad", parameter.requires_grad)
    return value if parameter.requires_grad else jax.lax.stop_gradient(value)


def _weighed(output: Any, sensitivity: Any, where: str) -> Any:
    """The sum of every output times its sensitivity; its gradient is the vector-Jacobian product."""
    outputs, factors = jax.tree.leaves(output), jax.tree.leaves(sensitivity)
    if len(outputs) != len(factors):
        raise ArgumentError(
            f"{where}: with `sens_param` the last input must hold one Tensor for each output; the function "
            f"returned {len(outputs)}, but got {len(factors)}."
        )
    total = jnp.zeros(())
    for i, (each, factor) in enumerate(zip(outputs, factors, strict=True)):
        each, factor = to_array(each), to_array(factor)
        if each.shape != factor.shape:
            raise ShapeError(
                f"{where}: the sensitivity of output {i} must have its shape {each.shape}, but got {factor.shape}."
            )
        if each.dtype.kind in "fcV":
            total = total + (each * factor.astype(each.dtype)).sum()
    return jnp.real(total)


def _total(output: Any, where: str) -> Any:
    """The sum of every floating output: MindSpore differentiates with ones for each output element."""
    leaves = [leaf for leaf in jax.tree.leaves(output) if hasattr(leaf, "dtype") and leaf.dtype.kind in "fcV"]
    if not leaves:
        raise DtypeError(
            f"{where}: the function returned no floating Tensor, so there is nothing to differentiate: {output!r}."
        )
    total = leaves[0] if leaves[0].ndim == 0 else leaves[0].sum()
    for leaf in leaves[1:]:
        total = total + leaf.sum()
    return jnp.real(total) if total.dtype.kind == "c" else total


def value_and_grad(
    fn: Callable[..., Any],
    grad_position: int | tuple[int, ...] | None = 0,
    weights: Parameter | Iterable[Parameter] | None = None,
    has_aux: bool = False,
    return_ids: bool = False,
    sens_param: bool = False,
) -> Callable[..., Any]:
    r"""A function that returns the value of `fn` and its gradients.

    .. math:: \left(f(x),\ \partial f / \partial x_i,\ \partial f / \partial w_j\right)

    Where `fn` returns more than one element, the gradient is of the sum of all of them. What `fn` writes to
    Parameters (moving statistics, random keys) is written once.

    Args:
        fn: a Cell or a function.
        grad_position: which inputs to differentiate by; None for none.
        weights: Parameters to differentiate by. Those with `requires_grad=False` get a gradient of zeros.
        has_aux: only the first output is differentiated, the others are handed on.
        return_ids: give (position or name, gradient) pairs.
        sens_param: the last positional input of the returned function is not handed to `fn`: it is the gradient
            with respect to the output (for several outputs a tuple), in place of ones.

    Returns:
        a function of the same inputs that returns `(value, gradients)`. The gradients are, as in MindSpore: a
        Tensor for one position, a tuple for several, the weights' (a tuple, or one Tensor for one Parameter)
        where `grad_position` is None, and the pair of both where both are asked for.

    Raises:
        ArgumentError: neither inputs nor weights were asked for, a position does not exist, or the
            sensitivities are not as many as the outputs.
        ArgumentTypeError: `grad_position` or `weights` is of the wrong type.
        DtypeError: an input, a Parameter or the result is not floating.
        ShapeError: a sensitivity has not the shape of its output.

    Examples:
        >>> from sporax import Tensor, value_and_grad
        >>> value, gradient = value_and_grad(lambda x: (x * x).sum())(Tensor([1.0, 2.0]))
        >>> print(value, gradient)
        5.0 [2. 4.]

    Source: `mindspore.value_and_grad`.
    """
    where = "value_and_grad"
    positions = _positions(grad_position, where)
    parameters = _weights(weights, where)
    if not positions and not parameters:
        raise ArgumentError(f"{where}: give `grad_position`, `weights`, or both; both are None or empty.")

    def with_gradients(*args: Any, **kwargs: Any) -> Any:
        sensitivity = None
        if sens_param:
            if not args:
                raise ArgumentError(f"{where}: with `sens_param` the last input must be the sensitivity; got no input.")
            args, sensitivity = args[:-1], args[-1]
        for position in positions:
            if not -len(args) <= position < len(args):
                raise ArgumentError(
                    f"{where}: `grad_position` {position} does not exist: the function was called with "
                    f"{len(args)} positional input(s)."
                )
        note_captured_by(fn)
        with x64_scope(True):
            inputs = tuple(_differentiable(args[i], f"input {i}", where) for i in positions)
            values = tuple(_differentiable(p._value, f"Parameter {p.name!r}", where) for p in parameters)

            def pure(inputs: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
                merged = list(args)
                for position, value in zip(positions, inputs, strict=True):
                    merged[position] = wrap(value)
                bound = {p: _trained(p, value) for p, value in zip(parameters, values, strict=True)}
                output, written, _ = run_framed(lambda: fn(*merged, **kwargs), bound, discovers=False)
                first = output[0] if has_aux else output
                total = _weighed(first, sensitivity, where) if sens_param else _total(first, where)
                return total, (output, written)

            (_, (output, written)), (input_gradients, weight_gradients) = jax.value_and_grad(
                pure, argnums=(0, 1), has_aux=True
            )(inputs, values)
            written.commit()
        return output, _arranged(input_gradients, weight_gradients)

    def _arranged(by_input: tuple[Any, ...], by_weight: tuple[Any, ...]) -> Any:
        from_inputs: Any = tuple(wrap(each) for each in by_input)
        from_weights: Any = tuple(wrap(each) for each in by_weight)
        if return_ids:
            from_inputs = tuple(zip(positions, from_inputs, strict=True))
            from_weights = tuple((p.name, g) for p, g in zip(parameters, from_weights, strict=True))
        if isinstance(grad_position, int):
            from_inputs = from_inputs[0]
        if isinstance(weights, Parameter):
            from_weights = from_weights[0]
        if not positions:
            return from_weights
        return (from_inputs, from_weights) if parameters else from_inputs

    return with_gradients


def grad(
    fn: Callable[..., Any],
    grad_position: int | tuple[int, ...] | None = 0,
    weights: Parameter | Iterable[Parameter] | None = None,
    has_aux: bool = False,
    return_ids: bool = False,
    sens_param: bool = False,
) -> Callable[..., Any]:
    r"""A function that returns the gradients of `fn`: :math:`\partial f / \partial x_i,\ \partial f / \partial w_j`.

    Args:
        fn, grad_position, weights, has_aux, return_ids, sens_param: as in `value_and_grad`.

    Returns:
        a function of the same inputs that returns the gradients; with `has_aux`, `(gradients, aux)`.

    Raises:
        as `value_and_grad`.

    Examples:
        >>> from sporax import Tensor, grad
        >>> print(grad(lambda x: x ** 3)(Tensor(2.0)))
        12.0
        >>> print(grad(grad(lambda x: x ** 3))(Tensor(2.0)))
        12.0

    Source: `mindspore.grad`.
    """
    both = value_and_grad(fn, grad_position, weights, has_aux, return_ids, sens_param)

    def gradients_only(*args: Any, **kwargs: Any) -> Any:
        output, gradients = both(*args, **kwargs)
        if has_aux:
            return gradients, output[1:]
        return gradients

    return gradients_only
