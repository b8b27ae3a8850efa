# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pytest

from mmwsmots.fileio.mots_track_ids import TrackNumbering, mots_track_ids


def test_ids_that_fit_are_kept():
    tracks = [(1, 7), (2, 999), (1, 0), (1, 7)]
    assert mots_track_ids(tracks) == {(1, 7): 1007, (2, 999): 2999, (1, 0): 1000}


def test_ids_of_kitti_mots_stay():
    assert mots_track_ids([(1, 1003), (2, 2003)]) == {(1, 1003): 1003, (2, 2003): 2003}
    assert mots_track_ids([]) == {}


def test_others_are_numbered_class_by_class():
    """1003 of class 2 would be taken for a car; 1007 and 7 of class 1 would meet."""
    assert mots_track_ids([(2, 1003), (2, 5)]) == {(2, 5): 2001, (2, 1003): 2002}
    assert mots_track_ids([(1, 1007), (1, 7), (2, 9)]) == {
        (1, 7): 1001,
        (1, 1007): 1002,
        (2, 9): 2001,
    }


def test_too_many_tracks():
    tracks = [(2, 5000 + i) for i in range(999)]
    assert max(mots_track_ids(tracks).values()) == 2999
    with pytest.raises(ValueError, match='class 2 has more than 999 tracks'):
        mots_track_ids([*tracks, (2, 1)])


def test_numbering_counts_per_class():
    numbering = TrackNumbering()
    given = [(1, 40), (2, 40), (1, 7), (1, 40), (2, 0)]
    assert [numbering(*key) for key in given] == [1001, 2001, 1002, 1001, 2002]
    ids = {numbering(cls, i) for cls in (1, 2) for i in range(100, 1300)}
    assert len(ids) == 2400
