"""Losses for classes of unequal frequency, and the z-loss; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError, ShapeError
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import class_weight, value_of


def _counts(value: Any, name: str, where: str) -> np.ndarray:
    """One positive number a class, on the host."""
    counts = np.asarray(value.asnumpy() if isinstance(value, Tensor) else value)
    if counts.ndim != 1 or counts.size == 0:
        raise ShapeError(f"{where}: `{name}` must have shape (C,), but got shape {counts.shape}.")
    if not (counts > 0).all():
        at = int(np.flatnonzero(~(counts > 0))[0])
        raise ArgumentError(
            f"{where}: `{name}` must be above 0 for every class, but got {counts[at].item()} for class {at}."
        )
    return counts


class LDAMLoss(RegisteredLoss):
    r"""Cross entropy with a margin that is larger for rarer classes.

    .. math::
        \ell = -w_y \log \operatorname{softmax}(s (x - \Delta_y e_y))_y, \qquad
        \Delta_c = m \left(\frac{\min_k n_k}{n_c}\right)^{1/4}

    Args:
        cls_num_list: how many samples n each class has, all above 0.
        max_m: the margin m of the rarest class, at least 0.
        weight: a Tensor of one weight a class; the mean divides by the weights of the labels.
        s: the scale of the scores, above 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, usually cosines, Tensor of shape (..., C), floating.
        labels: class indices, integers of shape (...).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or an argument outside its interval.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LDAMLoss([1, 16], max_m=0.5, s=30)(Tensor([[0.5, 0.0]]), Tensor([0])).asnumpy().round(4))
        0.6931

    Source: Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", 2019.
    """

    def __init__(
        self, cls_num_list: Any, max_m: float = 0.5, weight: Any = None, s: float = 30.0, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.cls_num_list = _counts(cls_num_list, "cls_num_list", "LDAMLoss")
        self.max_m = _check.number(max_m, name="max_m", where="LDAMLoss", minimum=0)
        self.weight = class_weight(weight)
        self.s = _check.number(s, name="s", where="LDAMLoss", minimum=0, open_minimum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and labels."""
        return self.evaluate(
            losses.ldam_loss,
            logits,
            labels,
            cls_num_list=self.cls_num_list,
            max_m=self.max_m,
            weight=value_of(self.weight),
            s=self.s,
        )


class LogitAdjustedLoss(RegisteredLoss):
    r"""Cross entropy of scores plus log frequencies: :math:`\ell = -\log \operatorname{softmax}(x + \tau \log \pi)_y`.

    Args:
        priors: the frequencies pi of the classes, above 0; counts will do.
        tau: how strongly they count; 0 gives cross entropy.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor x of shape (..., C), floating.
        labels: class indices, integers of shape (...).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a frequency that is not above 0.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LogitAdjustedLoss([0.25, 0.75])(Tensor([[0.0, 0.0]]), Tensor([0])).asnumpy().round(4))
        1.3863

    Source: Menon et al., "Long-Tail Learning via Logit Adjustment", 2021.
    """

    def __init__(self, priors: Any, tau: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.priors = _counts(priors, "priors", "LogitAdjustedLoss")
        self.tau = _check.number(tau, name="tau", where="LogitAdjustedLoss")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        return self.evaluate(losses.logit_adjusted_cross_entropy, logits, labels, priors=self.priors, tau=self.tau)


class ClassBalancedLoss(RegisteredLoss):
    r"""Cross entropy weighted by the inverse of the effective number of samples of the label.

    .. math:: \ell = -w_y \log p_y, \qquad w_c \propto \frac{1 - \beta}{1 - \beta^{n_c}}, \quad \sum_c w_c = C

    Args:
        samples_per_cls: how many samples n each class has, all above 0.
        beta: in [0, 1); 0 weights all the same, near 1 it is the inverse frequency.
        reduction: "mean" (over the samples, not the weights), "sum" or "none".

    Inputs:
        logits: Tensor of shape (..., C), floating.
        labels: class indices, integers of shape (...).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, `beta` outside [0, 1), or a count that is not above 0.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ClassBalancedLoss([1, 2], beta=0.5)(Tensor([[0.0, 0.0]]), Tensor([0])).asnumpy().round(4))
        0.8318

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", 2019.
    """

    def __init__(self, samples_per_cls: Any, beta: float = 0.999, reduction: str = "mean") -> None:
        super().__init__(reduction)
        name = "ClassBalancedLoss"
        self.samples_per_cls = _counts(samples_per_cls, "samples_per_cls", name)
        self.beta = _check.number(beta, name="beta", where=name, minimum=0, maximum=1, open_maximum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        function = losses.class_balanced_loss
        return self.evaluate(function, logits, labels, samples_per_cls=self.samples_per_cls, beta=self.beta)


class ZLoss(RegisteredLoss):
    r"""A penalty on the normaliser of a softmax: :math:`\ell = \kappa (\log \sum_c e^{x_c})^2`.

    Args:
        coefficient: kappa, at least 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor x of shape (..., C), floating.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or `coefficient` below 0.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ZLoss(coefficient=1.0)(Tensor([[0.0, 0.0]])).asnumpy().round(4))
        0.4805

    Source: Chowdhery et al., "PaLM: Scaling Language Modeling with Pathways", 2022; for routers Zoph et al.,
    "ST-MoE: Designing Stable and Transferable Sparse Expert Models", 2022.
    """

    def __init__(self, coefficient: float = 1e-4, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.coefficient = _check.number(coefficient, name="coefficient", where="ZLoss", minimum=0)

    def construct(self, logits: Tensor) -> Tensor:
        """The penalty of logits."""
        return self.evaluate(losses.z_loss, logits, coefficient=self.coefficient)
