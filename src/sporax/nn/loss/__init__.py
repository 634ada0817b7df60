"""Losses as Cells: each holds hyper-parameters and calls its function of `sporax.losses`."""

from typing import TYPE_CHECKING

from sporax._suggest import missing_from
from sporax.nn.loss._adaptive import AdaptiveLogSoftmaxWithLoss
from sporax.nn.loss._balanced import ClassBalancedLoss, LDAMLoss, LogitAdjustedLoss, ZLoss
from sporax.nn.loss._base import LossBase, RegisteredLoss
from sporax.nn.loss._binary import BCELoss, BCEWithLogitsLoss, MultiLabelSoftMarginLoss, SoftMarginLoss
from sporax.nn.loss._binary_focal import AsymmetricLoss, BinaryFocalLoss, SigmoidFocalLoss
from sporax.nn.loss._boxes import CIoULoss, DIoULoss, GIoULoss, IoULoss
from sporax.nn.loss._calls import call_loss, tensors_of
from sporax.nn.loss._capture import capturing, parts_of_total, sums_of, through_means
from sporax.nn.loss._classification import CrossEntropyLoss, NLLLoss, SoftmaxCrossEntropyWithLogits
from sporax.nn.loss._composition import UncertaintyWeightedLoss, WeightedSumLoss
from sporax.nn.loss._contrastive import (
    CircleLoss,
    ContrastiveLoss,
    InfoNCELoss,
    MultiSimilarityLoss,
    NPairLoss,
    NTXentLoss,
    SigLIPLoss,
    SupConLoss,
)
from sporax.nn.loss._ctc import CTCLoss
from sporax.nn.loss._divergence import ConvexKLLoss, GeneralizedKLLoss, JensenShannonLoss, KLDivergenceLoss, KLDivLoss
from sporax.nn.loss._fenchel_young import BinarySparsemaxLoss, FenchelYoungLoss, SparsemaxLoss
from sporax.nn.loss._focal import CategoricalFocalLoss, FocalLoss
from sporax.nn.loss._linear import LinearCrossEntropyLoss
from sporax.nn.loss._margin import (
    CategoricalHingeLoss,
    HingeEmbeddingLoss,
    HingeLoss,
    MulticlassHingeLoss,
    MulticlassPerceptronLoss,
    MultilabelMarginLoss,
    MultiMarginLoss,
    PerceptronLoss,
    SquaredHingeLoss,
)
from sporax.nn.loss._masking import MaskedLoss
from sporax.nn.loss._metric import CosineEmbeddingLoss, MarginRankingLoss
from sporax.nn.loss._nce import NCELoss
from sporax.nn.loss._noisy import (
    BiTemperedLogisticLoss,
    GeneralizedCrossEntropyLoss,
    PolyLoss,
    SymmetricCrossEntropyLoss,
)
from sporax.nn.loss._ordinal import CoralLoss, CornLoss
from sporax.nn.loss._outputs import DeepSupervisionLoss, OutputLosses
from sporax.nn.loss._piecewise import AdaptiveWingLoss, EpsilonInsensitiveLoss, QuantileLoss, WingLoss
from sporax.nn.loss._preference import DistillationLoss, DPOLoss
from sporax.nn.loss._probabilistic import (
    BetaGaussianNLLLoss,
    BetaNLLLoss,
    GaussianNLLLoss,
    LaplaceNLLLoss,
    NegativeBinomialNLLLoss,
    PoissonNLLLoss,
    StudentTNLLLoss,
)
from sporax.nn.loss._proxy import ArcFaceLoss, CosFaceLoss, ProxyAnchorLoss, ProxyNCALoss
from sporax.nn.loss._ranking import LambdaRankLoss, ListMLELoss, ListNetLoss, RankingSoftmaxLoss, RankNetLoss
from sporax.nn.loss._regression import (
    CosineSimilarityLoss,
    HuberLoss,
    L1Loss,
    L1LossExt,
    LogCoshLoss,
    MAELoss,
    MSELoss,
    RMSELoss,
    SmoothL1Loss,
)
from sporax.nn.loss._relative import MAPELoss, MSLELoss, PoissonLoss
from sporax.nn.loss._rnnt import RNNTLoss
from sporax.nn.loss._robust import (
    CauchyLoss,
    CharbonnierLoss,
    GemanMcClureLoss,
    GeneralAdaptiveLoss,
    TukeyBiweightLoss,
    WelschLoss,
)
from sporax.nn.loss._sampled import SampledSoftmaxLoss
from sporax.nn.loss._scoring import EnergyScoreLoss, GaussianCRPSLoss, QuantileCRPSLoss, SampleCRPSLoss
from sporax.nn.loss._segmentation import (
    DiceCrossEntropyLoss,
    DiceLoss,
    FocalTverskyLoss,
    GeneralizedDiceLoss,
    JaccardLoss,
    LovaszHingeLoss,
    LovaszSoftmaxLoss,
    MultiClassDiceLoss,
    TverskyLoss,
)
from sporax.nn.loss._smoothing import LabelSmoothing
from sporax.nn.loss._triplet import (
    BatchHardTripletLoss,
    SemiHardTripletLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)

