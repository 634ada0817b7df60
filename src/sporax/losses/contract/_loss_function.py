"""`loss_function` turns a formula into a loss that satisfies the contract.

The formula receives arrays of one dtype with matching shapes. Around it, in this order: dtypes are checked, shapes
matched, samples of weight zero removed from the inputs, values checked, half precision widened to float32, and the
values reduced and cast back.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, ParamSpec, Protocol, overload

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._jax_compat import is_tracer
from sporax._typing import Shape
from sporax.losses.contract._arrays import apply_weights, as_array, compute_dtype, namespace_of
from sporax.losses.contract._convention import documentation_with_keywords, evaluate_keywords, signature_with_keywords
from sporax.losses.contract._doc_sections import completed
from sporax.losses.contract._indexing import kept_labels
from sporax.losses.contract._info import LossInfo, register
from sporax.losses.contract._labels import check_dtype, enforce_values, to_device, without_pixels
from sporax.losses.contract._parameters import parameters_of
from sporax.losses.contract._reduce import Unreduced, divide, samples_left
from sporax.losses.contract._shapes import broadcast_into, is_single, match, reduced_axes
from sporax.losses.contract._spec import ELLIPSIS, InputSpec, LossSpec

__all__ = ["Counted", "LossFunction", "loss_function"]

P = ParamSpec("P")


class LossFunction(Protocol[P]):
    """A loss of this package: a function of arrays, hyper-parameters and two keywords common to all losses.

        fn(*inputs, **hyper_parameters, reduction="none", weights=None)

    `reduction` is "none" (the default: unreduced values), "mean", "sum" or "batchmean"; `weights` broadcasts to the
    shape of the values, and a weight of 0 removes a sample. The result is that of `evaluate`, in the dtype of the
    inputs. A gradient needs a scalar, such as the mean: `jax.grad(functools.partial(fn, reduction="mean"))`.

    `full_precision` takes inputs and hyper-parameters, and returns values of half-precision inputs in float32. `spec`
    describes the inputs.
    """

    __name__: str
    spec: LossSpec
    full_precision: Callable[..., jax.Array]

    # Keywords cannot follow a ParamSpec, so in calls with these two only the two are type-checked.
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> jax.Array: ...
    @overload
    def __call__(self, *inputs: Any, reduction: str, weights: Any = None, **hyper_parameters: Any) -> jax.Array: ...
    @overload
    def __call__(self, *inputs: Any, weights: Any, **hyper_parameters: Any) -> jax.Array: ...


class Counted(NamedTuple):
    """Values of a formula whose mean does not divide by the number of values.

    `counts` has the shape of the values: the contribution of each to the denominator of the mean, such as the class
    weight of its label in a cross entropy.
    """

    values: jax.Array
    counts: jax.Array


class Reduced(NamedTuple):
    """The result of a `reduced` formula, the denominator of the mean, and other outputs."""

    result: jax.Array
    weight: jax.Array
    extra: Any = None


def loss_function(
    *inputs: InputSpec,
    output: str,
    broadcasting: bool = False,
    weight_parameter: str | None = None,
    ignore_parameter: str | None = None,
    mask_parameter: str | None = None,
    axis_parameter: str | None = None,
    pixel_parameter: str | None = None,
    prepare: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    reduced: Callable[..., Reduced] | None = None,
    fuse: bool = True,
    info: LossInfo | None = None,
) -> Callable[[Callable[P, jax.Array | Counted]], LossFunction[P]]:
    """Turn a formula into a loss.

    The positional parameters of the formula are its array inputs, in the order of `inputs`; its keyword-only
    parameters are hyper-parameters. It receives float inputs in one dtype of at least 32 bits, and returns one
    value for each element of `output`, or `Counted` values. The loss has the additional keywords `reduction` and
    `weights`, in its signature and its docstring too; see `LossFunction`.

    A loss whose inputs have the axis N also accepts a single sample, whose inputs and value lack that axis, except
    where the samples of a batch are compared with each other (`mask_parameter`).

    Args:
        inputs: the specification of each array input.
        output: axis names of the values, such as `"..."`.
        broadcasting: whether an input may broadcast to the shape of the largest.
        weight_parameter: the name of a hyper-parameter that weights the values; it is not passed to the formula.
        ignore_parameter: the name of a hyper-parameter that is an ignored label (of the domain `class`): its positions
            are removed, as by a weight of zero; None removes nothing. It is not passed to the formula, except where a
            value has several labels, as in a loss of whole images; there the formula leaves them out (see
            `kept_labels` in `_indexing.py`), and the contract only skips the check of their values.
        mask_parameter: the name of a hyper-parameter, for losses that compare the samples of a batch with each other
            (as negatives): a mask of the shape of the values, or None, that selects samples. Samples of weight zero
            are excluded too, also as negatives of other samples.
        axis_parameter: the name of a hyper-parameter, for losses with one value for all elements (`output` "") whose
            inputs all have the axes `...`: the axes over which the loss is taken, None for all of them. The values
            have the remaining axes. The formula receives a tuple of non-negative axes.
        pixel_parameter: the name of a hyper-parameter with weights of the pixels of such a loss, or None. The formula
            applies it; values of pixels of weight 0 are not checked.
        prepare: converts the dict of input arrays before their shapes are matched, for a loss whose labels have
            several layouts.
        reduced: a second formula, for a loss whose sum or mean costs less than its values. It takes the arguments of
            the first one, `factor` (the weights of the values or None) and `reduction`, and returns `Reduced`;
            `evaluate` calls it for "sum" and "mean".
        fuse: whether XLA may fuse a sum of the values with the formula. False for a very long formula, which LLVM
            then does not inline: it would compute the values one by one (measured: three times slower).
        info: the entry of the registry, for the losses of this package. Their docstrings are completed with what
            follows from the contract (see `_doc_sections.py`).

    Returns:
        A decorator that returns a `LossFunction`.

    Raises:
        ArgumentError: the formula has an argument named `reduction` or `weights`.

    Example:
        >>> from sporax import losses
        >>> @losses.loss_function(
        ...     losses.prediction("logits", "..."), losses.label("labels", "..."), output="..."
        ... )
        ... def quartic_loss(logits, labels):
        ...     return (logits - labels) ** 4
        >>> quartic_loss([1.0, 4.0], [0.0, 2.0]).tolist()
        [1.0, 16.0]
        >>> quartic_loss([1.0, 4.0], [0.0, 2.0], reduction="sum").item()
        17.0
    """

    def wrap(formula: Callable[P, jax.Array | Counted]) -> LossFunction[P]:
        name = formula.__name__
        spec = LossSpec(
            name,
            inputs,
            tuple(output.split()),
            broadcasting,
            weight_parameter,
            ignore_parameter,
            mask_parameter,
            axis_parameter,
            pixel_parameter,
        )
        kinds = parameters_of(formula)
        signature = inspect.signature(formula)
        if info is not None:
            formula.__doc__ = completed(formula.__doc__, spec, signature.parameters, kinds)
        public_signature = signature_with_keywords(signature, name)

        def prepared(args: tuple[Any, ...], kwargs: dict[str, Any], weights: Any, where: str | None) -> _Prepared:
            if len(args) != len(inputs) or any(item.name in kwargs for item in inputs):
                bound = signature.bind(*args, **kwargs)
                args, kwargs = bound.args, bound.kwargs
            where = where or name
            checked = {
                key: kind.check(kwargs[key], name=key, where=where) for key, kind in kinds.items() if key in kwargs
            }
            if ignore_parameter is not None:
                kwargs.setdefault(ignore_parameter, signature.parameters[ignore_parameter].default)
            return _prepare(spec, prepare, args, kwargs | checked, weights, where)

        def unreduced(args: tuple[Any, ...], kwargs: dict[str, Any], weights: Any, where: str | None) -> Unreduced:
            given = prepared(args, kwargs, weights, where)
            found = formula(*given.inputs, **given.params)  # pyright: ignore[reportCallIssue]
            values, counts = found if isinstance(found, Counted) else (found, None)
            factor = given.factor
            if given.single:
                values, counts, factor = (None if each is None else each[0] for each in (values, counts, factor))
            return Unreduced(values, factor, given.dtype, counts, fuse)  # pyright: ignore[reportArgumentType]

        def reduce_directly(
            args: tuple[Any, ...], kwargs: dict[str, Any], weights: Any, reduction: str, where: str | None
        ) -> tuple[Reduced, np.dtype]:
            given = prepared(args, kwargs, weights, where)
            assert reduced is not None
            over_samples = reduction == "batchmean"
            found = reduced(
                *given.inputs, factor=given.factor, reduction="sum" if over_samples else reduction, **given.params
            )
            if over_samples:
                count = samples_left(given.shape, given.factor, found.result.dtype)
                found = found._replace(result=divide(found.result, count))
            return found, given.dtype

        @functools.wraps(formula)
        def full_precision(*args: Any, **kwargs: Any) -> jax.Array:
            found = unreduced(args, kwargs, None, None)
            return apply_weights(found.values, found.weights)

        @functools.wraps(formula)
        def call(*args: Any, reduction: str = "none", weights: Any = None, **kwargs: Any) -> jax.Array:
            return evaluate_keywords(call, args, kwargs, reduction, weights, name)

        call.__dict__.update(
            spec=spec, full_precision=full_precision, unreduced=unreduced, __signature__=public_signature
        )
        call.__doc__ = documentation_with_keywords(formula.__doc__, single=not output and axis_parameter is None)
        call.__dict__["itself"] = call
        if reduced is not None:
            call.__dict__["reduced"] = reduce_directly
        if info is not None:
            register(call, info)
        return call  # pyright: ignore[reportReturnType]

    return wrap


class _Prepared(NamedTuple):
    """The arguments of a formula, the weights and shape of its values, and the dtype of a result.

    With `single`, the arrays and the weights have an axis N of size 1, which is not in `shape`.
    """

    inputs: list[jax.Array]
    params: dict[str, Any]
    factor: jax.Array | None
    dtype: np.dtype
    shape: Shape
    single: bool


def _prepare(
    spec: LossSpec,
    prepare: Callable[[dict[str, Any]], dict[str, Any]] | None,
    args: tuple[Any, ...],
    params: Mapping[str, Any],
    weights: Any,
    where: str,
) -> _Prepared:
    arrays = {item.name: as_array(value) for item, value in zip(spec.inputs, args, strict=True)}
    for item in spec.inputs:
        check_dtype(item, arrays[item.name].dtype, where=where)
    if prepare is not None:
        arrays = prepare(arrays)
    dtype = _result_dtype(spec, arrays)
    compute = compute_dtype(dtype)
    shapes = {name: array.shape for name, array in arrays.items()}
    single = is_single(spec, shapes)
    if single:
        match(spec.of_one_sample, shapes, where=where)
        arrays |= {
            item.name: namespace_of(arrays[item.name]).expand_dims(arrays[item.name], item.shape.index("N"))
            for item in spec.inputs
            if "N" in item.shape
        }
    sizes = match(spec, {name: array.shape for name, array in arrays.items()}, where=where)
    output_shape = spec.output_shape(sizes)[single:]

    params = dict(params)
    reduced = None
    if spec.axis_parameter is not None:
        all_axes = sizes[ELLIPSIS]
        reduced = reduced_axes(params.get(spec.axis_parameter), len(all_axes), name=spec.axis_parameter, where=where)
        params[spec.axis_parameter] = reduced
        output_shape = tuple(size for axis, size in enumerate(all_axes) if axis not in reduced)
    factors = {"weights": weights}
    if spec.weight_parameter is not None:
        factors[spec.weight_parameter] = params.pop(spec.weight_parameter, None)
    combined = _combine(factors, output_shape, compute, where)
    ignored = None
    if spec.ignore_parameter is not None:
        ignored = params.pop(spec.ignore_parameter)
        if ignored is not None:
            ignored = _check.integer(ignored, name=spec.ignore_parameter, where=where)
        if spec.ignored_label.shape == spec.output:
            combined = _ignore(spec, arrays, ignored, combined, output_shape, compute)
            ignored = None
        else:
            params[spec.ignore_parameter] = ignored
    if spec.mask_parameter is not None:
        mask = params.get(spec.mask_parameter)
        if mask is not None:
            mask = as_array(mask) != 0
            broadcast_into(spec.mask_parameter, mask.shape, output_shape, target_name="the loss values", where=where)
            mask = namespace_of(mask).broadcast_to(mask, output_shape)
            combined = mask.astype(compute) if combined is None else combined * mask
        params[spec.mask_parameter] = None if combined is None else jnp.asarray(combined != 0)
    if combined is not None:
        combined = combined[None] if single else combined
        arrays = _remove_samples(spec, arrays, combined, sizes.get(ELLIPSIS, ()), reduced)

    classes = sizes["C"][0] if "C" in sizes else None
    for item in spec.inputs:
        values = arrays[item.name]
        if ignored is not None and item is spec.ignored_label:
            values = namespace_of(values).where(kept_labels(values, ignored), values, 0)
        if single and "N" in item.shape:
            values = namespace_of(values).squeeze(values, item.shape.index("N"))
        if spec.pixel_parameter is not None and params.get(spec.pixel_parameter) is not None:
            values = without_pixels(spec, item, values, as_array(params[spec.pixel_parameter]), single, where)
        enforce_values(item, values, classes=classes, where=where)

    prepared: list[jax.Array] = []
    for item in spec.inputs:
        array = to_device(item, arrays[item.name], compute)
        if item.kind == "float" and item.role != "table" and not item.as_given:
            array = array.astype(compute)
        prepared.append(jnp.broadcast_to(array, sizes[ELLIPSIS]) if spec.broadcasting else array)
    factor = None if combined is None else jnp.asarray(combined)
    return _Prepared(prepared, params, factor, dtype, output_shape, single)


def _ignore(
    spec: LossSpec,
    arrays: Mapping[str, jax.Array | np.ndarray],
    index: int | None,
    weights: jax.Array | np.ndarray | None,
    shape: Shape,
    dtype: np.dtype,
) -> jax.Array | np.ndarray | None:
    """Return the weights, set to zero where the label is the ignored one."""
    if index is None:
        return weights
    kept = kept_labels(arrays[spec.ignored_label.name], index)
    if isinstance(kept, np.ndarray | np.bool_) and kept.all():
        return weights
    kept = kept.astype(dtype).reshape(shape)
    return kept if weights is None else weights * kept


def _result_dtype(spec: LossSpec, arrays: Mapping[str, jax.Array | np.ndarray]) -> np.dtype:
    counted = [arrays[item.name] for item in spec.inputs if item.kind == "float"]
    dtype = jnp.result_type(*counted)
    return jnp.dtype(dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.float32)


def _combine(factors: Mapping[str, Any], shape: Shape, dtype: np.dtype, where: str) -> jax.Array | np.ndarray | None:
    combined = None
    for name, factor in factors.items():
        if factor is None:
            continue
        factor = as_array(factor)
        check_dtype(InputSpec(name, ()), factor.dtype, where=where)
        broadcast_into(name, factor.shape, shape, target_name="the loss values", where=where)
        # NumPy weights stay NumPy: they are known, so that samples can be removed from labels on the host.
        factor = factor.astype(dtype)
        full = namespace_of(factor).broadcast_to(factor, shape)
        combined = full if combined is None else combined * full
    return combined


def _remove_samples(
    spec: LossSpec,
    arrays: Mapping[str, jax.Array | np.ndarray],
    weights: jax.Array | np.ndarray,
    all_axes: Shape,
    reduced: tuple[int, ...] | None,
) -> dict[str, jax.Array | np.ndarray]:
    """Replace inputs of weight zero by values where the loss and its gradient are finite.

    Masking the values of the loss is not enough: a NaN or an infinite derivative at a masked element times a cotangent
    of zero is NaN.
    """
    kept = weights != 0
    result = dict(arrays)
    for item in spec.inputs:
        if not spec.per_sample(item):
            continue
        array = arrays[item.name]
        # With known weights labels stay on the host, so that they are checked before 64-bit integers are converted.
        here = kept
        if isinstance(array, np.ndarray) and item.kind != "float" and not is_tracer(kept):
            here = np.asarray(kept)
        xp = namespace_of(array, here)
        array = array if xp is np else to_device(item, array, weights.dtype)
        if spec.broadcasting:
            mask, array = here, xp.broadcast_to(array, all_axes)
        else:
            axes = item.axes(array.ndim) or ()
            absent = tuple(i for i, axis in enumerate(axes) if axis not in spec.output) if reduced is None else reduced
            mask = xp.expand_dims(here, absent)
        result[item.name] = xp.where(mask, array, xp.asarray(item.fill, array.dtype))
    return result
