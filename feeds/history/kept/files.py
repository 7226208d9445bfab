"""A few computed files beside the history. They save time and hold nothing else: whatever fails is silent."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from feeds.files.durable import write_whole

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

MOST_FILES = 12
"""The latest used stay. Ten legs of 26 years take 3.4 MB."""
MOST_BYTES = 50_000_000
"""Size limit of one file: a larger one is not ours."""


class KeptFiles:
    """The files of one folder by name."""

    def __init__(self, folder: Path) -> None:
        """``folder``: made with the first file."""
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """None where it is not held or cannot be read."""
        path = self._folder / name
        try:
            if path.stat().st_size > MOST_BYTES:
                return None
            data = path.read_bytes()
            with suppress(OSError):  # of a folder that is only to be read
                os.utime(path)
            return data  # noqa: TRY300 - the whole of it is what may fail
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                log.info("%s cannot be read (%s): it is computed", name, error.strerror)
            return None

    def write(self, name: str, data: bytes) -> None:
        """Keep a file, if the disk lets us."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._folder / name, data)
            self._prune()
        except OSError as error:
            log.info("%s cannot be kept (%s)", name, error.strerror)

    def _prune(self) -> None:
        """Raises OSError."""
        files = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in files[MOST_FILES:]:
            path.unlink(missing_ok=True)