__all__ = [
    "AdaptiveLogSoftmaxWithLoss",
    "AdaptiveWingLoss",
    "ArcFaceLoss",
    "AsymmetricLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchHardTripletLoss",
    "BetaGaussianNLLLoss",
    "BetaNLLLoss",
    "BiTemperedLogisticLoss",
    "BinaryFocalLoss",
    "BinarySparsemaxLoss",
    "CIoULoss",
    "CTCLoss",
    "CategoricalFocalLoss",
    "CategoricalHingeLoss",
    "CauchyLoss",
    "CharbonnierLoss",
    "CircleLoss",
    "ClassBalancedLoss",
    "ContrastiveLoss",
    "ConvexKLLoss",
    "CoralLoss",
    "CornLoss",
    "CosFaceLoss",
    "CosineEmbeddingLoss",
    "CosineSimilarityLoss",
    "CrossEntropyLoss",
    "DIoULoss",
    "DPOLoss",
    "DeepSupervisionLoss",
    "DiceCrossEntropyLoss",
    "DiceLoss",
    "DistillationLoss",
    "EnergyScoreLoss",
    "EpsilonInsensitiveLoss",
    "FenchelYoungLoss",
    "FocalLoss",
    "FocalTverskyLoss",
    "GIoULoss",
    "GaussianCRPSLoss",
    "GaussianNLLLoss",
    "GemanMcClureLoss",
    "GeneralAdaptiveLoss",
    "GeneralizedCrossEntropyLoss",
    "GeneralizedDiceLoss",
    "GeneralizedKLLoss",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "InfoNCELoss",
    "IoULoss",
    "JaccardLoss",
    "JensenShannonLoss",
    "KLDivLoss",
    "KLDivergenceLoss",
    "L1Loss",
    "L1LossExt",
    "LDAMLoss",
    "LabelSmoothing",
    "LambdaRankLoss",
    "LaplaceNLLLoss",
    "LinearCrossEntropyLoss",
    "ListMLELoss",
    "ListNetLoss",
    "LogCoshLoss",
    "LogitAdjustedLoss",
    "LossBase",
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "MAELoss",
    "MAPELoss",
    "MSELoss",
    "MSLELoss",
    "MarginRankingLoss",
    "MaskedLoss",
    "MultiClassDiceLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "MultiSimilarityLoss",
    "MulticlassHingeLoss",
    "MulticlassPerceptronLoss",
    "MultilabelMarginLoss",
    "NCELoss",
    "NLLLoss",
    "NPairLoss",
    "NTXentLoss",
    "NegativeBinomialNLLLoss",
    "OutputLosses",
    "PerceptronLoss",
    "PoissonLoss",
    "PoissonNLLLoss",
    "PolyLoss",
    "ProxyAnchorLoss",
    "ProxyNCALoss",
    "QuantileCRPSLoss",
    "QuantileLoss",
    "RMSELoss",
    "RNNTLoss",
    "RankNetLoss",
    "RankingSoftmaxLoss",
    "RegisteredLoss",
    "SampleCRPSLoss",
    "SampledSoftmaxLoss",
    "SemiHardTripletLoss",
    "SigLIPLoss",
    "SigmoidFocalLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "SoftmaxCrossEntropyWithLogits",
    "SparsemaxLoss",
    "SquaredHingeLoss",
    "StudentTNLLLoss",
    "SupConLoss",
    "SymmetricCrossEntropyLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "TukeyBiweightLoss",
    "TverskyLoss",
    "UncertaintyWeightedLoss",
    "WeightedSumLoss",
    "WelschLoss",
    "WingLoss",
    "ZLoss",
    "call_loss",
    "capturing",
    "parts_of_total",
    "sums_of",
    "tensors_of",
    "through_means",
]

if not TYPE_CHECKING:  # a type checker shall see that a name is missing
    __getattr__ = missing_from(__name__)
