"""User code for pyright --strict; read by tests/architecture/test_user_typing.py, never imported."""

from typing import assert_type

import jax
import numpy as np

from sporax import Tensor, losses, mint, nn, ops

x = Tensor(np.ones((2, 3), np.float32))

assert_type(ops.abs(x), Tensor)
assert_type(ops.abs([1.0, -2.0]), Tensor)
assert_type(ops.Abs(), ops.Abs)
assert_type(ops.Abs()(x), Tensor)
assert_type(ops.ReduceSum(keep_dims=True)(x, 0), Tensor)
assert_type(ops.max(x, 0), tuple[Tensor, Tensor])
assert_type(mint.exp(x), Tensor)
assert_type(x.mean(axis=0), Tensor)
assert_type(nn.Dense(3, 4)(x), Tensor)
assert_type(nn.ReLU()(x), Tensor)
assert_type(nn.HuberLoss(reduction="sum", delta=2.0)(x, x), Tensor)
assert_type(losses.huber_loss([1.0], [2.0]), jax.Array)
assert_type(losses.huber_loss([1.0], [2.0], delta=2.0, reduction="mean"), jax.Array)

ops.abs(x, wrong=1)  # error
ops.ReduceSum(wrong=True)  # error
nn.HuberLoss(wrong=1.0)  # error
nn.HuberLoss(delta="wide")  # error
nn.Dense(3)  # error
losses.huber_loss([1.0], [2.0], wrong=1)  # error
ops.no_such_op(x)  # error
nn.NoSuchLoss()  # error
