# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import PurePath
from typing import NamedTuple
from xml.etree.ElementTree import Element

from .values import read_integer


class CVATTask(NamedTuple):
    """What the head of an XML file of CVAT says of a task or job."""

    id: str | None  # its number, which tracks of a project refer to
    name: str
    source: str  # file name of its video
    declared: range | None  # numbers of its frames, if the file says so
    size: tuple[int, int] | None  # height and width of its frames in pixels
    is_video: bool  # made from a video, not from pictures

    @property
    def names(self) -> list[str]:
        """list[str]: What it may be called, after itself or its video."""
        names = self.source, self.name, PurePath(self.source).stem
        return [name for name in (*names, PurePath(self.name).stem) if name]


def read_tasks(root: Element) -> list[CVATTask]:
    """Read the tasks in the head of an XML file of CVAT.

    Frames of a task are numbered as in its video, from ``start_frame`` to
    ``stop_frame`` in steps of ``frame_filter``. A project numbers them on: a task's
    numbers follow those of the tasks before it in its subset. There may be a job in
    place of tasks; an old or short file has one task of which nothing is known.
    """
    meta = root.find('meta')
    if meta is None:
        return [CVATTask(None, '', '', None, None, True)]
    elements = [
        item for tag in ('task', 'job') for item in meta.iter(tag) if len(item) > 0
    ]
    source = meta.findtext('source') or ''
    if len(elements) <= 1:
        return [_read_task(elements[0] if elements else meta, source, 0)]
    tasks, offsets = [], {}
    for element in elements:
        subset = element.findtext('subset') or ''
        start, _, step, count = _frames(element)
        offset = offsets.get(subset, 0)
        tasks.append(_read_task(element, '', offset))
        if count is not None:
            offsets[subset] = offset + start + step * count
    return tasks


def _read_task(element: Element, source: str, offset: int) -> CVATTask:
    """A task of which the numbers of frames start that much later."""
    start, stop, step, count = _frames(element)
    declared = None
    if stop is not None:
        if not 0 <= start <= stop:
            raise ValueError(f'<meta>: frames {start} to {stop} in steps of {step}')
        declared = range(start + offset, stop + offset + 1, step)
        if count is not None and 0 < count < len(declared):
            declared = declared[:count]
    return CVATTask(
        element.findtext('id'),
        element.findtext('name') or '',
        element.findtext('source') or source,
        declared,
        _size(element.find('original_size')),
        element.findtext('mode') != 'annotation',
    )


def _frames(element: Element) -> tuple[int, int | None, int, int | None]:
    """First and last frame, the step and the number of frames."""
    start = _integer(element.findtext('start_frame'), 'start_frame') or 0
    stop = _integer(element.findtext('stop_frame'), 'stop_frame')
    count = _integer(element.findtext('size'), 'size')
    text = (element.findtext('frame_filter') or '').strip()
    step = _integer(text.removeprefix('step').lstrip(' ='), 'frame_filter') or 1
    if step < 1:
        raise ValueError(f'<frame_filter>: {text}')
    return start, stop, step, count


def _size(element: Element | None) -> tuple[int, int] | None:
    """Height and width."""
    if element is None:
        return None
    height, width = (_integer(element.findtext(n), n) for n in ('height', 'width'))
    return (height, width) if height and width else None


def _integer(text: str | None, name: str) -> int | None:
    """A number in the head; None if there is none."""
    if text is None or not text.strip():
        return None
    return read_integer(text, f'<meta>: {name}')
