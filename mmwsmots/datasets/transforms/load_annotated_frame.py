# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
from mmcv.transforms import LoadImageFromFile
from mmdet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadAnnotatedFrame(LoadImageFromFile):
    """Load a frame, and refuse one that its boxes were not made for.

    Frames of one video may differ in size from what the annotation file says of them,
    after a changed export for example; boxes would then lie elsewhere, without any
    error. Images of any depth and number of channels come as 8-bit BGR.
    """

    def transform(self, results: dict) -> dict | None:
        """Load the image of ``img_path``, whose ``height`` and ``width`` are known.

        Raises:
            ValueError: If the image is truncated or has another size.
        """
        path, size = results['img_path'], (results['height'], results['width'])
        try:
            results = super().transform(results)
        except (AssertionError, cv2.error) as error:
            raise ValueError(f'{path}: the frame cannot be read') from error
        if results is not None and results['ori_shape'] != size:
            height, width = results['ori_shape']
            raise ValueError(
                f'{path}: the frame has the size {width} x {height}, '
                f'in the annotations {size[1]} x {size[0]}'
            )
        return results
