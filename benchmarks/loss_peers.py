"""The mean of each loss of the registry in PyTorch, optax and Keras, for the parameters that the benchmark uses.

Those are the first settings of each loss (`losses.get(name).settings`). Each table is created by a function, so that a
peer that is not installed is skipped. A name in `COMPOSED` is not a single function of PyTorch, but a composition of
several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Peers = Mapping[str, Callable[..., Any]]

COMPOSED = frozenset(
    {
        "rmse_loss",
        "cosine_similarity_loss",
        "kl_divergence",
        "kl_divergence_with_log_targets",
        "linear_cross_entropy",
        "sigmoid_focal_loss",
        "distillation_loss",
        "info_nce_loss",
        "laplace_nll_loss",
    }
)


def torch_peers() -> Peers:
    import torch

    f = torch.nn.functional
    long = lambda y: y.long()  # noqa: E731
    return {
        "l1_loss": f.l1_loss,
        "mse_loss": f.mse_loss,
        "rmse_loss": lambda x, y: f.mse_loss(x, y).sqrt(),
        "smooth_l1_loss": f.smooth_l1_loss,
        "huber_loss": f.huber_loss,
        "cosine_similarity_loss": lambda x, y: -f.cosine_similarity(x, y, -1).mean(),
        "binary_cross_entropy": f.binary_cross_entropy,
        "binary_cross_entropy_with_logits": f.binary_cross_entropy_with_logits,
        "soft_margin_loss": f.soft_margin_loss,
        "multilabel_soft_margin_loss": f.multilabel_soft_margin_loss,
        "sigmoid_focal_loss": lambda x, y: _torch_focal(torch, x, y),
        "softmax_cross_entropy_with_logits": f.cross_entropy,
        "sparse_softmax_cross_entropy_with_logits": lambda x, y: f.cross_entropy(x, y.long()),
        "cross_entropy": lambda x, y: f.cross_entropy(x, y.long()),
        "soft_cross_entropy": f.cross_entropy,
        "nll_loss": lambda x, y: f.nll_loss(x, y.long()),
        "hinge_embedding_loss": f.hinge_embedding_loss,
        "multi_margin_loss": lambda x, y: f.multi_margin_loss(x, y.long()),
        "multilabel_margin_loss": lambda x, y: f.multilabel_margin_loss(x, y.long()),
        "kl_div": f.kl_div,
        "kl_divergence": lambda x, y: f.kl_div(x, y, reduction="batchmean"),
        "kl_divergence_with_log_targets": lambda x, y: f.kl_div(x, y, reduction="batchmean", log_target=True),
        "cosine_embedding_loss": f.cosine_embedding_loss,
        "margin_ranking_loss": f.margin_ranking_loss,
        "triplet_margin_loss": f.triplet_margin_loss,
        "triplet_margin_with_distance_loss": f.triplet_margin_with_distance_loss,
        "poisson_nll_loss": lambda x, y: f.poisson_nll_loss(x, y, log_input=True, full=True),
        "gaussian_nll_loss": f.gaussian_nll_loss,
        "laplace_nll_loss": lambda m, y, s: -torch.distributions.Laplace(m, s, validate_args=False).log_prob(y).mean(),
        "ctc_loss": lambda x, y, a, b: f.ctc_loss(x, long(y), long(a), long(b), reduction="none").mean(),
        "distillation_loss": lambda x, y: f.kl_div(x.log_softmax(-1), y.softmax(-1), reduction="batchmean"),
        "info_nce_loss": lambda q, k: f.cross_entropy(
            f.normalize(q) @ f.normalize(k).T / 0.5, torch.arange(len(q), device=q.device)
        ),
        "linear_cross_entropy": lambda h, w, y: f.cross_entropy(h @ w.T, y.long()),
    }


def _torch_focal(torch: Any, x: Any, y: Any) -> Any:
    # As in torchvision.
    p = torch.sigmoid(x)
    cost = torch.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none")
    return (cost * (1 - (p * y + (1 - p) * (1 - y))) ** 2).mean()


def optax_peers() -> Peers:
    import jax.numpy as jnp
    import optax

    o = optax.losses
    mean = lambda fn: lambda *inputs: jnp.mean(fn(*inputs))  # noqa: E731
    peers: dict[str, Callable[..., Any]] = {
        "mse_loss": o.squared_error,
        "huber_loss": o.huber_loss,
        "log_cosh_loss": o.log_cosh,
        "cosine_similarity_loss": o.cosine_distance,
        "binary_cross_entropy_with_logits": o.sigmoid_binary_cross_entropy,
        "sigmoid_focal_loss": o.sigmoid_focal_loss,
        "softmax_cross_entropy_with_logits": o.softmax_cross_entropy,
        "sparse_softmax_cross_entropy_with_logits": o.softmax_cross_entropy_with_integer_labels,
        "cross_entropy": o.softmax_cross_entropy_with_integer_labels,
        "soft_cross_entropy": o.softmax_cross_entropy,
        "hinge_loss": o.hinge_loss,
        "perceptron_loss": o.perceptron_loss,
        "multiclass_hinge_loss": o.multiclass_hinge_loss,
        "multiclass_perceptron_loss": o.multiclass_perceptron_loss,
        "poly1_cross_entropy": o.poly_loss_cross_entropy,
        "sparsemax_loss": None,
        "multiclass_sparsemax_loss": o.multiclass_sparsemax_loss,
        "binary_sparsemax_loss": o.sparsemax_loss,
        "kl_divergence": o.kl_divergence,
        "kl_divergence_with_log_targets": o.kl_divergence_with_log_targets,
        "generalized_kl_divergence": o.generalized_kl_divergence,
        "convex_kl_divergence": o.convex_kl_divergence,
        "ranking_softmax_loss": o.ranking_softmax_loss,
        "triplet_margin_loss": o.triplet_margin_loss,
    }  # type: ignore[dict-item]
    return {name: mean(fn) for name, fn in peers.items() if fn is not None}


def keras_peers() -> Peers:
    import jax.numpy as jnp
    import keras

    if keras.backend.backend() != "jax":
        raise ImportError("Keras runs on another backend than JAX")
    k = keras.losses

    def peer(fn: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        return lambda x, y: jnp.mean(fn(y, x, **options))

    return {
        "l1_loss": peer(k.mean_absolute_error),
        "mse_loss": peer(k.mean_squared_error),
        "huber_loss": peer(k.huber),
        "log_cosh_loss": peer(k.log_cosh),
        "cosine_similarity_loss": peer(k.cosine_similarity),
        "mean_absolute_percentage_error": peer(k.mean_absolute_percentage_error),
        "mean_squared_logarithmic_error": peer(k.mean_squared_logarithmic_error),
        "poisson_loss": peer(k.poisson),
        "binary_cross_entropy": peer(k.binary_crossentropy),
        "binary_cross_entropy_with_logits": peer(k.binary_crossentropy, from_logits=True),
        "binary_focal_cross_entropy": peer(k.binary_focal_crossentropy),
        "sigmoid_focal_loss": peer(k.binary_focal_crossentropy, from_logits=True),
        "softmax_cross_entropy_with_logits": peer(k.categorical_crossentropy, from_logits=True),
        "soft_cross_entropy": peer(k.categorical_crossentropy, from_logits=True),
        "sparse_softmax_cross_entropy_with_logits": peer(k.sparse_categorical_crossentropy, from_logits=True),
        "cross_entropy": peer(k.sparse_categorical_crossentropy, from_logits=True),
        "categorical_focal_cross_entropy": peer(k.categorical_focal_crossentropy),
        "hinge_loss": peer(k.hinge),
        "squared_hinge_loss": peer(k.squared_hinge),
        "categorical_hinge_loss": peer(k.categorical_hinge),
        "dice_loss": peer(k.dice),
        "tversky_loss": peer(k.tversky),
    }
