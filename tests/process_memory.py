"""Compiled programs are released before the test process becomes large: JAX keeps them as long as it runs."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

import jax

LIMIT = 1_300_000_000
"""Bytes; a process may exceed it by what one test compiles. Released programs that are used again compile again."""

_STATUS = Path("/proc/self/statm")


def resident() -> int:
    """Memory of this process in bytes; 0 where the system does not tell."""
    return int(_STATUS.read_text().split()[1]) * os.sysconf("SC_PAGESIZE") if _STATUS.exists() else 0


class ProgramMemory:
    """The limit of one process.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int = LIMIT):
        self.limit = limit
        self._next = limit

    def release(self) -> bool:
        """Release all compiled programs if the process exceeds its limit, and return whether it did."""
        if resident() <= self._next:
            return False
        jax.clear_caches()
        gc.collect()
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)
        # What remains is in use: release again only after a quarter of the limit has been added.
        self._next = max(self.limit, resident() + self.limit // 4)
        return True
