# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np

from mmwsmots.fileio.classes import class_name_of, labels_of
from mmwsmots.fileio.files import decode, named_place
from mmwsmots.fileio.frame_reader import list_pictures
from mmwsmots.fileio.mots_png import find_instances, read_ids
from mmwsmots.fileio.mots_txt import IGNORE_CLASS_ID

from .box_file import BoxFile, Picture, TrackedBox
from .coco import read_cocovid, read_youtube_vis
from .cvat import read_cvat
from .label_studio import is_short_form, read_label_studio
from .text_boxes import MIN_FIELDS, NUM_FIELDS, read_kitti_tracking, read_mot_challenge
from .values import read_json

MAX_BYTES = 2**29  # of what is unpacked
MAX_RATIO = 200  # of unpacked to packed, beyond the first 2^24 bytes
BROKEN = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError)
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
NAMED = ('annotations.xml', 'gt.txt', 'det.txt')
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


def read_mots_png_boxes(path: Path) -> BoxFile:
    """Read the tight boxes of 16-bit pictures in a folder or its parent."""
    file, folder = BoxFile(path, []), find_instances(path)
    labels = labels_of(folder)
    for number, picture in enumerate(list_pictures(folder)):
        ids = read_ids(picture)
        file.pictures[number] = Picture(picture.name, ids.shape, picture.name)
        for value in np.unique(ids[ids > 0]).tolist():
            with named_place(f'{picture}: pixels of {value}, but '):
                name = class_name_of(value // 1000, labels)
            ys, xs = np.nonzero(ids == value)
            bbox = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
            box = number, value, name, tuple(map(float, bbox))
            where = f'{picture.name}, id {value}'
            is_ignored = value // 1000 == IGNORE_CLASS_ID
            file.boxes.append(TrackedBox(*box, is_ignored, where))
    return file


READERS = dict(
    mot=read_mot_challenge,
    kitti=read_kitti_tracking,
    cvat=read_cvat,
    cocovid=read_cocovid,
    youtube_vis=read_youtube_vis,
    label_studio=read_label_studio,
    mots_png=read_mots_png_boxes,
)
FORMATS = tuple(READERS)
WITHOUT_VIDEO_NAMES = 'kitti', 'mot', 'mots_png'


def read_boxes(
    path: str | Path,
    box_format: str | None = None,
    class_name: str | None = None,
    first_frame: int | None = None,
    video_name: str | None = None,
) -> BoxFile:
    """Read a file of boxes in its order; :func:`place_boxes` finds their frames.

    Args:
        path: The file, a ZIP file with it, or a folder; see docs/en/formats.md.
        box_format: One of :data:`FORMATS`; None: as :func:`detect_format` tells.
        class_name: Class of all boxes, for 'mot' only.
        first_frame: Number of the first frame or picture, then taken in their order;
            None: what the file says, or the format.
        video_name: Which video of a file with several.

    FileNotFoundError if there is no such file. ValueError names the place where it
    breaks its format or repeats an identity within a frame, or what does not fit it.
    """
    path = Path(path)
    if not path.is_file() and not path.is_dir():  # a pipe can be read only once
        raise FileNotFoundError(f'{path}: no such file of boxes')
    if first_frame is not None and first_frame < 0:
        raise ValueError(f'{path}: frames count from 0 on, not from {first_frame}')
    if path.is_file():
        with path.open('rb') as file:
            is_zip = file.read(4) in (b'PK\x03\x04', b'PK\x05\x06')
        if is_zip:
            args = box_format, class_name, first_frame, video_name
            with _unpacked(path) as inner:
                file = read_boxes(inner, *args)
            folder = str(inner.parent)
            file.path = path
            file.notices = [note.replace(folder, str(path)) for note in file.notices]
            return file
    box_format = box_format or detect_format(path)
    if box_format not in FORMATS:
        raise ValueError(f'box_format must be one of {FORMATS}, got {box_format!r}')
    if path.is_dir() != (box_format == 'mots_png'):
        raise ValueError(f'{path}: a folder for mots_png, a file for other formats')
    if class_name is not None and box_format != 'mot':
        text = f'class_name is for MOTChallenge text, a {box_format} file has its own'
        raise ValueError(f'{path}: {text}')
    if first_frame is not None and box_format == 'mots_png':
        raise ValueError(f'{path}: first_frame is not for pictures, which have names')
    own = (class_name,) if box_format == 'mot' else ()
    own = own if box_format in WITHOUT_VIDEO_NAMES else (video_name,)
    file = READERS[box_format](path, *own)
    if first_frame is not None:
        file.numbering = file.numbering._replace(first=first_frame, is_given=True)
    return file


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The boxes of a ZIP file as CVAT hands it out, unpacked for a while."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        try:
            with zipfile.ZipFile(path) as archive:
                target, members = _choose(archive)
                for member in members:
                    archive.extract(member, folder)  # no more than the stated size
        except BROKEN as error:
            raise ValueError(f'{path}: cannot be unpacked: {error}') from None
        try:
            yield folder / target
        except ValueError as error:
            # Messages are to name the file that the user knows.
            text = str(error).replace(f'{folder}/', f'{path}: ')
            raise ValueError(text) from None


def _choose(archive: zipfile.ZipFile) -> tuple[str, list[zipfile.ZipInfo]]:
    """What is to be read, and which members it takes, of a size that is no trap."""
    members = []  # with their paths
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace('\\', '/'))
        if not path.parts:
            raise ValueError(f'the name {member.filename!r} is none')
        if path.is_absolute() or '..' in path.parts or ':' in path.parts[0]:
            raise ValueError(f'the name {member.filename[:80]!r} leads out of it')
        if not member.is_dir() and not member.filename.startswith('__MACOSX/'):
            members.append((PurePosixPath(member.filename), member))
    found = [path for path, _ in members if path.name in NAMED]
    found = found or [p for p, _ in members if p.name.lower().endswith('.json')]
    parents = {str(p.parent) for p, _ in members if p.parent.name == 'instances'}
    if len(found) > 1:
        names = ', '.join(map(str, found[:10]))
        raise ValueError(f'it has several files of boxes, unpack one: {names}')
    if not found and len(parents) != 1:
        none = 'no annotations.xml, gt.txt, JSON file or folder instances is in it'
        several = f'it has several folders of masks, unpack one: {", ".join(parents)}'
        raise ValueError(several if parents else none)
    if found:
        target, wanted = found[0], {found[0], found[0].with_name('labels.txt')}
        members = [member for path, member in members if path in wanted]
    else:
        target = parents.pop()
        members = [member for path, member in members if str(path.parent) == target]
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if total > MAX_BYTES or total > 2**24 + MAX_RATIO * packed:
        raise ValueError(f'it unpacks {packed} bytes to {total}')
    for member in members:
        if member.compress_type not in METHODS:
            raise ValueError(f'{member.filename} is packed in another way than deflate')
    return str(target), members


