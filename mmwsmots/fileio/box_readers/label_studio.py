# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mmwsmots.fileio.files import named_place

from .box_file import BoxFile, Numbering, TrackedBox, choose_video
from .values import finite_numbers, flag, get, integer, objects, read_json

SIDES = ('x', 'y', 'width', 'height')
UPLOAD = re.compile('^[0-9a-f]{8}-')  # Label Studio puts it before names of files
MAX_BOXES = 2_000_000  # of a file; key frames at its ends can claim any number
TURN = 5.0  # degrees by which a box may be rotated


def read_label_studio(path: Path, video_name: str | None = None) -> BoxFile:
    """Read the tracks of a video from a JSON file of Label Studio.

    A ``sequence`` has key frames, from 1, with boxes in percent of the frame, which
    move evenly from an ``enabled`` one to the next, or stay to the end of the video.
    Identities are places in the list. See :func:`read_boxes`.
    """
    data = read_json(path)
    file = BoxFile(path, [], is_relative=True)
    with named_place(f'{path}, '):
        tasks = objects(data if isinstance(data, list) else [data], '')
        named = [(_names(task), (where, task)) for where, task in tasks]
        where, task = choose_video(named, video_name, file.notices, 'tasks')
        regions = enumerate(_regions(task, where, file))
        counts = {_read_region(item, i, place, file) for i, (place, item) in regions}
        counts.discard(None)
        if len(counts) > 1:
            several = ' and '.join(map(str, counts))
            raise ValueError(f'{where}: framesCount is {several}')
    file.numbering = Numbering(1, range(1, counts.pop() + 1) if counts else None)
    file.check_identities()
    return file


def _names(task: dict) -> list[str]:
    """Names of the files of a task without suffix."""
    data = task['data'] if isinstance(task.get('data'), dict) else task
    stems = (
        PurePosixPath(value.replace('\\', '/')).stem
        for value in data.values()
        if isinstance(value, str) and '.' in value
    )
    return sorted({name for stem in stems for name in (UPLOAD.sub('', stem), stem)})


def _regions(task: dict, where: str, file: BoxFile) -> Iterator[tuple[str, dict]]:
    """The regions of the newest annotation, or of the short form of the export."""
    annotations = task.get('annotations')
    if isinstance(annotations, list):
        valid = [
            (f'{where}.annotations[{index}]', item)
            for index, item in enumerate(annotations)
            if isinstance(item, dict) and not item.get('was_cancelled')
        ]
        if not valid:
            raise ValueError(f'{where}: it has no annotation')
        if len(valid) > 1:
            count = f'{where} has {len(valid)} annotations'
            file.notices.append(f'{count}, the last one is taken')
        place, annotation = valid[-1]
        items = get(annotation, 'result', list, place)
        place = f'{place}.result'
    else:
        key = next((k for k, v in task.items() if is_short_form(v)), None)
        if key is None:
            raise ValueError(f'{where}: annotations are missing')
        items, place = [dict(value=item) for item in task[key]], f'{where}.{key}'
    for where, item in objects(items, place):
        kind = item.get('type', 'videorectangle')
        if kind == 'videorectangle':
            yield where, item
        else:
            file.left_out[f'regions of type {str(kind)[:40]}'] += 1


def is_short_form(value: object) -> bool:
    """Whether it is the list of a task's regions, as in the short export."""
    items = value if isinstance(value, list) else []
    has_sequences = all(isinstance(item, dict) and 'sequence' in item for item in items)
    return bool(items) and has_sequences


def _read_region(region: dict, number: int, where: str, file: BoxFile) -> int | None:
    """Add the boxes of a track and return the number of frames, if it is said."""
    value = get(region, 'value', dict, where)
    labels = value.get('labels')
    label = labels[0] if isinstance(labels, list) and labels else None
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f'{where}: labels are {str(labels)[:80]!r}')
    count = None
    if value.get('framesCount'):
        count = integer(value, 'framesCount', where)
        if not 0 < count <= MAX_BOXES:
            raise ValueError(f'{where}: framesCount is {count}')
    sequence = objects(get(value, 'sequence', list, where), f'{where}.sequence')
    keys = []
    for place, key in sequence:
        frame_id = integer(key, 'frame', place, minimum=0)
        numbers = key.get('rotation', 0), *map(key.get, SIDES)
        names = [f'{place}: {name}' for name in ('rotation', *SIDES)]
        rotation, x, y, w, h = finite_numbers(numbers, names)
        if min(rotation % 360, -rotation % 360) > TURN:
            text = 'in percent of the frame its upright hull is not known'
            turn = f'the box is rotated by {rotation:g} degrees'
            raise ValueError(f'{place}: {turn}; {text}')
        if rotation % 360:
            notice = f'the turn by {rotation:g} degrees is not taken'
            file.notices.append(f'{place}: {notice}')
        is_seen = flag(key, 'enabled', place, True)
        keys.append((frame_id, (x, y, x + w, y + h), is_seen, place))
    keys.sort(key=lambda key: key[0])
    for (first, box, is_seen, place), after in zip(keys, [*keys[1:], None]):
        last, until, target = first, first + 1, box
        if after is not None:
            until, target = after[:2]
            if until == first:
                raise ValueError(f'{after[3]}: a second key frame {first}')
            last = until - 1 if is_seen else first
        elif is_seen and count is not None:
            last = max(count, first)
        if len(file.boxes) + last - first > MAX_BOXES:
            raise ValueError(f'{place}: more than {MAX_BOXES} boxes')
        for frame_id in range(first, last + 1):
            share = (frame_id - first) / (until - first)
            moved = tuple(a + share * (b - a) for a, b in zip(box, target))
            file.boxes.append(TrackedBox(frame_id, number, label, moved, False, place))
    return count
