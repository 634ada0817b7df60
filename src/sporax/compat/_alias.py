"""The import finder of the `mindspore` alias, and the errors for modules and names that sporax does not provide."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from sporax._errors import CompatError, ModuleNotServedError, NotServedError
from sporax._suggest import attribute, is_from_import, nearest
from sporax.compat._served import ADDITIONAL, SERVED, VERSION

if TYPE_CHECKING:
    from importlib.metadata import Distribution, DistributionFinder

_WHERE = "docs/differences.md of sporax lists what it provides and where it differs."
_ROOT = "mindspore"


class _Module(ModuleType):
    """A module of MindSpore that forwards to one of sporax; attributes that a script sets stay in it."""

    def __getattr__(self, name: str) -> Any:
        target = import_module(SERVED[self.__name__])
        if name == "__all__":
            return _public(target)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        value = _lookup(self.__name__, target, name)
        if value is _MISSING:
            raise _not_served(self.__name__, target, name, sys._getframe(1))
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted({*_public(import_module(SERVED[self.__name__])), *self.__dict__})


_MISSING: Any = object()


def _lookup(path: str, target: ModuleType, name: str) -> Any:
    """Return what a MindSpore path has under a name: an object of sporax or a forwarding module, or `_MISSING`."""
    value = _MISSING
    if not name.startswith("_"):
        try:
            value = getattr(target, name)
        except AttributeError as error:
            if error.name != name:
                raise
    if value is not _MISSING and not isinstance(value, ModuleType):
        return value
    if f"{path}.{name}" in SERVED:
        return import_module(f"{path}.{name}")
    for other in ADDITIONAL.get(path, ()):
        source = import_module(other)
        if name in getattr(source, "__all__", ()):
            return getattr(source, name)
    if value is not _MISSING:
        main = next((each for each, home in SERVED.items() if home == value.__name__), None)
        return value if main is None else import_module(main)
    return _MISSING


def _public(target: ModuleType) -> list[str]:
    names = getattr(target, "__all__", None) or dir(target)
    return [each for each in names if not each.startswith("_")]


class _Loader(Loader):
    """Loader of the forwarding modules."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        target = import_module(SERVED[module.__name__])
        module.__doc__, module.__file__ = target.__doc__, target.__file__
        if module.__name__ == _ROOT:
            module.__dict__["__version__"] = VERSION
        # Names that are there without a further import, so that a look-up costs nothing and `vars` lists them.
        for name in vars(target).get("__all__", ()):
            if not isinstance(value := vars(target).get(name, module), ModuleType):
                module.__dict__[name] = value


class _Finder(MetaPathFinder):
    """Finder of `mindspore` and the modules below it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in SERVED:
            return ModuleSpec(fullname, _Loader(), origin=SERVED[fullname], is_package=True)
        if fullname.startswith("mindspore."):
            raise ModuleNotServedError(_module_not_served(fullname), name=fullname)
        return None

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """Return the distributions for `importlib.metadata`: `version("mindspore")` is that of the provided API."""
        from importlib.metadata import DistributionFinder

        from sporax.compat._metadata import distributions

        return distributions(context or DistributionFinder.Context())


_FINDER = _Finder()


def _not_served(path: str, target: ModuleType, name: str, caller: FrameType) -> Exception:
    hint = attribute(target.__name__.removeprefix("sporax."), name, dir(target), exists=True)
    message = f"sporax does not provide {path}.{name}.{hint.replace('sporax', _ROOT)} {_WHERE}"
    # `from mindspore.nn import X` would discard the message of an AttributeError, so there the error is an ImportError.
    if is_from_import(caller):
        return NotServedError(message, name=name)
    return AttributeError(message, name=name, obj=None)


def _module_not_served(path: str) -> str:
    # Suggest only modules of the same package, because others mislead.
    parent, _, leaf = path.rpartition(".")
    siblings = [each.rpartition(".")[2] for each in SERVED if each.rpartition(".")[0] == parent]
    near = nearest(leaf, siblings)
    hint = f" Did you mean {parent}.{near}?" if near else ""
    return f"sporax does not provide the module {path}.{hint} {_WHERE}"


def installed() -> bool:
    """Return whether the alias is installed, so that `import mindspore` imports sporax.

    Examples:
        >>> installed()
        False
    """
    return _FINDER in sys.meta_path


def install() -> None:
    """Install the alias: `import mindspore` and the paths of `SERVED` below it import modules that forward to sporax.

    The objects in them are those of sporax: `mindspore.nn.Cell is sporax.nn.Cell`. What a script sets on the modules
    themselves does not change sporax. The version of `mindspore`, also in `importlib.metadata`, is that of the provided
    MindSpore API. Modules and names that sporax does not provide raise an ImportError or an AttributeError. A second
    call has no effect.

    Raises:
        CompatError: the real MindSpore is already imported in this process.

    Examples:
        >>> install()
        >>> import mindspore, sporax
        >>> mindspore.Tensor is sporax.Tensor
        True
        >>> uninstall()
    """
    if installed():
        return
    if "mindspore" in sys.modules:
        location = getattr(sys.modules["mindspore"], "__file__", None) or "an unknown location"
        raise CompatError(
            f"compat.install: `mindspore` is already imported, from {location}. Call install() before the first "
            "`import mindspore`, or run the script with `sporax run`."
        )
    sys.meta_path.insert(0, _FINDER)


def uninstall() -> None:
    """Uninstall the alias. Modules that were imported through it remain valid."""
    if not installed():
        return
    sys.meta_path.remove(_FINDER)
    for path in SERVED:
        sys.modules.pop(path, None)
