"""Hooks of Cells, Tensors and Parameters. Expected values are those of MindSpore 2.10, or computed manually."""

from __future__ import annotations

import gc
import weakref

import jax
import numpy as np
import pytest

import sporax.dataset as ds
from sporax import Model, SporaxWarning, nn, ops
from sporax.core import Parameter, Tensor, context
from sporax.transforms import grad, jit, recompute, value_and_grad, vmap

pytestmark = pytest.mark.usefixtures("gradient_mode")

X = Tensor(np.array([1.0, 2.0], np.float32))
Y = Tensor(np.array([3.0, 4.0], np.float32))
ROWS = Tensor(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32))


class Weighted(nn.Cell):
    def __init__(self, name="w"):
        super().__init__()
        self.w = Parameter(np.array([2.0, 5.0], np.float32), name=name)

    def construct(self, x):
        return x * self.w


class Two(nn.Cell):
    """x w w, elementwise: the gradients are 4, 25 for x, and 2 x, 5 x for each w."""

    def __init__(self):
        super().__init__()
        self.a = Weighted("a")
        self.b = Weighted("b")

    def construct(self, x):
        return self.b(self.a(x))


class Pair(nn.Cell):
    def construct(self, x, y):
        return x * y, x + y


def arrays(tree):
    if isinstance(tree, (tuple, list)):
        return tuple(arrays(each) for each in tree)
    return None if tree is None else np.asarray(tree).tolist()


def same(function, *args):
    """Return `function(*args)`, after a check that jit gives the same result."""
    eager, jitted = function(*args), jit(function)(*args)
    for left, right in zip(jax.tree.leaves(eager), jax.tree.leaves(jitted), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-6)
    return arrays(eager)


# --- forward --------------------------------------------------------------------------------------------------------


class TestForwardHooks:
    def test_order_and_replacement(self):
        net, log = Two(), []
        net.a.register_forward_pre_hook(lambda cell, x: log.append(arrays(x)) or x[0] * 2)
        net.a.register_forward_pre_hook(lambda cell, x: log.append(arrays(x)) or (x[0] + 1,))
        net.a.register_forward_hook(lambda cell, x, out: log.append(arrays((x, out))) or out * 2)
        net.a.register_forward_hook(lambda cell, x, out: log.append(arrays((x, out))))
        assert arrays(net(X)) == [24.0, 250.0]
        assert log == [
            ([1.0, 2.0],),
            ([2.0, 4.0],),
            (([3.0, 5.0],), [6.0, 25.0]),
            (([3.0, 5.0],), [12.0, 50.0]),
        ]

    def test_changes_of_hooks_are_differentiated(self):
        net = Two()
        net.a.register_forward_pre_hook(lambda cell, x: x[0] * x[0])
        net.a.register_forward_hook(lambda cell, x, out: out * 3)
        # 3 w w x^2
        assert same(grad(net), X) == [3 * 4 * 2 * 1.0, 3 * 25 * 2 * 2.0]

    def test_prepend_and_with_kwargs(self):
        net, log = Two(), []
        net.a.register_forward_hook(lambda *_: log.append("second"))
        net.a.register_forward_hook(lambda *_: log.append("first"), prepend=True)
        net.a.register_forward_hook(lambda cell, x, named, out: log.append((x, list(named))), with_kwargs=True)
        net.a(x=X)
        assert log == ["first", "second", ((), ["x"])]
        net.b.register_forward_pre_hook(lambda cell, x, named: (x, {"x": named["x"] * 3}), with_kwargs=True)
        assert arrays(net.b(x=X)) == [6.0, 30.0]
        net.b.register_forward_pre_hook(lambda cell, x, named: x, with_kwargs=True, prepend=True)
        with pytest.raises(TypeError, match=r"pre-hook with `with_kwargs` must return None or \(args, kwargs\)"):
            net.b(X)

    def test_always_call(self):
        class Failing(nn.Cell):
            def construct(self, x):
                raise ValueError("no")

        cell, log = Failing(), []
        cell.register_forward_hook(lambda *_: log.append("never"))
        cell.register_forward_hook(lambda cell, x, out: log.append(out), always_call=True)
        with pytest.raises(ValueError, match="^no$"):
            cell(X)
        assert log == [None]
        cell.register_forward_hook(lambda *_: 1 / 0, always_call=True)
        with pytest.raises(ValueError, match="^no$"), pytest.warns(SporaxWarning, match="ZeroDivisionError"):
            cell(X)

    @pytest.mark.parametrize("kind", ["forward_pre", "forward", "backward_pre", "backward"])
    def test_a_hook_must_be_callable(self, kind):
        with pytest.raises(TypeError, match=f"Cell.register_{kind}_hook: the hook must be a function, but got 3"):
            getattr(Two(), f"register_{kind}_hook")(3)

    def test_hooks_run_on_a_cell_with_bprop(self):
        class Own(nn.Cell):
            def construct(self, x):
                return x * 2

            def bprop(self, x, out, dout):
                return (dout * 100,)

        cell, log = Own(), []
        cell.register_forward_pre_hook(lambda *_: log.append("pre"))
        cell.register_forward_hook(lambda *_: log.append("forward"))
        cell.register_backward_pre_hook(lambda cell, out: log.append(arrays(out)))
        cell.register_backward_hook(lambda cell, inp, out: log.append(arrays((inp, out))))
        assert arrays(grad(cell)(X)) == [100.0, 100.0]
        assert log == ["pre", "forward", ([1.0, 1.0],), (([100.0, 100.0],), ([1.0, 1.0],))]


