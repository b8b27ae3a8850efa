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
# What XML files of others are, by their first elements.
FOREIGN_XML = {
    'annotation': 'XML of Pascal VOC or LabelMe is not read',
    'dataset': 'XML of UA-DETRAC or dlib is not read',
} | {name: f'<{name}> is no XML of CVAT' for name in ('sequence', 'html', 'svg')}


def detect_format(path: str | Path) -> str:
    """Tell which of ``FORMATS`` a file, or folder, of boxes has from its content.

    ValueError if it is none of them; the message names the format, if it is known, and
    what to export instead.
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
        root = re.search(r'<([A-Za-z_][\w.-]*)', head)
        name = root.group(1) if root else ''
        if name in FOREIGN_XML:
            raise ValueError(f'{path}: {FOREIGN_XML[name]}; {ADVICE}')
        return 'cvat'
    line = head.splitlines()[0].strip()
    has_commas = ',' in line
    fields = [part.strip() for part in re.split(',' if has_commas else r'\s+', line)]
    numbers = [NUMBER.fullmatch(field) is not None for field in fields]
    if len(fields) >= NUM_FIELDS and not has_commas:
        return 'kitti'
    if len(fields) >= MIN_FIELDS and (has_commas or all(numbers[:MIN_FIELDS])):
        return 'mot'
    what = (
        f'its first line is of no known format: "{line[:60]}" (MOTChallenge text, '
        'KITTI tracking labels, JSON of COCO, CocoVID, YouTube-VIS or Label Studio, '
        'XML of CVAT)'
    )
    if len(fields) == 5 and all(numbers):
        what = (
            'five numbers in a line, as YOLO writes them for one picture, without '
            f'frames and identities; {ADVICE}'
        )
    elif len(fields) == 6 and all(numbers[:5]):
        what = (
            'this is KITTI MOTS text, which has masks; tools/dataset_converters/'
            'convert_masks.py converts it'
        )
    elif len(fields) in (15, 16) and not numbers[0] and all(numbers[1:]):
        what = (
            'these are labels of KITTI objects, without frames and identities; KITTI '
            'tracking has two more fields'
        )
    raise ValueError(f'{path}: {what}')


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
