"""Normalization layers: over the batch, over features, over groups of channels."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentTypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, computing_in, wrap
from sporax.core.dtype import DType, as_dtype, float32
from sporax.core.initializer import Initializer, initializer
from sporax.nn.layer._inputs import Array, array_of, check_floating, check_ndim
from sporax.nn.layer._typed import Layer

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "LayerNorm"]

Init = str | float | Tensor | Initializer


def _wide(array: Array) -> Array:
    """Return half precision as float32, in which sums of squares neither overflow nor lose precision."""
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


def _moments(array: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the mean and the biased variance in two passes: E[x²] - E[x]² cancels when the mean is large."""
    mean = array.mean(axes, keepdims=True)
    return mean, jnp.square(array - mean).mean(axes, keepdims=True)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _standardized(array: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array, Array]:
    """Return the array minus its mean, divided by its standard deviation; the mean; and the variance.

    The mean and the variance have zero derivative here.
    """
    mean, variance = _moments(array, axes)
    return (array - mean) * jax.lax.rsqrt(variance + epsilon), mean, variance


@_standardized.defjvp
def _standardized_jvp(
    axes: tuple[int, ...], epsilon: float, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array, Array]]:
    # With y the result and t the tangent divided by the standard deviation: t - mean(t) - y mean(t y). JAX's derivative
    # of the two passes has four times as many operations, and XLA repeats it for every layer further from the loss.
    (array,), (tangent,) = primals, tangents
    found = y, mean, variance = _standardized(array, axes, epsilon)
    # The moments are computed again, because the derivative of the variance is not zero in the second derivative.
    t = tangent * jax.lax.rsqrt(_moments(array, axes)[1] + epsilon)
    change = t - t.mean(axes, keepdims=True) - y * (t * y).mean(axes, keepdims=True)
    return found, (change, jnp.zeros_like(mean), jnp.zeros_like(variance))


