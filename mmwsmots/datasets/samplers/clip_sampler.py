# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
from collections.abc import Iterator, Sized
from itertools import islice

from mmdet.datasets.samplers import TrackImgSampler
from mmdet.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class ClipSampler(TrackImgSampler):
    """Draw 1 / T of the frames as keys, so that an epoch of clips shows each once.

    T is the ``num_frames`` of :class:`ClipFrameSample`; :class:`TrackImgSampler`, whose
    other arguments these are, takes every frame as a key frame.
    """

    def __init__(
        self, dataset: Sized, num_frames: int = 3, seed: int | None = None
    ) -> None:
        super().__init__(dataset, seed)
        if self.test_mode:
            raise ValueError('ClipSampler is for training; test with TrackImgSampler')
        self.num_clips = math.ceil(self.num_samples / num_frames)

    def __iter__(self) -> Iterator:
        """Pairs (video index, key frame index) of this rank."""
        return islice(super().__iter__(), self.num_clips)

    def __len__(self) -> int:
        """Number of clips of this rank in an epoch."""
        return self.num_clips
