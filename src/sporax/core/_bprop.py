"""`Cell.bprop`: a custom gradient of a Cell.

construct runs with its inputs and Parameters held constant, so nothing in it needs a derivative, and `bprop` returns
the gradients of the inputs. As in MindSpore, the Parameters of the Cell get no gradient through it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax

from sporax._errors import CellError, GradientWarning, warn_user
from sporax._jax_compat import is_tracer
from sporax.core import _frames, _recording, context
from sporax.core._gradient_node import gradient_node, is_floating
from sporax.core._order import in_order_of
from sporax.core._saved import holding, traced
from sporax.core.parameter import Parameter
from sporax.core.tensor import Tensor, unwrap, wrap


def call_with_bprop(cell: Any, construct: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call construct, with `cell.bprop` as its gradient."""
    inputs, names = _positional(cell, construct, args, kwargs)
    if _frames.STATE.tape is not None:
        return _recorded(_frames.STATE.tape, cell, construct, inputs, names)
    return _with_bprop(cell, construct, inputs, names, lambda *parts: gradient_node(*parts[:4]))


def _recorded(tape: Any, cell: Any, construct: Callable[..., Any], inputs: tuple[Any, ...], names: Any) -> Any:
    """Call construct with concrete values, as a node of a tape."""
    originals = _whole(inputs)
    plain = in_order_of(jax.tree.map(_without_link, inputs, is_leaf=_is_tensor), inputs)
    node: list[Any] = []

    def note(*parts: Any) -> Any:
        node.extend(parts)
        return parts[0]

    frame = _frames.Frame(tape.values_of_parameters(), discovers=False)
    precision = _frames.compute_dtype()
    with _frames.entered(frame), _frames.computing_in(precision):
        output = tape.suspended(_with_bprop, (cell, construct, plain, names, note), {})
        changed = [(tensor, tensor._array) for tensor, _ in frame.rebound]
    for parameter, value in zip(*frame.written_values(), strict=True):
        parameter._value = value
    by_copy = {id(copy): original for original, copy in zip(originals, _whole(plain), strict=True)}
    for tensor, value in changed:
        by_copy.get(id(tensor), tensor)._rebind(value)
    outputs, values, backward, differentiated, parameters = node
    saved = {name: each for name, each in cell.__dict__.items() if isinstance(each, (Tensor, tuple, list, dict))}

    def with_attributes(*arguments: Any) -> Any:
        """Call `bprop` with the Tensors that construct has left, also if the Cell was called again since."""
        before = {name: cell.__dict__[name] for name in saved if name in cell.__dict__}
        cell.__dict__.update(saved)
        try:
            return backward(*arguments)
        finally:
            # What `bprop` assigns stays.
            cell.__dict__.update(
                {name: each for name, each in before.items() if cell.__dict__.get(name) is saved[name]}
            )

    owners = [each for each, copy in zip(originals, jax.tree.leaves(plain), strict=True) if is_array(copy)]
    needed = tuple(map(tape.depends, (*owners, *parameters)))
    if any(needed):
        differentiated(needed)
    tensors = tape.record(outputs, values, [*owners, *parameters], with_attributes)
    leaves, structure = jax.tree.flatten(output, is_leaf=_is_tensor)
    given = iter(tensors)
    leaves = [next(given) if _is_tensor(leaf) or is_array(leaf) else leaf for leaf in leaves]
    return in_order_of(jax.tree.unflatten(structure, leaves), output)


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, Tensor)


def _whole(tree: Any) -> list[Any]:
    return jax.tree.leaves(tree, is_leaf=_is_tensor)


def _without_link(leaf: Any) -> Any:
    return wrap(leaf._array) if _recording.link_of(leaf) is not None else leaf