def _scaled(normal: Array, gamma: Parameter, beta: Parameter, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return gamma × normal + beta in `dtype`; the Parameters are reshaped to `shape`."""
    scaled = normal * _wide(gamma._value).reshape(shape) + _wide(beta._value).reshape(shape)
    return scaled.astype(dtype)


class _BatchNorm(Layer):
    r"""Base class of batch normalization over one or two axes; its docstring completes those of the subclasses.

    Args:
        num_features: the number of features or channels C.
        eps: :math:`\epsilon`, ≥ 0.
        momentum: the weight of the old moving statistics, in [0, 1].
        affine: whether :math:`\gamma` and :math:`\beta` are trained.
        gamma_init, beta_init, moving_mean_init, moving_var_init: the initial values of the Parameters; see
            `initializer`.
        use_batch_statistics: whether to use the statistics of the batch and update the moving statistics. Default: in
            training only.
        data_format: "NCHW" if the channels are axis 1, "NHWC" if they are the last axis.
        dtype: the dtype of the Parameters.

    Returns:
        Tensor of the input's shape and dtype.

    Raises:
        ArgumentError: an argument is outside its interval.
        ShapeError: when called: the number of dimensions or features differs, or there is a single value for each
            feature in training.
        DtypeError: when called: the input holds integers or bools.

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167; the class of the same name in MindSpore.
    """

    _dims: tuple[int, ...] = ()
    _layout: str = ""

    gamma: Parameter
    beta: Parameter
    moving_mean: Parameter
    moving_variance: Parameter

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.9,
        affine: bool = True,
        gamma_init: Init = "ones",
        beta_init: Init = "zeros",
        moving_mean_init: Init = "zeros",
        moving_var_init: Init = "ones",
        use_batch_statistics: bool | None = None,
        data_format: str = "NCHW",
        dtype: DType = float32,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self.num_features = _check.integer(num_features, name="num_features", where=where, minimum=1)
        _check.number(eps, name="eps", where=where, minimum=0.0)
        _check.number(momentum, name="momentum", where=where, minimum=0.0, maximum=1.0)
        _check.is_type(affine, bool, name="affine", where=where)
        if use_batch_statistics is not None:
            _check.is_type(use_batch_statistics, bool, name="use_batch_statistics", where=where)
        self.data_format = _check.one_of(data_format, ("NCHW", "NHWC"), name="data_format", where=where)
        self.eps = eps
        # MindSpore's attribute is the weight of the new value, its argument that of the old one.
        self.momentum = 1.0 - momentum
        self._decay = momentum
        self.use_batch_statistics = use_batch_statistics
        shape, kind = (self.num_features,), as_dtype(dtype)

        def parameter(init: Init, name: str, trained: bool) -> Parameter:
            return Parameter(initializer(init, shape, kind), name=name, requires_grad=trained)

        self.moving_mean = parameter(moving_mean_init, "mean", False)
        self.moving_variance = parameter(moving_var_init, "variance", False)
        self.gamma = parameter(gamma_init, "gamma", affine)
        self.beta = parameter(beta_init, "beta", affine)

    def construct(self, x: Tensor) -> Tensor:
        where = type(self).__name__
        array = array_of(x, where)
        check_ndim(array, self._dims, where, self._layout)
        check_floating(array, where)
        channel = array.ndim - 1 if self.data_format == "NHWC" and array.ndim > 2 else 1
        if array.shape[channel] != self.num_features:
            raise ShapeError(
                f"{where}: axis {channel} of the input must have size num_features={self.num_features}, but "
                f"got shape {array.shape}."
            )
        batch = self.training if self.use_batch_statistics is None else self.use_batch_statistics
        with x64_scope(True):
            return wrap(self._normalized(array, channel, batch))

    def _normalized(self, array: Array, channel: int, batch: bool) -> Array:
        wide = _wide(array)
        shape = tuple(self.num_features if axis == channel else 1 for axis in range(array.ndim))
        if batch:
            axes = tuple(axis for axis in range(array.ndim) if axis != channel)
            normal, mean, variance = _standardized(wide, axes, self.eps)
            self._update_moving(mean, variance, array.size // self.num_features, array.shape)
        else:
            with computing_in(None):
                mean = self.moving_mean._value.reshape(shape)
                variance = self.moving_variance._value.reshape(shape)
            normal = (wide - mean) * jax.lax.rsqrt(variance + self.eps)
        return _scaled(normal, self.gamma, self.beta, shape, array.dtype)

    def _update_moving(self, mean: Array, variance: Array, count: int, shape: tuple[int, ...]) -> None:
        if count < 2:
            raise ShapeError(
                f"{type(self).__name__}: the variance of a single value for each feature is not defined, but got an "
                f"input of shape {shape} in training. Use batches of 2 or more (drop_remainder=True drops a smaller "
                "last one), or set_train(False)."
            )
        new = self.momentum
        unbiased = variance * (count / (count - 1))
        # The state is read and stored in its own dtype, regardless of to_float.
        with computing_in(None):
            for parameter, value in ((self.moving_mean, mean), (self.moving_variance, unbiased)):
                value = jax.lax.stop_gradient(value).reshape(-1)
                parameter.set_data(wrap(self._decay * _wide(parameter._value) + new * value))

    def extend_repr(self) -> str:
        return (
            f"num_features={self.num_features}, eps={self.eps}, momentum={self._decay}, gamma={self.gamma}, "
            f"beta={self.beta}, moving_mean={self.moving_mean}, moving_variance={self.moving_variance}"
        )


@completed_by(_BatchNorm)
class BatchNorm1d(_BatchNorm):
    r"""Normalize each feature over the batch.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training, :math:`\mu` and :math:`\sigma^2` (biased) are those of the batch, and the moving statistics
    become :math:`\text{momentum} \cdot \text{moving} + (1 - \text{momentum}) \cdot \text{batch}`, with the
    unbiased variance. In evaluation mode the moving statistics are used. Half precision is computed in float32.

    Inputs:
        - **x** (Tensor) - shape (N, C) or (N, C, L), floating dtype.

    Examples:
        >>> from sporax import nn, Tensor
        >>> net = nn.BatchNorm1d(2).set_train()
        >>> print(net(Tensor([[1.0, 2.0], [3.0, 8.0]])).asnumpy().round(3))
        [[-1. -1.]
         [ 1.  1.]]
        >>> print(net.moving_mean.asnumpy())
        [0.2 0.5]
    """

    _dims = (2, 3)
    _layout = "(N, C) or (N, C, L)"


@completed_by(_BatchNorm)
class BatchNorm2d(_BatchNorm):
    r"""Normalize each channel over the batch and the image.

    The formula and the moving statistics are those of `BatchNorm1d`.

    Inputs:
        - **x** (Tensor) - shape (N, C, H, W), or (N, H, W, C) with "NHWC"; floating dtype.

    Examples:
        >>> from sporax import nn, Tensor
        >>> import numpy as np
        >>> net = nn.BatchNorm2d(3)
        >>> net(Tensor(np.ones((2, 3, 4, 4), np.float32))).shape
        (2, 3, 4, 4)
    """

    _dims = (4,)
    _layout = "(N, C, H, W)"


@completed_by(_BatchNorm)
class BatchNorm3d(Layer):
    r"""Normalize each channel over the batch and the volume.

    The formula and the moving statistics are those of `BatchNorm1d`. As in MindSpore, an inner `BatchNorm2d` holds the
    Parameters, so that their names in checkpoints agree.

    Inputs:
        - **x** (Tensor) - shape (N, C, D, H, W), floating dtype.

    Examples:
        >>> from sporax import nn, Tensor
        >>> import numpy as np
        >>> net = nn.BatchNorm3d(3)
        >>> net(Tensor(np.ones((2, 3, 4, 4, 4), np.float32))).shape
        (2, 3, 4, 4, 4)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.9,
        affine: bool = True,
        gamma_init: Init = "ones",
        beta_init: Init = "zeros",
        moving_mean_init: Init = "zeros",
        moving_var_init: Init = "ones",
        use_batch_statistics: bool | None = None,
        dtype: DType = float32,
    ) -> None:
        super().__init__()
        self.bn2d = BatchNorm2d(
            num_features,
            eps,
            momentum,
            affine,
            gamma_init,
            beta_init,
            moving_mean_init,
            moving_var_init,
            use_batch_statistics,
            dtype=dtype,
        )

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "BatchNorm3d")
        check_ndim(array, (5,), "BatchNorm3d", "(N, C, D, H, W)")
        n, c, d, h, w = array.shape
        with x64_scope(True):
            flat = self.bn2d(wrap(array.reshape((n, c, d * h, w))))
            return wrap(flat._value.reshape(array.shape))


