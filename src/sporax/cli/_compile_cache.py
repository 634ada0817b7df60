"""Where `sporax run` keeps compiled programs, so that the next run need not compile them again.

JAX does the keeping. Its own variables decide where they are set: JAX_COMPILATION_CACHE_DIR, and
JAX_ENABLE_COMPILATION_CACHE=0 to go without.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import MutableMapping
from pathlib import Path

_PLACE = "JAX_COMPILATION_CACHE_DIR"
_ENABLED = "JAX_ENABLE_COMPILATION_CACHE"
_LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"
_WORTH_KEEPING = "0.05"
"""Seconds. JAX's own limit of 1 would leave out the step of most networks; quicker ones are single operators."""
_MOST_BYTES = 2**31


def place(environment: MutableMapping[str, str]) -> str | None:
    """The folder, or None where programs are not kept."""
    if environment.get(_ENABLED, "1").lower() in ("0", "false", "no", "n", "f", "off"):
        return None
    if _PLACE in environment:
        return environment[_PLACE] or None
    processor = _processor()
    if not _takes_back(processor):
        return None
    from platformdirs import user_cache_path

    # A home folder may serve several machines, and JAX does not tell their processors apart.
    kind = hashlib.sha256(processor.encode()).hexdigest()[:12]
    return str(user_cache_path("sporax", appauthor=False) / "programs" / kind)


def keep_programs(environment: MutableMapping[str, str]) -> None:
    """Have JAX, which is not yet imported, keep what it compiles; a folder that cannot be written is done without."""
    folder = place(environment)
    if folder is None or _PLACE in environment:
        return
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _make_room(Path(folder))
    except OSError:
        return
    if os.access(folder, os.W_OK):
        environment[_PLACE] = folder
        environment.setdefault(_LEAST_SECONDS, _WORTH_KEEPING)


def _processor() -> str:
    """What Linux tells of the processor; elsewhere one machine has one home."""
    told = ("model name", "flags", "bugs", "features", "cpu part")
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").split("\n\n", 1)[0].splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines if line.lower().startswith(told))


def _takes_back(processor: str) -> bool:
    """Whether XLA reads its own programs again.

    For the Intel processors that "gather data sampling" concerns it writes down a preference of LLVM's as if it were
    a part of the processor, misses it on reading, and prints an error for each program (openxla/xla issue 44565).
    """
    bugs = next((line for line in processor.splitlines() if line.startswith("bugs")), "")
    return "gds" not in bugs.split() or os.path.exists("/dev/nvidiactl")


def _make_room(folder: Path) -> None:
    """Remove the oldest programs where all of them take more than 2 GiB: JAX's own limit needs one more package."""
    known = [(entry.stat(), entry.path) for entry in os.scandir(folder) if entry.is_file()]
    excess = sum(stat.st_size for stat, _ in known) - _MOST_BYTES
    for stat, path in sorted(known, key=lambda item: item[0].st_mtime):
        if excess <= 0:
            return
        Path(path).unlink(missing_ok=True)
        excess -= stat.st_size
