"""Deprecation of public names and arguments: they work for another release, with a warning that names the replacement.

The policy is in CONTRIBUTING.md, section "Changing the public interface".
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def deprecated(instead: str, *, since: str, removed_in: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function or class as deprecated: a call issues a `DeprecationWarning`.

    Args:
        instead: the replacement, such as "`nn.HuberLoss`".
        since: the version that deprecates it.
        removed_in: the version that removes it.

    Returns:
        A decorator.

    Examples:
        >>> import warnings
        >>> from sporax._deprecation import deprecated
        >>> @deprecated("`new_name`", since="0.2", removed_in="0.4")
        ... def old_name():
        ...     return 1
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     value = old_name()
        >>> value, str(caught[0].message)
        (1, 'old_name is deprecated since sporax 0.2 and will be removed in 0.4. Use `new_name` instead.')
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        message = (
            f"{function.__name__} is deprecated since sporax {since} and will be removed in {removed_in}. "
            f"Use {instead} instead."
        )

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        return call

    return decorate


def renamed_argument(old: str, new: str, *, since: str, removed_in: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Accept a keyword argument under its former name, with a warning.

    Args:
        old, new: the former and the current name.
        since: the version that renames it.
        removed_in: the version that no longer accepts the former name.

    Returns:
        A decorator.

    Raises:
        TypeError: when called: both names are given.

    Examples:
        >>> import warnings
        >>> from sporax._deprecation import renamed_argument
        >>> @renamed_argument("dim", "axis", since="0.2", removed_in="0.4")
        ... def total(x, axis=0):
        ...     return axis
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     value = total([1], dim=3)
        >>> value, str(caught[0].message)
        (3, 'total: `dim` is renamed to `axis` since sporax 0.2; the former name will be removed in 0.4.')
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if old in kwargs:
                if new in kwargs:
                    raise TypeError(
                        f"{function.__name__}: got both `{old}` and `{new}`, which are the same argument; use `{new}`."
                    )
                warnings.warn(
                    f"{function.__name__}: `{old}` is renamed to `{new}` since sporax {since}; the former name will be "
                    f"removed in {removed_in}.",
                    DeprecationWarning,
                    stacklevel=2,
                )
                named: dict[str, Any] = kwargs  # pyright: ignore[reportAssignmentType]
                named[new] = named.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate
