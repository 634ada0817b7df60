"""The report of `sporax doctor`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import os
import platform
import sys
from typing import Any

from sporax import __version__
from sporax.cli._compile_cache import cache_folder

_PACKAGES = ("jax", "jaxlib", "numpy", "optax", "protobuf", "safetensors")
_FLAGS = ("XLA_FLAGS", "LIBTPU_INIT_ARGS", "CUDA_VISIBLE_DEVICES", "TF_CPP_MIN_LOG_LEVEL")


def examine() -> dict[str, Any]:
    """Return the report as plain data."""
    report: dict[str, Any] = {
        "sporax": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "mindspore_installed": importlib.util.find_spec("mindspore") is not None,
        "cpu_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _host_memory(),
        "flags": {
            name: value for name, value in sorted(os.environ.items()) if name in _FLAGS or name.startswith("JAX_")
        },
        "compiled_programs": cache_folder(os.environ),
        "backend": None,
        "devices": [],
        "device_error": None,
    }
    import jax

    report["x64"] = bool(jax.config.read("jax_enable_x64"))
    try:
        report["backend"] = jax.default_backend()
        report["devices"] = [_device(device) for device in jax.devices()]
    except RuntimeError as error:
        report["device_error"] = str(error)
    return report


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _host_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _device(device: Any) -> dict[str, Any]:
    try:
        memory = (device.memory_stats() or {}).get("bytes_limit")
    except (RuntimeError, NotImplementedError):
        memory = None
    return {"id": device.id, "platform": device.platform, "kind": device.device_kind, "memory_bytes": memory}


def as_json(report: dict[str, Any]) -> str:
    """Format the report as one JSON object."""
    return json.dumps(report, indent=2)


def as_text(report: dict[str, Any]) -> str:
    """Format the report as a table of two columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in _rows(report):
        table.add_row(name, value)
    out = io.StringIO()
    Console(file=out, width=120, highlight=False, markup=False, emoji=False).print(table)
    return out.getvalue()


def _rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [("sporax", report["sporax"]), ("python", f"{report['python']}  {report['executable']}")]
    rows += [(name, version or "not installed") for name, version in report["packages"].items()]
    rows.append(("platform", report["platform"]))
    rows.append(("host", f"{report['cpu_cores']} cores, {_gigabytes(report['memory_bytes'])}"))
    if report["device_error"]:
        rows.append(("devices", f"JAX cannot initialize a device: {report['device_error']}"))
    rows += [
        (f"device {each['id']}", f"{each['platform']}  {each['kind']}  {_gigabytes(each['memory_bytes'])}")
        for each in report["devices"]
    ]
    rows.append(("64-bit mode", "on for the whole process" if report["x64"] else "inside sporax only"))
    folder = report["compiled_programs"]
    rows.append(("compiled programs", folder or "not kept between runs"))
    if folder:
        rows.append(("programs kept", _kept(folder)))
    rows += list(report["flags"].items()) or [("flags", "none set")]
    if report["mindspore_installed"]:
        rows.append(("mindspore", "installed too; `sporax run` uses sporax instead"))
    return rows


def _gigabytes(count: int | None) -> str:
    return "memory unknown" if count is None else f"{count / 2**30:.1f} GiB"


def _kept(folder: str) -> str:
    try:
        sizes = [entry.stat().st_size for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        sizes = []
    return f"{len(sizes)} by `sporax run`, {sum(sizes) / 2**20:.1f} MiB"
