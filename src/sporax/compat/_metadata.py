"""The distribution `mindspore` in `importlib.metadata` while the alias is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path
from typing import Any

from sporax.compat._served import VERSION

_METADATA = f"""\
Metadata-Version: 2.1
Name: mindspore
Version: {VERSION}
Summary: The names of MindSpore {VERSION}, provided by sporax.
"""


class AliasDistribution(Distribution):
    """The distribution `mindspore`, which has metadata and no files."""

    def read_text(self, filename: str) -> str | None:
        return _METADATA if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        return Path(__file__).parents[2] / path


def distributions(context: DistributionFinder.Context) -> Iterator[Distribution]:
    """Yield the distribution if it, or every distribution, is requested."""
    name = context.name
    if name is None or re.sub(r"[-_.]+", "-", name).lower() == "mindspore":
        yield AliasDistribution()
