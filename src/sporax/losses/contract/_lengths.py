"""Checks of padded sequences: their lengths, and the labels within them."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import LabelError
from sporax._value_checks import check_when_known
from sporax.losses.contract._indexing import valid_indices
from sporax.losses.contract._labels import enforce_values
from sporax.losses.contract._spec import label

_CLASSES = label("targets", "N S", domain="class", kind="int")


def take_lengths(lengths: jax.Array, limit: int, *, name: str, where: str) -> tuple[jax.Array, jax.Array]:
    """Return which lengths are in [0, limit], and the lengths as int32 with the others set to 0.

    Raises:
        LabelError: a length out of range, where values are known.
    """
    check_when_known(functools.partial(_check_lengths, limit=limit, name=name, where=where), lengths)
    return valid_indices(lengths, limit + 1)


def take_targets(
    targets: jax.Array, lengths: jax.Array, classes: int, *, where: str
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return which rows hold only class indices, the labels with others set to 0, and which positions are not padding.

    Padding, beyond the length of a row, may have any value.

    Raises:
        LabelError: a label out of range within the length, where values are known.
    """
    used = jnp.arange(targets.shape[1], dtype=jnp.int32)[None, :] < lengths[:, None]
    labels = jnp.where(used, targets, 0)
    enforce_values(_CLASSES, labels, classes=classes, where=where)
    valid, safe = valid_indices(labels, classes)
    return jnp.all(valid, axis=1), safe, used


def _check_lengths(values: Any, *, limit: int, name: str, where: str) -> None:
    lengths = np.asarray(values)
    wrong = (lengths < 0) | (lengths > limit)
    if wrong.any():
        at = _check.first_index(wrong)
        raise LabelError(
            f"{where}: `{name}` must be in [0, {limit}], the length of the longest sequence, "
            f"but got {lengths[at].item()} at index {at}. Give the length of each sequence before padding."
        )
