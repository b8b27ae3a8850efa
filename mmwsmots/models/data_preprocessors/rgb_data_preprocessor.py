# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.models.data_preprocessors import (
    BoxInstDataPreprocessor,
    TrackDataPreprocessor,
)
from mmdet.registry import MODELS

from .rgb_det_data_preprocessor import RGBDetDataPreprocessor, attach_rgb


@MODELS.register_module()
class RGBTrackDataPreprocessor(TrackDataPreprocessor):
    """:class:`TrackDataPreprocessor` with :func:`attach_rgb`."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """See the parent."""
        data = super().forward(data, training)
        for clip, sample in zip(data['inputs'], data['data_samples'] or []):
            attach_rgb(self, clip, sample.video_data_samples, training)
        return data


@MODELS.register_module()
class RGBBoxInstDataPreprocessor(BoxInstDataPreprocessor, RGBDetDataPreprocessor):
    """:class:`BoxInstDataPreprocessor` with :func:`attach_rgb`."""
