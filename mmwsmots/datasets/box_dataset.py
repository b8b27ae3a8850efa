# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmdet.registry import DATASETS
from mmengine.dataset import BaseDataset

from mmwsmots.fileio.coco_files import image_boxes, read_coco


@DATASETS.register_module()
class BoxDataset(BaseDataset):
    """The images of a COCO or CocoVID file and their boxes, to find masks of.

    Every box that lies in its image counts, however small; no mask is read. The classes
    are those of the file, ``data_prefix['img']`` is the folder of the images.
    """

    def load_data_list(self) -> list[dict]:
        """Read ``ann_file``; ``ann_indices`` are the places of instances in it."""
        coco = read_coco(self.ann_file)
        self._metainfo['classes'] = tuple(cat['name'] for cat in coco['categories'])
        images = image_boxes(coco, self.ann_file)
        if not images:
            raise ValueError(f'{self.ann_file}: no box lies in its image')
        folder = Path(self.data_prefix.get('img', ''))
        return [
            dict(
                img_path=str(folder / image['file_name']),
                img_id=image['id'],
                height=image['height'],
                width=image['width'],
                ann_indices=indices,
                instances=[
                    dict(bbox=bbox, bbox_label=label, ignore_flag=0)
                    for bbox, label in zip(bboxes, labels)
                ],
            )
            for image, indices, bboxes, labels in images
        ]
