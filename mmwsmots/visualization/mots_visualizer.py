# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
from mmdet.registry import VISUALIZERS
from mmdet.visualization import TrackLocalVisualizer
from mmengine.structures import InstanceData

from .track_drawer import TrackDrawer


@VISUALIZERS.register_module()
class MOTSVisualizer(TrackLocalVisualizer):
    """mmdet's track visualizer with masks and names drawn by cv2.

    Objects without masks, as in weakly supervised training data, are drawn as boxes.
    """

    def _draw_instances(self, image: np.ndarray, instances: InstanceData) -> np.ndarray:
        """Draw instances of ground truth, or of a prediction, on an RGB image."""
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
        drawer = TrackDrawer(trail_length=0)  # the hook draws every 30th frame
        drawn = drawer.draw(bgr, ids, texts, **shapes)[..., ::-1]
        self.set_image(drawn)
        return drawn