# --- backward -------------------------------------------------------------------------------------------------------


class TestBackwardHooks:
    def test_order_and_arguments(self):
        net, log = Two(), []
        a = net.a
        a.register_backward_hook(lambda c, i, o: log.append(("h1", arrays(i), arrays(o))) or (i[0] * 2,))
        a.register_backward_hook(lambda c, i, o: log.append(("h2", arrays(i), arrays(o))) or (i[0] + 1,))
        a.register_backward_pre_hook(lambda c, o: log.append(("p1", arrays(o))) or (o[0] * 3,))
        a.register_backward_pre_hook(lambda c, o: log.append(("p2", arrays(o))) or o[0] + 7)
        result = grad(net, 0, net.trainable_params())(X)
        assert log == [
            ("p1", ([2.0, 5.0],)),
            ("p2", ([6.0, 15.0],)),
            ("h1", ([26.0, 110.0],), ([13.0, 22.0],)),
            ("h2", ([52.0, 220.0],), ([13.0, 22.0],)),
        ]
        assert arrays(result) == ([53.0, 221.0], ([13.0, 44.0], [2.0, 10.0]))

    def test_nested_cells(self):
        net, log = Two(), []
        for name, cell in (("outer", net), ("a", net.a), ("b", net.b)):
            cell.register_backward_hook(lambda c, i, o, name=name: log.append(name))
            cell.register_backward_pre_hook(lambda c, o, name=name: log.append(f"pre {name}"))
        grad(net)(X)
        assert log == ["pre outer", "pre b", "b", "pre a", "a", "outer"]

    def test_a_first_layer_whose_input_has_no_gradient(self):
        net, log = Two(), []
        net.a.register_backward_pre_hook(lambda c, o: log.append(arrays(o)) or (o[0] * 10,))
        net.a.register_backward_hook(lambda c, i, o: log.append((i, arrays(o))))
        assert arrays(grad(net, None, [net.a.w])(X)) == ([20.0, 100.0],)
        assert log == [([2.0, 5.0],), ((None,), ([20.0, 50.0],))]
        # Hooks of layers without a gradient are not called.
        del log[:]
        assert arrays(grad(net, None, [net.b.w])(X)) == ([2.0, 10.0],)
        assert log == []
        compiled = Two()
        compiled.a.register_backward_pre_hook(lambda c, o: (o[0] * 10,))
        compiled.a.register_backward_hook(lambda c, i, o: log.append(i))
        assert arrays(jit(grad(compiled, None, [compiled.a.w]))(X)) == ([20.0, 100.0],)
        assert set(log) == {(None,)}

    def test_a_cell_without_inputs(self):
        class Source(nn.Cell):
            def __init__(self):
                super().__init__()
                self.w = Parameter(np.array([2.0, 5.0], np.float32), name="w")

            def construct(self):
                return self.w * 2

        cell, log = Source(), []
        cell.register_backward_pre_hook(lambda c, o: (o[0] * 10,))
        cell.register_backward_hook(lambda c, i, o: log.append((i, arrays(o))))
        assert arrays(grad(cell, None, [cell.w])()) == ([20.0, 20.0],)
        assert log == [((None,), ([10.0, 10.0],))]

    def test_several_inputs_and_outputs(self):
        cell, log = Pair(), []
        cell.register_backward_pre_hook(lambda c, o: log.append(arrays(o)))
        cell.register_backward_hook(lambda c, i, o: log.append(arrays(i)))
        assert arrays(grad(cell, (0, 1))(X, Y)) == ([4.0, 5.0], [2.0, 3.0])
        assert log == [([1.0, 1.0], [1.0, 1.0]), ([4.0, 5.0], [2.0, 3.0])]
        del log[:]
        # The gradient of an output that is not used is zero.
        assert arrays(grad(lambda x, y: cell(x, y)[0], (0, 1))(X, Y)) == ([3.0, 4.0], [1.0, 2.0])
        assert log == [([1.0, 1.0], [0.0, 0.0]), ([3.0, 4.0], [1.0, 2.0])]

    def test_integer_python_and_keyword_inputs(self):
        class Times(nn.Cell):
            def construct(self, x, k):
                return x * k

        cell, log = Times(), []
        cell.register_backward_hook(lambda c, i, o: log.append(arrays(i)) or (i[0] * 10, *i[1:]))
        assert arrays(grad(lambda x: cell(x, Tensor([1, 2])))(X)) == [10.0, 20.0]
        assert arrays(grad(lambda x: cell(x, 3))(X)) == [30.0, 30.0]
        assert arrays(grad(lambda x: cell(x, k=Tensor([1, 2])))(X)) == [10.0, 20.0]
        assert log == [([1.0, 2.0], None), ([3.0, 3.0],), ([1.0, 2.0],)]

    @pytest.mark.parametrize(
        ("transformed", "inputs"),
        [
            (lambda net: jit(grad(net, 0, [net.w])), X),
            (lambda net: grad(jit(net), 0, [net.w]), X),
            (lambda net: grad(lambda x: recompute(net, x), 0, [net.w]), X),
        ],
        ids=["jit of grad", "grad of jit", "recompute"],
    )
    def test_under_transforms(self, transformed, inputs):
        net = Weighted()
        net.register_backward_pre_hook(lambda c, o: o[0] * 3)
        net.register_backward_hook(lambda c, i, o: (i[0] + o[0] * 100,))
        assert arrays(transformed(net)(inputs)) == ([306.0, 315.0], ([3.0, 6.0],))

    def test_under_vmap(self):
        net = Weighted()
        net.register_backward_pre_hook(lambda c, o: o[0] * 3)
        net.register_backward_hook(lambda c, i, o: (i[0] / i[0].sum() + o[0] * 100,))
        expected = np.tile(np.array([300 + 2 / 7, 300 + 5 / 7]), (3, 1))
        np.testing.assert_allclose(vmap(grad(net))(ROWS), expected, rtol=1e-6)
        # Each lane has its own backward pass.
        by_rows, (by_w,) = grad(vmap(net), 0, [net.w])(ROWS)
        np.testing.assert_allclose(by_rows, expected, rtol=1e-6)
        np.testing.assert_allclose(by_w, [27.0, 36.0])
        shared = grad(lambda w: vmap(lambda x: nn.Identity()(x) * w)(ROWS))
        np.testing.assert_allclose(shared(X), [9.0, 12.0])

    def test_registered_and_removed_after_compilation(self):
        net = Two()
        function = jit(grad(net))
        assert arrays(function(X)) == [4.0, 25.0]
        first = net.b.register_backward_hook(lambda c, i, o: (i[0] * 10,))
        assert arrays(function(X)) == [40.0, 250.0]
        second = net.a.register_forward_hook(lambda c, i, o: o * 2)
        assert arrays(function(X)) == [80.0, 500.0]
        first.remove()
        assert arrays(function(X)) == [8.0, 50.0]
        second.remove()
        second.remove()
        assert arrays(function(X)) == [4.0, 25.0]

    @pytest.mark.parametrize(
        ("hook", "message"),
        [
            (lambda c, i, o: (i[0],), r"Pair: a backward hook must return None or the new `grad_input`, a tuple of 2"),
            (lambda c, i, o: (i[0], None), r"element 1 must be a Tensor of shape \(2,\) and dtype float32.*None"),
            (lambda c, i, o: (i[0].sum(), i[1]), r"element 0 .* got shape \(\) and dtype float32"),
            (lambda c, i, o: (i[0].astype(np.float16), i[1]), r"got shape \(2,\) and dtype float16"),
        ],
    )
    def test_wrong_results_of_hooks_raise(self, hook, message):
        cell = Pair()
        cell.register_backward_hook(hook)
        with pytest.raises(TypeError, match=message):
            grad(cell, (0, 1))(X, Y)

    def test_second_derivatives(self):
        class Cube(nn.Cell):
            def construct(self, x):
                return x * x * x

        cell = Cube()
        cell.register_backward_hook(lambda c, i, o: (i[0] * i[0],))
        assert same(grad(cell), X) == [9.0, 144.0]
        # The derivative of (3 x^2)^2 is 36 x^3; it passes through the input of the Cell, and so through the hook.
        assert same(grad(grad(cell)), X) == [36.0**2, 288.0**2]


