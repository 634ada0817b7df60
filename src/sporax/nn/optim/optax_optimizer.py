"""Transformations of optax as optimizers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax._docstring import completed_by
from sporax._errors import ArgumentError, ArgumentTypeError, StateError
from sporax._jax_compat import x64_scope
from sporax.core import Cell, Parameter, is_tensor, to_array
from sporax.nn.optim._rule_optimizer import RuleOptimizer
from sporax.nn.optim.optimizer import Optimizer, trains

__all__ = ["OptaxOptimizer", "as_optimizer"]

_RATE = "hyperparams.learning_rate"


class OptaxOptimizer(Optimizer):
    r"""An optimizer whose update rule is a transformation of optax.

    .. math:: u, s' = \mathrm{update}(g, s, p), \qquad p' = p + u

    The transformation receives the Parameters as a dict by name, so masks and labels are also by name:
    `optax.masked(tx, lambda params: {name: "bias" not in name for name in params})`. Its state is stored in
    Parameters named by their path, such as `optax.0.trace.fc.weight`. With `optax.inject_hyperparams` the rate is
    `optimizer.learning_rate`, and a change of it does not recompile the step.

    Args:
        transformation: a `GradientTransformation` of optax, or an object with its `init` and `update`.
        params: the Parameters to train; not groups, for which optax has `multi_transform`.
        loss_scale: the factor by which the loss was multiplied.

    Raises:
        ArgumentError: `params` is empty, contains a Parameter twice, or contains groups.
        ArgumentTypeError: `transformation` has no `init` and `update`.

    Examples:
        >>> import numpy as np, optax
        >>> from sporax import nn, Parameter, Tensor
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> optimizer = nn.OptaxOptimizer(optax.sgd(0.5, momentum=0.9), [weight])
        >>> _ = optimizer((Tensor([1.0, -1.0]),))
        >>> print(weight.asnumpy(), [p.name for p in optimizer.get_parameters()])
        [0.5 2.5] ['global_step', 'w', 'optax.0.trace.w']

    Source: sporax's own; DeepMind et al., optax.
    """

    _needs_rate = False

    def __init__(self, transformation: Any, params: Any, loss_scale: float = 1.0) -> None:
        if isinstance(transformation, type) or not _is_transformation(transformation):
            raise ArgumentTypeError(
                "OptaxOptimizer: `transformation` must be one of optax, with `init` and `update`, but got "
                f"{transformation!r}.{_hint(transformation)}"
            )
        super().__init__(None, params, 0.0, loss_scale)
        if self.is_group:
            raise ArgumentError(
                "OptaxOptimizer: `params` must be a list of Parameters, but got groups. Use "
                "optax.multi_transform, with labels by Parameter name."
            )
        self.transformation = transformation
        # optax is written for JAX's default; 64-bit dtypes are enabled only if a weight has one.
        self._wide = any(parameter.dtype.itemsize > 4 for parameter in self.parameters)
        with x64_scope(self._wide):
            state = transformation.init({p.name: p._value for p in self.parameters})
            entries, self._structure = jax.tree_util.tree_flatten_with_path(state)
            self._keys = tuple(_key_kind(leaf) for _, leaf in entries)
            # Copies: a state may contain the weights, and an array may be donated only once.
            leaves = [jnp.array(_plain(leaf, kind)) for (_, leaf), kind in zip(entries, self._keys, strict=True)]
        self._state: tuple[Parameter, ...] = ()
        for (path, _), leaf in zip(entries, leaves, strict=True):
            self._add_state(jax.tree_util.keystr(path, simple=True, separator="."), leaf)
        self._initialized = True

    def _replace_rate(self, value: Any) -> None:
        # A plain Tensor is the new value of the existing Parameter.
        sets_value = is_tensor(value) and not isinstance(value, Parameter) and self.learning_rate is not None
        if self.__dict__.get("_initialized") and not sets_value:
            raise StateError(
                "OptaxOptimizer: the transformation holds the learning rate, so `learning_rate` cannot be set to "
                f"{value!r}. Create the transformation with optax.inject_hyperparams, and set the value: "
                "optimizer.learning_rate.set_data(...)."
            )

    def _add_state(self, path: str, leaf: Any) -> None:
        parameter = Parameter(leaf, f"optax.{path}" if path else "optax", requires_grad=False)
        self._refuse_taken(parameter.name, parameter)
        self._params[parameter.name] = parameter
        self._state += (parameter,)
        if f".{path}".endswith(f".{_RATE}"):
            self.learning_rate = parameter
            self._rate_sources = (parameter,) * len(self.parameters)

    def extend_repr(self) -> str:
        """Return the type of the transformation, for the printed form."""
        return type(self.transformation).__name__

    @completed_by(RuleOptimizer.construct)
    def construct(self, gradients: Any, **extra_args: Any) -> tuple[bool, ...]:
        """Perform one step.

        Args:
            extra_args: further arguments of the transformation's `update`, such as `value=loss`.

        Raises:
            ArgumentError: the number of gradients is wrong, or an extra argument is missing.
        """
        return self._stepped(gradients, **extra_args)

    def _step(self, gradients: Any, **extra_args: Any) -> None:
        import optax

        with x64_scope(self._wide):
            extra = {name: to_array(value) if is_tensor(value) else value for name, value in extra_args.items()}
            weights = {p.name: p._value for p in self.parameters}
            given = {}
            for parameter, array in zip(self.parameters, self._arrays(gradients), strict=True):
                scaled = array / self.loss_scale if self.loss_scale != 1.0 else array
                given[parameter.name] = scaled.astype(weights[parameter.name].dtype)
            leaves = [
                leaf._value if kind is None else jax.random.wrap_key_data(leaf._value, impl=kind)
                for leaf, kind in zip(self._state, self._keys, strict=True)
            ]
            update = optax.with_extra_args_support(self.transformation).update
            try:
                steps, state = update(given, jax.tree.unflatten(self._structure, leaves), weights, **extra)
            except TypeError as error:
                self._explain(error)
                raise
            updated: Any = optax.apply_updates(weights, steps)
            self.global_step._value = self.global_step._value + 1
            for parameter in self.parameters:
                if trains(parameter):
                    parameter._value = updated[parameter.name]
            self._store_state(state)

    def _store_state(self, state: Any) -> None:
        leaves, structure = jax.tree.flatten(state)
        if structure != self._structure:
            raise ArgumentError(
                f"OptaxOptimizer: `update` returned a state of another structure than `init`: {structure}, "
                f"but expected {self._structure}."
            )
        for parameter, leaf, kind in zip(self._state, leaves, self._keys, strict=True):
            parameter._value = jnp.asarray(_plain(leaf, kind))

    def _explain(self, error: TypeError) -> None:
        text = str(error)
        if "required keyword-only argument" in text:
            names = text.split(":")[-1].strip() if ":" in text else text.split("argument")[-1].strip()
            raise ArgumentError(
                f"OptaxOptimizer: the transformation's `update` requires the argument(s) {names}. Pass them by "
                "keyword: optimizer(gradients, value=loss)."
            ) from error


def _is_transformation(value: Any) -> bool:
    return callable(getattr(value, "init", None)) and callable(getattr(value, "update", None))


def _hint(value: Any) -> str:
    if isinstance(value, type):
        return f" It is a class: pass an instance, {value.__name__}(...)."
    name = getattr(value, "__name__", None)
    if callable(value) and name:
        return f" It is a function: call it, {name}(...)."
    return ""


def _key_kind(leaf: Any) -> Any:
    """Return the implementation of a typed random key, and None for other leaves."""
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.key_impl(leaf)
    return None


def _plain(leaf: Any, kind: Any) -> Any:
    return leaf if kind is None else jax.random.key_data(leaf)


def as_optimizer(optimizer: Any, params: Any) -> Any:
    """Return an optimizer of `nn` unchanged, and a transformation of optax as an `OptaxOptimizer`.

    Args:
        optimizer: an `nn.Optimizer` (or another Cell that is called with gradients), or a transformation of
            optax.
        params: the Parameters to train if `optimizer` is a transformation.

    Returns:
        A Cell that is called with the gradients.

    Raises:
        ArgumentTypeError: `optimizer` is neither.

    Examples:
        >>> import optax
        >>> from sporax import nn
        >>> net = nn.Dense(2, 1)
        >>> type(nn.as_optimizer(optax.adam(1e-3), net.trainable_params())).__name__
        'OptaxOptimizer'

    Source: sporax's own.
    """
    if isinstance(optimizer, Cell):
        return optimizer
    if isinstance(optimizer, type) or not _is_transformation(optimizer):
        raise ArgumentTypeError(
            "The optimizer must be one of sporax.nn, such as nn.Momentum(net.trainable_params(), 0.1, 0.9), "
            "or a transformation of optax, such as optax.adam(1e-3), but got "
            f"{optimizer!r}.{_hint(optimizer)}"
        )
    return OptaxOptimizer(optimizer, params)
