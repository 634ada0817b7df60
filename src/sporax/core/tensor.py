"""Tensor: a thin holder of one `jax.Array`, with its data, operators and indexing.

`sporax.ops` adds the methods that are ops (`x.sum()`, `x.reshape(...)`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax._jax_compat import is_tracer, x64_scope
from sporax.core import _arith, _format, _frames, _indexing, _recording, _slices
from sporax.core._host_array import host_array
from sporax.core._recording import recordable
from sporax.core._tensor_hooks import TensorHookHandle, register
from sporax.core.dtype import DType, as_dtype, from_numpy_dtype, pytype_to_dtype

_NUMBERS = (bool, int, float, complex)


def to_array(data: Any, dtype: DType | None = None) -> jax.Array:
    """Return a `jax.Array` of `data`; Python floats give float32, Python ints int64, and arrays keep their dtype.

    Raises:
        ArgumentTypeError: `data` is neither an array nor a number or nested sequence of numbers.
    """
    wanted = None if dtype is None else dtype.dtype
    if isinstance(data, Tensor):
        data = data._value
    if isinstance(data, jax.Array) or is_tracer(data):
        if wanted is None or data.dtype == wanted:
            return data
        with x64_scope(True):
            return data.astype(wanted)
    array = host_array(data)
    if wanted is not None and array.dtype != wanted:
        array = array.astype(wanted)
    elif wanted is None and array.dtype == np.float64 and not isinstance(data, (np.ndarray, np.generic)):
        array = array.astype(np.float32)
    # A copy, because JAX may alias NumPy memory, which the caller can change. jnp.array would compile a program.
    with x64_scope(True):
        if not _frames.STATE.stack:
            return jax.device_put(np.array(array))
        # Not staged in a trace: the values are concrete, and a Parameter may be created from them.
        with jax.ensure_compile_time_eval():
            return jax.device_put(np.array(array))


def copied(value: Any) -> Any:
    """Return a copy of an array on the same devices; jnp.copy would compile a program for each shape."""
    if not isinstance(value, jax.Array) or is_tracer(value):
        return value
    return jax.device_put(value, value.sharding if value.committed else None, may_alias=False)


def wrap(value: Any) -> Tensor:
    """Return a Tensor that holds `value`, a JAX array, without conversion."""
    tensor = object.__new__(Tensor)
    tensor._value = value
    tensor._link = None
    return tensor


def unwrap(value: Any) -> Any:
    """Return the array of a Tensor, a NumPy scalar as a Python number, and any other value unchanged."""
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, np.generic):
        return value.item()
    return value


def _operand(value: Any) -> Any:
    """Return the other operand of a binary operator, or NotImplemented."""
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, np.generic):
        # Before the Python numbers: np.float64 is a subclass of float, but would widen a float32 Tensor.
        return value.item()
    if isinstance(value, (*_NUMBERS, jax.Array)) or is_tracer(value):
        return value
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (list, tuple)):
        return to_array(value)
    return NotImplemented


def _binary(function: Callable[[Any, Any], Any], name: str) -> tuple[Any, Any]:
    def compute(self: Tensor, other: Any) -> Any:
        right = _operand(other)
        if right is NotImplemented:
            return NotImplemented
        try:
            with x64_scope(True):
                return wrap(function(self._value, right))
        except TypeError as error:
            raise _arith.explained(name, self._value, right, error) from error

    def compute_reflected(self: Tensor, other: Any) -> Any:
        left = _operand(other)
        if left is NotImplemented:
            return NotImplemented
        try:
            with x64_scope(True):
                return wrap(function(left, self._value))
        except TypeError as error:
            raise _arith.explained(name, left, self._value, error) from error

    def forward(self: Tensor, other: Any) -> Any:
        tape = _frames.STATE.tape
        return compute(self, other) if tape is None else tape.call(compute, (self, weak(self, other)), {})

    def reflected(self: Tensor, other: Any) -> Any:
        tape = _frames.STATE.tape
        if tape is None:
            return compute_reflected(self, other)
        return tape.call(compute_reflected, (self, weak(self, other)), {})

    weak = _weak if name in _WEAKLY_TYPED else _unchanged
    forward.__name__, reflected.__name__ = f"__{name}__", f"__r{name}__"
    return forward, reflected


_WEAKLY_TYPED = ("add", "sub", "mul", "truediv")
"""Operators for which a number next to a floating Tensor only needs the dtype of the Tensor."""


def _weak(tensor: Tensor, other: Any) -> Any:
    """Return a number as an argument of a recorded program, so that one program serves all numbers."""
    if isinstance(other, np.generic):
        other = other.item()
    if type(other) in (float, int) and tensor._array.dtype.kind in "fV" and abs(other) < 2**31:
        return _recording.WeakNumber(other)
    return other


def _unchanged(_: Tensor, other: Any) -> Any:
    return other


def _unary(function: Callable[[Any], Any], name: str) -> Any:
    def method(self: Tensor) -> Tensor:
        with x64_scope(True):
            return wrap(function(self._value))

    method.__name__ = name
    return recordable(method)


class Tensor:
    """An n-dimensional array of one dtype.

    Args:
        input_data: a Tensor, a NumPy or JAX array, a number, or (nested) lists or tuples of numbers.
        dtype: the element type. Default: that of the data; Python floats give float32, Python ints int64.
        shape: the shape, with `dtype` and instead of `input_data`.
        init: an initializer of the values. Default: zeros.

    Raises:
        ArgumentTypeError: the data are not numeric, or do not form a rectangular array.

    Examples:
        >>> import numpy as np
        >>> x = Tensor(np.array([[1, 2, 3], [2, 3, 4]]).astype(np.float32))
        >>> print(x * 2)
        [[2. 4. 6.]
         [4. 6. 8.]]
        >>> x.shape, x.dtype
        ((2, 3), sporax.float32)

    Source: the class of the same name in MindSpore.
    """

    __slots__ = ("__weakref__", "_base", "_hooks", "_link", "_value")
    __array_priority__ = 1000

    _value: Any
    """The array; empty while the Tensor is recorded (see `_recording.py`)."""
    _link: Any
    """The `Link` of a recorded Tensor; None for other Tensors."""
    _base: tuple[Any, ...]
    """The base of a slice and the index; for a slice with hooks also the base's array. Unset for other Tensors.

    A write to the slice also writes to the base.
    """
    _hooks: Any
    """The hooks of `register_hook`; unset if there are none."""

    def __init__(
        self,
        input_data: Any = None,
        dtype: Any = None,
        shape: int | tuple[int, ...] | None = None,
        init: Any = None,
        const_arg: bool = False,
    ) -> None:
        kind = None if dtype is None else as_dtype(dtype)
        if input_data is not None and shape is not None and init is None:
            raise ArgumentError(
                f"Tensor: `shape` requires `init`; with `input_data` the shape is that of the data, but got "
                f"shape={shape!r}. Omit it, or use .reshape({shape!r})."
            )
        if init is not None:
            if input_data is not None:
                raise ArgumentError("Tensor: pass `input_data` or `init`, not both.")
            if shape is None or kind is None:
                raise ArgumentError("Tensor: `init` requires `shape` and `dtype`.")
            shape = (shape,) if isinstance(shape, int) else tuple(shape)
            input_data = init(shape, kind)
        elif input_data is None and shape is not None and kind is not None:
            input_data = np.zeros(shape, kind.dtype)
        elif input_data is None:
            raise ArgumentError("Tensor: pass `input_data`, or `shape`, `dtype` and `init`.")
        self._value = to_array(input_data, kind)
        self._link = None

    # --- data -------------------------------------------------------------------------------------------------

    @property
    def _array(self) -> Any:
        """The array, also of a recorded Tensor, for code that does not differentiate what it computes."""
        link = self._link
        return self._value if link is None else link.array

    def __getattr__(self, name: str) -> Any:
        # Called only if the normal look-up fails.
        if name == "_value" and self._link is not None:
            return _recording.value_outside(self, self._link)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return self._array.shape

    @property
    def dtype(self) -> DType:
        """The element type."""
        return from_numpy_dtype(self._array.dtype)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._array.size

    @property
    def itemsize(self) -> int:
        """The number of bytes of an element."""
        return self._array.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The number of bytes of all elements."""
        return self._array.size * self._array.dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """The number of bytes between consecutive elements along each axis, in row-major order."""
        steps, step = [], self.itemsize
        for length in reversed(self.shape):
            steps.append(step)
            step *= length
        return tuple(reversed(steps))

    @property
    @recordable
    def T(self) -> Tensor:
        """The transpose: the axes in reverse order."""
        with x64_scope(True):
            return wrap(self._value.T)

    @property
    @recordable
    def mT(self) -> Tensor:
        """The matrix transpose: the last two axes swapped."""
        with x64_scope(True):
            return wrap(self._value.mT)

    @property
    @recordable
    def real(self) -> Tensor:
        """The real part."""
        with x64_scope(True):
            return wrap(jnp.real(self._value))

    @property
    @recordable
    def imag(self) -> Tensor:
        """The imaginary part."""
        with x64_scope(True):
            return wrap(jnp.imag(self._value))

    def jax(self) -> jax.Array:
        """Return the `jax.Array`."""
        return self._value

    def asnumpy(self) -> np.ndarray:
        """Return the values as a NumPy array. It is a copy; in MindSpore it shares the memory of the Tensor."""
        return np.array(self._read())

    numpy = asnumpy

    def tolist(self) -> Any:
        """Return the values as nested lists of Python numbers."""
        return np.asarray(self._read()).tolist()

    def item(self, index: int | tuple[int, ...] | None = None) -> int | float | bool | complex:
        """Return one element as a Python number; without `index` the Tensor must have exactly one element.

        Raises:
            ArgumentError: no index is given and the Tensor does not have exactly one element.
        """
        array = np.asarray(self._read())
        if index is None:
            if array.size != 1:
                raise ArgumentError(
                    f"Tensor.item(): only a Tensor with one element can be converted to a number, but its shape is "
                    f"{self.shape}. Pass an index, or reduce it first, for example with .mean()."
                )
            return array.item()
        return array.item(index)

    @recordable
    def astype(self, dtype: Any, copy: bool = True) -> Tensor:
        """Return the values as another dtype; with `copy=False` this Tensor if it already has the dtype."""
        wanted = pytype_to_dtype(dtype).dtype
        if not copy and type(self) is Tensor and self._value.dtype == wanted:
            return self
        with x64_scope(True):
            return wrap(self._value.astype(wanted))

    type = astype

    def to(self, dtype: Any, non_blocking: bool = False, copy: bool = False) -> Tensor:
        """Return the values as another dtype; this Tensor if it already has the dtype and `copy` is False.

        Args:
            dtype: the dtype; None for the current dtype.
            non_blocking: for compatibility with MindSpore; without effect, since casts in JAX are asynchronous.
            copy: whether to always return a new Tensor.
        """
        _check.is_type(non_blocking, bool, name="non_blocking", where="Tensor.to")
        return self.astype(self.dtype if dtype is None else dtype, copy)

    @recordable
    def copy(self) -> Tensor:
        """Return a copy."""
        return wrap(copied(self._value))

    def set_data(self, data: Any) -> Tensor:
        """Replace the data by those of another Tensor."""
        self._rebind(data if _recording.link_of(data) is not None else to_array(data))
        return self

    assign_value = set_data

    def _rebind(self, value: Any) -> None:
        _slices.write(self, value)

    @property
    def _identity(self) -> Any:
        return _frames.Identity(self._value)

    def _read(self) -> Any:
        """Return the array and, in a trace, record that Python code reads its values."""
        if not _frames.STATE.stack:
            return self._array
        if type(self) is Tensor and not is_tracer(self._value):
            _frames.note_guard(self, "_identity", self._identity)
        return self._value

    def _follow(self) -> None:
        _slices.follow(self)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> TensorHookHandle:
        """Call `hook(grad)` with the gradient of this Tensor in a backward pass.

        A result other than None replaces the gradient, also for the inputs from which this Tensor was computed. In a
        differentiated function, register the hook before the Tensor is used. Hooks are called in the order of
        registration.

        Args:
            hook: a function of the gradient that returns the new gradient, or None.

        Returns:
            A handle whose `remove()` removes the hook.

        Raises:
            ArgumentTypeError: `hook` is not callable.
            CellError: in the backward pass, the result of the hook does not have the shape of the gradient.

        Examples:
            >>> from sporax import grad
            >>> def cube(x):
            ...     y = x * x
            ...     handle = y.register_hook(lambda gradient: gradient * 10)
            ...     return y * x
            >>> print(grad(lambda x: x * x * x)(Tensor(2.0)), grad(cube)(Tensor(2.0)))
            12.0 84.0
        """
        return register(self, hook, Tensor, wrap)

    @property
    def has_init(self) -> bool:
        """Always False: sporax initializes the data immediately."""
        return False

    def init_data(self, *_: Any, **__: Any) -> Any:
        """Return this Tensor, which was initialized when it was created."""
        return self

    @staticmethod
    def from_numpy(array: np.ndarray) -> Tensor:
        """Return a Tensor with a copy of the array.

        In MindSpore it shares the memory of the array. JAX arrays are immutable, and compiled programs rely on it.

        Raises:
            ArgumentTypeError: `array` is not a NumPy array.
        """
        if not isinstance(array, np.ndarray):
            raise ArgumentTypeError(
                f"Tensor.from_numpy: `array` must be a numpy.ndarray, but got {type(array).__name__}."
            )
        return Tensor(array)

    # --- conversion -------------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.asarray(self._read())
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __jax_array__(self) -> jax.Array:
        return self._value

    def __dlpack__(self, **options: Any) -> Any:
        _ = self._value  # Another library may differentiate what it computes with the array.
        return self._read().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ArgumentError(
                f"The truth value of a Tensor with shape {self.shape} is ambiguous. Use .any() or .all()."
            )
        return bool(self._read().reshape(()))

    def __int__(self) -> int:
        return int(self._one_element())

    def __float__(self) -> float:
        return float(self._one_element())

    def __complex__(self) -> complex:
        return complex(self._one_element())

    def _one_element(self) -> Any:
        value = self._read()
        if value.ndim == 0:
            return value
        return value.reshape(()) if value.size == 1 else self.item()

    def __index__(self) -> int:
        # As in MindSpore, any shape with one element is accepted: a Python list may be indexed by Tensor([1]).
        value = self._read()
        if value.size != 1 or value.dtype.kind not in "iub":
            raise ArgumentTypeError(
                f"only a Tensor with one integer or bool can be used as an index of a list or as a Python int, but got "
                f"one of shape {value.shape} and dtype {self.dtype}."
            )
        return operator.index(value.reshape(()) if is_tracer(value) else np.asarray(value).item())

    def __len__(self) -> int:
        if not self._array.shape:
            raise ArgumentTypeError("len() of a 0-d Tensor is not defined.")
        return self._array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self._array.shape:
            raise ArgumentTypeError("a 0-d Tensor is not iterable; use .item() for its value.")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value)._array.any())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __str__(self) -> str:
        if is_tracer(self._array):
            return repr(self)
        return _format.value_text(np.asarray(self._array))

    def __repr__(self) -> str:
        if is_tracer(self._array):
            return f"Tensor(shape={list(self.shape)}, dtype={self.dtype}, value=<traced>)"
        return _format.tensor_repr(np.asarray(self._array), str(self.dtype))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Tensor, (np.asarray(self._array),))

    def __copy__(self) -> Tensor:
        return wrap(self._value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return wrap(self._value)

    __hash__ = object.__hash__

    # --- operators --------------------------------------------------------------------------------------------

    __add__, __radd__ = _binary(_arith.add, "add")
    __sub__, __rsub__ = _binary(_arith.subtract, "sub")
    __mul__, __rmul__ = _binary(_arith.multiply, "mul")
    __truediv__, __rtruediv__ = _binary(_arith.true_divide, "truediv")
    __floordiv__, __rfloordiv__ = _binary(_arith.floor_divide, "floordiv")
    __mod__, __rmod__ = _binary(_arith.remainder, "mod")
    __pow__, __rpow__ = _binary(_arith.power, "pow")
    __matmul__, __rmatmul__ = _binary(jnp.matmul, "matmul")
    __and__, __rand__ = _binary(jnp.bitwise_and, "and")
    __or__, __ror__ = _binary(jnp.bitwise_or, "or")
    __xor__, __rxor__ = _binary(jnp.bitwise_xor, "xor")
    __lshift__, __rlshift__ = _binary(jnp.left_shift, "lshift")
    __rshift__, __rrshift__ = _binary(jnp.right_shift, "rshift")
    __eq__, _ = _binary(_arith.equal, "eq")
    __ne__, _ = _binary(_arith.not_equal, "ne")
    __lt__, _ = _binary(_arith.less, "lt")
    __le__, _ = _binary(_arith.less_equal, "le")
    __gt__, _ = _binary(_arith.greater, "gt")
    __ge__, _ = _binary(_arith.greater_equal, "ge")
    __neg__ = _unary(jnp.negative, "__neg__")
    __pos__ = _unary(jnp.positive, "__pos__")
    __abs__ = _unary(_arith.absolute, "__abs__")
    __invert__ = _unary(jnp.invert, "__invert__")
    del _

    # --- indexing ---------------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        plain = _indexing.normalize(index, self._array.shape)
        part = _part(self, plain if _frames.STATE.tape is None else _recording.weak_index(plain))
        if _indexing.is_basic(plain):
            part._base = (self, plain)
        return part

    def __setitem__(self, index: Any, value: Any) -> None:
        plain = _indexing.normalize(index, self._array.shape)
        self._follow()
        changed = _with_part(self, plain if _frames.STATE.tape is None else _recording.weak_index(plain), value)
        self._rebind(changed if _recording.link_of(changed) is not None else changed._value)


@recordable
def _part(tensor: Tensor, index: Any) -> Tensor:
    """The elements of a Tensor at a normalized index."""
    with x64_scope(True):
        return wrap(_indexing.part(tensor._value, index))


@recordable
def _with_part(tensor: Tensor, index: Any, value: Any) -> Tensor:
    """A Tensor with other elements at a normalized index."""
    new = to_array(value)
    with x64_scope(True):
        return wrap(_indexing.with_part(tensor._value, index, new))


def _unflatten(_: None, children: Any) -> Tensor:
    return wrap(children[0])


# Parameter is registered in parameter.py; a transformation returns both as plain Tensors.
jax.tree_util.register_pytree_node(Tensor, lambda tensor: ((tensor._value,), None), _unflatten)


def is_tensor(obj: Any) -> bool:
    """Return whether `obj` is a Tensor (or a Parameter, which is a Tensor).

    Examples:
        >>> is_tensor(Tensor(1.0)), is_tensor(1.0)
        (True, False)
    """
    return isinstance(obj, Tensor)
