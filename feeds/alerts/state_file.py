"""What alerts remember between runs: ``alerts.json``, whole after a crash; a broken one is set aside."""

from __future__ import annotations

from errno import ENOTDIR
from typing import IO, TYPE_CHECKING

import msgspec

from feeds.errors import DamagedError
from feeds.files.durable import CAN_LOCK, flush_folder, set_aside, write_whole
from feeds.files.names import shown_path
from rotation.alerts.rule import AlertState, Fired

if TYPE_CHECKING:
    from pathlib import Path

FILE = "alerts.json"
LOCK = "alerts.lock"
VERSION = 1
SIZE_MAX = 8_000_000
CALLS_MAX = 500
"""Calls that are remembered for ``alerts history``."""


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a broken file raises; the last for one that is nested a thousand deep."""


NOTHING = (FileNotFoundError, NotADirectoryError)
"""What reading raises where there is none: neither the file nor its folder."""


class Waiting(msgspec.Struct, frozen=True):
    """A call that a target has not got yet."""

    target: str
    fired: Fired
    text: str


class Kept(msgspec.Struct, frozen=True):
    """The contents of the file."""

    version: int = VERSION
    states: dict[str, AlertState] = {}
    """By the alert's name; those of alerts that are no longer configured stay."""
    calls: tuple[Fired, ...] = ()
    """The newest calls, oldest first."""
    waiting: tuple[Waiting, ...] = ()


class StateFile:
    """The file in this folder; one process at a time owns it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock: IO[bytes] | None = None

    @property
    def is_locked(self) -> bool:
        """Whether this process holds the lock, or none is to be had on this system."""
        return self._lock is not None or not CAN_LOCK

    def own(self) -> bool:
        """Whether this process may write it, now and until it ends or calls ``release``. Raises OSError."""
        if self.is_locked:
            return True
        import fcntl  # noqa: PLC0415 - CAN_LOCK: not everywhere

        self._make_folder()
        lock = _opened(self.path.with_name(LOCK))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        except OSError:
            lock.close()
            raise
        self._lock = lock
        return True

    def release(self) -> None:
        """Let another process own it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def read(self) -> tuple[Kept, str]:
        """What is kept, and what a person must know: a file that cannot be used is named.

        Raises OSError for one that may be whole and cannot be read now, as another user's: it stays.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(SIZE_MAX + 1)
        except NOTHING:
            return Kept(), ""
        except OSError as error:
            if not (self.path.is_dir() or self.path.is_symlink()):
                raise
            return Kept(), self._set_aside(f"cannot be read ({reason(error)})")
        try:
            if len(data) > SIZE_MAX:
                raise msgspec.ValidationError("too large")
            kept = msgspec.json.decode(data, type=Kept)
            if kept.version != VERSION:
                raise msgspec.ValidationError("another version")
        except UNREADABLE:
            return Kept(), self._set_aside("is damaged")
        return kept, ""

    def peek(self) -> Kept:
        """What is kept, for who only looks. Raises DamagedError."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Kept)
        except NOTHING:
            return Kept()
        except OSError as error:
            raise DamagedError(f"{shown_path(self.path)}: cannot be read ({reason(error)})") from error
        except UNREADABLE as error:
            raise DamagedError(f"{shown_path(self.path)}: is damaged") from error

    def _set_aside(self, problem: str) -> str:
        """Move it away before it is written anew, and say so: it may hold what somebody can still mend."""
        try:
            moved = f", moved to {set_aside(self.path).name}"
        except OSError:
            moved = ""
        return f"{shown_path(self.path)}: {problem}{moved}; alerts start afresh"

    def write(self, kept: Kept) -> None:
        """Replace the file; blocking. Raises OSError."""
        self._make_folder()
        write_whole(self.path, msgspec.json.encode(kept), mode=0o600)
        flush_folder(self.path.parent)

    def _make_folder(self) -> None:
        """Raises NotADirectoryError, with the path, where something else has its name."""
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError as error:
            raise NotADirectoryError(ENOTDIR, "not a folder", str(folder)) from error


def _opened(lock: Path) -> IO[bytes]:
    """Made if it is not there. One that only its owner may write, after ``sudo``, locks as well."""
    try:
        return lock.open("ab")
    except OSError:
        if not lock.is_file():
            raise
        return lock.open("rb")


def reason(error: OSError) -> str:
    """Why, in the system's words."""
    return error.strerror or type(error).__name__
