# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Masks in and out, checked by readers of others."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO

from mmwsmots.fileio.box_readers import read_boxes
from mmwsmots.fileio.mask_files import (
    WRITERS,
    MaskVideo,
    TrackedMask,
    make_disjoint,
    read_masks,
    write_masks,
)
from mmwsmots.fileio.rle import mask_to_rle, segmentation_to_rle
from tests.load_script import load_script

SIZE = 12, 20


def block(x, y, w=5, h=4):
    mask = np.zeros(SIZE, dtype=bool)
    mask[y : y + h, x : x + w] = True
    return mask


@pytest.fixture
def video():
    """Three frames; the second has no object."""
    masks = [
        TrackedMask(0, 7, 'лодка', mask_to_rle(block(1, 1)), 0.9),
        TrackedMask(0, 3, 'car', mask_to_rle(block(8, 2)), 0.8),
        TrackedMask(2, 7, 'лодка', mask_to_rle(block(2, 5)), 0.7),
    ]
    names = [f'clip/{i:06d}.jpg' for i in range(3)]
    return MaskVideo('clip', SIZE, names, masks)


def content(video, with_ids=True):
    return sorted(
        (m.frame_id, m.class_name, m.track_id if with_ids else 0, m.rle)
        for m in video.masks
        if not m.is_ignored
    )


TARGETS = dict(kitti_mots='clip.txt', mots_png='clip', cvat_png='cvat')


@pytest.mark.parametrize('name', WRITERS)
def test_there_and_back(tmp_path, video, name):
    path = tmp_path / TARGETS.get(name, 'clip.json')
    write_masks(path, video, name)
    again = read_masks(path / 'default' if name == 'cvat_png' else path)
    is_numbered = name in TARGETS
    assert content(again, not is_numbered) == content(video, not is_numbered)
    assert again.size == SIZE
    if is_numbered:  # ids are class * 1000 + n, of one object one
        ids = {(m.class_name, m.track_id % 1000) for m in again.masks}
        assert ids == {('лодка', 7), ('car', 3)}
    else:
        assert again.file_names == video.file_names


def test_text_and_pictures_of_kitti_keep_its_numbers(tmp_path, video):
    masks = [mask._replace(class_name='pedestrian') for mask in video.masks]
    masks.append(TrackedMask(1, 0, '', mask_to_rle(block(0, 0)), 1.0, True))
    video.masks = masks
    write_masks(tmp_path / 'a.txt', video, 'kitti_mots', first_frame=1)
    rows = [line.split()[:3] for line in (tmp_path / 'a.txt').read_text().splitlines()]
    assert rows == [
        ['1', '2007', '2'],
        ['1', '2003', '2'],
        ['3', '2007', '2'],
        ['2', '10000', '10'],
    ]
    assert not (tmp_path / 'labels.txt').exists()
    write_masks(tmp_path / 'png', video, 'mots_png')
    values = [
        np.unique(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)).tolist()
        for path in sorted((tmp_path / 'png').glob('*.png'))
    ]
    assert values == [[0, 2003, 2007], [0, 10000], [0, 2007]]


@pytest.mark.parametrize('name', ['cocovid', 'coco'])
def test_pycocotools_reads_the_same(tmp_path, video, name):
    path = tmp_path / 'a.json'
    write_masks(path, video, name)
    coco = COCO(path)
    names = {item['id']: item['name'] for item in coco.loadCats(coco.getCatIds())}
    found = sorted(
        (
            coco.loadImgs(ann['image_id'])[0]['file_name'],
            names[ann['category_id']],
            ann['track_id'],
            ann['bbox'],
            coco.annToMask(ann).tolist(),
        )
        for ann in coco.loadAnns(coco.getAnnIds())
    )
    assert found == sorted(
        (
            video.file_names[m.frame_id],
            m.class_name,
            m.track_id,
            mask_utils.toBbox(dict(size=SIZE, counts=m.rle)).tolist(),
            video.decode(m).astype(int).tolist(),
        )
        for m in video.masks
    )


