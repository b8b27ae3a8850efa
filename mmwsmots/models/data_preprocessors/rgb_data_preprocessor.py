# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from mmdet.models.data_preprocessors import DetDataPreprocessor, TrackDataPreprocessor
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from torch import Tensor


def attach_rgb(preprocessor, inputs: Tensor, data_samples: SampleList) -> None:
    """Hand the unnormalised images on to the losses that look at colour.

    Every sample's ``gt_instances`` gets the metainfo ``rgb``: float32, shape
    (3, H, W), RGB in 0..255 at the size of the network's input. It is metainfo
    because it belongs to the image, not to one instance.

    Args:
        preprocessor (:obj:`ImgDataPreprocessor`): Whose normalisation to undo.
        inputs (Tensor): Its output, shape (N, 3, H, W).
        data_samples (list[:obj:`DetDataSample`]): Of the same N images.
    """
    images = inputs
    if preprocessor._enable_normalize:
        mean, std = preprocessor.mean, preprocessor.std
        images = images * std.view(1, 3, 1, 1) + mean.view(1, 3, 1, 1)
    for sample, image in zip(data_samples, images):
        if 'gt_instances' in sample:
            sample.gt_instances.set_field(image, 'rgb', None, 'metainfo')


@MODELS.register_module()
class RGBDetDataPreprocessor(DetDataPreprocessor):
    """:class:`DetDataPreprocessor` that keeps RGB for the colour losses.

    The network's input must be RGB (``bgr_to_rgb=True`` for images read by cv2).
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """See :meth:`DetDataPreprocessor.forward` and :func:`attach_rgb`."""
        data = super().forward(data, training)
        if training:
            attach_rgb(self, data['inputs'], data['data_samples'])
        return data


@MODELS.register_module()
class RGBTrackDataPreprocessor(TrackDataPreprocessor):
    """:class:`TrackDataPreprocessor` that keeps RGB for the colour losses.

    The network's input must be RGB (``bgr_to_rgb=True`` for images read by cv2).
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """See :meth:`TrackDataPreprocessor.forward` and :func:`attach_rgb`."""
        data = super().forward(data, training)
        if training:
            for clip, track_sample in zip(data['inputs'], data['data_samples']):
                attach_rgb(self, clip, track_sample.video_data_samples)
        return data
