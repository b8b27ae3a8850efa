# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import re
from pathlib import Path

from mmwsmots.fileio.text_lines import decode

from .label_studio import is_short_form
from .text_boxes import MIN_FIELDS, NUM_FIELDS
from .values import read_json

HEAD = 2**16  # bytes that tell the format
NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')
ADVICE = 'export MOTChallenge text, COCO with track ids or "CVAT for video 1.1" instead'
# Keys at the top of JSON files that tell whose they are.
FOREIGN_JSON = {
    'VGG Image Annotator': ('_via_img_metadata',),
    'LabelMe': ('shapes', 'imagePath'),
    'Supervisely': ('framesCount', 'objects', 'frames'),
    'Datumaro': ('items', 'categories'),
    'Labelbox': ('data_row',),
    'Scalabel': ('frames', 'groups'),
    'Scalabel or BDD100K': ('videoName',),
    'VoTT': ('assets',),
}


def is_zip(path: str | Path) -> bool:
    """Whether a file is a ZIP file, by its beginning."""
    with Path(path).open('rb') as file:
        return file.read(4) in (b'PK\x03\x04', b'PK\x05\x06')


def detect_format(path: str | Path) -> str:
    """Tell which of ``FORMATS`` a file, or folder, of boxes has from its content.

    Raises:
        ValueError: If it is none of them; the message names the format, if it is
            known, and what to export instead.
    """
    path = Path(path)
    if path.is_dir():
        return 'mots_png'
    with path.open('rb') as file:
        data = file.read(HEAD)
    head = decode(data).lstrip()
    if not head or '\0' in head or data[:2] == b'\x1f\x8b':
        what = 'compressed or binary, no text' if head else 'empty'
        raise ValueError(f'{path}: the file is {what}; {ADVICE}')
    if head.startswith(('{', '[')):
        return _detect_json(path)
    if head.startswith('<'):
        return _detect_xml(path, head)
    line = head.splitlines()[0].strip()
    fields = [
        field.strip() for field in re.split(r',' if ',' in line else r'\s+', line)
    ]
    if len(fields) >= NUM_FIELDS and ',' not in line:
        return 'kitti'
    numbers = [NUMBER.fullmatch(field) is not None for field in fields]
    if len(fields) >= MIN_FIELDS and (',' in line or all(numbers[:MIN_FIELDS])):
        return 'mot'
    raise ValueError(f'{path}: {_name_text(line, fields, numbers)}')


def _detect_json(path: Path) -> str:
    content = read_json(path)
    if isinstance(content, list):
        first = content[0] if content else None
        keys = set(first) if isinstance(first, dict) else set()
        is_short = any(map(is_short_form, first.values() if keys else ()))
        if is_short or keys & {'annotations', 'predictions', 'data'}:
            return 'label_studio'
    else:
        keys = set(content)
        videos = content.get('videos')
        if {'images', 'annotations'} <= keys:
            return 'cocovid'
        if isinstance(videos, list) and any(
            isinstance(video, dict) and 'file_names' in video for video in videos
        ):
            return 'youtube_vis'
        if {'data', 'annotations'} <= keys:
            return 'label_studio'
        if 'annotations' in keys or 'images' in keys:
            return 'cocovid'  # whose reader says what is missing
    for name, own in FOREIGN_JSON.items():
        if set(own) <= keys:
            raise ValueError(f'{path}: JSON of {name} is not read; {ADVICE}')
    raise ValueError(
        f'{path}: JSON of no known format, its keys are '
        f'{", ".join(sorted(map(str, keys))[:8]) or "none"}; {ADVICE}'
    )


def _detect_xml(path: Path, head: str) -> str:
    root = re.search(r'<([A-Za-z_][\w.-]*)', head)
    name = root.group(1) if root else ''
    if name in ('annotation', 'dataset'):
        whose = 'Pascal VOC or LabelMe' if name == 'annotation' else 'UA-DETRAC or dlib'
        raise ValueError(f'{path}: XML of {whose} is not read; {ADVICE}')
    if name in ('sequence', 'html', 'svg'):
        raise ValueError(f'{path}: <{name}> is no XML of CVAT; {ADVICE}')
    return 'cvat'


def _name_text(line: str, fields: list[str], numbers: list[bool]) -> str:
    """What a text of another format is, or that it is unknown."""
    if len(fields) == 5 and all(numbers):
        return (
            'five numbers in a line, as YOLO writes them for one picture, without '
            f'frames and identities; {ADVICE}'
        )
    if len(fields) == 6 and all(numbers[:5]):
        return (
            'this is KITTI MOTS text, which has masks; tools/dataset_converters/'
            'convert_masks.py converts it'
        )
    if len(fields) in (15, 16) and not numbers[0] and all(numbers[1:]):
        return (
            'these are labels of KITTI objects, without frames and identities; KITTI '
            'tracking has two more fields'
        )
    return (
        f'its first line is of no known format: "{line[:60]}" (MOTChallenge text, '
        'KITTI tracking labels, JSON of COCO, CocoVID, YouTube-VIS or Label Studio, '
        'XML of CVAT)'
    )
