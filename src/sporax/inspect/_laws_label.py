"""Laws of labels: which are refused, which dtypes they come in, and which way the loss leads."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import x64_scope
from sporax.inspect._laws import Check, Failed, Skipped, differ, law, number
from sporax.inspect._subject import one_array


def _class_labels(check: Check) -> int:
    for at, item in enumerate(check.subject.inputs):
        if item.classes is not None and item.given is None:
            return at
    raise Skipped("it takes no class labels")


@law("labels", "a label that names no class is an error or NaN")
def labels(check: Check) -> str:
    subject, at = check.subject, _class_labels(check)
    for bad in (subject.inputs[at].classes or 0, -1):
        if bad == subject.ignored_label(at):
            continue
        arrays = check.draw(6)
        arrays[at] = arrays[at].copy()
        arrays[at].reshape(-1)[0] = bad
        try:
            with x64_scope(False):
                value = one_array(subject.direct(*map(jnp.asarray, arrays)))
        except Exception:
            continue
        if np.isfinite(np.asarray(value, np.float64)).all():
            raise Failed(
                f"label {bad} of {subject.inputs[at].classes} classes goes unnoticed: the value is {number(value)}",
                expected="an error, or NaN",
                fix="a negative index counts from the end, and one-hot rows of zeros give 0: use "
                "nn.SoftmaxCrossEntropyWithLogits(sparse=True) or check the labels.",
                arrays=arrays,
                status="warn",
            )
    return ""


@law("label-dtype", "labels of another integer dtype give the same loss")
def label_dtype(check: Check) -> str:
    subject = check.subject
    places = [at for at, item in enumerate(subject.inputs) if jnp.issubdtype(item.dtype, jnp.integer)]
    if not places:
        raise Skipped("it takes no integers")
    arrays = check.draw(7)
    expected = check.run("loss", arrays)
    low = min(int(arrays[at].min(initial=0)) for at in places)
    high = max(int(arrays[at].max(initial=0)) for at in places)
    for dtype in (np.int64, np.int32, np.int16, np.int8, np.uint8):
        limits = np.iinfo(dtype)
        if low < limits.min or high > limits.max:
            continue
        cast = [array.astype(dtype) if at in places else array for at, array in enumerate(arrays)]
        try:
            with x64_scope(dtype == np.int64):
                got = np.asarray(check.fn(*map(jnp.asarray, cast)), np.float64)
        except (TypeError, ValueError) as error:
            if type(error).__module__.startswith("sporax"):
                continue  # it says which it takes
            raise
        if differ(got, expected, 1e-5):
            raise Failed(
                f"labels of {np.dtype(dtype).name} give {number(got)}",
                expected=f"{number(expected)}, as labels of {subject.inputs[places[0]].dtype}",
                fix="arithmetic on labels wraps in a narrow dtype: first ops.cast(labels, mstype.int32).",
                arrays=cast,
            )
    return ""


@law("direction", "predictions nearer to the labels have a smaller loss")
def direction(check: Check) -> str:
    subject = check.subject
    if len(subject.inputs) != 2 or subject.coupled:
        raise Skipped("it does not take predictions and labels alone")
    first, second = subject.inputs
    far = check.draw(8)
    near = [array.copy() for array in far]
    if second.classes is not None and first.is_free and first.shape[: len(second.shape)] == second.shape:
        if first.shape != (*second.shape, second.classes):
            raise Skipped("the last axis of the predictions is not that of the classes")
        index = near[1].astype(np.int64)[..., None]
        np.put_along_axis(near[0], index, np.take_along_axis(near[0], index, -1) + 3, -1)
    elif (
        first.is_float
        and second.is_float
        and first.given is None
        and replace(first, name="") == replace(second, name="", given=None)
    ):
        near[0] = (0.9 * near[1] + 0.1 * near[0]).astype(near[0].dtype)
    else:
        raise Skipped("predictions and labels are of different kinds")
    before, after = check.mean(far), check.mean(near)
    if after > before:
        raise Failed(
            f"moving the predictions towards the labels raises the loss from {before:.6g} to {after:.6g}",
            expected="a smaller loss",
            fix="look for a missing minus sign, or for (labels, predictions) in the place of (predictions, labels).",
            arrays=far,
            status="warn",
        )
    return ""
