"""Compiled control flow: cond, while_loop, fori_loop, scan. Their functions may read and write Parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from sporax._errors import ShapeError, StateError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, in_order_of, unwrap, wrap
from sporax.transforms._functional import discover, run_framed, values_of

__all__ = ["cond", "fori_loop", "scan", "while_loop"]


def _written_by(function: Callable[..., Any], *args: Any) -> tuple[Parameter, ...]:
    """Return the Parameters that `function` uses, which are carried through the loop or the branch."""
    return tuple(discover(function, args, {}))


def _carrying(
    function: Callable[..., Any], parameters: tuple[Parameter, ...], examples: tuple[Any, ...], outputs: list[Any]
) -> Callable[..., tuple[Any, tuple[Any, ...]]]:
    """Return `function` with the values of the Parameters as input and output.

    Its inputs have the order of the dicts in `examples`. Its output in the trace is appended to `outputs`.
    """

    def pure(values: tuple[Any, ...], *args: Any) -> tuple[Any, tuple[Any, ...]]:
        bound = dict(zip(parameters, values, strict=True))
        given = in_order_of(args, examples)
        output, written, _ = run_framed(lambda: function(*given), bound, discovers=False)
        outputs.append(output)
        bound.update(zip(written.parameters, written.values, strict=True))
        return output, tuple(bound[p] for p in parameters)

    return pure


def _commit(parameters: tuple[Parameter, ...], before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
    for parameter, old, new in zip(parameters, before, after, strict=True):
        if new is not old:
            parameter._value = new


def _arrays(tree: Any) -> Any:
    arrays = jax.tree.map(
        lambda leaf: leaf if isinstance(leaf, Tensor) else wrap(jnp.asarray(leaf)),
        tree,
        is_leaf=lambda leaf: isinstance(leaf, Tensor),
    )
    return in_order_of(arrays, tree)


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """Return `true_fun(*operands)` if `pred` is true, else `false_fun(*operands)`; also in compiled code.

    Args:
        pred: a bool, or a Tensor with one element.
        true_fun, false_fun: functions of the operands that return the same structure, shapes and dtypes.
        operands: Tensors.

    Returns:
        The output of the selected function.

    Examples:
        >>> from sporax import Tensor, ops
        >>> print(ops.cond(Tensor(2.0) > 1, lambda x: x * 10, lambda x: x, Tensor(3.0)))
        30.0

    Source: `jax.lax.cond`.
    """
    with x64_scope(True):
        parameters = tuple(dict.fromkeys(_written_by(true_fun, *operands) + _written_by(false_fun, *operands)))
        before = values_of(parameters)
        predicate = jnp.reshape(jnp.asarray(unwrap(pred)), ()).astype(bool)
        outputs: list[Any] = []
        branches = [_carrying(each, parameters, operands, outputs) for each in (true_fun, false_fun)]
        output, after = jax.lax.cond(predicate, *branches, before, *operands)
        _commit(parameters, before, after)
    return in_order_of(output, outputs[0])


def while_loop(cond_func: Callable[[Any], Any], loop_func: Callable[[Any], Any], init_val: Any) -> Any:
    """Repeat `val = loop_func(val)` while `cond_func(val)` is true; also in compiled code.

    Args:
        cond_func: a function of the value that returns a bool Tensor with one element. It may read Parameters, but not
            write them.
        loop_func: a function of the value that returns the next value, of the same structure, shapes and dtypes.
        init_val: the initial value, a Tensor or a tree of Tensors.

    Returns:
        The last value.

    Raises:
        StateError: `cond_func` writes a Parameter, or draws a random number.

    Examples:
        >>> from sporax import Tensor, ops
        >>> print(ops.while_loop(lambda x: x < 100, lambda x: x * 2, Tensor(3.0)))
        192.0

    Source: `ops.while_loop` of MindSpore; `jax.lax.while_loop`. As in these, reverse-mode differentiation
    is not supported.
    """
    with x64_scope(True):
        start = _arrays(init_val)
        parameters = _written_by(loop_func, start)
        before = values_of(parameters)
        body = _carrying(loop_func, parameters, (start,), [])

        def test(carry: Any) -> Any:
            values, state = carry
            bound = dict(zip(parameters, state, strict=True))
            given = in_order_of(values, start)
            output, written, _ = run_framed(lambda: cond_func(given), bound, discovers=False)
            if written.parameters:
                raise StateError(
                    "while_loop: `cond_func` writes the Parameter(s) "
                    f"{', '.join(repr(each.name) for each in written.parameters)}, whose new values would be lost. "
                    "Write Parameters and draw random numbers in `loop_func`."
                )
            return jnp.reshape(jnp.asarray(unwrap(output)), ()).astype(bool)

        output, after = jax.lax.while_loop(test, lambda carry: body(carry[1], carry[0]), (start, before))
        _commit(parameters, before, after)
    return in_order_of(output, start)


def fori_loop(lower: Any, upper: Any, loop_func: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Repeat `val = loop_func(i, val)` for i in [lower, upper); also in compiled code.

    Args:
        lower, upper: integers, or Tensors with one integer.
        loop_func: a function of the index and the value that returns the next value, of the same structure, shapes and
            dtypes.
        init_val: the initial value, a Tensor or a tree of Tensors.

    Returns:
        The last value.

    Examples:
        >>> from sporax import Tensor, ops
        >>> print(ops.fori_loop(0, 4, lambda i, x: x + i, Tensor(0.0)))
        6.0

    Source: `ops.ForiLoop` of MindSpore; `jax.lax.fori_loop`.
    """
    with x64_scope(True):
        start, index = _arrays(init_val), wrap(jnp.asarray(0))
        parameters = _written_by(loop_func, index, start)
        before = values_of(parameters)
        body = _carrying(loop_func, parameters, (index, start), [])
        output, after = jax.lax.fori_loop(
            unwrap(lower), unwrap(upper), lambda i, carry: body(carry[1], wrap(i), carry[0]), (start, before)
        )
        _commit(parameters, before, after)
    return in_order_of(output, start)


