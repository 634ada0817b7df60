"""The functions of MindSpore's `numpy` that are functions of `jax.numpy`: their signatures in MindSpore.

" = path" names the function where NumPy has it under another name, and " -> ..." a result other than a Tensor.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import jax.numpy as jnp

from sporax.ops._kinds import Kind
from sporax.ops._listed import ARRAY, INTEGER, OPERAND, STATIC, listed

SIGNATURES = """
add(x1, x2, dtype=None)
amax(a, axis=None, keepdims=False, initial=None, where=True)
amin(a, axis=None, keepdims=False, initial=None, where=True)
append(arr, values, axis=None)
arange(start, stop=None, step=None, dtype=None)
arccos(input, dtype=None)
arccosh(x, dtype=None)
arcsin(x, dtype=None)
arcsinh(x, dtype=None)
arctan(x, dtype=None)
arctan2(x1, x2, dtype=None)
arctanh(x, dtype=None)
argmax(a, axis=None)
argmin(a, axis=None)
argwhere(a)
around(a, decimals=0)
array(obj, dtype=None, copy=True, ndmin=0)
array_equal(a1, a2, equal_nan=False)
array_equiv(a1, a2)
asarray(a, dtype=None)
atleast_1d(*arys) -> Any
atleast_2d(*arys) -> Any
atleast_3d(*arys) -> Any
average(x, axis=None, weights=None, returned=False) -> Any
bartlett(M)
bitwise_and(x1, x2, dtype=None)
bitwise_not(x, dtype=None)
bitwise_or(x1, x2, dtype=None)
bitwise_xor(x1, x2, dtype=None)
blackman(M)
broadcast_arrays(*args) -> list[Tensor]
broadcast_to(array, shape)
cbrt(x, dtype=None)
ceil(x, dtype=None)
choose(a, choices, mode='clip')
clip(x, xmin, xmax, dtype=None)
column_stack(tup)
concatenate(arrays, axis=0)
copy(a)
copysign(x1, x2, dtype=None)
corrcoef(x, y=None, rowvar=True, dtype=None)
cos(x, dtype=None)
cosh(x, dtype=None)
count_nonzero(x, axis=None, keepdims=False)
cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, dtype=None)
cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None)
cumprod(a, axis=None, dtype=None)
cumsum(a, axis=None, dtype=None)
deg2rad(x, dtype=None)
diag(v, k=0)
diag_indices(n, ndim=2) -> tuple[Tensor, ...]
diagflat(v, k=0)
diagonal(a, offset=0, axis1=0, axis2=1)
diff(a, n=1, axis=-1, prepend=None, append=None)
digitize(x, bins, right=False)
divmod(x1, x2, dtype=None) -> tuple[Tensor, Tensor]
dot(a, b)
dstack(tup)
ediff1d(ary, to_end=None, to_begin=None)
empty(shape, dtype=sporax.float32)
empty_like(prototype, dtype=None, shape=None)
equal(x1, x2, dtype=None)
exp(x, dtype=None)
exp2(x, dtype=None)
expand_dims(a, axis)
expm1(x, dtype=None)
eye(N, M=None, k=0, dtype=sporax.float32)
fix(x) = trunc
flip(m, axis=None)
fliplr(m)
flipud(m)
float_power(x1, x2, dtype=None)
floor(x, dtype=None)
floor_divide(x1, x2, dtype=None)
fmod(x1, x2, dtype=None)
full(shape, fill_value, dtype=None)
full_like(a, fill_value, dtype=None, shape=None)
gcd(x1, x2, dtype=None)
geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0)
greater(x1, x2, dtype=None)
greater_equal(x1, x2, dtype=None)
hamming(M)
hanning(M)
heaviside(x1, x2, dtype=None)
histogram(a, bins=10, range=None, weights=None, density=False) -> tuple[Tensor, Tensor]
histogram_bin_edges(a, bins=10, range=None, weights=None)
hstack(tup)
hypot(x1, x2, dtype=None)
identity(n, dtype=sporax.float32)
inner(a, b)
interp(x, xp, fp, left=None, right=None)
intersect1d(ar1, ar2, assume_unique=False, return_indices=False) -> Any
invert(x, dtype=None)
isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False)
isfinite(x, dtype=None)
isin(element, test_elements, invert=False)
isinf(x, dtype=None)
isnan(x, dtype=None)
isneginf(x)
isposinf(x)
ix_(*args) -> tuple[Tensor, ...]
kron(a, b)
lcm(x1, x2, dtype=None)
less(x1, x2, dtype=None)
less_equal(x1, x2, dtype=None)
linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0) -> Any
log(x, dtype=None)
log10(x, dtype=None)
log1p(x, dtype=None)
log2(x, dtype=None)
logaddexp(x1, x2, dtype=None)
logaddexp2(x1, x2, dtype=None)
logical_and(x1, x2, dtype=None)
logical_not(a, dtype=None)
logical_or(x1, x2, dtype=None)
logical_xor(x1, x2, dtype=None)
logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0)
matmul(x1, x2, dtype=None)
matrix_power(a, n) = linalg.matrix_power
max(a, axis=None, keepdims=False, initial=None, where=True)
maximum(x1, x2, dtype=None)
mean(a, axis=None, keepdims=False, dtype=None)
meshgrid(*xi, sparse=False, indexing='xy') -> list[Tensor]
min(a, axis=None, keepdims=False, initial=None, where=True)
minimum(x1, x2, dtype=None)
mod(x1, x2, dtype=None)
moveaxis(a, source, destination)
multi_dot(arrays) = linalg.multi_dot
multiply(x1, x2, dtype=None)
nancumsum(a, axis=None, dtype=None)
nanmax(a, axis=None, dtype=None, keepdims=False)
nanmean(a, axis=None, dtype=None, keepdims=False)
nanmin(a, axis=None, dtype=None, keepdims=False)
nanstd(a, axis=None, dtype=None, ddof=0, keepdims=False)
nansum(a, axis=None, dtype=None, keepdims=False)
nanvar(a, axis=None, dtype=None, ddof=0, keepdims=False)
negative(a, dtype=None)
not_equal(x1, x2, dtype=None)
ones(shape, dtype=sporax.float32)
ones_like(a, dtype=None, shape=None)
outer(a, b)
polyadd(a1, a2)
polyint(p, m=1, k=None)
polysub(a1, a2)
polyval(p, x)
positive(a, dtype=None)
ptp(x, axis=None, keepdims=False)
rad2deg(x, dtype=None)
radians(x, dtype=None)
ravel(x)
ravel_multi_index(multi_index, dims, mode='clip', order='C')
reciprocal(x, dtype=None)
remainder(x1, x2, dtype=None)
repeat(a, repeats, axis=None)
reshape(x, new_shape)
rint(x, dtype=None)
roll(a, shift, axis=None)
rollaxis(x, axis, start=0)
rot90(a, k=1, axes=(0, 1))
round(a, decimals=0)
searchsorted(a, v, side='left', sorter=None)
select(condlist, choicelist, default=0)
setdiff1d(ar1, ar2, assume_unique=False)
sign(x, dtype=None)
signbit(x, dtype=None)
sin(x, dtype=None)
sinh(x, dtype=None)
size(a, axis=None) -> int
sometrue(a, axis=None, keepdims=False) = any
sqrt(x, dtype=None)
square(x, dtype=None)
squeeze(a, axis=None)
stack(arrays, axis=0)
std(x, axis=None, ddof=0, keepdims=False)
subtract(x1, x2, dtype=None)
sum(a, axis=None, dtype=None, keepdims=False, initial=None)
swapaxes(x, axis1, axis2)
take_along_axis(arr, indices, axis)
tan(x, dtype=None)
tanh(x, dtype=None)
tensordot(a, b, axes=2)
tile(a, reps)
trace(a, offset=0, axis1=0, axis2=1, dtype=None)
transpose(a, axes=None)
trapz(y, x=None, dx=1.0, axis=-1) = trapezoid
tri(N, M=None, k=0, dtype=sporax.float32)
tril(m, k=0)
tril_indices(n, k=0, m=None) -> tuple[Tensor, Tensor]
tril_indices_from(arr, k=0) -> tuple[Tensor, Tensor]
triu(m, k=0)
triu_indices(n, k=0, m=None) -> tuple[Tensor, Tensor]
triu_indices_from(arr, k=0) -> tuple[Tensor, Tensor]
trunc(x, dtype=None)
unwrap(p, discont=3.141592653589793, axis=-1)
vander(x, N=None, increasing=False)
var(x, axis=None, ddof=0, keepdims=False)
vstack(tup)
where(condition, x=None, y=None)
zeros(shape, dtype=sporax.float32)
zeros_like(a, dtype=None, shape=None)
"""

_WIDE = {"argmax", "argmin", "argwhere", "sum"}
"""Functions whose integers have 64 bits for any Tensor, as in MindSpore."""

_WINDOW = {"M": INTEGER}
_KINDS: Mapping[str, Mapping[str, Kind]] = {
    "arange": {"start": STATIC, "stop": STATIC, "step": STATIC},
    "bartlett": _WINDOW,
    "blackman": _WINDOW,
    "hamming": _WINDOW,
    "hanning": _WINDOW,
    "cov": {"ddof": INTEGER},
    "digitize": {"bins": ARRAY},
    "geomspace": {"start": OPERAND, "stop": OPERAND},
    "interp": {"right": OPERAND},
    "linspace": {"start": OPERAND, "stop": OPERAND},
    "logspace": {"start": OPERAND, "stop": OPERAND},
    "matmul": {"x1": ARRAY, "x2": ARRAY},
    "polyint": {"m": INTEGER},
    "tril_indices": {"m": INTEGER},
    "triu_indices": {"m": INTEGER},
    "vander": {"N": INTEGER},
}
"""Kinds of arguments whose name denotes something else in other functions."""

for _line in SIGNATURES.strip().splitlines():
    _signature, _, _path = _line.partition(" = ")
    _name = _signature.partition("(")[0]
    _path = _path or _name
    listed(
        f"numpy.{_signature}",
        functools.reduce(getattr, _path.split("."), jnp),
        f"numpy.{_path}",
        wide=_name in _WIDE,
        kinds=_KINDS.get(_name),
    )
