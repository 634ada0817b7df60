"""Oracles of the Lovász losses: the extension of a set function, from its definition."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.losses._base import Oracle, f64, log_softmax_row


def _jaccard(true: set[int], wrong: set[int]) -> float:
    """The Jaccard loss if exactly the pixels of `wrong` are misclassified."""
    either = true | wrong
    return 1 - len(true - wrong) / len(either) if either else 0.0


def extension(errors: Any, true: set[int]) -> float:
    total, wrong = 0.0, set()
    for pixel in sorted(range(len(errors)), key=lambda n: -errors[n]):
        before = _jaccard(true, wrong)
        wrong = wrong | {pixel}
        total += errors[pixel] * (_jaccard(true, wrong) - before)
    return total


def _hinge(x: Any, labels: Any, ignore_index: int | None = None) -> np.ndarray:
    (x,) = f64(x)
    result = []
    for logits, truth in zip(x, np.asarray(labels), strict=True):
        pixels = [(a, t) for a, t in zip(logits.ravel(), truth.ravel(), strict=True) if t != ignore_index]
        errors = [max(0.0, 1 - (2 * int(t) - 1) * a) for a, t in pixels]
        result.append(extension(errors, {n for n, (_, t) in enumerate(pixels) if t == 1}))
    return np.array(result)


def _softmax(
    x: Any, labels: Any, classes: str = "present", ignore_index: int | None = None, from_logits: bool = False
) -> np.ndarray:
    (x,) = f64(x)
    rows = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    pixels = [(row, int(y)) for row, y in zip(rows, np.ravel(labels), strict=True) if y != ignore_index]
    if from_logits:
        pixels = [(np.exp(log_softmax_row(row)), y) for row, y in pixels]
    values = []
    for c in range(x.shape[1]):
        true = {n for n, (_, y) in enumerate(pixels) if y == c}
        if pixels and (true or classes == "all"):
            values.append(extension([abs(float(y == c) - row[c]) for row, y in pixels], true))
    return np.array(sum(values) / max(len(values), 1))


def _softmax_per_image(x: Any, labels: Any, **params: Any) -> np.ndarray:
    return np.array([_softmax(np.asarray(a)[None], b, **params) for a, b in zip(x, labels, strict=True)])


ORACLES: dict[str, Oracle] = {
    "lovasz_hinge_loss": Oracle(_hinge),
    "lovasz_softmax_loss": Oracle(_softmax),
    "lovasz_softmax_per_image_loss": Oracle(_softmax_per_image),
}
