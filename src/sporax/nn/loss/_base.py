"""LossBase: the base class of every loss, built-in or custom. It alone owns weighting and reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ArgumentTypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Cell, Tensor, recordable, to_array, unwrap, wrap
from sporax.nn.loss._capture import (
    CAPTURE,
    Pair,
    capturing,
    one_program,
    only_weight,
    part_of,
    samples_of,
    sums_of,
    through_means,
)
from sporax.transforms import run_compiled

__all__ = ["LossBase"]


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

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outer = CAPTURE.shapes
        CAPTURE.shapes = tuple(each.shape for each in (*args, *kwargs.values()) if isinstance(each, Tensor))
        try:
            return super()._compute(args, kwargs)
        finally:
            CAPTURE.shapes = outer

    def _eager(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return run_compiled(self, args, kwargs)

    def _is_one_node(self) -> bool:
        # Otherwise the values of its reductions are collected.
        return CAPTURE.pairs is None and CAPTURE.removal is None

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
        if not self._is_one_node():
            return self._reduced_and_collected(x, weights)
        return _reduced(x, weights, self.reduction, name)

    def _reduced_and_collected(self, x: Tensor, weights: Any) -> Tensor:
        """Weight and reduce values, without those of a removal, and collect the numerator and denominator."""
        name, factor = type(self).__name__, _factor(weights)
        with x64_scope(True), CAPTURE.by_cell():
            if CAPTURE.removal is not None:
                factor = CAPTURE.removal.combined(factor, x.shape, name)
            result = wrap(losses.reduce_loss(x._value, self.reduction, factor, where=name))
            if CAPTURE.pairs is not None:
                pair = losses.sum_and_weight(x._value, factor, where=name)
                CAPTURE.pairs.add(
                    Pair(result._value, *pair, x.ndim == 0, self.reduction),
                    weighted=factor is not None and np.ndim(factor) > 0,
                )
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
        with x64_scope(True), CAPTURE.by_cell():
            if CAPTURE.removal is not None:
                values = jax.eval_shape(lambda *given: function(*given, **hyper_parameters), *arrays)
                weights = hyper_parameters.get("weights")
                hyper_parameters["weights"] = CAPTURE.removal.combined(weights, values.shape, name)
            result = wrap(losses.evaluate(function, *arrays, reduction=self.reduction, where=name, **hyper_parameters))
            if CAPTURE.pairs is not None:
                weighted = any(hyper_parameters.get(each) is not None for each in ("weights", "weight", "ignore_index"))
                mean = "batchmean" if self.reduction == "batchmean" else "mean"
                pair = losses.evaluate_sum_and_weight(function, *arrays, reduction=mean, where=name, **hyper_parameters)
                hyper_parameters.pop("weights", None)
                values = jax.eval_shape(lambda *given: function(*given, **hyper_parameters), *arrays)
                CAPTURE.pairs.add(Pair(result._value, *pair, not values.shape, self.reduction), weighted=weighted)
        return result

    @one_program
    def sum_and_weight(self, *inputs: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        r"""The numerator and the denominator of the mean of this loss, so that several batches are divided once.

        .. math:: \ell = \frac{\sum_k s_k}{\sum_k w_k}

        With the pairs :math:`(s_k, w_k)` of the parts of a batch this is the loss of the whole batch, with uneven
        parts, masks and class weights too, and :math:`\sum_k \nabla s_k / \sum_k w_k` is its gradient, since no weight
        depends on a Parameter. For "sum" the numerator alone is the loss.

        The means of functions (`ops.cross_entropy`, `losses.nll_loss(..., reduction="mean")`) count as those of
        `get_loss` do, and so does a value that is made of one of them, such as `2 * self.get_loss(values) + penalty`.
        A loss that is no such mean counts as its value times the number of samples: one number for a whole set
        (`RMSELoss`, `DiceLoss`, `LovaszSoftmaxLoss`), means of different denominators added up, or a mean that
        `construct` takes itself. Losses in which the samples of a batch meet each other (`SupConLoss`,
        `BatchHardTripletLoss`) see the samples of their part only. The terms of a dict have denominators of their own:
        see `term_sums`.

        Args:
            inputs, kwargs: those of `construct`.

        Returns:
            two Tensors of shape ().

        Examples:
            >>> import numpy as np
            >>> from sporax import nn, Tensor, value_and_grad
            >>> # Gradients of a batch in two parts, of which one has a label to ignore: divided once, at the end.
            >>> net, loss = nn.Dense(1, 2), nn.CrossEntropyLoss(ignore_index=-1)
            >>> x, y = np.float32([[1], [2], [3]]), np.int32([0, -1, 1])
            >>> def numerator(x, y):
            ...     return loss.sum_and_weight(net(x), y)
            >>> accumulate = value_and_grad(numerator, None, net.trainable_params(), has_aux=True)
            >>> total, weight, gradients = 0, 0, [0, 0]
            >>> for part in (slice(0, 2), slice(2, 3)):
            ...     (part_sum, part_weight), part_gradients = accumulate(Tensor(x[part]), Tensor(y[part]))
            ...     total, weight = total + part_sum, weight + part_weight
            ...     gradients = [a + b for a, b in zip(gradients, part_gradients)]
            >>> whole = value_and_grad(lambda: loss(net(Tensor(x)), Tensor(y)), None, net.trainable_params())
            >>> value, expected = whole()
            >>> np.allclose(total / weight, value, rtol=1e-5)
            True
            >>> all(np.allclose(a / weight, b, rtol=1e-5) for a, b in zip(gradients, expected))
            True
        """
        with capturing() as pairs:
            value = self(*inputs, **kwargs)
        pairs.through = through_means(self, inputs, kwargs)
        if isinstance(value, dict):
            with x64_scope(True):
                count = only_weight(value, pairs)
                count = jnp.float32(samples_of(inputs, kwargs)) if count is None else count
                total = sum(to_array(term).mean() for term in value.values())
                return wrap(total * count), wrap(count)
        return part_of(value, pairs, inputs, kwargs, self.reduction)

    @one_program
    def term_sums(self, *inputs: Any, **kwargs: Any) -> dict[str, tuple[Tensor, Tensor]]:
        """For each term of this loss a sum and what it is over, so that several batches are divided once.

        Added over the batches, their quotient is the term over all of them. A term that is one mean gives its
        numerator and denominator; another counts as its value times the number of samples. A loss with the reduction
        "sum" counts once for each batch, as MindSpore's metric counts it; with "none", each element counts once.

        Args:
            inputs, kwargs: those of `construct`.

        Returns:
            two Tensors of shape () by the term's name; a loss that is one number has the one term "loss".
        """
        with capturing() as pairs:
            value = self(*inputs, **kwargs)
        pairs.through = through_means(self, inputs, kwargs)
        return sums_of(value, pairs, inputs, kwargs, self.reduction)

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host, before a compiled step uses them; built-in losses know how.

        Args:
            input_shapes: shapes of the loss's other inputs, by name.
            labels: the label columns.

        Raises:
            LabelError, DtypeError, ShapeError: as the loss itself raises in eager code.
        """


