"""Parameter: a Tensor with a name and an identity, whose value changes in training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import jax
import numpy as np

from sporax._errors import ArgumentTypeError, DtypeError, ShapeError, StateError
from sporax._jax_compat import is_tracer, x64_scope
from sporax.core import _frames, _tensor_hooks
from sporax.core._recording import link_of, recordable
from sporax.core.initializer import initializer
from sporax.core.tensor import Tensor, to_array, wrap

_DEFAULT_NAME = "Parameter"


class Lease(Protocol):
    """A temporary owner of Parameters' values: a training loop, which keeps them on the device between steps."""

    def value_of(self, parameter: Parameter) -> Any:
        """Return the current value, in an array that is not donated or overwritten."""
        ...

    def release(self) -> None:
        """Store the current values in all leased Parameters."""
        ...


class Parameter(Tensor):
    """A Tensor that is state: a weight, a moving statistic, an optimizer slot, a loss scale, the random key.

    Args:
        default_input: the initial value: a Tensor, an array or a number.
        name: its name. Default: the attribute it is assigned to in a Cell.
        requires_grad: whether training changes it.
        layerwise_parallel, parallel_optimizer: stored, as in MindSpore, for distributed training.

    Raises:
        ArgumentTypeError: the value is not numeric.

    Examples:
        >>> import numpy as np
        >>> Parameter(Tensor(np.ones((2, 1), np.float32)), name="w")
        Parameter (name=w, shape=(2, 1), dtype=Float32, requires_grad=True)

    Source: the class of the same name in MindSpore.
    """

    __slots__ = (
        "_assumed_constant",
        "_awaited",
        "_gradient_hooks",
        "_held",
        "_lease",
        "_requires_grad",
        "layerwise_parallel",
        "name",
        "parallel_optimizer",
    )

    def __init__(
        self,
        default_input: Any,
        name: str | None = None,
        requires_grad: bool = True,
        layerwise_parallel: bool = False,
        parallel_optimizer: bool = True,
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise ArgumentTypeError(f"Parameter: `name` must be a str, but got {name!r} of type {type(name).__name__}.")
        self._requires_grad: bool | None = None
        self.requires_grad = requires_grad
        if isinstance(default_input, int) and not isinstance(default_input, bool):
            # As in MindSpore, a Python int gives an int64 Tensor but an int32 Parameter.
            default_input = np.asarray(default_input, np.int32 if -(2**31) <= default_input < 2**31 else np.int64)
        # JAX would stage the constant inside a trace, where a random key may be created at its first use.
        with jax.ensure_compile_time_eval():
            value = to_array(default_input)
        if is_tracer(value):
            raise StateError(
                "Parameter: a Parameter cannot be created from a traced value. Create Parameters in "
                "__init__, not in construct."
            )
        self._held: Any = value
        self._link = None
        self._lease: Lease | None = None
        self._gradient_hooks: dict[int, Callable[[Tensor], Tensor | None]] = {}
        self.name = name or _DEFAULT_NAME
        self.layerwise_parallel = layerwise_parallel
        self.parallel_optimizer = parallel_optimizer
        # Whether it was created in a trace that runs again to find out whether it is kept (see run_framed).
        self._awaited = False
        # Whether programs may assume that it keeps its value; they have a guard for this. A write ends it.
        self._assumed_constant = False
        if _frames.STATE.stack:
            _frames.note_creation(self)

    # --- value: every read and write goes through the frames --------------------------------------------------

    @property
    def _value(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        state = _frames.STATE
        if state.stack:
            value = _frames.read(self)
        else:
            if state.recording is not None:
                state.recording.note_read(self)
            value = self._concrete()
        cast = state.compute_dtype
        if cast is not None and value.dtype != cast and value.dtype.kind in "fV":
            return value.astype(cast)
        return value

    @_value.setter
    def _value(self, value: Any) -> None:
        current = self._concrete()
        if value.shape != current.shape:
            raise ShapeError(
                f"Parameter {self.name!r}: its shape is {current.shape}, but the new value has shape "
                f"{value.shape}. A Parameter keeps its shape."
            )
        if value.dtype != current.dtype:
            with x64_scope(True):
                value = value.astype(current.dtype)
        if self._assumed_constant and (is_tracer(value) or not np.array_equal(value, current)):
            self._assume_changes()
        _frames.write(self, value)

    def _assume_changes(self) -> None:
        """Repeat the traces that assume that the value is constant."""
        if self._assumed_constant:
            self._assumed_constant = False
            _frames.REVISION.count += 1

    @property
    def _array(self) -> Any:
        state = _frames.STATE
        return self._concrete() if not state.stack and state.recording is not None else self._value

    def _rebind(self, value: Any) -> None:
        if link_of(value) is not None:
            _frames.STATE.recording.assign(self, value)
        else:
            self._value = value

    def _follow(self) -> None:
        """Do nothing: a Parameter is not a slice of another Tensor."""

    def __setitem__(self, index: Any, value: Any) -> None:
        # Inside a Cell in half precision, the elements that are not written keep their full precision.
        with _frames.computing_in(None):
            super().__setitem__(index, value)

    def _concrete(self) -> Any:
        if self._held is None and self._lease is not None:
            return self._lease.value_of(self)
        return self._held

    def lend(self, lease: Lease, *, keep: bool) -> Any:
        """Give the value to `lease`; with `keep` the Parameter holds it too. A write ends the lease."""
        if self._lease is not None and self._lease is not lease:
            self._lease.release()
        value = self._concrete()
        self._lease = lease
        if not keep:
            self._held = None
        return value

    def take_back(self, value: Any) -> None:
        """End the lease and store `value`."""
        self._lease = None
        self._held = value

    def _store(self, value: Any) -> None:
        if self._lease is not None:
            self._lease.release()
        if is_tracer(value):
            if _frames.STATE.backward is not None:
                raise StateError(
                    f"Parameter {self.name!r} is written by `bprop` or a hook in the backward pass of code inside "
                    "recompute, ops.cond or a loop of ops (scan, fori_loop), which cannot return the new value. "
                    "Call that code outside of them, or write the Parameter in construct."
                )
            raise StateError(
                f"Parameter {self.name!r} was given a value that is being traced by JAX, outside the transforms of "
                "sporax. Use sporax.jit, sporax.grad and sporax.vmap, or sporax.functionalize, instead of calling "
                "jax.jit or jax.grad on code that changes Parameters."
            )
        self._held = value

    # --- MindSpore's methods ----------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether training changes this Parameter. A change applies to compiled steps too."""
        return bool(self._requires_grad)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise ArgumentTypeError(f"Parameter: `requires_grad` must be a bool, but got {value!r}.")
        if self._requires_grad is not None and self._requires_grad is not value:
            _frames.REVISION.count += 1
        self._requires_grad = value

    @property
    def data(self) -> Parameter:
        """This Parameter."""
        return self

    def value(self) -> Tensor:
        """Return the value as a plain Tensor."""
        return _value_as_tensor(self)

    @property
    def has_init(self) -> bool:
        """Always False: sporax initializes the value immediately."""
        return False

    def init_data(self, *_: Any, **__: Any) -> Parameter:
        """Return this Parameter, which was initialized when it was created."""
        return self

    def set_data(self, data: Any, slice_shape: bool = False) -> Parameter:
        """Set the value; the shape stays the same, unless `slice_shape` is true, and so does the dtype.

        Raises:
            ShapeError: the new shape differs.
            DtypeError: the new values are floating or complex and the Parameter is integer or bool.
        """
        recorded = link_of(data) is not None
        value = data._array if recorded else to_array(data)
        here = self._array
        if value.dtype.kind in "fcV" and here.dtype.kind in "iub":
            raise DtypeError(
                f"Parameter {self.name!r}: its dtype is {self.dtype}, and values of dtype {value.dtype.name} "
                f"would lose their fractional parts. Cast them first, with .astype(...)."
            )
        if slice_shape and value.shape != here.shape and not _frames.tracing():
            self._assume_changes()
            with x64_scope(True):
                self._store(value.astype(here.dtype))
        else:
            self._rebind(data if recorded else value)
        return self

    assign_value = set_data

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> _tensor_hooks.TensorHookHandle:
        """Call `hook(grad)` with the gradient of this Parameter when `grad` or a training step computes it.

        The gradient is summed over all uses of the Parameter. A result other than None replaces it for the caller or
        the optimizer.

        Args, Returns, Raises: as in `Tensor.register_hook`.
        """
        _tensor_hooks.check_hook(hook, "Parameter.register_hook")
        return _tensor_hooks.TensorHookHandle(self._gradient_hooks, hook)

    @property
    def _hook_functions(self) -> tuple[Callable[[Tensor], Tensor | None], ...]:
        """The hooks of `register_hook`, in order."""
        return tuple(self._gradient_hooks.values())

    def clone(self, init: Any = "same") -> Parameter:
        """Return a new Parameter of the same shape, dtype and flags.

        Args:
            init: "same" for the same values, a number, a Tensor, or the name of an initializer.
        """
        if isinstance(init, str) and init == "same":
            data = self._value
        else:
            data = initializer(init, self.shape, self.dtype)
        return Parameter(data, self.name, self.requires_grad, self.layerwise_parallel, self.parallel_optimizer)

    def __str__(self) -> str:
        return (
            f"Parameter (name={self.name}, shape={self.shape}, dtype={self.dtype}, requires_grad={self.requires_grad})"
        )

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return (Parameter, (np.asarray(self._array), self.name, self.requires_grad))

    def __copy__(self) -> Parameter:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        return self.clone()


@recordable
def _value_as_tensor(parameter: Parameter) -> Tensor:
    return wrap(parameter._value)


class ParameterTuple(tuple[Parameter, ...]):
    """A tuple of Parameters.

    Raises:
        ArgumentTypeError: an element is not a Parameter.

    Examples:
        >>> ParameterTuple([Parameter(Tensor(1.0), name="w")])[0].name
        'w'
    """

    def __new__(cls, iterable: Iterable[Parameter]) -> ParameterTuple:
        items = tuple(iterable)
        for item in items:
            if not isinstance(item, Parameter):
                raise ArgumentTypeError(
                    f"ParameterTuple: every element must be a Parameter, but got {item!r} "
                    f"of type {type(item).__name__}."
                )
        return super().__new__(cls, items)

    def clone(self, prefix: str, init: Any = "same") -> ParameterTuple:
        """Return new Parameters named `prefix.name`.

        Args:
            prefix: the prefix of each name.
            init: as in `Parameter.clone`.
        """
        clones = []
        for item in self:
            clone = item.clone(init)
            clone.name = f"{prefix}.{item.name}"
            clones.append(clone)
        return ParameterTuple(clones)


# A transformation returns both as plain Tensors: its outputs have no identity.
jax.tree_util.register_pytree_node(
    Parameter,
    lambda parameter: ((parameter._value,), None),
    lambda _, children: wrap(children[0]),  # pyright: ignore[reportArgumentType]
)
jax.tree_util.register_pytree_node(
    ParameterTuple,
    lambda items: (tuple(items), None),
    lambda _, items: tuple(items),  # pyright: ignore[reportArgumentType]
)
