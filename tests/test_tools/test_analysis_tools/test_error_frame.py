# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
import pytest
from error_charts import plot_errors, plot_scores
from error_frame import ERROR_COLORS, IGNORED_COLOR, draw_errors
from frame_errors import FrameErrors, Match

from mmwsmots.fileio.mots_txt import MOTSObject
from mmwsmots.fileio.rle import mask_to_rle
from mmwsmots.visualization.text import readable_on, render_text

HEIGHT, WIDTH = 160, 480


def obj(track_id, box):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    cls = track_id // 1000
    return MOTSObject(3, track_id, cls, HEIGHT, WIDTH, mask_to_rle(mask))


@pytest.fixture
def errors():
    places = [(x, 60, x + 40, 120) for x in range(20, 480, 80)]
    true = obj(1001, places[0]), obj(1002, places[1])
    return FrameErrors(
        3,
        [
            Match(true[0], obj(1011, places[0]), 1.0, None),
            Match(true[1], obj(1012, places[1]), 1.0, 1007),
        ],
        [obj(2001, places[2])],
        [obj(1003, places[3]), obj(2002, places[4])],
        [obj(1013, places[5])],
    )


def find_label(picture, words, color):
    """Whether the words stand somewhere on the colour."""
    text = render_text(words, 11)
    background, ink = np.array(color), np.array(readable_on(color))
    patch = np.rint(background + text[..., None] / 255 * (ink - background))
    height, width = text.shape
    for top in range(picture.shape[0] - height + 1):
        lefts = (picture[top, :, :] == patch[0, 0]).all(axis=1).nonzero()[0]
        for left in lefts[lefts <= picture.shape[1] - width]:
            if (picture[top : top + height, left : left + width] == patch).all():
                return True
    return False


def test_colours_names_and_counts(errors):
    image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    picture = draw_errors(image, errors)
    assert (image == 100).all()
    assert picture.shape == (HEIGHT + 22, WIDTH, 3)
    expected = [ERROR_COLORS[kind] for kind in ('TP', 'IDS', 'FP', 'FN', 'FN')]
    for index, color in enumerate([*expected, IGNORED_COLOR]):
        center = picture[90, 20 + 80 * index + 20]
        assert center == pytest.approx((100 + np.array(color)) / 2, abs=1)
    assert (picture[90, 10 + 80] == 100).all()  # between two objects
    names = ['car 11', 'car 12, was 7', 'FP person 1', 'FN car 3', 'FN person 2']
    for words, color in zip(names, expected):
        assert find_label(picture[:HEIGHT], words, color), words
    strip = picture[HEIGHT:]
    for kind, count in (('TP', 2), ('FP', 1), ('FN', 2), ('IDS', 1)):
        assert find_label(strip, f'{kind} {count}', ERROR_COLORS[kind])


def test_totals_and_scale(errors):
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    totals = dict(TP=12, FP=3, FN=4, IDS=1)
    with_totals = draw_errors(image, errors, totals)
    assert (with_totals[:HEIGHT] == draw_errors(image, errors)[:HEIGHT]).all()
    assert (with_totals[HEIGHT:] != draw_errors(image, errors)[HEIGHT:]).any()
    assert draw_errors(image, errors, scale=2).shape[1] == 2 * WIDTH


def test_a_frame_without_objects():
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture = draw_errors(image, FrameErrors(0, [], [], [], []))
    assert not picture[:HEIGHT].any()


def test_masks_of_another_size(errors):
    with pytest.raises(ValueError, match=r'a frame of 160 x 400 need masks'):
        draw_errors(np.zeros((HEIGHT, 400, 3), np.uint8), errors)


def test_chart_of_errors(errors):
    empty = FrameErrors(0, [], [], [], [])
    figure = plot_errors({'0002': [empty, errors, empty], '0006': [empty]})
    first, second = figure.axes
    assert (first.get_ylabel(), second.get_ylabel()) == ('0002', '0006')
    assert first.lines[0].get_xydata().tolist() == [[1, 3]]  # IDS above FN + FP
    misses, false = (area.get_paths()[0].vertices for area in first.collections)
    assert misses[:, 1].max() == 2 and false[:, 1].max() == 3


def test_chart_of_scores():
    def row(smotsa, num):
        return dict(car=dict(sMOTSA=smotsa, TP=num, FN=0))

    rows = {'results': {'a': row(50.0, 4), 'b': row(-300.0, 4), 'c': row(np.nan, 0)}}
    (axis,) = plot_scores(rows).axes
    widths = [bar.get_width() for bar in axis.patches]
    assert widths[:2] == [50, -100] and np.isnan(widths[2])
    assert [label.get_text() for label in axis.get_yticklabels()] == ['a', 'b', 'c']
