# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import get_box_tensor


@TRANSFORMS.register_module()
class RandomShadow(BaseTransform):
    """Synthetic cast shadows, attached to no object, on the ground around the objects.

    The shadow below an object lies in its box and moves with it: nothing in boxes
    and identities tells it from the object, and masks learned from boxes take it
    in. A synthetic shadow lies outside the box as well, where every mask is 0; the
    look of a shadow is background then, inside the box too. Boxes stay as they are,
    and shadows do not stop at their sides: that would show where they are.

    With ``share_random_params`` of ``TransformBroadcaster`` all frames of a clip get
    the shadows drawn for its first frame, at the same places of the image.

    Args:
        max_num (int): A frame gets 1 to so many shadows.
        under_prob (float): Share of the shadows that fall below an object, from
            just above the lower side of its box to a quarter of its height below;
            the others fall anywhere at that level of the frame.
        gain (tuple[float]): Range of what is left of the light.
        prob (float): Share of the frames that get shadows.
    """

    def __init__(
        self,
        max_num: int = 5,
        under_prob: float = 0.7,
        gain: tuple[float, float] = (0.15, 0.7),
        prob: float = 1.0,
    ) -> None:
        if max_num < 1:
            raise ValueError(f'max_num must be at least 1, got {max_num}')
        if not 0 <= gain[0] <= gain[1] <= 1:
            raise ValueError(f'gain must be a range within [0, 1], got {gain}')
        self.max_num = max_num
        self.under_prob = under_prob
        self.gain = gain
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Darken ``img`` (H, W, 3) uint8, for ``gt_bboxes`` (N, 4) in pixels."""
        bboxes = np.asarray(get_box_tensor(results['gt_bboxes']), dtype=float)
        shadows = self._random_shadows(bboxes, results['img'].shape[1])
        if shadows:
            image = results['img'].astype(np.float32)
            for shadow in shadows:
                _cast(image, *shadow)
            results['img'] = np.rint(image).astype(np.uint8)
        return results

    @cache_randomness
    def _random_shadows(
        self, bboxes: np.ndarray, width: int
    ) -> list[tuple[np.ndarray, float, float]]:
        """Outline in pixels (10, 2), strength and softness of each shadow."""
        if len(bboxes) == 0 or np.random.rand() >= self.prob:
            return []
        return [
            self._random_shadow(bboxes[np.random.randint(len(bboxes))], width)
            for _ in range(np.random.randint(self.max_num) + 1)
        ]

    def _random_shadow(
        self, bbox: np.ndarray, width: int
    ) -> tuple[np.ndarray, float, float]:
        """One shadow, of the size of a box's own."""
        sides = bbox[2:] - bbox[:2]
        if np.random.rand() < self.under_prob:
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
        return (
            f'{type(self).__name__}(max_num={self.max_num}, '
            f'under_prob={self.under_prob}, gain={self.gain}, prob={self.prob})'
        )


def _cast(
    image: np.ndarray, outline: np.ndarray, strength: float, sigma: float
) -> None:
    """Draw one shadow in place."""
    height, width = image.shape[:2]
    # The window ends where the soft edge does: a frame may hold many shadows.
    margin = 3 * sigma + 2
    low = np.floor(outline.min(axis=0) - margin).clip(0, (width, height))
    high = np.ceil(outline.max(axis=0) + margin).clip(0, (width, height))
    (x0, y0), (x1, y1) = low.astype(int), high.astype(int)
    if x0 < x1 and y0 < y1:
        cast_shadows(image[y0:y1, x0:x1], [outline - (x0, y0)], strength, sigma)


def cast_shadows(
    frame: np.ndarray, outlines: list[np.ndarray], strength: float, sigma: float
) -> None:
    """Darken ``frame`` where shadows fall, in place.

    Args:
        frame (ndarray): (h, w, 3) float32.
        outlines (list[ndarray]): Polygons in pixels, (k, 2) each.
        strength (float): Share of the light that is taken away.
        sigma (float): Softness of the edge in pixels.
    """
    if not outlines:
        return
    shade = np.zeros(frame.shape[:2], np.uint8)
    for outline in outlines:
        vertices = np.clip(outline * 16, -3e5, 3e5).astype(np.int32)
        cv2.fillPoly(shade, [vertices], 255, cv2.LINE_AA, 4)
    shade = cv2.GaussianBlur(shade, (0, 0), max(sigma, 0.4)).astype(np.float32)
    frame *= (1 - strength / 255 * shade)[..., None]
