"""The module paths of MindSpore under the alias, and the modules of sporax behind them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SERVED: Mapping[str, str] = MappingProxyType(
    {
        "mindspore": "sporax",
        "mindspore.common": "sporax.common",
        "mindspore.common.api": "sporax.common.api",
        "mindspore.common.dtype": "sporax.common.dtype",
        "mindspore.common.initializer": "sporax.common.initializer",
        "mindspore.common.parameter": "sporax.common.parameter",
        "mindspore.common.seed": "sporax.common.seed",
        "mindspore.common.tensor": "sporax.common.tensor",
        "mindspore.context": "sporax.core.context",
        "mindspore.dataset": "sporax.dataset",
        "mindspore.dataset.config": "sporax.dataset.config",
        "mindspore.dataset.engine": "sporax.dataset",
        "mindspore.dataset.engine.datasets": "sporax.dataset",
        "mindspore.mint": "sporax.mint",
        "mindspore.mint.nn": "sporax.mint.nn",
        "mindspore.mint.nn.functional": "sporax.mint.nn.functional",
        "mindspore.nn": "sporax.nn",
        "mindspore.nn.cell": "sporax.nn",
        "mindspore.nn.dynamic_lr": "sporax.nn",
        "mindspore.nn.layer": "sporax.nn.layer",
        "mindspore.nn.learning_rate_schedule": "sporax.nn",
        "mindspore.nn.loss": "sporax.nn.loss",
        "mindspore.nn.loss.loss": "sporax.nn.loss",
        "mindspore.nn.optim": "sporax.nn.optim",
        "mindspore.nn.optim.optimizer": "sporax.nn.optim",
        "mindspore.nn.wrap": "sporax.nn.wrap",
        "mindspore.nn.wrap.cell_wrapper": "sporax.nn.wrap",
        "mindspore.ops": "sporax.ops",
        "mindspore.ops.composite": "sporax.ops",
        "mindspore.ops.function": "sporax.ops",
        "mindspore.ops.function.nn_func": "sporax.ops",
        "mindspore.ops.functional": "sporax.ops",
        "mindspore.ops.operations": "sporax.ops",
        "mindspore.train": "sporax.train",
        "mindspore.train.callback": "sporax.train.callback",
        "mindspore.train.metrics": "sporax.train.metrics",
        "mindspore.nn.metrics": "sporax.train.metrics",
        "mindspore.train.model": "sporax.train.model",
        "mindspore.train.serialization": "sporax.train.checkpoint",
    }
)
"""MindSpore's module path -> the module of sporax; the first path of a module is its main path.

`mindspore` is a separate module that forwards to sporax, because its version differs.
"""

VERSION = "2.10.0"
"""The version of MindSpore whose API is provided: `mindspore.__version__`, which scripts compare."""

ADDITIONAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # MindSpore also has the metrics in `nn`; sporax.nn cannot import them from sporax.train.
        "sporax.nn": ("sporax.train.metrics",),
    }
)
"""A module of sporax -> other modules whose names MindSpore also has in it."""
