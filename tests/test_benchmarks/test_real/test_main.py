# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils

from benchmarks.real import __main__ as real
from benchmarks.real.page import PER_CLASS, Drawn, choose_objects
from benchmarks.real.recipes import RECIPES, Recipe

from .conftest import HEIGHT, SCENES, WIDTH, disk, picture, rle_of


class Half(Recipe):
    """The left half of each box; keeps what it is shown."""

    learns_from = 'boxes'
    shown = None

    def fit(self, train):
        Half.shown = train

    def load(self, weights):
        Half.shown = weights

    def masks(self, frame, boxes, labels):
        assert frame.shape == (HEIGHT, WIDTH, 3)
        assert len(boxes) == len(labels)
        masks = np.zeros((len(boxes), HEIGHT, WIDTH), bool)
        for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int)):
            mask[y1:y2, x1 : (x1 + x2) // 2] = True
        return masks, np.linspace(0.25, 0.75, len(boxes))


class HalfFromMasks(Half):
    learns_from = 'masks'


class HalfOfCars(Half):
    classes = frozenset(['car'])


@pytest.fixture(autouse=True)
def recipes(monkeypatch):
    Half.shown = None
    monkeypatch.setitem(RECIPES, 'half', Half)
    monkeypatch.setitem(RECIPES, 'half-from-masks', HalfFromMasks)
    monkeypatch.setitem(RECIPES, 'half-of-cars', HalfOfCars)


def run(data_set, data, recipe, out, *options):
    words = [data_set, '--data', data, '--recipe', recipe, '--out', out, *options]
    real.main([str(word) for word in words])
    rows = json.loads((out / 'rows.json').read_text())
    return {(row['group'], row['label'], row['size']): row for row in rows}


def test_photos(photos, tmp_path, capsys):
    rows = run('photos', photos.parent, 'filled', tmp_path / 'out')
    masks = {label: [] for label in ('car', 'person', 'kite')}
    for scene in SCENES.values():
        for mask, label in scene:
            rows_, columns = np.nonzero(mask)
            sides = np.ptp(rows_) + 1, np.ptp(columns) + 1
            masks[label].append(mask.sum() / np.prod(sides))
    for label in ('car', 'person'):
        row = rows['dev', label, 'all']
        assert row['objects'] == len(masks[label])
        assert row['iou'] == pytest.approx(np.mean(masks[label]))
    assert rows['dev', 'others', 'all']['iou'] == pytest.approx(masks['kite'][0])
    table = (tmp_path / 'out/table.md').read_text()
    assert table in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / 'out/page.png')) is not None

    results = json.loads((tmp_path / 'out/test_masks.json').read_text())
    assert [item['id'] for item in results] == [11, 12, 13, 14, 15, 99]
    truth = [mask for scene in SCENES.values() for mask, _ in scene]
    for item, mask in zip(results, truth):
        assert item['score'] == 1
        box = mask_utils.toBbox(rle_of(mask)).astype(int)
        filled = mask_utils.decode(item['segmentation'])
        assert mask_utils.toBbox(item['segmentation']).astype(int).tolist() == list(box)
        assert filled.sum() == box[2] * box[3]
    crowd = mask_utils.decode(results[-1]['segmentation'])
    assert crowd[:5].all() and not crowd[5:].any()


def test_recipes_of_boxes_see_no_mask(photos, tmp_path):
    rows = run('photos', photos, 'half', tmp_path / 'out')
    assert [frame.ids for frame in Half.shown] == [[11, 12], [13], [14, 15]]
    assert all(rle is None for frame in Half.shown for rle in frame.truth)
    assert all(frame.group == 'train' for frame in Half.shown)
    assert rows['dev', 'all', 'all']['ratio'] == pytest.approx(0.5, abs=0.03)
    assert rows['dev', 'all', 'all']['true_ratio'] > 0.6
    results = json.loads((tmp_path / 'out/test_masks.json').read_text())
    assert [item['score'] for item in results] == [0.25, 0.75, 0.25, 0.25, 0.75, 1.0]

    run('photos', photos, 'half-from-masks', tmp_path / 'dev', '--no-test')
    assert not (tmp_path / 'dev/test_masks.json').exists()
    assert all(rle is not None for frame in Half.shown for rle in frame.truth)
    run('photos', photos, 'half', tmp_path / 'out', '--weights', 'released')
    assert Half.shown == 'released'


