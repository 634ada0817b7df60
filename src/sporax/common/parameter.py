"""MindSpore's module `common.parameter`."""

from sporax.core import Parameter, ParameterTuple

__all__ = ["Parameter", "ParameterTuple"]
