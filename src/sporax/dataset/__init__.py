"""MindSpore's data pipeline over a columnar core.

A source (`GeneratorDataset`, `NumpySlicesDataset`) is followed by operations (`batch`, `shuffle`, `map`,
…), each a new dataset. Elements of one shape are stacked once into columns; ordering and batching are index
arithmetic on them, and Python runs for an element only where a Python function was given. Everything runs
in the calling thread, on the host, with NumPy alone; only iterators that hand out Tensors need the rest of
sporax.
"""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.dataset import config as config
from sporax.dataset._batch import *
from sporax.dataset._dataset import *
from sporax.dataset._generator import *
from sporax.dataset._joins import zip_datasets as zip  # noqa: F401
from sporax.dataset._numpy_slices import *
from sporax.dataset._protocol import *
from sporax.dataset._samplers import *
from sporax.dataset._sampling import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__, "config", "zip")
    __getattr__ = missing_from(__name__)
