"""Suggestions for names that do not exist ("Did you mean ...?").

A suggestion is from the same package, unless another package has exactly that name, or the name is a well-known one of
PyTorch or Keras. There is no suggestion if no name is similar enough, because a wrong suggestion misleads.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import import_module
from types import FrameType
from typing import Any

from sporax._errors import ArgumentTypeError

FOREIGN: Mapping[str, Mapping[str, str]] = {
    "sporax": {
        "Module": "nn.Cell", "Sequential": "nn.SequentialCell", "DataLoader": "dataset.GeneratorDataset",
        "Trainer": "Model", "compile": "jit", "device": "set_device", "from_numpy": "Tensor.from_numpy",
        "load": "load_checkpoint", "load_state_dict": "load_param_into_net", "manual_seed": "set_seed",
        "ms_function": "jit", "no_grad": "stop_gradient", "optim": "nn.optim", "callbacks": "train.callback",
        "metrics": "train.metrics", "save": "save_checkpoint",
    },
    "nn": {
        "Activation": "nn.get_activation", "AdamW": "nn.AdamWeightDecay", "AveragePooling1D": "nn.AvgPool1d",
        "AveragePooling2D": "nn.AvgPool2d", "BatchNormalization": "nn.BatchNorm2d",
        "BinaryCrossentropy": "nn.BCELoss", "CategoricalCrossentropy": "nn.CrossEntropyLoss",
        "ConvTranspose1d": "nn.Conv1dTranspose", "ConvTranspose2d": "nn.Conv2dTranspose",
        "CosineAnnealingLR": "nn.CosineDecayLR", "CosineSimilarity": "nn.CosineEmbeddingLoss",
        "ExponentialLR": "nn.ExponentialDecayLR", "GlobalAveragePooling2D": "nn.AdaptiveAvgPool2d",
        "GroupNormalization": "nn.GroupNorm", "Hardshrink": "nn.HShrink", "Hardsigmoid": "nn.HSigmoid",
        "Hardswish": "nn.HSwish", "Hinge": "nn.HingeLoss", "Huber": "nn.HuberLoss", "KLDivergence": "nn.KLDivLoss",
        "LRScheduler": "nn.LearningRateSchedule", "Layer": "nn.Cell", "LayerNormalization": "nn.LayerNorm",
        "Linear": "nn.Dense", "LogCosh": "nn.LogCoshLoss", "Loss": "nn.LossBase", "MaxPooling1D": "nn.MaxPool1d",
        "MaxPooling2D": "nn.MaxPool2d", "MeanAbsoluteError": "nn.MAELoss", "MeanSquaredError": "nn.MSELoss",
        "Module": "nn.Cell", "ModuleDict": "nn.CellDict", "ModuleList": "nn.CellList",
        "ParameterList": "ParameterTuple", "Poisson": "nn.PoissonLoss", "Sequential": "nn.SequentialCell",
        "SparseCategoricalCrossentropy": "nn.CrossEntropyLoss", "functional": "ops", "init": "common.initializer",
        "lr_scheduler": "nn.LearningRateSchedule",
    },
    "ops": {
        "clip_grad_norm": "ops.clip_by_global_norm", "clip_grad_norm_": "ops.clip_by_global_norm",
        "concatenate": "ops.concat", "from_numpy": "Tensor.from_numpy", "linear": "ops.dense",
        "no_grad": "stop_gradient", "view": "ops.reshape",
    },
}  # fmt: skip
"""Package -> well-known names of PyTorch, Keras and MindSpore 1 -> their names in sporax."""

_MINDSPORE_HAS = {"load"}
"""Names of FOREIGN that mean something else in MindSpore."""

_ELSEWHERE = {
    "sporax": ("nn", "ops", "train", "train.callback", "dataset"),
    "nn": ("", "ops", "train"),
    "ops": ("", "nn"),
    "train": ("", "nn"),
    "losses": ("nn",),
}
"""Package -> other packages that may have exactly the name; "" is sporax."""

_KEYWORDS = (
    {"lr", "learning_rate", "base_lr"},
    {"eps", "epsilon"},
    {"nesterov", "use_nesterov"},
    {"amsgrad", "use_amsgrad"},
    {"params", "parameters", "model_parameters"},
    {"wd", "weight_decay", "l2", "decay_rate"},
    {"alpha", "rho", "decay"},
    {"in_features", "in_channels", "input_size", "input_dim", "num_features", "num_channels"},
    {"out_features", "out_channels", "units", "filters", "num_filters", "output_size", "output_dim"},
    {"kernel_size", "ksize", "pool_size"},
    {"stride", "strides"},
    {"dilation", "dilation_rate"},
    {"group", "groups"},
    {"bias", "use_bias", "has_bias"},
    {"kernel_initializer", "weight_initializer", "weight_init"},
    {"bias_initializer", "bias_init"},
    {"num_embeddings", "vocab_size", "input_dim"},
    {"embedding_dim", "embedding_size", "output_dim"},
    {"p", "rate", "drop_prob", "dropout"},
    {"dim", "axis"},
    {"reduce", "size_average", "reduction"},
    {"negative_slope", "alpha"},
    {"normalized_shape", "normalized_size"},
    {"label_smoothing", "smoothing"},
)
"""Groups of names of the same argument in different frameworks."""

_SEVERAL = {"betas": ("beta1", "beta2")}


def nearest(name: str, known: Iterable[str], cutoff: float = 0.8) -> str | None:
    """Return the name in `known` that equals `name` up to case and underscores, or else the most similar one."""
    spellings: dict[str, list[str]] = {}
    for each in known:
        spellings.setdefault(_plain(each), []).append(each)
    near = [_plain(name)] if _plain(name) in spellings else []
    near = near or difflib.get_close_matches(_plain(name), spellings, n=1, cutoff=cutoff)
    return max(spellings[near[0]], key=lambda each: _similarity(name, each)) if near else None


def _similarity(name: str, other: str) -> float:
    return difflib.SequenceMatcher(None, name, other).ratio()


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def hint(name: Any, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return " Did you mean 'x'?", or an empty string."""
    near = nearest(name, known, cutoff) if isinstance(name, str) else None
    return f" Did you mean {near!r}?" if near is not None else ""


