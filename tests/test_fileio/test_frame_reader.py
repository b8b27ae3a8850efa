# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import struct
import zlib
from contextlib import nullcontext

import cv2
import numpy as np
import pytest
from PIL import Image

from mmwsmots.fileio import FrameReader, VideoWriter


def picture(i=0, height=48, width=64):
    """An L, which no turn maps onto itself."""
    image = np.full((height, width, 3), 60, np.uint8)
    image[8:40, 10 + i : 18 + i] = (20, 220, 90)
    image[32:40, 10 + i : 50 + i] = (20, 220, 90)
    return image


def folder_of(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), picture(i))
    return folder


def test_hidden_files_are_no_frames(tmp_path):
    folder = folder_of(tmp_path / 'clip', '0.jpg', '1.jpg')
    for name in ('._0.jpg', '.DS_Store', 'Thumbs.db', '.hidden.png'):
        (folder / name).write_bytes(b'\0\5\x16\7')
    (folder / '2.jpg').mkdir()
    assert [file.name for file in FrameReader(folder).files] == ['0.jpg', '1.jpg']


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['0.jpg', '0.png', '1.jpg'], 'clip: 0.jpg and 0.png have one name'),
        (['0.JPG', '0.jpeg'], 'clip: 0.JPG and 0.jpeg have one name'),
        (['01.png', '1.png'], 'clip: 01.png and 1.png have one name'),
        (
            ['0.jpg', '1.jpeg', 'mask.png'],
            r'clip: pictures of several kinds \(2 of .jpg, 1 of .png\), e.g. mask.png',
        ),
    ],
)
@pytest.mark.parametrize('keep_unreadable', [False, True])
def test_which_pictures_are_the_frames(tmp_path, names, message, keep_unreadable):
    folder = folder_of(tmp_path / 'clip', *names)
    with pytest.raises(ValueError, match=message):
        FrameReader(folder, keep_unreadable)


def test_a_link_gives_its_own_name(tmp_path, monkeypatch):
    folder_of(tmp_path / 'nas/2024_05_01', '0.png')
    (tmp_path / '0007').symlink_to('nas/2024_05_01')
    monkeypatch.chdir(tmp_path)
    for path in ('0007', '0007/', './0007', tmp_path / '0007'):
        assert FrameReader(path).name == '0007'
    assert FrameReader('nas/../0007').name == '2024_05_01'  # links decide about '..'
    video = tmp_path / 'nas/a.mp4'
    with VideoWriter(video, 10) as writer:
        writer.write(picture())
    (tmp_path / 'b.mp4').symlink_to(video)
    assert FrameReader('b.mp4').name == 'b'


@pytest.mark.parametrize('share', [0.9, 0.99])
def test_a_jpeg_that_is_cut_off(tmp_path, share):
    """OpenCV reads it, its rest grey."""
    folder = folder_of(tmp_path / 'clip', '0.jpg', '1.jpg')
    data = (folder / '1.jpg').read_bytes()
    (folder / '1.jpg').write_bytes(data[: int(share * len(data))])
    assert cv2.imread(str(folder / '1.jpg')) is not None
    with pytest.raises(ValueError, match=r'1\.jpg: the frame cannot be read'):
        list(FrameReader(folder))
    first, second = FrameReader(folder, keep_unreadable=True)
    assert first.shape == (48, 64, 3) and second is None


def test_pictures_of_a_camera_that_was_turned(tmp_path):
    """Sizes are compared upright, as Exif says; one lying among upright ones is odd."""
    folder, exif = folder_of(tmp_path / 'clip', '0.jpg', '1.jpg'), Image.Exif()
    exif[0x0112] = 6
    for name in ('0.jpg', '1.jpg'):
        with (
            pytest.raises(ValueError, match=r'1\.jpg: the frame has the size')
            if (name == '0.jpg')
            else nullcontext()
        ):
            Image.open(folder / name).save(folder / name, exif=exif)
            assert len(list(FrameReader(folder))) == 2
    assert next(iter(FrameReader(folder))).shape == (64, 48, 3)


