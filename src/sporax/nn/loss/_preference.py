"""Losses of preference and distillation; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sporax import losses
from sporax._errors import ArgumentError
from sporax._schema import Flag, Positive, UnitInterval, one_of
from sporax.core import Tensor
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["DPOLoss", "DistillationLoss"]


class DPOLoss(FunctionLoss, function=losses.dpo_loss, inputs="policy_chosen_logps, policy_rejected_logps"):
    """Direct preference optimization of the chosen over the rejected answer, against a reference model.

    where h is the log odds of chosen to rejected answers minus those of the reference model.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.DPOLoss(beta=0.1)
        >>> print(loss(Tensor([-10.0]), Tensor([-20.0]), Tensor([-12.0]), Tensor([-12.0])))
        0.3132617
    """

    beta: Positive = 0.1
    label_smoothing: UnitInterval = 0.0
    reference_free: Flag = False
    loss_type: Annotated[str, one_of("sigmoid", "ipo")] = "sigmoid"
    reduction: str = "mean"

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
            # They are not used, so any values of the right shape will do.
            reference_chosen_logps, reference_rejected_logps = policy_chosen_logps, policy_rejected_logps
        answers = policy_chosen_logps, policy_rejected_logps, reference_chosen_logps, reference_rejected_logps
        return self.evaluate(losses.dpo_loss, *answers, **self._arguments())


class DistillationLoss(FunctionLoss, function=losses.distillation_loss):
    """Knowledge distillation: divergence from the teacher's softened probabilities, mixed with cross entropy.

    Without labels, the loss is the first term with weight 1.

    Args:
        alpha: the weight of the teacher's term when labels are given, in [0, 1].

    Inputs:
        labels: true classes in [0, C), int32 or int64, of shape (...); optional.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.DistillationLoss(temperature=2.0)
        >>> print(round(loss(Tensor([[0.0, 0.0]]), Tensor([[2.0, 0.0]])).item(), 4))
        0.4438
        >>> print(round(loss(Tensor([[0.0, 0.0]]), Tensor([[2.0, 0.0]]), Tensor([0])).item(), 4))
        0.5685
    """

    temperature: Positive = 1.0
    alpha: UnitInterval = 0.5
    reduction: str = "mean"

    def loss_info(self, *labels: np.ndarray) -> losses.LossInfo:
        """Return the registry's entry of the function with or without labels."""
        return losses.get("distillation_with_labels_loss" if len(labels) > 1 else "distillation_loss")

    def construct(self, logits: Tensor, teacher_logits: Tensor, labels: Tensor | None = None) -> Tensor:
        """The loss of the student's logits, the teacher's, and labels if there are any."""
        if labels is None:
            return self.evaluate(losses.distillation_loss, logits, teacher_logits, **self._arguments())
        function = losses.distillation_with_labels_loss
        return self.evaluate(function, logits, teacher_logits, labels, alpha=self.alpha, **self._arguments())