# --- Tensors and Parameters -----------------------------------------------------------------------------------------


class TestTensorHooks:
    def test_on_an_intermediate(self):
        def function(x, y):
            z = x * y
            z.register_hook(lambda g: g * 2)
            return z * y

        # The example of MindSpore's documentation, at (1, 2).
        assert same(grad(function, (0, 1)), Tensor(1.0), Tensor(2.0)) == (8.0, 6.0)
        assert same(grad(function, (0, 1)), X, Y) == ([18.0, 32.0], [9.0, 24.0])
        np.testing.assert_allclose(vmap(grad(function))(X, Y), [18.0, 32.0])
        np.testing.assert_allclose(grad(vmap(function))(X, Y), [18.0, 32.0])
        # The gradient is 2 y^2, so the second derivative with respect to y is 4 y.
        assert same(grad(lambda x, y: grad(function)(x, y), 1), X, Y) == [12.0, 16.0]

        def cube(x):
            z = x * 2
            z.register_hook(lambda g: g * 10)
            return z * z * z

        assert same(grad(cube), X) == [240.0, 960.0]
        assert same(grad(grad(cube)), X) == [4800.0, 9600.0]

    def test_several_in_order_and_removed(self):
        def function(remove):
            def inner(x, y):
                z = x * y
                first = z.register_hook(lambda g: g * 2)
                z.register_hook(lambda g: g + 1)
                z.register_hook(lambda g: None)
                if remove:
                    first.remove()
                return z * y

            return inner

        assert same(grad(function(False), (0, 1)), X, Y) == ([21.0, 36.0], [10.0, 26.0])
        assert same(grad(function(True), (0, 1)), X, Y) == ([12.0, 20.0], [7.0, 18.0])

    def test_on_an_input(self):
        def function(x, y):
            x.register_hook(lambda g: g * 2)
            return x * y

        assert same(grad(function, (0, 1)), X, Y) == ([6.0, 8.0], [1.0, 2.0])

    def test_on_a_leaf(self):
        x = Tensor(np.array([1.0, 2.0], np.float32))
        function = grad(lambda x, y: x * y, (0, 1))
        compiled = jit(function)
        handle = x.register_hook(lambda g: g * 2)
        for each in (function, compiled, function, compiled):
            assert arrays(each(x, Y)) == ([6.0, 8.0], [1.0, 2.0])
            assert arrays(each(X, Y)) == ([3.0, 4.0], [1.0, 2.0])
        assert arrays(grad(jit(lambda x: x * Y))(x)) == [6.0, 8.0]
        handle.remove()
        handle.remove()
        for each in (function, compiled):
            assert arrays(each(x, Y)) == ([3.0, 4.0], [1.0, 2.0])

    def test_dtype_is_kept_and_shape_checked(self):
        def function(hook):
            def inner(x):
                z = x * 1
                z.register_hook(hook)
                return z

            return inner

        gradient = grad(function(lambda g: g.astype(np.float16) * 3))(X)
        assert str(gradient.dtype) == "Float32"
        assert arrays(gradient) == [3.0, 3.0]
        with pytest.raises(
            TypeError, match=r"Tensor.register_hook: the hook .*gradient's shape \(2,\).*got shape \(\)"
        ):
            grad(function(lambda g: g.sum()))(X)
        with pytest.raises(TypeError, match="but got 0 of type int"):
            grad(function(lambda g: 0))(X)
        with pytest.raises(TypeError, match="the hook must be a function"):
            X.register_hook(3)

    def test_hooks_are_deleted_with_their_tensor(self):
        from sporax.core import HOOKED

        before = len(HOOKED)
        x = Tensor([1.0])
        x.register_hook(lambda g: g)
        assert len(HOOKED) == before + 1
        del x
        assert len(HOOKED) == before

    def test_a_hook_that_reads_its_tensor_does_not_keep_it_alive(self):
        def hooked():
            x = Tensor([1.0])
            x.register_hook(lambda g: g * x)
            return weakref.ref(x)

        reference = hooked()
        gc.collect()
        assert reference() is None

    def test_a_hook_may_return_a_jax_array(self):
        def function(x):
            y = x * 3
            y.register_hook(lambda gradient: gradient._value * 2)
            return (y * y).sum()

        for transformed in (grad(function), jit(grad(function))):
            assert transformed(X).tolist() == (X * 36).tolist()


