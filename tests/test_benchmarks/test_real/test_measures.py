# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

import numpy as np
import pytest

from benchmarks.real.data import Frame, load_kitti, load_photos
from benchmarks.real.measures import Score, score_frame, size_name, summarize
from benchmarks.real.tables import format_rows, table_rows

from .conftest import HEIGHT, WIDTH, rle_of


def square(y1, x1, y2, x2):
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def test_scores_by_hand():
    truth = square(10, 10, 20, 20)
    truth[10:15, 15:20] = False  # an L of 75 in its box of 100
    mask = square(10, 10, 20, 18)  # 80, of which 65 are true
    boxes = np.array([[10.0, 10, 20, 20], [30, 30, 40, 40]])
    frame = Frame(
        Path('x'), 'dev', (HEIGHT, WIDTH), boxes, ['car', 'cup'], [1, 2], [None] * 2
    )
    frame = frame._replace(truth=[rle_of(truth), None])
    masks = np.stack([mask, square(30, 30, 40, 35)])
    # The diagonal is 80: a band of 1 pixel.
    first, second = score_frame(frame, masks, [0.9, 0.4], 0.02 / 1.6)
    assert first[:4] == ('dev', 'car', 0.9, 0.8)
    assert (first.area, first.true_ratio) == (75, 0.75)
    assert first.iou == pytest.approx(65 / 90)
    assert first.filled_iou == pytest.approx(0.75)

    def band(mask):
        padded = np.pad(mask, 1)
        inner = np.ones_like(mask)
        for y in range(3):
            for x in range(3):
                inner &= padded[y : y + HEIGHT, x : x + WIDTH]
        return mask & ~inner

    for name, other in (('boundary', mask), ('filled_boundary', masks[0] * False)):
        if name == 'filled_boundary':
            other = square(10, 10, 20, 20)
        bands = band(truth), band(other)
        expected = (bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum()
        assert getattr(first, name) == pytest.approx(expected)
    assert second[:4] == ('dev', 'cup', 0.4, 0.5)
    assert np.isnan(second[4:]).all()


def score(iou, filled, label='car', group='dev', area=100.0):
    return Score(group, label, 0.5, 0.6, area, 0.7, iou, iou / 2, filled, filled / 4)


def test_summary_by_hand():
    scores = [score(0.9, 0.6), score(0.4, 0.8), score(0.7, 0.3), score(0.5, 0.5)]
    unknown = Score('dev', 'car', 0.5, 0.1)  # a box without truth beside known ones
    row = summarize([*scores, unknown])
    assert row == pytest.approx(
        dict(
            objects=4,
            iou=2.5 / 4,
            median_iou=0.6,
            motsp=0.8,
            share=0.5,  # 0.5 is not above 0.5
            boundary=1.25 / 4,
            ratio=0.6,
            true_ratio=0.7,
            filled_iou=2.2 / 4,
            filled_motsp=0.7,
            filled_share=0.5,
            filled_boundary=2.2 / 16,
            paired_motsp=0.65,  # of 0.9 and 0.4, whose filled boxes are above 0.5
        )
    )
    row = summarize([unknown])
    assert (row['objects'], row['ratio']) == (1, 0.1)
    assert all(np.isnan(v) for k, v in row.items() if k not in ('objects', 'ratio'))
    assert np.isnan(summarize([score(0.4, 0.4)])['motsp'])


def test_sizes_are_cocos():
    areas = [1, 1023, 1024, 9215, 9216, 1e6]
    names = ['small', 'small', 'medium', 'medium', 'large', 'large']
    assert [size_name(area) for area in areas] == names


def test_table():
    scores = [score(0.9, 0.6, 'car', area=2000.0)] * 3 + [score(0.8, 0.5, 'cup')] * 20
    scores += [score(0.2, 0.4, 'fork'), score(0.6, 0.4, 'spoon')]
    scores += [score(0.3, 0.4, 'pedestrian', '0016')]
    rows = table_rows(scores)
    assert [(r['group'], r['label'], r['size'], r['objects']) for r in rows] == [
        ('dev', 'all', 'all', 25),
        ('dev', 'all', 'small', 22),
        ('dev', 'all', 'medium', 3),
        ('dev', 'cup', 'all', 20),
        ('dev', 'car', 'all', 3),
        ('dev', 'car', 'medium', 3),
        ('dev', 'others', 'all', 2),
        ('0016', 'pedestrian', 'all', 1),
        ('0016', 'pedestrian', 'small', 1),
    ]
    lines = format_rows(rows)
    assert len({line.count('|') for line in lines}) == 1
    assert lines[8].startswith('| dev | others | all | 2 | 0.400 | 0.400 | 0.600 |')
    unknown = table_rows([Score('clip', 'car', 0.5, 0.625)])
    cells = format_rows(unknown)[2].split('|')
    assert [cell.strip() for cell in cells if cell.strip()] == [
        *('clip', 'car', 'all', '1', '0.625')
    ]


def filled_scores(frames):
    """Scores without a look at the pictures."""
    scores = []
    for frame in frames:
        masks = np.zeros((len(frame.ids), *frame.size), bool)
        for mask, (x1, y1, x2, y2) in zip(masks, frame.boxes.astype(int)):
            mask[y1:y2, x1:x2] = True
        scores += score_frame(frame, masks, np.ones(len(masks)), 0.002)
    return scores


def test_filled_boxes_of_the_real_data(shared_data):
    """Against figures of another program, see its README."""
    folder = shared_data / 'real/coco_subset'
    if not folder.is_dir():
        pytest.skip(f'no photographs at {folder}')
    frames = [f.of_classes({'car', 'person'}) for f in load_photos(folder, 'dev')]
    scores = filled_scores([frame for frame in frames if frame.ids])
    for label, figures in (
        ('car', (155, 0.632, 0.682, 0.819)),
        ('person', (636, 0.540, 0.616, 0.623)),
    ):
        row = summarize([score for score in scores if score.label == label])
        found = [row[key] for key in ('objects', 'iou', 'motsp', 'share')]
        assert found == pytest.approx(figures, abs=6e-4)
        assert row['filled_iou'] == row['iou']
        assert row['true_ratio'] == pytest.approx(row['iou'])
    images = shared_data / 'real/kitti_mots/image_02'
    frames = load_kitti(images, shared_data / 'kitti_mots/instances_txt', ['0000'])
    assert len(frames) == 50  # two have ignore regions alone
    cars = [score for score in filled_scores(frames) if score.label == 'car']
    row = summarize(cars)
    found = [row[key] for key in ('objects', 'iou', 'motsp', 'share')]
    assert found == pytest.approx((243, 0.660, 0.706, 0.835), abs=6e-4)
