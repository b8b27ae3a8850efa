# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json
import tempfile
from collections import Counter
from pathlib import Path

from mmdet.datasets import BaseVideoDataset
from mmdet.registry import DATASETS
from mmengine.fileio import get
from mmengine.logging import print_log

from mmwsmots.fileio.classes import check_class_names
from mmwsmots.fileio.coco_files import order_coco


@DATASETS.register_module()
class MOTSDataset(BaseVideoDataset):
    """Videos of any classes, in a CocoVID or COCO file.

    ``metainfo=dict(classes=(...))`` names the classes; the file's categories are found
    by name, see :func:`mmwsmots.fileio.coco_files.order_coco`. Ignore regions
    (``iscrowd``) become ``ignored_instances``. In training, boxes and tracks of each
    class are printed, and mmdet leaves out frames without an annotation unless
    ``filter_cfg=dict(filter_empty_gt=False)``.

    Args:
        *args, **kwargs: See :class:`mmdet.datasets.BaseVideoDataset`.
        with_mask (bool): Whether instances carry their mask. If False, neither the mask
            nor its area leaves the parser of the annotation file.

    Raises:
        ValueError: If no classes are named, the file breaks its format, contradicts
            itself or the classes, or leaves nothing to train on.
    """

    def __init__(self, *args, with_mask: bool = False, **kwargs) -> None:
        self.with_mask = with_mask
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Load the videos of ``ann_file``, see the parent."""
        if 'classes' not in self.metainfo:
            text = f'{type(self).__name__} needs metainfo=dict(classes=(...))'
            raise ValueError(f'{self.ann_file}: the config names no classes: {text}')
        classes = check_class_names(self.metainfo['classes'], 'metainfo.classes')
        data = get(self.ann_file, backend_args=self.backend_args)
        coco, notices = order_coco(data, self.ann_file, classes, self.with_mask)
        for notice in notices:
            print_log(f'{self.ann_file}: {notice}', 'current')
        self.num_annotations = len(coco['annotations'])
        ann_file = self.ann_file
        with tempfile.TemporaryDirectory() as temp:
            # The parent numbers classes in the order of the file, which is ours now.
            self.ann_file = str(Path(temp) / 'ordered.json')
            Path(self.ann_file).write_text(json.dumps(coco))
            try:
                return super().load_data_list()
            finally:
                self.ann_file = ann_file

    def filter_data(self) -> list[dict]:
        """Leave out frames, see the parent, and say what there is to train on."""
        videos = super().filter_data()
        if self.test_mode:
            return videos
        images = (image for video in videos for image in video['images'])
        instances = (i for image in images for i in image['instances'])
        used = [i for i in instances if not i['ignore_flag']]
        boxes = Counter(instance['bbox_label'] for instance in used)
        tracks = {i['instance_id']: i['bbox_label'] for i in used}
        if not boxes:
            raise ValueError(
                f'{self.ann_file}: no box to train on is left of '
                f'{self.num_annotations} annotations of {len(videos)} videos; those '
                'that are smaller than a pixel, lie outside of the frame or mark '
                'ignore regions do not count, nor do pictures smaller than '
                f'{(self.filter_cfg or {}).get("min_size", 32)} pixels'
            )
        in_tracks = Counter(tracks.values())
        parts = [
            f'{name} {boxes[label]} in {in_tracks[label]} tracks'
            for label, name in enumerate(self.metainfo['classes'])
        ]
        print_log(f'{self.ann_file}: boxes to train on: {", ".join(parts)}', 'current')
        return videos


@DATASETS.register_module()
class KITTIMOTSDataset(MOTSDataset):
    """KITTI MOTS, or any CocoVID file with the classes car and pedestrian."""

    METAINFO = dict(
        classes=('car', 'pedestrian'), palette=[(0, 114, 189), (217, 83, 25)]
    )


@DATASETS.register_module()
class MOTS20Dataset(MOTSDataset):
    """MOTS20, or any CocoVID file, with the class pedestrian only; others are left out.

    The files come from ``tools/dataset_converters/mots20_2coco.py``.
    """

    METAINFO = dict(classes=('pedestrian',), palette=[(217, 83, 25)])