def test_datumaro_reads_the_same(tmp_path, video):
    """CVAT's own library; not installed with the package."""
    datumaro = pytest.importorskip('datumaro')
    write_masks(tmp_path / 'cvat', video, 'cvat_png')
    dataset = datumaro.Dataset.import_from(str(tmp_path / 'cvat'), 'mots')
    (labels,) = (v for k, v in dataset.categories().items() if k.name == 'label')
    found = sorted(
        (
            item.id,
            labels[ann.label].name,
            ann.attributes['track_id'],
            ann.image.tolist(),
        )
        for item in dataset
        for ann in item.annotations
    )
    assert found == sorted(
        (f'{m.frame_id:06d}', m.class_name, m.track_id, video.decode(m).tolist())
        for m in video.masks
    )


def test_formats_that_cannot_say_overlap(tmp_path, video):
    video.masks.append(TrackedMask(0, 8, 'car', mask_to_rle(block(3, 3)), 0.85))
    for name in TARGETS:
        with pytest.raises(ValueError, match=r'frame 0: .* ids 7 and 8 overlap'):
            write_masks(tmp_path / 'a.txt', video, name)
    write_masks(tmp_path / 'a.json', video, 'cocovid')


@pytest.mark.parametrize(('winner', 'first'), [('score', 8), ('order', 7)])
def test_make_disjoint(video, winner, first):
    """Pixel by pixel: the first in the order has them, and the rest is as it was."""
    video.masks = [mask._replace(score=0.5) for mask in video.masks]
    video.masks.append(TrackedMask(0, 8, 'car', mask_to_rle(block(3, 3)), 0.85))
    video.masks.append(TrackedMask(0, 9, 'car', mask_to_rle(block(4, 4, 1, 1)), 0.1))
    result = make_disjoint(video, winner)
    assert result.find_overlap() is None
    masks = {(m.frame_id, m.track_id): result.decode(m) for m in result.masks}
    mine, other = (7, 8) if first == 7 else (8, 7)
    blocks = {7: block(1, 1), 8: block(3, 3)}
    assert (masks[0, mine] == blocks[mine]).all()
    assert (masks[0, other] == (blocks[other] & ~blocks[mine])).all()
    assert (masks[0, 3] == block(8, 2)).all() and (masks[2, 7] == block(2, 5)).all()
    assert (0, 9) not in masks
    (notice,) = result.notices
    assert notice == (
        f'2 of 5 masks lost 7 pixels to others by {winner}, 1 of them all they had'
    )
    with pytest.raises(ValueError, match=r"winner must be .* got 'size'"):
        make_disjoint(video, 'size')


def test_segmentations():
    mask = block(3, 2)
    rle = mask_to_rle(mask)
    plain = [
        int(n) for n in np.diff(np.flatnonzero(np.diff(mask.T.ravel().astype(int))))
    ]
    start = int(np.flatnonzero(mask.T.ravel())[0])
    plain = [start, *plain]
    plain.append(SIZE[0] * SIZE[1] - sum(plain))
    size = list(SIZE)
    assert segmentation_to_rle(dict(size=size, counts=rle), SIZE) == rle
    assert segmentation_to_rle(dict(size=size, counts=plain), SIZE) == rle
    polygon = [3, 2, 8, 2, 8, 6, 3, 6]
    assert segmentation_to_rle([polygon], SIZE) == rle


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        (dict(size=[31623, 31623], counts='PmZg]o0'), r'size \[31623, 31623\]'),
        (dict(size=list(SIZE), counts='PmZg]o0'), 'RLE'),
        (dict(size=list(SIZE), counts=[10**9]), 'run length'),
        (dict(size=list(SIZE), counts=[240, True]), 'run length'),
        (dict(size=list(SIZE), counts=[200]), 'add up to 200, not to 240'),
        (dict(size=list(SIZE)), 'no run lengths'),
        ([[1, 2, 3, 4]], 'three points'),
        ([[0, 0, 1e9, 0, 5, 5]], 'far from the frame'),
        ('text', 'no segmentation'),
    ],
)
def test_bad_segmentations(segmentation, message):
    with pytest.raises(ValueError, match=message):
        segmentation_to_rle(segmentation, SIZE)


def test_frame_ids_of_a_coco_file(tmp_path, video):
    """Ids from 1 with names from 0: the names decide, as everywhere."""
    path = tmp_path / 'a.json'
    write_masks(path, video, 'cocovid')
    data = json.loads(path.read_text())
    for image in data['images']:
        image['frame_id'] += 1
    path.write_text(json.dumps(data))
    assert content(read_masks(path)) == content(video)
    for image in data['images']:
        image['frame_id'] += 10**8
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match='which is which'):
        read_masks(path)


