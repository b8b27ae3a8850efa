# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmwsmots.fileio.atomic_write import atomic_write


class CocoVIDBuilder:
    """Collects videos, frames and objects in the CocoVID format.

    Ids of videos, frames, annotations and identities count from 1 over the file.

    Args:
        category_ids (Mapping[str, int]): Category id of each class name.
    """

    def __init__(self, category_ids: Mapping[str, int]) -> None:
        self.category_ids = dict(category_ids)
        self.videos, self.images, self.annotations = [], [], []
        self._first_image_ids = {}
        self._instance_ids = {}

    def add_video(
        self, name: str, file_names: Sequence[str], size: tuple[int, int]
    ) -> int:
        """Add a video with the files and the height and width of its frames.

        Returns:
            int: Id of the video.
        """
        height, width = size
        shape = dict(width=int(width), height=int(height))
        video_id = len(self.videos) + 1
        self._first_image_ids[video_id] = len(self.images) + 1
        self.videos.append(
            dict(id=video_id, name=name, **shape, num_frames=len(file_names))
        )
        for frame_id, file_name in enumerate(file_names):
            self.images.append(
                dict(
                    id=len(self.images) + 1,
                    file_name=file_name,
                    **shape,
                    video_id=video_id,
                    frame_id=frame_id,
                )
            )
        return video_id

    def add_object(
        self,
        video_id: int,
        frame_id: int,
        category_id: int | None,
        track_id: int,
        **fields,
    ) -> None:
        """Add an object, or a region whose content is unknown.

        Args:
            video_id (int): Id of its video.
            frame_id (int): Number of its frame in the video, from 0.
            category_id (int | None): Id of its class; None for a region (``iscrowd``
                1), which gets the first, as the format wants one.
            track_id (int): Its identity within the video; of a region it means nothing.
            **fields: ``bbox`` (x, y, w, h) in pixels, ``area`` in pixels and, if
                there is a mask, ``segmentation`` as compressed RLE.
        """
        is_region = category_id is None
        if is_region:
            category_id = next(iter(self.category_ids.values()))
        # A region is of no track: it has a key that none has.
        key = len(self.annotations) if is_region else (video_id, track_id)
        fields['bbox'] = [float(value) for value in fields['bbox']]
        fields['area'] = float(fields['area'])
        self.annotations.append(
            dict(
                id=len(self.annotations) + 1,
                image_id=self._first_image_ids[video_id] + frame_id,
                video_id=video_id,
                category_id=category_id,
                instance_id=self._instance_ids.setdefault(
                    key, len(self._instance_ids) + 1
                ),
                track_id=track_id,
                iscrowd=int(is_region),
                ignore=False,
                **fields,
            )
        )

    def content(self) -> dict:
        """dict: What the file holds."""
        categories = [dict(id=i, name=name) for name, i in self.category_ids.items()]
        return dict(
            categories=categories,
            videos=self.videos,
            images=self.images,
            annotations=self.annotations,
        )

    def write(self, path: str | Path) -> None:
        """Write the JSON file, whose folder is created, all of it or nothing."""
        with atomic_write(path) as temp:
            temp.write_text(json.dumps(self.content()))

    def summary(self) -> str:
        """str: Counts of videos, frames, objects and tracks per class."""
        objects, tracks = Counter(), Counter()
        seen = set()
        for ann in self.annotations:
            key = ann['instance_id']
            name = 'ignore' if ann['iscrowd'] else ann['category_id']
            objects[name] += 1
            tracks[name] += key not in seen
            seen.add(key)
        parts = [f'{len(self.videos)} videos', f'{len(self.images)} frames']
        for name, i in self.category_ids.items():
            parts.append(f'{objects[i]} {name} objects in {tracks[i]} tracks')
        return ', '.join([*parts, f'{objects["ignore"]} ignore regions'])
