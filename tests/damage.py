# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Results made from ground truth, as a tracker would make them."""

import cv2
import numpy as np

from mmwsmots.fileio.rle import mask_to_rle


def damage(objects, seed=0):
    """Results as a tracker makes them: eroded and lost masks, new ids."""
    rng = np.random.default_rng(seed)
    results = []
    for obj in objects:
        if obj.class_id == 10 or rng.random() < 0.1:
            continue
        mask = obj.mask.astype(np.uint8)
        size = int(rng.integers(1, 8))
        mask = cv2.erode(mask, np.ones((size, size), dtype=np.uint8))
        track = obj.track_id + (500 if obj.frame_id % 30 > 24 else 0)
        results.append(obj._replace(track_id=track, rle=mask_to_rle(mask)))
    return results


def lively(objects, seed):
    """Damaged ground truth, with a false track and objects in ignore regions."""
    rng = np.random.default_rng(seed)
    results = damage(objects, seed)
    for obj in objects:
        if obj.class_id == 10:
            mask = obj.mask
            mask[:, mask.shape[1] // 2 :] = False
        elif rng.random() < 0.1:
            mask = np.roll(obj.mask, 60, axis=0)
        else:
            continue
        for other in results:
            if other.frame_id == obj.frame_id:
                mask &= ~other.mask
        if mask.any() and not any(
            r.frame_id == obj.frame_id and r.track_id == obj.track_id + 7000
            for r in results
        ):
            class_id = int(rng.integers(1, 3))
            results.append(
                obj._replace(
                    track_id=obj.track_id + 7000,
                    class_id=class_id,
                    rle=mask_to_rle(mask),
                )
            )
    return results