@completed_by(_BatchNorm)
class LayerNorm(Layer):
    r"""Normalize each sample over its last axes.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    with the mean and the biased variance over the axes from `begin_norm_axis` on. Half precision is computed
    in float32.

    Args:
        normalized_shape: the sizes of the axes from `begin_params_axis` on; the shape of the Parameters.
        begin_norm_axis: the first axis over which to normalize.
        begin_params_axis: the first axis of :math:`\gamma` and :math:`\beta`.
        epsilon: :math:`\epsilon`, > 0.

    Inputs:
        - **x** (Tensor) - any shape that ends in `normalized_shape`, floating dtype.

    Raises:
        ArgumentTypeError: `normalized_shape` is not an int, or a tuple or list of ints.
        ShapeError: when called: the axes do not have these sizes.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LayerNorm((2,))(Tensor([[1.0, 3.0]])).asnumpy().round(3))
        [[-1.  1.]]

    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450; the class of the same name in MindSpore.
    """

    gamma: Parameter
    beta: Parameter

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...] | list[int],
        begin_norm_axis: int = -1,
        begin_params_axis: int = -1,
        gamma_init: Init = "ones",
        beta_init: Init = "zeros",
        epsilon: float = 1e-7,
        dtype: DType = float32,
    ) -> None:
        super().__init__()
        where = "LayerNorm"
        sizes: Any = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
        if not isinstance(sizes, (tuple, list)) or not sizes:
            raise ArgumentTypeError(
                f"LayerNorm: `normalized_shape` must be an int, or a tuple or list of ints, but got "
                f"{normalized_shape!r}."
            )
        self.normalized_shape = tuple(
            _check.integer(size, name="normalized_shape", where=where, minimum=1) for size in sizes
        )
        self.begin_norm_axis = _check.integer(begin_norm_axis, name="begin_norm_axis", where=where)
        self.begin_params_axis = _check.integer(begin_params_axis, name="begin_params_axis", where=where)
        _check.number(epsilon, name="epsilon", where=where, minimum=0.0, open_minimum=True)
        self.epsilon = epsilon
        kind = as_dtype(dtype)
        self.gamma = Parameter(initializer(gamma_init, self.normalized_shape, kind), name="gamma")
        self.beta = Parameter(initializer(beta_init, self.normalized_shape, kind), name="beta")

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "LayerNorm")
        check_floating(array, "LayerNorm")
        starts = []
        for name, axis in (
            ("begin_norm_axis", self.begin_norm_axis),
            ("begin_params_axis", self.begin_params_axis),
        ):
            if not -array.ndim <= axis < array.ndim:
                raise ShapeError(f"LayerNorm: `{name}`={axis} is not an axis of an input of shape {array.shape}.")
            starts.append(axis % array.ndim)
        if array.shape[starts[1] :] != self.normalized_shape:
            raise ShapeError(
                f"LayerNorm: the input's axes from begin_params_axis={self.begin_params_axis} on must have "
                f"the sizes normalized_shape={self.normalized_shape}, but got shape {array.shape}."
            )
        with x64_scope(True):
            wide = _wide(array)
            normal = _standardized(wide, tuple(range(starts[0], array.ndim)), self.epsilon)[0]
            shape = (1,) * starts[1] + self.normalized_shape
            return wrap(_scaled(normal, self.gamma, self.beta, shape, array.dtype))

    def extend_repr(self) -> str:
        return (
            f"normalized_shape={self.normalized_shape}, begin_norm_axis={self.begin_norm_axis}, "
            f"begin_params_axis={self.begin_params_axis}, gamma={self.gamma}, beta={self.beta}"
        )


