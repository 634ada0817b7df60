"""TrainOneStepCell: loss, gradients and update in one call."""

from __future__ import annotations

import warnings
from typing import Any

from sporax import _check
from sporax._errors import SporaxWarning
from sporax.core import Cell, ParameterTuple, context, tracing
from sporax.nn.layer import Identity
from sporax.nn.optim import as_optimizer
from sporax.ops import GradOperation
from sporax.transforms import jit, value_and_grad

__all__ = ["TrainOneStepCell"]


def _check_trained(network: Cell, optimizer: Any) -> None:
    """Warn if the optimizer does not hold the trainable Parameters of the network or of its loss."""
    given = getattr(optimizer, "parameters", None)
    own = network.trainable_params()
    if not given or not own:
        return
    held, names = {id(each) for each in given}, {each.name for each in given}
    loss = getattr(network, "_loss_fn", None)
    of_loss = loss.trainable_params() if isinstance(loss, Cell) else []
    other = [each.name for each in own if id(each) not in held and each.name in names]
    kind = type(optimizer).__name__
    if other:
        text = (
            f"{kind} holds another Parameter of the name {other[0]!r} than the network, which is not trained. "
            "Create the optimizer for this network, after all its Parameters."
        )
    elif not any(id(each) in held for each in own):
        text = f"{kind} holds none of the {len(own)} trainable Parameters of the network, so none of them is trained."
    elif of_loss and not any(id(each) in held for each in of_loss):
        text = (
            f"{kind} holds no Parameter of the loss {type(loss).__name__}, so {of_loss[0].name!r} is not trained. Pass "
            "[*network.trainable_params(), *loss.trainable_params()] to the optimizer, or set requires_grad=False for "
            "the Parameters of the loss."
        )
    else:
        return
    warnings.warn(text, SporaxWarning, stacklevel=3)


class TrainOneStepCell(Cell):
    """One compiled training step: the loss of a batch, its gradients, and the update of the optimizer.

    Args:
        network: a Cell whose output is the loss, such as `WithLossCell`, or (loss, other outputs...).
        optimizer: an optimizer of `nn`, another Cell that is called with the gradients of the network's trainable
            Parameters, or a transformation of optax.
        sens: the factor by which the gradients are scaled; the optimizer divides by its `loss_scale`.

    Attributes:
        network, optimizer, sens: the arguments.
        weights: a ParameterTuple of the Parameters that the optimizer updates. A subclass may set others.
        grad, grad_no_sens: `ops.GradOperation` by Parameters, with and without a sensitivity as the last input.
        grad_reducer, reducer_flag: `nn.Identity()` and False: gradients of one process need no reduction.

    Raises:
        ArgumentTypeError: `network` is not a Cell, or `optimizer` is not an optimizer.

    Examples:
        >>> from sporax import nn, Tensor
        >>> net = nn.Dense(1, 1, weight_init="zeros", bias_init="zeros")
        >>> optimizer = nn.Momentum(net.trainable_params(), 0.125, 0.9)
        >>> step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), optimizer)
        >>> print(step(Tensor([[1.0]]), Tensor([[2.0]])), step(Tensor([[1.0]]), Tensor([[2.0]])))
        4.0 1.0

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, network: Cell, optimizer: Any, sens: float = 1.0) -> None:
        super().__init__(auto_prefix=False)
        _check.is_type(network, Cell, name="network", where="TrainOneStepCell", expected="a Cell")
        self.network = network.set_grad()
        self.optimizer = optimizer = as_optimizer(optimizer, network.trainable_params())
        _check_trained(network, optimizer)
        self.sens = _check.number(sens, name="sens", where="TrainOneStepCell")
        self.weights = ParameterTuple(getattr(optimizer, "parameters", None) or network.trainable_params())
        """The Parameters that the optimizer updates."""
        # For subclasses that define construct.
        self.grad = GradOperation(get_by_list=True, sens_param=True)
        self.grad_no_sens = GradOperation(get_by_list=True)
        self.reducer_flag = False
        self.grad_reducer = Identity()
        self._compiled_step = jit(self._run_step)

    def construct(self, *inputs: Any) -> Any:
        """Train on one batch and return the output of the network."""
        many = False

        def forward(*inputs: Any) -> Any:
            nonlocal many
            output = self.network(*inputs)
            many = isinstance(output, (tuple, list))
            return tuple(output) if many else (output,)

        outputs, gradients = value_and_grad(forward, None, self.weights, has_aux=True)(*inputs)
        if self.sens != 1.0:
            gradients = tuple(gradient * self.sens for gradient in gradients)
        self.optimizer(gradients)
        return outputs if many else outputs[0]

    def _run_step(self, *inputs: Any) -> Any:
        return self._run(inputs, {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if tracing() or kwargs or context.runs_eagerly():
            return self._run(args, kwargs)
        return self._compiled_step(*args)
