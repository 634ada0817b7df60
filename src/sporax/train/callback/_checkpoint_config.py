"""CheckpointConfig: the settings of ModelCheckpoint."""

from __future__ import annotations

import numbers
from typing import Any

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Cell, Tensor
from sporax.train.checkpoint import save_checkpoint

__all__ = ["CheckpointConfig"]

_COUNTERS = ("epoch_num", "step_num")


@completed_by(save_checkpoint, sections=["Args"])
class CheckpointConfig:
    """When `ModelCheckpoint` saves, what it keeps, and how.

    The arguments are also attributes; those that another argument disables are None.

    Args:
        save_checkpoint_steps: save after every n steps; 0 or None to disable.
        save_checkpoint_seconds: save every n seconds; used if `save_checkpoint_steps` is disabled.
        keep_checkpoint_max: maximum number of files; the oldest is removed first. 0 or None to disable.
        keep_checkpoint_per_n_minutes: keep one file for every n minutes; used if `keep_checkpoint_max` is disabled.
        saved_network: what to save instead of the network with its optimizer.
        append_info: additional entries: "epoch_num", "step_num", and a dict of names to values.
        exception_save: whether to save when an error ends the run, as `<prefix>-<epoch>_<step>_breakpoint`.
        remove_redundancy: must be False; for distributed training.
        kwargs: `incremental`, for compatibility with MindSpore; without effect.

    Raises:
        ArgumentTypeError, ArgumentError: an argument is of the wrong type or out of range, or saving is disabled
            completely.

    Examples:
        >>> CheckpointConfig(save_checkpoint_steps=100, append_info=["epoch_num"]).append_dict
        {'epoch_num': 0}

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        save_checkpoint_steps: int | None = 1,
        save_checkpoint_seconds: int | None = 0,
        keep_checkpoint_max: int | None = 5,
        keep_checkpoint_per_n_minutes: int | None = 0,
        integrated_save: bool = True,
        async_save: bool | str = False,
        saved_network: Cell | None = None,
        append_info: list[Any] | None = None,
        enc_key: bytes | None = None,
        enc_mode: str = "AES-GCM",
        exception_save: bool = False,
        crc_check: bool = False,
        remove_redundancy: bool = False,
        format: str = "ckpt",
        **kwargs: Any,
    ) -> None:
        where = "CheckpointConfig"
        counts = {
            "save_checkpoint_steps": save_checkpoint_steps,
            "save_checkpoint_seconds": save_checkpoint_seconds,
            "keep_checkpoint_max": keep_checkpoint_max,
            "keep_checkpoint_per_n_minutes": keep_checkpoint_per_n_minutes,
        }
        for name, value in counts.items():
            if value is not None:
                _check.integer(value, name=name, where=where, minimum=0)
        if not any(counts.values()):
            raise ArgumentError(
                f"{where}: {', '.join(f'`{name}`' for name in counts)} must not all be None or 0. "
                "Set one of the first two to save checkpoints."
            )
        if saved_network is not None:
            _check.is_type(saved_network, Cell, name="saved_network", where=where)
        if not isinstance(async_save, (bool, str)):
            raise ArgumentTypeError(f"{where}: `async_save` must be a bool, but got {async_save!r}.")
        if enc_key is not None:
            raise ArgumentError(f"{where}: sporax does not encrypt checkpoints. Omit `enc_key`.")
        if remove_redundancy is not False:
            raise ArgumentError(
                f"{where}: `remove_redundancy` must be False, but got {remove_redundancy!r}: files of "
                "sporax contain all Parameters."
            )
        unknown = sorted(set(kwargs) - {"incremental"})
        if unknown:
            raise ArgumentTypeError(f"{where}: there is no argument {', '.join(map(repr, unknown))}.")
        # Steps take precedence over seconds, and a number of files over minutes, as in MindSpore.
        self.save_checkpoint_steps = save_checkpoint_steps
        self.save_checkpoint_seconds = None if save_checkpoint_steps else save_checkpoint_seconds
        self.keep_checkpoint_max = keep_checkpoint_max
        self.keep_checkpoint_per_n_minutes = None if keep_checkpoint_max else keep_checkpoint_per_n_minutes
        if not keep_checkpoint_max and not keep_checkpoint_per_n_minutes:
            self.keep_checkpoint_max = 1
        self.saved_network = saved_network
        self.integrated_save = _check.is_type(integrated_save, bool, name="integrated_save", where=where)
        self.async_save = async_save
        self._append = _checked_info(append_info)
        self.enc_key, self.enc_mode = enc_key, enc_mode
        self.exception_save = _check.is_type(exception_save, bool, name="exception_save", where=where)
        self.crc_check = _check.is_type(crc_check, bool, name="crc_check", where=where)
        self.format = _check.one_of(format, ("ckpt", "safetensors"), name="format", where=where)
        self.map_param_inc = False

    @property
    def append_dict(self) -> dict[str, Any] | None:
        """The additional entries, with counters as 0."""
        return None if self._append is None else dict(self._append)

    def appended(self, epoch: int, step: int) -> dict[str, Any] | None:
        """Return `append_dict` with the values of the counters.

        Args:
            epoch, step: the values of "epoch_num" and "step_num".
        """
        counters = {"epoch_num": epoch, "step_num": step}
        return None if self._append is None else {k: counters.get(k, v) for k, v in self._append.items()}

    def get_checkpoint_policy(self) -> dict[str, Any]:
        """Return the settings by argument name."""
        names = (
            "save_checkpoint_steps", "save_checkpoint_seconds", "keep_checkpoint_max", "keep_checkpoint_per_n_minutes",
            "saved_network",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def _checked_info(info: Any) -> dict[str, Any] | None:
    where = "CheckpointConfig"
    if info is None:
        return None
    if not isinstance(info, list):
        raise _check.wrong_type(
            info, "a list", name="append_info", where=where, fix='Write, for example, ["epoch_num", {"k": 3}].'
        )
    result: dict[str, Any] = {}
    for element in info:
        if isinstance(element, str):
            result[_check.one_of(element, _COUNTERS, name="append_info", where=where)] = 0
        elif not isinstance(element, dict):
            raise ArgumentTypeError(
                f"{where}: an element of `append_info` must be 'epoch_num', 'step_num' or a dict, but got "
                f"{element!r} of type {type(element).__name__}."
            )
        else:
            for name, value in element.items():
                if not isinstance(name, str) or not isinstance(value, (numbers.Real, str, Tensor)):
                    raise ArgumentTypeError(
                        f"{where}: the dict of `append_info` must map names to numbers, strings, Tensors or "
                        f"Parameters, but got {name!r}: {value!r}."
                    )
                result[name] = value
    return result
