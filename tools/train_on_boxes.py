# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Iterable
from pathlib import Path

from mmengine.config import Config

from mmwsmots.apis import adapt_box_masker
from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.box_readers import TrackedBox
from mmwsmots.fileio.cocovid import CocoVIDBuilder


def train_on_boxes(
    config: str | Path | Config,
    checkpoint: str | Path,
    frames: str | Path,
    boxes: Iterable[TrackedBox],
    folder: str | Path,
    num_iters: int,
    resume: bool = False,
) -> Path:
    """:func:`adapt_box_masker` on the boxes of one clip.

    Frames without boxes, and unreadable ones, are left out.

    Args:
        config, checkpoint, num_iters, resume: See :func:`adapt_box_masker`.
        frames (str | Path): Folder of pictures, or a video, whose frames are written to
            ``folder/frames``.
        boxes (Iterable[TrackedBox]): Boxes of any classes, and ignored ones.
        folder (str | Path): For ``boxes.json``, logs and checkpoints.

    Raises:
        ValueError: If no box lies in a readable frame.
    """
    folder = Path(folder).resolve()
    img_folder = _write_boxes(frames, boxes, folder)
    ann_file = folder / 'boxes.json'
    return adapt_box_masker(
        config, checkpoint, ann_file, img_folder, folder / 'run', num_iters, resume
    )


def _write_boxes(frames: str | Path, boxes: Iterable, folder: Path) -> Path:
    """Write boxes.json and return the folder that its file names are relative to."""
    reader = FrameReader(frames, keep_unreadable=True)
    if reader.files is None:
        reader = FrameReader(frames).extract(folder / 'frames' / reader.name)
    # All are read, so that the training does not stop at one.
    shapes = [None if frame is None else frame.shape[:2] for frame in reader]
    size = next((shape for shape in shapes if shape is not None), None)
    if size is None:
        raise ValueError(f'{reader.path}: no frame can be read')
    boxes = list(boxes)
    names = dict.fromkeys(box.class_name for box in boxes if not box.is_ignored)
    class_ids = {name: i for i, name in enumerate(names, 1)} or dict(none=1)
    builder = CocoVIDBuilder(class_ids)
    builder.add_frames(reader, size)
    num_boxes = 0
    for box in boxes:
        if 0 <= box.frame_id < len(shapes) and shapes[box.frame_id] is not None:
            num_boxes += builder.add_box(box, size) and not box.is_ignored
    if num_boxes == 0:
        raise ValueError(f'{reader.path}: no box lies in a readable frame')
    builder.write(folder / 'boxes.json')
    return reader.path.parent
