"""RuleOptimizer: an optimizer whose step is a pure rule applied to each weight."""

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
    """An optimizer whose step is a `Rule` for each weight.

    Subclasses make the rule of their attributes in `_make_rule`, and the slots with `_add_slots`.
    """

    _slot_names: tuple[str, ...]

    def _make_rule(self) -> Rule:
        """The rule that the attributes say; made again for each trace, so that a changed one takes effect."""
        raise NotImplementedError

    def _add_slots(self) -> list[ParameterTuple]:
        """One ParameterTuple for each slot of the rule; the subclass assigns them, which registers them."""
        rule = self._make_rule()
        self._slot_names = rule.slots
        columns: list[list[Parameter]] = [[] for _ in rule.slots]
        for parameter in self.parameters:
            slots = rule.init(np.empty(parameter.shape, slot_dtype(parameter.dtype.dtype)))
            for column, prefix, slot in zip(columns, rule.slots, slots, strict=True):
                twin = Parameter(slot, f"{prefix}.{parameter.name}", parameter.requires_grad)
                twin.layerwise_parallel = parameter.layerwise_parallel
                twin.parallel_optimizer = parameter.parallel_optimizer
                column.append(twin)
        tuples = [ParameterTuple(column) for column in columns]
        self._slots = tuple(zip(*tuples, strict=True))
        return tuples

    def _shared(self) -> dict[str, Any]:
        """What the rule needs beside the rate, the same for every weight; writes what belongs to all."""
        return {}

    def _corrected(self, rates: list[Array]) -> list[Array]:
        """The rates as the rule takes them."""
        return rates

    def _replace_rate(self, value: Any) -> None:
        if self.is_group_lr and isinstance(value, (Parameter, LearningRateSchedule)):
            raise StateError(
                f"{type(self).__name__}: groups have learning rates of their own, so `learning_rate` cannot become "
                f"one {type(value).__name__}. Set their values (rate.set_data(...) for rate in "
                "optimizer.learning_rate), or make another optimizer."
            )
        super()._replace_rate(value)

    def construct(self, gradients: Any) -> tuple[bool, ...]:
        """Take one step.

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
                f"{type(self).__name__}: `weight_decay` was set, but the optimizer was made without weight decay and "
                "would ignore it. Give `weight_decay` when you make it, or set `exec_weight_decay = True` too."
            )
        rule = self._make_rule()
        if rule.slots != self._slot_names:
            raise StateError(
                f"{type(self).__name__}: an attribute was changed so that the step needs the slots "
                f"{', '.join(rule.slots)}, but the optimizer was made with {', '.join(self._slot_names)}. Make another "
                "optimizer."
            )
        with x64_scope(True):
            step = self.global_step._value
            decays = self._decays(step)
            none = [None] * len(decays)
            ready = self._prepared(gradients, none if self._decoupled else decays)
            rates = self._rates(step)
            self.global_step._value = step + 1
            shared = self._shared()
            rates = self._corrected(rates)
            for at, parameter in enumerate(self.parameters):
                if not trains(parameter):
                    continue
                own = {"weight_decay": decays[at]} if self._decoupled else {}
                held = tuple(slot._value for slot in self._slots[at])
                weight = parameter._value.astype(ready[at].dtype)
                new, kept = rule.update(ready[at], held, weight, rate=rates[at], **shared, **own)
                parameter._value = new
                for slot, before, after in zip(self._slots[at], held, kept, strict=True):
                    if after is not before:
                        slot._value = after
