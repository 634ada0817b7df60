"""Losses as Cells: each holds hyper-parameters and calls its function of `sporax.losses`."""

from typing import TYPE_CHECKING

from sporax._exports import exported
from sporax._suggest import missing_from
from sporax.nn.loss._adaptive import *
from sporax.nn.loss._balanced import *
from sporax.nn.loss._base import *
from sporax.nn.loss._base import RegisteredLoss as RegisteredLoss
from sporax.nn.loss._binary import *
from sporax.nn.loss._binary_focal import *
from sporax.nn.loss._boxes import *
from sporax.nn.loss._calls import call_loss as call_loss
from sporax.nn.loss._calls import tensors_of as tensors_of
from sporax.nn.loss._capture import capturing as capturing
from sporax.nn.loss._capture import parts_of_total as parts_of_total
from sporax.nn.loss._capture import sums_of as sums_of
from sporax.nn.loss._capture import through_means as through_means
from sporax.nn.loss._classification import *
from sporax.nn.loss._composition import *
from sporax.nn.loss._contrastive import *
from sporax.nn.loss._ctc import *
from sporax.nn.loss._divergence import *
from sporax.nn.loss._fenchel_young import *
from sporax.nn.loss._focal import *
from sporax.nn.loss._function_loss import FunctionLoss as FunctionLoss
from sporax.nn.loss._labels import ClassWeight as ClassWeight
from sporax.nn.loss._linear import *
from sporax.nn.loss._margin import *
from sporax.nn.loss._masking import *
from sporax.nn.loss._metric import *
from sporax.nn.loss._nce import *
from sporax.nn.loss._noisy import *
from sporax.nn.loss._ordinal import *
from sporax.nn.loss._outputs import *
from sporax.nn.loss._piecewise import *
from sporax.nn.loss._preference import *
from sporax.nn.loss._probabilistic import *
from sporax.nn.loss._proxy import *
from sporax.nn.loss._ranking import *
from sporax.nn.loss._regression import *
from sporax.nn.loss._relative import *
from sporax.nn.loss._rnnt import *
from sporax.nn.loss._robust import *
from sporax.nn.loss._sampled import *
from sporax.nn.loss._scoring import *
from sporax.nn.loss._segmentation import *
from sporax.nn.loss._smoothing import *
from sporax.nn.loss._triplet import *

if not TYPE_CHECKING:  # a type checker reads the star imports
    __all__ = exported(__name__)
    __getattr__ = missing_from(__name__)
