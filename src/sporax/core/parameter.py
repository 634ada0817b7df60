"""Parameter: a Tensor with a name, an identity, and a value that lives through training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import jax
import numpy as np

from sporax._errors import ArgumentTypeError, DtypeError, ShapeError, StateError
from sporax._jax_compat import is_tracer, x64_scope
from sporax.core import _frames, _tensor_hooks
from sporax.core.tensor import Tensor, to_array, wrap

_DEFAULT_NAME = "Parameter"


class Lease(Protocol):
    """Who keeps a Parameter's value for a while (a training loop, on the device) and gives it back when asked."""

    def value_of(self, parameter: Parameter) -> Any:
        """The value now, in an array that nobody will overwrite."""
        ...

    def release(self) -> None:
        """Store the current value back into every leased Parameter."""
        ...


class Parameter(Tensor):
    """A Tensor that is state: a weight, a moving statistic, an optimizer slot, a loss scale, the random key.

    Args:
        default_input: the first value: a Tensor, an array or a number.
        name: its name. Default: the attribute it is assigned to in a Cell.
        requires_grad: whether training changes it.
        layerwise_parallel, parallel_optimizer: kept, as in MindSpore, for distributed training.

    Raises:
        ArgumentTypeError: the value is not numbers.

    Examples:
        >>> import numpy as np
        >>> Parameter(Tensor(np.ones((2, 1), np.float32)), name="w")
        Parameter (name=w, shape=(2, 1), dtype=Float32, requires_grad=True)

    Source: the class of the same name in MindSpore.
    """

    __slots__ = (
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
            # A Python int is int64 in a Tensor, but int32 in a Parameter, as in MindSpore.
            default_input = np.asarray(default_input, np.int32 if -(2**31) <= default_input < 2**31 else np.int64)
        # Also inside a trace, where JAX would otherwise stage the constant: a random key is made at its first use.
        with jax.ensure_compile_time_eval():
            value = to_array(default_input)
        if is_tracer(value):
            raise StateError(
                "Parameter: a Parameter cannot be made from a value that is being traced. Create Parameters in "
                "__init__, not in construct."
            )
        self._held: Any = value
        self._lease: Lease | None = None
        self._gradient_hooks: dict[int, Callable[[Tensor], Tensor | None]] = {}
        self.name = name or _DEFAULT_NAME
        self.layerwise_parallel = layerwise_parallel
        self.parallel_optimizer = parallel_optimizer
        # Whether a trace made this Parameter, and runs again to see whether it is kept (see run_framed).
        self._awaited = False
        if _frames.STATE.stack:
            _frames.note_creation(self)

    # --- value: every read and write goes through the frames --------------------------------------------------

    @property
    def _value(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        state = _frames.STATE
        value = _frames.read(self) if state.stack else self._concrete()
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
        _frames.write(self, value)

    def _rebind(self, value: Any) -> None:
        self._value = value

    def _follow(self) -> None:
        """A Parameter is no slice of another Tensor."""

    def __setitem__(self, index: Any, value: Any) -> None:
        # Inside a Cell in half precision the elements that are not written keep all their digits.
        with _frames.computing_in(None):
            super().__setitem__(index, value)

    def _concrete(self) -> Any:
        if self._held is None and self._lease is not None:
            return self._lease.value_of(self)
        return self._held

    def lend(self, lease: Lease, *, keep: bool) -> Any:
        """Hand the value to `lease`; with `keep` the Parameter still holds it too. Writing ends the lease."""
        if self._lease is not None and self._lease is not lease:
            self._lease.release()
        value = self._concrete()
        self._lease = lease
        if not keep:
            self._held = None
        return value

    def take_back(self, value: Any) -> None:
        """End the lease; `value` is what the Parameter holds from now on."""
        self._lease = None
        self._held = value

    def _store(self, value: Any) -> None:
        if self._lease is not None:
            self._lease.release()
        if is_tracer(value):
            if _frames.STATE.backward is not None:
                raise StateError(
                    f"Parameter {self.name!r} is written in the backward pass, by `bprop` or a hook, of a part that "
                    "runs inside recompute, ops.cond or a loop of ops (scan, fori_loop), which a new value cannot "
                    "leave. Call that part outside of them, or write the Parameter in construct."
                )
            raise StateError(
                f"Parameter {self.name!r} was given a value that is being traced by JAX, outside every transform "
                "of sporax. Use sporax.jit, sporax.grad and sporax.vmap, or sporax.functionalize, instead of "
                "calling jax.jit or jax.grad on code that changes Parameters."
            )
        self._held = value

    # --- MindSpore's methods ----------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether training changes this Parameter. It may be set at any time; compiled steps notice."""
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
        """The value as a plain Tensor."""
        return wrap(self._value)

    @property
    def has_init(self) -> bool:
        """Whether the value still waits for its initializer; sporax draws it at once, so never."""
        return False

    def init_data(self, *_: Any, **__: Any) -> Parameter:
        """This Parameter: its data were drawn when it was made."""
        return self

    def set_data(self, data: Any, slice_shape: bool = False) -> Parameter:
        """Change the value; the shape must stay, unless `slice_shape` is true, and the dtype may not narrow.

        Raises:
            ShapeError: the new shape differs.
            DtypeError: the new values are of a wider kind (float into int).
        """
        value = to_array(data)
        here = self._value
        if value.dtype.kind in "fcV" and here.dtype.kind in "iub":
            raise DtypeError(
                f"Parameter {self.name!r}: its dtype is {self.dtype}, and values of dtype {value.dtype.name} "
                f"would lose their fraction. Cast them first, with .astype(...)."
            )
        if slice_shape and value.shape != here.shape and not _frames.tracing():
            with x64_scope(True):
                self._store(value.astype(here.dtype))
        else:
            self._value = value
        return self

    assign_value = set_data

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> _tensor_hooks.TensorHookHandle:
        """Call `hook(grad)` with the gradient of this Parameter, where `grad` or a training step takes it.

        The gradient is the whole one, summed over all uses of the Parameter. What the hook returns, if not None,
        replaces it, and is what the caller, or the optimizer, gets.

        Args, Returns, Raises: as in `Tensor.register_hook`.
        """
        _tensor_hooks.check_hook(hook, "Parameter.register_hook")
        return _tensor_hooks.TensorHookHandle(self._gradient_hooks, hook)

    @property
    def _hook_functions(self) -> tuple[Callable[[Tensor], Tensor | None], ...]:
        """The hooks of `register_hook`, in order."""
        return tuple(self._gradient_hooks.values())

    def clone(self, init: Any = "same") -> Parameter:
        """A new Parameter of the same shape, dtype and flags.

        Args:
            init: "same" for the same values, a number, a Tensor, or the name of an initializer.
        """
        if isinstance(init, str) and init == "same":
            data = self._value
        else:
            from sporax.core.initializer import initializer

            data = initializer(init, self.shape, self.dtype)
        twin = Parameter(data, self.name, self.requires_grad, self.layerwise_parallel, self.parallel_optimizer)
        return twin

    def __str__(self) -> str:
        return (
            f"Parameter (name={self.name}, shape={self.shape}, dtype={self.dtype}, requires_grad={self.requires_grad})"
        )

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return (Parameter, (np.asarray(self._value), self.name, self.requires_grad))

    def __copy__(self) -> Parameter:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        return self.clone()


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
        """New Parameters named `prefix.name`.

        Args:
            prefix: what to put before each name.
            init: as in `Parameter.clone`.
        """
        twins = []
        for item in self:
            twin = item.clone(init)
            twin.name = f"{prefix}.{item.name}"
            twins.append(twin)
        return ParameterTuple(twins)


# Both leave a transformation as plain Tensors: what comes out of one has no identity.
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
