"""Learning from preferences between answers, and from another model."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._relative_entropy import logit_divergence
from sporax.losses.numerics._softmax import class_cost

__all__ = ["distillation_loss", "distillation_with_labels_loss", "dpo_loss"]

_LOSS_TYPES = ("sigmoid", "ipo")


@loss_function(
    prediction("policy_chosen_logps", "..."),
    prediction("policy_rejected_logps", "..."),
    label("reference_chosen_logps", "..."),
    label("reference_rejected_logps", "..."),
    output="...",
    info=LossInfo(
        cell="DPOLoss",
        parameters={
            "beta": (0.1, 0.5),
            "label_smoothing": (0.0, 0.2),
            "reference_free": (False, True),
            "loss_type": ("sigmoid", "ipo"),
        },
        like=("direct preference optimisation", "IPO", "cDPO"),
        lower_bound=0.0,
    ),
)
def dpo_loss(
    policy_chosen_logps: ArrayLike,
    policy_rejected_logps: ArrayLike,
    reference_chosen_logps: ArrayLike,
    reference_rejected_logps: ArrayLike,
    *,
    beta: Any = 0.1,
    label_smoothing: Any = 0.0,
    reference_free: bool = False,
    loss_type: str = "sigmoid",
) -> jax.Array:
    r"""Direct preference optimization of the chosen over the rejected answer, against a reference model.

    .. math::
        h = \log \frac{\pi(y_w | x)}{\pi(y_l | x)} - \log \frac{\pi_\text{ref}(y_w | x)}{\pi_\text{ref}(y_l | x)},
        \qquad \ell = (1 - \varepsilon) f(h) + \varepsilon f(-h)

    with :math:`f(h) = -\log \operatorname{sigmoid}(\beta h)`, or for "ipo" :math:`f(h) = (h - 1 / (2 \beta))^2`.

    Args:
        policy_chosen_logps: log probability of each chosen answer under the model that learns, of any shape.
        policy_rejected_logps: the same of the rejected answers.
        reference_chosen_logps: that of the chosen answers under the reference model.
        reference_rejected_logps: that of the rejected ones.
        beta: how closely the model keeps to the reference, above 0.
        label_smoothing: the chance :math:`\varepsilon` in [0, 1] that a preference is the wrong way round.
        reference_free: whether the reference counts as uniform; its log probabilities are then not used.
        loss_type: "sigmoid" or "ipo".

    Returns:
        Values of the inputs' shape.

    Raises:
        ArgumentError: a hyper-parameter out of range.
        ShapeError: shapes that differ.

    Example:
        >>> from sporax import losses
        >>> round(float(losses.dpo_loss(-10.0, -20.0, -12.0, -12.0)), 4)  # log(1 + 1/e)
        0.3133

    Source: Rafailov et al., "Direct Preference Optimization", 2023, and its code; Azar et al., "A General Theoretical
    Paradigm to Understand Learning from Human Preferences", 2023, for "ipo".
    """
    where = "dpo_loss"
    _check.is_type(reference_free, bool, name="reference_free", where=where)
    beta = hyper_parameter(beta, name="beta", where=where, minimum=0, open_minimum=True)
    smoothing = hyper_parameter(label_smoothing, name="label_smoothing", where=where, minimum=0, maximum=1)
    _check.one_of(loss_type, _LOSS_TYPES, name="loss_type", where=where)
    margin = jnp.asarray(policy_chosen_logps) - jnp.asarray(policy_rejected_logps)
    if not reference_free:
        margin = margin - (jnp.asarray(reference_chosen_logps) - jnp.asarray(reference_rejected_logps))

    def cost(margin: jax.Array) -> jax.Array:
        if loss_type == "ipo":
            return jnp.square(margin - 1 / (2 * beta))
        return jax.nn.softplus(-beta * margin)

    if isinstance(smoothing, float) and smoothing == 0:
        return cost(margin)
    return (1 - smoothing) * cost(margin) + smoothing * cost(-margin)


@loss_function(
    prediction("logits", "... C"),
    label("teacher_logits", "... C"),
    output="...",
    info=LossInfo(
        cell="DistillationLoss",
        parameters={"temperature": (1.0, 3.0)},
        like=("knowledge distillation",),
        lower_bound=0.0,
    ),
)
def distillation_loss(logits: ArrayLike, teacher_logits: ArrayLike, *, temperature: Any = 1.0) -> jax.Array:
    r"""Knowledge distillation: divergence of a student's softened class probabilities from its teacher's.

    .. math::
        \ell = T^2 \sum_c q_c (\log q_c - \log p_c), \qquad
        q = \operatorname{softmax}(t / T), \quad p = \operatorname{softmax}(s / T)

    The factor T² keeps the size of the gradient as the temperature T changes.

    Args:
        logits: the student's logits s of shape (..., C).
        teacher_logits: the teacher's logits t of the same shape.
        temperature: T, above 0.

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: `temperature` is not above 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> round(float(losses.distillation_loss([0.0, 0.0], [2.0, 0.0], temperature=2.0)), 4)
        0.4438

    Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """
    temperature = hyper_parameter(
        temperature, name="temperature", where="distillation_loss", minimum=0, open_minimum=True
    )
    return _divergence(jnp.asarray(logits), jnp.asarray(teacher_logits), temperature)


@loss_function(
    prediction("logits", "... C"),
    label("teacher_logits", "... C"),
    label("labels", "...", domain="class", kind="int"),
    output="...",
    info=LossInfo(
        cell="DistillationLoss",
        parameters={"temperature": (1.0, 3.0), "alpha": (0.5, 0.9)},
        like=("knowledge distillation",),
        lower_bound=0.0,
    ),
)
def distillation_with_labels_loss(
    logits: ArrayLike, teacher_logits: ArrayLike, labels: ArrayLike, *, temperature: Any = 1.0, alpha: Any = 0.5
) -> jax.Array:
    r"""Knowledge distillation mixed with the cross entropy on true labels.

    .. math:: \ell = \alpha\, \ell_\text{distillation} - (1 - \alpha) \log \operatorname{softmax}(s)_y

    In compiled code a label that is no class gives NaN, and sends no gradient.

    Args:
        logits: the student's logits s of shape (..., C).
        teacher_logits: the teacher's logits of the same shape.
        labels: true classes y in [0, C), of an integer dtype, of shape (...).
        temperature: that of the first term, above 0; see `distillation_loss`. The second has temperature 1.
        alpha: the share of the first term, in [0, 1].

    Returns:
        Values of shape (...).

    Raises:
        ArgumentError: a hyper-parameter out of range.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a label outside [0, C), where values are known.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> value = losses.distillation_with_labels_loss([0.0, 0.0], [2.0, 0.0], np.array(0), temperature=2.0)
        >>> round(float(value), 4)  # (0.4438 + log 2) / 2
        0.5685

    Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """
    where = "distillation_with_labels_loss"
    temperature = hyper_parameter(temperature, name="temperature", where=where, minimum=0, open_minimum=True)
    alpha = hyper_parameter(alpha, name="alpha", where=where, minimum=0, maximum=1)
    logits = jnp.asarray(logits)
    soft = _divergence(logits, jnp.asarray(teacher_logits), temperature)
    return alpha * soft + (1 - alpha) * class_cost(logits, jnp.asarray(labels))


def _divergence(student: jax.Array, teacher: jax.Array, temperature: Any) -> jax.Array:
    # A class that the teacher rules out adds nothing, whatever the student makes of it.
    return temperature**2 * logit_divergence(student, teacher, jnp.asarray(temperature, student.dtype))
