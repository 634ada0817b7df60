"""The tape of the recorded mode: nodes of operators with concrete values, and the backward pass through them.

Each call of a recordable function is a node: a compiled program returned its outputs and a pullback, a pytree with the
intermediate values that the gradient needs. The backward pass calls the pullbacks in reverse order, each through one
compiled function, and drops them on the way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sporax._jax_compat import quick_compile_options, x64_scope
from sporax.core import (
    STATE,
    Backward,
    Cell,
    LeaveRecording,
    Link,
    Parameter,
    Tensor,
    WeakNumber,
    computing_in,
    is_floating,
    set_link,
    wrap,
)
from sporax.transforms._cell_program import plan_call
from sporax.transforms._program import Output, Plan, Unplannable, program_for, restored

Array = Any
Parents = Sequence[tuple["Node", int]]


class Node:
    """The origin of recorded Tensors: a leaf (a differentiated input), or the outputs of a call.

    Args:
        parents: the node and output of each differentiated input.
        outputs: the floating arrays that it gave; only their shapes and dtypes are kept.
        pullback: from the gradients of the outputs to those of the differentiated inputs; None for a leaf.
        apply: calls the pullback of a compiled program; None for a function in Python.
    """

    __slots__ = ("apply", "gradients", "kinds", "parents", "pullback")

    def __init__(self, parents: Parents, outputs: Sequence[Array], pullback: Any = None, apply: Any = None) -> None:
        self.parents = parents
        self.kinds = tuple((each.shape, each.dtype) for each in outputs)
        self.pullback = pullback
        self.apply = apply
        self.gradients: list[Array | None] | None = None

    def add(self, index: int, gradient: Array) -> None:
        """Add to the gradient of an output."""
        if self.gradients is None:
            self.gradients = [None] * len(self.kinds)
        before = self.gradients[index]
        self.gradients[index] = gradient if before is None else _add(before, gradient)


@jax.jit
def _add(x: Array, y: Array) -> Array:
    return x + y


def _call(pullback: Any, gradients: tuple[Array, ...], absent: tuple[Any, ...] | None = None) -> tuple[Array, ...]:
    """Call a pullback.

    Args:
        pullback: the pullback.
        gradients: the gradients of the outputs that have one.
        absent: for each output the shape and dtype if it has no gradient, otherwise None. Default: all have one.
    """
    return pullback(gradients if absent is None else _dense(gradients, absent))[0]


@functools.cache
def _compiled_call(quick: bool) -> Any:
    """Return `_call` as a compiled function, which shares programs between pullbacks of one structure."""
    return jax.jit(_call, static_argnums=2, compiler_options=quick_compile_options() if quick else None)


@functools.lru_cache(maxsize=64)
def _kept_ones(shape: tuple[int, ...], dtype: Any) -> Array:
    return jnp.ones(shape, dtype)


def ones_like(array: Array) -> Array:
    """Return ones; small arrays are kept, because JAX takes longer to make them than a small program to run."""
    return _kept_ones(array.shape, array.dtype) if array.size <= 4096 else jnp.ones(array.shape, array.dtype)


def _dense(gradients: tuple[Array, ...], absent: tuple[Any, ...]) -> tuple[Array, ...]:
    given = iter(gradients)
    return tuple(next(given) if kind is None else jnp.zeros(*kind) for kind in absent)


class Tape:
    """A recording of eager operators.

    Args:
        parameters: the Parameters with respect to which to differentiate.
    """

    def __init__(self, parameters: Sequence[Parameter] = ()) -> None:
        self.ended = False
        self.nodes: list[Node] = []
        self.leaves = {each: Node((), (each._concrete(),)) for each in parameters}
        self._links = {each: Link(each._concrete(), self, node, 0) for each, node in self.leaves.items()}
        """The current value of each Parameter that depends on a differentiated one."""
        self._undo: list[Callable[[], None]] = []

    # --- entering and leaving ---------------------------------------------------------------------------------

    def __enter__(self) -> Tape:
        STATE.tape = STATE.recording = self
        return self

    def __exit__(self, *_: Any) -> None:
        STATE.tape = STATE.recording = None
        self.ended = True

    def leaf(self, array: Array) -> tuple[Tensor, Node]:
        """Return a recorded Tensor of a differentiated input, and its node."""
        node = Node((), (array,))
        return self._linked(array, node, 0), node

    def undo(self) -> None:
        """Undo all writes to Parameters and Tensors since the tape was entered."""
        while self._undo:
            self._undo.pop()()

    def leave(self, reason: str) -> Any:
        """Stop recording; the gradient is computed by tracing.

        Raises:
            LeaveRecording: always.
        """
        raise LeaveRecording(self, reason)

    # --- called by core ---------------------------------------------------------------------------------------

    def note_read(self, parameter: Parameter) -> None:
        """Leave if code that is not recordable reads a Parameter that is differentiated."""
        if parameter in self._links:
            self.leave(f"code that is not an operator of sporax reads the Parameter {parameter.name!r}")

    def note_write(self, parameter: Parameter) -> None:
        """Note that a Parameter is about to be written with a constant."""
        before, link = parameter._concrete(), self._links.pop(parameter, None)

        def undo() -> None:
            parameter._store(before)
            if link is not None:
                self._links[parameter] = link

        self._undo.append(undo)

    def assign(self, parameter: Parameter, value: Tensor) -> None:
        """Write a recorded Tensor to a Parameter."""
        if value.dtype != parameter.dtype and value.shape == parameter.shape:
            value = value.astype(parameter.dtype)
        link = self._link_of(value)
        assert link is not None
        parameter._value = link.array
        self._links[parameter] = link

    def rebind(self, tensor: Tensor, value: Any) -> None:
        """Replace the array of a Tensor.

        Args:
            tensor: the Tensor.
            value: an array, or a Tensor, which may be recorded.
        """
        before, link = tensor._array, tensor._link
        self._undo.append(functools.partial(_hold, tensor, before, link))
        new = getattr(value, "_link", None)
        _hold(tensor, value._array if isinstance(value, Tensor) else value, new)

    def suspended(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function without recording it. It must not compute with recorded values."""
        STATE.tape = None
        try:
            return function(*args, **kwargs)
        finally:
            STATE.tape = self

    # --- recording --------------------------------------------------------------------------------------------

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a recordable function."""
        plan = Plan()
        try:
            plan.add(args)
            plan.add(kwargs)
        except Unplannable:
            # Such as a function that is applied to Tensors: what it calls is recorded.
            return function(*_without_marks(args), **kwargs)
        return self.run(function, function, plan, args, kwargs)

    def call_cell(self, cell: Cell, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a Cell: a built-in layer or loss as one node, any other Cell by its construct."""
        plan = plan_call(cell, args, kwargs)
        if plan is None:
            return cell._compute(args, kwargs)
        return self.run(type(cell), lambda *args, **kwargs: cell._compute(args, kwargs), plan, args, kwargs)

    def run(
        self, owner: Any, function: Callable[..., Any], plan: Plan, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a function of which a plan was made; see `program_for`."""
        arrays: list[Array] = []
        parents: list[tuple[Node, int]] = []
        flags: list[bool] = []
        for leaf in plan.leaves:
            link = self._link_of(leaf)
            if link is not None:
                flags.append(True)
                arrays.append(link.array)
                parents.append((link.node, link.index))
            else:
                flags.append(False)
                arrays.append(_array_of(leaf))
        if not parents:
            return self.suspended(function, _without_marks(args), kwargs)
        program = program_for(owner, args, kwargs, plan, tuple(flags))
        for parameter in program.state:
            self.note_read(parameter)
        floating, rest, pullback = program(function, plan.leaves, arrays)
        node = Node(parents, floating, pullback, None if program.eager else _compiled_call(program.quick))
        self.nodes.append(node)
        outputs = program.outputs
        if type(outputs) is Output and outputs.floating and outputs.tensor:
            result = self._linked(floating[outputs.index], node, outputs.index)
        else:

            def make(output: Output) -> Any:
                array = output.array(floating, rest)
                if not output.tensor:
                    self.leave("an operator returned a JAX array")
                return self._linked(array, node, output.index) if output.floating else wrap(array)

            result = restored(outputs, plan.leaves, make)
        if program.rebound or program.written:
            self._write(program, plan, floating, rest, node)
        return result

    def _write(self, program: Any, plan: Plan, floating: Any, rest: Any, node: Node) -> None:
        """Write what a program wrote to Parameters, and to Tensors among its arguments."""
        for index, output in program.rebound:
            new = self._linked(floating[output.index], node, output.index) if output.floating else rest[output.index]
            plan.leaves[index]._rebind(new)
        for owner, output in program.written:
            parameter = plan.leaves[owner] if isinstance(owner, int) else owner
            with computing_in(None):
                if output.floating:
                    self.assign(parameter, self._linked(floating[output.index], node, output.index))
                else:
                    parameter._value = rest[output.index]

    def gradient_node(
        self, outputs: Sequence[Tensor], inputs: Sequence[Tensor], backward: Backward
    ) -> tuple[Tensor, ...]:
        """Return Tensors whose gradients are computed in Python; see `tensor_node`."""
        links = [self._link_of(each) for each in (*outputs, *inputs)]
        if not any(links):
            return tuple(outputs)
        arrays = tuple(each._array for each in outputs)
        node = self._python_node(arrays, tuple(each._array for each in inputs), links, backward)
        return self._outputs(arrays, node)

    def record(
        self, outputs: Sequence[Array], inputs: Sequence[Array], owners: Sequence[Any], backward: Backward
    ) -> tuple[Tensor, ...]:
        """Return Tensors of arrays that were computed without the tape, and whose gradient is computed in Python.

        Args:
            outputs, inputs, backward: see `gradient_node`; the outputs get no gradient.
            owners: the Tensor or Parameter of each of the first inputs; the other inputs are constants.
        """
        links = [self._link_of(each) for each in owners]
        if not any(links):
            return tuple(map(wrap, outputs))
        links = [*(None for _ in outputs), *links, *(None for _ in range(len(inputs) - len(owners)))]
        return self._outputs(outputs, self._python_node(outputs, inputs, links, backward))

    def _outputs(self, arrays: Sequence[Array], node: Node) -> tuple[Tensor, ...]:
        positions = iter(range(len(arrays)))
        return tuple(self._linked(each, node, next(positions)) if is_floating(each) else wrap(each) for each in arrays)

    def values_of_parameters(self) -> dict[Parameter, Array]:
        """Return the values of the Parameters that depend on a differentiated input."""
        return {parameter: link.array for parameter, link in self._links.items()}

    def node_after(self, link: Link, backward: Backward) -> Link:
        """Return the link of a value after a node on it."""
        return Link(link.array, self, self._python_node((link.array,), (), [link], backward), 0)

    def _python_node(self, outputs: Any, inputs: Any, links: Sequence[Link | None], backward: Backward) -> Node:
        needed = tuple(each is not None for each in links[len(outputs) :])

        def pullback(gradients: tuple[Array, ...]) -> Any:
            given = iter(gradients)
            dense = tuple(next(given) if is_floating(each) else jnp.zeros(each.shape, each.dtype) for each in outputs)
            by_output, by_input = backward(outputs, inputs, dense, needed)
            results = (*(by_output or (None,) * len(outputs)), *(by_input or (None,) * len(inputs)))
            return (tuple(each for each, link in zip(results, links, strict=True) if link is not None),)

        parents = [(each.node, each.index) for each in links if each is not None]
        node = Node(parents, [each for each in outputs if is_floating(each)], pullback)
        self.nodes.append(node)
        return node

    def _linked(self, array: Array, node: Node, index: int) -> Tensor:
        tensor = object.__new__(Tensor)
        tensor._link = Link(array, self, node, index)
        return tensor

    def _link_of(self, leaf: Any) -> Link | None:
        kind = type(leaf)
        if kind is Tensor:
            link = leaf._link
            if link is None or link.tape is self:
                return link
            if not link.tape.ended:
                link.tape.leave("a tape inside another one")
            return None
        return self._links.get(leaf) if kind is Parameter else None

    def depends(self, value: Any) -> bool:
        """Return whether a Tensor or Parameter depends on a differentiated input."""
        return self._link_of(value) is not None

    # --- backward pass ----------------------------------------------------------------------------------------

    def backward(self) -> None:
        """Run the backward pass from the gradients that the nodes have, to the leaves. It empties the tape."""
        nodes, self.nodes = self.nodes, []
        with x64_scope(True):
            while nodes:
                node = nodes.pop()
                gradients, pullback = node.gradients, node.pullback
                node.pullback = node.gradients = None
                if gradients is None:
                    continue
                apply = node.apply or _call
                if all(each is not None for each in gradients):
                    results = apply(pullback, tuple(gradients))
                else:
                    pairs = zip(gradients, node.kinds, strict=True)
                    absent = tuple(kind if each is None else None for each, kind in pairs)
                    results = apply(pullback, tuple(each for each in gradients if each is not None), absent)
                for (parent, index), gradient in zip(node.parents, results, strict=True):
                    if gradient is not None:
                        parent.add(index, gradient)
                node.parents = ()

    def gradient_of(self, node: Node) -> Array:
        """Return the gradient of a leaf."""
        (kind,) = node.kinds
        gradient = None if node.gradients is None else node.gradients[0]
        return jnp.zeros(*kind) if gradient is None else gradient


def _array_of(leaf: Any) -> Any:
    if isinstance(leaf, Parameter):
        return leaf._concrete()
    return leaf._value if isinstance(leaf, Tensor) else leaf


def _hold(tensor: Tensor, array: Array, link: Link | None) -> None:
    """Let a Tensor hold an array, or be recorded with a link."""
    if link is not None and not link.tape.ended:
        set_link(tensor, link)
        return
    tensor._value = array
    tensor._link = None


def _without_marks(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments with the numbers of `WeakNumber`s, also in tuples among them."""
    return tuple(
        each.value if type(each) is WeakNumber else _without_marks(each) if type(each) is tuple else each
        for each in args
    )
