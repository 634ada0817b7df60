"""Operators in both forms: the function `ops.abs` and the class `ops.Abs`.

Importing this package gives Tensor its methods.

    >>> from sporax import ops, Tensor
    >>> print(ops.ReduceSum(keep_dims=True)(Tensor([[1.0, 2.0]]), 1), ops.sum(Tensor([[1.0, 2.0]]), 1))
    [[3.]] [3.]
"""

# fmt: off
# ruff: noqa: I001, RUF022
from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.ops import _inplace as _inplace, _methods as _methods
from sporax.ops._activation import (
    CeLU, celu, Elu, elu, fast_gelu, FastGeLU, FastGelu, GeLU, Gelu, gelu, GLU, glu, hardshrink,
    hardsigmoid, hardswish, hardtanh, HShrink, HSigmoid, HSwish, leaky_relu, logsigmoid, Mish, mish, PReLU,
    prelu, ReLU, relu, ReLU6, relu6, rrelu, SeLU, selu, Sigmoid, sigmoid, SiLU, silu, soft_shrink, Softplus,
    softplus, SoftShrink, softshrink, Softsign, softsign, swiglu, tanhshrink, threshold,
)
from sporax.ops._addition import (
    addbmm, addmm, addmv, addr, baddbmm,
)
from sporax.ops._axes import (
    expand_dims, ExpandDims, flip, fliplr, flipud, moveaxis, movedim, permute, reverse, ReverseV2, Roll,
    roll, rot90, Squeeze, squeeze, swapaxes, swapdims, t, Transpose, transpose, unsqueeze,
)
from sporax.ops._base import Primitive, attach_methods
from sporax.ops._binary import (
    Add, add, arctan2, Atan2, atan2, copysign, Div, div, div_no_nan, divide, DivNoNan, float_power,
    floor_div, floor_divide, floor_mod, FloorDiv, floordiv, FloorMod, floormod, Fmax, fmax, Fmin, fmin,
    fmod, Gcd, gcd, Heaviside, heaviside, Hypot, hypot, Igamma, igamma, Igammac, igammac, Lcm, lcm, ldexp,
    logaddexp, logaddexp2, Maximum, maximum, Minimum, minimum, Mod, mod, Mul, mul, mul_no_nan, MulNoNan,
    multiply, NextAfter, nextafter, Pow, pow, pows, RealDiv, remainder, squared_difference,
    SquaredDifference, Sub, sub, subtract, tensor_add, tensor_div, tensor_floordiv, tensor_mod, tensor_mul,
    tensor_pow, tensor_sub, TensorAdd, true_divide, truncate_div, truncate_mod, TruncateDiv, TruncateMod,
    Xdivy, xdivy, Xlogy, xlogy, Zeta, zeta,
)
from sporax.ops._candidates import (
    log_uniform_candidate_sampler, LogUniformCandidateSampler, uniform_candidate_sampler,
    UniformCandidateSampler,
)
from sporax.ops._cast import (
    Cast, cast, deepcopy, Depend, depend, DType, dtype, Identity, identity, is_tensor, scalar_cast,
    scalar_to_tensor, ScalarCast, ScalarToTensor, tuple_to_array, TupleToArray, type_as,
)
from sporax.ops._clip import (
    clamp, clip, clip_by_global_norm, clip_by_norm, clip_by_value,
)
from sporax.ops._combine import (
    AccumulateNV2, Addcdiv, addcdiv, Addcmul, addcmul, AddN, addn, Complex, Lerp, lerp, polar,
)
from sporax.ops._control import (
    cond, fori_loop, ForiLoop, grad, Scan, scan, stop_gradient, StopGradient, value_and_grad, vmap,
    while_loop, WhileLoop,
)
from sporax.ops._gradients import (
    HookBackward, InsertGradientOf,
)
from sporax.ops._conv import (
    conv1d, Conv2D, conv2d, Conv2DTranspose, Conv3D, conv3d,
)
from sporax.ops._creation import (
    arange, bartlett_window, blackman_window, Eye, eye, Fill, fill, Fills, fills, full, full_like,
    hamming_window, hann_window, LinSpace, linspace, logspace, Ones, ones, ones_like, OnesLike, Range,
    range, tril_indices, triu_indices, vander, Zeros, zeros, zeros_like, ZerosLike,
)
from sporax.ops._cumulate import (
    Cummax, cummax, Cummin, cummin, CumProd, cumprod, CumSum, cumsum, CumulativeLogsumexp, diff,
    logcumsumexp, trapz,
)
from sporax.ops._diagonal import (
    block_diag, Diag, diag, diag_embed, diagflat, diagonal, diagonal_scatter, Trace, trace, Tril, tril,
    Triu, triu,
)
from sporax.ops._distributions import (
    Gamma, gamma, laplace, normal, Poisson, poisson, random_gamma, random_poisson, standard_laplace,
    standard_normal, StandardLaplace, StandardNormal, uniform, UniformInt, UniformReal,
)
from sporax.ops._dropout import (
    Dropout, dropout, dropout1d, Dropout2D, dropout2d, Dropout3D, dropout3d,
)
from sporax.ops._elementwise import (
    Abs, abs, absolute, ACos, acos, Acosh, acosh, Angle, angle, arccos, arccosh, arcsin, arcsinh, arctan,
    arctanh, Asin, asin, Asinh, asinh, Atan, atan, Atanh, atanh, bitwise_not, Ceil, ceil, ComplexAbs, Conj,
    conj, Cos, cos, Cosh, cosh, deg2rad, Exp, exp, exp2, Expm1, expm1, Floor, floor, frac, Imag, imag, Inv,
    inv, Invert, invert, is_complex, is_floating_point, IsFinite, isfinite, IsInf, isinf, IsNan, isnan,
    isneginf, isposinf, isreal, Log, log, log10, Log1p, log1p, log2, logical_not, LogicalNot, nan_to_num,
    NanToNum, Neg, neg, negative, population_count, PopulationCount, positive, rad2deg, Real, real,
    Reciprocal, reciprocal, Rint, rint, Round, round, Rsqrt, rsqrt, sgn, Sign, sign, signbit, Sin, sin,
    Sinc, sinc, Sinh, sinh, Sqrt, sqrt, Square, square, Tan, tan, Tanh, tanh, tensor_exp, tensor_expm1,
    Trunc, trunc,
)
from sporax.ops._functional import (
    GradOperation, HyperMap, Map, MultitypeFuncGraph, Partial, partial,
)
from sporax.ops._gather import (
    embedding, Gather, gather, gather_d, gather_elements, gather_nd, GatherD, GatherNd, GatherV2,
    index_select, take,
)
from sporax.ops._join import (
    atleast_1d, atleast_2d, atleast_3d, cartesian_prod, cat, chunk, column_stack, Concat, concat, dsplit,
    dstack, hsplit, hstack, Meshgrid, meshgrid, Pack, row_stack, Split, split, Stack, stack, tensor_split,
    unbind, Unpack, Unstack, unstack, vsplit, vstack,
)
from sporax.ops._interpolate import interpolate
from sporax.ops._linalg import (
    batch_dot, BatchMatMul, bias_add, BiasAdd, bmm, cross, Dense, dense, dot, Einsum, einsum, Ger, ger,
    inner, kron, MatMul, matmul, mm, mv, outer, tensor_dot, vecdot,
)
from sporax.ops._logic import (
    approximate_equal, ApproximateEqual, bitwise_and, bitwise_left_shift, bitwise_or, bitwise_right_shift,
    bitwise_xor, BitwiseAnd, BitwiseOr, BitwiseXor, eq, Equal, equal, ge, Greater, greater, greater_equal,
    GreaterEqual, gt, IsClose, isclose, le, LeftShift, Less, less, less_equal, LessEqual, logical_and,
    logical_or, logical_xor, LogicalAnd, LogicalOr, LogicalXor, lt, ne, not_equal, NotEqual, RightShift,
    tensor_ge, tensor_gt, tensor_le, tensor_lt,
)
from sporax.ops._loss import (
    gaussian_nll_loss, huber_loss, kl_div, kl_div_ext, l1_loss, l1_loss_ext, mse_loss, mse_loss_ext,
    smooth_l1_loss,
)
from sporax.ops._loss_binary import (
    binary_cross_entropy, binary_cross_entropy_with_logits, hinge_embedding_loss,
    multilabel_soft_margin_loss, soft_margin_loss,
)
from sporax.ops._loss_classes import (
    cross_entropy, cross_entropy_ext, multi_margin_loss, multilabel_margin_loss, nll_loss, nll_loss_ext,
)
from sporax.ops._loss_pairs import (
    cosine_embedding_loss, margin_ranking_loss, triplet_margin_loss,
)
from sporax.ops._loss_primitives import (
    BCEWithLogitsLoss, BinaryCrossEntropy, CTCGreedyDecoder, CTCLoss, CTCLossV2, KLDivLoss, L2Loss,
    MultilabelMarginLoss, MultiMarginLoss, NLLLoss, RNNTLoss, SigmoidCrossEntropyWithLogits, SmoothL1Loss,
    SoftMarginLoss, SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits, TripletMarginLoss,
)
from sporax.ops._loss_sequence import (
    ctc_greedy_decoder, ctc_loss,
)
from sporax.ops._norm import (
    Cdist, cdist, cosine_similarity, dist, L2Normalize, norm, vector_norm,
)
from sporax.ops._pad import (
    channel_shuffle, ChannelShuffle, MirrorPad, Pad, pad, pixel_shuffle, pixel_unshuffle, strided_slice,
    StridedSlice,
)
from sporax.ops._pool import (
    adaptive_avg_pool2d, AdaptiveAvgPool2D, avg_pool1d, avg_pool2d, AvgPool, max_pool2d, MaxPool,
)
from sporax.ops._random import (
    Bernoulli, bernoulli, Multinomial, multinomial, rand, rand_like, randint, randint_like, randn,
    randn_like, random_categorical, RandomCategorical, RandomShuffle, randperm, shuffle,
)
from sporax.ops._reduce import (
    all, amax, amin, aminmax, any, Argmax, argmax, ArgMaxWithValue, Argmin, argmin, ArgMinWithValue,
    count_nonzero, max, mean, min, prod, reduce_max, reduce_mean, reduce_min, reduce_sum, ReduceAll,
    ReduceAny, ReduceMax, ReduceMean, ReduceMin, ReduceProd, ReduceSum, sum,
)
from sporax.ops._scatter import (
    index_add, index_fill, IndexAdd, IndexFill, inplace_add, inplace_sub, inplace_update, InplaceAdd,
    InplaceSub, InplaceUpdate, scatter, scatter_nd, ScatterNd, select_scatter, slice_scatter,
    tensor_scatter_add, tensor_scatter_div, tensor_scatter_elements, tensor_scatter_max, tensor_scatter_min,
    tensor_scatter_mul, tensor_scatter_sub, tensor_scatter_update, TensorScatterAdd, TensorScatterDiv,
    TensorScatterElements, TensorScatterMax, TensorScatterMin, TensorScatterMul, TensorScatterSub,
    TensorScatterUpdate, unsorted_segment_max, unsorted_segment_min, unsorted_segment_prod,
    unsorted_segment_sum, UnsortedSegmentMax, UnsortedSegmentMin, UnsortedSegmentProd, UnsortedSegmentSum,
)
from sporax.ops._scatter_state import (
    scatter_add, scatter_div, scatter_max, scatter_min, scatter_mul, scatter_nd_add, scatter_nd_div,
    scatter_nd_max, scatter_nd_min, scatter_nd_mul, scatter_nd_sub, scatter_nd_update, scatter_sub,
    scatter_update, ScatterAdd, ScatterDiv, ScatterMax, ScatterMin, ScatterMul, ScatterNdAdd, ScatterNdDiv,
    ScatterNdMax, ScatterNdMin, ScatterNdMul, ScatterNdSub, ScatterNdUpdate, ScatterSub, ScatterUpdate,
)
from sporax.ops._select import (
    argwhere, InTopK, intopk, masked_fill, masked_select, MaskedFill, MaskedSelect, NonZero, nonzero,
    one_hot, OneHot, Select, select, sequence_mask, where,
)
from sporax.ops._shape import (
    broadcast_to, BroadcastTo, expand, expand_as, Flatten, flatten, narrow, numel, Rank, rank, ravel,
    repeat_elements, repeat_interleave, Reshape, reshape, Shape, shape, Size, size, Slice, slice,
    TensorShape, Tile, tile, view_as,
)
from sporax.ops._softmax import (
    gumbel_softmax, log_softmax, LogSoftmax, Softmax, softmax, softmin,
)
from sporax.ops._sort import (
    argsort, Bincount, bincount, bucketize, msort, SearchSorted, searchsorted, Sort, sort, top_k, TopK,
    topk, Unique, unique, unique_consecutive, unique_with_pad, UniqueConsecutive, UniqueWithPad,
)
from sporax.ops._special import (
    bessel_i0, bessel_i0e, bessel_i1, bessel_i1e, BesselI0, BesselI0e, BesselI1, BesselI1e, Digamma,
    digamma, Erf, erf, Erfc, erfc, Erfinv, erfinv, i0, Lgamma, lgamma, Logit, logit, Mvlgamma, mvlgamma,
    Polygamma, polygamma,
)
from sporax.ops._state import (
    Assign, assign, assign_add, assign_sub, AssignAdd, AssignSub,
)
from sporax.ops._statistics import (
    cov, histc, Histogram, logsumexp, Median, median, nanmean, nanmedian, nanquantile, nansum, quantile,
    ReduceStd, std, std_mean, var, var_mean,
)