def _factor(weights: Any) -> Any:
    given = unwrap(weights)
    return None if isinstance(given, (int, float)) and given == 1 else given


@recordable
def _reduced(x: Tensor, weights: Any, reduction: str, name: str) -> Tensor:
    """Weight and reduce the values of a loss."""
    with x64_scope(True):
        return wrap(losses.reduce_loss(x._value, reduction, _factor(weights), where=name))


def _refuse_every_pair(name: str, shape: tuple[int, ...]) -> None:
    """(N, 1) against (N,) compares every sample with every other: never what a loss means."""
    for at, one in enumerate(CAPTURE.shapes):
        for other in CAPTURE.shapes[at + 1 :]:
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

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Tensor: ...

    def loss_info(self, *labels: np.ndarray) -> losses.LossInfo:
        """The registry's entry of this loss, which its arguments (in a few classes also its labels) select."""
        # A user's subclass has the entry of the built-in class that it derives from.
        for cls in _built_in(type(self)):
            for info in losses.by_cell(cls.__name__):
                if all(getattr(self, name) == value for name, value in info.cell_arguments.items()):
                    return info
        raise LookupError(f"{type(self).__name__} has no entry in the registry of losses.")

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`.

        A user's subclass with a `construct` of its own is left alone: its labels may mean something else.
        """
        if type(self).construct is not _built_in(type(self))[0].construct:
            return
        info = self.loss_info(*labels)
        names = [item.name for item in info.inputs if item.role == "label"]
        ignored = info.function.spec.ignore_parameter
        info.check_labels(
            input_shapes,
            dict(zip(names, labels, strict=False)),
            ignore=None if ignored is None else getattr(self, ignored),
        )


def _built_in(cls: type) -> list[type[RegisteredLoss]]:
    """The losses of this package among a class and its bases, the nearest first."""
    return [each for each in cls.__mro__ if issubclass(each, RegisteredLoss) and each.__module__.startswith(_PACKAGE)]