@completed_by(_BatchNorm)
class GroupNorm(Layer):
    r"""Normalize each sample over groups of its channels.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    with the mean and the biased variance over the channels of a group and all positions. Half precision is
    computed in float32.

    Args:
        num_groups: the number of groups.
        num_channels: the number of channels C, a multiple of `num_groups`.

    Inputs:
        - **x** (Tensor) - shape (N, C, \*), floating dtype.

    Raises:
        ArgumentError: a number is below 1.
        ShapeError: `num_groups` does not divide `num_channels`; or, when called, the number of channels differs.

    Examples:
        >>> from sporax import nn, Tensor
        >>> nn.GroupNorm(2, 4)
        GroupNorm(num_groups=2, num_channels=4)
        >>> print(nn.GroupNorm(1, 2)(Tensor([[1.0, 3.0]])).asnumpy().round(3))
        [[-1.  1.]]

    Source: Wu and He 2018, https://arxiv.org/abs/1803.08494; the class of the same name in MindSpore.
    """

    gamma: Parameter
    beta: Parameter

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        gamma_init: Init = "ones",
        beta_init: Init = "zeros",
        dtype: DType = float32,
    ) -> None:
        super().__init__()
        where = "GroupNorm"
        self.num_groups = _check.integer(num_groups, name="num_groups", where=where, minimum=1)
        self.num_channels = _check.integer(num_channels, name="num_channels", where=where, minimum=1)
        if self.num_channels % self.num_groups:
            raise ShapeError(
                f"GroupNorm: `num_channels` must be a multiple of `num_groups`, but got {num_channels} "
                f"channels and {num_groups} groups."
            )
        _check.number(eps, name="eps", where=where, minimum=0.0)
        _check.is_type(affine, bool, name="affine", where=where)
        self.eps = eps
        shape, kind = (self.num_channels,), as_dtype(dtype)
        self.gamma = Parameter(initializer(gamma_init, shape, kind), name="gamma", requires_grad=affine)
        self.beta = Parameter(initializer(beta_init, shape, kind), name="beta", requires_grad=affine)

    def construct(self, x: Tensor) -> Tensor:
        array = array_of(x, "GroupNorm")
        check_floating(array, "GroupNorm")
        if array.ndim < 2 or array.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm: axis 1 of the input must have size num_channels={self.num_channels}, but got "
                f"shape {array.shape}."
            )
        positions = math.prod(array.shape[2:])
        with x64_scope(True):
            grouped = _wide(array).reshape((array.shape[0], self.num_groups, -1, positions))
            normal = _standardized(grouped, (2, 3), self.eps)[0].reshape(array.shape)
            shape = (1, self.num_channels) + (1,) * (array.ndim - 2)
            return wrap(_scaled(normal, self.gamma, self.beta, shape, array.dtype))

    def extend_repr(self) -> str:
        return f"num_groups={self.num_groups}, num_channels={self.num_channels}"
