# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter
from collections.abc import Iterable

MAX_TRACKS = 1000  # of a class: n = 0..999


class TrackNumbering:
    """Gives a tracker's identities of one video the ids of KITTI MOTS files.

    The id is ``class * 1000 + n``; beyond 999 tracks of a class, ``class * 1000000 +
    n``, which is unique too: neither TrackEval nor mots_tools asks more of results.
    """

    def __init__(self) -> None:
        self._ids, self._counts = {}, Counter()

    def __call__(self, class_id: int, identity: int) -> int:
        """The id in the file of what the tracker calls ``identity``."""
        key = class_id, identity
        if key not in self._ids:
            self._counts[class_id] += 1
            number = self._counts[class_id]
            factor = 1000 if number < 1000 else 1_000_000
            self._ids[key] = class_id * factor + number
        return self._ids[key]

    def keep(self, identities: Iterable[int]) -> None:
        """Forget all other identities, which never come back."""
        identities = set(identities)
        self._ids = {key: i for key, i in self._ids.items() if key[1] in identities}

    def state_dict(self) -> dict:
        """What :meth:`load_state_dict` needs to go on."""
        return dict(ids=dict(self._ids), counts=dict(self._counts))

    def load_state_dict(self, state: dict) -> None:
        """Go on where another numbering was."""
        self._ids, self._counts = dict(state['ids']), Counter(state['counts'])


def find_class_change(tracks: Iterable[tuple[int, int, str]]) -> str:
    """Frames, identities and classes: the first change of class in words, or ''."""
    first = {}
    for frame_id, identity, name in tracks:
        before, where = first.setdefault(identity, (name, frame_id))
        if before != name:
            return f'id {identity} is {before} in frame {where}, {name} in {frame_id}'
    return ''


def mots_track_ids(tracks: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Ids ``class * 1000 + n`` of KITTI MOTS that keep a file's own numbers.

    Those of that form stay, n below 1000 become it, others are numbered from 1 on.
    ``tracks`` are class id and identity. ValueError if a class has too many.
    """
    tracks = list(dict.fromkeys(tracks))
    if all(identity // 1000 == class_id for class_id, identity in tracks):
        return {track: track[1] for track in tracks}
    if all(identity < MAX_TRACKS for _, identity in tracks):
        return {(cls, identity): 1000 * cls + identity for cls, identity in tracks}
    numbering = TrackNumbering()
    ids = {track: numbering(*track) for track in sorted(tracks)}
    for (class_id, _), track_id in ids.items():
        if track_id // MAX_TRACKS != class_id:
            text = f'class {class_id} has more than {MAX_TRACKS - 1} tracks, KITTI MOTS'
            raise ValueError(f'{text} cannot tell them apart; split the video')
    return ids
