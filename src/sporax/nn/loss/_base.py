"""LossBase: the base class of every loss, built-in or custom, which weights and reduces its values."""

from __future__ import annotations

import itertools
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
    captured,
    one_program,
    only_weight,
    part_of,
    samples_of,
    sums_of,
)
from sporax.transforms import run_compiled

__all__ = ["LossBase"]


class LossBase(Cell):
    r"""Base class of losses: write `construct`, and finish it with `self.get_loss(values)`.

    Args:
        reduction: "mean" (over all elements), "sum", or "none" (the unreduced values).

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
    """The allowed values of `reduction`."""

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
        return CAPTURE.pairs is None and CAPTURE.mask is None

    def get_axis(self, x: Tensor) -> tuple[int, ...]:
        """Return all axes of `x`, to reduce over.

        Args:
            x: Tensor of any shape.

        Returns:
            (0, 1, ..., x.ndim - 1).
        """
        return tuple(range(x.ndim))

    def get_loss(self, x: Tensor, weights: Any = 1.0) -> Tensor:
        r"""Weight and reduce the values of a loss, in at least float32.

        .. math:: \text{none: } w x \qquad \text{sum: } \sum w x \qquad
            \text{mean: } \frac{\sum w x}{\#\{w \ne 0\}}

        The mean is MindSpore's where no weight is zero. A weight of zero removes the element from value and gradient.
        If no element is left, the result is 0.

        Args:
            x: loss values of any shape.
            weights: a number, or a Tensor that broadcasts to the shape of `x`.

        Returns:
            the weighted values ("none"), or a Tensor of shape (), in the dtype of `x`.

        Raises:
            ShapeError: weights that would make the result larger than `x`; or values that are larger than both
                inputs of `construct`, as when (N, 1) is broadcast with (N,).
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
        if self._is_one_node():
            return _reduced(x, weights, self.reduction, name)
        with x64_scope(True), CAPTURE.of_cell():
            return wrap(losses.reduce_loss(x._value, self.reduction, _factor(weights), where=name))

    def evaluate(self, function: Any, *inputs: Tensor, **hyper_parameters: Any) -> Tensor:
        """Evaluate a loss of `sporax.losses` with the reduction of this Cell, rounded once.

        Args:
            function: one of `sporax.losses`, such as `losses.l1_loss`.
            inputs: its array inputs.
            hyper_parameters: its keyword arguments.

        Returns:
            values ("none") or a Tensor of shape (), in the dtype of the inputs.
        """
        name = type(self).__name__
        arrays = [unwrap(each) for each in inputs]
        with x64_scope(True), CAPTURE.of_cell():
            return wrap(losses.evaluate(function, *arrays, reduction=self.reduction, where=name, **hyper_parameters))

    @one_program
    def sum_and_weight(self, *inputs: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        r"""Return the numerator and the denominator of the mean of this loss, so that several batches are divided once.

        .. math:: \ell = \frac{\sum_k s_k}{\sum_k w_k}

        With the pairs :math:`(s_k, w_k)` of the parts of a batch this is the loss of the whole batch, also with uneven
        parts, masks and class weights, and :math:`\sum_k \nabla s_k / \sum_k w_k` is its gradient, since no weight
        depends on a Parameter. For the reduction "sum" the numerator alone is the loss.

        The means of functions (`ops.cross_entropy`, `losses.nll_loss(..., reduction="mean")`) count as those of
        `get_loss` do, and so does a value computed from one of them, such as `2 * self.get_loss(values) + penalty`.
        Any other loss counts as its value times the number of samples: one value for all elements (`RMSELoss`,
        `DiceLoss`, `LovaszSoftmaxLoss`), a sum of means with different denominators, or a mean that `construct`
        computes itself. Losses that compare the samples of a batch with each other (`SupConLoss`,
        `BatchHardTripletLoss`) compare the samples of each part only. For separate denominators of the terms of a dict
        see `term_sums`.

        Args:
            inputs, kwargs: those of `construct`.

        Returns:
            two Tensors of shape ().

        Examples:
            >>> import numpy as np
            >>> from sporax import nn, Tensor, value_and_grad
            >>> # Gradients of a batch in two parts, one with an ignored label, divided once at the end.
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
        value, pairs = captured(self, inputs, kwargs)
        if isinstance(value, dict):
            with x64_scope(True):
                count = only_weight(value, pairs)
                count = jnp.float32(samples_of(inputs, kwargs)) if count is None else count
                total = sum(to_array(term).mean() for term in value.values())
                return wrap(total * count), wrap(count)
        return part_of(value, pairs, inputs, kwargs, self.reduction)

    @one_program
    def term_sums(self, *inputs: Any, **kwargs: Any) -> dict[str, tuple[Tensor, Tensor]]:
        """Return the numerator and the denominator of each term of this loss, so that several batches are divided once.

        The quotient of their sums over the batches is the term over all batches. A term that is one mean gives its
        numerator and denominator; any other counts as its value times the number of samples. A loss with the reduction
        "sum" counts once per batch, as in MindSpore's metric; with "none" each element counts once.

        Args:
            inputs, kwargs: those of `construct`.

        Returns:
            two Tensors of shape () for each term by name; a loss that returns one number has the single term "loss".
        """
        value, pairs = captured(self, inputs, kwargs)
        return sums_of(value, pairs, inputs, kwargs, self.reduction)

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host, before a compiled step uses them. Built-in losses override this method.

        Args:
            input_shapes: shapes of the other inputs of the loss, by name.
            labels: the label columns.

        Raises:
            LabelError, DtypeError, ShapeError: the errors that the loss itself raises in eager code.
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
    """Refuse values for all pairs of samples, as from (N, 1) and (N,), which a loss never intends."""
    for one, other in itertools.combinations(CAPTURE.shapes, 2):
        if len(one) == len(other) or shape in (one, other) or len(shape) != max(len(one), len(other)):
            continue
        try:
            broadcast = np.broadcast_shapes(one, other)
        except ValueError:
            continue
        if broadcast == shape:
            raise ShapeError(
                f"{name}: shapes must be equal, or one must broadcast to the other, but inputs of shape {one} and "
                f"{other} gave values of shape {shape}, larger than either. Reshape one of them to the shape of "
                f"the other; if all pairs are intended, give both {len(shape)} axes."
            )


_PACKAGE = (__name__.rpartition(".")[0] + ".", "sporax.mint.")


class RegisteredLoss(LossBase):
    """A loss of the registry: `construct` calls its function, and labels can be checked on the host."""

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Tensor: ...

    def loss_info(self, *labels: np.ndarray) -> losses.LossInfo:
        """Return the registry's entry of this loss for its arguments and, in some classes, the kind of its labels."""
        # A user-defined subclass has the entry of its built-in base class.
        for cls in built_in_bases(type(self)):
            for info in losses.by_cell(cls.__name__):
                if all(getattr(self, name) == value for name, value in info.cell_arguments.items()):
                    return info
        raise LookupError(f"{type(self).__name__} has no entry in the registry of losses.")

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`.

        Nothing is checked for a user-defined subclass with another `construct`, as its labels may have another meaning.
        """
        if not is_built_in(self):
            return
        info = self.loss_info(*labels)
        spec = info.function.spec
        weighted = spec.pixel_parameter is not None and len(labels) > len(spec.labels)
        info.check_labels(
            input_shapes,
            {item.name: column for item, column in zip(spec.labels, labels, strict=False)},
            ignore=None if spec.ignore_parameter is None else getattr(self, spec.ignore_parameter),
            pixel_weights=np.asarray(labels[-1]) if weighted else None,
        )


def built_in_bases(cls: type) -> list[type[RegisteredLoss]]:
    """Return the losses of this package among a class and its bases, in method resolution order."""
    return [each for each in cls.__mro__ if issubclass(each, RegisteredLoss) and each.__module__.startswith(_PACKAGE)]


def is_built_in(loss: Any) -> bool:
    """Return whether a loss is a `RegisteredLoss` with the `construct` of this package."""
    return isinstance(loss, RegisteredLoss) and type(loss).construct is built_in_bases(type(loss))[0].construct
