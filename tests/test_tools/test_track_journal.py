# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import multiprocessing
from pathlib import Path

import pytest
import torch

from mmwsmots.fileio.mots_txt import MOTSObject, format_line
from tests.load_script import load_script

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
TrackJournal = load_script(TOOLS / 'track_journal.py').TrackJournal

RLE = '0`0'  # of 3 x 1 pixels; the journal does not look at it


def frame(number):
    """Objects of a frame; every third has none."""
    return [MOTSObject(number, 1001 + i, 1, 3, 1, RLE) for i in range(number % 3)]


def write(path, frames, **kwargs):
    """Write frames and save after each, then fail."""
    journal = TrackJournal(path, 'key', **kwargs)
    with pytest.raises(ZeroDivisionError), journal:
        for number in frames:
            journal.write(frame(number))
            journal.save(number + 1, dict(memory=torch.tensor([number])))
        raise ZeroDivisionError


def text(frames):
    return ''.join(format_line(obj) for number in frames for obj in frame(number))


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'out' / 'clip.txt'


def names(path):
    return sorted(file.name for file in path.parent.iterdir())


def test_all_at_once(path):
    with TrackJournal(path, 'key') as journal:
        assert (journal.num_frames, journal.state) == (0, None)
        for number in range(5):
            journal.write(frame(number))
            assert not path.exists()
    assert path.read_text() == text(range(5))
    assert names(path) == ['clip.txt']


def test_nothing_is_left_without_a_state(path):
    with pytest.raises(ZeroDivisionError), TrackJournal(path, 'key') as journal:
        journal.write(frame(2))
        raise ZeroDivisionError
    assert names(path) == []


@pytest.mark.parametrize('rest', ['', '5 1001 1 3', '5 1001 1 3 1 0`0\n5 10'])
def test_what_follows_the_state_is_dropped(path, rest):
    write(path, range(5))
    assert names(path) == ['clip.state.part', 'clip.txt.part']
    with (path.parent / 'clip.txt.part').open('a') as file:
        file.write(rest)
    with TrackJournal(path, 'key', resume=True) as journal:
        assert journal.num_frames == 5
        assert journal.state == dict(memory=torch.tensor([4]))
        assert list(journal.replay()) == [frame(number) for number in range(5)]
        for number in range(5, 8):
            journal.write(frame(number))
    assert path.read_text() == text(range(8))
    assert names(path) == ['clip.txt']


def test_starts_anew_unless_told_to_resume(path):
    write(path, range(5))
    with TrackJournal(path, 'key') as journal:
        assert journal.num_frames == 0
        journal.write(frame(1))
    assert path.read_text() == text([1])
    with TrackJournal(path, 'key', resume=True) as journal:  # nothing to resume
        assert journal.num_frames == 0


def test_leftovers_of_a_killed_run_are_removed(path):
    write(path, range(5))
    theirs = '.clip.b.5.part.mp4', '.clipb.5.part.mp4', '.clip.5.part.mp4x'
    ours = '.clip.5.part.mp4', '.clip.state.17.part.part'
    for name in (*theirs, *ours):
        (path.parent / name).touch()
    with TrackJournal(path, 'key', resume=True):
        pass
    assert names(path) == sorted(['clip.txt', *theirs])


def test_refuses_what_does_not_fit(path):
    write(path, range(5))
    with pytest.raises(ValueError, match=r'clip\.state\.part: belongs to another'):
        TrackJournal(path, 'other', resume=True).__enter__()
    part, state = (path.parent / f'clip.{kind}.part' for kind in ('txt', 'state'))
    lines = part.read_bytes()
    part.write_bytes(lines[:-1])
    with pytest.raises(ValueError, match=r'clip\.txt\.part: .* bytes, there were'):
        TrackJournal(path, 'key', resume=True).__enter__()
    part.write_bytes(lines)
    saved = state.read_bytes()
    for damaged in (b'', b'junk', saved[: len(saved) // 2]):
        state.write_bytes(damaged)
        with pytest.raises(ValueError, match=r'clip\.state\.part: .*damaged'):
            TrackJournal(path, 'key', resume=True).__enter__()
    assert part.read_bytes() == lines


def hold(path, entered, leave):
    with TrackJournal(path, 'key'):
        entered.set()
        leave.wait(300)


def test_one_process_at_a_time(path):
    context = multiprocessing.get_context('fork')
    entered, leave = context.Event(), context.Event()
    process = context.Process(target=hold, args=(path, entered, leave))
    process.start()
    try:
        assert entered.wait(120)
        with pytest.raises(BlockingIOError, match='another process is writing'):
            TrackJournal(path, 'key').__enter__()
    finally:
        leave.set()
        process.join()
    assert names(path) == ['clip.txt']
