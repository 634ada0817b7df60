"""MindSpore's data pipeline over a columnar core.

A source (`GeneratorDataset`, `NumpySlicesDataset`) is followed by operations (`batch`, `shuffle`, `map`, …), each of
which returns a new dataset. Elements of equal shape are stacked once into columns; ordering and batching are index
arithmetic on them, and Python code runs per element only for a user's Python function. Everything runs in the calling
thread on the host and uses only NumPy; only iterators that return Tensors import the rest of sporax.
"""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.dataset import config as config
from sporax.dataset._dataset import *
from sporax.dataset._dataset import zip_datasets as zip  # noqa: F401
from sporax.dataset._protocol import *
from sporax.dataset.operations import *
from sporax.dataset.plan import *
from sporax.dataset.sources import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__, "config", "zip")
    __getattr__ = missing_from(__name__)