@pytest.mark.parametrize(('first', 'given'), [(0, 0), (1, 1), (1, 0)])
def test_masks_stay_on_the_pictures_of_their_names(tmp_path, first, given):
    """Of pictures numbered with a gap, or from 1 on when 0 was said."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    for number in (0, 1, 3, 4):
        ids = 1001 * block(number, 2).astype(np.uint16) * (number < 4)
        cv2.imwrite(str(folder / f'{number + first:06d}.png'), ids)
    write_masks(tmp_path / 'a.json', read_masks(folder, None, given), 'cocovid')
    coco = COCO(str(tmp_path / 'a.json'))
    for ann in coco.anns.values():
        name = coco.imgs[ann['image_id']]['file_name']
        assert ann['bbox'][0] == int(name.removesuffix('.png')) - first
    assert len(coco.anns) == 3
    names = [image['file_name'] for image in coco.imgs.values()]
    assert len({*names}) == len(names) == 5 + first - given


def test_a_folder_of_pictures_has_those_of_one_video(tmp_path, video):
    """Neither stale ones of a longer video nor two frames in one picture."""
    write_masks(tmp_path / 'png', video, 'mots_png')
    short = dataclasses.replace(video, file_names=['0.jpg'], masks=video.masks[:2])
    with pytest.raises(ValueError, match=r'png: 000001.png is there and no frame'):
        write_masks(tmp_path / 'png', short, 'mots_png')
    write_masks(tmp_path / 'png', video, 'mots_png')  # the same again
    video.file_names = ['a/0.jpg', 'b/0.jpg', 'c/1.jpg']
    with pytest.raises(ValueError, match=r'several frames would be 0\.png'):
        write_masks(tmp_path / 'cvat', video, 'cvat_png')


def test_pictures_without_numbers_are_in_the_order_of_their_names(tmp_path, video):
    video.file_names = ['a/x.jpg', 'b/x.jpg', 'c/x.jpg']
    write_masks(tmp_path / 'a.json', video, 'coco')
    again = read_masks(tmp_path / 'a.json')
    assert (again.file_names, content(again)) == (video.file_names, content(video))
    assert again.notices == ['no numbers of frames: they are in order of names']


def test_json_in_utf_16(tmp_path, video):
    path = tmp_path / 'a.json'
    write_masks(path, video, 'coco')
    path.write_text(path.read_text(), encoding='utf-16')
    assert content(read_masks(path)) == content(video)


def test_frames_count_from_0_on(tmp_path, video):
    with pytest.raises(
        ValueError, match=r'a\.txt: frames count from 0 on, not from -1'
    ):
        write_masks(tmp_path / 'a.txt', video, 'kitti_mots', -1)
    write_masks(tmp_path / 'a.txt', video, 'kitti_mots')
    with pytest.raises(
        ValueError, match=r'a\.txt: frames count from 0 on, not from -1'
    ):
        read_masks(tmp_path / 'a.txt', first_frame=-1)
    (tmp_path / 'b.txt').write_text('1,1,5,5,5,5\n')
    with pytest.raises(
        ValueError, match=r'b\.txt: frames count from 0 on, not from -1'
    ):
        read_boxes(tmp_path / 'b.txt', class_name='car', first_frame=-1)


def test_tool(repo, tmp_path, video, capsys):
    tool = load_script(repo / 'tools/dataset_converters/convert_masks.py')
    video.masks.append(TrackedMask(0, 8, 'car', mask_to_rle(block(3, 3)), 0.85))
    source, target = tmp_path / 'a.json', tmp_path / 'a.txt'
    write_masks(source, video, 'youtube_vis')
    args = [str(source), str(target), '--to', 'kitti_mots']
    with pytest.raises(SystemExit, match=r'ids 7 and 8 overlap, .* --make-disjoint'):
        tool.main(args)
    tool.main([*args, '--make-disjoint', 'order', '--write-first-frame', '1'])
    out = capsys.readouterr().out
    assert 'note: 1 of 4 masks lost 6 pixels to others by order' in out
    assert '4 masks in 3 frames of 20 x 12 in' in out
    with pytest.raises(SystemExit, match='exists already'):
        tool.main(args)
    assert read_masks(target, first_frame=1).find_overlap() is None


def test_what_is_assumed_or_odd_is_told(tmp_path, video):
    path = tmp_path / 'clip.txt'
    write_masks(path, video, 'kitti_mots', 1)
    (notice,) = read_masks(path).notices
    assert notice.startswith('the first mask is 1 frames after frame 0')
    assert read_masks(path, first_frame=1).notices == []
    text = path.read_text().splitlines()
    text[-1] = text[-1].replace('1007 1', '1007 2')
    path.write_text('\n'.join(text))
    (notice,) = read_masks(path, first_frame=1).notices
    assert notice == 'id 1007 is лодка in frame 0, car in 2'
    path = tmp_path / 'clip.json'
    masks = [*video.masks[:2], video.masks[2]._replace(class_name='car')]
    write_masks(path, dataclasses.replace(video, masks=masks), 'cocovid')
    assert read_masks(path).notices == ['id 7 is лодка in frame 0, car in 2']


def test_labels_beside_the_folders_of_label_masks_name_the_classes(tmp_path, video):
    """Class 1 is no car because labels.txt lies where label_masks.py puts it."""
    write_masks(tmp_path / 'out/instances/clip', video, 'mots_png')
    for source in (tmp_path / 'out/instances/clip').glob('labels.txt'):
        source.rename(tmp_path / 'out/labels.txt')
    again = read_masks(tmp_path / 'out/instances/clip')
    assert content(again, False) == content(video, False)
    boxes = read_boxes(tmp_path / 'out/instances/clip').boxes
    assert {box.class_name for box in boxes} == {'лодка', 'car'}


def test_pictures_of_any_names_are_in_order(tmp_path, video):
    """As CVAT's, which have the names of the frames."""
    folder = tmp_path / 'clip'
    write_masks(folder, video, 'mots_png')
    for path in folder.glob('*.png'):
        path.rename(folder / f'frame_{path.stem}.png')
    again = read_masks(folder)
    assert content(again, False) == content(video, False)
    assert again.file_names[2] == 'frame_000002.png'


