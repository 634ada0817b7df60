"""What EarlyStopping and ReduceLROnPlateau watch: one number an epoch, and whether it got better."""

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
    """Whether a metric of this name is better when it is higher; None where the name does not say.

    A word for an error decides: `top_1_error` has the words of both.

    >>> higher_is_better("val_accuracy"), higher_is_better("top_1_error"), higher_is_better("my_metric")
    (True, False, None)
    """
    words = re.findall(r"[a-z0-9]+", name.lower())
    if any(_names(word, _LOWER_IS_BETTER) for word in words):
        return False
    return True if any(_names(word, _HIGHER_IS_BETTER) or _NUMBERED.fullmatch(word) for word in words) else None


def _names(word: str, known: set[str]) -> bool:
    # The longer ones also at the end of a name in one word, as MyLoss.
    return word in known or any(len(each) > 3 and word.endswith(each) for each in known)


class Monitored:
    """One number an epoch, and whether it got better than the best so far.

    Args:
        monitor: "loss" for the loss of the epoch's last step; "eval_loss" for the mean loss of the
            validation; else the name of a metric.
        mode: "min", "max", or "auto": by the name; higher, with a warning, where the name says nothing.
        min_delta: a change must be larger than this to count.
        where: what a message calls it.
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
        """Forget the best."""
        self.best = self._worst()
        self._warned = False

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        return {"name": self.name, "best": self.best, "warned": self._warned}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned; of another number, the best is of no use."""
        if state["name"] == self.name:
            self.best, self._warned = state["best"], state["warned"]
            return
        warnings.warn(
            f"{self._where}: the interrupted run watched {state['name']!r}, and this one watches {self.name!r}: it "
            "starts without a best value.",
            ResumeWarning,
            stacklevel=2,
        )

    def better(self, value: float, than: float) -> bool:
        """Whether `value` is better by more than `min_delta`."""
        if self.higher_is_better:
            return value - self.min_delta > than
        return value + self.min_delta < than

    def value(self, params: Any) -> float | None:
        """The number of this epoch, None where there is none; an unknown name is warned of once."""
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
                    f"{self._where}: {self.name!r} is {found!r} of type {type(found).__name__}, but one number must be "
                    "watched."
                )
            if array.size != 1:
                raise TrainError(
                    f"{self._where}: {self.name!r} is an array of shape {array.shape}, but one number must be watched. "
                    "Use a metric whose eval returns one, such as a subclass with the mean: class MeanPrecision("
                    "Precision): def eval(self): return super().eval(average=True)."
                )
            if self._guessed:
                self._guessed = False
                warnings.warn(
                    f"{self._where}: whether a higher or a lower {self.name!r} is better does not show from its name; "
                    "mode='auto' takes higher for better, as MindSpore does. Give mode='max' or mode='min'.",
                    SporaxWarning,
                    stacklevel=4,
                )
            return float(array.reshape(()))
        # With valid_frequency, most epochs have no validation; that is no mistake.
        if not self._warned and (results or params.get("valid_dataset") is None):
            self._warned = True
            warnings.warn(self._unknown(results), SporaxWarning, stacklevel=4)
        return None

    def _unknown(self, results: dict[str, Any]) -> str:
        names = ["loss", *(["eval_loss"] if "loss" in results else []), *results]
        names = list(dict.fromkeys(names))
        text = f"{self._where}: there is no {self.name!r} to watch. There is: {', '.join(map(repr, names))}."
        if not results:
            return f"{text} The others need Model(..., metrics=...) and a validation in fit."
        if self.name == "eval_loss":
            return f"{text} Add 'loss' to the metrics of Model."
        return text
