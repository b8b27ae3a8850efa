# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from torch import Tensor

from ...compat import MMDET_TRACKS


def attach_rgb(
    preprocessor, inputs: Tensor, data_samples: SampleList, training: bool
) -> None:
    """Hand the images before normalisation on to losses and mask refinement.

    The metainfo ``rgb`` is float32, (3, H, W), in 0..255, of the normalised ``inputs``
    (N, 3, H, W); in training of every sample's ``gt_instances``, at test of the sample.
    """
    if preprocessor._enable_normalize:
        mean, std = preprocessor.mean, preprocessor.std
        inputs = (inputs * std.view(1, 3, 1, 1)).add_(mean.view(1, 3, 1, 1))
    for sample, image in zip(data_samples, inputs):
        if not training:
            sample.set_field(image, 'rgb', None, 'metainfo')
        elif 'gt_instances' in sample:
            sample.gt_instances.set_field(image, 'rgb', None, 'metainfo')


@MODELS.register_module()
class RGBDetDataPreprocessor(DetDataPreprocessor):
    """:class:`DetDataPreprocessor` with :func:`attach_rgb`.

    The network's input must be RGB (``bgr_to_rgb=True`` for images read by cv2).
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        data = super().forward(data, training)
        if data['data_samples'] is not None:
            attach_rgb(self, data['inputs'], data['data_samples'], training)
        return data


if MMDET_TRACKS:
    from mmdet.models.data_preprocessors import (
        BoxInstDataPreprocessor,
        TrackDataPreprocessor,
    )

    @MODELS.register_module()
    class RGBBoxInstDataPreprocessor(BoxInstDataPreprocessor, RGBDetDataPreprocessor):
        """:class:`BoxInstDataPreprocessor` with :func:`attach_rgb`."""

    @MODELS.register_module()
    class RGBTrackDataPreprocessor(TrackDataPreprocessor):
        """:class:`TrackDataPreprocessor` with :func:`attach_rgb`."""

        def forward(self, data: dict, training: bool = False) -> dict:
            data = super().forward(data, training)
            for clip, sample in zip(data['inputs'], data['data_samples'] or []):
                attach_rgb(self, clip, sample.video_data_samples, training)
            return data
