"""Process-wide settings, as in MindSpore's `set_context`: the mode and the device."""

from __future__ import annotations

import os
from typing import Any

import jax

from sporax import _check
from sporax._errors import ArgumentError, DeviceError

GRAPH_MODE = 0
"""The mode in which Cell calls and training steps are compiled."""
PYNATIVE_MODE = 1
"""The mode in which nothing is compiled, for debugging."""

STRICT = 0
"""A value of MindSpore's setting `jit_syntax_level`, which has no effect: sporax traces Python."""
LAX = 2
"""MindSpore's default of `jit_syntax_level`."""

_PLATFORMS = {"CPU": "cpu", "GPU": "gpu", "TPU": "tpu"}

# Accepted and stored, so that scripts that set them run. docs/differences.md explains why each has no effect.
_STORED: dict[str, Any] = {
    "device_id": 0,
    "max_call_depth": 1000,
    "max_device_memory": "1024GB",
    "mempool_block_size": "1GB",
    "save_graphs": False,
    "save_graphs_path": ".",
    "precompile_only": False,
    "enable_graph_kernel": False,
    "graph_kernel_flags": "",
    "enable_reduce_precision": True,
    "check_bprop": False,
    "print_file_path": "",
    "runtime_num_threads": 30,
    "inter_op_parallel_num": 0,
    "grad_for_scalar": False,
    "pynative_synchronize": False,
    "deterministic": "OFF",
    "jit_level": "O0",
    "jit_config": {},
    "ascend_config": {},
    "gpu_config": {},
    "memory_optimize_level": "O0",
    "memory_offload": "OFF",
    "env_config_path": "",
    "enable_compile_cache": False,
    "compile_cache_path": "",
    "op_timeout": 900,
    "variable_memory_max_size": "0GB",
    "reserve_class_name_in_scope": True,
    "support_binary": False,
    "debug_level": 0,
    "jit_syntax_level": LAX,
    "jit_enable_inplace_ops": True,
    "enable_auto_mixed_precision": False,
    "enable_sparse": False,
    "disable_format_transform": False,
    "exec_order": "bfs",
    "enable_profiling": False,
    "profiling_options": "training_trace",
    "auto_tune_mode": "NO_TUNE",
    "aoe_tune_mode": "",
    "aoe_config": {},
}


_GPU_CONFIG = ("conv_fprop_algo", "conv_dgrad_algo", "conv_wgrad_algo", "conv_allow_tf32", "matmul_allow_tf32")


class _Context:
    """The current settings. While `mode` is None, Cell calls are eager and training steps compiled."""

    def __init__(self) -> None:
        self.mode: int | None = None
        self.device_target: str | None = None
        self.stored = dict(_STORED)


_CONTEXT = _Context()


def explicit_mode() -> int | None:
    """Return GRAPH_MODE or PYNATIVE_MODE if the user set it, otherwise None."""
    return _CONTEXT.mode


def runs_eagerly() -> bool:
    """Return whether the user set `PYNATIVE_MODE`, in which nothing is compiled."""
    return _CONTEXT.mode == PYNATIVE_MODE


def set_device(device_target: str, device_id: int | None = None) -> None:
    """Set the default device of new arrays.

    Args:
        device_target: "CPU", "GPU" or "TPU".
        device_id: the index of the device. Default: the first device.

    Raises:
        DeviceError: the target is unknown, or this machine has no such device.

    Examples:
        >>> set_device("CPU")
        >>> get_context("device_target")
        'CPU'
    """
    if not isinstance(device_target, str) or device_target.upper() not in _PLATFORMS:
        if isinstance(device_target, str) and device_target.lower().startswith("ascend"):
            raise DeviceError(
                f"device_target {device_target!r}: sporax compiles through XLA, which has no Ascend backend. "
                "Use 'CPU', 'GPU' (NVIDIA) or 'TPU', or omit device_target to use the best available device."
            )
        raise DeviceError(f"device_target {device_target!r} is unknown. Use 'CPU', 'GPU' or 'TPU', or omit it.")
    target = device_target.upper()
    try:
        devices = jax.devices(_PLATFORMS[target])
    except RuntimeError as error:
        available = ", ".join(sorted({device.platform.upper() for device in jax.devices()}))
        fix = " Install JAX's CUDA wheels: pip install 'sporax[cuda]'." if target == "GPU" else ""
        raise DeviceError(
            f"device_target {target!r}: JAX finds no such device on this machine; it has {available}.{fix}"
        ) from error
    index = 0 if device_id is None else _check.integer(device_id, name="device_id", where="set_device", minimum=0)
    if index >= len(devices):
        raise DeviceError(f"device_id {index}: this machine has {len(devices)} {target} device(s), numbered from 0.")
    chosen = devices[index]
    if device_id is not None or chosen.platform != jax.devices()[0].platform:
        jax.config.update("jax_default_device", chosen)
    _CONTEXT.device_target = target


