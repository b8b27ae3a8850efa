# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""From a clip and its boxes to a CocoVID file to train on."""

from pathlib import Path

import cv2

from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.cocovid import CocoVIDBuilder
from mmwsmots.fileio.mots_txt import CLASS_IDS


def extract_frames(video: FrameReader, folder: Path) -> FrameReader:
    """Write the frames of a video as ``folder/FFFFFF.png`` and return them.

    Raises:
        OSError: If a picture cannot be written.
        ValueError: If the video cannot be read, or the folder contains pictures that
            are not its frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    num_frames = 0
    for num_frames, frame in enumerate(video, 1):
        path = folder / f'{num_frames - 1:06d}.png'
        if not cv2.imwrite(str(path), frame):
            raise OSError(f'{path}: the picture cannot be written, is the disk full?')
    own = {f'{number:06d}.png' for number in range(num_frames)}
    for path in FrameReader(folder, keep_unreadable=True).files:
        if path.name not in own:
            raise ValueError(f'{path}: not a frame of {video.path}; remove it')
    return FrameReader(folder)


def add_box(
    builder: CocoVIDBuilder,
    box: TrackedBox,
    size: tuple[int, int],
    class_ids: dict[str, int] = CLASS_IDS,
) -> bool:
    """Add a box, clipped to the frame, to the only video of a CocoVID file.

    Args:
        builder (CocoVIDBuilder): Annotations to add to.
        box (TrackedBox): The box; an ignored one becomes an ignore region.
        size (tuple[int, int]): Height and width of the frames in pixels.
        class_ids (dict[str, int]): Category of each class name.

    Returns:
        bool: Whether anything of it lies within the frame; else nothing is added.
    """
    clipped = box.clipped(*size)
    if clipped is None:
        return False
    x1, y1, x2, y2 = clipped
    fields = dict(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
    category_id = None if box.is_ignored else class_ids[box.class_name]
    builder.add_object(1, box.frame_id, category_id, box.track_id, **fields)
    return True


def add_frames(builder: CocoVIDBuilder, frames: FrameReader, size: tuple) -> None:
    """Add a folder of frames as a video; its files are relative to the parent."""
    names = [f'{frames.path.name}/{path.name}' for path in frames.files]
    builder.add_video(frames.name, names, size)
