"""`sporax.scipy`: MindSpore's names, with SciPy's values."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import scipy.fft
import scipy.linalg
import scipy.optimize

from sporax import Parameter, Tensor, grad, jit, nn
from sporax._errors import ArgumentError
from sporax.scipy import fft, linalg, optimize

RNG = np.random.default_rng(17)
A = (RNG.normal(size=(4, 4)) + 3 * np.eye(4)).astype(np.float32)
S = (A @ A.T).astype(np.float32)
B = RNG.normal(size=(4, 2)).astype(np.float32)
TALL = RNG.normal(size=(5, 3)).astype(np.float32)
V = RNG.normal(size=5).astype(np.float32)

SIGNATURES = {
    linalg: {
        "block_diag": "(*arrs)",
        "cho_factor": "(a, lower=False, overwrite_a=False, check_finite=True)",
        "cho_solve": "(c_and_lower, b, overwrite_b=False, check_finite=True)",
        "cholesky": "(a, lower=False, overwrite_a=False, check_finite=True)",
        "eigh": "(a, b=None, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False, turbo=True, "
        "eigvals=None, type=1, check_finite=True)",
        "inv": "(a, overwrite_a=False, check_finite=True)",
        "lstsq": "(A, B, rcond=None, driver=None)",
        "lu": "(a, permute_l=False, overwrite_a=False, check_finite=True)",
        "lu_factor": "(a, overwrite_a=False, check_finite=True)",
        "solve_triangular": "(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, debug=None, "
        "check_finite=True)",
    },
    fft: {
        "dct": "(x, type=2, n=None, axis=-1, norm=None)",
        "dctn": "(x, type=2, s=None, axes=None, norm=None)",
        "idct": "(x, type=2, n=None, axis=-1, norm=None)",
        "idctn": "(x, type=2, s=None, axes=None, norm=None)",
    },
    optimize: {
        "line_search": "(f, xk, pk, jac=None, gfk=None, old_fval=None, old_old_fval=None, c1=0.0001, c2=0.9, "
        "maxiter=20)",
        "linear_sum_assignment": "(cost_matrix, maximize, dimension_limit=None)",
        "minimize": "(func, x0, args=(), method=None, jac=None, hess=None, hessp=None, bounds=None, constraints=(), "
        "tol=None, callback=None, options=None)",
    },
}
"""The functions of MindSpore 2.10, by inspect.signature."""


def bare(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


@pytest.mark.parametrize("module", SIGNATURES, ids=lambda module: module.__name__)
def test_the_signatures_are_those_of_mindspore(module: Any):
    expected = SIGNATURES[module]
    assert {name: bare(getattr(module, name)) for name in expected} == expected
    assert set(module.__all__) - {"LineSearchResults", "OptimizeResults"} == set(expected)


CASES = {
    "block_diag": ("block_diag", (A, V, B)),
    "cho_factor": ("cho_factor", (S, True)),
    "cholesky": ("cholesky", (S,)),
    "cholesky_lower": ("cholesky", (S, True)),
    "inv": ("inv", (A,)),
    "lu": ("lu", (A,)),
    "lu_permuted": ("lu", (A, True)),
    "lu_factor": ("lu_factor", (A,)),
    "solve_triangular": ("solve_triangular", (A, B, 1, True, True)),
    "solve_triangular_named": ("solve_triangular", (A, B, "T")),
}


@pytest.mark.parametrize("case", CASES)
def test_linear_algebra_is_that_of_scipy(case: str):
    name, given = CASES[case]
    found = getattr(linalg, name)(*(Tensor(each) if isinstance(each, np.ndarray) else each for each in given))
    expected = getattr(scipy.linalg, name)(*given)
    pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    for one, other in pairs:
        # SciPy leaves the other triangle of `cho_factor` as it was.
        reference = np.tril(other) if name == "cho_factor" and np.ndim(other) else other
        assert not isinstance(one, Tensor) or one.asnumpy().itemsize == 4
        np.testing.assert_allclose(one.asnumpy() if isinstance(one, Tensor) else one, reference, rtol=2e-4, atol=2e-5)


def test_solutions_satisfy_their_equations():
    x = linalg.cho_solve(linalg.cho_factor(Tensor(S)), Tensor(B))
    np.testing.assert_allclose(S @ x.asnumpy(), B, atol=1e-4)
    values, vectors = linalg.eigh(Tensor(S))
    np.testing.assert_allclose(S @ vectors.asnumpy(), vectors.asnumpy() * values.asnumpy(), atol=2e-3)
    np.testing.assert_allclose(linalg.eigh(Tensor(S), eigvals_only=True).asnumpy(), values.asnumpy(), rtol=1e-5)
    solution, residuals, rank, singular = linalg.lstsq(Tensor(TALL), Tensor(V))
    reference = np.linalg.lstsq(TALL, V, rcond=None)
    for one, other in zip((solution, residuals, rank, singular), reference, strict=True):
        np.testing.assert_allclose(one.asnumpy(), other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", SIGNATURES[fft])
@pytest.mark.parametrize("norm", [None, "ortho"])
def test_cosine_transforms_are_those_of_scipy(name: str, norm: str | None):
    found = getattr(fft, name)(Tensor(TALL), norm=norm)
    np.testing.assert_allclose(found.asnumpy(), getattr(scipy.fft, name)(TALL, norm=norm), rtol=1e-4, atol=1e-5)


def test_errors_name_the_function():
    with pytest.raises(ArgumentError, match=r"^scipy\.linalg\.inv: Argument to inv must have shape \[\.\.\., n, n\]"):
        linalg.inv(Tensor(B))
    with pytest.raises(ArgumentError, match=r"^scipy\.fft\.dct: Only DCT type 2 is implemented"):
        fft.dct(Tensor(B), 3)


class Determined(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = Parameter(Tensor(A.astype(np.float64)), name="matrix")

    def construct(self) -> Tensor:
        return linalg.inv(self.matrix).sum()


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_parameters(compiled: bool):
    net = Determined()
    gradient = grad(net, None, net.trainable_params())
    inverse = np.linalg.inv(A.astype(np.float64))
    found = (jit(gradient) if compiled else gradient)()
    found = found[0] if isinstance(found, tuple) else found
    np.testing.assert_allclose(found.asnumpy(), -np.outer(inverse.sum(0), inverse.sum(1)).reshape(4, 4), rtol=1e-6)


def rosenbrock(x: Tensor, scale: float = 100.0) -> Tensor:
    return (scale * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@pytest.mark.parametrize("method", ["BFGS", "bfgs", "LBFGS"])
def test_minimize(method: str):
    steps: list[Tensor] = []
    start = Tensor(np.array([-0.5, 1.2]))
    found = optimize.minimize(rosenbrock, start, (50.0,), method, callback=steps.append)
    assert found.success
    assert found.x.dtype == start.dtype
    np.testing.assert_allclose(found.x.asnumpy(), [1.0, 1.0], atol=1e-3)
    assert found.nit == len(steps)
    assert (found.hess_inv is None) == (method == "LBFGS")
    own = optimize.minimize(rosenbrock, start, method=method, jac=grad(rosenbrock), options={"maxiter": 3})
    assert own.nit == 3
    assert not own.success


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({}, r"`method` is required; give \"BFGS\" or \"LBFGS\""),
        ({"method": "CG"}, r"`method` must be one of 'bfgs', 'lbfgs', but got 'cg'"),
        ({"method": "BFGS", "bounds": [(0, 1)]}, r"`bounds` is not available"),
        ({"method": "BFGS", "options": {"history_size": 3}}, r"`options` must be one of"),
    ],
)
def test_what_minimize_refuses(keywords: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        optimize.minimize(rosenbrock, Tensor([0.0, 0.0]), **keywords)


def test_optimization_needs_concrete_values():
    with pytest.raises(ArgumentError, match=r"scipy\.optimize\.minimize: `x0` must be concrete"):
        jit(lambda x: optimize.minimize(rosenbrock, x, method="BFGS").x)(Tensor([0.0, 0.0]))


def test_line_search():
    x = np.array([1.0, -0.5])
    direction = -np.asarray(grad(rosenbrock)(Tensor(x)).asnumpy())
    found = optimize.line_search(rosenbrock, Tensor(x), Tensor(direction))
    assert not found.failed
    assert found.f_k == pytest.approx(float(rosenbrock(Tensor(x + found.a_k * direction))))
    assert found.f_k < float(rosenbrock(Tensor(x)))
    uphill = optimize.line_search(rosenbrock, Tensor(x), Tensor(-direction))
    assert uphill.failed
    assert uphill.a_k == 0


def test_linear_sum_assignment():
    costs = RNG.normal(size=(3, 5))
    for maximize in (False, Tensor(True)):
        found = optimize.linear_sum_assignment(Tensor(costs), maximize)
        expected = scipy.optimize.linear_sum_assignment(costs, bool(maximize))
        assert [each.tolist() for each in found] == [each.tolist() for each in expected]
    # As MindSpore 2.10 prints for this matrix.
    costs = np.array([[4.0, 1.0, 2.0], [1.0, 3.0, 0.0], [2.0, 0.0, 5.0]])
    rows, columns = optimize.linear_sum_assignment(Tensor(costs), False, Tensor(2))
    assert (rows.tolist(), columns.tolist()) == ([1, 2, -1], [0, 1, -1])
