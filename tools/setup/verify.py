# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Import what everything stands on, run one compiled op, print the versions."""

from importlib import import_module
from importlib.util import find_spec

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


def main():
    """Run mmcv's non-maximum suppression on two equal boxes."""
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
    kept = mmcv.ops.nms(boxes, torch.tensor([0.5, 1.0]), 0.5)[1].tolist()
    if kept != [1]:
        raise RuntimeError(f'mmcv.ops.nms kept the boxes {kept}, not [1]')
    packages = [torch, mmcv, mmdet, mmengine]
    if find_spec('mmtrack') is None:
        import_module('mmdet.models.mot')  # absent before mmdet 3.1
    else:
        packages.append(import_module('mmtrack'))
        import_module('mmtrack.apis')
    print(', '.join(f'{module.__name__} {module.__version__}' for module in packages))


if __name__ == '__main__':
    main()