__all__ = [
    "Abs", "abs", "absolute", "AccumulateNV2", "ACos", "acos", "Acosh", "acosh", "adaptive_avg_pool2d",
    "AdaptiveAvgPool2D", "Add", "add", "addbmm", "Addcdiv", "addcdiv", "Addcmul", "addcmul", "addmm",
    "addmv", "AddN", "addn", "addr", "all", "amax", "amin", "aminmax", "Angle", "angle", "any",
    "approximate_equal", "ApproximateEqual", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan",
    "arctan2", "arctanh", "Argmax", "argmax", "ArgMaxWithValue", "Argmin", "argmin", "ArgMinWithValue",
    "argsort", "argwhere", "Asin", "asin", "Asinh", "asinh", "Assign", "assign", "assign_add",
    "assign_sub", "AssignAdd", "AssignSub", "Atan", "atan", "Atan2", "atan2", "Atanh", "atanh",
    "atleast_1d", "atleast_2d", "atleast_3d", "avg_pool1d", "avg_pool2d", "AvgPool", "baddbmm",
    "bartlett_window", "batch_dot", "BatchMatMul", "BCEWithLogitsLoss", "Bernoulli", "bernoulli",
    "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e", "BesselI0", "BesselI0e", "BesselI1",
    "BesselI1e", "bias_add", "BiasAdd", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "BinaryCrossEntropy", "Bincount", "bincount", "bitwise_and", "bitwise_left_shift", "bitwise_not",
    "bitwise_or", "bitwise_right_shift", "bitwise_xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
    "blackman_window", "block_diag", "bmm", "broadcast_to", "BroadcastTo", "bucketize", "cartesian_prod",
    "Cast", "cast", "cat", "Cdist", "cdist", "Ceil", "ceil", "CeLU", "celu", "channel_shuffle",
    "ChannelShuffle", "chunk", "clamp", "clip", "clip_by_global_norm", "clip_by_norm", "clip_by_value",
    "column_stack", "Complex", "ComplexAbs", "Concat", "concat", "cond", "Conj", "conj", "conv1d",
    "Conv2D", "conv2d", "Conv2DTranspose", "Conv3D", "conv3d", "copysign", "Cos", "cos", "Cosh", "cosh",
    "cosine_embedding_loss", "cosine_similarity", "count_nonzero", "cov", "cross", "cross_entropy",
    "cross_entropy_ext", "ctc_greedy_decoder", "ctc_loss", "CTCGreedyDecoder", "CTCLoss", "CTCLossV2",
    "Cummax", "cummax", "Cummin", "cummin", "CumProd", "cumprod", "CumSum", "cumsum",
    "CumulativeLogsumexp", "deepcopy", "deg2rad", "Dense", "dense", "Depend", "depend", "Diag", "diag",
    "diag_embed", "diagflat", "diagonal", "diagonal_scatter", "diff", "Digamma", "digamma", "dist", "Div",
    "div", "div_no_nan", "divide", "DivNoNan", "dot", "Dropout", "dropout", "dropout1d", "Dropout2D",
    "dropout2d", "Dropout3D", "dropout3d", "dsplit", "dstack", "DType", "dtype", "Einsum", "einsum", "Elu", "elu",
    "embedding", "eq", "Equal", "equal", "Erf", "erf", "Erfc", "erfc", "Erfinv", "erfinv", "Exp", "exp",
    "exp2", "expand", "expand_as", "expand_dims", "ExpandDims", "Expm1", "expm1", "Eye", "eye",
    "fast_gelu", "FastGeLU", "FastGelu", "Fill", "fill", "Fills", "fills", "Flatten", "flatten", "flip",
    "fliplr", "flipud", "float_power", "Floor", "floor", "floor_div", "floor_divide", "floor_mod",
    "FloorDiv", "floordiv", "FloorMod", "floormod", "Fmax", "fmax", "Fmin", "fmin", "fmod", "fori_loop",
    "ForiLoop", "frac", "full", "full_like", "Gamma", "gamma", "Gather", "gather", "gather_d",
    "gather_elements", "gather_nd", "GatherD", "GatherNd", "GatherV2", "gaussian_nll_loss", "Gcd", "gcd",
    "ge", "GeLU", "Gelu", "gelu", "Ger", "ger", "GLU", "glu", "grad", "GradOperation", "Greater",
    "greater", "greater_equal", "GreaterEqual", "gt", "gumbel_softmax", "hamming_window", "hann_window",
    "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "Heaviside", "heaviside",
    "hinge_embedding_loss", "histc", "Histogram", "HookBackward", "HShrink", "HSigmoid", "hsplit", "hstack", "HSwish",
    "huber_loss", "HyperMap", "Hypot", "hypot", "i0", "Identity", "identity", "Igamma", "igamma",
    "Igammac", "igammac", "Imag", "imag", "index_add", "index_fill", "index_select", "IndexAdd",
    "IndexFill", "inner", "inplace_add", "inplace_sub", "inplace_update", "InplaceAdd", "InplaceSub",
    "InplaceUpdate", "InsertGradientOf", "InTopK", "interpolate", "intopk", "Inv", "inv", "Invert", "invert",
    "is_complex",
    "is_floating_point", "is_tensor", "IsClose", "isclose", "IsFinite", "isfinite", "IsInf", "isinf",
    "IsNan", "isnan", "isneginf", "isposinf", "isreal", "kl_div", "kl_div_ext", "KLDivLoss", "kron",
    "l1_loss", "l1_loss_ext", "L2Loss", "L2Normalize", "laplace", "Lcm", "lcm", "ldexp", "le",
    "leaky_relu", "LeftShift", "Lerp", "lerp", "Less", "less", "less_equal", "LessEqual", "Lgamma",
    "lgamma", "LinSpace", "linspace", "Log", "log", "log10", "Log1p", "log1p", "log2", "log_softmax",
    "log_uniform_candidate_sampler", "logaddexp", "logaddexp2", "logcumsumexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "LogicalAnd", "LogicalNot", "LogicalOr", "LogicalXor",
    "Logit", "logit", "logsigmoid", "LogSoftmax", "logspace", "logsumexp", "LogUniformCandidateSampler",
    "lt", "Map", "margin_ranking_loss", "masked_fill", "masked_select", "MaskedFill", "MaskedSelect",
    "MatMul", "matmul", "max", "max_pool2d", "Maximum", "maximum", "MaxPool", "mean", "Median", "median",
    "Meshgrid", "meshgrid", "min", "Minimum", "minimum", "MirrorPad", "Mish", "mish", "mm", "Mod", "mod",
    "moveaxis", "movedim", "mse_loss", "mse_loss_ext", "msort", "Mul", "mul", "mul_no_nan", "MulNoNan",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "MultilabelMarginLoss",
    "MultiMarginLoss", "Multinomial", "multinomial", "multiply", "MultitypeFuncGraph", "mv", "Mvlgamma",
    "mvlgamma", "nan_to_num", "nanmean", "nanmedian", "nanquantile", "nansum", "NanToNum", "narrow", "ne",
    "Neg", "neg", "negative", "NextAfter", "nextafter", "nll_loss", "nll_loss_ext", "NLLLoss", "NonZero",
    "nonzero", "norm", "normal", "not_equal", "NotEqual", "numel", "one_hot", "OneHot", "Ones", "ones",
    "ones_like", "OnesLike", "outer", "Pack", "Pad", "pad", "Partial", "partial", "permute", "pixel_shuffle",
    "pixel_unshuffle", "Poisson", "poisson", "polar", "Polygamma", "polygamma", "population_count",
    "PopulationCount", "positive", "Pow", "pow", "pows", "PReLU", "prelu", "Primitive", "prod",
    "quantile", "rad2deg", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "random_categorical", "random_gamma", "random_poisson", "RandomCategorical", "RandomShuffle",
    "randperm", "Range", "range", "Rank", "rank", "ravel", "Real", "real", "RealDiv", "Reciprocal",
    "reciprocal", "reduce_max", "reduce_mean", "reduce_min", "reduce_sum", "ReduceAll", "ReduceAny",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceStd", "ReduceSum", "ReLU", "relu",
    "ReLU6", "relu6", "remainder", "repeat_elements", "repeat_interleave", "Reshape", "reshape",
    "reverse", "ReverseV2", "RightShift", "Rint", "rint", "RNNTLoss", "Roll", "roll", "rot90", "Round",
    "round", "row_stack", "rrelu", "Rsqrt", "rsqrt", "scalar_cast", "scalar_to_tensor", "ScalarCast",
    "ScalarToTensor", "Scan", "scan", "scatter", "scatter_add", "scatter_div", "scatter_max",
    "scatter_min", "scatter_mul", "scatter_nd", "scatter_nd_add", "scatter_nd_div", "scatter_nd_max",
    "scatter_nd_min", "scatter_nd_mul", "scatter_nd_sub", "scatter_nd_update", "scatter_sub",
    "scatter_update", "ScatterAdd", "ScatterDiv", "ScatterMax", "ScatterMin", "ScatterMul", "ScatterNd",
    "ScatterNdAdd", "ScatterNdDiv", "ScatterNdMax", "ScatterNdMin", "ScatterNdMul", "ScatterNdSub",
    "ScatterNdUpdate", "ScatterSub", "ScatterUpdate", "SearchSorted", "searchsorted", "Select", "select",
    "select_scatter", "SeLU", "selu", "sequence_mask", "sgn", "Shape", "shape", "shuffle", "Sigmoid",
    "sigmoid", "SigmoidCrossEntropyWithLogits", "Sign", "sign", "signbit", "SiLU", "silu", "Sin", "sin",
    "Sinc", "sinc", "Sinh", "sinh", "Size", "size", "Slice", "slice", "slice_scatter", "smooth_l1_loss",
    "SmoothL1Loss", "soft_margin_loss", "soft_shrink", "SoftMarginLoss", "Softmax", "softmax",
    "SoftmaxCrossEntropyWithLogits", "softmin", "Softplus", "softplus", "SoftShrink", "softshrink",
    "Softsign", "softsign", "Sort", "sort", "SparseSoftmaxCrossEntropyWithLogits", "Split", "split",
    "Sqrt", "sqrt", "Square", "square", "squared_difference", "SquaredDifference", "Squeeze", "squeeze",
    "Stack", "stack", "standard_laplace", "standard_normal", "StandardLaplace", "StandardNormal", "std",
    "std_mean", "stop_gradient", "StopGradient", "strided_slice", "StridedSlice", "Sub", "sub",
    "subtract", "sum", "swapaxes", "swapdims", "swiglu", "t", "take", "Tan", "tan", "Tanh", "tanh",
    "tanhshrink", "tensor_add", "tensor_div", "tensor_dot", "tensor_exp", "tensor_expm1",
    "tensor_floordiv", "tensor_ge", "tensor_gt", "tensor_le", "tensor_lt", "tensor_mod", "tensor_mul",
    "tensor_pow", "tensor_scatter_add", "tensor_scatter_div", "tensor_scatter_elements",
    "tensor_scatter_max", "tensor_scatter_min", "tensor_scatter_mul", "tensor_scatter_sub",
    "tensor_scatter_update", "tensor_split", "tensor_sub", "TensorAdd", "TensorScatterAdd",
    "TensorScatterDiv", "TensorScatterElements", "TensorScatterMax", "TensorScatterMin",
    "TensorScatterMul", "TensorScatterSub", "TensorScatterUpdate", "TensorShape", "threshold", "Tile",
    "tile", "top_k", "TopK", "topk", "Trace", "trace", "Transpose", "transpose", "trapz", "Tril", "tril",
    "tril_indices", "triplet_margin_loss", "TripletMarginLoss", "Triu", "triu", "triu_indices",
    "true_divide", "Trunc", "trunc", "truncate_div", "truncate_mod", "TruncateDiv", "TruncateMod",
    "tuple_to_array", "TupleToArray", "type_as", "unbind", "uniform", "uniform_candidate_sampler",
    "UniformCandidateSampler", "UniformInt", "UniformReal", "Unique", "unique", "unique_consecutive",
    "unique_with_pad", "UniqueConsecutive", "UniqueWithPad", "Unpack", "unsorted_segment_max",
    "unsorted_segment_min", "unsorted_segment_prod", "unsorted_segment_sum", "UnsortedSegmentMax",
    "UnsortedSegmentMin", "UnsortedSegmentProd", "UnsortedSegmentSum", "unsqueeze", "Unstack", "unstack",
    "value_and_grad", "vander", "var", "var_mean", "vecdot", "vector_norm", "view_as", "vmap", "vsplit",
    "vstack", "where", "while_loop", "WhileLoop", "Xdivy", "xdivy", "Xlogy", "xlogy", "Zeros", "zeros",
    "zeros_like", "ZerosLike", "Zeta", "zeta",
]

attach_methods()

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
