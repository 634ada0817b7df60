"""Every test starts with the same seed, and the seed is reset after it."""

from __future__ import annotations

import pytest

from sporax.dataset import config


@pytest.fixture(autouse=True)
def _seeded(monkeypatch):
    monkeypatch.setattr(config, "_own_seed", None)
    monkeypatch.setattr(config, "_num_parallel_workers", 8)
    monkeypatch.setattr(config, "_prefetch_size", 16)
    config.set_seed(20)
