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


class _Loader(Loader):
    """Loader that returns the module object of sporax for a MindSpore path."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self.module = import_module(SERVED[spec.name])
        self.own_spec = self.module.__spec__
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has replaced the spec of the module by that of the alias.
        module.__spec__ = self.own_spec
        _FINDER.watch()


class _RootLoader(Loader):
    """Loader of the module `mindspore`, which has its own version and otherwise the names of sporax."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        sporax = import_module(SERVED[_ROOT])
        module = ModuleType(spec.name, sporax.__doc__)
        module.__file__ = sporax.__file__
        module.__version__ = VERSION  # pyright: ignore[reportAttributeAccessIssue]  new attributes of a module
        return module

    def exec_module(self, module: ModuleType) -> None:
        sporax = import_module(SERVED[_ROOT])
        find = _getattr_of(_ROOT, sporax, lambda name: getattr(sporax, name))

        def __getattr__(name: str) -> Any:
            if name == "__all__":
                return [each for each in dir(sporax) if not each.startswith("_")]
            return find(name, sys._getframe(1))

        module.__dict__["__getattr__"] = __getattr__
        module.__dict__["__dir__"] = lambda: sorted({*dir(sporax), *module.__dict__})
        _FINDER.watch()


class _Finder(MetaPathFinder):
    """Finder of `mindspore` and the modules below it."""

    def __init__(self) -> None:
        self.watched: dict[str, Any] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _ROOT:
            spec = ModuleSpec(fullname, _RootLoader(), is_package=True)
            spec.submodule_search_locations = list(import_module(SERVED[_ROOT]).__path__)
            return spec
        if fullname in SERVED:
            return ModuleSpec(fullname, _Loader())
        if fullname.startswith("mindspore."):
            raise ModuleNotServedError(_module_not_served(fullname), name=fullname)
        return None

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """Return the distributions for `importlib.metadata`: `version("mindspore")` is that of the provided API."""
        from importlib.metadata import DistributionFinder

        from sporax.compat._metadata import distributions

        return distributions(context or DistributionFinder.Context())

    def watch(self) -> None:
        """Install a `__getattr__` for missing names in every aliased module that is loaded."""
        for path, target in SERVED.items():
            module = sys.modules.get(target)
            if module is not None and target not in self.watched and path != _ROOT:
                self.watched[target] = vars(module).get("__getattr__")
                module.__dict__["__getattr__"] = _getattr_of(path, module, self.watched[target])

    def restore(self) -> None:
        """Restore the original `__getattr__` of the modules."""
        for target, own in self.watched.items():
            if own is None:
                del sys.modules[target].__dict__["__getattr__"]
            else:
                sys.modules[target].__dict__["__getattr__"] = own
        self.watched.clear()


_FINDER = _Finder()


def _getattr_of(path: str, module: ModuleType, own: Any) -> Any:
    """Return the `__getattr__` of an aliased module: its own, then names of other modules, then an error."""
    paths = [path, *(each for each, home in SERVED.items() if home == module.__name__ and each != path)]

    def __getattr__(name: str, caller: FrameType | None = None) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError as error:
                if error.name != name:
                    raise
            finally:
                _FINDER.watch()
        if name.startswith("__"):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}", name=name, obj=None)
        for parent in paths:
            if f"{parent}.{name}" in SERVED:
                return import_module(f"{parent}.{name}")
        for other in ADDITIONAL.get(module.__name__, ()):
            source = import_module(other)
            if name in getattr(source, "__all__", ()):
                return getattr(source, name)
        hint = attribute(module.__name__.removeprefix("sporax."), name, dir(module), exists=True)
        hint = hint.replace("sporax", _ROOT)
        message = f"sporax does not provide {path}.{name}.{hint} {_WHERE}"
        # `from mindspore.nn import X` would discard the message of an AttributeError, so there the error is an
        # ImportError.
        caller = caller or sys._getframe(1)
        if is_from_import(caller):
            raise NotServedError(message, name=name)
        raise AttributeError(message, name=name, obj=None)

    return __getattr__


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
    """Install the alias: `import mindspore` and the paths of `SERVED` below it import the modules of sporax.

    The modules are the same objects under a second name: `mindspore.nn is sporax.nn`. Only `mindspore` is a separate
    module, whose `__version__`, also in `importlib.metadata`, is that of the provided MindSpore API. Modules and names
    that sporax does not provide raise an ImportError or an AttributeError. A second call has no effect.

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
    _FINDER.watch()


def uninstall() -> None:
    """Uninstall the alias. Modules that were imported through it remain valid: they are modules of sporax."""
    if not installed():
        return
    sys.meta_path.remove(_FINDER)
    _FINDER.restore()
    for path, target in SERVED.items():
        sys.modules.pop(path, None)
        # The import of an alias also set it as an attribute of the parent module.
        parent_path, _, leaf = path.rpartition(".")
        parent = sys.modules.get(SERVED.get(parent_path, ""))
        if parent is not None and f"{parent.__name__}.{leaf}" != target:
            parent.__dict__.pop(leaf, None)
