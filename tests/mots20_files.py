# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Synthetic MOTS20: its folders and formats, tiny frames."""

from pathlib import Path

import cv2
import numpy as np
from mots20_2coco import MOTS20_SPLITS

from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt
from mmwsmots.fileio.rle import mask_to_rle

HEIGHT, WIDTH = 48, 64
LENGTH = 4  # frames of each sequence
SEQINFO = """[Sequence]
name={name}
imDir=img1
frameRate=30
seqLength={length}
imWidth={width}
imHeight={height}
imExt=.jpg
"""


def mots20_objects(number: int) -> list[MOTSObject]:
    """Two pedestrians that walk, the second one half-way, and an ignore region."""
    objects = []
    for t in range(LENGTH):
        objects.append(_object(t, 2001, (4 + 2 * t + number, 8, 16, 40)))
        if t >= LENGTH // 2:
            objects.append(_object(t, 2002, (40 - 2 * t, 10, 50 - 2 * t, 44)))
    objects.append(_object(1, 10000, (52, 0, 64, 12)))
    return objects


def _object(frame, track, box):
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    x1, y1, x2, y2 = box
    mask[y1:y2, x1 : max(x2, x1 + 6)] = True
    mask[y1, x1] = False  # not a filled box
    return MOTSObject(frame, track, track // 1000, HEIGHT, WIDTH, mask_to_rle(mask))


def write_mots20(root: Path) -> Path:
    """Write both splits as motchallenge.net has them, and the authors' pictures."""
    rng = np.random.default_rng(0)
    for split, names in MOTS20_SPLITS.items():
        for number, name in enumerate(names):
            folder = root / split / name
            (folder / 'img1').mkdir(parents=True)
            for t in range(1, LENGTH + 1):
                image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
                cv2.imwrite(str(folder / 'img1' / f'{t:06d}.jpg'), image)
            size = dict(length=LENGTH, width=WIDTH, height=HEIGHT)
            (folder / 'seqinfo.ini').write_text(SEQINFO.format(name=name, **size))
            if split == 'test':
                continue
            objects = mots20_objects(number)
            write_mots_txt(folder / 'gt' / 'gt.txt', objects, first_frame=1)
            pictures = root / split / 'instances' / name.replace('MOTS20-', '00')
            pictures.mkdir(parents=True)
            for t in range(LENGTH):
                image = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
                for obj in objects:
                    if obj.frame_id == t:
                        image[obj.mask] = obj.track_id
                cv2.imwrite(str(pictures / f'{t + 1:06d}.png'), image)
    return root
