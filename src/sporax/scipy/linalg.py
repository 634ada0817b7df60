"""MindSpore's `scipy.linalg`: linear algebra on Tensors.

>>> from sporax import Tensor
>>> from sporax.scipy import linalg
>>> print(linalg.eigh(Tensor([[2.0, 0.0], [0.0, 1.0]]), eigvals_only=True))
[1. 2.]
"""

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import jax.scipy.linalg

from sporax._suggest import missing_from
from sporax.ops import ELSEWHERE
from sporax.ops._listed import FACTOR, FLAG, REST, STATIC, entered, listed

_FLAGS = "lower eigvals_only overwrite_a overwrite_b turbo check_finite permute_l unit_diagonal debug"
_KINDS = {
    **dict.fromkeys(_FLAGS.split(), FLAG),
    "eigvals": STATIC,
    "type": STATIC,
    "trans": STATIC,
    "c_and_lower": FACTOR,
}
_PLAIN = (
    "cho_factor(a, lower=False, overwrite_a=False, check_finite=True) -> tuple[Tensor, bool]",
    "cho_solve(c_and_lower, b, overwrite_b=False, check_finite=True)",
    "cholesky(a, lower=False, overwrite_a=False, check_finite=True)",
    "eigh(a, b=None, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False, turbo=True, eigvals=None, "
    "type=1, check_finite=True) -> Any",
    "inv(a, overwrite_a=False, check_finite=True)",
    "lu(a, permute_l=False, overwrite_a=False, check_finite=True) -> tuple[Tensor, ...]",
    "lu_factor(a, overwrite_a=False, check_finite=True) -> tuple[Tensor, Tensor]",
    "solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, debug=None, "
    "check_finite=True)",
)
"""The signatures in MindSpore of the functions that are those of `jax.scipy.linalg`."""

for _text in _PLAIN:
    _name = _text.partition("(")[0]
    listed(f"scipy.linalg.{_text}", getattr(jax.scipy.linalg, _name), f"scipy.linalg.{_name}", kinds=_KINDS)


def _block_diag(arrs: Any) -> Any:
    """Matrix with the given matrices on its diagonal; a Tensor of one axis is a row."""
    return jax.scipy.linalg.block_diag(*map(jnp.atleast_2d, arrs))


def _lstsq(A: Any, B: Any, rcond: Any, driver: Any) -> Any:
    """Least-squares solution of A x = B.

    Args:
        A: Tensor of shape (M, N).
        B: Tensor of shape (M,) or (M, K).
        rcond: singular values below this fraction of the largest one count as 0.
        driver: the result does not depend on it.

    Returns:
        (solution, sums of squared residuals, rank of A, singular values of A).
    """
    return jnp.linalg.lstsq(A, B, rcond)


entered("scipy.linalg.block_diag(*arrs)", _block_diag, kinds={"arrs": REST})
entered(
    "scipy.linalg.lstsq(A, B, rcond=None, driver=None) -> tuple[Tensor, Tensor, Tensor, Tensor]",
    _lstsq,
    kinds={"driver": STATIC},
)

_table = ELSEWHERE["scipy.linalg"]
globals().update(_table)

if not TYPE_CHECKING:  # for a type checker: linalg.pyi
    __all__ = sorted(_table)
    __getattr__ = missing_from(__name__)
