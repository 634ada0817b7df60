"""MindSpore's `scipy.optimize`: SciPy's algorithms on functions of Tensors, with derivatives from `value_and_grad`.

They need concrete values, so they cannot be compiled or differentiated.

    >>> from sporax import Tensor
    >>> from sporax.scipy import optimize
    >>> result = optimize.minimize(lambda x: ((x - 3) ** 2).sum(), Tensor([0.0, 1.0]), method="BFGS")
    >>> print(result.x.asnumpy().round(3), result.success)
    [3. 3.] True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError
from sporax._jax_compat import is_tracer
from sporax.core import Tensor, to_array, wrap
from sporax.transforms import value_and_grad

__all__ = ["LineSearchResults", "OptimizeResults", "line_search", "linear_sum_assignment", "minimize"]

_METHODS = {"bfgs": "BFGS", "lbfgs": "L-BFGS-B"}
_OPTIONS = {"maxiter": "maxiter", "gtol": "gtol", "norm": "norm", "history_size": "maxcor"}
_OPTIONS_OF = {"bfgs": ("maxiter", "gtol", "norm"), "lbfgs": ("maxiter", "gtol", "history_size")}


class OptimizeResults(NamedTuple):
    """The result of `minimize`.

    Args:
        x: the minimizer.
        success: whether it converged.
        status: SciPy's code of the reason to stop; 0 if it converged.
        fun: the minimum.
        jac: the gradient there.
        hess_inv: the approximation of the inverse Hessian matrix; None for "LBFGS".
        nfev: the number of evaluations of the function.
        njev: the number of evaluations of the gradient.
        nit: the number of iterations.
    """

    x: Tensor
    success: bool
    status: int
    fun: float
    jac: Tensor
    hess_inv: Tensor | None
    nfev: int
    njev: int
    nit: int


class LineSearchResults(NamedTuple):
    """The result of `line_search`.

    Args:
        failed: whether no step satisfies the conditions.
        nfev: the number of evaluations of the function.
        ngev: the number of evaluations of the gradient.
        a_k: the step; 0 if the search failed.
        f_k: the value after the step.
        g_k: the gradient after the step.
    """

    failed: bool
    nfev: int
    ngev: int
    a_k: float
    f_k: float
    g_k: Tensor


def _host(value: Any, where: str, name: str) -> np.ndarray:
    array = to_array(value)
    if is_tracer(array):
        raise ArgumentError(
            f"scipy.optimize.{where}: `{name}` must be concrete; call it outside of compiled functions."
        )
    return np.asarray(array)


class _Objective:
    """A function of Tensors and its gradient, as SciPy calls them: on float64 arrays of one axis."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], gradient: Callable[..., Any] | None, dtype: Any
    ) -> None:
        self.function, self.args, self.own_gradient, self.dtype = function, args, gradient, dtype
        self.both = value_and_grad(function)

    def tensor(self, x: Any) -> Tensor:
        return wrap(to_array(np.asarray(x, self.dtype)))

    def value(self, x: np.ndarray) -> float:
        return float(self.function(self.tensor(x), *self.args))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        if self.own_gradient is not None:
            return np.asarray(to_array(self.own_gradient(self.tensor(x), *self.args)), np.float64)
        return np.asarray(to_array(self.both(self.tensor(x), *self.args)[1]), np.float64)


