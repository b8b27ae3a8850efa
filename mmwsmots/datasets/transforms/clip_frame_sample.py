# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import random
from collections.abc import Sequence

from mmdet.datasets.transforms import BaseFrameSample
from mmdet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ClipFrameSample(BaseFrameSample):
    """Sample a clip: consecutive frames of one video around the key frame.

    The key frame comes from :class:`mmdet.datasets.samplers.TrackImgSampler`; its
    place in the clip is random. Frames are consecutive by their ``frame_id``: a
    clip neither leaves the video nor jumps over frames that the data set left
    out. Where fewer frames than ``num_frames`` are in reach, the last one is
    repeated, so that every clip has the same length.

    Args:
        num_frames (int): Number of frames of a clip. Defaults to 2.
        frame_stride (int): Distance between two frames of a clip. Defaults to 1.
    """

    def __init__(self, num_frames: int = 2, frame_stride: int = 1) -> None:
        for name, value in dict(
            num_frames=num_frames, frame_stride=frame_stride
        ).items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f'{name} must be an integer >= 1, got {value!r}')
        super().__init__()
        self.num_frames = num_frames
        self.frame_stride = frame_stride

    def sample_frames(self, frame_ids: Sequence[int], key_index: int) -> list[int]:
        """Choose the frames of a clip.

        Args:
            frame_ids (Sequence[int]): ``frame_id`` of each frame of the video.
            key_index (int): Index of the key frame in it.

        Returns:
            list[int]: Indices of ``num_frames`` frames, in temporal order.
        """
        index_of = {frame_id: index for index, frame_id in enumerate(frame_ids)}
        before = self._reach(index_of, frame_ids[key_index], -self.frame_stride)
        after = self._reach(index_of, frame_ids[key_index], self.frame_stride)
        reachable = [*reversed(before), key_index, *after]
        # Neither side reaches further than num_frames - 1, so every window of the
        # run contains the key frame.
        start = random.randint(0, max(0, len(reachable) - self.num_frames))
        clip = reachable[start : start + self.num_frames]
        return clip + clip[-1:] * (self.num_frames - len(clip))

    def transform(self, video_infos: dict) -> dict[str, list]:
        """Sample a clip from a video.

        Args:
            video_infos (dict): The video with its ``images`` and, from the
                sampler, ``key_frame_id``, the index of the key frame in them;
                without it, a random frame is the key frame.

        Returns:
            dict[str, list]: Each key of a frame with its ``num_frames`` values.
        """
        frame_ids = [image['frame_id'] for image in video_infos['images']]
        key_index = video_infos.get('key_frame_id')
        if key_index is None:
            key_index = random.randrange(len(frame_ids))
        return self.prepare_data(video_infos, self.sample_frames(frame_ids, key_index))

    def _reach(self, index_of: dict[int, int], frame_id: int, step: int) -> list[int]:
        """Indices of the next frames in one direction, until one is missing."""
        indices = []
        while len(indices) < self.num_frames - 1:
            frame_id += step
            if frame_id not in index_of:
                break
            indices.append(index_of[frame_id])
        return indices

    def __repr__(self) -> str:
        return (
            f'{self.__class__.__name__}(num_frames={self.num_frames}, '
            f'frame_stride={self.frame_stride})'
        )
