"""Basic layers: Dense, Dropout, Flatten, Unflatten, Identity."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from sporax import _check, ops
from sporax._declared import declared
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax._schema import Integer
from sporax.core import Cell, Parameter, Tensor, wrap
from sporax.core.dtype import DType, as_dtype, float32
from sporax.core.initializer import HeUniform, Initializer, Uniform, initializer
from sporax.nn.layer._inputs import array_of, check_floating, check_weight_dtype
from sporax.nn.layer._typed import Layer
from sporax.nn.layer.activation import get_activation

__all__ = ["Dense", "Dropout", "Flatten", "Identity", "Unflatten"]

Init = str | float | Tensor | Initializer | None


class Dense(Layer):
    r"""Fully connected layer.

    .. math:: y = \text{activation}(x W^\top + b)

    Args:
        in_channels: the size of the input's last axis.
        out_channels: the size of the output's last axis.
        weight_init: the initial value of `weight`, of shape (out_channels, in_channels); see `initializer`.
            Default: uniform in :math:`\pm 1/\sqrt{\text{in\_channels}}` (`HeUniform(sqrt(5))`).
        bias_init: the initial value of `bias`, of shape (out_channels,). Default: the same interval.
        has_bias: whether there is a bias.
        activation: the name of an activation (see `get_activation`), a Cell, a primitive or a function.
        dtype: the dtype of the Parameters.

    Inputs:
        - **x** (Tensor) - shape (\*, in_channels), of the weight's dtype.

    Returns:
        Tensor of shape (\*, out_channels).

    Raises:
        ArgumentError: a number of channels is below 1, or the activation is unknown.
        ArgumentTypeError: an argument has the wrong type.
        ShapeError: `weight_init` or `bias_init` is a Tensor of the wrong shape; or, when called, the input's
            last axis has another size.
        DtypeError: when called: the dtypes of the input and the weight differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> net = nn.Dense(3, 2, weight_init="ones", bias_init=0.5)
        >>> print(net(Tensor([[1.0, 2.0, 3.0]])))
        [[6.5 6.5]]
        >>> net
        Dense(input_channels=3, output_channels=2, has_bias=True)

    Source: the class of the same name in MindSpore; `torch.nn.Linear`.
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        weight_init: Init = None,
        bias_init: Init = None,
        has_bias: bool = True,
        activation: str | Cell | Callable[[Any], Any] | None = None,
        dtype: DType = float32,
    ) -> None:
        super().__init__()
        self.in_channels = _check.integer(in_channels, name="in_channels", where="Dense", minimum=1)
        self.out_channels = _check.integer(out_channels, name="out_channels", where="Dense", minimum=1)
        self.has_bias = _check.is_type(has_bias, bool, name="has_bias", where="Dense")
        kind = as_dtype(dtype)
        weight_init = HeUniform(math.sqrt(5)) if weight_init is None else weight_init
        self.weight = self._parameter("weight", weight_init, (self.out_channels, self.in_channels), kind)
        self.bias = None
        if self.has_bias:
            bias_init = Uniform(1 / math.sqrt(self.in_channels)) if bias_init is None else bias_init
            self.bias = self._parameter("bias", bias_init, (self.out_channels,), kind)
        self.activation = _activation_of(activation)
        self.activation_flag = self.activation is not None

    def _parameter(self, name: str, init: Any, shape: tuple[int, ...], dtype: DType) -> Parameter:
        if isinstance(init, Tensor) and init.shape != shape:
            axes = "(out_channels, in_channels)" if name == "weight" else "(out_channels,)"
            raise ShapeError(f"Dense: `{name}_init` must have shape {axes} = {shape}, but its shape is {init.shape}.")
        return Parameter(initializer(init, shape, dtype), name=name)

    def construct(self, x: Tensor) -> Tensor:
        array, weight = array_of(x, "Dense"), self.weight._value
        check_floating(array, "Dense")
        if array.ndim == 0 or array.shape[-1] != self.in_channels:
            raise ShapeError(
                f"Dense: the input's last axis must have size in_channels={self.in_channels}, but got shape "
                f"{array.shape}. {self._hint(array.shape)}"
            )
        check_weight_dtype(array, weight, "Dense")
        with x64_scope(True):
            output = jnp.matmul(array, weight.T)
            if self.bias is not None:
                output = output + self.bias._value.reshape((1,) * (output.ndim - 1) + (-1,))
        result = wrap(output)
        return self.activation(result) if self.activation is not None else result

    def _hint(self, shape: tuple[int, ...]) -> str:
        if math.prod(shape[1:]) == self.in_channels and len(shape) > 2:
            return "Add nn.Flatten() before the layer."
        if shape and len(shape) > 1 and shape[-2] == self.in_channels:
            return "The axis before it has that size; swap them, or reshape."
        size = shape[-1] if shape else 1
        return f"Reshape the input, or use Dense({size}, {self.out_channels})."

    def extend_repr(self) -> str:
        text = f"input_channels={self.in_channels}, output_channels={self.out_channels}"
        if self.has_bias:
            text += ", has_bias=True"
        if self.activation is not None:
            text += f", activation={getattr(self.activation, '__name__', self.activation)}"
        return text


def _activation_of(activation: Any) -> Any:
    if activation is None or isinstance(activation, str):
        return get_activation(activation, "Dense")
    if isinstance(activation, type):
        raise ArgumentTypeError(f"Dense: `activation` is the class {activation.__name__}; pass an instance.")
    if not callable(activation):
        raise _check.wrong_type(
            activation, "a name, a Cell, a primitive or a function", name="activation", where="Dense"
        )
    return activation


