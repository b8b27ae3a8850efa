# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from .box_projection_loss import BoxProjectionLoss
from .crf_loss import CRFLoss
from .hard_triplet_loss import HardTripletLoss
from .mean_loss import PartialCrossEntropyLoss
from .pairwise_affinity_loss import PairwiseAffinityLoss

__all__ = [
    'BoxProjectionLoss',
    'CRFLoss',
    'HardTripletLoss',
    'PairwiseAffinityLoss',
    'PartialCrossEntropyLoss',
]
