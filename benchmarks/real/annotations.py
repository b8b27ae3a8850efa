# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmwsmots.fileio.cocovid import CocoVIDBuilder

from .data import Frame


def write_annotations(
    frames: Sequence[Frame], path: Path, category_ids: Mapping[str, int]
) -> Path:
    """Write frames to train on as a COCO and CocoVID file.

    Each frame is a video of its own.

    Args:
        frames (Sequence[Frame]): The frames; a mask is written where ``truth`` has
            one.
        path (Path): JSON file to write.
        category_ids (Mapping[str, int]): Category id of each class.

    Returns:
        Path: Folder that the file names are relative to.
    """
    folder = Path(os.path.commonpath([frame.path.parent for frame in frames]))
    builder = CocoVIDBuilder(category_ids)
    for frame in frames:
        video_id = builder.add_video(
            frame.path.stem, [frame.path.relative_to(folder).as_posix()], frame.size
        )
        for number, (box, label, rle) in enumerate(
            zip(frame.boxes, frame.labels, frame.truth), 1
        ):
            x1, y1, x2, y2 = box.tolist()
            fields = dict(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
            if rle is not None:
                fields.update(segmentation=rle_to_json(rle))
            builder.add_object(video_id, 0, category_ids[label], number, **fields)
    builder.write(path)
    return folder.resolve()


def rle_to_json(rle: dict) -> dict:
    """A compressed COCO RLE whose counts are text, as JSON has it."""
    counts = rle['counts']
    if isinstance(counts, bytes):
        counts = counts.decode('ascii')
    return dict(size=[int(side) for side in rle['size']], counts=counts)
