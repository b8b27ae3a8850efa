# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import cv2
import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as mask_utils

from benchmarks.real.data import load_clip, load_coco, load_kitti, load_photos
from mmwsmots.fileio.mots_txt import MOTSObject, write_mots_txt

from .conftest import HEIGHT, SCENES, WIDTH, disk, picture, rle_of, write_coco


def test_photos(photos):
    frames = load_photos(photos, 'dev')
    assert [frame.path.name for frame in frames] == ['0001.png', '0002.png', '0003.png']
    for frame, scene in zip(frames, SCENES.values()):
        assert frame.group == 'dev'
        assert frame.labels == [label for _, label in scene]
        for box, rle, (mask, _) in zip(frame.boxes, frame.truth, scene):
            assert np.array_equal(mask_utils.decode(rle), mask)
            rows, columns = np.nonzero(mask)
            expected = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            assert box.tolist() == list(expected)
        assert frame.read().shape == (HEIGHT, WIDTH, 3)
    # The crowd, 99, is no object.
    assert [frame.ids for frame in frames] == [[11, 12], [13], [14, 15]]
    boxes_only = load_photos(photos, 'test_boxes')
    assert [frame.truth for frame in boxes_only] == [[None, None], [None], [None, None]]
    for frame, other in zip(frames, boxes_only):
        assert np.array_equal(frame.boxes, other.boxes)
    cars = frames[0].of_classes({'car'})
    assert (cars.ids, cars.labels, len(cars.boxes)) == ([11], ['car'], 1)
    assert frames[0].without_truth().truth == [None, None]


def test_all_of_cocos_kinds_of_masks(photos):
    coco = write_coco(photos / 'dev.json', crowd=False)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:20, 6:26] = True
    polygon = [[6, 10, 26, 10, 26, 20, 6, 20]]
    runs = np.diff(np.flatnonzero(np.diff(np.r_[-1, mask.T.ravel(), -1].astype(int))))
    kinds = [rle_of(mask), polygon, dict(size=[HEIGHT, WIDTH], counts=runs.tolist())]
    for ann, kind in zip(coco['annotations'], kinds):
        ann['segmentation'] = kind
    (photos / 'dev.json').write_text(json.dumps(coco))
    frames = load_photos(photos, 'dev')
    for rle in (frames[0].truth + frames[1].truth)[:3]:
        assert np.array_equal(mask_utils.decode(rle), mask)


