"""Suggestions for names and arguments that do not exist."""

from __future__ import annotations

import functools
from importlib import import_module

import numpy as np
import pytest

import sporax
from sporax import Parameter, _suggest, compat, nn
from sporax._errors import ArgumentTypeError


def resolve(path):
    value = sporax
    for part in path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            value = import_module(f"{value.__name__}.{part}")
    return value


@pytest.mark.parametrize(
    ("package", "foreign", "ours"),
    [(package, *pair) for package, names in _suggest.FOREIGN.items() for pair in names.items()],
)
def test_the_names_of_other_frameworks(package, foreign, ours):
    module = sporax if package == "sporax" else import_module(f"sporax.{package}")
    assert resolve(ours) is not None
    with pytest.raises(AttributeError) as caught:
        getattr(module, foreign)
    assert str(caught.value).endswith(f" MindSpore's name for it is {ours}.")


@pytest.mark.parametrize(
    ("package", "name", "expected"),
    [
        ("nn", "BatchNorm2D", "Did you mean BatchNorm2d?"),
        ("nn", "RMSprop", "Did you mean RMSProp?"),
        ("nn", "L1Los", "Did you mean L1Loss?"),
        ("nn", "cosine_decay_Lr", "Did you mean cosine_decay_lr?"),
        ("nn", "Tensor", "It is in sporax."),
        ("nn", "ReduceLROnPlateau", "It is in sporax."),
        ("nn", "ProgressBar", "It is in sporax.train."),
        ("ops", "expand_dim", "Did you mean expand_dims?"),
        ("train", "LossMonitr", "Did you mean LossMonitor?"),
        ("dataset", "GeneratorDataSet", "Did you mean GeneratorDataset?"),
        ("losses", "mse_los", "Did you mean mse_loss?"),
        ("losses", "SiLU", "It is in sporax.nn."),
        ("", "ProgressBar", "It is in sporax.train."),
        ("", "GeneratorDataset", "It is in sporax.dataset."),
        ("", "Tensr", "Did you mean Tensor?"),
        ("mint.nn", "L1Los", "Did you mean L1Loss?"),
    ],
)
def test_the_nearest_name(package, name, expected):
    module = import_module(f"sporax.{package}" if package else "sporax")
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    assert str(caught.value) == f"module {module.__name__!r} has no attribute {name!r}. {expected}"
    assert not hasattr(module, name)


@pytest.mark.parametrize(
    ("package", "name"),
    [("", "amp"), ("dataset", "vision"), ("nn", "probability"), ("ops", "xyz"), ("", "frobnicate"), ("nn", "_x")],
)
def test_no_suggestion_without_a_similar_name(package, name):
    module = import_module(f"sporax.{package}" if package else "sporax")
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    assert str(caught.value) == f"module {module.__name__!r} has no attribute {name!r}"


def test_a_from_import_has_the_suggestion():
    with pytest.raises(
        ImportError, match=r"cannot import name 'Linear' from 'sporax\.nn'\. MindSpore's .* nn\.Dense\."
    ):
        from sporax.nn import Linear  # noqa: F401
    with pytest.raises(ImportError, match=r"cannot import name 'Tensr' from 'sporax'\. Did you mean Tensor\?"):
        from sporax import Tensr  # noqa: F401
    with pytest.raises(ImportError, match="cannot import name 'vision' from 'sporax.dataset'"):
        from sporax.dataset import vision  # noqa: F401


class TestUnderTheAlias:
    @pytest.fixture(autouse=True)
    def alias(self):
        compat.install()
        yield
        compat.uninstall()

    @pytest.mark.parametrize("path", ["mindspore.dataset.vision", "mindspore.amp", "mindspore.hub"])
    def test_no_module_of_another_package(self, path):
        with pytest.raises(ImportError) as caught:
            import_module(path)
        assert str(caught.value).startswith(f"sporax does not provide the module {path}. docs/differences.md")

    @pytest.mark.parametrize(
        ("path", "name", "expected"),
        [
            ("mindspore.nn", "AdamW", "MindSpore's name for it is nn.AdamWeightDecay."),
            ("mindspore.nn", "BatchNorm2D", "Did you mean BatchNorm2d?"),
            ("mindspore", "ProgressBar", "It is in mindspore.train."),
            ("mindspore.nn", "Bogus", "docs/differences.md"),
            ("mindspore.nn", "AdaMax", "docs/differences.md"),
            ("mindspore.ops", "adaptive_max_pool2d", "docs/differences.md"),
        ],
    )
    def test_names(self, path, name, expected):
        with pytest.raises(AttributeError) as caught:
            getattr(import_module(path), name)
        assert str(caught.value).startswith(f"sporax does not provide {path}.{name}. {expected}")


