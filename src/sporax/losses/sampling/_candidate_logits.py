"""Logits of the true and the sampled classes, the common part of sampled softmax and NCE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax._typing import ArrayLike, Shape
from sporax._value_checks import is_known
from sporax.losses.contract._arrays import as_array
from sporax.losses.contract._indexing import valid_indices
from sporax.losses.contract._labels import check_dtype, enforce_values, to_device
from sporax.losses.contract._spec import InputSpec
from sporax.losses.sampling._candidates import check_counts, log_uniform_candidate_sampler, uniform_candidate_sampler

SAMPLERS = ("uniform", "log_uniform")

_CANDIDATES = InputSpec("sampled_candidates", ("S",), kind="int", domain="class")


class CandidateLogits(NamedTuple):
    """Logits minus the logarithm of the expected count.

    Args:
        true: of the true classes, (N, num_true).
        sampled: of the candidates, (N, num_sampled); -inf for a removed accidental hit.
        valid: whether all class indices of the row are in range, (N,).
    """

    true: jax.Array
    sampled: jax.Array
    valid: jax.Array


def candidate_logits(
    weight: ArrayLike,
    bias: ArrayLike,
    labels: ArrayLike,
    inputs: ArrayLike,
    *,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Sequence[Any] | None,
    remove_accidental_hits: bool,
    sampler: str,
    unique: bool,
    seed: int,
    key: jax.Array | None,
    where: str,
) -> CandidateLogits:
    """Check the arguments, draw candidates unless given, and compute the logits."""
    weight, bias = jnp.asarray(weight), jnp.asarray(bias)
    labels, inputs = jnp.asarray(labels), jnp.asarray(inputs)
    num_sampled, num_classes = check_counts(num_sampled, num_classes, unique, where=where)
    _check.is_type(remove_accidental_hits, bool, name="remove_accidental_hits", where=where)
    num_true = _check.integer(num_true, name="num_true", where=where, minimum=1)
    sampler = _check.one_of(sampler, SAMPLERS, name="sampler", where=where)
    if num_true > num_classes:
        raise ArgumentError(f"{where}: `num_true` must be at most `num_classes` ({num_classes}), but got {num_true}.")
    if weight.shape[0] != num_classes:
        raise ShapeError(
            f"{where}: `weight` must have a row for each of the {num_classes} classes, but got shape "
            f"{weight.shape}. Set num_classes={weight.shape[0]}."
        )
    true = labels[:, None] if labels.ndim == 1 else labels
    if true.shape[1] != num_true:
        raise ShapeError(
            f"{where}: `labels` must have shape ({labels.shape[0]}, {num_true}), but got {labels.shape}. "
            f"Set num_true={true.shape[1]}."
        )

    dtype = inputs.dtype
    true_valid, true_index = valid_indices(true, num_classes)
    drawn = sampled_values
    if drawn is None:
        seed = _check.integer(seed, name="seed", where=where, minimum=0)
        key = jax.random.key(seed) if key is None else key
        if sampler == "uniform":
            drawn = uniform_candidate_sampler(key, num_sampled, num_classes, unique=unique)
        else:
            drawn = log_uniform_candidate_sampler(key, num_sampled, num_classes, true_index, unique=unique)
    sampled, true_count, sampled_count = _check_sampled(drawn, num_sampled, num_classes, true.shape, dtype, where)

    # An index out of range looks up class 0; its row is later set to NaN, without gradient.
    sampled_valid, sampled_index = valid_indices(sampled, num_classes)

    def rows(table: jax.Array, index: jax.Array) -> jax.Array:
        return jnp.take(table, index, axis=0, mode="clip").astype(dtype)

    true_logits = jnp.einsum("nd,ntd->nt", inputs, rows(weight, true_index))
    true_logits = true_logits + rows(bias, true_index) - jnp.log(true_count)
    sampled_bias = rows(bias, sampled_index) - jnp.log(sampled_count)
    sampled_logits = inputs @ rows(weight, sampled_index).T + sampled_bias[None, :]
    if remove_accidental_hits:
        hits = jnp.any(true_index[:, :, None] == sampled_index[None, None, :], axis=1)
        sampled_logits = jnp.where(hits, -jnp.inf, sampled_logits)
    return CandidateLogits(true_logits, sampled_logits, jnp.all(true_valid, axis=1) & jnp.all(sampled_valid))


def _check_sampled(
    given: Any, num_sampled: int, num_classes: int, true_shape: Shape, dtype: Any, where: str
) -> tuple[jax.Array, jax.Array, jax.Array]:
    if not isinstance(given, Sequence) or len(given) != 3:
        raise ArgumentTypeError(
            f"{where}: `sampled_values` must be (sampled_candidates, true_expected_count, "
            f"sampled_expected_count), but got {type(given).__name__}"
            + (f" of length {len(given)}." if isinstance(given, Sequence) else ".")
        )
    candidates, true_count, sampled_count = (as_array(value) for value in given)
    check_dtype(_CANDIDATES, candidates.dtype, where=where)
    _check_shape("sampled_candidates", candidates.shape, (num_sampled,), where)
    enforce_values(_CANDIDATES, candidates, classes=num_classes, where=where)
    _check_shape("sampled_expected_count", sampled_count.shape, (num_sampled,), where)
    if true_count.shape not in (true_shape, (true_shape[0], 1), (1, 1)):
        _check_shape("true_expected_count", true_count.shape, true_shape, where)
    for name, count in (("true_expected_count", true_count), ("sampled_expected_count", sampled_count)):
        if is_known(count) and not np.all(np.asarray(count) > 0):
            raise ArgumentError(f"{where}: `{name}` must be above 0, but got {np.min(np.asarray(count))}.")
    return to_device(_CANDIDATES, candidates, dtype), jnp.asarray(true_count, dtype), jnp.asarray(sampled_count, dtype)


def _check_shape(name: str, got: Shape, expected: Shape, where: str) -> None:
    if got != expected:
        raise ShapeError(f"{where}: `{name}` must have shape {expected}, but got {got}.")