def _with_bprop(
    cell: Any, construct: Callable[..., Any], inputs: tuple[Any, ...], names: tuple[str, ...], node: Callable[..., Any]
) -> Any:
    """Call construct, with `cell.bprop` as the gradient of a node.

    `node` is called as `gradient_node` is, and with the Parameters whose values follow the input arrays.
    """
    leaves, structure = jax.tree.flatten(inputs)
    if not _frames.tracing() and not any(is_tracer(leaf) for leaf in leaves):
        return construct(*inputs)
    with _frames.holding_constant() as read:
        constants = tuple(_constant(each) for each in inputs)
        before = [each._value for each in _tensors(constants)]
        output = construct(*constants)
        for tensor, constant, value in zip(_tensors(inputs), _tensors(constants), before, strict=True):
            if constant._value is not value and not isinstance(constant, Parameter):
                # construct wrote to its input, which belongs to the caller.
                tensor._rebind(constant._value)
        out_leaves, out_structure = jax.tree.flatten(output)
    # Passed as inputs, so that `bprop` reads their values of this call whenever the backward pass runs.
    parameters = tuple(dict.fromkeys((*cell.get_parameters(), *read)))
    values = tuple(_frames.value_of(each) for each in parameters)
    saved = traced(cell.__dict__.values(), Tensor)
    dtype = _frames.STATE.compute_dtype
    arrays = [i for i, leaf in enumerate(leaves) if is_array(leaf)]
    out_arrays = [i for i, leaf in enumerate(out_leaves) if is_array(leaf)]

    def output_of(leaves: list[Any]) -> Any:
        return in_order_of(jax.tree.unflatten(out_structure, leaves), output)

    def backward(outputs: Any, values: Any, gradients: Any, _: Any) -> Any:
        in_values, parameter_values = values[: len(arrays)], values[len(arrays) : len(values) - len(saved)]
        out = output_of(_merged(out_leaves, out_arrays, outputs))
        dout = output_of(_merged([None] * len(out_leaves), out_arrays, gradients))
        restored = in_order_of(jax.tree.unflatten(structure, _merged(leaves, arrays, in_values)), inputs)
        # Another `bprop` in this pass may have written some of them.
        earlier = _frames.STATE.backward or {}
        bound = {p: earlier.get(p, value) for p, value in zip(parameters, parameter_values, strict=True)}
        frame = _frames.Frame(bound, discovers=False)
        precision = _frames.computing_in(dtype) if dtype is not None else nullcontext()
        with _frames.entered(frame), precision, holding(saved, values[len(values) - len(saved) :]):
            by_input = _checked(cell, _call(cell, restored, names, out, dout), restored, names)
        for parameter, value in zip(*frame.written_values(), strict=True):
            _frames.write(parameter, value)
        return None, (*by_input, *(None for _ in (*parameters, *saved)))

    given = {leaf for leaf in _leaves(inputs) if isinstance(leaf, Parameter)}

    def differentiated(needed: tuple[bool, ...]) -> None:
        flags = dict(zip(parameters, needed[len(arrays) :], strict=False))
        _warn_about_parameters(cell, [each for each in read if flags[each] and each not in given])

    passed = node(
        tuple(out_leaves[i] for i in out_arrays),
        (*(leaves[i] for i in arrays), *values, *(each._value for each in saved)),
        backward,
        differentiated,
        parameters,
    )
    return output_of(_merged(out_leaves, out_arrays, passed))


def is_array(leaf: Any) -> bool:
    """Return whether a leaf is a JAX array, traced or not."""
    return isinstance(leaf, jax.Array) or is_tracer(leaf)


def _tensors(tree: Any) -> list[Any]:
    return [leaf for leaf in _leaves(tree) if isinstance(leaf, Tensor) and not isinstance(leaf, Parameter)]


def _merged(leaves: list[Any], positions: list[int], values: Any) -> list[Any]:
    merged = list(leaves)
    for position, value in zip(positions, values, strict=True):
        merged[position] = value
    return merged


def _constant(value: Any) -> Any:
    # A Parameter is not replaced: construct may write it, and frames stop the gradients of reads.
    def stop(leaf: Any) -> Any:
        if isinstance(leaf, Parameter):
            return leaf
        if isinstance(leaf, Tensor):
            return wrap(jax.lax.stop_gradient(leaf._value))
        return jax.lax.stop_gradient(leaf) if is_array(leaf) else leaf

    return in_order_of(jax.tree.map(stop, value, is_leaf=lambda leaf: isinstance(leaf, Tensor)), value)


