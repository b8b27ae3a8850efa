# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from mmwsmots.fileio.files import named_place

from .box_file import BoxFile, Numbering, Picture, TrackedBox, choose_video, numbered
from .values import IDENTITY_NAMES, finite_numbers, identity_key, read_integer

CORNERS = ('xtl', 'ytl', 'xbr', 'ybr')
MAX_DEPTH = 50  # of XML elements; CVAT's have 8


class CVATTask(NamedTuple):
    """What the head of an XML file of CVAT says of a task or job."""

    id: str | None = None  # its number, which tracks of a project refer to
    name: str = ''
    names: Sequence[str] = ()  # what it may be called, after itself or its video
    declared: range | None = None  # numbers of its frames, if the file says so
    size: tuple[int, int] | None = None  # height and width of its frames in pixels
    is_video: bool = True  # made from a video, not from pictures


def read_cvat(path: Path, video_name: str | None = None) -> BoxFile:
    """Read the boxes of an XML file that CVAT exported, of its images or of a video.

    Boxes with ``outside="1"``, where the object is not seen, are left out. Of a
    project, the task with the video's name is read. See :func:`read_boxes`.
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
        kind = 'track' if root.find('image') is None else 'image'
        elements = list(root.iter(kind))
        if len(tasks) > 1:
            for item in elements:
                if item.get('task_id') is None:
                    own = f'{kind} "{item.get("id")}"'
                    raise ValueError(f'{own}: of several tasks, but without a task_id')
            elements = [item for item in elements if item.get('task_id') == task.id]
        if kind == 'track':
            _add_boxes(file, _shapes_of_tracks(elements))
        else:
            _add_boxes(file, _shapes_of_images(file, elements))
        file.pictures = dict(sorted(file.pictures.items()))
        for box in file.boxes if not file.pictures and task.declared else ():
            if box.frame_id not in task.declared:
                text = f'{box.where}: the frames of task {task.name} are'
                raise ValueError(f'{text} {task.declared[0]} to {task.declared[-1]}')
    file.check_identities()
    return file


def read_tasks(root: Element) -> list[CVATTask]:
    """Read the tasks, or the job, in the head of an XML file of CVAT.

    Frames of a task are numbered as in its video; in a project they follow those of
    the tasks before it in its subset. Of an old or short file nothing is known.
    """
    meta = root.find('meta')
    if meta is None:
        return [CVATTask()]
    elements = [item for tag in ('task', 'job') for item in meta.iter(tag) if len(item)]
    is_project = len(elements) > 1
    source = '' if is_project else meta.findtext('source') or ''
    tasks, offsets = [], Counter()
    for element in elements or [meta]:
        start = _number(element, 'start_frame') or 0
        stop, count = _number(element, 'stop_frame'), _number(element, 'size')
        text = (element.findtext('frame_filter') or '').strip()  # e.g. 'step=2'
        value = text.removeprefix('step').lstrip(' =')
        step = read_integer(value, '<meta>: frame_filter') if value else 1
        if step < 0:
            raise ValueError(f'<frame_filter>: {text}')
        step, declared = step or 1, None
        offset = offsets[element.findtext('subset') or '']
        if stop is not None:
            if not 0 <= start <= stop:
                raise ValueError(f'<meta>: frames {start} to {stop} in steps of {step}')
            declared = range(start + offset, stop + offset + 1, step)
            if count is not None and 0 < count < len(declared):
                declared = declared[:count]
        if count is not None:
            offsets[element.findtext('subset') or ''] += start + step * count
        size = element.find('original_size')
        if size is not None:
            size = _number(size, 'height'), _number(size, 'width')
        size = size if size and all(size) else None
        number, name = element.findtext('id'), element.findtext('name') or ''
        names = [element.findtext('source') or source, name]
        names = [*filter(None, names + [PurePath(n).stem for n in names])]
        is_video = element.findtext('mode') != 'annotation'
        tasks.append(CVATTask(number, name, names, declared, size, is_video))
    return tasks


def _number(element: Element, name: str) -> int | None:
    text = element.findtext(name)
    return read_integer(text, f'<meta>: {name}') if (text or '').strip() else None


def _shapes_of_tracks(tracks: list[Element]) -> Iterator[tuple]:
    """Element, frame, identity's key, label and place of the shapes that are seen."""
    seen = set()
    for track in tracks:
        where = f'track "{track.get("id")}"'
        track_id = _integer(track, 'id', where)
        if track_id < 0:
            raise ValueError(f'{where}: {track_id} is no identity')
        if track_id in seen:
            raise ValueError(f'{where}: a second track of this id')
        seen.add(track_id)
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
                raise ValueError(f'{place}: outside must be 0 or 1, got {outside!r}')
            if outside == '0':
                yield shape, frame_id, track_id, label, place


