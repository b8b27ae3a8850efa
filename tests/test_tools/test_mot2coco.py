# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import argparse
import json
import runpy
import shlex
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config, DictAction

from tests.quiet_run import run_script

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def convert(repo, monkeypatch):
    """Run the tool with a command line, in this process: mmdet imports slowly."""
    path = repo / 'tools' / 'dataset_converters' / 'mot2coco.py'

    def run(*args):
        monkeypatch.setattr(sys, 'argv', [str(path), *map(str, args)])
        runpy.run_path(str(path), run_name='__main__')
        return json.loads((args[2]).read_text())

    return run


@pytest.fixture
def clip(tmp_path):
    """Two frames and a file for their boxes."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    for frame in range(2):
        image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f'{frame:05d}.jpg'), image)
    return folder, tmp_path / 'boxes.txt', tmp_path / 'boxes.json'


def test_an_identity_has_one_class(convert, clip):
    line = '{} 9 {} 0 0 0 1 2 20 20 1 1 1 0 0 9 0\n'
    clip[1].write_text(line.format(0, 'Car') + line.format(1, 'Van'))
    with pytest.raises(SystemExit, match='line 2: id 9 is a Van, on line 1 a Car'):
        convert(*clip, '--first-frame', 0)


def test_boxes_are_clipped_and_frames_counted_from_the_first(convert, clip):
    clip[1].write_text('1,9,-5,2,20.5,10,1,1,1\n2,9,50,30,20,30,1,1,0.5\n')
    coco = convert(*clip, '--first-frame', 1, '--class-name', 'pedestrian')
    assert [(i['file_name'], i['frame_id']) for i in coco['images']] == [
        ('clip/00000.jpg', 0),
        ('clip/00001.jpg', 1),
    ]
    keys = [
        'image_id',
        'category_id',
        'instance_id',
        'track_id',
        'bbox',
        'area',
        'iscrowd',
    ]
    assert [[ann[key] for key in keys] for ann in coco['annotations']] == [
        [1, 2, 1, 9, [0, 2, 15.5, 10], 155, 0],
        [2, 2, 1, 9, [50, 30, 10, 10], 100, 0],
    ]
    assert not any('segmentation' in ann for ann in coco['annotations'])


def test_folder_of_a_mot_challenge_sequence(convert, clip):
    """The video has the sequence's name, the frames are in its folder img1."""
    folder, boxes, out = clip
    (folder.parent / '0002').mkdir()
    folder = folder.rename(folder.parent / '0002/img1')
    boxes.write_text('1,9,5,2,20,10,1,1,1\n')
    coco = convert(folder, boxes, out, '--class-name', 'car')
    assert [video['name'] for video in coco['videos']] == ['0002']
    assert coco['images'][0]['file_name'] == 'img1/00000.jpg'


def test_options_for_files_elsewhere(convert, clip, repo, capsys):
    """The config does not find them, but with the options that are printed."""
    folder, boxes, _ = clip
    boxes.write_text('1,9,5,2,20,10,1,1,1\n2,9,5,2,20,10,1,1,1\n')
    out = folder.parent / "it's" / 'boxes.json'
    tool = repo / 'tools/dataset_converters/mot2coco.py'
    output = run_script(tool, folder, boxes, out, '--class-name', 'car')
    words = output.partition('--cfg-options')[2]
    words = shlex.split(words.replace('\\\n', ''))  # as a shell joins lines
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    cfg = Config.fromfile(repo / 'configs/wsmots/wsmots-masker_mnv2_fpn_clip.py')
    cfg.merge_from_dict(parser.parse_args(['--cfg-options', *words]).cfg_options)
    # The masks that the tool says how to make, which are not there yet.
    masks = out.with_name('boxes_masks.json')
    assert cfg.train_dataloader.dataset.ann_file == str(masks)
    command = output.partition('Masks to train on: ')[2].splitlines()[0]
    assert shlex.split(command)[2:] == [str(out), str(folder.parent), str(masks)]
    for kind in ('val', 'test'):
        data = DATASETS.build(cfg[f'{kind}_dataloader'].dataset)
        paths = [Path(image['img_path']) for image in data.get_data_info(0)['images']]
        assert paths == [folder / '00000.jpg', folder / '00001.jpg']
    # mmengine would drop the space from the path.
    convert(folder, boxes, folder.parent / 'of mine.json', '--class-name', 'car')
    assert 'Move them there: --cfg-options takes no sp' in capsys.readouterr().out


def test_no_options_for_files_where_the_configs_look(
    convert, clip, tmp_path, monkeypatch, capsys
):
    folder, boxes, _ = clip
    boxes.write_text('1,9,5,2,20,10,1,1,1\n')
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'data/clip').mkdir(parents=True)
    folder.rename('data/clip/mine')
    args = [Path('data/clip/mine'), boxes, Path('data/clip/boxes.json')]
    convert(*args, '--class-name', 'car')
    assert '--cfg-options' not in capsys.readouterr().out
    convert(*args[:2], Path('data/clip/other.json'), '--class-name', 'car')
    assert '--cfg-options' in capsys.readouterr().out


