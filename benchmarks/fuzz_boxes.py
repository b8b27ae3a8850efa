# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
"""Files of boxes for benchmarks/fuzz.py, and what must hold of what is read.

The frames are the pictures 000000.png to 000005.png. Whatever is accepted, each box
lies on the picture that its place in the file names: by file name, by the number of
its frame, or, of MOTChallenge text, by the order from the first frame on.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np

from mmwsmots.fileio import FrameReader
from mmwsmots.fileio.box_readers import BoxFile, place_boxes, read_boxes

SIZE = 12, 20  # height, width
NUM_FRAMES = 6


def make_frames(folder: Path) -> FrameReader:
    """The folder of frames."""
    folder.mkdir()
    for i in range(NUM_FRAMES):
        cv2.imwrite(str(folder / f'{i:06d}.png'), np.zeros((*SIZE, 3), np.uint8))
    return FrameReader(folder)


def _boxes(rng: np.random.Generator) -> list[tuple]:
    """Frame, identity, class and x, y, w, h of some boxes."""
    names = 'car', 'Pedestrian', 'лодка'
    return [
        (frame, i, names[i % 3], *rng.integers(1, 9, 4).tolist())
        for frame in range(NUM_FRAMES)
        for i in range(int(rng.integers(0, 3)))
    ]


def mot(rng: np.random.Generator) -> bytes:
    """MOTChallenge text of six to ten fields."""
    num = int(rng.integers(6, 11))
    separator = ',' if rng.random() < 0.7 else ' '
    lines = []
    for frame, i, _, *box in _boxes(rng):
        row = [frame + 1, i, *box, 1, 1, 0.5, -1][:num]
        lines.append(separator.join(map(str, row)))
    return '\n'.join(lines).encode()


def kitti(rng: np.random.Generator) -> bytes:
    """KITTI tracking labels."""
    return '\n'.join(
        f'{frame} {i} {name} 0 0 -1.5 {x} {y} {x + w} {y + h} 1 1 1 0 0 9 0.1'
        for frame, i, name, x, y, w, h in _boxes(rng)
    ).encode()


def cvat_video(rng: np.random.Generator) -> bytes:
    """CVAT for video, with and without a head."""
    boxes = _boxes(rng)
    start = int(rng.choice([0, 0, 100]))
    head = (
        f'<meta><task><id>1</id><name>clip</name><size>{NUM_FRAMES}</size>'
        f'<start_frame>{start}</start_frame><stop_frame>{start + NUM_FRAMES - 1}'
        '</stop_frame><original_size><width>20</width><height>12</height>'
        '</original_size></task></meta>'
    )
    tracks = ''
    for number, name in enumerate(('car', 'Pedestrian', 'лодка')):
        content = ''.join(
            f'<box frame="{frame + start}" outside="0" xtl="{x}" ytl="{y}" '
            f'xbr="{x + w}" ybr="{y + h}" rotation="0.0"/>'
            for frame, i, _, x, y, w, h in boxes
            if i == number
        )
        tracks += f'<track id="{number}" label="{name}">{content}</track>'
    return f'<annotations>{head}{tracks}</annotations>'.encode()


def cvat_images(rng: np.random.Generator) -> bytes:
    """CVAT for images with a track_id."""
    content = ''
    boxes = _boxes(rng)
    for frame in rng.permutation(NUM_FRAMES).tolist():
        shapes = ''.join(
            f'<box label="{name}" xtl="{x}" ytl="{y}" xbr="{x + w}" ybr="{y + h}">'
            f'<attribute name="track_id">{i}</attribute></box>'
            for number, i, name, x, y, w, h in boxes
            if number == frame
        )
        content += (
            f'<image id="{frame}" name="clip/{frame:06d}.png" width="20" height="12">'
            f'{shapes}</image>'
        )
    return f'<annotations>{content}</annotations>'.encode()


def coco(rng: np.random.Generator) -> bytes:
    """CocoVID, or COCO as CVAT writes it, in any order."""
    is_video = rng.random() < 0.6
    first = int(rng.integers(2))
    images = []
    for frame in rng.permutation(NUM_FRAMES).tolist():
        name = f'clip/{frame:06d}.jpg' if is_video else f'frame_{frame:06d}.PNG'
        image = dict(id=frame + 3, file_name=name, width=20, height=12)
        if is_video:
            image.update(video_id=1, frame_id=frame + first)
        images.append(image)
    anns = []
    for number, (frame, i, _, *box) in enumerate(_boxes(rng)):
        ann = dict(id=number, image_id=frame + 3, category_id=i + 1, bbox=box)
        ann.update(dict(track_id=i) if is_video else dict(attributes=dict(track_id=i)))
        anns.append(ann)
    names = 'car', 'Pedestrian', 'лодка'
    categories = [dict(id=i, name=name) for i, name in enumerate(names, 1)]
    data = dict(images=images, annotations=anns, categories=categories)
    if is_video:
        data['videos'] = [dict(id=1, name='clip')]
    return json.dumps(data).encode()


def youtube_vis(rng: np.random.Generator) -> bytes:
    """YouTube-VIS."""
    order = rng.permutation(NUM_FRAMES).tolist() if rng.random() < 0.3 else range(6)
    names = [f'clip/{i:06d}.jpg' for i in order]
    anns = [
        dict(
            id=i,
            video_id=1,
            category_id=1,
            bboxes=[
                rng.integers(1, 9, 4).tolist() if rng.random() < 0.7 else None
                for _ in names
            ],
        )
        for i in range(2)
    ]
    videos = [dict(id=1, width=20, height=12, length=6, file_names=names)]
    return json.dumps(
        dict(videos=videos, categories=[dict(id=1, name='car')], annotations=anns)
    ).encode()


def label_studio(rng: np.random.Generator) -> bytes:
    """JSON of Label Studio."""
    result = []
    for _ in range(int(rng.integers(1, 3))):
        frames = np.sort(rng.choice(np.arange(1, 7), 3, replace=False)).tolist()
        sequence = [
            dict(frame=n, enabled=bool(rng.integers(2)), x=1, y=2, width=30, height=40)
            for n in frames
        ]
        value = dict(labels=['car'], framesCount=6, sequence=sequence)
        result.append(dict(type='videorectangle', value=value))
    return json.dumps(
        [dict(id=1, data=dict(video='clip.mp4'), annotations=[dict(result=result)])]
    ).encode()


def zip_file(rng: np.random.Generator) -> bytes:
    """A ZIP file as CVAT hands it out."""
    name, make = (
        ('annotations.xml', cvat_video),
        ('gt/gt.txt', mot),
        ('annotations/instances_default.json', coco),
    )[int(rng.integers(3))]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, make(rng))
        archive.writestr('images/000000.png', b'no picture')
    return buffer.getvalue()


def _picture_of_cvat(path: Path, where: str) -> str:
    if match := re.match('image "(.*)", <', where):
        return match.group(1)
    number = int(where.rpartition(' ')[2])
    root = ElementTree.parse(path).getroot()
    start = float(root.findtext('meta/task/start_frame') or 0)
    stop = float(root.findtext('meta/task/stop_frame') or 0)
    # Pictures have the numbers of the frames, or as many are in their order.
    return str(number if stop < NUM_FRAMES else int(number - start))


def _picture_of_coco(path: Path, where: str) -> str:
    data = json.loads(path.read_text(encoding='utf-8-sig'))
    ann = data['annotations'][int(re.match(r'annotations\[(\d+)\]', where).group(1))]
    images = [item for item in data['images'] if item['id'] == ann['image_id']]
    (image,) = images
    return image.get('file_name') or str(image['frame_id'])


def _picture_of_youtube_vis(path: Path, where: str) -> str:
    data = json.loads(path.read_text(encoding='utf-8-sig'))
    video = data['annotations'][int(re.search(r'\[(\d+)\]', where).group(1))][
        'video_id'
    ]
    names = next(v['file_names'] for v in data['videos'] if v['id'] == video)
    return names[int(re.search(r'bboxes\[(\d+)\]', where).group(1))]


def _check(path: Path, frames: FrameReader, box_format: str, picture: Callable) -> None:
    """Read and place; what is accepted lies on the pictures that the file names."""
    is_mot = box_format == 'mot'
    file = read_boxes(path, box_format, 'car' if is_mot else None, video_name='clip')
    placed = place_boxes(file, frames, SIZE)
    _check_content(placed)
    for box in placed.boxes:
        if not 0 <= box.frame_id < NUM_FRAMES:
            continue  # reported as missing
        name = Path(picture(path, box.where, file).replace('\\', '/')).stem
        number = re.findall('[0-9]+', name)[-1]
        assert int(number) == box.frame_id, f'{box} is not on {name}'


def _check_content(file: BoxFile) -> None:
    seen = set()
    for box in file.boxes:
        assert np.isfinite(box.bbox).all() and len(box.bbox) == 4, box
        assert isinstance(box.frame_id, int) and isinstance(box.track_id, int), box
        assert isinstance(box.class_name, str) and box.class_name, box
        if not box.is_ignored and file.has_identities:
            assert (box.frame_id, box.track_id) not in seen, 'an identity twice'
            seen.add((box.frame_id, box.track_id))


def _picture_of_mot(path: Path, where: str, file: BoxFile) -> str:
    lines = re.split(b'\r\n|\r|\n', path.read_bytes().removeprefix(b'\xef\xbb\xbf'))
    line = lines[int(where.split()[1]) - 1].decode('utf-8', 'replace')
    number = float(re.split(r'[,\s]+', line.strip())[0])
    return f'{number - file.numbering.first:.0f}'


def _check_label_studio(path: Path, frames: FrameReader) -> None:
    """Frames count from 1: that of each box is the next of its key frames."""
    file = read_boxes(path, 'label_studio', video_name='clip')
    placed = place_boxes(file, frames, SIZE)
    _check_content(placed)
    for given, box in zip(file.boxes, placed.boxes, strict=True):
        assert box.frame_id == given.frame_id - 1, f'{box} is not on {given.frame_id}'


def _check_zip(path: Path, frames: FrameReader) -> None:
    _check_content(
        place_boxes(read_boxes(path, None, None, None, 'clip'), frames, SIZE)
    )


def box_targets(folder: Path) -> dict[str, tuple[Callable, Callable]]:
    """What to fuzz: how to make a file, and how to check what is made of it.

    Args:
        folder (Path): Where to put the frames.

    Returns:
        dict[str, tuple[Callable, Callable]]: By the names of the readers.
    """
    frames = make_frames(folder / 'clip')

    def of(box_format: str, picture: Callable) -> Callable:
        return lambda path: _check(path, frames, box_format, picture)

    def named(find: Callable) -> Callable:
        return lambda path, where, file: find(path, where)

    return {
        'boxes mot': (mot, of('mot', _picture_of_mot)),
        'boxes kitti': (kitti, of('kitti', _picture_of_mot)),
        'boxes cvat video': (cvat_video, of('cvat', named(_picture_of_cvat))),
        'boxes cvat images': (cvat_images, of('cvat', named(_picture_of_cvat))),
        'boxes coco': (coco, of('cocovid', named(_picture_of_coco))),
        'boxes youtube_vis': (
            youtube_vis,
            of('youtube_vis', named(_picture_of_youtube_vis)),
        ),
        'boxes label_studio': (
            label_studio,
            lambda path: _check_label_studio(path, frames),
        ),
        'boxes zip': (zip_file, lambda path: _check_zip(path, frames)),
    }