def _shapes_of_images(file: BoxFile, images: list[Element]) -> Iterator[tuple]:
    for image in images:
        name = image.get('name')
        where = f'image "{name or image.get("id")}"'
        number = _integer(image, 'id', where)
        if number in file.pictures:
            raise ValueError(f'{where}: a second image of the id {number}')
        if not name:
            raise ValueError(f'{where}: name is missing')
        size = None
        if image.get('width') and image.get('height'):
            size = tuple(_integer(image, n, where) for n in ('height', 'width'))
        file.pictures[number] = Picture(name, size, where, number)
        for index, shape in enumerate(image, 1):
            if shape.tag == 'tag':
                continue
            place, track_id = f'{where}, <{shape.tag}> {index}', None
            for attribute in shape.iter('attribute'):
                key = (attribute.get('name') or '').strip().casefold().replace(' ', '_')
                if key in IDENTITY_NAMES and (attribute.text or '').strip():
                    track_id = identity_key(attribute.text, f'{place}, {key}')
                    break
            yield shape, number, track_id, _label(shape, place), place


def _add_boxes(file: BoxFile, shapes: Iterable[tuple]) -> None:
    """Add the boxes among shapes, upright, and count the others."""
    rotations, boxes = [], []
    for element, frame_id, key, label, place in shapes:
        if element.tag != 'box':
            file.left_out[f'{label} ({element.tag})'] += 1
            continue
        values = element.get('rotation', 0), *map(element.get, CORNERS)
        names = [f'{place}: {name}' for name in ('rotation', *CORNERS)]
        rotation, *bbox = finite_numbers(values, names)
        if rotation % 180:
            rotations.append((min(rotation % 180, -rotation % 180), place))
            # The upright hull of a box that is turned around its centre.
            angle, (x1, y1, x2, y2) = math.radians(rotation), bbox
            cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
            x, y, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
            half_w, half_h = (w * cos + h * sin) / 2, (w * sin + h * cos) / 2
            bbox = x - half_w, y - half_h, x + half_w, y + half_h
        boxes.append(TrackedBox(frame_id, key, label, tuple(bbox), False, place))
    file.boxes = numbered(boxes, file.notices)
    if rotations:
        angle, place = max(rotations)
        text = f'by {angle:g} degrees at most ({place}); their upright hulls are taken'
        file.notices.append(f'{len(rotations)} boxes are rotated, {text}')


def _label(element: Element, where: str) -> str:
    label = element.get('label')
    if not (label or '').strip():
        raise ValueError(f'{where}: label is missing')
    return label


def _integer(element: Element, name: str, where: str) -> int:
    return read_integer(element.get(name), f'{where}: {name}')


def read_xml(path: Path) -> Element:
    """Read an XML file of anybody; ValueError if it is none or nested too deeply.

    One with a document type is refused, by defusedxml's means (``forbid_dtd``): its
    entities could unfold to any size or take in other files.
    """
    builder, parser = TreeBuilder(), expat.ParserCreate()

    def refuse(*_) -> None:
        raise ValueError('it declares a document type (DOCTYPE), remove that')

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.data
    parser.buffer_text = True
    try:
        with path.open('rb') as file:
            parser.ParseFile(file)
        root = builder.close()
        level = [root]
        for _ in range(MAX_DEPTH):
            level = [child for element in level for child in element]
        if level:
            raise ValueError('it is nested too deeply')
        return root
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ValueError(f'{path}: no XML: {error}') from None
