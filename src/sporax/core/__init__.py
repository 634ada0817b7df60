"""Tensor, Parameter, Cell, dtypes, context, random keys and initializers."""

from sporax.core import context
from sporax.core._arith import absolute, align, arithmetic, power_of, summed_wide, true_divide
from sporax.core._captured import note_captured
from sporax.core._cell_class import CellMeta
from sporax.core._frames import (
    REVISION,
    STATE,
    Constants,
    Frame,
    backward_pass,
    compute_dtype,
    computing_in,
    entered,
    note_guard,
    rebind,
    tracing,
)
from sporax.core._gradient_node import Backward, gradient_node, is_floating
from sporax.core._hooks import HookHandle
from sporax.core._order import in_order_of, leaves_in_order, ordered, restored
from sporax.core._recording import LeaveRecording, Link, WeakNumber, recordable, set_link
from sporax.core._replay import undo_last_call
from sporax.core._tensor_hooks import HOOKED, check_hook, hooks_of, replaced
from sporax.core._tensor_hooks import run as run_hooks
from sporax.core._tensor_node import tensor_node
from sporax.core.cell import Cell, install_graph_call
from sporax.core.parameter import Lease, Parameter, ParameterTuple
from sporax.core.random import Generator, default_generator, get_seed, next_key, seeded_generator, set_seed
from sporax.core.tensor import Tensor, copied, is_tensor, to_array, unwrap, wrap

__all__ = [
    "HOOKED",
    "REVISION",
    "STATE",
    "Backward",
    "Cell",
    "CellMeta",
    "Constants",
    "Frame",
    "Generator",
    "HookHandle",
    "Lease",
    "LeaveRecording",
    "Link",
    "Parameter",
    "ParameterTuple",
    "Tensor",
    "WeakNumber",
    "absolute",
    "align",
    "arithmetic",
    "backward_pass",
    "check_hook",
    "compute_dtype",
    "computing_in",
    "context",
    "copied",
    "default_generator",
    "entered",
    "get_seed",
    "gradient_node",
    "hooks_of",
    "in_order_of",
    "install_graph_call",
    "is_floating",
    "is_tensor",
    "leaves_in_order",
    "next_key",
    "note_captured",
    "note_guard",
    "ordered",
    "power_of",
    "rebind",
    "recordable",
    "replaced",
    "restored",
    "run_hooks",
    "seeded_generator",
    "set_link",
    "set_seed",
    "summed_wide",
    "tensor_node",
    "to_array",
    "tracing",
    "true_divide",
    "undo_last_call",
    "unwrap",
    "wrap",
]  # fmt: skip