def detect_format(path: str | Path) -> str:
    """Tell which of ``FORMATS`` a file, or folder, of boxes has from its content.

    ValueError names another format, if it is known, and what to export instead.
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
        what = 'five numbers in a line, as YOLO writes them for one picture, without'
        what += f' frames and identities; {ADVICE}'
    elif len(fields) == 6 and all(numbers[:5]):
        what = 'this is KITTI MOTS text, which has masks;'
        what += ' tools/dataset_converters/convert_masks.py converts it'
    elif len(fields) in (15, 16) and not numbers[0] and all(numbers[1:]):
        what = 'these are labels of KITTI objects, without frames and identities;'
        what += ' KITTI tracking has two more fields'
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
        videos = videos if isinstance(videos, list) else []
        if {'images', 'annotations'} <= keys:
            return 'cocovid'
        if any(isinstance(item, dict) and 'file_names' in item for item in videos):
            return 'youtube_vis'
        if {'data', 'annotations'} <= keys:
            return 'label_studio'
        if 'annotations' in keys or 'images' in keys:
            return 'cocovid'  # whose reader says what is missing
    for name, own in FOREIGN_JSON.items():
        if set(own) <= keys:
            raise ValueError(f'{path}: JSON of {name} is not read; {ADVICE}')
    text = f'its keys are {", ".join(sorted(map(str, keys))[:8]) or "none"}; {ADVICE}'
    raise ValueError(f'{path}: JSON of no known format, {text}')