class TestParameterHooks:
    def test_grad_and_value_and_grad(self):
        net = Two()
        weights = net.trainable_params()
        compiled = jit(value_and_grad(net, None, weights))
        assert arrays(compiled(X)[1]) == ([2.0, 10.0], [2.0, 10.0])
        first = net.a.w.register_hook(lambda g: g * 1000)
        assert arrays(grad(net, None, weights)(X)) == ([2000.0, 10000.0], [2.0, 10.0])
        assert arrays(compiled(X)[1]) == ([2000.0, 10000.0], [2.0, 10.0])
        second = net.a.w.register_hook(lambda g: g + 1)
        assert arrays(compiled(X)[1]) == ([2001.0, 10001.0], [2.0, 10.0])
        first.remove()
        second.remove()
        assert arrays(compiled(X)[1]) == ([2.0, 10.0], [2.0, 10.0])

    def test_the_gradient_is_summed_over_all_uses(self):
        net, seen = Weighted(), []
        net.w.register_hook(lambda g: seen.append(arrays(g)))
        grad(lambda x: net(net(x)), None, [net.w])(X)
        assert seen == [[4.0, 20.0]]
        grad(net)(X)
        assert len(seen) == 1

    def test_train_one_step_cell(self):
        net = Two()
        step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss("sum")), nn.SGD(net.trainable_params(), 1.0))
        net.a.w.register_hook(lambda g: g * 1000)
        step(X, Y)
        assert arrays((net.a.w.value(), net.b.w.value())) == ([-3998.0, -919995.0], [-2.0, -915.0])

    @pytest.mark.parametrize("mode", [None, context.PYNATIVE_MODE])
    @pytest.mark.parametrize("sink", [False, True])
    def test_model_train_with_a_hook_registered_and_removed_between_runs(self, mode, sink):
        if mode is not None:
            context.set_context(mode=mode)
        try:
            net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
            model = Model(net, nn.MSELoss(), nn.SGD([net.weight], 0.01))
            data = ds.NumpySlicesDataset((ROWS.asnumpy(), np.ones((3, 1), np.float32)), shuffle=False).batch(3)
            rows, weight = ROWS.asnumpy().astype(np.float64), np.ones(2)
            for factor in (1.0, 0.0, -0.5, 1.0):
                handle = net.weight.register_hook(lambda g, factor=factor: g * factor) if factor != 1.0 else None
                model.train(1, data, dataset_sink_mode=sink)
                weight -= 0.01 * factor * 2 / 3 * rows.T @ (rows @ weight - 1)
                np.testing.assert_allclose(net.weight.asnumpy()[0], weight, rtol=1e-5)
                if handle:
                    handle.remove()
        finally:
            context.reset_context()

    def test_freezing_a_parameter_applies_to_a_compiled_step(self):
        net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        step = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), nn.SGD(net.trainable_params(), 0.01))
        for _ in range(3):
            step(ROWS, Tensor(np.ones((3, 1), np.float32)))
        before = net.weight.asnumpy()
        net.weight.requires_grad = False
        step(ROWS, Tensor(np.ones((3, 1), np.float32)))
        np.testing.assert_array_equal(net.weight.asnumpy(), before)
        net.weight.requires_grad = True
        step(ROWS, Tensor(np.ones((3, 1), np.float32)))
        assert (net.weight.asnumpy() != before).all()
        with pytest.raises(TypeError, match="`requires_grad` must be a bool, but got 1"):
            net.weight.requires_grad = 1


