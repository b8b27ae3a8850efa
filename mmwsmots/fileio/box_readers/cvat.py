# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
from pathlib import Path
from xml.etree.ElementTree import Element

from mmwsmots.fileio.named_place import named_place

from .box_file import BoxFile, Numbering, Picture
from .choose_video import choose_video
from .cvat_task import CVATTask, read_tasks
from .identities import IDENTITY_NAMES, identity_key, number_identities
from .tracked_box import TrackedBox, finite_numbers, read_integer
from .xml_tree import read_xml

CORNERS = ('xtl', 'ytl', 'xbr', 'ybr')


def read_cvat(path: Path, video_name: str | None = None) -> BoxFile:
    """Read the boxes of an XML file that CVAT exported.

    'CVAT for video 1.1' has a ``<box>`` for every frame of a ``<track>``, interpolated
    ones (``keyframe="0"``) too, so nothing is interpolated here; boxes with
    ``outside="1"``, where the object is not seen, are left out. Frames have the
    numbers of the video, from 0. 'CVAT for images 1.1' names the picture of each box;
    its boxes have identities if an attribute ``track_id`` or ``instance_id`` says
    them. Of a project's export, the task is read that has the name of the video.

    Other shapes than boxes are left out and counted. A rotated box becomes its upright
    hull. See :func:`read_boxes`.
    """
    root = read_xml(path)
    with named_place(f'{path}, '):
        if root.tag != 'annotations':
            raise ValueError(f'<{root.tag}>: expected <annotations> as of CVAT')
        tasks = read_tasks(root)
        file = BoxFile(path, [], size_where='<original_size>')
        named = [(task.names, task) for task in tasks]
        task = choose_video(named, video_name, file.notices, 'tasks')
        file.size = task.size
        file.numbering = Numbering(0, task.declared, sorted_by_text=not task.is_video)
        reader = _Reader(file, task if len(tasks) > 1 else None)
        if root.find('image') is not None:
            reader.read_images(root)
        else:
            reader.read_tracks(root)
            if task.declared is not None:
                _check_declared(file, task)
    file.check_identities()
    return file


class _Reader:
    """Collects the boxes of a file, those of one task if there are several."""

    def __init__(self, file: BoxFile, task: CVATTask | None) -> None:
        self.file = file
        self.task = task
        self.rotations = []

    def read_tracks(self, root: Element) -> None:
        """Boxes of the tracks in which their objects are seen."""
        for track in self._of_task(root, 'track'):
            where = f'track "{track.get("id")}"'
            track_id = _integer(track, 'id', where)
            if track_id < 0:
                raise ValueError(f'{where}: {track_id} is no identity')
            label = _label(track, where)
            for shape in track:
                if shape.tag == 'attribute':
                    continue
                frame_id = _integer(shape, 'frame', f'{where}, <{shape.tag}>')
                place = f'{where}, frame {frame_id}'
                if frame_id < 0:
                    raise ValueError(f'{place}: there is no such frame')
                outside = shape.get('outside')
                if outside not in ('0', '1'):
                    raise ValueError(
                        f'{place}: outside must be 0 or 1, got {outside!r}'
                    )
                if outside == '0':
                    self._add(shape, frame_id, track_id, label, place)
        self._finish()

    def read_images(self, root: Element) -> None:
        """Boxes of the images, with identities if attributes say them."""
        for image in self._of_task(root, 'image'):
            where = f'image "{image.get("name") or image.get("id")}"'
            number = _integer(image, 'id', where)
            if number in self.file.pictures:
                raise ValueError(f'{where}: a second image of the id {number}')
            name = image.get('name')
            if not name:
                raise ValueError(f'{where}: name is missing')
            size = None
            if image.get('width') and image.get('height'):
                size = tuple(_integer(image, n, where) for n in ('height', 'width'))
            self.file.pictures[number] = Picture(name, size, where, number)
            for index, shape in enumerate(image):
                if shape.tag == 'tag':
                    continue
                place = f'{where}, <{shape.tag}> {index + 1}'
                track_id = _attribute_identity(shape, place)
                self._add(shape, number, track_id, _label(shape, place), place)
        self.file.pictures = dict(sorted(self.file.pictures.items()))
        boxes = self.file.boxes
        keys = (box.track_id for box in boxes)
        numbers = number_identities(keys, self.file.notices)
        boxes[:] = [box._replace(track_id=numbers[box.track_id]) for box in boxes]
        self._finish()

    def _of_task(self, root: Element, tag: str) -> list[Element]:
        """The elements of the task."""
        elements = list(root.iter(tag))
        if self.task is None:
            return elements
        for item in elements:
            if item.get('task_id') is None:
                raise ValueError(
                    f'{tag} "{item.get("id")}": of several tasks, but without a task_id'
                )
        return [item for item in elements if item.get('task_id') == self.task.id]

    def _add(
        self,
        shape: Element,
        frame_id: int,
        track_id: int | str | None,
        label: str,
        place: str,
    ) -> None:
        """Add a box, or count another shape."""
        if shape.tag != 'box':
            self.file.left_out[f'{label} ({shape.tag})'] += 1
            return
        with named_place(f'{place}: '):
            (rotation,) = finite_numbers([shape.get('rotation', 0)], ['rotation'])
            bbox = finite_numbers([shape.get(name) for name in CORNERS], CORNERS)
        if rotation % 180:
            bbox = _hull(*bbox, math.radians(rotation))
            self.rotations.append((min(rotation % 180, -rotation % 180), place))
        box = TrackedBox(frame_id, track_id, label, tuple(bbox), False, place)
        self.file.boxes.append(box)

    def _finish(self) -> None:
        if self.rotations:
            angle, place = max(self.rotations)
            self.file.notices.append(
                f'{len(self.rotations)} boxes are rotated, by {angle:g} degrees at '
                f'most ({place}); their upright hulls are taken'
            )


def _check_declared(file: BoxFile, task: CVATTask) -> None:
    """Raise if a box lies on none of the task's frames."""
    for box in file.boxes:
        if box.frame_id not in task.declared:
            raise ValueError(
                f'{box.where}: the frames of task {task.name} are {task.declared[0]} '
                f'to {task.declared[-1]}'
            )


def _hull(x1: float, y1: float, x2: float, y2: float, angle: float) -> list[float]:
    """Upright hull of a box that is turned around its centre."""
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    w, h = x2 - x1, y2 - y1
    half_w, half_h = (w * cos + h * sin) / 2, (w * sin + h * cos) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return [x - half_w, y - half_h, x + half_w, y + half_h]


def _attribute_identity(shape: Element, where: str) -> int | str | None:
    """The identity that an attribute says, if any."""
    for attribute in shape.iter('attribute'):
        name = (attribute.get('name') or '').strip().casefold().replace(' ', '_')
        if name in IDENTITY_NAMES and (attribute.text or '').strip():
            return identity_key(attribute.text, f'{where}, {name}')
    return None


def _label(element: Element, where: str) -> str:
    label = element.get('label')
    if not label:
        raise ValueError(f'{where}: label is missing')
    return label


def _integer(element: Element, name: str, where: str) -> int:
    """An integer attribute."""
    with named_place(f'{where}: '):
        return read_integer(element.get(name), name)
