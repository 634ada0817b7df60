"""Margin losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated, Any

from sporax import _check, losses
from sporax._schema import Checked, Number
from sporax.core import Tensor, unwrap
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import ClassWeight

__all__ = [
    "CategoricalHingeLoss",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "MultiMarginLoss",
    "MulticlassHingeLoss",
    "MulticlassPerceptronLoss",
    "MultilabelMarginLoss",
    "PerceptronLoss",
    "SquaredHingeLoss",
]


def _degree(value: Any, *, name: str, where: str) -> int:
    return _check.one_of(_check.integer(value, name=name, where=where), (1, 2), name=name, where=where)


class HingeEmbeddingLoss(FunctionLoss, function=losses.hinge_embedding_loss):
    """Hinge loss of distances: similar pairs are attracted, dissimilar ones separated by a margin.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HingeEmbeddingLoss(reduction="none")(Tensor([0.5, 0.25, 3.0]), Tensor([1, -1, -1])))
        [0.5  0.75 0.  ]
    """

    margin: Number = 1.0
    reduction: str = "mean"


class HingeLoss(FunctionLoss, function=losses.hinge_loss):
    """Hinge loss of binary scores.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.HingeLoss(reduction="none")(Tensor([0.5, 0.5, 2.0]), Tensor([1, 0, 1])))
        [0.5 1.5 0. ]
    """

    reduction: str = "mean"


class SquaredHingeLoss(FunctionLoss, function=losses.squared_hinge_loss):
    """Squared hinge loss of binary scores.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SquaredHingeLoss(reduction="none")(Tensor([0.5, 0.5, 2.0]), Tensor([1, 0, 1])))
        [0.25 2.25 0.  ]
    """

    reduction: str = "mean"


class PerceptronLoss(FunctionLoss, function=losses.perceptron_loss):
    """Perceptron loss of binary scores.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PerceptronLoss(reduction="none")(Tensor([0.5, 0.5, -2.0]), Tensor([1, -1, 1])))
        [0.  0.5 2. ]
    """

    reduction: str = "mean"


class CategoricalHingeLoss(FunctionLoss, function=losses.categorical_hinge_loss):
    """Categorical hinge loss for one-hot labels.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x, y = Tensor([[0.5, 0.25, -1.0], [3.0, 0.5, 1.0]]), Tensor([[1, 0, 0], [1, 0, 0]])
        >>> print(nn.CategoricalHingeLoss(reduction="none")(x, y))
        [0.75 0.  ]
    """

    reduction: str = "mean"


class MulticlassHingeLoss(FunctionLoss, function=losses.multiclass_hinge_loss):
    """Multiclass hinge loss (Crammer-Singer) for class indices.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.5, 0.25, -1.0], [3.0, 0.5, 1.0]])
        >>> print(nn.MulticlassHingeLoss(reduction="none")(x, Tensor([0, 0])))
        [0.75 0.  ]
    """

    reduction: str = "mean"


class MulticlassPerceptronLoss(FunctionLoss, function=losses.multiclass_perceptron_loss):
    """Multiclass perceptron loss: the highest score minus that of the true class.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.5, 0.25, 1.0], [3.0, 0.5, 1.0]])
        >>> print(nn.MulticlassPerceptronLoss(reduction="none")(x, Tensor([0, 0])))
        [0.5 0. ]
    """

    reduction: str = "mean"


class MultiMarginLoss(FunctionLoss, function=losses.multi_margin_loss, inputs="x, target"):
    """Multiclass margin loss, averaged over the classes.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.MultiMarginLoss(margin=0.5)(Tensor([[0.5, 0.25, 0.0, 2.0]]), Tensor([0])))
        0.5625
    """

    p: Annotated[int, Checked(_degree)] = 1
    margin: Number = 1.0
    reduction: str = "mean"
    weight: ClassWeight = None

    def construct(self, x: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The loss of scores and class indices."""
        weight = weight if self.weight is None else self.weight
        return self.evaluate(losses.multi_margin_loss, x, target, **(self._arguments() | {"weight": unwrap(weight)}))


class MultilabelMarginLoss(FunctionLoss, function=losses.multilabel_margin_loss, inputs="x, target"):
    """Multi-label margin loss over all pairs of a true and another class.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[0.1, 0.2, 0.4, 0.8], [0.2, 0.3, 0.5, 0.7]])
        >>> print(nn.MultilabelMarginLoss()(x, Tensor([[1, 2, 0, 3], [2, 3, -1, 1]])))
        0.325
    """

    reduction: str = "mean"
