# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest

from mmwsmots.fileio.mots_txt import MOTSObject, read_mots_txt
from mmwsmots.fileio.rle import mask_to_rle
from mmwsmots.visualization import TrackDrawer, id_color
from mmwsmots.visualization.track_drawer import readable_on, render_text

SHAPE = (120, 300)


def frame(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def rectangle(y1, y2, x1, x2, shape=SHAPE):
    mask = np.zeros(shape, dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def changed(before, after):
    return (before != after).any(axis=2)


def dilated(mask, pixels):
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0


def has_color(image, color):
    return (image == np.array(color)).all(axis=2)


def test_only_mask_and_label_change():
    image, mask = frame(), rectangle(50, 90, 100, 160)
    mask[60:70, 110:120] = False  # a hole
    mask[70:80, 130:140] = False
    drawn = TrackDrawer(trail_length=0).draw(image, [7], ['car 7'], [mask])
    touched = changed(image, drawn)
    allowed = dilated(mask, 2)
    outside = touched & ~allowed
    # What is left is the label: one rectangle right above the mask.
    ys, xs = np.nonzero(outside)
    label_h, label_w = ys.max() - ys.min() + 1, xs.max() - xs.min() + 1
    assert ys.max() < 50 and ys.max() >= 44
    assert label_h <= render_text('car 7', 11).shape[0] + 1
    assert label_w <= render_text('car 7', 11).shape[1] + 8
    assert has_color(drawn, id_color(7))[ys.min() : ys.max(), xs.min()].all()
    # Away from the outline, a pixel is the blend and one in the hole untouched.
    inside = ~dilated(~mask, 3)
    blend = image[inside] * 0.5 + np.array(id_color(7)) * 0.5
    assert np.abs(drawn[inside] - blend).max() <= 1
    assert not touched[63:67, 113:117].any()
    assert not touched[73:77, 133:137].any()
    # Holes are outlined as well.
    row = slice(112, 118)
    blend = image[59, row] * 0.5 + np.array(id_color(7)) * 0.5
    errors = [np.abs(v - id_color(7)).mean() for v in (drawn[59, row], blend)]
    assert errors[0] < errors[1] / 2


def test_input_is_left_alone_and_no_objects_change_nothing():
    image = frame()
    original = image.copy()
    drawer = TrackDrawer()
    drawn = drawer.draw(image, [], [], np.zeros((0, *SHAPE), dtype=bool))
    assert (drawn == original).all()
    drawer.draw(image, [1], ['car 1'], [rectangle(10, 40, 10, 40)])
    assert (image == original).all()


def test_empty_mask_is_left_out():
    image = frame()
    drawn = TrackDrawer().draw(
        image, [1, 2], ['car 1', 'car 2'], np.zeros((2, *SHAPE), dtype=bool)
    )
    assert (drawn == image).all()


def test_ids_keep_their_colour_over_frames_and_order():
    drawer = TrackDrawer(trail_length=0)
    left, right = rectangle(50, 90, 20, 80), rectangle(50, 90, 180, 240)
    image = np.full((*SHAPE, 3), 128, dtype=np.uint8)
    first = drawer.draw(image, [3, 9], ['a', 'b'], np.stack([left, right]))
    again = drawer.draw(image, [9, 3], ['b', 'a'], np.stack([right, left]))
    other = drawer.draw(image, [9, 4], ['b', 'a'], np.stack([right, left]))
    assert (first == again).all()
    assert changed(first, other)[left].all()
    assert not changed(first, other)[right].any()


def test_colours_of_neighbours_differ():
    # Of the first numbers of both classes, and of a tracker's own ids.
    for ids in ([*range(1001, 1012), *range(2001, 2012)], range(22)):
        colors = np.array([id_color(i) for i in ids], dtype=float)
        distances = np.abs(colors[:, None] - colors[None]).sum(axis=2)
        assert np.diagonal(distances, 1).min() > 120
        assert distances[~np.eye(22, dtype=bool)].min() > 30


def test_trail_follows_the_centres_and_ends():
    drawer = TrackDrawer(trail_length=3)
    image = np.zeros((*SHAPE, 3), dtype=np.uint8)
    row = 75
    for x in (20, 60, 100, 140, 180):
        drawn = drawer.draw(image, [5], ['x'], [rectangle(70, 81, x, x + 10)])
    on_trail = drawn[row - 2 : row + 3].any(axis=(0, 2))
    # Centres were at 25, 65, ..., 185: the last three steps are drawn.
    assert on_trail[66:180].all()
    assert not on_trail[:62].any()
    # An absent object has no trail, and it is forgotten after three frames.
    for _ in range(3):
        absent = drawer.draw(image, [], [], np.zeros((0, *SHAPE), bool))
        assert not absent.any()
    back = drawer.draw(image, [5], ['x'], [rectangle(70, 81, 250, 260)])
    assert not back[:, :230].any()


def test_reset_forgets_the_trails():
    image = np.zeros((*SHAPE, 3), dtype=np.uint8)
    fresh, used = TrackDrawer(), TrackDrawer()
    used.draw(image, [5], ['x'], [rectangle(70, 80, 20, 30)])
    used.reset()
    arguments = image, [5], ['x'], [rectangle(70, 80, 200, 210)]
    assert (used.draw(*arguments) == fresh.draw(*arguments)).all()


def test_memory_is_bounded():
    drawer = TrackDrawer(trail_length=4)
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    mask = rectangle(10, 20, 10, 20, (40, 60))
    for track_id in range(30):
        drawer.draw(image, [track_id, 999], ['x', 'y'], np.stack([mask, mask]))
    assert len(drawer._trails) <= 6
    assert max(map(len, drawer._trails.values())) <= 5


def test_labels_do_not_hide_each_other():
    image = np.zeros((*SHAPE, 3), dtype=np.uint8)
    masks = np.stack([rectangle(50, 90, 100, 140), rectangle(50, 90, 112, 150)])
    masks[1] &= ~masks[0]
    size = render_text('person 1', 11).shape
    drawn = TrackDrawer(trail_length=0).draw(
        image, [1, 2], ['person 1', 'person 2'], masks
    )
    for track_id in (1, 2):
        solid = has_color(drawn, id_color(track_id))
        ink = has_color(drawn, readable_on(id_color(track_id)))
        assert (solid | ink).sum() > 0.6 * size[0] * size[1]


@pytest.mark.parametrize('x1', [0, 290])
def test_label_at_the_border_stays_inside(x1):
    image = np.full((*SHAPE, 3), 128, dtype=np.uint8)
    mask = rectangle(0, 120, x1, x1 + 10)
    drawn = TrackDrawer(trail_length=0).draw(image, [1], ['person 10'], [mask])
    label = changed(image, drawn) & ~dilated(mask, 2)
    assert np.ptp(np.nonzero(label)[1]) > render_text('person 10', 11).shape[1] - 20


def test_boxes_without_masks():
    image = np.full((*SHAPE, 3), 128, dtype=np.uint8)
    boxes = np.array([[100.0, 50, 160, 90]])
    drawn = TrackDrawer(trail_length=0).draw(image, [1], ['car 1'], bboxes=boxes)
    touched = changed(image, drawn)
    assert touched[50, 100:160].all() and touched[50:90, 100].all()
    assert not touched[52:88, 102:157].any()


def test_scale_enlarges_frame_and_masks():
    image, mask = frame(), rectangle(50, 90, 100, 160)
    drawn = TrackDrawer(scale=3, trail_length=0).draw(image, [1], ['car 1'], [mask])
    assert drawn.shape == (360, 900, 3)
    enlarged = cv2.resize(image, (900, 360))
    touched = changed(enlarged, drawn)
    assert touched[152:268, 302:478].mean() > 0.98
    assert not touched[275:].any() and not touched[:, 490:].any()


def test_mots_objects_are_drawn_as_their_masks():
    image = frame()
    masks = [rectangle(50, 90, 20, 80), rectangle(50, 90, 150, 190)]
    objects = [
        MOTSObject(0, 1012, 1, *SHAPE, mask_to_rle(masks[0])),
        MOTSObject(0, 10000, 10, *SHAPE, mask_to_rle(rectangle(0, 30, 0, 300))),
        MOTSObject(0, 2003, 2, *SHAPE, mask_to_rle(masks[1])),
    ]
    expected = TrackDrawer().draw(
        image, [1012, 2003], ['car 12', 'person 3'], np.stack(masks)
    )
    assert (TrackDrawer().draw_objects(image, objects) == expected).all()


def test_real_annotations(shared_data):
    path = shared_data / 'kitti_mots/instances_txt/0002.txt'
    objects = [obj for obj in read_mots_txt(path) if obj.frame_id == 100]
    image = np.full((objects[0].height, objects[0].width, 3), 128, dtype=np.uint8)
    drawn = TrackDrawer().draw_objects(image, objects)
    touched = changed(image, drawn)
    for obj in objects:
        assert obj.class_id == 10 or touched[obj.mask].mean() > 0.99


def test_bad_input():
    image = frame()
    with pytest.raises(ValueError, match='masks or bboxes'):
        TrackDrawer().draw(image, [1], ['car 1'])
    with pytest.raises(ValueError, match=r'120 x 300 need masks .* \(1, 120, 200\)'):
        TrackDrawer().draw(image, [1], ['car 1'], np.zeros((1, 120, 200), bool))
    with pytest.raises(ValueError, match=r'bboxes of shape \(1, 4\)'):
        TrackDrawer().draw(image, [1], ['car 1'], bboxes=np.zeros((2, 4)))
