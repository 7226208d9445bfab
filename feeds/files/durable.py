"""Files that are whole after a crash: written aside, flushed to the disk, then renamed into place."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows: writers there are not kept apart
    fcntl = None  # type: ignore[assignment]

CAN_LOCK = fcntl is not None
ASIDE = r"\.\d+\.tmp"
"""What a file being written has behind its name, as a regular expression; killed writers leave it."""
BROKEN_MAX = 9
"""Broken files of a name that are kept; further ones replace the last."""


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


class Aside:
    """Whole files in a folder of one's own, where nobody looks before all have been flushed.

    Flushed some at a time: the system then has most of them on the disk already, and waits once. Each is held
    open until then, so that what goes wrong with its writing is told.
    """

    _MOST = 64

    def __init__(self, folder: Path) -> None:
        """``folder``: of this process's own, see ``folder_aside``."""
        self._folder = folder
        self._open: list[int] = []

    def write(self, name: str, data: bytes) -> Path:
        """Write a file, in place of one of that name; it may not be on the disk yet. Raises OSError."""
        path = self._folder / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
        self._open.append(handle)
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        if len(self._open) >= self._MOST:
            self.flush()
        return path

    def flush(self) -> None:
        """Have all that was written on the disk. Raises OSError."""
        for handle in self._open:
            os.fsync(handle)
        self.close()

    def close(self) -> None:
        """Let go of all, flushed or not. Windows would neither move nor remove what is open."""
        handles, self._open = self._open, []
        for handle in handles:
            os.close(handle)


def flush_folder(folder: Path) -> None:
    """Make renames in this folder durable; does nothing where folders cannot be flushed (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Keep a broken file under another name, which is returned; a new one may begin. Raises OSError."""
    names = [path.with_name(f"{path.name}.broken-{n}") for n in range(1, BROKEN_MAX + 1)]
    aside = next((each for each in names if not each.exists()), names[-1])
    return path.replace(aside)


@contextmanager
def only_writer(lock: Path) -> Iterator[None]:
    """Wait until no other process holds this lock file; the system frees it when its holder dies."""
    with lock.open("ab") as held:
        if fcntl is not None:
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def folder_aside(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder of this process's own inside ``parent``, gone at the end.

    Raises OSError. What a killed process leaves goes with ``remove_abandoned``.
    """
    aside = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    handle = os.open(aside, os.O_RDONLY) if fcntl is not None else None
    try:
        if fcntl is not None and handle is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove the folders that killed processes left; those in use are locked. Does nothing without locks."""
    for aside in parent.glob(f"{prefix}*") if fcntl is not None else ():
        with suppress(OSError):
            handle = os.open(aside, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(aside, ignore_errors=True)
            finally:
                os.close(handle)
