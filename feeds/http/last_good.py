"""The last good answer to every question, kept on disk: what is shown when a source is away."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import msgspec

from feeds.files.durable import write_whole

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

KEY = re.compile(r"[a-z0-9][a-z0-9._:-]{0,79}", re.ASCII)
"""What a key may look like; it names the file (a colon, of an IPv6 address, becomes a dash)."""
FILES_MAX = 256
"""The answers confirmed longest ago go first; a question that moves on must not fill the disk."""
_SUFFIX = ".last"


class LastGood(msgspec.Struct, frozen=True):
    """One answer that parsed, with what is needed to ask whether it has changed."""

    origin: str
    """Scheme, host and port it came from: another source's answer is not ours."""
    url_sha: str
    """Hash of the whole address: an ETag holds for one address only."""
    body: bytes
    confirmed_ns: int
    """When the source last confirmed it."""
    changed_ns: int
    """When these bytes were first seen."""
    etag: str = ""
    last_modified: str = ""
    version: Literal[1] = 1


class LastGoodFolder:
    """One file a key. What cannot be read counts as absent; what cannot be written is logged once a key."""

    def __init__(self, folder: Path, *, limit: int) -> None:
        """``limit``: bytes of a body; a larger file is not ours."""
        self._folder = folder
        self._limit = limit + 4096
        self._unwritten: set[str] = set()

    def read(self, key: str) -> LastGood | None:
        """The answer kept under this key, or None."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                data = file.read(self._limit)
            return msgspec.msgpack.decode(data, type=LastGood)  # one cut at the limit does not decode
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("last-good cache %s: not usable (%s)", path.name, type(error).__name__)
            return None

    def write(self, key: str, answer: LastGood) -> None:
        """Keep this answer, whole or not at all. A cache that cannot be written does no harm."""
        path = self._path(key)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            write_whole(path, msgspec.msgpack.encode(answer))
            if is_new:
                self._remove_oldest()
        except OSError as error:
            level = logging.DEBUG if key in self._unwritten else logging.WARNING
            self._unwritten.add(key)
            log.log(level, "last-good cache %s: not written (%s)", path.name, error.strerror or error)
        else:
            self._unwritten.discard(key)

    def _remove_oldest(self) -> None:
        files = list(self._folder.glob(f"*{_SUFFIX}"))
        if len(files) > FILES_MAX:
            files.sort(key=lambda file: file.stat().st_mtime)
            for file in files[: len(files) - FILES_MAX]:
                with suppress(OSError):
                    file.unlink()

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a key")
        return self._folder / f"{key.replace(':', '-')}{_SUFFIX}"
