"""Tensors that a compiled program captured: a write to one takes effect, as in MindSpore, where they are references."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import Model, Parameter, Tensor, jit, nn, value_and_grad
from sporax import dataset as ds
from sporax.train import Callback

GLOBAL = Tensor([2.0])
X = Tensor([1.0])


def _times_global(x):
    return x * GLOBAL


class _Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = Parameter(Tensor([0.0]), name="w")
        self.t = Tensor([2.0])
        self.listed = [Tensor([2.0])]
        self.named = {"t": Tensor([2.0])}

    def construct(self, x):
        return (x * self.t * self.listed[0] * self.named["t"] + self.w).sum()


class TestJit:
    def test_a_global(self):
        compiled = jit(_times_global)
        GLOBAL[0] = 2.0
        assert compiled(X).tolist() == [2.0]
        GLOBAL[0] = 3.0
        assert compiled(X).tolist() == [3.0]

    @pytest.mark.parametrize(
        "write",
        [
            lambda t: t.__setitem__(0, 3.0),
            lambda t: t.assign_value(Tensor([3.0])),
            lambda t: t.add_(1.0),
            lambda t: t[:1].fill_(3.0),
        ],
    )
    def test_a_closure(self, write):
        t = Tensor([2.0])
        compiled = jit(lambda x: x * t)
        assert compiled(X).tolist() == [2.0]
        write(t)
        assert compiled(X).tolist() == [3.0]

    def test_the_function_under_a_gradient(self):
        t = Tensor([2.0])
        compiled = jit(value_and_grad(lambda x: (x * t).sum()))
        assert compiled(X)[1].tolist() == [2.0]
        t[0] = 3.0
        assert compiled(X)[1].tolist() == [3.0]

    def test_a_method(self):
        class Holder:
            def __init__(self):
                self.calls = 0

            @jit
            def run(self, x):
                self.calls += 1
                return x * GLOBAL

        holder = Holder()
        GLOBAL[0] = 2.0
        assert [holder.run(X).tolist(), holder.run(X).tolist()] == [[2.0], [2.0]]
        assert holder.calls == 1
        GLOBAL[0] = 5.0
        assert holder.run(X).tolist() == [5.0]

    @pytest.mark.parametrize("where", ["t", "listed", "named"])
    def test_an_attribute_of_a_cell(self, where: str):
        net = _Net()
        compiled = jit(net)
        assert compiled(X).item() == 8.0
        {"t": net.t, "listed": net.listed[0], "named": net.named["t"]}[where][0] = 3.0
        assert compiled(X).item() == 12.0

    def test_an_unrelated_write_does_not_trace_again(self):
        traced = []
        t, other = Tensor([2.0]), Tensor([0.0])

        @jit
        def run(x):
            traced.append(1)
            return x * t

        for step in range(4):
            run(X)
            other[0] = float(step)
        assert len(traced) == 1

    def test_a_tensor_created_in_construct_and_kept_is_not_a_constant(self):
        class Keeps(nn.Cell):
            def construct(self, x):
                self.last = x * 2
                return self.last + 1

        compiled = jit(Keeps())
        assert [compiled(X).tolist(), compiled(Tensor([2.0])).tolist()] == [[3.0], [5.0]]


class _Grow(Callback):
    """Adds one to a Tensor after a step."""

    def __init__(self, tensor: Tensor, steps: range) -> None:
        super().__init__()
        self.tensor, self.steps = tensor, steps

    def step_end(self, run_context):
        if run_context.original_args().cur_step_num in self.steps:
            self.tensor.add_(1.0)


def _expected(steps: int, grown: range) -> float:
    w, t = np.float32(0.0), np.float32(2.0)
    for step in range(1, steps + 1):
        w = w - np.float32(0.001) * 2 * (w * t - 1) * t
        t = t + (step in grown)
    return float(w)


class _Scaled(nn.Cell):
    def __init__(self, scale: Tensor | None = None):
        super().__init__()
        self.w = Parameter(Tensor([[0.0]]), name="w")
        self.scale = scale

    def construct(self, x):
        return 0 * x + (self.w if self.scale is None else self.w * self.scale)


@pytest.mark.parametrize("where", ["network", "loss"])
def test_a_callback_writes_while_model_trains(where: str):
    scale = Tensor([[2.0]])
    net = _Scaled(scale if where == "network" else None)
    loss = nn.MSELoss() if where == "network" else lambda output, label: ((output * scale - label) ** 2).mean()
    data = ds.NumpySlicesDataset((np.ones((5, 1), np.float32),) * 2, ["data", "label"], shuffle=False).batch(1)
    Model(net, loss, nn.SGD(net.trainable_params(), 0.001)).train(1, data, callbacks=_Grow(scale, range(1, 6)))
    np.testing.assert_allclose(net.w.item(), _expected(5, range(1, 6)), rtol=1e-5)


@pytest.mark.parametrize("what", ["tensor", "attribute"])
def test_a_change_within_a_speculative_block(what: str, monkeypatch):
    # Small steps run speculatively, 64 at a time. Here always, and the change occurs within such a block.
    from sporax.train.runner import StepRunner

    blocks = []
    speculate = StepRunner.speculate
    monkeypatch.setattr(StepRunner, "may_speculate", lambda self, stacked, steps: self._current is not None)
    monkeypatch.setattr(StepRunner, "speculate", lambda self, stacked: blocks.append(1) or speculate(self, stacked))
    net = _Scaled(Tensor([[2.0]]))

    class Change(Callback):
        def step_end(self, run_context):
            if run_context.original_args().cur_step_num == 150:
                if what == "tensor":
                    net.scale[0] = 3.0  # pyright: ignore[reportOptionalSubscript]
                else:
                    net.scale = Tensor([[3.0]])

    data = ds.NumpySlicesDataset((np.ones((200, 1), np.float32),) * 2, ["data", "label"], shuffle=False).batch(1)
    Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.001)).train(1, data, callbacks=Change())
    assert blocks
    np.testing.assert_allclose(net.w.item(), _expected(200, range(150, 151)), rtol=1e-5)
