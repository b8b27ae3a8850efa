# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import stat

import pytest

from mmwsmots.utils import replacing


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / 'new' / 'a.json'
    with replacing(path) as temp:
        assert temp.suffix == '.json'  # encoders choose the format by it
        temp.write_text('new')
        assert not path.exists()
    assert path.read_text() == 'new'
    assert [p.name for p in path.parent.iterdir()] == ['a.json']


def test_an_error_leaves_the_earlier_file(tmp_path):
    path = tmp_path / 'a.txt'
    path.write_text('old')
    with pytest.raises(KeyError), replacing(path) as temp:
        temp.write_text('half')
        raise KeyError
    assert path.read_text() == 'old'
    assert [p.name for p in tmp_path.iterdir()] == ['a.txt']


def test_nothing_written_is_an_error(tmp_path):
    with (
        pytest.raises(ValueError, match=r'a\.txt: nothing was written'),
        replacing(tmp_path / 'a.txt'),
    ):
        pass


def test_others_may_read_it_as_any_file(tmp_path):
    (tmp_path / 'plain').touch()
    with replacing(tmp_path / 'a') as temp:
        temp.touch()
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1