def set_context(
    mode: int | None = None, device_target: str | None = None, device_id: int | None = None, **kwargs: Any
) -> None:
    """Set the mode, the device, and other settings of MindSpore, which are stored without effect.

    Args:
        mode: GRAPH_MODE (0) or PYNATIVE_MODE (1).
        device_target: "CPU", "GPU" or "TPU".
        device_id: the index of the device.
        kwargs: other settings of MindSpore, such as `save_graphs`.

    Raises:
        ArgumentError: the mode or a setting is unknown, or sporax does not support a value.
        DeviceError: the device does not exist on this machine.

    Examples:
        >>> set_context(mode=GRAPH_MODE)
        >>> get_context("mode")
        0
        >>> reset_context()
    """
    unknown = [name for name in kwargs if name not in _STORED]
    if unknown:
        for name in unknown:
            _check.one_of(name, ("mode", "device_target", "device_id", *_STORED), name="setting", where="set_context")
    level = kwargs.get("jit_syntax_level", LAX)
    if isinstance(level, bool) or level not in (STRICT, LAX):
        raise ArgumentError(f"set_context: `jit_syntax_level` must be STRICT (0) or LAX (2), but got {level!r}.")
    if mode is not None:
        if isinstance(mode, bool) or mode not in (GRAPH_MODE, PYNATIVE_MODE):
            raise ArgumentError(f"set_context: `mode` must be GRAPH_MODE (0) or PYNATIVE_MODE (1), but got {mode!r}.")
        _CONTEXT.mode = int(mode)
    for name, value in kwargs.items():
        _reject_unsupported(name, value)
    if device_target is not None:
        set_device(device_target, device_id)
    elif device_id is not None:
        _choose_device(device_id)
    if device_id is not None:
        _CONTEXT.stored["device_id"] = device_id
    _CONTEXT.stored.update(kwargs)


def _choose_device(device_id: Any) -> None:
    target = get_context("device_target")
    count = len(jax.devices(_PLATFORMS[target]))
    number = _check.integer(device_id, name="device_id", where="set_context", minimum=0)
    # A script for several accelerators sets the index also when it runs on a machine with one CPU device.
    if target != "CPU" or number < count:
        set_device(target, number)


def _reject_unsupported(name: str, value: Any) -> None:
    """Raise an error for a value that changes results in MindSpore and that sporax does not support."""
    where = "set_context"
    if name == "precompile_only" and value:
        raise ArgumentError(
            f"{where}: `precompile_only` must be False, but got {value!r}: sporax compiles a network when it is "
            "called, and then runs it. To compile without running use jax.jit(...).lower(...).compile() on the result "
            "of sporax.functionalize."
        )
    if name == "enable_auto_mixed_precision" and value:
        raise ArgumentError(
            f"{where}: `enable_auto_mixed_precision` must be False, but got {value!r}. For half precision use "
            "network.to_float(sporax.bfloat16)."
        )
    if name == "deterministic":
        _check.one_of(value, ("ON", "OFF"), name="deterministic", where=where)
        flag = "--xla_gpu_deterministic_ops=true"
        if value == "ON" and jax.default_backend() == "gpu" and flag not in os.environ.get("XLA_FLAGS", ""):
            raise ArgumentError(
                f"{where}: deterministic='ON' cannot be set on a GPU once XLA has started. Set the environment "
                f"variable XLA_FLAGS={flag} before starting Python to make results reproducible."
            )
    if name == "gpu_config":
        _check.is_type(value, dict, name="gpu_config", where=where)
        for key in value:
            _check.one_of(key, _GPU_CONFIG, name="key of gpu_config", where=where)
            if key.endswith("tf32") and jax.default_backend() == "gpu":
                raise ArgumentError(
                    f"{where}: gpu_config[{key!r}] cannot be set for one kind of operator. Use "
                    "jax.config.update('jax_default_matmul_precision', 'tensorfloat32') to allow TF32 for convolutions "
                    "and matrix products, or 'highest' to disable it."
                )


def get_context(attr_key: str) -> Any:
    """Return the value of a setting.

    Args:
        attr_key: the name: "mode", "device_target", "device_id", …

    Raises:
        ArgumentError: the setting is unknown.

    Examples:
        >>> get_context("device_id")
        0
    """
    if attr_key == "mode":
        # MindSpore's default is PyNative; that of sporax is eager calls with compiled training steps.
        return PYNATIVE_MODE if _CONTEXT.mode is None else _CONTEXT.mode
    if attr_key == "device_target":
        if _CONTEXT.device_target is None:
            platform = os.environ.get("JAX_PLATFORMS") or jax.devices()[0].platform
            return {"cuda": "GPU", "gpu": "GPU", "tpu": "TPU"}.get(platform.split(",")[0], "CPU")
        return _CONTEXT.device_target
    _check.one_of(attr_key, ("mode", "device_target", *_STORED), name="attr_key", where="get_context")
    return _CONTEXT.stored[attr_key]


def reset_context() -> None:
    """Reset all settings to their defaults."""
    _CONTEXT.mode = None
    _CONTEXT.device_target = None
    _CONTEXT.stored = dict(_STORED)
    jax.config.update("jax_default_device", None)
