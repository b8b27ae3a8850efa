# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import get_box_tensor

UNDER_PROB = 0.7


@TRANSFORMS.register_module()
class RandomShadow(BaseTransform):
    """Synthetic cast shadows, attached to no object, on the ground around the objects.

    The shadow below an object lies in its box and moves with it: masks learned from
    boxes take it in. A synthetic shadow lies outside the box as well, where every mask
    is 0; the look of a shadow is background then, inside the box too. Seven of ten fall
    around the lower side of an object's box, the others anywhere at that level. With
    ``share_random_params`` of ``TransformBroadcaster`` all frames of a clip get the
    shadows drawn for its first frame.

    Args:
        max_num (int): A frame gets 1 to so many shadows.
        gain (tuple[float]): Range of what is left of the light.
    """

    def __init__(
        self, max_num: int = 5, gain: tuple[float, float] = (0.15, 0.7)
    ) -> None:
        if max_num < 1:
            raise ValueError(f'max_num must be at least 1, got {max_num}')
        if not 0 <= gain[0] <= gain[1] <= 1:
            raise ValueError(f'gain must be a range within [0, 1], got {gain}')
        self.max_num, self.gain = max_num, gain

    def transform(self, results: dict) -> dict:
        """Darken ``img`` (H, W, 3) uint8, for ``gt_bboxes`` (N, 4) in pixels."""
        bboxes = np.asarray(get_box_tensor(results['gt_bboxes']), dtype=float)
        if shadows := self._random_shadows(bboxes, results['img'].shape[1]):
            image = results['img'].astype(np.float32)
            for outline, *look in shadows:
                cast_shadows(image, [outline], *look)
            results['img'] = np.rint(image).astype(np.uint8)
        return results

    @cache_randomness
    def _random_shadows(self, bboxes: np.ndarray, width: int) -> list[tuple]:
        """Outline in pixels (10, 2), strength and softness of each shadow."""
        number = np.random.randint(self.max_num) + 1 if len(bboxes) else 0
        indices = (np.random.randint(len(bboxes)) for _ in range(number))
        return [self._random_shadow(bboxes[index], width) for index in indices]

    def _random_shadow(self, bbox: np.ndarray, width: int) -> tuple:
        """One shadow, of the size of a box's own."""
        sides = bbox[2:] - bbox[:2]
        if np.random.rand() < UNDER_PROB:
            x = np.random.normal((bbox[0] + bbox[2]) / 2, 0.25 * sides[0])
            y = bbox[3] + np.random.uniform(-0.05, 0.25) * sides[1]
        else:
            x = np.random.uniform(0, width)
            y = bbox[3] + np.random.normal(0, 0.15) * sides[1]
        radii = np.random.uniform([0.1, 0.03], [0.65, 0.2]) * sides
        angles = np.sort(np.random.uniform(0, 2 * np.pi, 10))
        outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii + [x, y]
        sigma = np.random.uniform(0, 0.06) * sides[1]
        return outline, 1 - np.random.uniform(*self.gain), sigma

    def __repr__(self) -> str:
        return f'{type(self).__name__}(max_num={self.max_num}, gain={self.gain})'


def cast_shadows(
    frame: np.ndarray, outlines: list[np.ndarray], strength: float, sigma: float
) -> None:
    """Darken ``frame`` (h, w, 3) float32 where shadows fall, in place.

    ``outlines`` are polygons (k, 2) in pixels, ``strength`` is the share of the light
    that is taken away and ``sigma`` the softness of the edge in pixels.
    """
    if not outlines:
        return
    # The window ends where the soft edge does: a frame may hold many shadows.
    points, limits, margin = np.concatenate(outlines), frame.shape[1::-1], 3 * sigma + 4
    x0, y0 = np.floor(points.min(axis=0) - margin).clip(0, limits).astype(int)
    x1, y1 = np.ceil(points.max(axis=0) + margin).clip(0, limits).astype(int)
    window = frame[y0:y1, x0:x1]
    if not window.size:
        return
    shade = np.zeros(window.shape[:2], np.uint8)
    for outline in outlines:
        vertices = np.clip((outline - (x0, y0)) * 16, -3e5, 3e5).astype(np.int32)
        cv2.fillPoly(shade, [vertices], 255, cv2.LINE_AA, 4)
    shade = cv2.GaussianBlur(shade, (0, 0), max(sigma, 0.4)).astype(np.float32)
    window *= (1 - strength / 255 * shade)[..., None]
