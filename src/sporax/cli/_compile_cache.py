"""The folder in which `sporax run` caches compiled programs between runs.

The cache is JAX's. Its environment variables take precedence: JAX_COMPILATION_CACHE_DIR sets the folder, and
JAX_ENABLE_COMPILATION_CACHE=0 disables the cache.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import MutableMapping
from pathlib import Path

_FOLDER = "JAX_COMPILATION_CACHE_DIR"
_ENABLED = "JAX_ENABLE_COMPILATION_CACHE"
_MIN_SECONDS_NAME = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
_MIN_SECONDS = "0.01"
"""Minimum compile time of a cached program. JAX's default of 1 second excludes most steps, and all operators of eager
code."""
_MAX_BYTES = 2**31


def cache_folder(environment: MutableMapping[str, str]) -> str | None:
    """Return the cache folder, or None if the cache is disabled."""
    if environment.get(_ENABLED, "1").lower() in ("0", "false", "no", "n", "f", "off"):
        return None
    if _FOLDER in environment:
        return environment[_FOLDER] or None
    processor = _processor()
    if not _can_reload(processor):
        return None
    from platformdirs import user_cache_path

    # Machines with different processors may share a home folder, and JAX's cache key ignores the processor.
    kind = hashlib.sha256(processor.encode()).hexdigest()[:12]
    return str(user_cache_path("sporax", appauthor=False) / "programs" / kind)


def enable_cache(environment: MutableMapping[str, str]) -> None:
    """Enable JAX's compilation cache, before JAX is imported, if the folder can be written."""
    folder = cache_folder(environment)
    if folder is None or _FOLDER in environment:
        return
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _evict(Path(folder))
    except OSError:
        return
    if os.access(folder, os.W_OK):
        environment[_FOLDER] = folder
        environment.setdefault(_MIN_SECONDS_NAME, _MIN_SECONDS)


def _processor() -> str:
    """Return Linux's description of the processor; "" on other systems."""
    keys = ("model name", "flags", "bugs", "features", "cpu part")
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").split("\n\n", 1)[0].splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines if line.lower().startswith(keys))


def _can_reload(processor: str) -> bool:
    """Whether XLA can load its cached programs on this processor.

    On Intel processors affected by "gather data sampling", XLA stores an LLVM preference as a processor feature,
    does not find it on loading, and prints an error for each program (openxla/xla issue 44565).
    """
    bugs = next((line for line in processor.splitlines() if line.startswith("bugs")), "")
    return "gds" not in bugs.split() or os.path.exists("/dev/nvidiactl")


def _evict(folder: Path) -> None:
    """Remove the oldest programs if all of them exceed 2 GiB; JAX's size limit requires another package."""
    known = [(entry.stat(), entry.path) for entry in os.scandir(folder) if entry.is_file()]
    excess = sum(stat.st_size for stat, _ in known) - _MAX_BYTES
    for stat, path in sorted(known, key=lambda item: item[0].st_mtime):
        if excess <= 0:
            return
        Path(path).unlink(missing_ok=True)
        excess -= stat.st_size