def test_contradictions_stop(photos):
    def load(**changes):
        coco = write_coco(photos / 'dev.json')
        coco['annotations'][1].update(changes)
        (photos / 'dev.json').write_text(json.dumps(coco))
        return load_photos(photos, 'dev')

    with pytest.raises(ValueError, match=r'dev.json: annotation 12 is of image 7'):
        load(image_id=7)
    with pytest.raises(ValueError, match=r'dev.json: annotation 12 is of category 2'):
        load(category_id=2)
    with pytest.raises(ValueError, match=r'annotation 12 is 5 x 64 pixels, its image'):
        load(segmentation=rle_of(disk(9, 9, 5)[:5]))
    frame = load()[0]
    cv2.imwrite(str(frame.path), np.zeros((HEIGHT, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r'0001.png: the picture is 48 x 9 pixels'):
        frame.read()
    frame.path.write_text('no picture')
    with pytest.raises(ValueError, match='cannot be read'):
        frame.read()


def test_kitti_has_the_frames_that_there_are_pictures_of(tmp_path):
    masks = [disk(15, 20, 9), disk(45, 25, 8)]
    strip = np.zeros((HEIGHT, WIDTH), bool)
    strip[:4] = True
    objects = []
    for frame_id in (2, 7, 12):
        for class_id, mask in ((1, masks[0]), (10, strip), (2, masks[1])):
            rle = rle_of(mask)['counts']
            track = class_id * 1000 + (class_id != 10)
            objects.append(MOTSObject(frame_id, track, class_id, HEIGHT, WIDTH, rle))
    write_mots_txt(tmp_path / 'instances_txt/0016.txt', objects)
    folder = tmp_path / 'image_02/0016'
    folder.mkdir(parents=True)
    for number in (1, 7, 12):  # frame 1 has no object
        cv2.imwrite(str(folder / f'{number:06d}.jpg'), picture(masks))
    frames = load_kitti(tmp_path / 'image_02', tmp_path / 'instances_txt', ['0016'])
    assert [frame.path.stem for frame in frames] == ['000007', '000012']
    for frame in frames:
        assert frame.group == '0016'
        assert frame.labels == ['car', 'pedestrian']
        assert frame.boxes.tolist() == [[6, 11, 25, 30], [37, 17, 54, 34]]
        assert np.array_equal(mask_utils.decode(frame.truth[1]), masks[1])
    assert [frame.ids for frame in frames] == [[3, 5], [6, 8]]


@pytest.fixture
def clip(tmp_path):
    (tmp_path / 'images').mkdir()
    lines = []
    for i in range(3):
        masks = [disk(15 + i, 20, 9), disk(45, 25, 8)]
        cv2.imwrite(str(tmp_path / f'images/{i:05d}.jpg'), picture(masks))
        lines += [f'{i},1,{6 + i},11,19,19,1,1,1', f'{i},4,37,17,17,17,1,1,1']
    (tmp_path / 'boxes.txt').write_text('\n'.join(lines))
    return tmp_path


def test_outlines_find_their_boxes(clip):
    frames = load_clip(clip, 'car')
    assert [frame.ids for frame in frames] == [[1, 4]] * 3
    assert all(frame.truth == [None, None] for frame in frames)
    assert frames[2].boxes.tolist() == [[8, 11, 27, 30], [37, 17, 54, 34]]

    # A folder as DAVIS has it: a palette, an index for each object in any order.
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[disk(16, 20, 9)] = 2
    values[disk(45, 25, 8)] = 1
    image = Image.fromarray(values, mode='P')
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    (clip / 'outlines').mkdir()
    image.save(clip / 'outlines/00001.png')
    frames = load_clip(clip, 'car', clip / 'outlines')
    assert [frame.truth for frame in frames[::2]] == [[None, None]] * 2
    for rle, mask in zip(frames[1].truth, (disk(16, 20, 9), disk(45, 25, 8))):
        assert np.array_equal(mask_utils.decode(rle), mask)

    # A grey picture of 0 and 255, of one object.
    cv2.imwrite(str(clip / 'outlines/00001.png'), disk(45, 25, 8) * np.uint8(255))
    truth = load_clip(clip, 'car', clip / 'outlines')[1].truth
    assert truth[0] is None
    assert np.array_equal(mask_utils.decode(truth[1]), disk(45, 25, 8))

    # Polygons in a COCO-format file.
    write_outlines(clip, '00002.jpg', [[8, 11, 27, 11, 27, 30, 8, 30]])
    truth = load_clip(clip, 'car', clip / 'outlines.json')[2].truth
    assert mask_utils.decode(truth[0])[11:30, 8:27].all()
    assert truth[1] is None


def write_outlines(clip, file_name, *polygons):
    image = dict(id=1, file_name=file_name, height=HEIGHT, width=WIDTH)
    annotations = [
        dict(id=i, image_id=1, category_id=1, bbox=[0, 0, 1, 1], segmentation=polygon)
        for i, polygon in enumerate(polygons)
    ]
    coco = dict(
        images=[image],
        categories=[dict(id=1, name='car')],
        annotations=annotations,
    )
    (clip / 'outlines.json').write_text(json.dumps(coco))


def test_outlines_that_belong_to_nothing_stop(clip):
    box = [8, 11, 27, 11, 27, 30, 8, 30]
    for name, polygons, message in (
        ('00009.jpg', [[box]], '00009 is no picture of the clip'),
        ('00002.jpg', [[[0, 0, 9, 0, 9, 9]]], 'where none of its boxes is'),
        ('00002.jpg', [[box], [box]], 'two outlines of the box'),
        ('00002.jpg', [None], 'a box in place of an outline'),
    ):
        write_outlines(clip, name, *polygons)
        with pytest.raises(ValueError, match=message):
            load_clip(clip, 'car', clip / 'outlines.json')
    (clip / 'outlines').mkdir()
    cv2.imwrite(str(clip / 'outlines/00001.png'), np.full((9, 9), 255, np.uint8))
    with pytest.raises(ValueError, match='00001 is 9 x 9 pixels, its picture 48 x 64'):
        load_clip(clip, 'car', clip / 'outlines')
    with (clip / 'boxes.txt').open('a') as file:
        file.write('\n8,1,8,11,19,19,1,1,1')
    with pytest.raises(ValueError, match='a box in frame 8'):
        load_clip(clip, 'car')


def test_frames_without_objects_are_left_out(photos):
    coco = write_coco(photos / 'dev.json')
    coco['annotations'] = [a for a in coco['annotations'] if a['image_id'] != 2]
    (photos / 'dev.json').write_text(json.dumps(coco))
    frames = load_coco(photos / 'dev.json', photos / 'images', 'x')
    assert [frame.path.stem for frame in frames] == ['0001', '0003']
