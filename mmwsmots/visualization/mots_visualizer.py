# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
from mmdet.registry import VISUALIZERS
from mmdet.structures import DetDataSample
from mmdet.visualization import TrackLocalVisualizer
from mmengine.structures import InstanceData

from .track_drawer import TrackDrawer


@VISUALIZERS.register_module()
class MOTSVisualizer(TrackLocalVisualizer):
    """mmdet's track visualizer with masks, names and trails drawn by cv2.

    Ground truth and predictions have their own trails. Objects without masks, as in
    weakly supervised training data, are drawn as boxes.

    Args:
        name (str): Name of the instance.
        **kwargs: Of :class:`mmdet.visualization.TrackLocalVisualizer`.
    """

    def __init__(self, name: str = 'visualizer', **kwargs) -> None:
        super().__init__(name, **kwargs)
        self._gt_drawer, self._pred_drawer = TrackDrawer(), TrackDrawer()
        self._last_frame_id = -1

    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        *args,
        **kwargs,
    ) -> None:
        """Draw a frame; a frame number that does not grow starts a new video.

        ``data_sample`` has ``gt_instances`` or ``pred_track_instances``; see the
        parent.
        """
        frame_id = -1 if data_sample is None else data_sample.get('frame_id', -1)
        if frame_id <= self._last_frame_id:
            self._gt_drawer.reset()
            self._pred_drawer.reset()
        self._last_frame_id = frame_id
        super().add_datasample(name, image, data_sample, *args, **kwargs)

    def _draw_instances(self, image: np.ndarray, instances: InstanceData) -> np.ndarray:
        """Draw instances of ground truth or prediction on an RGB image.

        They have ``labels``, ``instances_id`` (or ``instances_ids``) and ``masks`` or
        ``bboxes``; predictions have ``scores``.
        """
        drawer = self._pred_drawer if 'scores' in instances else self._gt_drawer
        key = 'instances_id' if 'instances_id' in instances else 'instances_ids'
        ids = np.asarray(instances[key]).tolist()
        classes = self.dataset_meta.get('classes') or ()
        texts = [
            f'{classes[label] if label < len(classes) else label} {track_id}'
            for label, track_id in zip(np.asarray(instances.labels).tolist(), ids)
        ]
        if 'masks' in instances:
            masks = instances.masks
            # Annotations come as BitmapMasks, predictions as tensors.
            shapes = dict(masks=np.asarray(getattr(masks, 'masks', masks)))
        else:
            boxes = instances.bboxes
            shapes = dict(bboxes=np.asarray(getattr(boxes, 'tensor', boxes)))
        bgr = np.ascontiguousarray(image[..., ::-1])
        drawn = drawer.draw(bgr, ids, texts, **shapes)[..., ::-1]
        self.set_image(drawn)
        return drawn
