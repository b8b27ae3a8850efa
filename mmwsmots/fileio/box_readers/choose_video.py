# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from collections.abc import Collection, Sequence
from typing import TypeVar

from ..class_names import fold

T = TypeVar('T')


def choose_video(
    videos: Sequence[tuple[Collection[str], T]],
    name: str | None,
    notices: list[str],
    kind: str = 'videos',
) -> T:
    """The video of that name in a file, or the only one.

    Args:
        videos (Sequence[tuple[Collection[str], T]]): What each may be called, the
            usual name first, and the video.
        name (str, optional): The name, compared without case.
        notices (list[str]): Gets one if the only video has another name.
        kind (str): What the file has, for messages.

    Raises:
        ValueError: If it is not clear which is meant; the message names them.
    """
    found = [
        video
        for names, video in videos
        if name is not None and fold(name) in map(fold, names)
    ]
    known = ', '.join(next(iter(names), '?') for names, _ in videos[:20])
    if len(videos) == 1:
        if name is not None and not found and videos[0][0]:
            notices.append(f'it was made for {known}, this is {name}')
        return videos[0][1]
    if len(found) != 1:
        raise ValueError(
            f'{len(found) or "none"} of its {len(videos)} {kind} have the name {name}; '
            f'choose one with --video-name: {known}'
        )
    return found[0]
