"""The alias `mindspore`: the same objects, and errors for unsupported modules and names."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import subprocess
import sys
import types
from importlib import metadata

import numpy as np
import pytest

import sporax
from sporax import compat
from sporax._errors import CompatError, ModuleNotServedError, NotServedError
from sporax.compat._served import VERSION


@pytest.fixture
def alias():
    compat.install()
    yield
    compat.uninstall()


def in_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", compat.SERVED)
def test_a_supported_path_is_a_module_of_sporax(alias, path):
    module = importlib.import_module(path)
    if path == "mindspore":
        assert module.Tensor is sporax.Tensor
        assert (module.__name__, module.__spec__.name, module.__file__) == (path, path, sporax.__file__)
        return
    assert module is importlib.import_module(compat.SERVED[path])
    assert module.__name__ == compat.SERVED[path]
    assert module.__spec__.name == compat.SERVED[path]


@pytest.mark.parametrize("path", compat.SERVED)
def test_no_alias_hides_a_public_name(path):
    above, _, leaf = path.rpartition(".")
    if above and f"{compat.SERVED[above]}.{leaf}" != compat.SERVED[path]:
        parent = importlib.import_module(compat.SERVED[above])
        assert leaf not in vars(parent) or isinstance(vars(parent)[leaf], types.ModuleType)
        assert leaf not in getattr(parent, "__all__", ())


def test_the_usual_imports_of_a_script(alias):
    scope: dict[str, object] = {}
    exec(
        "import mindspore\nimport mindspore as ms\nimport mindspore.nn as nn\nimport mindspore.ops as ops\n"
        "import mindspore.dataset as ds\nfrom mindspore import Model, Parameter, Tensor, context\n"
        "from mindspore import dataset, dtype as mstype, nn as nn2, ops as ops2\n"
        "from mindspore.common import dtype, set_seed\n"
        "from mindspore.common.initializer import Normal, initializer\n"
        "from mindspore.nn import Accuracy, LossBase, WithLossCell\nfrom mindspore.nn.loss import L1Loss\n"
        "from mindspore.ops import composite as C, functional as F, operations as P\n"
        "from mindspore.train import Model as Model2\nfrom mindspore.train.callback import LossMonitor\n"
        "from mindspore.train.serialization import load_checkpoint, save_checkpoint\n"
        "from mindspore.nn.metrics import Accuracy as Accuracy2\n",
        scope,
    )
    assert scope["mindspore"] is scope["ms"]
    assert scope["nn"] is scope["nn2"] is sporax.nn
    assert scope["P"] is scope["F"] is scope["C"] is scope["ops"] is scope["ops2"] is sporax.ops
    assert scope["ds"] is scope["dataset"] is sporax.dataset
    assert scope["Tensor"] is sporax.Tensor
    assert scope["Model"] is scope["Model2"] is sporax.Model
    assert scope["mstype"] is scope["dtype"] is sporax.dtype
    assert scope["Accuracy"] is scope["Accuracy2"] is sporax.train.Accuracy
    assert scope["Normal"] is importlib.import_module("sporax.core.initializer").Normal


def test_one_class_under_both_names(alias):
    import mindspore.nn

    loss = mindspore.nn.L1Loss()
    assert isinstance(loss, sporax.nn.LossBase)
    restored = pickle.loads(pickle.dumps(mindspore.Tensor([1.0, 2.0])))
    assert type(restored) is sporax.Tensor
    assert restored.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("mindspore.scipy", "mindspore.scipy"),
        ("mindspore.common.nosuch", "mindspore.common.nosuch"),
        # The import fails at the first unsupported component.
        ("mindspore.nn.probability.bnn", "mindspore.nn.probability"),
    ],
)
def test_an_unsupported_module_raises(alias, path, named):
    with pytest.raises(ModuleNotServedError) as caught:
        importlib.import_module(path)
    assert isinstance(caught.value, ModuleNotFoundError)
    assert caught.value.name == named
    assert str(caught.value).startswith(f"sporax does not provide the module {named}.")
    assert "docs/differences.md" in str(caught.value)


def test_a_similar_module_is_suggested(alias):
    with pytest.raises(ImportError, match=r"Did you mean mindspore\.train\.callback\?"):
        import mindspore.train.callbacks  # noqa: F401


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("from mindspore import export_mindir", "mindspore.export_mindir"),
        ("from mindspore.nn import NoSuchLayer", "mindspore.nn.NoSuchLayer"),
        ("from mindspore.common.initializer import NoSuch", "mindspore.common.initializer.NoSuch"),
        ("from mindspore.train.callback import NoSuchCallback", "mindspore.train.callback.NoSuchCallback"),
        ("from mindspore.context import set_ps_contexts", "mindspore.context.set_ps_contexts"),
    ],
)
def test_an_unsupported_name_raises_in_a_from_import(alias, statement, name):
    with pytest.raises(NotServedError) as caught:
        exec(statement, {})
    assert str(caught.value).startswith(f"sporax does not provide {name}.")
    assert "docs/differences.md" in str(caught.value)


def test_an_unsupported_name_raises_as_an_attribute(alias):
    import mindspore as ms

    with pytest.raises(AttributeError, match=r"sporax does not provide mindspore\.nn\.L1Los\. Did you mean L1Loss\?"):
        ms.nn.L1Los
    with pytest.raises(AttributeError, match=r"sporax does not provide mindspore\.run_chekc\. docs/differences"):
        ms.run_chekc
    assert not hasattr(ms.ops, "NoSuchOp")
    assert not hasattr(ms.nn, "__wrapped__")


def test_a_broken_import_is_not_reported_as_a_missing_name(alias, monkeypatch):
    import mindspore

    def broken(name: str) -> object:
        raise AttributeError("module 'x' has no attribute 'y'", name="y", obj=None)

    compat.uninstall()
    monkeypatch.setattr(sporax, "__getattr__", broken)
    compat.install()
    with pytest.raises(AttributeError, match="has no attribute 'y'"):
        mindspore.anything
    compat.uninstall()


def test_the_version_is_that_of_the_api(alias):
    import mindspore

    assert mindspore.__version__ == VERSION == "2.10.0"
    assert sporax.__version__ != VERSION
    version = pytest.importorskip("packaging.version")
    assert version.parse(mindspore.__version__) >= version.parse("2.0")
    assert [int(part) for part in mindspore.__version__.split(".")[:2]] == [2, 10]


def test_the_installed_metadata(alias):
    installed = {name.lower() for name in metadata.packages_distributions()}
    assert metadata.version("mindspore") == metadata.version("MindSpore") == "2.10.0"
    distribution = metadata.distribution("mindspore")
    assert distribution.metadata["Name"] == "mindspore"
    assert (distribution.files, distribution.requires, list(distribution.entry_points)) == (None, None, [])
    assert "mindspore" in {each.metadata["Name"] for each in metadata.distributions()}
    # Other distributions are found as before.
    assert metadata.version("numpy") == np.__version__
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("no-such-distribution")
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("mindspore-lite")
    compat.uninstall()
    assert {name.lower() for name in metadata.packages_distributions()} == installed
    if importlib.util.find_spec("mindspore") is None:
        with pytest.raises(metadata.PackageNotFoundError):
            metadata.version("mindspore")


def test_attributes_set_on_mindspore_are_not_set_on_sporax(alias):
    import mindspore

    mindspore.a_mark_of_the_script = 3
    assert mindspore.a_mark_of_the_script == 3
    assert not hasattr(sporax, "a_mark_of_the_script")
    assert {"Tensor", "nn", "__version__"} <= set(dir(mindspore))
    scope: dict[str, object] = {}
    exec("from mindspore import *", scope)
    assert scope["Tensor"] is sporax.Tensor
    assert scope["nn"] is sporax.nn


def test_uninstall_restores_the_modules():
    before = {name: dict(vars(sys.modules[name])) for name in {*compat.SERVED.values()} & set(sys.modules)}
    compat.install()
    for path in compat.SERVED:
        importlib.import_module(path)
    compat.uninstall()
    assert not compat.installed()
    assert not [name for name in sys.modules if name.split(".")[0] == "mindspore"]
    for name, names in before.items():
        now = vars(sys.modules[name])
        assert now.get("__getattr__") is names.get("__getattr__")
        assert {n for n, v in now.items() if isinstance(v, types.ModuleType) and n not in names} <= {
            target.rpartition(".")[2] for target in compat.SERVED.values()
        }
    compat.uninstall()


def test_a_second_install_does_nothing():
    compat.install()
    compat.install()
    assert sum(type(finder).__name__ == "_Finder" for finder in sys.meta_path) == 1
    compat.uninstall()
    assert not compat.installed()


def test_an_imported_mindspore_is_not_replaced(monkeypatch):
    real = types.ModuleType("mindspore")
    real.__file__ = "/elsewhere/mindspore/__init__.py"
    monkeypatch.setitem(sys.modules, "mindspore", real)
    with pytest.raises(CompatError, match=r"already imported, from /elsewhere/mindspore/__init__\.py\. Call"):
        compat.install()
    assert not compat.installed()
    assert sys.modules["mindspore"] is real


def test_importing_sporax_does_not_install_the_alias():
    code = "import sporax, sys\nsporax.nn, sporax.train, sporax.compat\nprint('mindspore' in sys.modules)\n"
    code += "import importlib.util\nprint(any(type(f).__name__ == '_Finder' for f in sys.meta_path))"
    assert in_fresh_process(code) == "False\nFalse\n"


def test_a_fresh_process_can_start_with_any_import():
    start = "from sporax import compat\ncompat.install()\n"
    assert in_fresh_process(start + "import mindspore.nn as nn\nprint(nn.__name__)") == "sporax.nn\n"
    code = "from mindspore.common.initializer import Normal\nprint(Normal.__name__)"
    assert in_fresh_process(start + code) == "Normal\n"
    code = "from mindspore import dataset as ds\nimport sys\nprint(ds.__name__, 'jax' in sys.modules)"
    assert in_fresh_process(start + code) == "sporax.dataset False\n"
