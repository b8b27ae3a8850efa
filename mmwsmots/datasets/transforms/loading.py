# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import cv2
import numpy as np
from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmdet.registry import TRANSFORMS

from mmwsmots.fileio.frame_reader import is_cut_off


class FrameError(ValueError):
    """A picture of a data set that is not what its annotations say."""

    def __str__(self) -> str:
        # A process that loads data hands its traceback on as the message.
        return super().__str__().rpartition(f'{type(self).__name__}: ')[2].strip()


@TRANSFORMS.register_module()
class LoadAnnotatedFrame(LoadImageFromFile):
    """Load a frame as 8-bit BGR; refuse one of another size than annotated."""

    def transform(self, results: dict) -> dict | None:
        """Load the image of ``img_path``, whose ``height`` and ``width`` are known.

        FrameError if it is missing, truncated or of another size.
        """
        path, size = results['img_path'], (results['height'], results['width'])
        try:
            results = super().transform(results)
        except FileNotFoundError as error:
            raise FrameError(f'{path}: no such picture') from error
        except (AssertionError, cv2.error) as error:
            raise FrameError(f'{path}: the frame cannot be read') from error
        if Path(path).is_file() and is_cut_off(path):
            raise FrameError(f'{path}: the frame cannot be read')
        if results is not None and results['ori_shape'] != size:
            height, width = results['ori_shape']
            raise FrameError(
                f'{path}: the frame has the size {width} x {height}, '
                f'in the annotations {size[1]} x {size[0]}'
            )
        return results


@TRANSFORMS.register_module()
class LoadMaskScores(BaseTransform):
    """Load how sure the masks are, the ``score`` that :class:`DumpMaskLabels` wrote.

    :class:`PackMOTSInputs` or :class:`PackMOTSDetInputs` hand it to the mask loss.
    """

    def transform(self, results: dict) -> dict:
        """Add ``gt_mask_scores`` (N, ), float32 in [0, 1], if masks were loaded.

        A mask without a score, a true one, has 1. ValueError if one lies outside of
        [0, 1], or another transform left instances out.
        """
        if 'gt_masks' not in results:
            return results
        masks = [instance['mask'] for instance in results['instances']]
        scores = [m.get('score', 1.0) if isinstance(m, dict) else 1.0 for m in masks]
        path, number = results.get('img_path'), len(results['gt_masks'])
        for score in scores:
            if not 0 <= score <= 1:
                text = f'a mask has the score {score}, outside of 0..1'
                raise ValueError(f'{path}: {text}')
        if len(scores) != number:
            raise ValueError(
                f'{path}: {number} of {len(scores)} masks are left; LoadMaskScores '
                'cannot tell which, use no transform that leaves instances out'
            )
        results['gt_mask_scores'] = np.array(scores, dtype=np.float32)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
