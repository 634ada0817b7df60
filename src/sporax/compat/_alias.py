"""How `import mindspore` finds sporax: a finder that knows one table, and an answer for what is not in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from sporax._errors import CompatError, ModuleNotServedError, NotServedError
from sporax._suggest import asks_by_from_import, attribute, nearest
from sporax.compat._served import BORROWED, SERVED, VERSION

if TYPE_CHECKING:
    from importlib.metadata import Distribution, DistributionFinder

_WHERE = "docs/differences.md of sporax says what it serves and where it differs."
_ROOT = "mindspore"


class _Loader(Loader):
    """Puts a module of sporax, the very same object, under one of MindSpore's names."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self.module = import_module(SERVED[spec.name])
        self.own_spec = self.module.__spec__
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just written the alias's spec into the module, which would then no longer know
        # its own name.
        module.__spec__ = self.own_spec
        _FINDER.watch()


class _RootLoader(Loader):
    """Makes the module `mindspore`: its own version, and for the rest what sporax has."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        sporax = import_module(SERVED[_ROOT])
        module = ModuleType(spec.name, sporax.__doc__)
        module.__file__ = sporax.__file__
        module.__version__ = VERSION  # pyright: ignore[reportAttributeAccessIssue]  new attributes of a module
        return module

    def exec_module(self, module: ModuleType) -> None:
        sporax = import_module(SERVED[_ROOT])
        answer = _answer(_ROOT, sporax, lambda name: getattr(sporax, name))

        def __getattr__(name: str) -> Any:
            if name == "__all__":
                return [each for each in dir(sporax) if not each.startswith("_")]
            return answer(name, sys._getframe(1))

        module.__dict__["__getattr__"] = __getattr__
        module.__dict__["__dir__"] = lambda: sorted({*dir(sporax), *module.__dict__})
        _FINDER.watch()


class _Finder(MetaPathFinder):
    """Answers for `mindspore` and everything below it, and for nothing else."""

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
        """`importlib.metadata` asks every finder: `version("mindspore")` is that of the API that is served."""
        from importlib.metadata import DistributionFinder

        from sporax.compat._metadata import distributions

        return distributions(context or DistributionFinder.Context())

    def watch(self) -> None:
        """Give every served module that is loaded an answer for the names it does not have."""
        for path, target in SERVED.items():
            module = sys.modules.get(target)
            if module is not None and target not in self.watched and path != _ROOT:
                self.watched[target] = vars(module).get("__getattr__")
                module.__dict__["__getattr__"] = _answer(path, module, self.watched[target])

    def forget(self) -> None:
        """Take the answers back."""
        for target, own in self.watched.items():
            if own is None:
                del sys.modules[target].__dict__["__getattr__"]
            else:
                sys.modules[target].__dict__["__getattr__"] = own
        self.watched.clear()


_FINDER = _Finder()


def _answer(path: str, module: ModuleType, own: Any) -> Any:
    """The `__getattr__` of a served module: its own first, then MindSpore's other places, then an error."""
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
        for above in paths:
            if f"{above}.{name}" in SERVED:
                return import_module(f"{above}.{name}")
        for other in BORROWED.get(module.__name__, ()):
            lender = import_module(other)
            if name in getattr(lender, "__all__", ()):
                return getattr(lender, name)
        hint = attribute(module.__name__.removeprefix("sporax."), name, dir(module), exists=True)
        hint = hint.replace("sporax", _ROOT)
        message = f"sporax does not serve {path}.{name}.{hint} {_WHERE}"
        # A plain AttributeError would reach the user of `from mindspore.nn import X` as "cannot import name",
        # without its message; so there the error is an ImportError.
        caller = caller or sys._getframe(1)
        if asks_by_from_import(caller):
            raise NotServedError(message, name=name)
        raise AttributeError(message, name=name, obj=None)

    return __getattr__


def _module_not_served(path: str) -> str:
    # Only modules of the same package: one of another area would mislead.
    above, _, leaf = path.rpartition(".")
    beside = [each.rpartition(".")[2] for each in SERVED if each.rpartition(".")[0] == above]
    near = nearest(leaf, beside)
    hint = f" Did you mean {above}.{near}?" if near else ""
    return f"sporax does not serve the module {path}.{hint} {_WHERE}"


def installed() -> bool:
    """Whether `import mindspore` gives sporax at present.

    Examples:
        >>> installed()
        False
    """
    return _FINDER in sys.meta_path


def install() -> None:
    """Let `import mindspore`, and every path of `SERVED` below it, give sporax's own modules.

    The modules are the same objects under a second name: `mindspore.nn is sporax.nn`. Only `mindspore` itself is
    a module of its own, whose `__version__` is that of the MindSpore whose API is served, and `importlib.metadata`
    gives the same. Whatever sporax does not serve raises an ImportError or an AttributeError that says so by name.
    A second call does nothing.

    Raises:
        CompatError: the real MindSpore has been imported in this process already.

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
        place = getattr(sys.modules["mindspore"], "__file__", None) or "an unknown place"
        raise CompatError(
            f"compat.install: a `mindspore` is imported already, from {place}. Call install() before the "
            "first `import mindspore`, or run the script with `sporax run`."
        )
    sys.meta_path.insert(0, _FINDER)
    _FINDER.watch()


def uninstall() -> None:
    """Take the alias away. What was imported through it stays what it is: a module of sporax."""
    if not installed():
        return
    sys.meta_path.remove(_FINDER)
    _FINDER.forget()
    for path, target in SERVED.items():
        sys.modules.pop(path, None)
        # Importing an alias also wrote it into the module above it, under a name that is not there by itself.
        above, _, leaf = path.rpartition(".")
        parent = sys.modules.get(SERVED.get(above, ""))
        if parent is not None and f"{parent.__name__}.{leaf}" != target:
            parent.__dict__.pop(leaf, None)
