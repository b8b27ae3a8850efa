# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections import Counter
from collections.abc import Iterable

MAX_TRACKS = 1000  # of a class: n = 0..999


def mots_track_ids(tracks: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Ids ``class * 1000 + n`` of KITTI MOTS that keep a file's own numbers.

    If all identities have that form already, they stay as they are; if all are below
    1000, an identity is n; otherwise those of a class are numbered from 1 on, in
    order.

    Args:
        tracks (Iterable[tuple[int, int]]): Class id and identity of each track or box
            of a video, not negative.

    Returns:
        dict[tuple[int, int], int]: Id of each class id and identity.

    Raises:
        ValueError: If a class has more tracks than the form can tell apart.
    """
    tracks = list(dict.fromkeys(tracks))
    if all(identity // 1000 == class_id for class_id, identity in tracks):
        return {track: track[1] for track in tracks}
    if all(identity < MAX_TRACKS for _, identity in tracks):
        return {(cls, identity): 1000 * cls + identity for cls, identity in tracks}
    ids, counts = {}, Counter()
    for class_id, identity in sorted(tracks):
        counts[class_id] += 1
        if counts[class_id] >= MAX_TRACKS:
            raise ValueError(
                f'class {class_id} has more than {MAX_TRACKS - 1} tracks, KITTI MOTS '
                'cannot tell them apart; split the video'
            )
        ids[class_id, identity] = 1000 * class_id + counts[class_id]
    return ids
