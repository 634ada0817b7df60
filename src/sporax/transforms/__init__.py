"""Transforms: the only place where a stateful Cell becomes a pure function."""

from sporax.transforms._captured import Variables, constants_of, note_captured_by, outdated
from sporax.transforms._control import cond, fori_loop, scan, while_loop
from sporax.transforms._functional import Unbound, functionalize, run_framed, stop_gradient, warn_eager
from sporax.transforms._grad import grad, value_and_grad
from sporax.transforms._jit import CompiledFunction, jit
from sporax.transforms._recompute import recompute
from sporax.transforms._vmap import vmap

__all__ = [
    "CompiledFunction", "Unbound", "Variables", "cond", "constants_of", "fori_loop", "functionalize", "grad", "jit",
    "note_captured_by", "outdated", "recompute", "run_framed", "scan", "stop_gradient", "value_and_grad", "vmap",
    "warn_eager", "while_loop",
]  # fmt: skip
