# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from pycocotools import mask as mask_utils

from mmwsmots.fileio.rle import find_overlap, mask_to_rle

WINNERS = ('score', 'order')


class TrackedMask(NamedTuple):
    """A mask with an identity.

    Attributes:
        frame_id (int): Number of the frame in its video, from 0.
        track_id (int): Identity, constant over the video.
        class_name (str): Class; of an ignored one it means nothing.
        rle (str): COCO's compressed run-length encoding.
        score (float): How sure a detector is of it. Defaults to 1.
        is_ignored (bool): Whether it marks a region of unknown content. Defaults to
            False.
    """

    frame_id: int
    track_id: int
    class_name: str
    rle: str
    score: float = 1.0
    is_ignored: bool = False


@dataclass
class MaskVideo:
    """Masks of a video, whatever file they are from.

    Attributes:
        name (str): Name of the video.
        size (tuple[int, int]): Height and width of the frames in pixels.
        file_names (list[str]): Picture of each frame.
        masks (list[TrackedMask]): The masks in the order of the file.
        notices (list[str]): What was assumed, left out or changed.
    """

    name: str
    size: tuple[int, int]
    file_names: list[str]
    masks: list[TrackedMask]
    notices: list[str] = field(default_factory=list)

    def decode(self, mask: TrackedMask) -> np.ndarray:
        """The pixels of a mask, (H, W) bool."""
        return mask_utils.decode(self._coco_rle(mask)).astype(bool)

    def find_overlap(self) -> tuple[TrackedMask, TrackedMask] | None:
        """Two masks of one frame that share a pixel, or None."""
        rles = [self._coco_rle(mask) for mask in self.masks]
        pair = find_overlap(rles, [mask.frame_id for mask in self.masks])
        return None if pair is None else tuple(self.masks[i] for i in pair)

    def _coco_rle(self, mask: TrackedMask) -> dict:
        return dict(size=list(self.size), counts=mask.rle.encode())


def make_disjoint(video: MaskVideo, winner: str) -> MaskVideo:
    """Give each pixel to one mask only.

    Args:
        video (MaskVideo): The masks.
        winner (str): Who keeps a pixel: 'score', the mask of the higher score, or
            'order', the earlier one in the file, which also settles ties. Ignored
            masks give way to all others.

    Returns:
        MaskVideo: The same with disjoint masks, without those of which nothing is left;
        a notice says how many were changed and lost.
    """
    if winner not in WINNERS:
        raise ValueError(f'winner must be one of {WINNERS}, got {winner!r}')
    frames = defaultdict(list)
    for index, mask in enumerate(video.masks):
        frames[mask.frame_id].append(index)
    masks = dict(enumerate(video.masks))
    changed = lost = num_pixels = 0
    for indices in frames.values():
        by_score = winner == 'score'
        indices.sort(
            key=lambda i: (masks[i].is_ignored, -masks[i].score if by_score else 0, i)
        )
        taken = np.zeros(video.size, dtype=bool)
        for index in indices:
            pixels = video.decode(masks[index])
            overlap = int((pixels & taken).sum())
            if overlap:
                num_pixels += overlap
                pixels &= ~taken
                changed += 1
                lost += not pixels.any()
                masks[index] = masks[index]._replace(rle=mask_to_rle(pixels))
                if not pixels.any():
                    del masks[index]
            taken |= pixels
    notice = (
        f'{changed} of {len(video.masks)} masks lost {num_pixels} pixels to others by '
        f'{winner}, {lost} of them all they had'
    )
    kept = [masks[index] for index in sorted(masks)]
    return replace(video, masks=kept, notices=[*video.notices, notice])
