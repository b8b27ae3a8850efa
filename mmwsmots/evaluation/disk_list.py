# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import pickle
import tempfile
from collections.abc import Iterator
from typing import Any


class DiskList:
    """A list that is appended to and read through, in a temporary file.

    It takes the place of a metric's list of results, which grows with the video. The
    file has no name and is gone with the process.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long)
        self._num_items = 0

    def append(self, item: Any) -> None:
        """Add an item.

        Args:
            item (Any): What pickle can store.
        """
        pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)
        self._num_items += 1

    def clear(self) -> None:
        """Remove all items."""
        self._file.seek(0)
        self._file.truncate()
        self._num_items = 0

    def __len__(self) -> int:
        return self._num_items

    def __iter__(self) -> Iterator[Any]:
        """Read the items from the first one on; each is a new copy."""
        place = 0
        for _ in range(self._num_items):
            self._file.seek(place)
            item = pickle.load(self._file)
            place = self._file.tell()
            self._file.seek(0, 2)  # where append() goes on
            yield item

    def __reduce__(self) -> tuple:
        """Another process gets an ordinary list."""
        return list, (list(self),)
