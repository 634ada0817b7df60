"""Losses of preference and distillation; the formulas are in `sporax.losses`."""

from __future__ import annotations

import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class DPOLoss(RegisteredLoss):
    r"""Direct preference optimisation: the chosen answer is to gain on the rejected one, against a reference model.

    .. math:: \ell = -(1 - \varepsilon) \log \operatorname{sigmoid}(\beta h)
        - \varepsilon \log \operatorname{sigmoid}(-\beta h)

    where h is by how much the log odds of chosen to rejected are above the reference's.

    Args:
        beta: how closely the model keeps to the reference, above 0.
        label_smoothing: the chance ε in [0, 1] that a preference is the wrong way round.
        reference_free: whether the reference counts as uniform.
        loss_type: "sigmoid", or "ipo" for (h - 1 / (2 beta))² in place of the log-sigmoid.
        reduction: "mean", "sum" or "none".

    Inputs:
        policy_chosen_logps, policy_rejected_logps: log probabilities of the answers, Tensors of one shape.
        reference_chosen_logps, reference_rejected_logps: the same under the reference model; may be left out where
            `reference_free` is set.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, a hyper-parameter out of range, or no reference where one is needed.
        ShapeError: shapes that differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.DPOLoss(beta=0.1)
        >>> print(loss(Tensor([-10.0]), Tensor([-20.0]), Tensor([-12.0]), Tensor([-12.0])))
        0.3132617

    Source: Rafailov et al., "Direct Preference Optimization", 2023.
    """

    def __init__(
        self,
        beta: float = 0.1,
        label_smoothing: float = 0.0,
        reference_free: bool = False,
        loss_type: str = "sigmoid",
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "DPOLoss"
        self.beta = _check.number(beta, name="beta", where=where, minimum=0, open_minimum=True)
        self.label_smoothing = _check.number(label_smoothing, name="label_smoothing", where=where, minimum=0, maximum=1)
        self.reference_free = _check.is_type(reference_free, bool, name="reference_free", where=where)
        self.loss_type = _check.one_of(loss_type, ("sigmoid", "ipo"), name="loss_type", where=where)

    def construct(
        self,
        policy_chosen_logps: Tensor,
        policy_rejected_logps: Tensor,
        reference_chosen_logps: Tensor | None = None,
        reference_rejected_logps: Tensor | None = None,
    ) -> Tensor:
        """The loss of the log probabilities of pairs of answers."""
        if reference_chosen_logps is None or reference_rejected_logps is None:
            if not self.reference_free:
                raise ArgumentError(
                    "DPOLoss: `reference_chosen_logps` and `reference_rejected_logps` must be given. "
                    "To train without a reference model use reference_free=True."
                )
            # They are not used: anything of the right shape will do.
            reference_chosen_logps, reference_rejected_logps = policy_chosen_logps, policy_rejected_logps
        return self.evaluate(
            losses.dpo_loss,
            policy_chosen_logps,
            policy_rejected_logps,
            reference_chosen_logps,
            reference_rejected_logps,
            beta=self.beta,
            label_smoothing=self.label_smoothing,
            reference_free=self.reference_free,
            loss_type=self.loss_type,
        )


class DistillationLoss(RegisteredLoss):
    r"""How far a student's softened class probabilities are from its teacher's; with labels, a mix with them.

    .. math:: \ell = \alpha\, T^2\, \mathrm{KL}(\operatorname{softmax}(t / T) \,\|\, \operatorname{softmax}(s / T))
        - (1 - \alpha) \log \operatorname{softmax}(s)_y

    Without labels the first term stands alone, at its full size.

    Args:
        temperature: T, above 0.
        alpha: the share of the teacher where there are labels, in [0, 1].
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: the student's, Tensor of shape (..., C), floating.
        teacher_logits: the teacher's, of the same shape.
        labels: true classes in [0, C), int32 or int64, of shape (...); may be left out.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a hyper-parameter out of range.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a label outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.DistillationLoss(temperature=2.0)
        >>> print(round(loss(Tensor([[0.0, 0.0]]), Tensor([[2.0, 0.0]])).item(), 4))
        0.4438
        >>> print(round(loss(Tensor([[0.0, 0.0]]), Tensor([[2.0, 0.0]]), Tensor([0])).item(), 4))
        0.5685

    Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """

    def __init__(self, temperature: float = 1.0, alpha: float = 0.5, reduction: str = "mean") -> None:
        super().__init__(reduction)
        where = "DistillationLoss"
        self.temperature = _check.number(temperature, name="temperature", where=where, minimum=0, open_minimum=True)
        self.alpha = _check.number(alpha, name="alpha", where=where, minimum=0, maximum=1)

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The row of the loss with true labels where those come beside the teacher's logits."""
        return losses.get("distillation_with_labels_loss" if len(labels) > 1 else "distillation_loss")

    def construct(self, logits: Tensor, teacher_logits: Tensor, labels: Tensor | None = None) -> Tensor:
        """The loss of the student's logits, the teacher's, and labels if there are any."""
        if labels is None:
            return self.evaluate(losses.distillation_loss, logits, teacher_logits, temperature=self.temperature)
        return self.evaluate(
            losses.distillation_with_labels_loss,
            logits,
            teacher_logits,
            labels,
            temperature=self.temperature,
            alpha=self.alpha,
        )
