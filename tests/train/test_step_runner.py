"""The step runner: the state on the device, lent by the Parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax._errors import EagerFallbackWarning
from sporax.core import Cell, Parameter, context, wrap
from sporax.train.runner import BLOCK_STEPS, StepRunner, _speculation
from sporax.train.runner._program import count_operations
from sporax.transforms import value_and_grad


class Line(Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(np.zeros((1, 1), np.float32))
        self.rate = Parameter(np.float32(0.1), requires_grad=False)
        self.unused = Parameter(np.float32(9.0), requires_grad=False)
        self.steps = Parameter(np.int32(0), requires_grad=False)

    def loss(self, x, y):
        return wrap(jnp.mean(jnp.square(x._value @ self.w._value - y._value)))

    def train_step(self, x, y):
        loss, (gradient,) = value_and_grad(self.loss, None, [self.w])(x, y)
        self.w.set_data(self.w - self.rate * gradient)
        self.steps.set_data(self.steps + 1)
        return loss


def data(steps=6, batch=4, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(steps, batch, 1)).astype(np.float32)
    return x, 3 * x


def reference(x, y, w=0.0, rate=0.1):
    losses = []
    for a, b in zip(x.astype(np.float64), y.astype(np.float64), strict=True):
        losses.append(np.mean((a * w - b) ** 2))
        w -= rate * np.mean(2 * (a * w - b) * a)
    return losses, w


def make():
    line = Line()
    return line, StepRunner(line.train_step, line.get_parameters(), "Line")


def test_steps_follow_the_formula_and_parameters_have_the_state():
    line, runner = make()
    x, y = data()
    losses = [float(runner.run((a, b))[0]) for a, b in zip(x, y, strict=True)]
    expected, w = reference(x, y)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    np.testing.assert_allclose(line.w.asnumpy(), [[w]], rtol=1e-5)
    assert int(line.steps) == 6


def test_many_steps_in_one_call_equal_single_steps():
    (line, runner), (other, single) = make(), make()
    x, y = data(7)
    many = np.asarray(runner.run_many((x, y))[0])
    np.testing.assert_allclose(many, [float(single.run(pair)[0]) for pair in zip(x, y, strict=True)], rtol=1e-6)
    np.testing.assert_allclose(line.w.asnumpy(), other.w.asnumpy(), rtol=1e-6)
    assert int(line.steps) == 7


def test_reading_a_parameter_has_no_effect_and_the_value_is_kept():
    line, runner = make()
    x, y = data()
    runner.run((x[0], y[0]))
    seen, held = line.w.asnumpy(), line.w.value()
    for a, b in zip(x[1:], y[1:], strict=True):
        runner.run((a, b))
    np.testing.assert_array_equal(held.asnumpy(), seen)
    np.testing.assert_allclose(line.w.asnumpy(), [[reference(x, y)[1]]], rtol=1e-5)


def test_an_array_taken_before_training_survives_donation():
    line, runner = make()
    before = line.w.value()
    x, y = data()
    for a, b in zip(x, y, strict=True):
        runner.run((a, b))
    np.testing.assert_array_equal(before.asnumpy(), [[0.0]])


def test_the_next_step_starts_from_a_written_value():
    line, runner = make()
    x, y = data()
    runner.run((x[0], y[0]))
    line.w.set_data(np.full((1, 1), 5.0, np.float32))
    line.rate.set_data(np.float32(0.0))
    loss = float(runner.run((x[1], y[1]))[0])
    np.testing.assert_allclose(loss, reference(x[1:2], y[1:2], w=5.0)[0][0], rtol=1e-5)
    np.testing.assert_array_equal(line.w.asnumpy(), [[5.0]])


def test_writing_a_rate_does_not_compile_again():
    line, runner = make()
    x, y = data()
    runner.run((x[0], y[0]))
    line.rate.set_data(np.float32(0.01))
    runner.run((x[1], y[1]))
    assert len(runner._programs) == 1
    assert runner._current.single._cache_size() <= 2


def test_only_used_parameters_are_passed():
    line, runner = make()
    x, y = data()
    runner.run((x[0], y[0]))
    assert set(runner._current.written) == {line.w, line.steps}
    assert runner._current.kept == (line.rate,)


def test_another_batch_size_continues_from_the_same_state():
    line, runner = make()
    x, y = data()
    runner.run((x[0], y[0]))
    runner.run((x[1, :3], y[1, :3]))
    _, w = reference(x[:1], y[:1])
    _, w = reference(x[1:2, :3], y[1:2, :3], w=w)
    np.testing.assert_allclose(line.w.asnumpy(), [[w]], rtol=1e-5)
    assert int(line.steps) == 2


def test_two_runners_share_parameters_alternately():
    line, runner = make()
    second = StepRunner(line.train_step, (), "second")
    x, y = data()
    for i, (a, b) in enumerate(zip(x, y, strict=True)):
        (runner if i % 2 else second).run((a, b))
    np.testing.assert_allclose(line.w.asnumpy(), [[reference(x, y)[1]]], rtol=1e-5)
    assert int(line.steps) == 6


def test_release_returns_the_values_and_running_continues():
    line, runner = make()
    x, y = data()
    runner.run((x[0], y[0]))
    runner.release()
    assert line.w._lease is None
    assert line.rate._lease is None
    runner.run((x[1], y[1]))
    np.testing.assert_allclose(line.w.asnumpy(), [[reference(x[:2], y[:2])[1]]], rtol=1e-5)


def test_an_error_in_the_step_does_not_change_the_state():
    line, runner = make()
    x, y = data()
    runner.run((x[0], y[0]))
    with pytest.raises(TypeError):
        runner.run((x[1][:, :0], y[1]))
    np.testing.assert_allclose(line.w.asnumpy(), [[reference(x[:1], y[:1])[1]]], rtol=1e-5)


def test_a_step_that_needs_values_runs_eagerly_with_one_warning():
    line = Line()

    def step(x, y):
        loss = line.train_step(x, y)
        return loss if loss > 1e9 else loss * 1

    runner = StepRunner(step, (), "Line")
    x, y = data()
    with pytest.warns(EagerFallbackWarning, match="Line needs the value.*test_step_runner.py"):
        first = float(runner.run((x[0], y[0]))[0])
    rest = [float(runner.run((a, b))[0]) for a, b in zip(x[1:], y[1:], strict=True)]
    np.testing.assert_allclose([first, *rest], reference(x, y)[0], rtol=1e-5)
    many = runner.run_many((x, y))
    assert many[0].shape == (6,)


def test_pynative_mode_runs_op_by_op():
    context.set_context(mode=context.PYNATIVE_MODE)
    try:
        _, runner = make()
        x, y = data()
        losses = [float(runner.run((a, b))[0]) for a, b in zip(x, y, strict=True)]
        assert not runner._programs
    finally:
        context.reset_context()
    np.testing.assert_allclose(losses, reference(x, y)[0], rtol=1e-5)


def test_operations_are_counted_at_any_depth():
    def conv(x):
        return jax.lax.conv(x, jnp.ones((1, 1, 2, 2)), (1, 1), "SAME")

    def count(function, x):
        return count_operations(jax.make_jaxpr(function)(x).jaxpr)

    image = jnp.ones((1, 1, 4, 4))
    # 4 × 4 outputs of a 2 × 2 kernel.
    assert count(conv, image).convolutions == [64]
    nested = count(lambda x: jax.lax.cond(x.sum() > 0, jax.jit(conv), lambda y: y, x), image)
    assert nested.convolutions == [64]
    assert not nested.has_loop
    # 6 elements of the transpose, 12 multiplications, 4 exponentials; the jit is the fourth equation.
    product = count(jax.jit(lambda x: jax.lax.exp(x @ x.swapaxes(0, 1))), jnp.ones((2, 3)))
    assert product == ([], 4, 6 + 12 + 4, False)
    assert count(lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y * 2, x), image).has_loop


def test_a_changed_mode_or_attribute_between_steps_takes_effect_and_keeps_the_state():
    class Scaled(Line):
        def __init__(self):
            super().__init__()
            self.scale = 1.0

        def construct(self, x, y):
            factor = 10.0 if self.training else 1.0
            return self.loss(x, y) * factor * self.scale

        def train_step(self, x, y):
            loss, _ = value_and_grad(self, None, [self.w])(x, y)
            self.steps.set_data(self.steps + 1)
            return loss

    line = Scaled()
    runner = StepRunner(line.train_step, line.get_parameters(), "Line")
    x, y = data()
    losses = [float(runner.run((x[0], y[0]))[0])]
    line.set_train()
    losses.append(float(runner.run((x[0], y[0]))[0]))
    line.scale = 3.0
    losses.append(float(runner.run((x[0], y[0]))[0]))
    line.set_train(False)
    losses.append(float(runner.run((x[0], y[0]))[0]))
    np.testing.assert_allclose(np.array(losses) / losses[0], [1, 10, 30, 3], rtol=1e-6)
    assert int(line.steps) == 4


# --- speculative steps ----------------------------------------------------------------------------------------


def test_speculative_steps_equal_single_steps():
    line, runner = make()
    x, y = data(9)
    runner.run((x[0], y[0]))
    losses = [float(outputs[0]) for outputs in runner.speculate((x[1:], y[1:]))]
    expected, w = reference(x, y)
    np.testing.assert_allclose(losses, expected[1:], rtol=1e-5)
    np.testing.assert_allclose(line.w.asnumpy(), [[w]], rtol=1e-5)
    assert runner._rollbacks == 0


@pytest.mark.parametrize("first_read", [1, 4, 7])
def test_a_read_within_a_block_returns_the_state_after_the_last_step_returned(first_read):
    line, runner = make()
    x, y = data(9)
    runner.run((x[0], y[0]))
    seen = []
    losses = []
    for outputs in runner.speculate((x[1:], y[1:])):
        losses.append(float(outputs[0]))
        if len(losses) >= first_read:
            seen.append((float(line.w.asnumpy()[0, 0]), int(line.steps)))
    for k, (w, steps) in enumerate(seen):
        done = 1 + first_read + k
        np.testing.assert_allclose(w, reference(x[:done], y[:done])[1], rtol=1e-5)
        assert steps == done
    np.testing.assert_allclose(losses, reference(x, y)[0][1:], rtol=1e-5)
    assert runner._rollbacks == 1


def test_a_write_within_a_block_changes_the_steps_that_follow():
    line, runner = make()
    x, y = data(9)
    runner.run((x[0], y[0]))
    losses = []
    for outputs in runner.speculate((x[1:], y[1:])):
        losses.append(float(outputs[0]))
        if len(losses) == 3:
            line.w.set_data(np.full((1, 1), 7.0, np.float32))
            line.rate.set_data(np.float32(0.0))
    np.testing.assert_allclose(losses[:3], reference(x, y)[0][1:4], rtol=1e-5)
    np.testing.assert_allclose(losses[3:], reference(x[4:], y[4:], w=7.0, rate=0.0)[0], rtol=1e-5)


def test_stopping_within_a_block_leaves_the_state_of_that_step():
    line, runner = make()
    x, y = data(9)
    runner.run((x[0], y[0]))
    steps = runner.speculate((x[1:], y[1:]))
    for _ in range(4):
        next(steps)
    runner.release()
    np.testing.assert_allclose(line.w.asnumpy(), [[reference(x[:5], y[:5])[1]]], rtol=1e-5)
    assert int(line.steps) == 5


STEPS = _speculation._MIN_STEPS


def test_only_whole_blocks_of_long_runs_are_speculative():
    _, runner = make()
    x, y = data(BLOCK_STEPS)
    assert not runner.may_speculate((x, y), STEPS), "the program does not exist yet"
    runner.run((x[0], y[0]))
    assert runner.may_speculate((x, y), STEPS)
    assert not runner.may_speculate((x, y), STEPS - 1), "too few steps to compensate for the compilation"
    assert not runner.may_speculate((x, y), 0), "the number of steps is unknown"
    assert not runner.may_speculate((x[:5], y[:5]), STEPS), "a block of another length would be compiled"


@pytest.mark.parametrize("limit", ["_MAX_STATE_BYTES", "_MAX_BATCH_BYTES", "_MAX_OPERATIONS"])
def test_only_small_steps_are_speculative(limit, monkeypatch):
    _, runner = make()
    x, y = data(BLOCK_STEPS)
    runner.run((x[0], y[0]))
    program = runner._current
    size = {
        "_MAX_STATE_BYTES": program.state_bytes,
        "_MAX_BATCH_BYTES": x[0].nbytes + y[0].nbytes,
        "_MAX_OPERATIONS": program.operations.count,
    }[limit]
    monkeypatch.setattr(_speculation, limit, size)
    assert runner.may_speculate((x, y), STEPS)
    monkeypatch.setattr(_speculation, limit, size - 1)
    assert not runner.may_speculate((x, y), STEPS)


@pytest.mark.parametrize("kind", ["loop", "convolution", "effect"])
def test_steps_of_unknown_cost_or_with_side_effects_are_not_speculative(kind):
    line = Line()

    def step(x, y):
        value = x._value
        if kind == "loop":
            value = jax.lax.fori_loop(0, 3, lambda _, each: each * 1, value)
        elif kind == "convolution":
            value = jax.lax.conv(value[None, None], jnp.ones((1, 1, 1, 1), value.dtype), (1, 1), "SAME")[0, 0]
        else:
            jax.debug.callback(lambda _: None, value)
        return line.train_step(wrap(value), y)

    runner = StepRunner(step, line.get_parameters(), "Line")
    x, y = data(BLOCK_STEPS)
    runner.run((x[0], y[0]))
    assert not runner.may_speculate((x, y), STEPS)


def test_repeated_rollbacks_end_speculation():
    line, runner = make()
    x, y = data(BLOCK_STEPS)
    runner.run((x[0], y[0]))
    for expected in (True, True, False):
        assert runner.may_speculate((x, y), STEPS) == expected
        for _ in runner.speculate((x, y)):
            line.w.asnumpy()
