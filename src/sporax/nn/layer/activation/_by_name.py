"""Look-up of activations by name."""

from __future__ import annotations

from sporax import _check
from sporax._errors import ArgumentError
from sporax.core import Cell
from sporax.nn.layer.activation._gelu import GELU, GLU, FastGelu, HSwish, Mish, SiLU
from sporax.nn.layer.activation._rectifier import CELU, ELU, LeakyReLU, PReLU, ReLU, ReLU6, RReLU, SeLU
from sporax.nn.layer.activation._shrink import HShrink, SoftShrink, Tanhshrink
from sporax.nn.layer.activation._sigmoid import Hardtanh, HSigmoid, LogSigmoid, Sigmoid, Softsign, Tanh
from sporax.nn.layer.activation._softmax import LogSoftmax, Softmax, Softmax2d, Softmin

__all__ = ["get_activation"]

_BY_NAME: dict[str, type[Cell]] = {
    "softmin": Softmin,
    "softmax": Softmax,
    "softmax2d": Softmax2d,
    "logsoftmax": LogSoftmax,
    "relu": ReLU,
    "relu6": ReLU6,
    "rrelu": RReLU,
    "silu": SiLU,
    "tanh": Tanh,
    "tanhshrink": Tanhshrink,
    "hardtanh": Hardtanh,
    "gelu": GELU,
    "fast_gelu": FastGelu,
    "elu": ELU,
    "celu": CELU,
    "selu": SeLU,
    "glu": GLU,
    "sigmoid": Sigmoid,
    "softsign": Softsign,
    "prelu": PReLU,
    "leakyrelu": LeakyReLU,
    "hswish": HSwish,
    "hsigmoid": HSigmoid,
    "logsigmoid": LogSigmoid,
    "softshrink": SoftShrink,
    "hshrink": HShrink,
    "mish": Mish,
}


def get_activation(name: str | None, prim_name: str | None = None) -> Cell | None:
    """Return the activation of a name, with its default arguments.

    Args:
        name: the name, such as "relu", or None for no activation.
        prim_name: the name of the caller in error messages.

    Returns:
        A new Cell, or None.

    Raises:
        ArgumentError: the name is unknown. The message suggests the closest one.
        ArgumentTypeError: `name` is neither a str nor None.

    Examples:
        >>> get_activation("leakyrelu")
        LeakyReLU()

    Source: the function of the same name in MindSpore.
    """
    if name is None:
        return None
    where = prim_name or "get_activation"
    argument = "activation" if prim_name else "name"
    _check.is_type(name, str, name=argument, where=where)
    if name == "threshold":
        raise ArgumentError(f"{where}: 'threshold' requires arguments; pass nn.Threshold(threshold, value).")
    return _BY_NAME[_check.one_of(name, tuple(_BY_NAME), name=argument, where=where)]()