def minimize(
    func: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    method: str | None = None,
    jac: Callable[..., Any] | None = None,
    hess: None = None,
    hessp: None = None,
    bounds: None = None,
    constraints: tuple[()] = (),
    tol: float | None = None,
    callback: Callable[[Tensor], Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResults:
    """Minimize a function of one Tensor.

    Args:
        func: function of a Tensor of one axis, and of `args`, that returns one number as a Tensor.
        x0: Tensor of one axis: the initial value.
        args: further arguments of the function.
        method: "BFGS" or "LBFGS", in any case.
        jac: function of the same arguments that returns the gradient. Default: the gradient of `func`.
        hess, hessp, bounds, constraints: not available, as in MindSpore.
        tol: the tolerance of termination.
        callback: function that is called with x after each iteration.
        options: "maxiter", "gtol"; "norm" for "BFGS"; "history_size" for "LBFGS".

    Returns:
        OptimizeResults.

    Raises:
        ArgumentError: an unknown method or option, or one that is not available; or x0 is not concrete.

    Source: `scipy.optimize.minimize` of MindSpore and of SciPy, which computes it.
    """
    import scipy.optimize

    where = "scipy.optimize.minimize"
    if method is None:
        raise ArgumentError(f'{where}: `method` is required; give "BFGS" or "LBFGS".')
    name = _check.one_of(str(method).lower(), tuple(_METHODS), name="method", where=where)
    for argument, given in (("hess", hess), ("hessp", hessp), ("bounds", bounds), ("constraints", constraints or None)):
        if given is not None:
            raise ArgumentError(f"{where}: `{argument}` is not available.")
    for option in options or {}:
        _check.one_of(option, _OPTIONS_OF[name], name="options", where=where)
    start = _host(x0, "minimize", "x0")
    objective = _Objective(func, args, jac, start.dtype)
    found = scipy.optimize.minimize(
        objective.value,
        np.asarray(start, np.float64),
        method=_METHODS[name],
        jac=objective.gradient,
        tol=tol,
        callback=None if callback is None else lambda x: callback(objective.tensor(x)),
        options={_OPTIONS[key]: value for key, value in (options or {}).items()},
    )
    return OptimizeResults(
        x=objective.tensor(found.x),
        success=bool(found.success),
        status=int(found.status),
        fun=float(found.fun),
        jac=objective.tensor(found.jac),
        hess_inv=objective.tensor(found.hess_inv) if name == "bfgs" else None,
        nfev=int(found.nfev),
        njev=int(found.njev),
        nit=int(found.nit),
    )


def line_search(
    f: Callable[..., Any],
    xk: Any,
    pk: Any,
    jac: Callable[..., Any] | None = None,
    gfk: Any = None,
    old_fval: float | None = None,
    old_old_fval: float | None = None,
    c1: float = 1e-4,
    c2: float = 0.9,
    maxiter: int = 20,
) -> LineSearchResults:
    """Find a step along a direction that satisfies the strong Wolfe conditions.

    Args:
        f: function of a Tensor of one axis that returns one number as a Tensor.
        xk: Tensor: the current value.
        pk: Tensor: the direction.
        jac: function that returns the gradient. Default: the gradient of `f`.
        gfk: Tensor: the gradient at `xk`. Default: it is computed.
        old_fval: the value at `xk`. Default: it is computed.
        old_old_fval: the value before `xk`.
        c1: the constant of the Armijo condition.
        c2: the constant of the condition on the curvature.
        maxiter: the maximum number of iterations.

    Returns:
        LineSearchResults.

    Raises:
        ArgumentError: an argument is not concrete.

    Examples:
        >>> from sporax import Tensor
        >>> line_search(lambda x: (x**2).sum(), Tensor([1.0, 2.0]), Tensor([-1.0, -2.0])).a_k
        1.0

    Source: `scipy.optimize.line_search` of MindSpore and of SciPy, which computes it.
    """
    import warnings

    import scipy.optimize

    current, direction = _host(xk, "line_search", "xk"), _host(pk, "line_search", "pk")
    objective = _Objective(f, (), jac, current.dtype)
    with warnings.catch_warnings():
        # SciPy warns where the search fails; the result says so too.
        warnings.simplefilter("ignore", scipy.optimize.OptimizeWarning)
        warnings.filterwarnings("ignore", message="The line search algorithm")
        step, evaluations, gradients, value, _, _ = scipy.optimize.line_search(
            objective.value,
            objective.gradient,
            np.asarray(current, np.float64),
            np.asarray(direction, np.float64),
            gfk=None if gfk is None else np.asarray(_host(gfk, "line_search", "gfk"), np.float64),
            old_fval=old_fval,
            old_old_fval=old_old_fval,
            c1=c1,
            c2=c2,
            maxiter=maxiter,
        )
    taken = 0.0 if step is None else float(step)
    end = current + taken * direction
    return LineSearchResults(
        failed=step is None,
        nfev=int(evaluations),
        ngev=int(gradients),
        a_k=taken,
        f_k=objective.value(end) if value is None else float(value),
        g_k=objective.tensor(objective.gradient(end)),
    )


def linear_sum_assignment(cost_matrix: Any, maximize: Any, dimension_limit: Any = None) -> tuple[Tensor, Tensor]:
    """Assign rows to columns so that the sum of the costs is minimal.

    Args:
        cost_matrix: Tensor of shape (M, N).
        maximize: bool: whether the sum is to be maximal.
        dimension_limit: int: the number of columns to consider. Default: all.

    Returns:
        (rows, columns): int64 Tensors of length min(M, N), filled with -1 behind the assigned pairs.

    Raises:
        ArgumentError: an argument is not concrete.

    Examples:
        >>> from sporax import Tensor
        >>> rows, columns = linear_sum_assignment(Tensor([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0]]), False)
        >>> print(rows, columns)
        [0 1] [1 0]

    Source: `scipy.optimize.linear_sum_assignment` of MindSpore and of SciPy, which computes it.
    """
    import scipy.optimize

    where = "linear_sum_assignment"
    costs = _host(cost_matrix, where, "cost_matrix")
    size = min(costs.shape)
    limit = None if dimension_limit is None else int(_host(dimension_limit, where, "dimension_limit"))
    pairs = scipy.optimize.linear_sum_assignment(costs[:, :limit], bool(_host(maximize, where, "maximize")))
    rows, columns = (np.concatenate([each, np.full(size - len(each), -1)]).astype(np.int64) for each in pairs)
    return wrap(to_array(rows)), wrap(to_array(columns))
