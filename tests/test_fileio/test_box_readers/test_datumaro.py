# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Files that CVAT's own library writes; it is not installed with the package."""

import numpy as np
import pytest

from mmwsmots.fileio.box_readers import read_boxes


@pytest.mark.parametrize(
    ('name', 'path', 'ids'),
    [
        ('mot_seq_gt', 'gt/gt.txt', ['1', '2', '3']),
        (
            'coco_instances',
            'annotations/instances_default.json',
            ['clip/000000', 'clip/000001', 'clip/000002'],
        ),
    ],
)
def test_boxes_of_datumaro(tmp_path, name, path, ids):
    datumaro = pytest.importorskip('datumaro')
    from datumaro.components.annotation import Bbox
    from datumaro.components.media import Image

    blank = np.zeros((24, 32, 3), np.uint8)
    items = [
        datumaro.DatasetItem(
            id=number,
            media=Image.from_numpy(data=blank),
            annotations=[
                Bbox(1 + i, 2, 5, 6, label=1, attributes={'track_id': 1}),
                Bbox(9, 2 + i, 5, 6, label=0, attributes={'track_id': 2}),
            ],
        )
        for i, number in enumerate(ids)
    ]
    dataset = datumaro.Dataset.from_iterable(items, categories=['лодка', 'car'])
    dataset.export(str(tmp_path), name, save_media=False)
    file = read_boxes(tmp_path / path)
    first = 1 if name == 'mot_seq_gt' else 0
    found = [(b.frame_id - first, b.track_id, b.class_name, b.bbox) for b in file.boxes]
    assert found == [
        row
        for i in range(3)
        for row in (
            (i, 1, 'car', (1 + i, 2, 6 + i, 8)),
            (i, 2, 'лодка', (9, 2 + i, 14, 8 + i)),
        )
    ]
    if first == 0:
        pictures = [(p.name, p.size) for p in file.pictures.values()]
        assert pictures == [(f'{number}.jpg', (24, 32)) for number in ids]
