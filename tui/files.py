"""A person's own files: read without waiting for what stands in their place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from rotation.errors import not_a_file


def read_regular(path: Path, most: int) -> tuple[bytes, os.stat_result]:
    """At most so many bytes, and what the file was like before they were read.

    Raises OSError, for a pipe, a device or a folder, too; ``/dev/null`` is an empty file.
    """
    with open(path, "rb", opener=_without_waiting) as file:
        state = os.fstat(file.fileno())
        why = not_a_file(state.st_mode)
        if why and not os.path.samestat(state, Path(os.devnull).stat()):
            raise OSError(errno.EINVAL, why)
        return file.read(most), state


def _without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
