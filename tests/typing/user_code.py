"""User code for pyright --strict; read by tests/architecture/test_user_typing.py, never imported."""

from typing import assert_type

import jax
import numpy as np

from sporax import Tensor, losses, mint, nn, ops, scipy
from sporax import numpy as mnp

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
assert_type(losses.huber_loss([1.0], [2.0], weights=np.ones(1)), jax.Array)
assert_type(x.clamp(0.0, 1.0), Tensor)
assert_type(x.clamp(min=0), Tensor)
assert_type(mnp.add(x, 1), Tensor)
assert_type(mnp.mean(x, axis=0, dtype=mnp.float16), Tensor)
assert_type(mnp.split(x, 2), tuple[Tensor, ...])
assert_type(scipy.linalg.inv(x), Tensor)

ops.abs(x, wrong=1)  # error
ops.ReduceSum(wrong=True)  # error
nn.HuberLoss(wrong=1.0)  # error
nn.HuberLoss(delta="wide")  # error
nn.Dense(3)  # error
losses.huber_loss([1.0], [2.0], wrong=1)  # error
losses.huber_loss([1.0], [2.0], reduction="mean", wrong=1)  # error
losses.huber_loss([1.0], [2.0], weight=np.ones(1))  # error
mnp.mean(x, dim=0)  # error
ops.no_such_op(x)  # error
nn.NoSuchLoss()  # error
