"""grad and value_and_grad, with respect to inputs and Parameters."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax._jax_compat import is_tracer, x64_scope
from sporax.core import (
    STATE,
    Cell,
    Parameter,
    Tensor,
    backward_pass,
    hooks_of,
    is_floating,
    leaves_in_order,
    note_guard,
    run_hooks,
    to_array,
    tracing,
    undo_last_call,
    wrap,
)
from sporax.transforms._captured import note_captured_by
from sporax.transforms._functional import run_framed, values_of
from sporax.transforms._integers import differentiable_by_integers, gradient_for, view_of
from sporax.transforms._modes import use_of
from sporax.transforms._outputs import pack, unpack
from sporax.transforms._recorded import can_record, floating_outputs, recorded_gradients

__all__ = ["grad", "value_and_grad"]


def _positions(grad_position: int | tuple[int, ...] | None, where: str) -> tuple[int, ...]:
    if grad_position is None:
        return ()
    one = not isinstance(grad_position, (tuple, list))
    positions: tuple[Any, ...] = (grad_position,) if one else tuple(grad_position)  # pyright: ignore[reportArgumentType]
    for position in positions:
        if isinstance(position, bool) or not isinstance(position, numbers.Integral):
            raise ArgumentTypeError(
                f"{where}: `grad_position` must be an int or a tuple of ints, but got {grad_position!r}."
            )
    if len(set(positions)) < len(positions):
        raise ArgumentError(f"{where}: `grad_position` contains a position twice: {grad_position!r}.")
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


def _input(value: Any, position: int, where: str) -> Any:
    if not isinstance(value, (Tensor, jax.Array, np.ndarray, np.generic, float, complex)) and not is_tracer(value):
        nested = isinstance(value, (tuple, list, dict))
        hint = "Pass its Tensors as separate inputs" if nested else "Convert it to a Tensor"
        raise ArgumentTypeError(
            f"{where}: input {position} is in `grad_position`, so it must be a Tensor, but got {value!r} of type "
            f"{type(value).__name__}. {hint}, or remove {position} from `grad_position`."
        )
    return to_array(value)


def _trained(parameter: Parameter, value: Any) -> Any:
    """Return the value, without gradient if the Parameter has `requires_grad=False`."""
    if tracing():
        note_guard(parameter, "requires_grad", parameter.requires_grad)
    return value if parameter.requires_grad else jax.lax.stop_gradient(value)


def _first(output: Any, where: str) -> Any:
    """Return the output that is differentiated with `has_aux`."""
    if not isinstance(output, (tuple, list)) or not output:
        raise ArgumentError(
            f"{where}: with `has_aux` the function must return a tuple of outputs, of which the first is "
            f"differentiated, but it returned {output!r} of type {type(output).__name__}. Return (loss, aux), or omit "
            "`has_aux`."
        )
    return output[0]


def _weighted_sum(output: Any, sensitivity: Any, where: str, integers: bool) -> Any:
    """Return the sum of all outputs times their sensitivities, whose gradient is the vector-Jacobian product."""
    outputs, factors = jax.tree.leaves(output), jax.tree.leaves(sensitivity)
    if jax.tree.structure(output) != jax.tree.structure(sensitivity):
        # The structures differ, so the leaves are paired in the order in which the function returned them.
        outputs, factors = leaves_in_order(output), leaves_in_order(sensitivity)
    _check_count(outputs, factors, where)
    total = jnp.zeros(())
    for i, (each, factor) in enumerate(zip(outputs, factors, strict=True)):
        each, factor = to_array(each), to_array(factor)
        _check_shape(i, each, factor, where)
        if is_floating(each):
            total = total + (each * factor.astype(each.dtype)).sum()
        elif integers:
            total = total + (each.astype(jnp.float64) * factor.astype(jnp.float64)).sum()
    return jnp.real(total)


def _total(output: Any, where: str, integers: bool) -> Any:
    """Return the sum of all floating outputs: MindSpore differentiates with ones as sensitivities.

    With `integers`, for an integer input, integer outputs are included.
    """
    arrays = [leaf for leaf in jax.tree.leaves(output) if isinstance(leaf, jax.Array) or is_tracer(leaf)]
    leaves = [leaf for leaf in arrays if is_floating(leaf)]
    if integers:
        leaves += [leaf.astype(jnp.float64) for leaf in arrays if not is_floating(leaf)]
    if not leaves:
        _refuse_without_floats(output, where)
    total = leaves[0] if leaves[0].ndim == 0 else leaves[0].sum()
    for leaf in leaves[1:]:
        total = total + leaf.sum()
    return jnp.real(total) if total.dtype.kind == "c" else total


def _refuse_without_floats(output: Any, where: str) -> None:
    raise DtypeError(
        f"{where}: the function returned no floating Tensor or JAX array, so there is nothing to differentiate: "
        f"{output!r}."
    )


def _sensitivities(output: Any, floating: list[Tensor], sensitivity: Any, where: str) -> list[Any]:
    """Return the sensitivities of the floating Tensors of a recorded output, as arrays of their dtypes."""
    if not all(isinstance(each, Tensor) for each in (output if isinstance(output, (tuple, list)) else (output,))):
        STATE.recording.leave("sensitivities of nested outputs")
    outputs = list(output) if isinstance(output, (tuple, list)) else [output]
    factors = leaves_in_order(sensitivity)
    _check_count(outputs, factors, where)
    arrays = [to_array(each) for each in factors]
    for i, (each, factor) in enumerate(zip(outputs, arrays, strict=True)):
        _check_shape(i, each, factor, where)
    by_output = {id(each): factor for each, factor in zip(outputs, arrays, strict=True)}
    if len(by_output) < len(outputs):
        STATE.recording.leave("one Tensor as several outputs")
    return [by_output[id(each)].astype(each._array.dtype) for each in floating]


def _check_count(outputs: list[Any], factors: list[Any], where: str) -> None:
    if len(outputs) != len(factors):
        raise ArgumentError(
            f"{where}: with `sens_param` the last input must hold one Tensor for each output; the function "
            f"returned {len(outputs)}, but got {len(factors)}."
        )


def _check_shape(i: int, output: Any, factor: Any, where: str) -> None:
    if output.shape != factor.shape:
        raise ShapeError(
            f"{where}: the sensitivity of output {i} must have its shape {output.shape}, but got {factor.shape}."
        )


def _pullback(pure: Callable[..., Any], where: str, *args: Any) -> tuple[Any, Any]:
    """Return the function of the gradients, and the auxiliary output, of `pure(*args) -> (total, auxiliary)`."""
    if all(is_floating(leaf) for leaf in jax.tree.leaves(args)):
        total, back, rest = jax.vjp(pure, *args, has_aux=True)
    else:
        views = jax.tree.map(view_of, args)
        total, back, rest = jax.vjp(differentiable_by_integers(pure, where, *args), *views, has_aux=True)
    return lambda: jax.tree.map(gradient_for, back(jnp.ones((), total.dtype)), args), rest


def _hooks(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Parameter):
        if tracing():
            note_guard(value, "_hook_functions", value._hook_functions)
        return value._hook_functions
    return hooks_of(value)


def value_and_grad(
    fn: Callable[..., Any],
    grad_position: int | tuple[int, ...] | None = 0,
    weights: Parameter | Iterable[Parameter] | None = None,
    has_aux: bool = False,
    return_ids: bool = False,
    sens_param: bool = False,
) -> Callable[..., Any]:
    r"""Return a function that computes the value of `fn` and its gradients.

    .. math:: \left(f(x),\ \partial f / \partial x_i,\ \partial f / \partial w_j\right)

    If `fn` returns more than one element, the gradient is that of their sum. Writes of `fn` to Parameters (moving
    statistics, random keys) take effect once.

    As in MindSpore, the gradient of an integer or bool input is truncated to the dtype of the input. It is 0 if the
    input is used as a label, an index or a condition, and the derivative if it is used in arithmetic. Hooks of
    `register_hook` on the inputs and on the Parameters are applied last.

    Args:
        fn: a Cell or a function; it may return Tensors or JAX arrays.
        grad_position: the positions of the inputs with respect to which to differentiate, or None.
        weights: the Parameters with respect to which to differentiate. The gradients of those with
            `requires_grad=False` are zeros.
        has_aux: whether only the first element of the output, a tuple, is differentiated.
        return_ids: whether to return (position or name, gradient) pairs.
        sens_param: whether the last positional input of the returned function is the gradient with respect to the
            output (for several outputs a tuple), instead of ones. It is not passed to `fn`.

    Returns:
        A function of the same inputs that returns `(value, gradients)`. The value is the output of `fn`. As in
        MindSpore, the gradients are a Tensor for one position; a tuple for several positions; those of the weights (a
        tuple, or one Tensor for one Parameter) if `grad_position` is None; and otherwise a pair of both if `weights`
        is given (`weights=[]` gives an empty tuple).

    Raises:
        ArgumentError: neither inputs nor weights are given, a position does not exist or is given twice, the number of
            sensitivities is not that of the outputs, or with `has_aux` the output is not a tuple.
        ArgumentTypeError: `grad_position` or `weights` has the wrong type, or an input in `grad_position` is not a
            Tensor.
        DtypeError: the output is not differentiable, or depends on an integer input through an operator without a
            derivative with respect to integers.
        ShapeError: the shape of a sensitivity is not that of its output.

    Examples:
        >>> from sporax import Tensor, value_and_grad
        >>> value, gradient = value_and_grad(lambda x: (x * x).sum())(Tensor([1.0, 2.0]))
        >>> print(value, gradient)
        5.0 [2. 4.]

    Source: `mindspore.value_and_grad`.
    """
    where = "value_and_grad"
    positions = _positions(grad_position, where)
    requested = _weights(weights, where)
    # A Parameter that is given twice, such as a tied weight, is one input, whose gradient is returned twice.
    parameters = tuple(dict.fromkeys(requested))
    cell, use = inspect.unwrap(fn), use_of(fn)
    if not positions and not parameters:
        raise ArgumentError(f"{where}: pass `grad_position`, `weights`, or both; both are None or empty.")

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
        if len(positions) > 1 and len({position % len(args) for position in positions}) < len(positions):
            raise ArgumentError(f"{where}: `grad_position` {positions} contains an input twice.")
        note_captured_by(fn)
        if isinstance(cell, Cell):
            undo_last_call(cell, (args, kwargs))

        def seeds(output: Any) -> Iterator[tuple[Tensor, Any]]:
            """Yield the differentiated Tensors of a recorded output, with their sensitivities; None denotes ones."""
            first = _first(output, where) if has_aux else output
            found = floating_outputs(first)
            if sens_param:
                yield from zip(found, _sensitivities(first, found, sensitivity, where), strict=True)
                return
            if not found:
                _refuse_without_floats(first, where)
            yield from ((each, None) for each in found)

        with x64_scope(True):
            inputs = tuple(_input(args[i], i, where) for i in positions)
            values = values_of(parameters)
            integers = not all(is_floating(each) for each in (*inputs, *values))

            if not integers and can_record():
                recorded = recorded_gradients(fn, use, args, kwargs, positions, inputs, parameters, seeds)
                if recorded is not None:
                    return recorded.output, finished(args, recorded.by_input, recorded.by_weight)

            def pure(inputs: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
                merged = list(args)
                for position, value in zip(positions, inputs, strict=True):
                    merged[position] = wrap(value)
                bound = {p: _trained(p, value) for p, value in zip(parameters, values, strict=True)}
                output, written, _ = run_framed(
                    lambda: pack(fn(*merged, **kwargs)), bound, discovers=False, tensors=True
                )
                floating = unpack(output)
                first = _first(floating, where) if has_aux else floating
                if sens_param:
                    total = _weighted_sum(first, sensitivity, where, integers)
                else:
                    total = _total(first, where, integers)
                return total, (output, written)

            gradients, (output, written) = _pullback(pure, where, inputs, values)
            # Before the backward pass, in which hooks and `bprop` may read or write the same Parameters.
            written.commit()
            with backward_pass():
                by_input, by_weight = gradients()
            return unpack(output), finished(args, by_input, by_weight)

    def finished(args: tuple[Any, ...], by_input: tuple[Any, ...], by_weight: tuple[Any, ...]) -> Any:
        """Return the gradients as they are returned to the caller, after the hooks of inputs and Parameters."""
        with backward_pass():
            by_input = tuple(run_hooks(_hooks(args[i]), g, wrap) for i, g in zip(positions, by_input, strict=True))
            by_weight = tuple(run_hooks(_hooks(p), g, wrap) for p, g in zip(parameters, by_weight, strict=True))
        if len(requested) > len(parameters):
            found = dict(zip(parameters, by_weight, strict=True))
            by_weight = tuple(found[p] for p in requested)
        return _arranged(by_input, by_weight)

    def _arranged(by_input: tuple[Any, ...], by_weight: tuple[Any, ...]) -> Any:
        from_inputs: Any = tuple(wrap(each) for each in by_input)
        from_weights: Any = tuple(wrap(each) for each in by_weight)
        if return_ids:
            from_inputs = tuple(zip(positions, from_inputs, strict=True))
            from_weights = tuple((p.name, g) for p, g in zip(requested, from_weights, strict=True))
        if isinstance(grad_position, numbers.Integral):
            from_inputs = from_inputs[0]
        if isinstance(weights, Parameter):
            from_weights = from_weights[0]
        if not positions:
            return from_weights
        return from_inputs if weights is None else (from_inputs, from_weights)

    return with_gradients


def grad(
    fn: Callable[..., Any],
    grad_position: int | tuple[int, ...] | None = 0,
    weights: Parameter | Iterable[Parameter] | None = None,
    has_aux: bool = False,
    return_ids: bool = False,
    sens_param: bool = False,
) -> Callable[..., Any]:
    r"""Return a function that computes the gradients of `fn`.

    .. math:: \partial f / \partial x_i,\ \partial f / \partial w_j

    Args:
        fn, grad_position, weights, has_aux, return_ids, sens_param: as in `value_and_grad`.

    Returns:
        A function of the same inputs that returns the gradients; with `has_aux`, `(gradients, aux)`.

    Raises:
        As `value_and_grad`.

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