def _element(row: Any) -> Any:
    """Return an element along the scanned axis; only its shape and dtype are used."""
    return row[0] if row.shape[0] else jnp.zeros(row.shape[1:], row.dtype)


def _check_rows(rows: list[Any], length: int | None) -> None:
    shapes = [each.shape for each in rows]
    lengths = {shape[0] for shape in shapes if shape} | ({length} if length is not None else set())
    if not all(shapes) or len(lengths) > 1:
        expected = "" if length is None else f", {length} as given by `length`"
        raise ShapeError(
            f"scan: the arrays of `xs` must have a first axis of one length{expected}, but their shapes are {shapes}. "
            "Stack the elements of a list with ops.stack, or use ops.Scan, which iterates over a list."
        )


def scan(
    loop_func: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None = None,
    loop_unroll: bool | int = False,
) -> tuple[Any, Any]:
    """Apply `carry, y = loop_func(carry, x)` along the first axis of `xs`, and stack the ys; also in compiled code.

    Args:
        loop_func: a function of the carry and an element that returns the next carry and an output.
        init: the initial carry.
        xs: a Tensor or a tree of Tensors with first axes of equal length, or None with `length`. A list or tuple is a
            tree, whose Tensors are scanned in parallel; `ops.Scan` iterates over its elements.
        length: the number of steps, if `xs` is None.
        loop_unroll: the number of steps to unroll; True for all.

    Returns:
        The last carry and the stacked outputs.

    Raises:
        ShapeError: an array of `xs` has no axis, or the lengths differ.

    Examples:
        >>> from sporax import Tensor, ops
        >>> last, sums = ops.scan(lambda c, x: (c + x, c + x), Tensor(0.0), Tensor([1.0, 2.0, 3.0]))
        >>> print(last, sums)
        6.0 [1. 3. 6.]

    Source: `ops.Scan` of MindSpore; `jax.lax.scan`.
    """
    with x64_scope(True):
        start, rows = _arrays(init), _arrays(xs)
        _check_rows(jax.tree.leaves(rows), length)
        first = jax.tree.map(_element, rows)
        outputs: list[Any] = []
        parameters = _written_by(loop_func, start, first)
        before = values_of(parameters)
        body = _carrying(loop_func, parameters, (start, rows), outputs)

        def step(carry: Any, row: Any) -> Any:
            (next_carry, output), state = body(carry[1], carry[0], row)
            return (next_carry, state), output

        unroll = loop_unroll if isinstance(loop_unroll, bool) else int(loop_unroll)
        (output, after), stacked = jax.lax.scan(step, (start, before), rows, length=length, unroll=unroll)
        _commit(parameters, before, after)
    return in_order_of((output, stacked), (start, outputs[0][1]))