# --- operators ------------------------------------------------------------------------------------------------------


class TestOperators:
    def test_insert_gradient_of(self):
        clipped = ops.InsertGradientOf(lambda dout: ops.clamp(dout, 0.0, 3.5))

        def function(x, y):
            return clipped(x * y) * y

        assert arrays(function(X, Y)) == [9.0, 32.0]
        assert same(grad(function, (0, 1)), X, Y) == ([9.0, 14.0], [3.0 + 3.0, 8.0 + 7.0])
        tripled = ops.InsertGradientOf(lambda dout: dout * 3)
        assert same(grad(grad(lambda x: tripled(x * x))), X) == [6.0, 6.0]
        assert arrays(vmap(grad(lambda x: tripled(x * x)))(X)) == [6.0, 12.0]
        with pytest.raises(TypeError, match=r"ops.InsertGradientOf: the hook .* must return a Tensor .*got None"):
            grad(ops.InsertGradientOf(lambda dout: None))(X)
        with pytest.raises(TypeError, match=r"gradient's shape \(2,\).*got shape \(\)"):
            grad(ops.InsertGradientOf(lambda dout: dout.sum()))(X)
        with pytest.raises(TypeError, match="the hook must be a function"):
            ops.InsertGradientOf(3)
        with pytest.raises(TypeError, match="the input must be a Tensor, but got 3"):
            tripled(3)

    def test_hook_backward(self):
        log = []
        hook = ops.HookBackward(lambda g: log.append(arrays(g)) or (g[0] * 2,), "cell")

        def function(x, y):
            return hook(x * y) * y

        assert arrays(grad(function, (0, 1))(X, Y)) == ([18.0, 32.0], [9.0, 24.0])
        assert log == [([3.0, 4.0],)]
        bare = ops.HookBackward(lambda g: g[0] * 2)
        assert same(grad(lambda x, y: bare(x * y) * y, (0, 1)), X, Y) == ([18.0, 32.0], [9.0, 24.0])

        def product(x, y):
            a, b = ops.HookBackward(lambda g: None)(x, y)
            return a * b

        assert same(grad(product, (0, 1)), X, Y) == ([3.0, 4.0], [1.0, 2.0])
        with pytest.raises(TypeError, match=r"one gradient for each of the 2 input\(s\), but got 1"):
            grad(lambda x, y: ops.HookBackward(lambda g: g[0])(x, y)[0], (0, 1))(X, Y)
        with pytest.raises(TypeError, match="the hook must be a function"):
            ops.HookBackward(3)
        with pytest.raises(TypeError, match="`cell_id` must be a str"):
            ops.HookBackward(print, 3)
        with pytest.raises(TypeError, match="the input must be a Tensor, but got 3"):
            bare(3)
        with pytest.raises(ValueError, match="at least one Tensor"):
            bare()