def attribute(package: str, name: str, known: Iterable[str], *, exists: bool = False) -> str:
    """Return a hint for `package.name`, which does not exist.

    Args:
        package: the package below sporax, such as "nn", or "sporax".
        name: the name.
        known: the names in the package.
        exists: whether the name may be one of MindSpore that sporax lacks. A similar name is then another object
            (AdaMax and Adam), not a correction.

    Returns:
        A sentence after a space, or an empty string.
    """
    if name in FOREIGN.get(package, {}) and not (exists and name in _MINDSPORE_HAS):
        return f" MindSpore's name for it is {FOREIGN[package][name]}."
    near = nearest(name, (each for each in known if not each.startswith("_")), 0.9 if exists else 0.8)
    if near is not None and not _is_typo(name, near):
        near = None
    if near is not None and _plain(near) == _plain(name):
        return f" Did you mean {near}?"
    for other in _ELSEWHERE.get(package, ()):
        # Only exactly that name: a similar name in another package misleads.
        if name in _public(other):
            return f" It is in {'sporax' if not other else f'sporax.{other}'}."
    return f" Did you mean {near}?" if near is not None else ""


def _is_typo(name: str, near: str) -> bool:
    """Return whether `name` is a misspelling of `near`: with another first letter or digit it is another name."""
    digits = [[each for each in text if each.isdigit()] for text in (name, near)]
    return _plain(name)[:1] == _plain(near)[:1] and digits[0] == digits[1]


def _public(package: str) -> Collection[str]:
    module = import_module("sporax." + package if package else "sporax")
    return getattr(module, "__all__", None) or [each for each in dir(module) if not each.startswith("_")]


def missing_from(module: str) -> Callable[[str], Any]:
    """Return a `__getattr__` of a package that raises an AttributeError with a hint.

    Args:
        module: the `__name__` of the package.
    """

    def __getattr__(name: str) -> Any:
        raise unknown(module, name, getattr(sys.modules[module], "__all__", ()), sys._getframe(1))

    return __getattr__


def unknown(module: str, name: str, known: Iterable[str], caller: FrameType) -> Exception:
    """Return the error for a name that a module of sporax does not have.

    Args:
        module: the `__name__` of the module.
        name: the name.
        known: the names in the module.
        caller: the frame of the caller; `from module import name` would discard the message of an AttributeError.
    """
    hinted = "" if name.startswith("_") else attribute(module.partition(".")[2] or module, name, known)
    ending = f".{hinted}" if hinted else ""
    if hinted and is_from_import(caller) and f"{module}.{name}" not in sys.modules:
        return ImportError(f"cannot import name {name!r} from {module!r}{ending}", name=module)
    return AttributeError(f"module {module!r} has no attribute {name!r}{ending}", name=name, obj=None)


def is_from_import(caller: FrameType) -> bool:
    """Return whether a frame is executing `from module import name`."""
    from dis import opmap

    return caller.f_lasti >= 0 and caller.f_code.co_code[caller.f_lasti] == opmap["IMPORT_FROM"]


def refuse_keywords(where: str, given: Iterable[str], known: Collection[str]) -> None:
    """Raise an error for keyword arguments that do not exist, with a suggestion.

    Raises:
        ArgumentTypeError: one of `given` is not among `known`.
    """
    for name in given:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise ArgumentTypeError(
                f"{where}: there is no argument {name!r}.{_keyword(name, known)} Its arguments are: {listed}."
            )


def _keyword(name: str, known: Collection[str]) -> str:
    several = _SEVERAL.get(name, ())
    if several and all(each in known for each in several):
        return f" Did you mean {' and '.join(map(repr, several))}?"
    for group in _KEYWORDS:
        meant = next((each for each in known if each in group), None)
        if name in group and meant is not None:
            return f" Did you mean {meant!r}?"
    return hint(name, known, 0.7)
