# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from mmwsmots.fileio import atomic_write


@register_backend('replacing')
class ReplacingBackend(LocalBackend):
    """Local files that are there as a whole or not at all.

    ``backend_args=dict(backend='replacing')`` selects it wherever mmengine writes.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file; an earlier one of that name stays until the end.

        Args:
            obj (bytes): Its content.
            filepath (str | Path): Its path.

        Raises:
            OSError: With the cause and the path. The earlier file is intact.
        """
        try:
            with atomic_write(filepath) as temp:
                temp.write_bytes(obj)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(filepath)) from error
