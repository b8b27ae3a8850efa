# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import fcntl
import io
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from mmwsmots.fileio import atomic_write
from mmwsmots.fileio.mots_txt import MOTSObject, format_line, parse_line


def state_path(path: Path) -> Path:
    """Where the journal of a text file keeps what it needs to go on."""
    return path.with_name(f'{path.stem}.state.part')


class TrackJournal:
    """KITTI MOTS text file that is written frame by frame and survives a kill.

    The lines go to ``NAME.txt.part``. Now and then :meth:`save` notes in
    ``NAME.state.part`` how many frames and bytes are done and what the caller needs to
    go on, such as the tracker's memory. Resuming cuts ``NAME.txt.part`` to that length,
    and later frames are processed again. The block's good end renames the file to
    ``NAME.txt``; after an error the parts stay if there is a state to go on from.

    Args:
        path (str | Path): The file, ``*.txt``; its folder is created.
        key (str): Stands for all that the results depend on. A journal of another key
            is not resumed.
        resume (bool): Whether to go on where an interrupted run was; without one the
            journal starts anew.

    Attributes:
        num_frames (int): Frames that were done when the block was entered.
        state (dict | None): What :meth:`save` was given after them.

    Raises:
        ValueError: On entering, if the journal is of another key or damaged.
        BlockingIOError: If another process is writing it.
    """

    def __init__(self, path: str | Path, key: str, resume: bool = False) -> None:
        self.path = Path(path)
        self.key = key
        self.resume = resume
        self.part = self.path.with_name(f'{self.path.name}.part')
        self.state_path = state_path(self.path)
        self.num_frames = 0
        self.state = None

    def __enter__(self) -> 'TrackJournal':
        """Open the file, cut to what is to be kept."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.part.open('ab')
        try:
            # The lock ends with the process.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._remove_temporary_files()
            if self.resume and self.state_path.exists():
                self._load()
            else:
                self.state_path.unlink(missing_ok=True)
                self._file.truncate(0)
        except BlockingIOError:
            self._file.close()
            raise BlockingIOError(
                f'{self.part}: another process is writing it'
            ) from None
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, error_type, *error) -> None:
        """Give the file its name, or leave what can be resumed."""
        try:
            self._file.close()
            if error_type is None:
                self.part.replace(self.path)
                self.state_path.unlink(missing_ok=True)
        finally:
            if not self.state_path.exists():
                self.part.unlink(missing_ok=True)

    def write(self, objects: Iterable[MOTSObject]) -> None:
        """Append the lines of the next frame."""
        self._file.write(''.join(map(format_line, objects)).encode('ascii'))

    def save(self, num_frames: int, state: dict) -> None:
        """Note how many frames are written, and tensors and data to go on from."""
        import torch  # only after mmwsmots, which sets how its threads wait

        self._file.flush()
        note = dict(key=self.key, num_frames=num_frames, num_bytes=self._file.tell())
        buffer = io.BytesIO()  # torch's own writer hides why a disk refuses
        torch.save(dict(note, state=state), buffer)
        with atomic_write(self.state_path) as temp:
            temp.write_bytes(buffer.getvalue())

    def replay(self) -> Iterator[list[MOTSObject]]:
        """Read the objects of each of :attr:`num_frames` frames."""
        with self.part.open(encoding='ascii') as file:
            objects = (parse_line(line, class_ids=None) for line in file)
            frames = groupby(objects, key=lambda obj: obj.frame_id)
            frame_id, objects = next(frames, (None, ()))
            for number in range(self.num_frames):
                if number != frame_id:
                    yield []
                    continue
                yield list(objects)
                frame_id, objects = next(frames, (None, ()))

    def _load(self) -> None:
        """Go back to the saved state."""
        import torch

        try:
            note = torch.load(self.state_path, weights_only=True)
        except Exception as error:  # there is no end of ways to be damaged
            raise ValueError(
                f'{self.state_path}: the file is damaged, start without resuming '
                f'({error})'
            ) from None
        if note['key'] != self.key:
            raise ValueError(
                f'{self.state_path}: belongs to another video, config, checkpoint or '
                'threshold; start without resuming'
            )
        if self._file.tell() < note['num_bytes']:
            raise ValueError(
                f'{self.part}: {self._file.tell()} bytes, there were '
                f'{note["num_bytes"]}; start without resuming'
            )
        self._file.truncate(note['num_bytes'])
        self._file.seek(note['num_bytes'])
        self.num_frames, self.state = note['num_frames'], note['state']

    def _remove_temporary_files(self) -> None:
        """Remove what a killed run left of its state and of its video."""
        name = re.escape(self.path.stem)
        pattern = re.compile(rf'\.{name}(\.state)?\.\d+\.part(\.part|\.mp4)')
        for path in self.path.parent.iterdir():
            if pattern.fullmatch(path.name):
                path.unlink()
