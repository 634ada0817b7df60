"""RuleOptimizer: an optimizer that applies a pure update rule to each weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax._errors import StateError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, ParameterTuple, note_guard, tracing
from sporax.nn.optim._rules import Array, Rule
from sporax.nn.optim.learning_rate_schedule import LearningRateSchedule
from sporax.nn.optim.optimizer import Optimizer, slot_dtype, trains


class RuleOptimizer(Optimizer):
    """Base class of optimizers that apply a `Rule` to each weight.

    A subclass creates the rule from its attributes in `_make_rule`, and the slots with `_add_slots`. Its docstring is
    completed with the sections of this one.

    Args:
        params: the Parameters to train, or groups; see `nn.Optimizer`.
        learning_rate: eta; see `nn.Optimizer`.
        weight_decay: the factor of the weight that is added to the gradient; see `nn.Optimizer`.
        loss_scale: the factor by which the loss was multiplied.
        use_locking: for compatibility with MindSpore; without effect.

    Raises:
        ArgumentError: a number is out of range, or `params` is empty or contains a Parameter twice.
        ArgumentTypeError: an argument has the wrong type.

    Source: the class of the same name in MindSpore.
    """

    _slot_names: tuple[str, ...]

    def _make_rule(self) -> Rule:
        """Return the rule for the current attributes. It is called for each trace, so that changes take effect."""
        raise NotImplementedError

    def _add_slots(self) -> list[ParameterTuple]:
        """Return a ParameterTuple for each slot of the rule; the subclass assigns them as attributes."""
        rule = self._make_rule()
        self._slot_names = rule.slots
        columns: list[list[Parameter]] = [[] for _ in rule.slots]
        for parameter in self.parameters:
            slots = rule.init(np.empty(parameter.shape, slot_dtype(parameter.dtype.dtype)))
            for column, prefix, slot in zip(columns, rule.slots, slots, strict=True):
                slot_parameter = Parameter(slot, f"{prefix}.{parameter.name}", parameter.requires_grad)
                slot_parameter.layerwise_parallel = parameter.layerwise_parallel
                slot_parameter.parallel_optimizer = parameter.parallel_optimizer
                column.append(slot_parameter)
        tuples = [ParameterTuple(column) for column in columns]
        self._slots = tuple(zip(*tuples, strict=True))
        return tuples

    def _shared(self) -> dict[str, Any]:
        """Return the hyper-parameters of the rule that are equal for all weights, other than the rate."""
        return {}

    def _corrected(self, rates: list[Array]) -> list[Array]:
        """Return the rates that are passed to the rule."""
        return rates

    def _replace_rate(self, value: Any) -> None:
        if self.is_group_lr and isinstance(value, (Parameter, LearningRateSchedule)):
            raise StateError(
                f"{type(self).__name__}: the groups have their own learning rates, so `learning_rate` cannot be set to "
                f"one {type(value).__name__}. Set their values (rate.set_data(...) for rate in "
                "optimizer.learning_rate), or create another optimizer."
            )
        super()._replace_rate(value)

    def construct(self, gradients: Any) -> tuple[bool, ...]:
        """Perform one step.

        Args:
            gradients: one Tensor for each Parameter, in the order of `parameters`.

        Returns:
            True for each Parameter.

        Raises:
            ArgumentError: the number of gradients is wrong.
            ShapeError: a gradient has another shape than its Parameter.
        """
        return self._stepped(gradients)

    def _step(self, gradients: Any) -> None:
        if tracing():
            # Attributes are constants of a compiled step.
            note_guard(self, "_revision", self._revision)
        if self._given_decay is not None and not (self._decoupled or self.exec_weight_decay):
            raise StateError(
                f"{type(self).__name__}: `weight_decay` was set, but the optimizer was created without weight decay "
                "and would ignore it. Pass `weight_decay` to the constructor, or also set `exec_weight_decay = True`."
            )
        rule = self._make_rule()
        if rule.slots != self._slot_names:
            raise StateError(
                f"{type(self).__name__}: an attribute was changed so that the step needs the slots "
                f"{', '.join(rule.slots)}, but the optimizer was created with {', '.join(self._slot_names)}. Create "
                "another optimizer."
            )
        with x64_scope(True):
            step = self.global_step._value
            decays = self._applied_decays(step)
            none = [None] * len(decays)
            ready = self._prepared(gradients, none if self._decoupled else decays)
            rates = self._rates(step)
            self.global_step._value = step + 1
            shared = self._shared()
            rates = self._corrected(rates)
            for i, parameter in enumerate(self.parameters):
                if not trains(parameter):
                    continue
                extra = {"weight_decay": decays[i]} if self._decoupled else {}
                slots = tuple(slot._value for slot in self._slots[i])
                weight = parameter._value.astype(ready[i].dtype)
                new, new_slots = rule.update(ready[i], slots, weight, rate=rates[i], **shared, **extra)
                parameter._value = new
                for slot, before, after in zip(self._slots[i], slots, new_slots, strict=True):
                    if after is not before:
                        slot._value = after
