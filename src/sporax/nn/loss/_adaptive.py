"""The adaptive softmax, which holds weights of its own; the formulas are in `sporax.losses`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError, LabelError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Tensor, unwrap, wrap
from sporax.nn.layer import CellList, Dense, SequentialCell
from sporax.nn.loss._base import RegisteredLoss

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _AdaptiveOutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns: the log-probability of each target, and the loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(RegisteredLoss):
    r"""Adaptive softmax: cross entropy over many classes, with rarer ones in clusters of lower dimension.

    Classes are numbered by how frequent they are, the most frequent first. Those below the first cutoff K have a
    logit each in the head; a class of a later cluster t has the probability of the cluster's logit in the head times
    its own within the cluster:

    .. math:: \log p_y = \log \operatorname{softmax}(H x + b)_{K + t} + \log \operatorname{softmax}(O_t P_t x)_j

    Args:
        in_features: the size D of the inputs.
        n_classes: number of classes.
        cutoffs: where clusters end, in increasing order between 1 and `n_classes` - 1; the last ends at `n_classes`.
        div_value: cluster t, from 1, has D // div_value**t dimensions.
        head_bias: whether the head has a bias b.

    Inputs:
        input: Tensor of shape (N, D), or (D,).
        target: class indices, Tensor of shape (N,), or (), of an integer dtype.

    Returns:
        A named tuple of `output`, the log-probabilities of the targets, of shape (N,) or (); and `loss`, the mean of
        their negatives, of shape ().

    Raises:
        ArgumentError: cutoffs out of order or range, or a cluster of no dimension.
        ShapeError: inputs that do not fit.
        LabelError: a target outside [0, n_classes), where values are known; in compiled code its row is NaN.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> net = nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[4, 10], div_value=2.0)
        >>> output, loss = net(ops.ones((3, 8)), Tensor([0, 7, 19]))
        >>> output.shape, loss.shape, net.log_prob(ops.ones((3, 8))).shape, net.predict(ops.ones((3, 8))).shape
        ((3,), (), (3, 20), (3,))

    Source: Grave et al., "Efficient softmax approximation for GPUs", 2017; `torch.nn.AdaptiveLogSoftmaxWithLoss`.
    """

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0, head_bias: bool = False
    ) -> None:
        super().__init__()
        where = "AdaptiveLogSoftmaxWithLoss"
        self.in_features = _check.integer(in_features, name="in_features", where=where, minimum=1)
        self.n_classes = _check.integer(n_classes, name="n_classes", where=where, minimum=2)
        ends = [_check.integer(each, name="cutoffs", where=where) for each in cutoffs]
        if not ends or ends != sorted(set(ends)) or ends[0] < 1 or ends[-1] > self.n_classes - 1:
            raise ArgumentError(
                f"{where}: `cutoffs` must be different integers in increasing order, at least one, between 1 and "
                f"n_classes - 1 = {self.n_classes - 1}, but got {list(cutoffs)}."
            )
        self.cutoffs = [*ends, self.n_classes]
        self.div_value = _check.number(div_value, name="div_value", where=where, minimum=0, open_minimum=True)
        self.head_bias = _check.is_type(head_bias, bool, name="head_bias", where=where)
        self.shortlist_size = ends[0]
        self.n_clusters = len(ends)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Dense(self.in_features, self.head_size, has_bias=self.head_bias)
        tail = []
        for number, (low, high) in enumerate(itertools.pairwise(self.cutoffs), 1):
            width = int(self.in_features // self.div_value**number)
            if width < 1:
                raise ArgumentError(
                    f"{where}: cluster {number} would have in_features // div_value**{number} = 0 dimensions. "
                    f"Lower div_value={self.div_value}, or give fewer cutoffs."
                )
            tail.append(
                SequentialCell(Dense(self.in_features, width, has_bias=False), Dense(width, high - low, has_bias=False))
            )
        self.tail = CellList(tail)

    def construct(self, input: Tensor, target: Tensor) -> _AdaptiveOutput:
        """Log-probabilities of the targets, and the loss."""
        x, y = self._batched(input, target)
        with x64_scope(True):
            values = losses.adaptive_log_softmax_loss(x, y, **self._weights())
            output = wrap(-values if jnp.ndim(unwrap(target)) else -values[0])
        return _AdaptiveOutput(output, self.get_loss(wrap(values)))

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probability of every class.

        Args:
            input: Tensor of shape (N, D).

        Returns:
            Tensor of shape (N, n_classes).
        """
        with x64_scope(True):
            return wrap(losses.adaptive_log_softmax(unwrap(input), **self._weights()))

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row; the first of them where several are.

        Args:
            input: Tensor of shape (N, D).

        Returns:
            Tensor of shape (N,), int32.
        """
        with x64_scope(True):
            return wrap(jnp.argmax(self.log_prob(input)._value, axis=1).astype(jnp.int32))

    def sum_and_weight(self, *inputs: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The numerator and the denominator of the loss; see `LossBase.sum_and_weight`."""
        given = dict(zip(("input", "target"), inputs, strict=False)) | kwargs
        x, y = self._batched(given["input"], given["target"])
        with x64_scope(True):
            total, weight = losses.evaluate_sum_and_weight(losses.adaptive_log_softmax_loss, x, y, **self._weights())
            return wrap(total), wrap(weight)

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check targets on the host; see `LossBase.check_labels`."""
        super().check_labels(input_shapes, *labels)
        target = np.asarray(labels[0])
        wrong = (target < 0) | (target >= self.n_classes)
        if wrong.any():
            at = tuple(int(place) for place in np.argwhere(wrong)[0])
            raise LabelError(
                f"AdaptiveLogSoftmaxWithLoss: `target` must be class indices in [0, {self.n_classes}), but got "
                f"{target[at].item()} at index {at}. Check `n_classes`."
            )

    def _batched(self, input: Any, target: Any) -> tuple[Any, Any]:
        x, y = unwrap(input), unwrap(target)
        if jnp.ndim(y) == 0 and jnp.ndim(x) == 1:
            x, y = x[None], jnp.reshape(y, (1,))
        if jnp.ndim(x) != 2 or x.shape[1] != self.in_features or jnp.shape(y) != x.shape[:1]:
            raise ShapeError(
                f"AdaptiveLogSoftmaxWithLoss: `input` and `target` must have shapes (N, {self.in_features}) and (N,), "
                f"or ({self.in_features},) and (), but got {jnp.shape(x)} and {jnp.shape(y)}."
            )
        return x, y

    def _pairs(self) -> list[list[Dense]]:
        return [[cell for cell in pair.cells() if isinstance(cell, Dense)] for pair in self.tail]

    def _weights(self) -> dict[str, Any]:
        bias = self.head.bias
        return {
            "head_weight": self.head.weight._value,
            "tails": [tuple(dense.weight._value for dense in pair) for pair in self._pairs()],
            "head_bias": None if bias is None else bias._value,
        }
