# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Import what everything stands on, run one compiled op, print the versions."""

import cv2  # noqa: F401
import mmcv
import mmcv.ops
import mmdet
import mmdet.datasets
import mmdet.evaluation
import mmdet.models
import mmdet.visualization
import mmengine
import torch
import trackeval  # noqa: F401
from mmdet.models.mot import BaseMOTModel  # noqa: F401  (absent before mmdet 3.1)


def main():
    """Run mmcv's non-maximum suppression on two equal boxes."""
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
    kept = mmcv.ops.nms(boxes, torch.tensor([0.5, 1.0]), 0.5)[1].tolist()
    if kept != [1]:
        raise RuntimeError(f'mmcv.ops.nms kept the boxes {kept}, not [1]')
    print(
        f'torch {torch.__version__}, mmcv {mmcv.__version__}, '
        f'mmdet {mmdet.__version__}, mmengine {mmengine.__version__}'
    )


if __name__ == '__main__':
    main()
