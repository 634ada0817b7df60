"""Optimizer: the base class of optimizers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from sporax._jax_compat import x64_scope
from sporax.core import (
    Cell,
    Parameter,
    ParameterTuple,
    Tensor,
    computing_in,
    note_guard,
    to_array,
    tracing,
    wrap,
)
from sporax.core import context as _context
from sporax.nn.optim._groups import Decay, Rate, may_decay, read_plan
from sporax.nn.optim._rate_cells import FixedLearningRate, LearningRates, TableLearningRate
from sporax.nn.optim._rules import Array
from sporax.nn.optim.learning_rate_schedule import LearningRateSchedule
from sporax.ops import AssignAdd, HyperMap, Map
from sporax.transforms import CompiledFunction

__all__ = ["Optimizer"]


def opt_init_args_register(fn: Callable[..., None]) -> Callable[..., None]:
    """Decorate `__init__` of an optimizer to store its arguments as attributes, for code that creates a copy of it.

    Args:
        fn: the `__init__`.

    Returns:
        An `__init__` that first sets `init_params` (a dict with the Parameters under "params"),
        `init_learning_rate` (None for a Cell) and `init_args` (the other arguments).

    Source: the function of the same name in MindSpore.
    """

    @functools.wraps(fn)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(fn).bind(self, *args, **kwargs)
        bound.apply_defaults()
        given = dict(list(bound.arguments.items())[1:])
        if "params" in given:
            self.init_params = {"params": given.pop("params")}
        if "learning_rate" in given:
            rate = given.pop("learning_rate")
            rate = rate.tolist() if isinstance(rate, Tensor) else rate
            self.init_learning_rate = None if isinstance(rate, Cell) else rate
        self.init_args = given
        fn(self, *args, **kwargs)

    return init


class Optimizer(Cell):
    r"""Base class of optimizers. A call with the gradients updates the Parameters.

    A subclass calls `super().__init__`, creates its slots as Parameters or ParameterTuples, and defines
    `construct(self, gradients)`. The base class provides, in the order in which MindSpore uses them,
    `flatten_gradients`, `decay_weight`, `gradients_centralization`, `scale_grad`, and `get_lr`. It has the attributes
    that subclasses written for MindSpore read: `parameters`, `is_group`, `is_group_lr`, `decay_flags`, `optim_filter`,
    `use_parallel` (False), `hyper_map`, `map_`, `global_step`, `global_step_increase_tensor`, `assignadd`,
    `reciprocal_scale`, `need_scale`.

    Args:
        learning_rate: a number; a Tensor or iterable of numbers, one for each step (after the end the last one is
            used); a LearningRateSchedule; or a function of the step, such as a schedule of optax.
        parameters: the Parameters to train, or groups: dicts with `params` and optionally `lr`, `weight_decay` and
            `grad_centralization`. A dict with only `order_params` defines the order of the Parameters.
        weight_decay: the factor of the weight that is added to the gradient: a number, or a Cell that computes it from
            the step. Without groups it does not apply to Parameters with "beta" or "gamma" in their name.
        loss_scale: the factor by which the loss was multiplied; the gradients are divided by it.

    Raises:
        ArgumentError: a number is out of range; `parameters` is empty or contains a Parameter twice; or a group has
            an unknown key.
        ArgumentTypeError: an argument has the wrong type.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Parameter, Tensor
        >>> class SignDescent(nn.Optimizer):
        ...     def __init__(self, params, learning_rate):
        ...         super().__init__(learning_rate, params)
        ...
        ...     def construct(self, gradients):
        ...         for weight, gradient in zip(self.parameters, gradients):
        ...             weight.set_data(weight - self.get_lr() * (gradient > 0).astype("float32"))
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> SignDescent([weight], 0.5)((Tensor([3.0, -1.0]),))
        >>> print(weight.asnumpy())
        [0.5 2. ]

    Source: the class of the same name in MindSpore.
    """

    _needs_rate = True
    _decoupled = False
    """Whether the update rule applies the weight decay, regardless of `exec_weight_decay`."""

    def __init__(self, learning_rate: Any, parameters: Any, weight_decay: Any = 0.0, loss_scale: float = 1.0) -> None:
        super().__init__(auto_prefix=False)
        where = type(self).__name__
        self.loss_scale = _check.number(loss_scale, name="loss_scale", where=where, minimum=0.0, open_minimum=True)
        plan = read_plan(parameters, learning_rate, weight_decay, where, needs_rate=self._needs_rate)
        self.global_step = Parameter(np.zeros(1, np.int32), name="global_step")
        self.is_group = plan.grouped
        self.is_group_lr = plan.own_rates
        self._rate_sources: tuple[Rate | None, ...] = plan.rates
        self._decay_sources: tuple[Decay, ...] = plan.decays
        self.grad_centralization_flags = plan.centralized
        self.grad_centralization = any(plan.centralized)
        self._unique = True
        self._target: str = _context.get_context("device_target")
        self._set_learning_rate(plan.rates)
        self.parameters = ParameterTuple(plan.parameters)
        decays = [isinstance(each, Cell) or each > 0 for each in plan.decays]
        # As in MindSpore, the flags state to which Parameters the decay may apply, `exec_weight_decay` whether it does.
        self.decay_flags = tuple(decays if plan.grouped else [may_decay(each.name) for each in plan.parameters])
        self.exec_weight_decay = any(decays)
        self.dynamic_weight_decay = any(isinstance(each, Cell) for each in plan.decays)
        self._given_decay: Any = None
        self._register_decays()
        self._set_compatible_attributes()
        self._program: CompiledFunction | None = None

    def _set_compatible_attributes(self) -> None:
        """Set the attributes that optimizers written for MindSpore read."""
        self.param_length = len(self.parameters)
        self.param_rank = None
        # The optimizer does not distribute Parameters over devices, so it updates all of them.
        self.use_parallel = False
        self.optim_filter = (True,) * self.param_length
        self.need_scale = self.loss_scale != 1.0
        self.reciprocal_scale = Tensor(np.float32(1.0 / self.loss_scale))
        self.global_step_increase_tensor = Tensor(np.ones(1, np.int32))
        self.assignadd = AssignAdd()
        self.map_, self.map_reverse = Map(), Map(None, True)
        self.hyper_map, self.hyper_map_reverse = HyperMap(), HyperMap(None, True)

    def _set_learning_rate(self, rates: tuple[Rate | None, ...]) -> None:
        self.dynamic_lr = any(isinstance(rate, LearningRateSchedule) for rate in rates)
        if not self.is_group_lr:
            self.learning_rate: Any = rates[0]
        elif self.dynamic_lr:
            self.learning_rate = LearningRates([rate for rate in rates if isinstance(rate, LearningRateSchedule)])
        else:
            self.learning_rate = ParameterTuple([rate for rate in rates if isinstance(rate, Parameter)])

    def _register_decays(self) -> None:
        # A decay that is a Cell may have Parameters, which are part of the state.
        cells = {id(each): each for each in self._decay_sources if isinstance(each, Cell)}
        for i, cell in enumerate(cells.values()):
            self._cells["weight_decay" if len(cells) == 1 else f"weight_decay_{i}"] = cell

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "weight_decay":
            # The property also accepts a Cell or a Parameter, which are part of the state.
            object.__setattr__(self, name, value)
            self._forget(name)
            if isinstance(value, Cell):
                self._cells[name] = value
            elif isinstance(value, Parameter):
                self._params[name] = value
            return
        if name == "learning_rate" and "_rate_sources" in self.__dict__:
            self._replace_rate(value)
        if isinstance(value, ParameterTuple):
            object.__setattr__(self, name, value)
            for parameter in value:
                self._refuse_taken(parameter.name, parameter)
                self._params[parameter.name] = parameter
            return
        if isinstance(value, Parameter):
            self._refuse_taken(name, value)
        super().__setattr__(name, value)

    def _replace_rate(self, value: Any) -> None:
        """Use the new value of `learning_rate` as the source of the rate."""
        if self.is_group_lr or not isinstance(value, (Parameter, LearningRateSchedule)):
            # The rates of groups do not change; a plain Tensor is the new value of the existing Parameter.
            return
        if isinstance(value, Parameter) and value.ndim:
            raise ShapeError(
                f"{type(self).__name__}: the Parameter that `learning_rate` is set to must have shape (), but has "
                f"shape {value.shape}. Pass a list of rates to the constructor."
            )
        self._rate_sources = (value,) * len(self._rate_sources)
        self.dynamic_lr = isinstance(value, LearningRateSchedule)
        self._program = None
        self._forget("learning_rate")

    def _refuse_taken(self, name: str, value: Parameter) -> None:
        # The Parameter of an attribute may be replaced, but another Parameter with the same name must not be lost.
        held = self._params.get(name)
        if held is not None and held is not value and self.__dict__.get(name) is not held:
            raise ArgumentError(
                f"{type(self).__name__}: two Parameters of its state have the name {name!r}: a Parameter of the "
                "network has the name of one of the optimizer. Rename the one of the network."
            )

    def __getstate__(self) -> dict[str, Any]:
        # A compiled program refers to the Parameters of this object.
        return {**self.__dict__, "_program": None}

    # --- interface for subclasses and callbacks -------------------------------------------------------------

    @property
    def _parameters(self) -> ParameterTuple:
        return self.parameters

    @property
    def target(self) -> str:
        """The device of the optimizer; for compatibility with MindSpore, without effect."""
        return self._target

    @target.setter
    def target(self, value: str) -> None:
        self._target = _check.one_of(value, ("CPU", "GPU", "TPU", "Ascend"), name="target", where=type(self).__name__)

    @property
    def unique(self) -> bool:
        """MindSpore's flag for sparse gradients; for compatibility, without effect."""
        return self._unique

    @unique.setter
    def unique(self, value: bool) -> None:
        self._unique = _check.is_type(value, bool, name="unique", where=type(self).__name__)

    @property
    def weight_decay(self) -> Any:
        """The weight decay times `loss_scale`, or the given Cell if it depends on the step.

        A subclass may set a number, a Tensor, a Parameter, or a tuple with one of them for each Parameter.
        `get_weight_decay` then returns it, and `decay_weight` applies it if `exec_weight_decay` is true.
        """
        if self._given_decay is not None:
            return self._given_decay
        decays = tuple(each if isinstance(each, Cell) else self._scaled(each) for each in self._decay_sources)
        return decays if self.is_group else self._common(decays)

    @weight_decay.setter
    def weight_decay(self, value: Any) -> None:
        if isinstance(value, (tuple, list)) and len(value) != len(self.parameters):
            raise ArgumentError(
                f"{type(self).__name__}: `weight_decay` must be one value, or one for each of the "
                f"{len(self.parameters)} Parameters, but got {len(value)}."
            )
        self.__dict__["_given_decay"] = value
        self.__dict__["_program"] = None
        self._note_change()

    def get_lr(self) -> Any:
        """Return the learning rate of this step.

        Returns:
            The Parameter that holds it if it is constant, or a Tensor of rank 0 if it depends on the step; a tuple of
            these, one for each Parameter, if groups have their own rates.

        Raises:
            StateError: the optimizer was created without a learning rate.
        """
        sources = self._rate_sources
        if any(source is None for source in sources):
            raise StateError(f"{type(self).__name__}: the optimizer has no learning rate.")
        if not self.dynamic_lr:
            return self.learning_rate
        with x64_scope(True):
            rates = tuple(wrap(rate) for rate in self._rates(self.global_step._value))
        return rates if self.is_group_lr else rates[0]

    def get_lr_parameter(self, param: Any) -> Any:
        """Return the Parameter or schedule that holds the learning rate of a Parameter, or of each of a list.

        Args:
            param: a Parameter of this optimizer, or a list of them.

        Returns:
            A Parameter (of rank 1 for a list of rates) or a LearningRateSchedule; a list of them for a list.

        Raises:
            ArgumentError: the optimizer does not train a Parameter.
            ArgumentTypeError: `param` is neither a Parameter nor a list.
        """
        where = f"{type(self).__name__}.get_lr_parameter"
        if isinstance(param, (list, tuple)):
            return [self.get_lr_parameter(each) for each in param]
        _check.is_type(param, Parameter, name="param", where=where)
        for parameter, source in zip(self.parameters, self._rate_sources, strict=True):
            if parameter is param:
                has_parameter = isinstance(source, (FixedLearningRate, TableLearningRate))
                return source.learning_rate if has_parameter else source
        raise ArgumentError(f"{where}: Parameter {param.name!r} is not trained by this optimizer.")

    def get_weight_decay(self) -> Any:
        """Return the weight decay of this step times `loss_scale`, as it applies to scaled gradients.

        Returns:
            A Tensor of rank 0; a tuple of them, one for each Parameter, if there are groups; or the value to which
            `weight_decay` was set.
        """
        if self._given_decay is not None:
            given = self._given_decay
            each = given if isinstance(given, (tuple, list)) else (given,)
            values = tuple(one(self.global_step) if isinstance(one, Cell) else one for one in each)
            return values if isinstance(given, (tuple, list)) else values[0]
        with x64_scope(True):
            decays = self._decays(self.global_step._value)
            values = tuple(self._scaled(0.0 if each is None else each) for each in decays)
        return values if self.is_group else self._common(values)

    def _common(self, values: tuple[Any, ...]) -> Any:
        # Without groups all Parameters have the same decay or none.
        return next((v for v, flag in zip(values, self.decay_flags, strict=True) if flag), values[0])

    def _scaled(self, decay: Any) -> Tensor:
        return wrap(jnp.asarray(decay, np.float32) * np.float32(self.loss_scale))

    def decay_weight(self, gradients: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the gradients plus each weight times its decay and `loss_scale`."""
        if not self.exec_weight_decay:
            return tuple(gradients)
        with x64_scope(True):
            decays = self._applied_decays(self.global_step._value)
            return tuple(
                wrap(self._decayed(array, decay, parameter, self.loss_scale))
                for array, decay, parameter in zip(self._arrays(gradients), decays, self.parameters, strict=True)
            )

    def gradients_centralization(self, gradients: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the gradients; in groups with `grad_centralization`, minus their mean over all axes but the first."""
        with x64_scope(True):
            return tuple(
                wrap(_without_mean(array) if flag else array)
                for array, flag in zip(self._arrays(gradients), self._centralized, strict=True)
            )

    def scale_grad(self, gradients: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the gradients divided by `loss_scale`."""
        with x64_scope(True):
            arrays = self._arrays(gradients)
            return tuple(wrap(array / self.loss_scale if self.loss_scale != 1.0 else array) for array in arrays)

    def flatten_gradients(self, gradients: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the gradients: sporax does not move Parameters to contiguous memory."""
        return gradients

    def _grad_sparse_indices_deduplicate(self, gradients: Sequence[Tensor]) -> Sequence[Tensor]:
        # No gradient is sparse.
        return gradients

    def broadcast_params(self, optim_result: Any) -> Any:
        """Raise an error: MindSpore calls it if `use_parallel` is true, which it never is in sporax.

        Raises:
            StateError: always.
        """
        raise StateError(
            f"{type(self).__name__}: broadcast_params: sporax does not distribute optimizers over devices "
            "(`use_parallel` is False), so there is nothing to broadcast."
        )

    # --- arrays ---------------------------------------------------------------------------------------------

    def _arrays(self, gradients: Any) -> list[Array]:
        """Return the gradients as arrays, checked against the Parameters."""
        where = type(self).__name__
        if isinstance(gradients, (tuple, list)):
            given = list(gradients)
        elif hasattr(gradients, "shape") and len(self.parameters) == 1:
            given = [gradients]
        else:
            raise ArgumentTypeError(
                f"{where}: `gradients` must be a tuple of Tensors, one for each of its "
                f"{len(self.parameters)} Parameter(s), but got {type(gradients).__name__}."
            )
        if len(given) != len(self.parameters):
            raise ArgumentError(
                f"{where}: got {len(given)} gradient(s) for {len(self.parameters)} Parameter(s). Differentiate with "
                "respect to those of the optimizer: value_and_grad(forward, None, optimizer.parameters)."
            )
        arrays = []
        for parameter, gradient in zip(self.parameters, given, strict=True):
            if gradient is None:
                raise ArgumentTypeError(f"{where}: the gradient of Parameter {parameter.name!r} is None.")
            array = to_array(gradient)
            if array.shape != parameter.shape:
                raise ShapeError(
                    f"{where}: Parameter {parameter.name!r} has shape {parameter.shape}, but its gradient "
                    f"has shape {array.shape}. Pass the gradients in the order of optimizer.parameters."
                )
            arrays.append(array)
        return arrays

    def _rates(self, step: Array) -> list[Array]:
        """Return the learning rate for each Parameter; a shared source is read once."""
        found: dict[int, Array] = {}
        for source in self._rate_sources:
            if id(source) not in found:
                found[id(source)] = _scalar(source, step, type(self).__name__, "learning rate")
        return [found[id(source)] for source in self._rate_sources]

    def _decays(self, step: Array) -> list[Any]:
        """Return the weight decay for each Parameter, or None."""
        if self._given_decay is not None:
            given = self.get_weight_decay()
            each = given if isinstance(given, (tuple, list)) else (given,) * len(self.parameters)
            scale = np.float32(self.loss_scale)
            return [to_array(one).astype(np.float32).reshape(()) / scale for one in each]
        found: dict[int, Any] = {}
        for source in self._decay_sources:
            if isinstance(source, Cell) and id(source) not in found:
                found[id(source)] = _scalar(source, step, type(self).__name__, "weight decay")
        return [found[id(source)] if isinstance(source, Cell) else (source or None) for source in self._decay_sources]

    def _applied_decays(self, step: Array) -> list[Any]:
        """Return the weight decay for each Parameter, or None where `decay_flags` or `exec_weight_decay` disable it."""
        if not (self._decoupled or self.exec_weight_decay):
            return [None] * len(self.parameters)
        return [decay if flag else None for decay, flag in zip(self._decays(step), self.decay_flags, strict=True)]

    @property
    def _centralized(self) -> tuple[bool, ...]:
        """Whether to centralize the gradient of each Parameter."""
        return self.grad_centralization_flags if self.grad_centralization else (False,) * len(self.parameters)

    @staticmethod
    def _decayed(gradient: Array, decay: Any, parameter: Parameter, scale: float = 1.0) -> Array:
        if decay is None:
            return gradient
        factor = decay * scale if scale != 1.0 else decay
        return gradient + factor * parameter._value.astype(gradient.dtype)

    def _prepared(self, gradients: Any, decays: list[Any]) -> list[Array]:
        """Return the gradients for the rule: in the dtype of the computation, unscaled, decayed, centralized."""
        ready = []
        for array, decay, parameter, flag in zip(
            self._arrays(gradients), decays, self.parameters, self._centralized, strict=True
        ):
            array = array.astype(slot_dtype(parameter._value.dtype))
            if self.loss_scale != 1.0:
                array = array * (1.0 / self.loss_scale)
            array = self._decayed(array, decay, parameter)
            ready.append(_without_mean(array) if flag else array)
        return ready

    # --- one step -------------------------------------------------------------------------------------------

    def _stepped(self, gradients: Any, **extra: Any) -> tuple[bool, ...]:
        """Call `_step`, compiled unless it is being traced."""
        if isinstance(gradients, list):
            gradients = tuple(gradients)
        # Weights are read in their own dtype, also inside a Cell that computes in half precision.
        with computing_in(None):
            if tracing():
                self._step(gradients, **extra)
            else:
                if self._program is None:
                    self._program = CompiledFunction(self._step, lambda: tuple(self.get_parameters()))
                self._program(gradients, **extra)
        return (True,) * len(self.parameters)

    def _step(self, gradients: Any) -> None:
        raise NotImplementedError


def slot_dtype(dtype: Any) -> Any:
    """Return the dtype of the update of a weight and of its slots: at least float32."""
    return np.dtype(np.float32) if dtype.itemsize < 4 else dtype


def trains(parameter: Parameter) -> bool:
    """Return whether `parameter` is trained; in a trace, record that it depends on it."""
    if tracing():
        note_guard(parameter, "requires_grad", parameter.requires_grad)
    return parameter.requires_grad


def _without_mean(gradient: Array) -> Array:
    if gradient.ndim < 2:
        return gradient
    return gradient - gradient.mean(axis=tuple(range(1, gradient.ndim)), keepdims=True)


def _scalar(source: Any, step: Array, where: str, what: str) -> Array:
    if isinstance(source, Parameter):
        return source._value
    value = to_array(source(wrap(step)))
    if value.size != 1:
        raise ShapeError(
            f"{where}: {type(source).__name__} must return one number for the {what}, but returned shape {value.shape}."
        )
    return value.reshape(()).astype(np.float32)