class Dropout(Layer):
    r"""In training, set each element to zero with probability p, and scale the others by :math:`1/(1-p)`.

    In evaluation mode (`set_train(False)`, the default) the output is the input.

    Args:
        keep_prob: the probability of keeping an element, in (0, 1]; used if `p` is not given.
        p: the probability of setting an element to zero, in [0, 1).
        dtype: accepted for compatibility with MindSpore; the output has the input's dtype.

    Inputs:
        - **x** (Tensor) - any shape, floating dtype.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: a probability is outside its interval.
        DtypeError: when called in training: the input is not floating.

    Examples:
        >>> from sporax import nn, Tensor
        >>> nn.Dropout(p=0.2)
        Dropout(p=0.2)
        >>> print(nn.Dropout(p=0.5)(Tensor([1.0, 2.0])))
        [1. 2.]

    Source: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html; the class of the same name
    in MindSpore.
    """

    def __init__(self, keep_prob: float = 0.5, p: float | None = None, dtype: DType = float32) -> None:
        super().__init__()
        as_dtype(dtype)
        if p is None:
            _check.number(keep_prob, name="keep_prob", where="Dropout", minimum=0.0, maximum=1.0, open_minimum=True)
        else:
            _check.number(p, name="p", where="Dropout", minimum=0.0, maximum=1.0, open_maximum=True)
        self.keep_prob = keep_prob
        self.p = p

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "Dropout")
        rate = 1.0 - self.keep_prob if self.p is None else self.p
        if not self.training or rate == 0:
            return wrap(array)
        check_floating(array, "Dropout")
        return ops.dropout(wrap(array), p=rate, training=True)

    def extend_repr(self) -> str:
        return f"keep_prob={self.keep_prob}" if self.p is None else f"p={self.p}"


@declared
class Flatten(Layer):
    r"""Flatten the axes from `start_dim` to `end_dim` into one axis.

    Args:
        start_dim: the first axis.
        end_dim: the last axis; negative numbers count from the end.

    Inputs:
        - **x** (Tensor) - any shape with these axes.

    Returns:
        Tensor; with the default arguments of shape (N, product of the other sizes).

    Raises:
        ArgumentTypeError: an argument is not an int.
        ShapeError: when called: the input has no such axes, or `start_dim` comes after `end_dim`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> import numpy as np
        >>> nn.Flatten()(Tensor(np.ones((2, 3, 4), np.float32))).shape
        (2, 12)

    Source: the class of the same name in MindSpore.
    """

    start_dim: Integer = 1
    end_dim: Integer = -1

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "Flatten")
        shape = array.shape or (1,)
        ends = []
        for name, axis in (("start_dim", self.start_dim), ("end_dim", self.end_dim)):
            if not -len(shape) <= axis < len(shape):
                hint = " Add a batch axis." if len(shape) == 1 else ""
                raise ShapeError(f"Flatten: `{name}`={axis} is not an axis of an input of shape {array.shape}.{hint}")
            ends.append(axis % len(shape))
        start, end = ends
        if start > end:
            raise ShapeError(
                f"Flatten: `start_dim`={self.start_dim} comes after `end_dim`={self.end_dim} in an input of "
                f"shape {array.shape}."
            )
        with x64_scope(True):
            return wrap(array.reshape((*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])))


class Unflatten(Layer):
    r"""Split one axis into several.

    Args:
        axis: the axis to split.
        unflattened_size: the new sizes; one of them may be -1.

    Inputs:
        - **x** (Tensor) - any shape with that axis.

    Returns:
        Tensor.

    Raises:
        ArgumentTypeError: `axis` is not an int, or `unflattened_size` not a tuple or list of ints.
        ShapeError: when called: the product of the sizes is not the size of the axis.

    Examples:
        >>> from sporax import nn, Tensor
        >>> import numpy as np
        >>> nn.Unflatten(1, (2, 3))(Tensor(np.ones((4, 6), np.float32))).shape
        (4, 2, 3)

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, axis: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        self.axis = _check.integer(axis, name="axis", where="Unflatten")
        _check.is_type(unflattened_size, (tuple, list), name="unflattened_size", where="Unflatten")
        self.unflattened_size = tuple(
            _check.integer(size, name="unflattened_size", where="Unflatten") for size in unflattened_size
        )
        if self.unflattened_size.count(-1) > 1 or any(size < 1 and size != -1 for size in self.unflattened_size):
            raise ArgumentError(
                f"Unflatten: `unflattened_size` must hold positive sizes and at most one -1, but got "
                f"{self.unflattened_size}."
            )

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "Unflatten")
        if not -array.ndim <= self.axis < array.ndim:
            raise ShapeError(f"Unflatten: `axis`={self.axis} is not an axis of an input of shape {array.shape}.")
        axis = self.axis % array.ndim
        known = math.prod(size for size in self.unflattened_size if size != -1)
        length = array.shape[axis]
        if length % known or (known != length and -1 not in self.unflattened_size):
            raise ShapeError(
                f"Unflatten: axis {self.axis} of an input of shape {array.shape} has size {length}, which cannot be "
                f"split into {self.unflattened_size}."
            )
        with x64_scope(True):
            return wrap(array.reshape((*array.shape[:axis], *self.unflattened_size, *array.shape[axis + 1 :])))


class Identity(Cell):
    """Return the input.

    Args:
        args, kwargs: ignored, so that it can replace any layer.

    Inputs:
        - **x** (Any).

    Returns:
        The input.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.Identity(54, unused=True)(Tensor([1.0])))
        [1.]

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def construct(self, x: Any) -> Any:
        return x
