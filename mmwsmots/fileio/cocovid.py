# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from .box_readers import TrackedBox
from .files import write_json
from .frame_reader import FrameReader


class CocoVIDBuilder:
    """Collects videos, frames and objects in the CocoVID format, ids from 1 on."""

    def __init__(self, category_ids: Mapping[str, int]) -> None:
        self.category_ids = dict(category_ids)
        self.videos, self.images, self.annotations = [], [], []
        self._first_image_ids, self._instance_ids = {}, {}

    def add_video(
        self, name: str, file_names: Sequence[str], size: tuple[int, int]
    ) -> int:
        """Add a video, its files and the height and width of its frames; its id."""
        shape = dict(width=int(size[1]), height=int(size[0]))
        video_id, first = len(self.videos) + 1, len(self.images) + 1
        self._first_image_ids[video_id] = first
        video = dict(id=video_id, name=name, **shape, num_frames=len(file_names))
        self.videos.append(video)
        for frame_id, file_name in enumerate(file_names):
            place = dict(video_id=video_id, frame_id=frame_id)
            image = dict(id=first + frame_id, file_name=file_name, **shape, **place)
            self.images.append(image)
        return video_id

    def add_frames(self, frames: FrameReader, size: tuple[int, int]) -> None:
        """Add a folder of frames as a video; its files are relative to the parent."""
        names = [f'{frames.path.name}/{path.name}' for path in frames.files]
        self.add_video(frames.name, names, size)

    def add_box(self, box: TrackedBox, size: tuple[int, int]) -> bool:
        """Add a box, or ignore region, to the only video, of frames of ``size`` (H, W).

        It is clipped; False, and nothing added, if it lies outside of the frame.
        """
        clipped = box.clipped(*size)
        if clipped is None:
            return False
        x1, y1, x2, y2 = clipped
        fields = dict(bbox=[x1, y1, x2 - x1, y2 - y1], area=(x2 - x1) * (y2 - y1))
        category_id = None if box.is_ignored else self.category_ids[box.class_name]
        self.add_object(1, box.frame_id, category_id, box.track_id, **fields)
        return True

    def add_object(
        self,
        video_id: int,
        frame_id: int,
        category_id: int | None,
        track_id: int,
        **fields,
    ) -> None:
        """Add an object, or a region of unknown content, whose ``category_id`` is None.

        Frames count from 0. ``fields`` are ``bbox`` (x, y, w, h) and ``area`` in pixels
        and, if there is a mask, ``segmentation``, compressed RLE.
        """
        is_region = category_id is None
        if is_region:
            category_id = next(iter(self.category_ids.values()))
        # A region is of no track: it has a key that none has.
        key = len(self.annotations) if is_region else (video_id, track_id)
        fields['bbox'] = [float(value) for value in fields['bbox']]
        fields['area'] = float(fields['area'])
        ann = dict(
            id=len(self.annotations) + 1,
            image_id=self._first_image_ids[video_id] + frame_id,
            video_id=video_id,
            category_id=category_id,
            instance_id=self._instance_ids.setdefault(key, len(self._instance_ids) + 1),
            track_id=track_id,
            iscrowd=int(is_region),
            ignore=False,
        )
        self.annotations.append(ann | fields)

    def content(self) -> dict:
        """dict: What the file holds."""
        return dict(
            categories=[dict(id=i, name=name) for name, i in self.category_ids.items()],
            videos=self.videos,
            images=self.images,
            annotations=self.annotations,
        )

    def write(self, path: str | Path) -> None:
        """Write the JSON file, whose folder is created, all of it or nothing."""
        write_json(path, self.content())

    def summary(self) -> str:
        """str: Counts of videos, frames, objects and tracks per class."""
        anns = self.annotations
        names = ['ignore' if ann['iscrowd'] else ann['category_id'] for ann in anns]
        of_track = {}
        for ann, name in zip(anns, names):
            of_track.setdefault(ann['instance_id'], name)
        objects, tracks = Counter(names), Counter(of_track.values())
        parts = [f'{len(self.videos)} videos', f'{len(self.images)} frames']
        for name, i in self.category_ids.items():
            parts.append(f'{objects[i]} {name} objects in {tracks[i]} tracks')
        return ', '.join([*parts, f'{objects["ignore"]} ignore regions'])
