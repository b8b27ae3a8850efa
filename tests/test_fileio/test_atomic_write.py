# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import stat

import pytest

from mmwsmots.fileio import atomic_write


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / 'new' / 'a.json'
    with atomic_write(path) as temp:
        assert temp.suffix == '.json'  # encoders choose the format by it
        temp.write_text('new')
        assert not path.exists()
    assert path.read_text() == 'new'
    assert [p.name for p in path.parent.iterdir()] == ['a.json']


def test_an_error_leaves_the_earlier_file(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(KeyError), atomic_write(path) as temp:
        temp.write_text('half')
        raise KeyError
    assert path.read_text() == 'old'
    assert [p.name for p in tmp_path.iterdir()] == ['a.txt']


def test_nothing_written_is_an_error(tmp_path):
    with (
        pytest.raises(ValueError, match=r'a\.txt: nothing was written'),
        atomic_write(tmp_path / 'a.txt'),
    ):
        pass


def test_others_may_read_it_as_any_file(tmp_path):
    (tmp_path / 'plain').touch()
    with atomic_write(tmp_path / 'a') as temp:
        temp.touch()
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1