def test_first_frame_0(convert, clip):
    clip[1].write_text('0,1,5,5,5,5,1,1,1\n1,1,5,5,5,5,1,1,1\n')
    coco = convert(*clip, '--first-frame', 0, '--class-name', 'car')
    assert [ann['image_id'] for ann in coco['annotations']] == [1, 2]
    assert {ann['category_id'] for ann in coco['annotations']} == {1}


def test_confidence_0_is_ignored_if_it_could_be_a_person(convert, clip):
    rows = [f'1,{cls},5,5,5,5,0,{cls},1\n' for cls in (1, 2, 3, 7, 8, 9, 11, 12)]
    clip[1].write_text(''.join(rows))
    coco = convert(*clip, '--class-name', 'pedestrian')
    assert all(ann['iscrowd'] for ann in coco['annotations'])
    assert [ann['track_id'] for ann in coco['annotations']] == [1, 2, 7, 8, 12]


@pytest.mark.parametrize(
    'row, message',
    [
        ('2,1,60,5,5,5,1,1,1', 'the box x 60, .* has no pixel in the 60 x 40 frame'),
        ('2,1,5,5,0,5,1,1,1', 'the box .* w 0, .* has no pixel'),
        ('3,1,5,5,5,5,1,1,1', 'no such frame, the video has 2'),
        ('1,4,5,5,5,5,1,1,1', r'duplicate id 4 in frame 1 \(first on line 1\)'),
        ('2,1,5,5,5', 'expected 6 to 10 fields, got 5'),
        ('2,1,5,wide,5,5,1,1,1', 'wide'),
        ('2,1,5,5,5,nan,1,1,1', 'field 6 is nan'),
        ('2,1,5,5,5,5,1,inf,1', 'field 8 is inf'),
        ('1.5,1,5,5,5,5,1,1,1', r'field 1 is no integer: 1\.5'),
    ],
)
def test_bad_row_is_named(convert, clip, row, message):
    clip[1].write_text(f'1,4,5,5,5,5,1,1,1\n{row}\n')
    with pytest.raises(SystemExit, match=rf'boxes\.txt, line 2: .*{message}'):
        convert(*clip, '--class-name', 'car')
    assert not clip[2].exists()


def test_bad_frames_are_named(convert, clip):
    folder, boxes, out = clip
    boxes.write_text('')
    cv2.imwrite(str(folder / '00001.jpg'), np.zeros((HEIGHT, 9, 3), dtype=np.uint8))
    with pytest.raises(SystemExit, match=r'00001\.jpg: the frame has the size'):
        convert(folder, boxes, out, '--class-name', 'car')
    (folder / '00001.jpg').write_text('no picture')
    with pytest.raises(SystemExit, match=r'00001\.jpg: the frame cannot be read'):
        convert(folder, boxes, out, '--class-name', 'car')
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(SystemExit, match='clip: the folder contains no image'):
        convert(folder, boxes, out, '--class-name', 'car')
    with pytest.raises(SystemExit, match=r'none\.mp4: no such video file or folder'):
        convert(folder.parent / 'none.mp4', boxes, out, '--class-name', 'car')


def test_frames_in_natural_order(convert, clip):
    """Without it the boxes of frame 2 would go to frame 10."""
    folder, boxes, out = clip
    for path in folder.iterdir():
        path.unlink()
    for number in (1, 2, 10):
        image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f'{number}.jpg'), image)
    boxes.write_text('2,1,5,5,5,5,1,1,1\n')
    coco = convert(folder, boxes, out, '--class-name', 'car')
    names = [image['file_name'] for image in coco['images']]
    assert names == ['clip/1.jpg', 'clip/2.jpg', 'clip/10.jpg']
    assert coco['annotations'][0]['image_id'] == 2


def test_real_video(convert, shared_data, tmp_path):
    source = shared_data / 'mot17_04_clip'
    args = (
        source / 'demo.mp4',
        source / 'MOT17-04_frames_1-8_gt.txt',
        tmp_path / 'mot17.json',
    )
    coco = convert(*args, '--first-frame', 1, '--class-name', 'pedestrian')
    people = [ann for ann in coco['annotations'] if not ann['iscrowd']]
    assert len(people) == 8 * 42
    assert len({ann['instance_id'] for ann in people}) == 42
    assert len(coco['annotations']) - len(people) == 8 * 4  # static people
    assert cv2.imread(str(tmp_path / coco['images'][7]['file_name'])).shape == (
        1080,
        1920,
        3,
    )
    (tmp_path / 'demo' / '000008.png').write_text('of a longer video')
    with pytest.raises(SystemExit, match=r'mot17\.json: exists already; --overwrite'):
        convert(*args, '--first-frame', 1, '--class-name', 'pedestrian')
    with pytest.raises(SystemExit, match=r'000008\.png: not a frame of .*demo\.mp4'):
        convert(*args, '--class-name', 'pedestrian', '--overwrite')


def test_real_folder(convert, shared_data, tmp_path):
    source = shared_data / 'davis_car_shadow'
    out = tmp_path / 'davis.json'
    args = ('--first-frame', 0, '--class-name', 'car')
    coco = convert(source / 'images', source / 'boxes.txt', out, *args)
    assert len(coco['images']) == len(coco['annotations']) == 40
    assert coco['annotations'][2]['bbox'] == [297, 92, 332, 190]
