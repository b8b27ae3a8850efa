# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import cv2
import numpy as np
import pytest

from mmwsmots.fileio import FrameReader, VideoWriter


def frames(num=5, height=64, width=96):
    """A square that moves over a gradient."""
    ramp = np.linspace(0, 200, width).astype(np.uint8)
    background = np.repeat(np.tile(ramp, (height, 1))[..., None], 3, axis=2)
    result = []
    for i in range(num):
        image = background.copy()
        image[20:40, 10 * i : 10 * i + 20] = (0, 128, 255)
        result.append(image)
    return result


def write_folder(folder, images, name='{:06d}.png'):
    folder.mkdir()
    for i, image in enumerate(images):
        assert cv2.imwrite(str(folder / name.format(i)), image)
    return folder


def test_folder_in_natural_order(tmp_path):
    images = frames(12)
    folder = write_folder(tmp_path / 'clip.v2', images, 'frame{}.png')
    (folder / 'notes.txt').write_text('no frame')
    reader = FrameReader(folder)
    assert (reader.name, len(reader), reader.fps) == ('clip.v2', 12, 10)
    for _ in range(2):  # it can be read again
        for image, expected in zip(reader, images, strict=True):
            assert (image == expected).all()


def test_folder_of_a_mot_challenge_sequence(tmp_path, monkeypatch):
    folder = tmp_path / 'MOT17-02' / 'img1'
    folder.parent.mkdir()
    write_folder(folder, frames(1))
    assert FrameReader(folder).name == 'MOT17-02'
    monkeypatch.chdir(folder)
    assert FrameReader('.').name == 'MOT17-02'


@pytest.mark.parametrize(('height', 'width'), [(64, 96), (63, 97)])
def test_video_there_and_back(tmp_path, height, width):
    images = frames(7, height, width)
    path = tmp_path / 'new/clip.mp4'
    with VideoWriter(path, fps=12.5) as video:
        for image in images:
            video.write(image)
        assert not path.exists()
    assert [p.name for p in path.parent.iterdir()] == ['clip.mp4']
    reader = FrameReader(path)
    assert (reader.name, len(reader)) == ('clip', 7)
    assert reader.fps == pytest.approx(12.5)
    for i, image in enumerate(reader):
        assert image.shape == (64, 96 + width % 2 * 2, 3)
        errors = [
            np.abs(image[:height, :width] - 1.0 * other).mean() for other in images
        ]
        assert errors[i] < 8
        assert np.argmin(errors) == i
    assert i == 6


def test_interrupted_video_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / 'a.mp4', 10) as video:
        video.write(frames(1)[0])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_bad_videos_to_write(tmp_path):
    with pytest.raises(ValueError, match=r'a\.avi: .* must end in \.mp4'):
        VideoWriter(tmp_path / 'a.avi', 10)
    with (
        pytest.raises(ValueError, match=r'a\.mp4: .* 50 x 40, the first one 96 x 64'),
        VideoWriter(tmp_path / 'a.mp4', 10) as video,
    ):
        video.write(frames(1)[0])
        video.write(np.zeros((40, 50, 3), np.uint8))
    with (
        pytest.raises(ValueError, match=r'a\.mp4: nothing was written'),
        VideoWriter(tmp_path / 'a.mp4', 10),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_bad_input_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match='absent: no such video file or folder'):
        FrameReader(tmp_path / 'absent')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='empty: the folder contains no image'):
        FrameReader(tmp_path / 'empty')
    (tmp_path / 'notes.mp4').write_text('no video')
    with pytest.raises(ValueError, match=r'notes\.mp4: cannot be read as a video'):
        FrameReader(tmp_path / 'notes.mp4')


def test_bad_frames(tmp_path):
    folder = write_folder(tmp_path / 'sizes', frames(3))
    cv2.imwrite(str(folder / '000001.png'), np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(ValueError, match=r'000001\.png: .* 40 x 30, .* 96 x 64'):
        FrameReader(folder)
    folder = write_folder(tmp_path / 'broken', frames(3))
    (folder / '000002.png').write_bytes(b'')
    with pytest.raises(ValueError, match=r'000002\.png: the frame cannot be read'):
        FrameReader(folder)
    folder = write_folder(tmp_path / 'vanishing', frames(3))
    reader = FrameReader(folder)
    (folder / '000001.png').unlink()
    with pytest.raises(ValueError, match=r'000001\.png: the frame cannot be read'):
        list(reader)


def test_bad_frames_are_kept_on_demand(tmp_path):
    images = frames(5)
    folder = write_folder(tmp_path / 'clip', images)
    (folder / '000000.png').write_bytes(b'')
    data = (folder / '000002.png').read_bytes()
    (folder / '000002.png').write_bytes(data[: len(data) // 2])
    cv2.imwrite(str(folder / '000003.png'), np.zeros((30, 40, 3), np.uint8))
    reader = FrameReader(folder, keep_unreadable=True)
    assert [file.name for file in reader.files] == [f'{i:06d}.png' for i in range(5)]
    read = list(reader)
    assert [image is None for image in read] == [True, False, True, True, False]
    assert (read[1] == images[1]).all() and (read[4] == images[4]).all()
