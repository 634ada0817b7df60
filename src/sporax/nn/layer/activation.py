"""Activations as Cells, and their look-up by name."""

from __future__ import annotations

from sporax import _check
from sporax._errors import ArgumentError
from sporax.core import Cell
from sporax.nn.layer._composed import GLU, PReLU, RReLU, Softmax2d
from sporax.nn.layer._pointwise import (
    FastGelu,
    HSigmoid,
    HSwish,
    LogSigmoid,
    Mish,
    ReLU,
    ReLU6,
    SeLU,
    Sigmoid,
    SiLU,
    Softsign,
    Tanh,
    Tanhshrink,
)
from sporax.nn.layer._settable import (
    CELU,
    ELU,
    GELU,
    Hardtanh,
    HShrink,
    LeakyReLU,
    LogSoftmax,
    Softmax,
    Softmin,
    SoftShrink,
    Threshold,
)

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "FastGelu",
    "HShrink",
    "HSigmoid",
    "HSwish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SeLU",
    "SiLU",
    "Sigmoid",
    "SoftShrink",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "get_activation",
]

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
    """The activation of a name, with its default settings.

    Args:
        name: its name, such as "relu"; None for no activation.
        prim_name: who asks, for the message of an error.

    Returns:
        a new Cell, or None.

    Raises:
        ArgumentError: an unknown name; the nearest one is suggested.
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
        raise ArgumentError(f"{where}: 'threshold' needs its settings; give nn.Threshold(threshold, value).")
    return _BY_NAME[_check.one_of(name, tuple(_BY_NAME), name=argument, where=where)]()
