"""Loss functions on JAX arrays, without depending on Cell.

Every loss is called in one way:

    fn(*inputs, **hyper_parameters, reduction="none", weights=None)

It takes arrays, or what JAX takes for one, and returns unreduced values. With `reduction` "mean", "sum" or "batchmean"
it returns a scalar, as `jax.grad` needs; `weights` broadcasts to the values, and a weight of 0 removes a sample. Half
precision is computed and reduced in float32, and rounded once. `evaluate` does the same for any other function. The
functions follow the caller's setting of 64-bit mode.

    >>> import functools, jax, numpy as np
    >>> from sporax import losses
    >>> x, y = np.array([2.0, 3.0], np.float32), np.array([1.0, 5.0], np.float32)
    >>> losses.mse_loss(x, y).tolist()
    [1.0, 4.0]
    >>> jax.grad(functools.partial(losses.mse_loss, reduction="mean"))(x, y).tolist()
    [1.0, -2.0]
    >>> losses.mse_loss(x, np.array([1.0, np.nan], np.float32), reduction="mean", weights=[1.0, 0.0]).item()
    1.0
"""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.losses._adaptive import adaptive_log_softmax, adaptive_log_softmax_loss
from sporax.losses._balanced import (
    class_balanced_loss,
    class_balanced_weights,
    ldam_loss,
    logit_adjusted_cross_entropy,
    z_loss,
)
from sporax.losses._binary import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from sporax.losses._binary_focal import asymmetric_loss, binary_focal_cross_entropy, sigmoid_focal_loss
from sporax.losses._boxes import ciou_loss, diou_loss, giou_loss, iou_loss
from sporax.losses._classification import (
    cross_entropy,
    nll_loss,
    smooth_labels,
    soft_cross_entropy,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from sporax.losses._contract import Counted, LossFunction, hyper_parameter, loss_function
from sporax.losses._contrastive import (
    circle_loss,
    contrastive_loss,
    info_nce_loss,
    multi_similarity_loss,
    n_pair_loss,
    nt_xent_loss,
    siglip_loss,
    sup_con_loss,
)
from sporax.losses._convention import KEYWORDS
from sporax.losses._convention import contract_loss as contract_loss
from sporax.losses._ctc import ctc_log_alpha, ctc_loss, pad_targets
from sporax.losses._divergence import (
    convex_kl_divergence,
    generalized_kl_divergence,
    jensen_shannon_loss,
    kl_div,
    kl_divergence,
    kl_divergence_with_log_targets,
)
from sporax.losses._evaluate import evaluate, evaluate_sum_and_weight
from sporax.losses._examples import EXAMPLE_SIZES, example_inputs, example_shape
from sporax.losses._fenchel_young import (
    binary_sparsemax_loss,
    entmax15,
    fenchel_young_loss,
    make_fenchel_young_loss,
    multiclass_sparsemax_loss,
    sparsemax,
    sparsemax_loss,
)
from sporax.losses._focal import (
    categorical_focal_cross_entropy,
    focal_loss,
    focal_terms,
    soft_focal_loss,
    soft_focal_terms,
)
from sporax.losses._labels import debug_checks
from sporax.losses._linear import LinearCrossEntropyStats, linear_cross_entropy
from sporax.losses._lovasz import lovasz_hinge_loss, lovasz_softmax_loss, lovasz_softmax_per_image_loss
from sporax.losses._margin import (
    categorical_hinge_loss,
    hinge_embedding_loss,
    hinge_loss,
    multi_margin_loss,
    multiclass_hinge_loss,
    multiclass_perceptron_loss,
    multilabel_margin_loss,
    perceptron_loss,
    squared_hinge_loss,
)
from sporax.losses._metric import cosine_embedding_loss, margin_ranking_loss
from sporax.losses._mining import Triplets, batch_hard_triplets, pairwise_distances, semi_hard_triplets
from sporax.losses._nce import nce_loss
from sporax.losses._noisy import (
    bi_tempered_logistic_loss,
    generalized_cross_entropy,
    poly1_cross_entropy,
    sparse_bi_tempered_logistic_loss,
    sparse_poly1_cross_entropy,
    symmetric_cross_entropy,
)
from sporax.losses._observer import observed_by as observed_by
from sporax.losses._ordinal import coral_labels, coral_loss, corn_labels, corn_loss, ordinal_levels
from sporax.losses._piecewise import (
    adaptive_wing_loss,
    epsilon_insensitive_loss,
    multi_quantile_loss,
    quantile_loss,
    wing_loss,
)
from sporax.losses._preference import distillation_loss, distillation_with_labels_loss, dpo_loss
from sporax.losses._probabilistic import (
    beta_nll_loss,
    beta_weighted_gaussian_nll_loss,
    gaussian_nll_loss,
    laplace_nll_loss,
    negative_binomial_nll_loss,
    poisson_nll_loss,
    student_t_nll_loss,
)
from sporax.losses._proxy import arcface_loss, cosface_loss, proxy_anchor_loss, proxy_nca_loss
from sporax.losses._ranking import lambda_rank_loss, list_mle_loss, list_net_loss, rank_net_loss, ranking_softmax_loss
from sporax.losses._reduce import REDUCTIONS, check_reduction, divide, reduce_loss, sum_and_weight
from sporax.losses._registry import by_cell, get, registry
from sporax.losses._regression import (
    cosine_similarity_loss,
    huber_loss,
    l1_loss,
    log_cosh_loss,
    mse_loss,
    rmse_loss,
    smooth_l1_loss,
)
from sporax.losses._relative import mean_absolute_percentage_error, mean_squared_logarithmic_error, poisson_loss
from sporax.losses._rnnt import rnnt_loss
from sporax.losses._robust import (
    cauchy_loss,
    charbonnier_loss,
    geman_mcclure_loss,
    general_adaptive_loss,
    tukey_biweight_loss,
    welsch_loss,
)
from sporax.losses._row import LossRow, Size, Sized
from sporax.losses._sampled import (
    SampledValues,
    log_uniform_candidate_sampler,
    sampled_softmax_loss,
    uniform_candidate_sampler,
)
from sporax.losses._scoring import crps_gaussian, crps_sample, energy_score, quantile_crps
from sporax.losses._segmentation import (
    dice_cross_entropy_loss,
    dice_loss,
    focal_tversky_loss,
    generalized_dice_loss,
    multi_class_dice_loss,
    soft_jaccard_loss,
    tversky_loss,
)
from sporax.losses._softmax import log_softmax
from sporax.losses._spec import InputSpec, LossSpec, label, prediction, table
from sporax.losses._triplet import (
    batch_hard_triplet_loss,
    semi_hard_triplet_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)

__all__ = [
    "EXAMPLE_SIZES",
    "KEYWORDS",
    "REDUCTIONS",
    "Counted",
    "InputSpec",
    "LinearCrossEntropyStats",
    "LossFunction",
    "LossRow",
    "LossSpec",
    "SampledValues",
    "Size",
    "Sized",
    "Triplets",
    "adaptive_log_softmax",
    "adaptive_log_softmax_loss",
    "adaptive_wing_loss",
    "arcface_loss",
    "asymmetric_loss",
    "batch_hard_triplet_loss",
    "batch_hard_triplets",
    "beta_nll_loss",
    "beta_weighted_gaussian_nll_loss",
    "bi_tempered_logistic_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "binary_focal_cross_entropy",
    "binary_sparsemax_loss",
    "by_cell",
    "categorical_focal_cross_entropy",
    "categorical_hinge_loss",
    "cauchy_loss",
    "charbonnier_loss",
    "check_reduction",
    "ciou_loss",
    "circle_loss",
    "class_balanced_loss",
    "class_balanced_weights",
    "contrastive_loss",
    "convex_kl_divergence",
    "coral_labels",
    "coral_loss",
    "corn_labels",
    "corn_loss",
    "cosface_loss",
    "cosine_embedding_loss",
    "cosine_similarity_loss",
    "cross_entropy",
    "crps_gaussian",
    "crps_sample",
    "ctc_log_alpha",
    "ctc_loss",
    "debug_checks",
    "dice_cross_entropy_loss",
    "dice_loss",
    "diou_loss",
    "distillation_loss",
    "distillation_with_labels_loss",
    "divide",
    "dpo_loss",
    "energy_score",
    "entmax15",
    "epsilon_insensitive_loss",
    "evaluate",
    "evaluate_sum_and_weight",
    "example_inputs",
    "example_shape",
    "fenchel_young_loss",
    "focal_loss",
    "focal_terms",
    "focal_tversky_loss",
    "gaussian_nll_loss",
    "geman_mcclure_loss",
    "general_adaptive_loss",
    "generalized_cross_entropy",
    "generalized_dice_loss",
    "generalized_kl_divergence",
    "get",
    "giou_loss",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "hyper_parameter",
    "info_nce_loss",
    "iou_loss",
    "jensen_shannon_loss",
    "kl_div",
    "kl_divergence",
    "kl_divergence_with_log_targets",
    "l1_loss",
    "label",
    "lambda_rank_loss",
    "laplace_nll_loss",
    "ldam_loss",
    "linear_cross_entropy",
    "list_mle_loss",
    "list_net_loss",
    "log_cosh_loss",
    "log_softmax",
    "log_uniform_candidate_sampler",
    "logit_adjusted_cross_entropy",
    "loss_function",
    "lovasz_hinge_loss",
    "lovasz_softmax_loss",
    "lovasz_softmax_per_image_loss",
    "make_fenchel_young_loss",
    "margin_ranking_loss",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "mse_loss",
    "multi_class_dice_loss",
    "multi_margin_loss",
    "multi_quantile_loss",
    "multi_similarity_loss",
    "multiclass_hinge_loss",
    "multiclass_perceptron_loss",
    "multiclass_sparsemax_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "n_pair_loss",
    "nce_loss",
    "negative_binomial_nll_loss",
    "nll_loss",
    "nt_xent_loss",
    "ordinal_levels",
    "pad_targets",
    "pairwise_distances",
    "perceptron_loss",
    "poisson_loss",
    "poisson_nll_loss",
    "poly1_cross_entropy",
    "prediction",
    "proxy_anchor_loss",
    "proxy_nca_loss",
    "quantile_crps",
    "quantile_loss",
    "rank_net_loss",
    "ranking_softmax_loss",
    "reduce_loss",
    "registry",
    "rmse_loss",
    "rnnt_loss",
    "sampled_softmax_loss",
    "semi_hard_triplet_loss",
    "semi_hard_triplets",
    "siglip_loss",
    "sigmoid_focal_loss",
    "smooth_l1_loss",
    "smooth_labels",
    "soft_cross_entropy",
    "soft_focal_loss",
    "soft_focal_terms",
    "soft_jaccard_loss",
    "soft_margin_loss",
    "softmax_cross_entropy_with_logits",
    "sparse_bi_tempered_logistic_loss",
    "sparse_poly1_cross_entropy",
    "sparse_softmax_cross_entropy_with_logits",
    "sparsemax",
    "sparsemax_loss",
    "squared_hinge_loss",
    "student_t_nll_loss",
    "sum_and_weight",
    "sup_con_loss",
    "symmetric_cross_entropy",
    "table",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "tukey_biweight_loss",
    "tversky_loss",
    "uniform_candidate_sampler",
    "welsch_loss",
    "wing_loss",
    "z_loss",
]

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