def test_files_of_one_folder_share_their_classes(tmp_path, video):
    """What lies there keeps its meaning, and case makes no second class."""
    cars = dataclasses.replace(video, masks=[video.masks[1]])
    write_masks(tmp_path / 'a.txt', cars, 'kitti_mots')
    assert not (tmp_path / 'labels.txt').exists()
    boats = [mask._replace(class_name='лодка') for mask in video.masks]
    boats = dataclasses.replace(video, masks=boats)
    write_masks(tmp_path / 'b.txt', boats, 'kitti_mots')
    trams = [mask._replace(class_name='Лодка') for mask in video.masks[:1]]
    trams.append(video.masks[1]._replace(class_name='tram'))
    trams = dataclasses.replace(video, masks=trams)
    write_masks(tmp_path / 'c.txt', trams, 'kitti_mots')
    labels = (tmp_path / 'labels.txt').read_text(encoding='utf-8').split()
    assert labels == ['car', 'pedestrian', 'лодка', 'tram']
    assert content(read_masks(tmp_path / 'a.txt'), False) == content(cars, False)
    assert content(read_masks(tmp_path / 'b.txt'), False) == content(boats, False)
    names = [mask.class_name for mask in read_masks(tmp_path / 'c.txt').masks]
    assert names == ['лодка', 'tram']


def test_no_text_takes_the_place_of_labels_txt(tmp_path, video):
    """It would be written over by the names of the classes."""
    with pytest.raises(
        ValueError, match=r'labels\.txt: this file names classes, it can'
    ):
        write_masks(tmp_path / 'labels.txt', video, 'kitti_mots')
    assert list(tmp_path.iterdir()) == []


def test_boxes_without_masks_are_counted(tmp_path, video):
    path = tmp_path / 'clip.json'
    write_masks(path, video, 'cocovid')
    coco = json.loads(path.read_text())
    del coco['annotations'][0]['segmentation']
    path.write_text(json.dumps(coco))
    again = read_masks(path)
    assert '1 annotations without a mask are left out' in again.notices
    assert len(again.masks) == len(video.masks) - 1


def test_a_video_that_says_two_lengths(tmp_path, video):
    path = tmp_path / 'clip.json'
    write_masks(path, video, 'youtube_vis')
    coco = json.loads(path.read_text())
    coco['videos'][0]['length'] += 1
    path.write_text(json.dumps(coco))
    message = r'videos\[0\]: length is 4, but it has 3 file_names'
    for read in (read_masks, read_boxes):
        with pytest.raises(ValueError, match=message):
            read(path)
