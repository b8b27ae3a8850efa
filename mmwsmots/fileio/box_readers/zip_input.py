# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

MAX_BYTES = 2**29  # of what is unpacked
MAX_RATIO = 200  # of unpacked to packed, beyond the first 2^24 bytes
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
NAMED = ('annotations.xml', 'gt.txt', 'det.txt')


@contextmanager
def unpacked(path: str | Path) -> Iterator[Path]:
    """Unpack the boxes of a ZIP file, as CVAT hands it out, for a while.

    Of its content ``annotations.xml``, ``gt/gt.txt`` with ``labels.txt``, the only JSON
    file or the pictures in ``instances`` are unpacked, frames are not.

    Yields:
        Path: The file or folder of boxes.

    Raises:
        ValueError: If the file is damaged, has names that lead out of it, unpacks to
            more than it says or than 512 MiB, or it is not clear what is to be read.
    """
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        try:
            with zipfile.ZipFile(path) as archive:
                target, members = _choose(archive)
                _check(members)
                for member in members:
                    archive.extract(member, folder)  # no more than the stated size
        except (
            *(zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError),
            *(EOFError, OSError, ValueError, UnicodeError),
        ) as error:
            raise ValueError(f'{path}: cannot be unpacked: {error}') from None
        try:
            yield folder / target
        except ValueError as error:
            # Messages are to name the file that the user knows.
            text = str(error).replace(f'{folder}/', f'{path}: ')
            raise ValueError(text) from None


def _choose(archive: zipfile.ZipFile) -> tuple[str, list[zipfile.ZipInfo]]:
    """What is to be read, and which members it takes."""
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace('\\', '/'))
        if not path.parts:
            raise ValueError(f'the name {member.filename!r} is none')
        if path.is_absolute() or '..' in path.parts or ':' in path.parts[0]:
            raise ValueError(f'the name {member.filename[:80]!r} leads out of it')
    members = [m for m in archive.infolist() if not m.is_dir()]
    members = [m for m in members if not m.filename.startswith('__MACOSX/')]
    found = [m for m in members if PurePosixPath(m.filename).name in NAMED]
    found = found or [m for m in members if m.filename.lower().endswith('.json')]
    if len(found) > 1:
        names = ', '.join(member.filename for member in found[:10])
        raise ValueError(f'it has several files of boxes, unpack one: {names}')
    if found:
        labels = str(PurePosixPath(found[0].filename).with_name('labels.txt'))
        return found[0].filename, [
            member for member in members if member in found or member.filename == labels
        ]
    pictures = [
        m for m in members if PurePosixPath(m.filename).parent.name == 'instances'
    ]
    parents = {str(PurePosixPath(member.filename).parent) for member in pictures}
    if len(parents) != 1:
        raise ValueError(
            'no annotations.xml, gt.txt, JSON file or folder instances is in it'
            if not parents
            else f'it has several folders of masks, unpack one: {", ".join(parents)}'
        )
    return parents.pop(), pictures


def _check(members: list[zipfile.ZipInfo]) -> None:
    """Raise if the members are too large or packed in a way that hides their size."""
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if total > MAX_BYTES or total > 2**24 + MAX_RATIO * packed:
        raise ValueError(f'it unpacks {packed} bytes to {total}')
    for member in members:
        if member.compress_type not in METHODS:
            raise ValueError(f'{member.filename} is packed in another way than deflate')
