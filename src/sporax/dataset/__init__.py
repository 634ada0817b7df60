"""MindSpore's data pipeline over a columnar core.

A source (`GeneratorDataset`, `NumpySlicesDataset`) is followed by operations (`batch`, `shuffle`, `map`,
…), each a new dataset. Elements of one shape are stacked once into columns; ordering and batching are index
arithmetic on them, and Python runs for an element only where a Python function was given. Everything runs
in the calling thread, on the host, with NumPy alone; only iterators that hand out Tensors need the rest of
sporax.
"""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.dataset import config
from sporax.dataset._batch import BatchInfo
from sporax.dataset._dataset import Dataset
from sporax.dataset._generator import GeneratorDataset
from sporax.dataset._joins import zip_datasets as zip
from sporax.dataset._numpy_slices import NumpySlicesDataset
from sporax.dataset._protocol import BatchSource
from sporax.dataset._samplers import (
    DistributedSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    SubsetSampler,
    WeightedRandomSampler,
)
from sporax.dataset._sampling import BuiltinSampler, Sampler

__all__ = [
    "BatchInfo",
    "BatchSource",
    "BuiltinSampler",
    "Dataset",
    "DistributedSampler",
    "GeneratorDataset",
    "NumpySlicesDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "SubsetSampler",
    "WeightedRandomSampler",
    "config",
    "zip",
]

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
