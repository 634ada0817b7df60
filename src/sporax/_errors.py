"""Error and warning classes. A message states what was received, what was expected, and a suggested fix."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


class SporaxError(Exception):
    """Base class of the errors of sporax."""


class ShapeError(SporaxError, ValueError):
    """Shapes that do not match."""


class DtypeError(SporaxError, TypeError):
    """A dtype that an operation does not accept."""


class ArgumentError(SporaxError, ValueError):
    """An argument outside its allowed values."""


class ArgumentTypeError(SporaxError, TypeError):
    """An argument of the wrong Python type."""


class LabelError(SporaxError, ValueError):
    """Labels out of the range of classes."""


class CellError(SporaxError, TypeError):
    """Wrong construction or call of a Cell."""


class UninitializedCellError(SporaxError, AttributeError):
    """A Cell whose `super().__init__()` was not called."""


class StateError(SporaxError, RuntimeError):
    """A Parameter that was read, written or captured where this is not possible."""


class DatasetError(SporaxError, RuntimeError):
    """A dataset that failed, or whose columns do not match their use."""


class CheckpointError(SporaxError, ValueError):
    """A checkpoint file that cannot be read, or does not match the network."""


class DeviceError(SporaxError, ValueError):
    """A device target that this machine does not have or sporax does not support."""


class TrainError(SporaxError, RuntimeError):
    """Wrong configuration of a training run."""


class NotServedError(SporaxError, ImportError):
    """A MindSpore module or name that sporax does not provide."""


class SporaxWarning(UserWarning):
    """Base class of the warnings of sporax."""


class EagerFallbackWarning(SporaxWarning):
    """A function could not be traced, and runs eagerly from now on."""


class NonFiniteLossWarning(SporaxWarning):
    """The loss became NaN or infinite during training."""


class GradientWarning(SporaxWarning):
    """A requested gradient is zero or inexact for a reason that is easy to overlook."""


class ResumeWarning(SporaxWarning):
    """A resumed run differs, or may differ, from the uninterrupted run."""


class OutOfRangeError(SporaxError, IndexError):
    """An index outside its axis."""


class ModuleNotServedError(NotServedError, ModuleNotFoundError):
    """A MindSpore module that sporax does not provide; scripts that guard an import can catch it as usual."""


class CompatError(SporaxError, RuntimeError):
    """The `mindspore` alias cannot be installed, because another `mindspore` is already imported."""


class CheckpointMismatchError(CheckpointError, RuntimeError):
    """Parameters of a checkpoint whose shapes or dtypes do not match those of the network."""


_PACKAGE = str(Path(__file__).resolve().parent)


def warn_user(message: str, category: type[Warning]) -> None:
    """Issue a warning at the innermost line of user code, also if there are frames of JAX in between."""
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
