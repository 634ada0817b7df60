"""sporax: MindSpore's programming model on JAX.

`import sporax` itself imports next to nothing; every public name, and every package, is fetched when it is
first used. The names are MindSpore's:

    >>> import numpy as np
    >>> import sporax.nn as nn
    >>> from sporax import Tensor
    >>> loss = nn.L1Loss()
    >>> print(loss(Tensor(np.array([1, 2, 3], np.float32)), Tensor(np.array([1, 2, 6], np.float32))))
    1.0
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sporax import common as common
    from sporax import compat as compat
    from sporax import dataset as dataset
    from sporax import formats as formats
    from sporax import losses as losses
    from sporax import mint as mint
    from sporax import nn as nn
    from sporax import ops as ops
    from sporax import train as train
    from sporax import transforms as transforms
    from sporax._errors import ArgumentError as ArgumentError
    from sporax._errors import ArgumentTypeError as ArgumentTypeError
    from sporax._errors import CellError as CellError
    from sporax._errors import CheckpointError as CheckpointError
    from sporax._errors import CheckpointMismatchError as CheckpointMismatchError
    from sporax._errors import CompatError as CompatError
    from sporax._errors import DatasetError as DatasetError
    from sporax._errors import DeviceError as DeviceError
    from sporax._errors import DtypeError as DtypeError
    from sporax._errors import EagerFallbackWarning as EagerFallbackWarning
    from sporax._errors import GradientWarning as GradientWarning
    from sporax._errors import LabelError as LabelError
    from sporax._errors import NonFiniteLossWarning as NonFiniteLossWarning
    from sporax._errors import NotServedError as NotServedError
    from sporax._errors import OutOfRangeError as OutOfRangeError
    from sporax._errors import ResumeWarning as ResumeWarning
    from sporax._errors import ShapeError as ShapeError
    from sporax._errors import SporaxError as SporaxError
    from sporax._errors import SporaxWarning as SporaxWarning
    from sporax._errors import StateError as StateError
    from sporax._errors import TrainError as TrainError
    from sporax._errors import UninitializedCellError as UninitializedCellError
    from sporax.common import dtype as dtype
    from sporax.common.dtype import bfloat16 as bfloat16
    from sporax.common.dtype import bool_ as bool_
    from sporax.common.dtype import byte as byte
    from sporax.common.dtype import cdouble as cdouble
    from sporax.common.dtype import cfloat as cfloat
    from sporax.common.dtype import complex64 as complex64
    from sporax.common.dtype import complex128 as complex128
    from sporax.common.dtype import double as double
    from sporax.common.dtype import dtype_to_nptype as dtype_to_nptype
    from sporax.common.dtype import dtype_to_pytype as dtype_to_pytype
    from sporax.common.dtype import float16 as float16
    from sporax.common.dtype import float32 as float32
    from sporax.common.dtype import float64 as float64
    from sporax.common.dtype import half as half
    from sporax.common.dtype import int8 as int8
    from sporax.common.dtype import int16 as int16
    from sporax.common.dtype import int32 as int32
    from sporax.common.dtype import int64 as int64
    from sporax.common.dtype import intc as intc
    from sporax.common.dtype import intp as intp
    from sporax.common.dtype import long as long
    from sporax.common.dtype import pytype_to_dtype as pytype_to_dtype
    from sporax.common.dtype import short as short
    from sporax.common.dtype import single as single
    from sporax.common.dtype import ubyte as ubyte
    from sporax.common.dtype import uint8 as uint8
    from sporax.common.dtype import uint16 as uint16
    from sporax.common.dtype import uint32 as uint32
    from sporax.common.dtype import uint64 as uint64
    from sporax.common.dtype import uintc as uintc
    from sporax.common.dtype import uintp as uintp
    from sporax.common.dtype import ushort as ushort
    from sporax.common.tensor import tensor as tensor
    from sporax.core import Generator as Generator
    from sporax.core import Parameter as Parameter
    from sporax.core import ParameterTuple as ParameterTuple
    from sporax.core import Tensor as Tensor
    from sporax.core import context as context
    from sporax.core import default_generator as default_generator
    from sporax.core import get_seed as get_seed
    from sporax.core import is_tensor as is_tensor
    from sporax.core import set_seed as set_seed
    from sporax.core.context import GRAPH_MODE as GRAPH_MODE
    from sporax.core.context import LAX as LAX
    from sporax.core.context import PYNATIVE_MODE as PYNATIVE_MODE
    from sporax.core.context import STRICT as STRICT
    from sporax.core.context import get_context as get_context
    from sporax.core.context import reset_context as reset_context
    from sporax.core.context import set_context as set_context
    from sporax.core.context import set_device as set_device
    from sporax.train import F1 as F1
    from sporax.train import Accuracy as Accuracy
    from sporax.train import BackupAndRestore as BackupAndRestore
    from sporax.train import Callback as Callback
    from sporax.train import CheckpointConfig as CheckpointConfig
    from sporax.train import ConfusionMatrix as ConfusionMatrix
    from sporax.train import EarlyStopping as EarlyStopping
    from sporax.train import Fbeta as Fbeta
    from sporax.train import History as History
    from sporax.train import LambdaCallback as LambdaCallback
    from sporax.train import LearningRateScheduler as LearningRateScheduler
    from sporax.train import Loss as Loss
    from sporax.train import LossMonitor as LossMonitor
    from sporax.train import Metric as Metric
    from sporax.train import Model as Model
    from sporax.train import ModelCheckpoint as ModelCheckpoint
    from sporax.train import Precision as Precision
    from sporax.train import Recall as Recall
    from sporax.train import ReduceLROnPlateau as ReduceLROnPlateau
    from sporax.train import RunContext as RunContext
    from sporax.train import TimeMonitor as TimeMonitor
    from sporax.train import Top1CategoricalAccuracy as Top1CategoricalAccuracy
    from sporax.train import Top5CategoricalAccuracy as Top5CategoricalAccuracy
    from sporax.train import TopKCategoricalAccuracy as TopKCategoricalAccuracy
    from sporax.train import get_metric_fn as get_metric_fn
    from sporax.train import load_checkpoint as load_checkpoint
    from sporax.train import load_param_into_net as load_param_into_net
    from sporax.train import names as names
    from sporax.train import rearrange_inputs as rearrange_inputs
    from sporax.train import save_checkpoint as save_checkpoint
    from sporax.transforms import functionalize as functionalize
    from sporax.transforms import grad as grad
    from sporax.transforms import jit as jit
    from sporax.transforms import recompute as recompute
    from sporax.transforms import stop_gradient as stop_gradient
    from sporax.transforms import value_and_grad as value_and_grad
    from sporax.transforms import vmap as vmap

    from sporax.train import MAE as MAE  # isort: skip
    from sporax.train import MSE as MSE  # isort: skip

__version__ = "0.1.0"

# What the block above tells an editor, for the interpreter; a test holds the two together.
_NAMES = {
    "sporax": "common compat dataset formats losses mint nn ops train transforms",
    "sporax._errors": (
        "ArgumentError ArgumentTypeError CellError CheckpointError CheckpointMismatchError CompatError "
        "DatasetError DeviceError DtypeError EagerFallbackWarning GradientWarning LabelError NonFiniteLossWarning "
        "NotServedError OutOfRangeError ResumeWarning ShapeError SporaxError SporaxWarning StateError TrainError "
        "UninitializedCellError"
    ),
    "sporax.common": "dtype",
    "sporax.common.dtype": (
        "bfloat16 bool_ byte cdouble cfloat complex64 complex128 double dtype_to_nptype dtype_to_pytype "
        "float16 float32 float64 half int8 int16 int32 int64 intc intp long pytype_to_dtype short single "
        "ubyte uint8 uint16 uint32 uint64 uintc uintp ushort"
    ),
    "sporax.common.tensor": "tensor",
    "sporax.core": ("Generator Parameter ParameterTuple Tensor context default_generator get_seed is_tensor set_seed"),
    "sporax.core.context": "GRAPH_MODE LAX PYNATIVE_MODE STRICT get_context reset_context set_context set_device",
    "sporax.train": (
        "Accuracy BackupAndRestore Callback CheckpointConfig ConfusionMatrix EarlyStopping F1 Fbeta History "
        "LambdaCallback LearningRateScheduler Loss LossMonitor MAE MSE Metric Model ModelCheckpoint "
        "Precision Recall ReduceLROnPlateau RunContext TimeMonitor Top1CategoricalAccuracy "
        "Top5CategoricalAccuracy TopKCategoricalAccuracy get_metric_fn load_checkpoint "
        "load_param_into_net names rearrange_inputs save_checkpoint"
    ),
    "sporax.transforms": "functionalize grad jit recompute stop_gradient value_and_grad vmap",
}
_HOME = {name: home for home, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        from sporax._suggest import unknown

        raise unknown("sporax", name, _HOME, sys._getframe(1))
    from importlib import import_module

    if home == "sporax":
        return import_module(f"sporax.{name}")
    if home.startswith("sporax.core"):
        # A Tensor gets the methods that are ops (`x.sum()`) from there.
        import_module("sporax.ops")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    here = (name for name in vars(sys.modules[__name__]) if not name.startswith("_"))
    return sorted({*_HOME, *here, "__version__"} - {"TYPE_CHECKING", "Any", "sys"})
