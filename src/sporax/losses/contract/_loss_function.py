"""The one position that turns a formula into a loss that keeps the contract.

`loss_function` wraps a formula that knows only arrays of one dtype and fitting shapes. Around it, in this
order: dtypes are checked, shapes matched, samples of weight zero removed from the inputs, values checked,
half precision widened to float32, the values reduced and cast back.
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
from sporax.losses.contract._arrays import apply_weights, as_array, compute_dtype
from sporax.losses.contract._convention import documentation_with_keywords, evaluate_keywords, signature_with_keywords
from sporax.losses.contract._doc_sections import completed
from sporax.losses.contract._indexing import kept_labels
from sporax.losses.contract._info import LossInfo, register
from sporax.losses.contract._labels import check_dtype, enforce_values, to_device
from sporax.losses.contract._parameters import parameters_of
from sporax.losses.contract._reduce import divide, samples_left
from sporax.losses.contract._shapes import broadcast_into, is_single, match, reduced_axes
from sporax.losses.contract._spec import ELLIPSIS, InputSpec, LossSpec

__all__ = ["Counted", "LossFunction", "loss_function"]

P = ParamSpec("P")


class LossFunction(Protocol[P]):
    """A loss of this package: a function of arrays, hyper-parameters and two keywords that all losses have.

        fn(*inputs, **hyper_parameters, reduction="none", weights=None)

    `reduction` is "none" (the default: unreduced values), "mean", "sum" or "batchmean"; `weights` broadcasts to the
    shape of the values, and a weight of 0 removes a sample. The result is that of `evaluate`, in the dtype of the
    inputs. For a gradient take a scalar, such as the mean: `jax.grad(functools.partial(fn, reduction="mean"))`.

    `full_precision` takes inputs and hyper-parameters, and leaves the values of half-precision inputs in float32.
    `spec` says what the loss takes.
    """

    __name__: str
    spec: LossSpec
    full_precision: Callable[..., jax.Array]

    # A ParamSpec cannot be followed by keywords, so calls with these two are checked for the two alone.
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> jax.Array: ...
    @overload
    def __call__(self, *inputs: Any, reduction: str, weights: Any = None, **hyper_parameters: Any) -> jax.Array: ...
    @overload
    def __call__(self, *inputs: Any, weights: Any, **hyper_parameters: Any) -> jax.Array: ...


class Counted(NamedTuple):
    """Values of a formula whose mean does not divide by the count of values.

    `counts` has the shape of the values: what each adds to the denominator of the mean, as the class weight of
    its label in a cross entropy.
    """

    values: jax.Array
    counts: jax.Array


class Unreduced(NamedTuple):
    """Unweighted values at full precision, their weights or None, and the dtype that a result has.

    `counts` is what each value adds to the denominator of the mean; None for 1. `joins` is as in `sum_all`.
    """

    values: jax.Array
    weights: jax.Array | None
    dtype: np.dtype
    counts: jax.Array | None = None
    joins: bool = True


class Reduced(NamedTuple):
    """What the formula of a reduced loss gives: the result, what a mean divides by, and what else is known."""

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
    joins: bool = True,
    info: LossInfo | None = None,
) -> Callable[[Callable[P, jax.Array | Counted]], LossFunction[P]]:
    """Make a loss of a formula.

    The formula's positional parameters are its array inputs, in the order of `inputs`; its keyword-only
    parameters are hyper-parameters. It gets float inputs in one dtype of at least 32 bits, and returns one
    value for each element of `output`, or `Counted` values. The loss has the keywords `reduction` and `weights`
    beside them, in its signature and its docstring too; see `LossFunction`.

    A loss whose inputs have the axis N also takes a single sample, whose inputs lack that axis; its value lacks it
    too. Not so where the samples of a batch meet each other (`mask_parameter`).

    Args:
        inputs: what each array input is.
        output: axis names of the values, such as `"..."`.
        broadcasting: whether an input may broadcast to the shape of the largest.
        weight_parameter: the name of a hyper-parameter that weights the values; the formula does not see it.
        ignore_parameter: the name of a hyper-parameter that is a label (of the domain `class`): positions with that
            label are removed, as by a weight of zero. The formula does not see it. None removes nothing. Where
            there are several labels to a value, as in a loss of whole images, the formula does see it, and leaves
            them out (see `kept_labels` in `_indexing.py`); here they only pass the check of the values.
        mask_parameter: the name of a hyper-parameter, for losses in which the samples of a batch meet each other
            (as negatives of one another): a mask of the shape of the values, or None, of those that take part. A
            sample of weight zero leaves it too, so that it is no other sample's negative either.
        axis_parameter: the name of a hyper-parameter, for losses of a whole set (`output` "") whose inputs all have
            the axes `...`: over which axes the loss is taken, all of them for None, so that there is one value for
            each position of the others. The formula gets a tuple of axes, counted from 0.
        pixel_parameter: the name of a hyper-parameter that weights the pixels of such a set, or is None. The formula
            applies it; values of pixels of weight 0 are not checked.
        prepare: takes and gives the input arrays by name, before their shapes are matched: for a loss whose labels
            come in more than one layout.
        reduced: a second formula, for a loss whose sum or mean costs less than its values. It takes what the first
            one does, and `factor`, the weights of the values or None, and `reduction`, and gives them `Reduced`;
            `evaluate` calls it for "sum" and "mean".
        joins: whether a sum of the values is to be compiled as one with the formula. Not for a very long formula,
            which LLVM does not inline then: it would go through the values one by one (measured: three times slower).
        info: the entry of the registry, for the losses of this package. Their docstrings are completed with what
            follows from the contract (see `_doc_sections.py`).

    Returns:
        A decorator that gives a `LossFunction`.

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
            return Unreduced(values, factor, given.dtype, counts, joins)  # pyright: ignore[reportArgumentType]

        def at_once(
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
            call.__dict__["reduced"] = at_once
        if info is not None:
            register(call, info)
        return call  # pyright: ignore[reportReturnType]

    return wrap


class _Prepared(NamedTuple):
    """What a formula gets: arrays and hyper-parameters; the weights of its values; the dtype of a result.

    `shape` is that of the values; with `single`, the formula has an axis N of size 1 before it.
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
            item.name: _xp(arrays[item.name]).expand_dims(arrays[item.name], item.shape.index("N"))
            for item in spec.inputs
            if "N" in item.shape
        }
    sizes = match(spec, {name: array.shape for name, array in arrays.items()}, where=where)
    output_shape = spec.output_shape(sizes)[single:]

    params = dict(params)
    reduced = None
    if spec.axis_parameter is not None:
        whole = sizes[ELLIPSIS]
        reduced = reduced_axes(params.get(spec.axis_parameter), len(whole), name=spec.axis_parameter, where=where)
        params[spec.axis_parameter] = reduced
        output_shape = tuple(size for at, size in enumerate(whole) if at not in reduced)
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
            mask = _xp(mask).broadcast_to(mask, output_shape)
            combined = mask.astype(compute) if combined is None else combined * mask
        params[spec.mask_parameter] = None if combined is None else jnp.asarray(combined != 0)
    if combined is not None:
        combined = combined[None] if single else combined
        arrays = _remove_samples(spec, arrays, combined, sizes.get(ELLIPSIS, ()), reduced)

    classes = sizes["C"][0] if "C" in sizes else None
    for item in spec.inputs:
        values = arrays[item.name]
        if ignored is not None and item is spec.ignored_label:
            values = _xp(values).where(kept_labels(values, ignored), values, 0)
        if single and "N" in item.shape:
            values = _xp(values).squeeze(values, item.shape.index("N"))
        if spec.pixel_parameter is not None and params.get(spec.pixel_parameter) is not None:
            weight = as_array(params[spec.pixel_parameter])
            broadcast_into(spec.pixel_parameter, weight.shape, values.shape, target_name="the labels", where=where)
            xp: Any = np if isinstance(values, np.ndarray) and isinstance(weight, np.ndarray) else jnp
            values = xp.where(weight != 0, values, xp.asarray(item.fill, values.dtype))
        enforce_values(item, values, classes=classes, where=where)

    prepared: list[jax.Array] = []
    for item in spec.inputs:
        array = to_device(item, arrays[item.name], compute)
        if item.kind == "float" and item.role != "table" and not item.as_given:
            array = array.astype(compute)
        prepared.append(jnp.broadcast_to(array, sizes[ELLIPSIS]) if spec.broadcasting else array)
    factor = None if combined is None else jnp.asarray(combined)
    return _Prepared(prepared, params, factor, dtype, output_shape, single)


def _xp(array: Any) -> Any:
    """The module whose functions leave the array where it is, host or device."""
    return np if isinstance(array, np.ndarray) else jnp


def _ignore(
    spec: LossSpec,
    arrays: Mapping[str, jax.Array | np.ndarray],
    index: int | None,
    weights: jax.Array | np.ndarray | None,
    shape: Shape,
    dtype: np.dtype,
) -> jax.Array | np.ndarray | None:
    """The weights with a zero wherever the label is the one to ignore."""
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
        # NumPy weights stay NumPy: they are known, so samples can be removed from labels on the host.
        factor = factor.astype(dtype)
        full = _xp(factor).broadcast_to(factor, shape)
        combined = full if combined is None else combined * full
    return combined


def _remove_samples(
    spec: LossSpec,
    arrays: Mapping[str, jax.Array | np.ndarray],
    weights: jax.Array | np.ndarray,
    whole: Shape,
    reduced: tuple[int, ...] | None,
) -> dict[str, jax.Array | np.ndarray]:
    """Put a harmless value wherever the weight is zero.

    Masking the values is not enough: a NaN or an infinite derivative at a masked element times a cotangent of
    zero is NaN. So what a removed sample held never enters the formula.
    """
    kept = weights != 0
    result = dict(arrays)
    for item in spec.inputs:
        if not spec.per_sample(item):
            continue
        array = arrays[item.name]
        # Known weights go to labels on the host, so that these are checked in full and then cut to no fewer bits.
        here = kept
        if isinstance(array, np.ndarray) and item.kind != "float" and not is_tracer(kept):
            here = np.asarray(kept)
        xp: Any = np if isinstance(array, np.ndarray) and isinstance(here, np.ndarray) else jnp
        array = array if xp is np else to_device(item, array, weights.dtype)
        if spec.broadcasting:
            mask, array = here, xp.broadcast_to(array, whole)
        else:
            axes = item.axes(array.ndim) or ()
            gone = tuple(at for at, axis in enumerate(axes) if axis not in spec.output) if reduced is None else reduced
            mask = xp.expand_dims(here, gone)
        result[item.name] = xp.where(mask, array, xp.asarray(item.fill, array.dtype))
    return result