def weights():
    return [Parameter(np.float32([1.0]), name="w")]


@pytest.mark.parametrize(
    ("make", "where", "given", "meant"),
    [
        (lambda: nn.Adam(weights(), lr=0.1), "Adam", "lr", "'learning_rate'"),
        (lambda: nn.Adam(weights(), betas=(0.9, 0.99)), "Adam", "betas", "'beta1' and 'beta2'"),
        (lambda: nn.Adam(weights(), use_lazzy=True), "Adam", "use_lazzy", "'use_lazy'"),
        (lambda: nn.Adam(weights(), amsgrad=True), "Adam", "amsgrad", "'use_amsgrad'"),
        (lambda: nn.AdamWeightDecay(weights(), wd=0.1), "AdamWeightDecay", "wd", "'weight_decay'"),
        (lambda: nn.Momentum(weights(), lr=0.1, momentum=0.9), "Momentum", "lr", "'learning_rate'"),
        (lambda: nn.Momentum(weights(), 0.1, 0.9, nesterov=True), "Momentum", "nesterov", "'use_nesterov'"),
        (lambda: nn.SGD(weights(), nesterv=True), "SGD", "nesterv", "'nesterov'"),
        (lambda: nn.RMSProp(weights(), alpha=0.9), "RMSProp", "alpha", "'decay'"),
        (lambda: nn.RMSProp(weights(), eps=1e-3), "RMSProp", "eps", "'epsilon'"),
        (lambda: nn.Dense(in_features=2, out_channels=3), "Dense", "in_features", "'in_channels'"),
        (lambda: nn.Dense(2, 3, bias=False), "Dense", "bias", "'has_bias'"),
        (lambda: nn.Conv2d(1, 1, 3, groups=1), "Conv2d", "groups", "'group'"),
        (lambda: nn.BatchNorm2d(3, epsilon=1e-3), "BatchNorm2d", "epsilon", "'eps'"),
        (lambda: nn.Embedding(num_embeddings=3, embedding_size=2), "Embedding", "num_embeddings", "'vocab_size'"),
        (lambda: nn.Dropout(rate=0.1), "Dropout", "rate", "'p'"),
        (lambda: nn.MSELoss(size_average=True), "MSELoss", "size_average", "'reduction'"),
        (lambda: nn.HuberLoss(dleta=1.0), "HuberLoss", "dleta", "'delta'"),
    ],
)
def test_an_unknown_argument_of_a_layer_or_optimizer(make, where, given, meant):
    with pytest.raises(ArgumentTypeError) as caught:
        make()
    assert str(caught.value).startswith(
        f"{where}: there is no argument {given!r}. Did you mean {meant}? Its arguments are:"
    )


class TestCustomClasses:
    def test_a_user_defined_class(self):
        class Net(nn.Cell):
            def __init__(self, hidden_size, *, dropout=0.1):
                super().__init__()

        assert isinstance(Net(hidden_size=3, dropout=0.2), Net)
        with pytest.raises(TypeError, match=r"Net: there is no argument 'hiden_size'\. Did you mean 'hidden_size'\?"):
            Net(hiden_size=3)
        with pytest.raises(TypeError, match=r"no argument 'zzz'\. Its arguments are: hidden_size, dropout\."):
            Net(3, zzz=3)

    def test_signatures_with_var_keyword_and_decorators(self):
        def counted(init):
            @functools.wraps(init)
            def outer(self, *args, count=1, **kwargs):
                init(self, *args, **kwargs)
                self.count = count

            return outer

        class Net(nn.Cell):
            @counted
            def __init__(self, size):
                super().__init__()

        class Open(nn.Cell):
            def __init__(self, **kwargs):
                super().__init__()
                self.given = kwargs

        assert Net(size=1, count=3).count == 3
        assert Open(anything=1).given == {"anything": 1}

    def test_a_changed_constructor(self):
        class Net(nn.Cell):
            def __init__(self, a):
                super().__init__()

        Net(a=1)

        def other(self, b):
            nn.Cell.__init__(self)
            self.b = b

        Net.__init__ = other
        assert Net(b=2).b == 2

    def test_a_second_base_class_with_its_own_constructor(self):
        class Tagged:
            def __new__(cls, *args, **kwargs):
                made = super().__new__(cls)
                object.__setattr__(made, "tag", (args, kwargs))
                return made

        class Net(nn.Cell, Tagged):
            def __init__(self, a, b=1):
                super().__init__()

        assert Net(3, b=4).tag == ((3,), {"b": 4})
