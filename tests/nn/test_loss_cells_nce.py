"""NCELoss as a Cell: the arguments of TensorFlow's function, and seeded draws."""

import inspect

import numpy as np
import pytest

from sporax import nn, set_seed
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Tensor
from sporax.transforms import jit

RNG = np.random.default_rng(2)
ARGUMENTS = (
    Tensor(RNG.normal(size=(20, 3)).astype(np.float32)),
    Tensor(np.zeros(20, np.float32)),
    Tensor(np.array([0, 5, 1, 2, 19])),
    Tensor(RNG.normal(size=(5, 3)).astype(np.float32)),
)


def test_signature_is_that_of_tensorflow_followed_by_sampling_arguments():
    assert list(inspect.signature(nn.NCELoss).parameters) == [
        "num_sampled", "num_classes", "num_true", "sampled_values", "remove_accidental_hits", "sampler", "unique",
        "seed", "reduction",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sampler"), [("NCELoss", "log_uniform"), ("NCELoss", "uniform"), ("SampledSoftmaxLoss", "log_uniform")]
)
def test_draws_differ_from_call_to_call_and_a_seed_repeats_them(name, sampler):
    def run(seed, compiled):
        loss = getattr(nn, name)(4, 20, seed=seed, sampler=sampler, reduction="mean")
        loss = jit(loss) if compiled else loss
        return [float(loss(*ARGUMENTS)) for _ in range(4)]

    compiled = run(3, True)
    np.testing.assert_allclose(run(3, False), compiled, rtol=1e-5)
    assert compiled != run(4, False)
    assert len(set(compiled)) > 1


def test_seed_zero_follows_set_seed():
    loss, runs = nn.NCELoss(4, 20), []
    for _ in range(2):
        set_seed(9)
        runs.append([float(loss(*ARGUMENTS)) for _ in range(3)])
    assert runs[0] == runs[1]


def test_draws_with_replacement_may_exceed_the_number_of_classes():
    assert nn.NCELoss(50, 20, unique=False, reduction="none")(*ARGUMENTS).shape == (5,)
    assert nn.SampledSoftmaxLoss(50, 20, unique=False)(*ARGUMENTS).shape == (5,)


def test_invalid_arguments_are_named():
    with pytest.raises(
        ArgumentError, match="NCELoss: `sampler` must be one of 'uniform', 'log_uniform', but got 'log'"
    ):
        nn.NCELoss(4, 20, sampler="log")
    with pytest.raises(ArgumentTypeError, match="SampledSoftmaxLoss: `unique` must be bool"):
        nn.SampledSoftmaxLoss(4, 20, unique=1)
    with pytest.raises(ArgumentError, match="NCELoss: `num_sampled` must be at least 1, but got 0"):
        nn.NCELoss(0, 20)
