"""The value that EarlyStopping and ReduceLROnPlateau monitor, and its best value."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ResumeWarning, SporaxWarning, TrainError
from sporax.train.callback._reading import scalar_loss

_LOWER_IS_BETTER = {
    "loss", "losses", "err", "error", "errors", "mae", "mse", "rmse", "mape", "nll", "ppl", "perplexity", "distance",
    "deviation", "deviance", "divergence", "entropy", "brier", "fid", "wer", "cer", "cost", "inaccuracy",
}  # fmt: skip
_HIGHER_IS_BETTER = {
    "acc", "accuracy", "precision", "recall", "f1", "f2", "fbeta", "auc", "roc", "auroc", "dice", "bleu", "rouge",
    "similarity", "iou", "miou", "map", "psnr", "ssim", "ndcg", "mrr", "kappa", "mcc", "jaccard", "sensitivity",
    "specificity", "score",
}  # fmt: skip
_NUMBERED = re.compile(r"(acc|map|top)\d+|topk?")
MODES = ("auto", "min", "max")


def higher_is_better(name: str) -> bool | None:
    """Whether higher values of a metric of this name are better; None if it cannot be inferred.

    A word for an error takes precedence: `top_1_error` has words of both kinds.

    >>> higher_is_better("val_accuracy"), higher_is_better("top_1_error"), higher_is_better("my_metric")
    (True, False, None)
    """
    words = re.findall(r"[a-z0-9]+", name.lower())
    if any(_names(word, _LOWER_IS_BETTER) for word in words):
        return False
    return True if any(_names(word, _HIGHER_IS_BETTER) or _NUMBERED.fullmatch(word) for word in words) else None


def _names(word: str, known: set[str]) -> bool:
    # Longer words also at the end of a single word, such as MyLoss.
    return word in known or any(len(each) > 3 and word.endswith(each) for each in known)


class Monitored:
    """A value for each epoch, and the best value.

    Args:
        monitor: "loss" for the loss of the epoch's last step, "eval_loss" for the mean loss of the
            validation of `Model.fit` (the metric "loss"), or the name of a metric.
        mode: "min" if lower is better, "max" if higher is better, or "auto" to infer it from the name: "min" for
            losses, errors and distances, "max" for accuracy, precision, recall, F1 and others. For any other name
            "max" is used, with a warning.
        min_delta: minimum change that counts as an improvement.
        where: the callback, for messages.

    Raises:
        ArgumentTypeError, ArgumentError: an argument is of the wrong type or out of range.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float, where: str) -> None:
        self.name = _check.is_type(monitor, str, name="monitor", where=where)
        if mode not in MODES:
            raise ArgumentError(f"{where}: `mode` must be 'auto', 'min' or 'max', but got {mode!r}.")
        self.min_delta = abs(_check.number(min_delta, name="min_delta", where=where))
        rises = higher_is_better(monitor)
        self.higher_is_better = mode == "max" or (mode == "auto" and rises is not False)
        self._guessed = mode == "auto" and rises is None
        self.best = self._worst()
        self._where = where
        self._warned = False

    def _worst(self) -> float:
        return -math.inf if self.higher_is_better else math.inf

    def restart(self) -> None:
        """Reset the best value."""
        self.best = self._worst()
        self._warned = False

    def state_dict(self) -> dict[str, Any]:
        """Return the best value."""
        return {"name": self.name, "best": self.best, "warned": self._warned}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`; warn if it belongs to another value."""
        if state["name"] == self.name:
            self.best, self._warned = state["best"], state["warned"]
            return
        warnings.warn(
            f"{self._where}: the interrupted run monitored {state['name']!r}, and this one monitors {self.name!r}: "
            "it starts without a best value.",
            ResumeWarning,
            stacklevel=2,
        )

    def better(self, value: float, than: float) -> bool:
        """Whether `value` is better by more than `min_delta`."""
        if self.higher_is_better:
            return value - self.min_delta > than
        return value + self.min_delta < than

    def value(self, params: Any) -> float | None:
        """Return the value of this epoch, or None if there is none; an unknown name causes a warning once."""
        results = params.get("eval_results") or {}
        if self.name == "loss":
            return float(scalar_loss(params.get("net_outputs")))
        found = results.get(self.name)
        if found is None and self.name == "eval_loss":
            found = results.get("loss")
        if found is not None:
            array = np.asarray(found)
            if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
                raise TrainError(
                    f"{self._where}: {self.name!r} is {found!r} of type {type(found).__name__}, but a single number "
                    "must be monitored."
                )
            if array.size != 1:
                raise TrainError(
                    f"{self._where}: {self.name!r} is an array of shape {array.shape}, but a single number must be "
                    "monitored. Use a metric whose eval returns one, such as a subclass with the mean: class "
                    "MeanPrecision(Precision): def eval(self): return super().eval(average=True)."
                )
            if self._guessed:
                self._guessed = False
                warnings.warn(
                    f"{self._where}: the name {self.name!r} does not tell whether higher or lower values are better; "
                    "mode='auto' assumes higher, as MindSpore does. Set mode='max' or mode='min'.",
                    SporaxWarning,
                    stacklevel=4,
                )
            return float(array.reshape(()))
        # With valid_frequency, most epochs have no validation, which is not an error.
        if not self._warned and (results or params.get("valid_dataset") is None):
            self._warned = True
            warnings.warn(self._unknown(results), SporaxWarning, stacklevel=4)
        return None

    def _unknown(self, results: dict[str, Any]) -> str:
        names = ["loss", *(["eval_loss"] if "loss" in results else []), *results]
        names = list(dict.fromkeys(names))
        text = f"{self._where}: there is no {self.name!r} to monitor. Available: {', '.join(map(repr, names))}."
        if not results:
            return f"{text} The others need Model(..., metrics=...) and a validation in fit."
        if self.name == "eval_loss":
            return f"{text} Add 'loss' to the metrics of Model."
        return text
