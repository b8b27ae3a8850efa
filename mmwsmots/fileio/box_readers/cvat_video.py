# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path
from xml.etree import ElementTree

from .tracked_box import TrackedBox, check_identities, finite_numbers, whole_number

CORNERS = ('xtl', 'ytl', 'xbr', 'ybr')


def read_cvat_video(path: str | Path) -> list[TrackedBox]:
    """Read the boxes of an XML file that CVAT exported as 'CVAT for video 1.1'.

    An export has a ``<box>`` for every frame of a ``<track>``, interpolated ones
    (``keyframe="0"``) too, so nothing is interpolated here. Boxes with
    ``outside="1"``, where the object is not seen, are left out. Frames are those of
    the video, from 0.

    Args:
        path (str | Path): The file.

    Returns:
        list[TrackedBox]: The boxes in the order of the file.

    Raises:
        ValueError: If the file is no such XML, or has other shapes than upright boxes;
            the message names file, track and frame.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ValueError(f'{path}: no XML: {error}') from None
    try:
        if root.tag != 'annotations':
            raise ValueError(f'<{root.tag}>: expected <annotations>')
        if root.find('image') is not None:
            raise ValueError(
                '<image>: this is "CVAT for images", which has no identities; export '
                'as "CVAT for video 1.1"'
            )
        boxes = [box for track in root.iter('track') for box in _read_track(track)]
        check_identities(boxes)
    except ValueError as error:
        raise ValueError(f'{path}, {error}') from None
    return boxes


def _read_track(track: ElementTree.Element) -> list[TrackedBox]:
    """Boxes of a ``<track>`` in which its object is seen."""
    where = f'track "{track.get("id")}"'
    track_id = _integer(track, 'id', where)
    label = track.get('label')
    if not label:
        raise ValueError(f'{where}: label is missing')
    boxes = []
    for shape in track:
        frame_id = _integer(shape, 'frame', f'{where}, <{shape.tag}>')
        place = f'{where}, frame {frame_id}'
        if shape.tag != 'box':
            raise ValueError(f'{place}: a <{shape.tag}>, only <box> is read')
        if frame_id < 0:
            raise ValueError(f'{place}: there is no such frame')
        outside = shape.get('outside')
        if outside not in ('0', '1'):
            raise ValueError(f'{place}: outside must be 0 or 1, got {outside!r}')
        try:
            (rotation,) = finite_numbers([shape.get('rotation', 0)], ['rotation'])
            bbox = finite_numbers([shape.get(name) for name in CORNERS], CORNERS)
        except ValueError as error:
            raise ValueError(f'{place}: {error}') from None
        if rotation != 0:
            raise ValueError(f'{place}: the box is rotated by {rotation:g} degrees')
        if outside == '0':
            boxes.append(
                TrackedBox(frame_id, track_id, label, tuple(bbox), False, place)
            )
    return boxes


def _integer(element: ElementTree.Element, name: str, where: str) -> int:
    """An integer attribute."""
    try:
        (number,) = finite_numbers([element.get(name)], [name])
        return whole_number(number, name)
    except ValueError as error:
        raise ValueError(f'{where}: {error}') from None
