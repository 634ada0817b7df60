"""The recorded mode: in eager code inside `grad` and `value_and_grad` values are concrete, and gradients are exact."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sporax
from sporax import Model, Parameter, Tensor, context, grad, nn, ops, value_and_grad
from sporax import dataset as ds
from sporax._errors import LabelError, OutOfRangeError, SporaxWarning
from sporax.core import Generator
from sporax.transforms import _modes, _program

X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.5]], np.float32)


@pytest.fixture(autouse=True)
def no_departures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_modes, "USES", {})


def departures() -> list[str]:
    """Why functions were traced, in the order of their first use."""
    return [each.reason for each in _modes.USES.values() if each.reason is not None]


class TestValuesAreConcrete:
    def test_print_float_asnumpy_item_and_branches(self, capsys: pytest.CaptureFixture[str]):
        def function(x):
            h = x * 2
            print(h)
            seen.append((float(h.sum()), h.asnumpy().tolist(), h[0, 0].item(), f"{h[0, 0]:.1f}", bool(h[0, 0] > 0)))
            return (h * h).sum() if h.sum() > 0 else -h.sum()

        seen: list[Any] = []
        value, gradient = value_and_grad(function)(Tensor(X))
        assert seen == [(9.0, (X * 2).tolist(), 1.0, "1.0", True)]
        assert "traced" not in capsys.readouterr().out
        assert value.item() == pytest.approx(4 * (X**2).sum())
        np.testing.assert_allclose(gradient, 8 * X)
        assert not departures()

    def test_a_branch_is_chosen_in_each_call(self):
        gradient = grad(lambda x: (x * 3).sum() if x.sum() > 0 else (x * 5).sum())
        assert gradient(Tensor([1.0])).item() == 3
        assert gradient(Tensor([-1.0])).item() == 5

    def test_repr_of_intermediate_values(self):
        shown = []
        grad(lambda x: [shown.append(repr(x * 1)), x.sum()][1])(Tensor([1.0, 2.0]))
        assert "1.0" in shown[0]
        assert "traced" not in shown[0]

    def test_values_that_are_kept_are_constants_afterwards(self):
        kept = []

        def function(x):
            kept.append(x * 2)
            return kept[0].sum()

        grad(function)(Tensor([1.0, 2.0]))
        np.testing.assert_array_equal(jnp.asarray(kept[0].jax()), [2, 4])
        np.testing.assert_array_equal(grad(lambda x: (x * kept[0]).sum())(Tensor([1.0, 1.0])), [2, 4])

    def test_hooks_and_bprop_get_concrete_gradients(self):
        seen = []

        class Doubled(nn.Cell):
            def construct(self, x):
                seen.append(float(x.sum()))
                return x * 2

            def bprop(self, x, out, dout):
                seen.append((float(x.sum()), float(out.sum()), float(dout.sum())))
                return (dout * 3,)

        cell = Doubled()
        cell.register_backward_hook(lambda _, given, out: seen.append((float(given[0].sum()), float(out[0].sum()))))

        def function(x):
            y = x * 1
            y.register_hook(lambda gradient: seen.append(float(gradient.sum())))
            return (cell(y) * 2).sum()

        np.testing.assert_array_equal(grad(function)(Tensor([1.0, 2.0])), [6, 6])
        assert seen == [3.0, (3.0, 6.0, 4.0), (12.0, 4.0), 12.0]

    def test_bprop_has_the_tensors_of_its_call_and_may_assign_attributes(self):
        class Saving(nn.Cell):
            def __init__(self) -> None:
                super().__init__()
                self.count = 0

            def construct(self, x):
                self.saved = x * 10
                return x * 2

            def bprop(self, x, out, dout):
                self.count += 1
                self.last = dout
                return (dout * self.saved,)

        cell = Saving()
        gradient = grad(lambda x: (cell(x) + cell(x * x)).sum())(Tensor([3.0]))
        # 10 x, and 10 x² times the derivative of x².
        assert gradient.item() == 30 + 90 * 6
        assert cell.count == 2
        assert cell.last.asnumpy().item() == 1

    def test_pynative_mode_makes_model_train_concrete(self):
        seen = []

        class Network(nn.Cell):
            def __init__(self) -> None:
                super().__init__()
                self.dense = nn.Dense(3, 1)

            def construct(self, x):
                seen.append(float(x.sum()))
                return self.dense(x)

        context.set_context(mode=context.PYNATIVE_MODE)
        network = Network()
        data = ds.NumpySlicesDataset((X, X[:, :1]), ["x", "y"], shuffle=False).batch(1)
        Model(network, nn.MSELoss(), nn.SGD(network.trainable_params(), 0.1)).train(2, data)
        np.testing.assert_allclose(seen, [*X.sum(1), *X.sum(1)])


def image_network() -> nn.Cell:
    return nn.SequentialCell(
        nn.Conv2d(3, 4, 3, has_bias=True), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2, 2), nn.AvgPool2d(2, 2),
        nn.Flatten(), nn.Dense(16, 2),
    )  # fmt: skip


class Siamese(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.dense = nn.BatchNorm1d(3), nn.Dense(3, 2)

    def construct(self, x):
        return self.dense(self.norm(x)) * self.dense(self.norm(x * x))


class InHalfPrecision(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.SequentialCell(nn.Dense(3, 4), nn.ReLU(), nn.Dense(4, 2)).to_float(sporax.float16)

    def construct(self, x):
        return self.body(x).astype(sporax.float32)


NETWORKS = {
    "dense, dropout": (lambda: nn.SequentialCell(nn.Dense(3, 5), nn.Dropout(p=0.5), nn.Dense(5, 2)), X),
    "batch norm": (lambda: nn.SequentialCell(nn.Dense(3, 5), nn.BatchNorm1d(5), nn.ReLU()), X),
    "a layer that is called twice": (Siamese, X),
    "layer norm": (lambda: nn.SequentialCell(nn.LayerNorm((3,)), nn.GELU(), nn.PReLU()), X),
    "convolutions": (image_network, np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)),
    "to_float": (InHalfPrecision, X),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_has_the_gradients_and_the_state_of_the_traced_mode(name: str, monkeypatch: pytest.MonkeyPatch):
    make, x = NETWORKS[name]

    def run() -> list[Any]:
        sporax.set_seed(5)
        network = make()
        network.set_train()
        differentiate = value_and_grad(lambda x: (network(x) ** 2).sum(), 0, network.trainable_params())
        results = [differentiate(Tensor(x)) for _ in range(2)]
        return jax.tree.map(np.asarray, (results, [each.asnumpy() for each in network.get_parameters()]))

    recorded = run()
    assert not departures()
    monkeypatch.setattr("sporax.transforms._grad.can_record", lambda: False)
    for ours, traced in zip(jax.tree.leaves(recorded), jax.tree.leaves(run()), strict=True):
        assert ours.dtype == traced.dtype
        np.testing.assert_allclose(ours, traced, rtol=1e-4, atol=2e-4 if name == "to_float" else 2e-5)


class TestStateInTheForwardPass:
    def test_elements_that_are_written(self):
        def function(x):
            y = x * 1
            y[0] = y[1] * 2
            y[1, 2] = 5
            part = y[1]
            part.add_(3)
            y.add_(x)
            return (y * y).sum()

        first, second = X
        final = np.stack([second * 2 + first, np.array([second[0], second[1], 5]) + 3 + second])
        expected = np.stack([2 * final[0], 4 * final[0] + 2 * final[1] * [2, 2, 1]])
        np.testing.assert_allclose(grad(function)(Tensor(X)), expected, rtol=1e-6)
        assert not departures()

    def test_an_input_of_the_caller_that_is_written(self):
        outside = Tensor([1.0, 2.0])

        def function(x):
            outside[0] = x[1] * 3
            return (outside * x).sum()

        np.testing.assert_array_equal(grad(function)(Tensor([5.0, 7.0])), [21, 17])
        np.testing.assert_array_equal(outside, [21, 2])

    def test_parameters_that_are_written(self):
        p = Parameter(Tensor([0.0, 0.0]), name="p")

        def function(x):
            ops.assign(p, x * 3)
            q = p * x
            ops.assign_add(p, x)
            return q.sum() + p.sum()

        np.testing.assert_array_equal(grad(function)(Tensor([1.0, 2.0])), [10, 16])
        np.testing.assert_array_equal(p, [4, 8])
        assert not departures()

    def test_a_weight_that_is_written_gets_the_gradient_of_its_earlier_value(self):
        p = Parameter(Tensor([2.0]), name="p")

        def function(x):
            y = p * x
            p.set_data(y)
            return (p * x).sum()

        by_x, (by_p,) = grad(function, 0, [p])(Tensor([3.0]))
        assert (by_x.item(), by_p.item(), p.asnumpy().item()) == (12, 9, 6)

    def test_draws_differ_between_calls_and_repeat_with_the_seed(self):
        gradient = grad(lambda x: (ops.dropout(x, p=0.5, training=True) * ops.standard_normal((4, 25))).sum())
        x = Tensor(np.ones((4, 25), np.float32))
        sporax.set_seed(1)
        first, second = gradient(x).asnumpy(), gradient(x).asnumpy()
        sporax.set_seed(1)
        np.testing.assert_array_equal(gradient(x), first)
        assert (first != second).any()
        assert 20 < (first == 0).sum() < 80

    def test_a_generator_that_is_created_by_its_first_draw(self):
        generator = Generator()
        gradient = grad(lambda x: (x * (x * 1).uniform(generator=generator)).sum())
        x = Tensor(np.ones((2, 50), np.float32))
        assert (gradient(x).asnumpy() != gradient(x).asnumpy()).all()

    def test_an_error_of_the_function_leaves_the_state_unchanged(self):
        p, outside = Parameter(Tensor([1.0]), name="p"), Tensor([1.0, 2.0])

        def function(x):
            ops.assign(p, x[:1])
            outside[0] = x[0]
            raise RuntimeError("of the function")

        with pytest.raises(RuntimeError, match="of the function"):
            grad(function)(Tensor([5.0, 7.0]))
        assert p.asnumpy().item() == 1
        np.testing.assert_array_equal(outside, [1, 2])


class TestArguments:
    def test_outputs_that_are_used_twice_or_not_at_all(self):
        def function(x):
            first, _, third = ops.split(x, 1, axis=1)
            return (first * first).sum() + (first * third).sum()

        expected = np.stack([2 * X[:, 0] + X[:, 2], 0 * X[:, 1], X[:, 0]], axis=1)
        np.testing.assert_allclose(grad(function)(Tensor(X)), expected)

    def test_an_input_that_is_not_used_has_a_gradient_of_zeros(self):
        by_x, by_y = grad(lambda x, y: x.sum(), (0, 1))(Tensor(X), Tensor([1.0, 2.0]))
        np.testing.assert_array_equal(by_x, np.ones_like(X))
        np.testing.assert_array_equal(by_y, [0, 0])

    def test_several_outputs_are_summed_and_sensitivities_are_applied(self):
        gradient = grad(lambda x: (x * 2, {"mean": x.mean()}, x.argmax()))(Tensor([1.0, 2.0]))
        np.testing.assert_array_equal(gradient, [2.5, 2.5])
        weighted = grad(lambda x: (x * x, x.sum()), sens_param=True)
        np.testing.assert_array_equal(weighted(Tensor([1.0, 2.0]), (Tensor([1.0, 10.0]), Tensor(0.5))), [2.5, 40.5])

    def test_has_aux_differentiates_the_first_output(self):
        (value, (aux,)), gradient = value_and_grad(lambda x: (x.sum(), [x * 3]), has_aux=True)(Tensor([1.0, 2.0]))
        assert value.item() == 3
        np.testing.assert_array_equal(aux, [3, 6])
        np.testing.assert_array_equal(gradient, [1, 1])

    def test_a_shared_and_a_frozen_parameter(self):
        p, q = Parameter(Tensor([2.0]), name="p"), Parameter(Tensor([5.0]), name="q", requires_grad=False)
        first, second, frozen = grad(lambda x: (p * p * x * q).sum(), None, [p, p, q])(Tensor([3.0]))
        assert (first.item(), second.item(), frozen.item()) == (60, 60, 0)

    def test_stop_gradient_and_integer_outputs(self):
        def function(x):
            return (ops.stop_gradient(x) * x).sum() + (x.argmax(1) * x.sum(1)).sum()

        np.testing.assert_allclose(grad(function)(Tensor(X)), X + X.argmax(1)[:, None])

    def test_numbers_do_not_make_new_programs(self):
        gradient = grad(lambda x, k: (x * k).sum())
        assert [gradient(Tensor([1.0]), k).item() for k in (2.0, 3.0, 0.5)] == [2, 3, 0.5]
        gradient = grad(lambda x, k: (x / k + k - x * k).sum())
        assert gradient(Tensor([1.0]), 4).item() == pytest.approx(0.25 - 4)
        assert gradient(Tensor(np.float16([1.0])), 4.0).dtype == sporax.float16

    def test_one_program_for_all_indices(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(_program, "PROGRAMS", _program._Programs())

        def function(x):
            x = x * 1
            x[2, -1] = x[0, 0] * 10
            return sum((i + 1) * x[i].sum() for i in range(3)) + x[-1, 1:].sum() + x[2][0]

        expected = np.array([[1 + 40, 1, 1], [2, 2, 2], [3 + 1, 3 + 1, 0]], np.float32)
        np.testing.assert_allclose(grad(function)(Tensor(np.ones((3, 3), np.float32))), expected)
        names = {each.__name__: len(found) for each, found in _program.PROGRAMS._of.items() if callable(each)}
        assert names["_part"] == 4  # x[0, 0], x[i], x[-1, 1:], x[2][0]
        assert names["_with_part"] == 1
        assert not departures()

    def test_a_function_whose_result_has_an_unknown_shape(self):
        gradient = grad(lambda x: (ops.masked_select(x, x > 0) ** 2).sum())(Tensor(X))
        np.testing.assert_allclose(gradient, np.where(X > 0, 2 * X, 0))
        assert not departures()


class TestDepartures:
    """What a tape cannot record is traced, with the same result."""

    def test_code_of_jax(self):
        def function(x):
            return Tensor(jnp.sin(x.jax())).sum() + jnp.sum(jnp.asarray(x) * 2)

        for _ in range(2):
            np.testing.assert_allclose(grad(function)(Tensor(X)), np.cos(X) + 2, rtol=1e-6)
        (use,) = _modes.USES.values()
        assert use.at is not None
        assert use.at[0] == __file__
        assert use.function.endswith("function")
        assert (use.recorded, use.traced) == (0, 2)

    def test_a_parameter_that_code_of_jax_reads(self):
        p = Parameter(Tensor([2.0]), name="p")
        (gradient,) = grad(lambda: Tensor(jnp.exp(p.jax())).sum(), None, [p])()
        assert gradient.item() == pytest.approx(np.exp(2), rel=1e-6)
        assert "'p'" in departures()[0]

    @pytest.mark.parametrize(
        "function",
        [
            lambda x: (grad(lambda y: (y**3).sum())(x) * x).sum(),
            lambda x: (ops.vmap(lambda row: (row * row * 3).sum())(x) * x.sum(1)).sum() * 0 + (3 * x**3).sum(),
            lambda x: sporax.recompute(lambda y: y**3, x).sum() * 3,
            lambda x: ops.cond(x.sum() > 0, lambda a: a**3 * 3, lambda a: a, x).sum(),
            lambda x: sporax.jit(lambda y: (y**3).sum() * 3)(x),
        ],
        ids=["grad", "vmap", "recompute", "cond", "jit"],
    )
    def test_other_transforms(self, function: Any):
        np.testing.assert_allclose(grad(function)(Tensor(X)), 9 * X**2, rtol=1e-5)
        assert len(departures()) == 1

    def test_what_happened_before_is_undone_once(self):
        p, outside = Parameter(Tensor([1.0]), name="p"), Tensor([0.0, 0.0])
        draws = []

        def function(x):
            ops.assign_add(p, Tensor([1.0]))
            outside[0] = outside[0] + x[0]
            draws.append(np.random.uniform())
            return Tensor(jnp.sum(x.jax() * outside.jax()))

        np.random.seed(4)
        np.testing.assert_array_equal(grad(function)(Tensor([3.0, 5.0])), [6, 0])
        assert p.asnumpy().item() == 2
        np.testing.assert_array_equal(outside, [3, 0])
        assert len(draws) == 2
        assert draws[0] == draws[1]
        grad(function)(Tensor([3.0, 5.0]))
        assert len(draws) == 3

    def test_graph_mode_traces(self):
        context.set_context(mode=context.GRAPH_MODE)
        seen = []
        grad(lambda x: [seen.append(repr(x)), x.sum()][1])(Tensor([1.0]))
        assert "traced" in seen[0]

    def test_inside_a_transform_of_jax(self):
        def function(array):
            return grad(lambda x: (x * x).sum())(Tensor(array)).jax()

        np.testing.assert_array_equal(jax.jit(function)(X), 2 * X)
        np.testing.assert_array_equal(jax.vmap(function)(X), 2 * X)
        constant = jax.jit(lambda array: grad(lambda x: (x * x).sum())(Tensor(X)).jax() + array)
        np.testing.assert_array_equal(constant(X), 3 * X)


class TestChecksOfValues:
    def test_labels_and_indices_are_checked(self):
        labels = Tensor(np.array([0, 3]))
        for function in (nn.CrossEntropyLoss(), value_and_grad(nn.CrossEntropyLoss())):
            with pytest.raises(LabelError, match=r"\[0, 3\), but got 3 at index \(1,\)"):
                function(Tensor(X), labels)
            function(Tensor(X), Tensor(np.array([0, 2])))
            with pytest.raises(LabelError):
                function(Tensor(X), labels)
        table = nn.Embedding(4, 3)
        with pytest.raises(OutOfRangeError, match="the input holds 9"):
            grad(lambda x: (table(Tensor([9])) * x).sum(), 0, table.trainable_params())(Tensor(X))
        with pytest.raises(OutOfRangeError):
            grad(lambda x: ops.gather(x, Tensor([5]), 0).sum())(Tensor(X))

    def test_debug_checks_can_be_switched_off(self):
        loss, labels = value_and_grad(nn.CrossEntropyLoss()), Tensor(np.array([0, 3]))
        with sporax.losses.debug_checks(False):
            loss(Tensor(X), labels)
        with pytest.raises(LabelError):
            loss(Tensor(X), labels)

    def test_a_value_that_python_needs(self):
        def clipped(limit):
            return grad(lambda x: sum(ops.clip_by_norm((x,), limit, error_if_nonfinite=True)).sum())

        np.testing.assert_allclose(clipped(100.0)(Tensor(X)), np.ones_like(X), rtol=1e-5)


class TestPrograms:
    def test_their_number_is_bounded_with_one_warning(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(_program, "LIMIT", 3)
        monkeypatch.setattr(_program, "PROGRAMS", _program._Programs())
        gradient = grad(ops.tanh)

        def differentiate(sizes: range) -> None:
            for size in sizes:
                np.testing.assert_allclose(gradient(Tensor(np.zeros(size, np.float32))), np.ones(size))

        with pytest.warns(SporaxWarning, match=r"tanh was compiled for 3 different.*pad the inputs"):
            differentiate(range(1, 5))
        differentiate(range(5, 8))
        assert all(len(each) <= 3 for each in _program.PROGRAMS._of.values())

    def test_they_keep_no_data_alive(self):
        def references() -> list[Any]:
            network, x = nn.SequentialCell(nn.Dense(3, 7), nn.Tanh()), Tensor(np.ones((2, 3), np.float32))
            value_and_grad(lambda x: network(x).sum(), 0, network.trainable_params())(x)
            nn.L1Loss()(x, x)
            return [weakref.ref(each) for each in (network, network[0], network[0].weight, x, x.jax())]

        found = references()
        gc.collect()
        assert [each() for each in found] == [None] * 5

    def test_intermediate_values_are_freed_after_the_backward_pass(self):
        kept = []

        def function(x):
            kept.append(x * 1)
            return (kept[0].exp() * x).sum()

        x = Tensor(np.ones((17, 13), np.float32))
        value, gradient = value_and_grad(function)(x)
        gc.collect()
        alive = [each for each in jax.live_arrays() if each.shape == (17, 13)]
        assert len(alive) == 3  # x, its gradient, and what the function kept
        del value, gradient

    def test_a_setting_of_jax_that_changes(self):
        gradient = grad(lambda x: ops.matmul(x, x.T).sum())
        expected = gradient(Tensor(X)).asnumpy()
        with jax.default_matmul_precision("float32"):
            np.testing.assert_allclose(gradient(Tensor(X)), expected, rtol=1e-6)

    def test_cells_of_one_kind_share_a_program_but_not_values(self):
        cells = [nn.Dense(3, 2, weight_init=k) for k in (1.0, 2.0)]
        losses = [nn.CrossEntropyLoss(weight=Tensor(each)) for each in ([1.0, 1.0], [1.0, 3.0])]
        x, y = Tensor(X), Tensor(np.array([0, 1]))
        np.testing.assert_allclose([grad(lambda x, c=c: c(x).sum())(x).asnumpy()[0, 0] for c in cells], [2, 4])
        logits = Tensor([[0.0, 0.0], [0.0, 1.0]])
        first, second = (loss(logits, y).item() for loss in losses)
        log = [np.log(2), np.log(1 + np.exp(-1))]
        np.testing.assert_allclose([first, second], [np.mean(log), (log[0] + 3 * log[1]) / 4], rtol=1e-6)

    def test_an_attribute_that_changes(self):
        loss = nn.HuberLoss(delta=1.0)
        x, y = Tensor([3.0]), Tensor([0.0])
        assert grad(loss)(x, y).item() == 1
        loss.delta = 0.5
        assert grad(loss)(x, y).item() == 0.5
        assert loss(x, y).item() == pytest.approx(0.5 * (3 - 0.25))

    def test_equal_layers_share_a_program(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(_program, "PROGRAMS", _program._Programs())
        network = nn.SequentialCell([nn.Conv2d(2, 2, 3, weight_init="ones") for _ in range(3)])
        x = Tensor(np.ones((1, 2, 4, 4), np.float32))
        grad(lambda x: network(x).sum())(x)
        assert len(_program.PROGRAMS._of[nn.Conv2d]) == 1

    def test_an_object_of_the_user_in_a_loss_of_sporax_may_change(self):
        class Distance:
            factor = 2.0

            def __call__(self, a: Tensor, b: Tensor) -> Tensor:
                return ((a - b) ** 2).sum(-1) * self.factor

        distance = Distance()
        loss = nn.TripletMarginWithDistanceLoss(distance_function=distance, margin=100.0)
        inputs = [Tensor(np.full((1, 2), value, np.float32)) for value in (1.0, 2.0, 4.0)]
        first = loss(*inputs).item()
        distance.factor = 4.0
        second, (by_anchor,) = value_and_grad(loss, (0,))(*inputs)
        assert (first, second.item()) == (100 + 2 * (2 - 18), 100 + 4 * (2 - 18))
        np.testing.assert_allclose(by_anchor, [[4 * (-2 + 6)] * 2])

    def test_threads_share_programs(self):
        results: dict[int, Any] = {}

        def work(k: int) -> None:
            gradient = grad(lambda x: (ops.sinh(x) * k).sum())
            results[k] = [gradient(Tensor(np.full(5, 0.5, np.float32))).asnumpy() for _ in range(5)]

        threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2, 3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        for k, found in results.items():
            np.testing.assert_allclose(found, np.full((5, 5), k * np.cosh(0.5)), rtol=1e-6)
        assert len(results) == 3
