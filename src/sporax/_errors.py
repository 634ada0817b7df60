"""The errors sporax raises: each says what came, what was expected, and the likely mend."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


class SporaxError(Exception):
    """Base of every error that sporax itself raises."""


class ShapeError(SporaxError, ValueError):
    """Shapes that do not fit together."""


class DtypeError(SporaxError, TypeError):
    """A dtype that the operation does not take."""


class ArgumentError(SporaxError, ValueError):
    """An argument outside its allowed values."""


class ArgumentTypeError(SporaxError, TypeError):
    """An argument of the wrong Python type."""


class LabelError(SporaxError, ValueError):
    """Labels that name a class which does not exist."""


class CellError(SporaxError, TypeError):
    """A Cell that was built or called in a way that cannot work."""


class UninitializedCellError(SporaxError, AttributeError):
    """A Cell whose `super().__init__()` was not called."""


class StateError(SporaxError, RuntimeError):
    """A Parameter that was read, written or captured where that cannot work."""


class DatasetError(SporaxError, RuntimeError):
    """A dataset that failed, or whose columns do not fit their use."""


class CheckpointError(SporaxError, ValueError):
    """A checkpoint file that cannot be read, or does not fit the network."""


class DeviceError(SporaxError, ValueError):
    """A device target that this machine or sporax does not have."""


class TrainError(SporaxError, RuntimeError):
    """A training run that was set up in a way that cannot work."""


class NotServedError(SporaxError, ImportError):
    """A MindSpore module or name that sporax does not serve."""


class SporaxWarning(UserWarning):
    """Base of every warning that sporax gives."""


class EagerFallbackWarning(SporaxWarning):
    """A function could not be traced, and runs eagerly from now on."""


class NonFiniteLossWarning(SporaxWarning):
    """The loss became NaN or infinite during training."""


class GradientWarning(SporaxWarning):
    """A gradient that was asked for is zero for a reason that is easy to overlook."""


class ResumeWarning(SporaxWarning):
    """A run that goes on will not be, or may not be, what the uninterrupted run would have been."""


class OutOfRangeError(SporaxError, IndexError):
    """An index outside its axis."""


class ModuleNotServedError(NotServedError, ModuleNotFoundError):
    """A MindSpore module that sporax does not serve; scripts that guard an import catch it as usual."""


class CompatError(SporaxError, RuntimeError):
    """The `mindspore` alias cannot be put in place or taken away as things stand."""


class CheckpointMismatchError(CheckpointError, RuntimeError):
    """Parameters of a checkpoint whose shapes or dtypes do not fit the network's."""


_PACKAGE = str(Path(__file__).resolve().parent)


def warn_user(message: str, category: type[Warning]) -> None:
    """Give a warning at the innermost line of the user's own code, where frames of JAX lie in between too."""
    frame = sys._getframe(1)
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        warnings.warn(message, category, stacklevel=2)
        return
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__")
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, module, registry)


def _is_library(filename: str) -> bool:
    return filename.startswith((_PACKAGE, "<frozen")) or "site-packages" in filename
