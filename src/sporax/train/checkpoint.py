"""Save and load Parameters, in MindSpore's `.ckpt` format or as safetensors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sporax import _check, formats
from sporax._errors import ArgumentError, ArgumentTypeError, CheckpointError
from sporax.core import Cell, Parameter
from sporax.train import _checkpoint_entries as entries_of
from sporax.train import _checkpoint_writer as writer
from sporax.train._checkpoint_fit import Fit
from sporax.train._training_state import load_training_state, save_training_state

__all__ = [
    "async_ckpt_thread_status", "load_checkpoint", "load_param_into_net", "load_training_state",
    "remove_checkpoint", "save_checkpoint", "save_training_state", "wait_for_checkpoints",
]  # fmt: skip

Choice = Callable[[str], bool] | None


class _NotGiven(int):
    """The default of `strict_load`: False, but distinguishable from an explicit False."""

    def __repr__(self) -> str:
        return "False"


_NOT_GIVEN: Any = _NotGiven(0)


def save_checkpoint(
    save_obj: Any,
    ckpt_file_name: str | os.PathLike[str],
    integrated_save: bool = True,
    async_save: bool | str = False,
    append_dict: dict[str, Any] | None = None,
    enc_key: bytes | None = None,
    enc_mode: str = "AES-GCM",
    choice_func: Choice = None,
    crc_check: bool = False,
    format: str = "ckpt",
    **kwargs: Any,
) -> None:
    """Save Parameters to a file; an existing file is replaced only if the save succeeds.

    Args:
        save_obj: a Cell (a network, an optimizer, a train network); a dict of names to Parameters, Tensors or
            arrays; a list of Parameters, or of dicts with the keys `name` and `data`.
        ckpt_file_name: the file; its folder must exist. The suffix of the format is added if it is
            missing.
        integrated_save: accepted for compatibility with MindSpore; for distributed training.
        async_save: whether a background thread writes the file. The values are copied by the call.
        append_dict: more entries: names to Parameters, Tensors, numbers or strings.
        enc_key, enc_mode: encryption, which is not supported: `enc_key` must be None.
        choice_func: a function of a name that returns whether to save it.
        crc_check: accepted for compatibility with MindSpore; a checksum is always written.
        format: "ckpt" or "safetensors".
        kwargs: `incremental`, `global_step_num` and `remove_redundancy`, for compatibility with MindSpore; without
            effect.

    Raises:
        ArgumentTypeError, ArgumentError: an argument is of the wrong type, or unknown.
        CheckpointError: two Parameters have the same name, or the format does not support an entry.
        FileNotFoundError: the folder does not exist.

    Examples:
        >>> import tempfile
        >>> import sporax
        >>> from sporax import nn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sporax.save_checkpoint(nn.Dense(2, 1), f"{folder}/net", append_dict={"epoch": 3})
        ...     sporax.load_checkpoint(f"{folder}/net.ckpt")["epoch"]
        Parameter (name=epoch, shape=(), dtype=Int64, requires_grad=True)

    Source: the function of the same name in MindSpore, which reads these files.
    """
    where = "save_checkpoint"
    path = _with_suffix(ckpt_file_name, format, where)
    if enc_key is not None:
        raise ArgumentError(f"{where}: sporax does not encrypt checkpoints. Omit `enc_key`.")
    _check.is_type(integrated_save, bool, name="integrated_save", where=where)
    _check.is_type(crc_check, bool, name="crc_check", where=where)
    if not isinstance(async_save, (bool, str)):
        raise ArgumentTypeError(f"{where}: `async_save` must be a bool, but got {async_save!r}.")
    unknown = sorted(set(kwargs) - {"incremental", "global_step_num", "remove_redundancy"})
    if unknown:
        raise ArgumentTypeError(f"{where}: there is no argument {', '.join(map(repr, unknown))}.")
    entries = entries_of.collect(save_obj, where)
    if append_dict is not None:
        entries |= entries_of.appended(append_dict, where)
    if choice_func is not None:
        entries = {name: value for name, value in entries.items() if _checked_choice(choice_func, where)(name)}
    if async_save:
        # Copies, because on a CPU the arrays share memory that the next step overwrites.
        copies = {name: value if isinstance(value, str) else np.array(value) for name, value in entries.items()}
        writer.in_background(path, copies, format)
    else:
        writer.wait()
        formats.write(path, entries, format)


def load_checkpoint(
    ckpt_file_name: str | os.PathLike[str],
    net: Cell | None = None,
    strict_load: bool = _NOT_GIVEN,
    filter_prefix: str | Sequence[str] | None = None,
    dec_key: bytes | None = None,
    dec_mode: str = "AES-GCM",
    specify_prefix: str | Sequence[str] | None = None,
    choice_func: Choice = None,
    crc_check: bool = False,
    remove_redundancy: bool = False,
    format: str = "ckpt",
) -> dict[str, Any]:
    """Read a checkpoint file of sporax or MindSpore; the format is detected from the content.

    Args:
        ckpt_file_name: the file.
        net: a Cell to load the values into.
        strict_load: as in `load_param_into_net`.
        filter_prefix: omit names with this prefix (or one of these prefixes).
        dec_key, dec_mode: decryption, which is not supported: `dec_key` must be None.
        specify_prefix: read only names with this prefix (or one of these prefixes).
        choice_func: a function of a name that returns whether to read it.
        crc_check: accepted for compatibility with MindSpore; a checksum in the file is always checked.
        remove_redundancy: must be False; for distributed training.
        format: "ckpt" or "safetensors"; accepted for compatibility with MindSpore.

    Returns:
        A dict of names to Parameters, or to str for strings, in the order of the file.

    Raises:
        CheckpointError: a missing, unrecognised, truncated, damaged or encrypted file; no entry is left after
            filtering; or the file does not match `net`.
        ArgumentTypeError, ArgumentError: an argument is of the wrong type.

    Examples:
        >>> import tempfile
        >>> import sporax
        >>> from sporax import nn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sporax.save_checkpoint(nn.Dense(2, 1), f"{folder}/net.ckpt")
        ...     list(sporax.load_checkpoint(f"{folder}/net.ckpt", filter_prefix="b"))
        ['weight']

    Source: the function of the same name in MindSpore.
    """
    where = "load_checkpoint"
    path = _file_name(ckpt_file_name, where)
    _check.one_of(format, ("ckpt", "safetensors"), name="format", where=where)
    if strict_load is not _NOT_GIVEN:
        _check.is_type(strict_load, bool, name="strict_load", where=where)
    if net is not None and not isinstance(net, Cell):
        raise _check.wrong_type(net, "a Cell", name="net", where=where)
    if dec_key is not None:
        raise ArgumentError(f"{where}: sporax does not decrypt checkpoints. Omit `dec_key`.")
    _check_redundancy(remove_redundancy, where)
    excluded = _prefixes(filter_prefix, "filter_prefix", where)
    included = _prefixes(specify_prefix, "specify_prefix", where)
    choose = None if choice_func is None else _checked_choice(choice_func, where)
    writer.wait()
    read = formats.read(path)
    chosen = {
        name: value
        for name, value in read.items()
        if not (excluded and name.startswith(excluded))
        and (not included or name.startswith(included))
        and (choose is None or choose(name))
    }
    if not chosen:
        raise CheckpointError(
            f"{where}: no entry is left of the {len(read)} entries of {path!r}. Check `filter_prefix`, "
            f"`specify_prefix` and `choice_func`; the first names are {', '.join(list(read)[:5]) or 'none'}."
        )
    loaded = {name: value if isinstance(value, str) else Parameter(value, name=name) for name, value in chosen.items()}
    if net is not None:
        load_param_into_net(net, loaded, strict_load)
    return loaded


def load_param_into_net(
    net: Cell, parameter_dict: dict[str, Any], strict_load: bool = _NOT_GIVEN, remove_redundancy: bool = False
) -> tuple[list[str], list[str]]:
    """Load the values of a dict into the Parameters of a Cell, by name.

    Mismatched shapes and dtypes are listed in one error, and nothing is loaded. Parameters that the dict does not have
    are listed in a warning; if they are more than half of the network, it is an error, unless `strict_load=False` is
    given explicitly.

    Args:
        net: the Cell.
        parameter_dict: names to Parameters (or Tensors), as `load_checkpoint` returns them; strings are
            ignored.
        strict_load: whether dtypes must be equal. Otherwise floats are converted to floats and ints to ints, and
            names with a common additional prefix (`net.fc.weight` for `fc.weight`) are found too. An explicit False
            also allows most of the network to get no value.
        remove_redundancy: must be False; for distributed training.

    Returns:
        (names of `net` that got no value, names of the dict that were not used).

    Raises:
        CheckpointError (also a RuntimeError): shapes or dtypes differ; or less than half of the network's Parameters
            are in the dict.
        ArgumentTypeError: an argument is of the wrong type.

    Examples:
        >>> import numpy as np
        >>> import sporax
        >>> from sporax import Parameter, nn
        >>> net = nn.Dense(2, 1)
        >>> values = {"weight": Parameter(np.float32([[1, 2]])), "bias": Parameter(np.float32([3]))}
        >>> sporax.load_param_into_net(net, values | {"other": Parameter(np.float32(0))})
        ([], ['other'])
        >>> print(net.weight.value())
        [[1. 2.]]

    Source: the function of the same name in MindSpore, which stops at the first mismatch.
    """
    where = "load_param_into_net"
    _check.is_type(net, Cell, name="net", where=where, expected="a Cell")
    if not isinstance(parameter_dict, dict):
        raise _check.wrong_type(
            parameter_dict, "a dict", name="parameter_dict", where=where, fix="load_checkpoint returns one."
        )
    if strict_load is not _NOT_GIVEN:
        _check.is_type(strict_load, bool, name="strict_load", where=where)
    _check_redundancy(remove_redundancy, where)
    read = entries_of.values(parameter_dict, where)
    fit = Fit(entries_of.parameters(net, where), read, bool(strict_load), where)
    if strict_load is not False:
        fit.check_coverage()
    fit.load()
    unused = [name for name in parameter_dict if name not in fit.used and not isinstance(parameter_dict[name], str)]
    fit.warn_about_missing()
    return fit.missing, unused


def async_ckpt_thread_status() -> bool:
    """Whether a checkpoint is being written in the background.

    Examples:
        >>> async_ckpt_thread_status()
        False

    Source: the function of the same name in MindSpore.
    """
    return writer.busy()


def wait_for_checkpoints() -> None:
    """Wait until every checkpoint saved with `async_save` is written.

    Raises:
        CheckpointError: one of them could not be written.
    """
    writer.wait()


def remove_checkpoint(path: str | os.PathLike[str]) -> None:
    """Delete a checkpoint file after pending files are written; a missing file is not an error.

    Args:
        path: the file.
    """

    def remove() -> None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)

    writer.after_pending(remove)


def _file_name(name: Any, where: str) -> str:
    _check.is_type(name, (str, os.PathLike), name="ckpt_file_name", where=where, expected="a str")
    return os.fspath(name)


def _with_suffix(name: Any, format: Any, where: str) -> str:
    path = _file_name(name, where)
    _check.one_of(format, ("ckpt", "safetensors"), name="format", where=where)
    return path if path.endswith(f".{format}") else f"{path}.{format}"


def _checked_choice(choice_func: Any, where: str) -> Any:
    if not callable(choice_func):
        raise ArgumentTypeError(f"{where}: `choice_func` must be a function of a name, but got {choice_func!r}.")
    return choice_func


def _prefixes(given: Any, name: str, where: str) -> tuple[str, ...]:
    prefixes = () if given is None else (given,) if isinstance(given, str) else given
    if not isinstance(prefixes, (list, tuple)) or not all(isinstance(each, str) and each for each in prefixes):
        raise ArgumentTypeError(f"{where}: `{name}` must be a non-empty str or a list of them, but got {given!r}.")
    return tuple(prefixes)


def _check_redundancy(value: Any, where: str) -> None:
    if value is not False:
        raise ArgumentError(
            f"{where}: `remove_redundancy` must be False, but got {value!r}: files of sporax contain all Parameters."
        )
