"""LossBase: the base class of every loss, built-in or custom. It alone owns weighting and reduction."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ArgumentTypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Cell, Tensor, to_array, unwrap, wrap


class _Capture(threading.local):
    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any, Any]] | None = None
        self.shapes: tuple[tuple[int, ...], ...] = ()
        self.removal: _Removal | None = None


_CAPTURE = _Capture()


class _Removal:
    """Places of the loss values that every reduction inside a `removing` block leaves out.

    Args:
        kept: a bool array that says which places stay; its axes are the first ones of the values'.
        outer: what is left out already.
    """

    def __init__(self, kept: Any, outer: _Removal | None) -> None:
        self.kept = kept
        self.outer = outer
        self.used = False
        """Whether a reduction left them out."""

    def combined(self, weights: Any, shape: tuple[int, ...], where: str) -> Any:
        """Those weights with a zero wherever a place is removed."""
        self.used = True
        if self.outer is not None:
            weights = self.outer.combined(weights, shape, where)
        kept = self.kept
        while kept.ndim > len(shape) and kept.shape[-1] == 1:
            kept = kept[..., 0]
        if kept.ndim > len(shape) or any(a not in (1, b) for a, b in zip(kept.shape, shape, strict=False)):
            raise ShapeError(
                f"{where}: a mask of shape {self.kept.shape} does not fit loss values of shape {tuple(shape)}. The "
                "mask's axes must be the first axes of the values"
                + ("; this loss has one value for all of its input, so it has no places." if not shape else ".")
            )
        kept = kept.reshape(kept.shape + (1,) * (len(shape) - kept.ndim))
        if weights is None:
            return kept
        weights = unwrap(weights)
        weights = to_array(weights)
        return jnp.where(kept, weights.reshape((1,) * (kept.ndim - weights.ndim) + weights.shape), 0)


@contextlib.contextmanager
def removing(kept: Any) -> Iterator[_Removal]:
    """Have every `get_loss` and `evaluate` of this block leave out the places that are not kept.

    Args:
        kept: a bool array; within another such block, what that one removed stays removed.
    """
    outer = _CAPTURE.removal
    removal = _Removal(kept, outer)
    _CAPTURE.removal = removal
    try:
        yield removal
    finally:
        _CAPTURE.removal = outer


class LossBase(Cell):
    r"""Base class of losses: write `construct`, and finish it with `self.get_loss(values)`.

    Args:
        reduction: "mean" (the mean over every element), "sum", or "none" (the values as they are).

    Raises:
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> class RelativeLoss(nn.LossBase):
        ...     def construct(self, logits, labels):
        ...         return self.get_loss(ops.abs(logits - labels) / labels)
        >>> print(RelativeLoss()(Tensor([2.0, 3.0]), Tensor([1.0, 4.0])))
        0.625

    Source: the class of the same name in MindSpore.
    """

    reductions: ClassVar[tuple[str, ...]] = losses.REDUCTIONS
    """What `reduction` may be."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        losses.check_reduction(reduction, where=type(self).__name__, allowed=self.reductions)
        self.reduction = reduction
        self.reduce = reduction != "none"
        self.average = reduction == "mean"

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outer = _CAPTURE.shapes
        _CAPTURE.shapes = tuple(each.shape for each in (*args, *kwargs.values()) if isinstance(each, Tensor))
        try:
            return super()._run(args, kwargs)
        finally:
            _CAPTURE.shapes = outer

    def get_axis(self, x: Tensor) -> tuple[int, ...]:
        """Every axis of `x`, as a tuple to reduce over.

        Args:
            x: Tensor of any shape.

        Returns:
            (0, 1, ..., x.ndim - 1).
        """
        return tuple(range(x.ndim))

    def get_loss(self, x: Tensor, weights: Any = 1.0) -> Tensor:
        r"""Weight and reduce the values of a loss, in float32 at least.

        .. math:: \text{none: } w x \qquad \text{sum: } \sum w x \qquad
            \text{mean: } \frac{\sum w x}{\#\{w \ne 0\}}

        The mean is MindSpore's where no weight is zero. A zero weight is as good as the sample's removal, in value
        and gradient. With nothing left the result is 0.

        Args:
            x: loss values of any shape.
            weights: a number, or a Tensor that broadcasts to the shape of `x`.

        Returns:
            the weighted values ("none"), or a Tensor of shape (), in the dtype of `x`.

        Raises:
            ShapeError: weights that would make the result larger than `x`; or values that are larger than both
                inputs of `construct`, because (N, 1) met (N,).
        """
        name = type(self).__name__
        if not isinstance(x, Tensor):
            if isinstance(x, (int, float)) and not isinstance(x, bool):
                x = Tensor(x)
            elif isinstance(x, (jax.Array, np.ndarray)):
                x = wrap(to_array(x))
            else:
                raise ArgumentTypeError(
                    f"{name}.get_loss: `x` must be the Tensor of loss values, but got {x!r} of type {type(x).__name__}."
                )
        _refuse_every_pair(name, x.shape)
        given = unwrap(weights)
        factor = None if isinstance(given, (int, float)) and given == 1 else given
        with x64_scope(True):
            if _CAPTURE.removal is not None:
                factor = _CAPTURE.removal.combined(factor, x.shape, name)
            result = wrap(losses.reduce_loss(x._value, self.reduction, factor, where=name))
            if _CAPTURE.pairs is not None:
                _CAPTURE.pairs.append((result, *losses.sum_and_weight(x._value, factor, where=name)))
        return result

    def evaluate(self, function: Any, *inputs: Tensor, **hyper_parameters: Any) -> Tensor:
        """A loss of `sporax.losses` on these inputs, with this Cell's reduction, rounded once.

        Args:
            function: one of `sporax.losses`, such as `losses.l1_loss`.
            inputs: its array inputs.
            hyper_parameters: its keyword arguments.

        Returns:
            values ("none") or a Tensor of shape (), in the dtype of the inputs.
        """
        name = type(self).__name__
        arrays = [unwrap(each) for each in inputs]
        with x64_scope(True):
            if _CAPTURE.removal is not None:
                values = jax.eval_shape(lambda *given: function(*given, **hyper_parameters), *arrays)
                hyper_parameters["weights"] = _CAPTURE.removal.combined(None, values.shape, name)
            result = wrap(losses.evaluate(function, *arrays, reduction=self.reduction, where=name, **hyper_parameters))
            # A mean over the samples is not one over the values: it counts as its value times the samples.
            if _CAPTURE.pairs is not None and self.reduction != "batchmean":
                pair = losses.evaluate_sum_and_weight(function, *arrays, where=name, **hyper_parameters)
                _CAPTURE.pairs.append((result, *pair))
        return result

    def sum_and_weight(self, *inputs: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The numerator and the denominator of this loss, so that several batches are divided once.

        Adding the pairs of k parts of a batch and dividing gives the mean over the whole batch, with uneven masks
        too. A loss that is not one single mean (a sum of two `get_loss`, or a dict of terms) counts as its value times
        the number of samples.

        Args:
            inputs, kwargs: those of `construct`.

        Returns:
            two Tensors of shape ().
        """
        outer, _CAPTURE.pairs = _CAPTURE.pairs, []
        try:
            value = self(*inputs, **kwargs)
            pairs = _CAPTURE.pairs
        finally:
            _CAPTURE.pairs = outer
        if len(pairs) == 1 and pairs[0][0] is value and self.reduction != "none":
            total, weight = pairs[0][1:]
            return wrap(total), wrap(weight)
        with x64_scope(True):
            leaves = [leaf for leaf in jax.tree.leaves(inputs) if getattr(leaf, "ndim", 0)]
            count = np.float32(leaves[0].shape[0] if leaves else 1)
            terms = value.values() if isinstance(value, dict) else (value,)
            total = sum(term._value.mean() for term in terms)
            return wrap(total * count), wrap(to_array(count))

    def term_sums(self, *inputs: Any, **kwargs: Any) -> dict[str, tuple[Tensor, Tensor]]:
        """For each term of this loss a sum and what it is over, so that several batches are divided once.

        Added over the batches, their quotient is the term over all of them. A term that is one mean gives its
        numerator and denominator; another counts as its value times the number of samples. A loss with another
        reduction than "mean" counts once for each batch (once for each element for "none").

        Args:
            inputs, kwargs: those of `construct`.

        Returns:
            two Tensors of shape () by the term's name; a loss that is one number has the one term "loss".
        """
        outer, _CAPTURE.pairs = _CAPTURE.pairs, []
        try:
            value = self(*inputs, **kwargs)
            pairs = _CAPTURE.pairs
        finally:
            _CAPTURE.pairs = outer
        if not isinstance(value, dict):
            if self.reduction == "mean":
                return {"loss": self.sum_and_weight(*inputs, **kwargs)}
            return {"loss": _total_and_size(value)}
        sums = {}
        for name, term in value.items():
            if self.reduction != "mean":
                sums[name] = _total_and_size(term)
                continue
            pair = next((each[1:] for each in pairs if each[0] is term), None)
            sums[name] = (wrap(pair[0]), wrap(pair[1])) if pair else _value_over_samples(term, inputs)
        return sums

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host, before a compiled step uses them; built-in losses know how.

        Args:
            input_shapes: shapes of the loss's other inputs, by name.
            labels: the label columns.

        Raises:
            LabelError, DtypeError, ShapeError: as the loss itself raises in eager code.
        """


def _total_and_size(value: Tensor) -> tuple[Tensor, Tensor]:
    return value.sum(), Tensor(np.float32(value.size))


def _value_over_samples(value: Tensor, inputs: Any) -> tuple[Tensor, Tensor]:
    leaves = [leaf for leaf in jax.tree.leaves(inputs) if getattr(leaf, "ndim", 0)]
    count = Tensor(np.float32(leaves[0].shape[0] if leaves else 1))
    return value.mean() * count, count


def _refuse_every_pair(name: str, shape: tuple[int, ...]) -> None:
    """(N, 1) against (N,) compares every sample with every other: never what a loss means."""
    for at, one in enumerate(_CAPTURE.shapes):
        for other in _CAPTURE.shapes[at + 1 :]:
            if len(one) == len(other) or shape in (one, other) or len(shape) != max(len(one), len(other)):
                continue
            try:
                meets = np.broadcast_shapes(one, other) == shape
            except ValueError:
                continue
            if meets:
                raise ShapeError(
                    f"{name}: shapes must be equal, or one must broadcast to the other, but inputs of shape {one} and "
                    f"{other} gave values of shape {shape}, larger than either. Reshape one of them to the shape of "
                    f"the other; where every pair is meant, give both {len(shape)} axes."
                )


_PACKAGE = (__name__.rpartition(".")[0] + ".", "sporax.mint.")


class RegisteredLoss(LossBase):
    """A loss of the registry: `construct` calls its function, and labels can be checked on the host."""

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row of this loss, as its arguments (and, in a few classes, its labels) choose it."""
        # A user's subclass has the row of the built-in class that it is made of.
        for cls in _built_in(type(self)):
            for row in losses.by_cell(cls.__name__):
                if all(getattr(self, name) == value for name, value in row.cell_arguments.items()):
                    return row
        raise LookupError(f"{type(self).__name__} has no row in the registry of losses.")

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`.

        A user's subclass with a `construct` of its own is left alone: its labels may mean something else.
        """
        if type(self).construct is not _built_in(type(self))[0].construct:
            return
        row = self.row(*labels)
        names = [item.name for item in row.inputs if item.role == "label"]
        ignored = row.function.spec.ignore_parameter
        row.check_labels(
            input_shapes,
            dict(zip(names, labels, strict=False)),
            ignore=None if ignored is None else getattr(self, ignored),
        )


def _built_in(cls: type) -> list[type[RegisteredLoss]]:
    """The losses of this package among a class and its bases, the nearest first."""
    return [each for each in cls.__mro__ if issubclass(each, RegisteredLoss) and each.__module__.startswith(_PACKAGE)]
