# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Sequence

from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from mmwsmots.fileio.coco_files import image_boxes, read_coco, write_masks
from mmwsmots.fileio.rle import masks_to_rles


@METRICS.register_module()
class DumpMaskLabels(BaseMetric):
    """Write the file of a :class:`BoxDataset` again with masks of its boxes.

    ``ann_file``, whose masks are ignored, becomes ``out_file``, see
    :func:`mmwsmots.fileio.coco_files.write_masks`; ``kwargs`` are the parent's.
    """

    default_prefix = 'masks'

    def __init__(self, ann_file: str, out_file: str, **kwargs) -> None:
        super().__init__(**kwargs)
        self.ann_file, self.out_file = ann_file, out_file

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Encode the masks of images.

        Samples have n ``ann_indices`` and ``pred_instances`` with ``masks`` (n, H, W),
        bool, at the image's own size, else it is a ValueError, and ``scores`` (n, ).
        """
        for sample in data_samples:
            predictions, indices = sample['pred_instances'], sample['ann_indices']
            masks = predictions['masks'].cpu().numpy().astype(bool, copy=False)
            size = tuple(sample['ori_shape'][:2])
            if masks.shape != (len(indices), *size):
                text = f'{len(indices)} boxes in an image of {size}'
                path = sample['img_path']
                raise ValueError(f'{path}: masks of shape {masks.shape} for {text}')
            pairs = zip(masks_to_rles(masks), predictions['scores'].tolist())
            labels = [dict(size=[*size], counts=rle, score=s) for rle, s in pairs]
            self.results.append(dict(zip(indices, labels)))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Write the file and return the ``number`` of masks and their mean ``score``.

        ValueError if an image of the file was not seen.
        """
        coco = read_coco(self.ann_file)
        labels = {i: label for result in results for i, label in result.items()}
        for image, indices, *_ in image_boxes(coco, self.ann_file):
            if not labels.keys() >= set(indices):
                name = image['file_name']
                raise ValueError(f'{self.ann_file}: image {name} was not labelled')
        write_masks(coco, labels, self.out_file)
        logger = MMLogger.get_current_instance()
        lost = sum(not ann.get('iscrowd') for ann in coco['annotations']) - len(labels)
        outside = f'; {lost} boxes outside of their images have none' if lost else ''
        logger.info(f'Wrote {len(labels)} masks to {self.out_file}{outside}')
        scores = [label['score'] for label in labels.values()]
        return dict(number=len(scores), score=sum(scores) / max(len(scores), 1))
