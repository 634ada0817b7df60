"""Metrics: what `Model.eval` and `Model.fit` measure. NumPy only."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.train.metrics._accuracy import *
from sporax.train.metrics._base import *
from sporax.train.metrics._confusion import *
from sporax.train.metrics._error import *
from sporax.train.metrics._loss import *
from sporax.train.metrics._precision_recall import *
from sporax.train.metrics._registry import *
from sporax.train.metrics._topk import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
    __getattr__ = missing_from(__name__)