def test_a_recipe_of_some_classes_gets_no_others(photos, tmp_path):
    rows = run('photos', photos, 'half-of-cars', tmp_path / 'out')
    assert {key[1] for key in rows} == {'car'}
    assert [frame.ids for frame in Half.shown] == [[11], [14]]
    results = json.loads((tmp_path / 'out/test_masks.json').read_text())
    assert [item['id'] for item in results] == [11, 14, 99]


def test_clip_with_and_without_outlines(tmp_path):
    (tmp_path / 'images').mkdir()
    (tmp_path / 'outlines').mkdir()
    for i in range(3):
        mask = disk(15 + 9 * i, 20, 9)
        cv2.imwrite(str(tmp_path / f'images/{i:05d}.png'), picture([mask]))
    lines = [f'{i},1,{6 + 9 * i},11,19,19,1,1,1' for i in range(3)]
    (tmp_path / 'boxes.txt').write_text('\n'.join(lines))
    rows = run('clip', tmp_path, 'grabcut', tmp_path / 'out')
    row = rows['clip', 'car', 'all']
    assert (row['objects'], np.isnan(row['iou'])) == (3, True)
    assert row['ratio'] == pytest.approx(disk(15, 20, 9).sum() / 19**2, abs=0.05)

    cv2.imwrite(str(tmp_path / 'outlines/00001.png'), np.uint8(255) * disk(24, 20, 9))
    options = ('--outlines', tmp_path / 'outlines')
    row = run('clip', tmp_path, 'grabcut', tmp_path / 'out', *options)[
        'clip', 'car', 'all'
    ]
    assert row['objects'] == 1
    assert row['iou'] > 0.9 > row['filled_iou']
    with pytest.raises(SystemExit, match='needs --weights: it would learn from the'):
        run('clip', tmp_path, 'half-from-masks', tmp_path / 'out')
    run('clip', tmp_path, 'half', tmp_path / 'out', *options)
    # Its own frames, and of them the boxes alone.
    assert [frame.truth for frame in Half.shown] == [[None]] * 3


def test_bad_calls_stop(photos, tmp_path):
    for recipe, options, message in (
        ('filled', ('--weights', 'released'), '--weights: recipe filled takes none'),
        ('sam2', (), 'recipe sam2 needs --sam-weights DIR'),
        ('sam2', ('--sam-weights', 'nowhere'), '--sam-weights: nowhere is no folder'),
    ):
        with pytest.raises(SystemExit, match=message):
            run('photos', photos, recipe, tmp_path / 'out', *options)
    with pytest.raises(SystemExit, match=r'no boxes.txt in \., davis_car_shadow'):
        run('clip', photos, 'filled', tmp_path / 'out')


def test_pages_of_two_recipes_show_the_same(photos):
    frames = real.load_photos(photos, 'dev')
    many = [frame for frame in frames for _ in range(9)]
    chosen = choose_objects([Drawn(frame, [], []) for frame in many])
    labels = [drawn.frame.labels[index] for drawn, index in chosen]
    assert labels == ['car'] * PER_CLASS + ['person'] * PER_CLASS + ['kite'] * 9
    sides = [d.frame.boxes[i, 2:] - d.frame.boxes[i, :2] for d, i in chosen]
    areas = np.prod(sides, axis=1)
    assert (np.diff(areas[:PER_CLASS]) >= 0).all()
    assert len(set(areas[:PER_CLASS])) == 2  # of both photographs