def rotated(path, angle):
    """Set the matrix in the track header of an MP4 file."""
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[angle]
    data = bytearray(path.read_bytes())
    place = data.index(b'tkhd') + 4 + 40
    one = 1 << 16
    matrix = (cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30)
    assert data[place : place + 36] == struct.pack(
        '>9i', one, 0, 0, 0, one, 0, 0, 0, 1 << 30
    )
    data[place : place + 36] = struct.pack('>9i', *matrix)
    path.write_bytes(data)


@pytest.mark.parametrize('angle', [0, 90, 180, 270])
def test_frames_of_a_video_are_upright(tmp_path, angle):
    """Players turn the stored frame clockwise by the angle."""
    path = tmp_path / 'phone.mp4'
    stored = [picture(i) for i in range(4)]
    with VideoWriter(path, 10) as video:
        for frame in stored:
            video.write(frame)
    rotated(path, angle)
    reader = FrameReader(path)
    for first in (0, 2):
        frames = list(reader.read(first))
        assert len(frames) == 4 - first and reader.shortfall == ''
        for frame, image in zip(frames, stored[first:]):
            upright = np.rot90(image, -angle // 90)  # np.rot90 turns to the left
            assert frame.shape == upright.shape
            assert np.abs(frame.astype(int) - upright).mean() < 8


def avi(path, num):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 48))
    for i in range(num):
        writer.write(picture(i))
    writer.release()


def cut_after(path, num):
    """Leave the first chunks of an AVI file, whose header still states all."""
    parts = path.read_bytes().split(b'00dc')
    path.write_bytes(b'00dc'.join(parts[: num + 1]))


def test_a_video_that_is_cut_off(tmp_path):
    path = tmp_path / 'clip.avi'
    avi(path, 12)
    reader = FrameReader(path)
    assert len(list(reader)) == 12 and reader.shortfall == ''
    cut_after(path, 5)
    reader = FrameReader(path)
    number = len(list(reader))
    assert 0 < number < 12
    assert f'clip.avi: only {number} of the 12 frames' in reader.shortfall


@pytest.mark.parametrize(
    ('fps', 'written'),
    [(211.222, 211.22), (29.97, 29.97), (65.5361, 65.54), (90_000, 30), (1e-5, 0.01)],
)
def test_any_frame_rate_is_written(tmp_path, fps, written):
    """Of clocks, 211.222 needs a fraction that MPEG-4 does not have."""
    with VideoWriter(tmp_path / 'a.mp4', fps) as video:
        video.write(picture())
        video.write(picture(1))
    assert FrameReader(tmp_path / 'a.mp4').fps == pytest.approx(written, rel=1e-4)


def huge_png(path):
    """60,000 x 60,000 pixels in 200 bytes."""

    def chunk(name, data):
        check = struct.pack('>I', zlib.crc32(name + data))
        return struct.pack('>I', len(data)) + name + data + check

    header = struct.pack('>IIBBBBB', 60_000, 60_000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', header)
        + chunk(b'IDAT', zlib.compress(bytes(1000)))
        + chunk(b'IEND', b'')
    )


@pytest.mark.parametrize('keep_unreadable', [False, True])
def test_a_picture_that_fills_the_memory(tmp_path, keep_unreadable):
    folder = folder_of(tmp_path / 'clip', '0.png')
    huge_png(folder / '1.png')
    with pytest.raises(ValueError, match=r'1\.png: .* more than 134217728 pixels'):
        FrameReader(folder, keep_unreadable)


def test_a_picture_is_no_video(tmp_path):
    folder = folder_of(tmp_path / 'clip', '0.png', '1.png')
    with pytest.raises(ValueError, match=r'0\.png: a picture, give its folder'):
        FrameReader(folder / '0.png')