def _positional(
    cell: Any, construct: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the inputs of `bprop`, positional and with defaults, and their names."""
    bound = inspect.signature(construct).bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise CellError(
            f"{type(cell).__name__}: a Cell with `bprop` cannot take the keyword-only input(s) "
            f"{', '.join(bound.kwargs)}, because the inputs of bprop are positional. Make them positional in construct."
        )
    names: list[str] = []
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            names.extend(f"{name}[{i}]" for i in range(len(value)))
        elif kind is not inspect.Parameter.VAR_KEYWORD:
            names.append(name)
    return bound.args, tuple(names)


def _call(cell: Any, inputs: tuple[Any, ...], names: tuple[str, ...], out: Any, dout: Any) -> Any:
    try:
        return cell.bprop(*inputs, out, dout)
    except TypeError as error:
        signature = inspect.signature(cell.bprop)
        try:
            signature.bind(*inputs, out, dout)
        except TypeError:
            expected = ", ".join(("self", *(name.replace("[", "_").rstrip("]") for name in names), "out", "dout"))
            raise CellError(
                f"{type(cell).__name__}.bprop{signature} is called with the inputs of construct (defaults "
                f"included), the output and its gradient. Write `def bprop({expected})`."
            ) from error
        raise


def _checked(cell: Any, result: Any, inputs: tuple[Any, ...], names: tuple[str, ...]) -> list[Any]:
    """Return the result of `bprop` as one array or None for each array of the inputs."""
    where = f"{type(cell).__name__}.bprop"
    gradients = tuple(result) if isinstance(result, (tuple, list)) else (result,)
    if len(gradients) != len(inputs):
        raise CellError(
            f"{where} returned {len(gradients)} gradient(s), but construct has {len(inputs)} input(s): "
            f"{', '.join(names) or 'none'}. Return a tuple of one gradient for each input, in their order, and None "
            "for an input without gradient. A Parameter gets a gradient if it is an input of the Cell."
        )
    flat: list[Any] = []
    for name, value, gradient in zip(names, inputs, gradients, strict=True):
        leaves = [unwrap(leaf) for leaf in _leaves(value)]
        if isinstance(value, dict) and gradient is not None:
            keys = list(gradient) if isinstance(gradient, dict) else f"a {type(gradient).__name__}"
            if not isinstance(gradient, dict) or gradient.keys() != value.keys():
                raise CellError(f"{where}: the gradient of `{name}` must be a dict of {list(value)}, but got {keys}.")
        given = _leaves(gradient) if gradient is not None else [None] * len(leaves)
        if len(given) != len(leaves):
            raise CellError(
                f"{where}: the gradient of `{name}` must hold {len(leaves)} Tensor(s), as the input does, but got "
                f"{len(given)}."
            )
        flat.extend(_one(where, name, unwrap(g), leaf) for g, leaf in zip(given, leaves, strict=True) if is_array(leaf))
    return flat


def _leaves(value: Any) -> list[Any]:
    return jax.tree.leaves(value, is_leaf=lambda leaf: leaf is None or isinstance(leaf, Tensor))


def _one(where: str, name: str, gradient: Any, value: Any) -> Any:
    wanted = f"must be a Tensor of shape {value.shape} and dtype {value.dtype.name}, as the input is"
    if gradient is None:
        if context.get_context("check_bprop") and is_floating(value):
            raise CellError(f"{where}: the gradient of `{name}` {wanted}, but got None (check_bprop is on).")
        return None
    if not is_floating(value):
        return None
    if not is_array(gradient):
        raise CellError(
            f"{where}: the gradient of `{name}` {wanted}, but got {gradient!r} of type {type(gradient).__name__}. "
            "Use ops.zeros_like, or None for no gradient."
        )
    if gradient.shape != value.shape or gradient.dtype != value.dtype:
        raise CellError(
            f"{where}: the gradient of `{name}` {wanted}, but got shape {gradient.shape} and dtype "
            f"{gradient.dtype.name}. Sum over broadcast axes, or cast with .astype."
        )
    return gradient


def _warn_about_parameters(cell: Any, parameters: list[Parameter]) -> None:
    if parameters and not cell.__dict__.get("_warned_of_bprop"):
        cell.__dict__["_warned_of_bprop"] = True
        names = ", ".join(repr(each.name) for each in parameters)
        warn_user(
            f"{type(cell).__name__} defines `bprop`, and its construct reads the Parameter(s) {names}, whose gradient "
            "is requested. bprop returns only the gradients of the inputs, so these Parameters get none from this "
            "Cell, as in MindSpore. Pass them to the Cell as inputs, or set requires_grad=False.",
            GradientWarning,
        )
