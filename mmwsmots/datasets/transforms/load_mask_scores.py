# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadMaskScores(BaseTransform):
    """Load how sure the masks are that :class:`DumpMaskLabels` wrote.

    The confidence of a mask is the entry ``score`` of its RLE. It reaches the mask loss
    through :class:`PackMOTSInputs` or :class:`PackMOTSDetInputs`.
    """

    def transform(self, results: dict) -> dict:
        """Add ``gt_mask_scores`` (N, ), float32 in [0, 1], where masks were loaded.

        They are 1 where the file has none, as true masks have it.

        Raises:
            ValueError: If a confidence lies outside of [0, 1], or another transform
                left instances out.
        """
        if 'gt_masks' not in results:
            return results
        masks = [instance['mask'] for instance in results['instances']]
        scores = [m.get('score', 1.0) if isinstance(m, dict) else 1.0 for m in masks]
        for score in scores:
            if not 0 <= score <= 1:
                raise ValueError(
                    f'{results["img_path"]}: a mask has the score {score}, outside of '
                    '0..1'
                )
        if len(scores) != len(results['gt_masks']):
            raise ValueError(
                f'{results["img_path"]}: {len(results["gt_masks"])} of {len(scores)} '
                'masks are left; LoadMaskScores cannot tell which, use no transform '
                'that leaves instances out'
            )
        results['gt_mask_scores'] = np.array(scores, dtype=np.float32)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
