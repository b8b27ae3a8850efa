# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmwsmots.utils import quiet_dependencies

quiet_dependencies()  # before mmdet's data sets are imported

from .dump_mask_labels import DumpMaskLabels
from .mots_metric import MOTSMetric
from .save_detections import SaveDetections

__all__ = ['DumpMaskLabels', 'MOTSMetric', 'SaveDetections']
