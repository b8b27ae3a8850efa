# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import random
from collections.abc import Sequence

from mmdet.datasets.transforms import BaseFrameSample
from mmdet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ClipFrameSample(BaseFrameSample):
    """Sample a clip: ``num_frames`` consecutive frames of one video.

    The place of the key frame, of :class:`TrackImgSampler`, in the clip is random. A
    clip does not jump over frames that the data set left out; where fewer are in reach,
    the last one is repeated.
    """

    def __init__(self, num_frames: int = 2) -> None:
        if not isinstance(num_frames, int) or num_frames < 1:
            raise ValueError(f'num_frames must be an integer >= 1, got {num_frames!r}')
        super().__init__()
        self.num_frames = num_frames

    def sample_frames(self, frame_ids: Sequence[int], key_index: int) -> list[int]:
        """Indices of a clip's frames; ``frame_ids`` of the video's are ascending."""
        first, last = key_index - self.num_frames + 1, key_index + self.num_frames
        offset = frame_ids[key_index] - key_index  # the same within a run
        reachable = [
            index
            for index in range(max(first, 0), min(last, len(frame_ids)))
            if frame_ids[index] - index == offset
        ]
        # Neither side reaches further than num_frames - 1: all windows have the key.
        start = random.randint(0, max(0, len(reachable) - self.num_frames))
        clip = reachable[start : start + self.num_frames]
        return clip + clip[-1:] * (self.num_frames - len(clip))

    def transform(self, video_infos: dict) -> dict[str, list]:
        """Values of each key in a clip around ``key_frame_id``, else any frame."""
        frame_ids = [image['frame_id'] for image in video_infos['images']]
        key_index = video_infos.get('key_frame_id')
        if key_index is None:
            key_index = random.randrange(len(frame_ids))
        return self.prepare_data(video_infos, self.sample_frames(frame_ids, key_index))

    def __repr__(self) -> str:
        return f'{type(self).__name__}(num_frames={self.num_frames})'
