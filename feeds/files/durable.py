"""Files that are whole after a crash: written aside, flushed to the disk, then renamed into place."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: writers there are not kept apart
    fcntl = None  # type: ignore[assignment]

CAN_LOCK = fcntl is not None
ASIDE = r"\.\d+\.tmp"
"""What a file being written has behind its name, as a regular expression; killed writers leave it."""


def write_whole(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that a reader, now or after a crash, sees the old one or the new one.

    ``mode``: who may read it from its first byte on, less the umask. The rename itself lasts through a
    power cut only after ``flush_folder``. Raises OSError.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        aside.unlink(missing_ok=True)  # of a killed writer that had our number, with a mode of its own
        with open(aside, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def flush_folder(folder: Path) -> None:
    """Make renames in this folder durable; does nothing where folders cannot be flushed (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def only_writer(lock: Path) -> Iterator[None]:
    """Wait until no other process holds this lock file; the system frees it when its holder dies."""
    with lock.open("ab") as held:
        if fcntl is not None:
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
