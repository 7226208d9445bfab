"""Keys in a file that only its owner can read, for systems without a keyring."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import InputError, StorageError
from feeds.files.durable import flush_folder, only_writer, write_whole
from feeds.files.names import shown_path

if TYPE_CHECKING:
    from pathlib import Path

FILE = "keys.json"
LOCK = "keys.lock"
_SIZE_MAX = 65_536
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class _Kept(msgspec.Struct, frozen=True):
    keys: dict[str, tuple[str, ...]] = {}


class KeyFile:
    """The file ``keys.json`` in this folder, mode 0600.

    Every call raises InputError for a file that cannot be used, ``put`` and ``drop`` StorageError where it
    cannot be written: what was kept is kept still.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def get(self, feed: str) -> tuple[str, ...] | None:
        """What is kept for this feed; None where nothing is."""
        return self._read().get(feed)

    def put(self, feed: str, parts: tuple[str, ...]) -> None:
        """Keep these parts of a key."""
        self._change(feed, parts)

    def drop(self, feed: str) -> bool:
        """Forget a feed's key; False where there was none."""
        if feed not in self._read():
            return False
        self._change(feed, None)
        return True

    def _read(self) -> dict[str, tuple[str, ...]]:
        try:
            # A pipe in its place must not make us wait.
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._refused(f"cannot be read ({error.strerror})", "check the file") from error
        try:
            self._check(os.fstat(handle))
            data = os.read(handle, _SIZE_MAX)
        except OSError as error:
            raise self._refused(f"cannot be read ({error.strerror})", "check the file") from error
        finally:
            os.close(handle)
        try:
            return msgspec.json.decode(data, type=_Kept).keys
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # Without the cause: it could quote what the file holds.
            raise self._refused("is damaged", "delete it and set the keys again") from None

    def _check(self, about: os.stat_result) -> None:
        if not stat.S_ISREG(about.st_mode):
            raise self._refused("is not a file", "move it away")
        if os.name != "nt" and about.st_mode & _OTHERS:
            raise self._refused(
                f"can be read or written by others (mode {stat.S_IMODE(about.st_mode):o})",
                f"run: chmod 600 '{shown_path(self.path)}' (and replace the keys if others had access)",
            )

    def _change(self, feed: str, parts: tuple[str, ...] | None) -> None:
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with only_writer(folder / LOCK):
                keys = self._read()
                keys.pop(feed, None)
                if parts is not None:
                    keys[feed] = parts
                if keys:
                    write_whole(self.path, msgspec.json.encode(_Kept(keys)), mode=0o600)
                else:
                    self.path.unlink(missing_ok=True)
                flush_folder(folder)
        except OSError as error:
            raise StorageError(
                f"{shown_path(self.path)}: cannot be written ({error.strerror or error})"
                " — check free space and permissions"
            ) from error

    def _refused(self, how: str, todo: str) -> InputError:
        return InputError(f"{shown_path(self.path)}: {how} — {todo}")
