"""What a visitor chose, kept between visits by the fingerprint of the visitor's key."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

KEPT = 2_000
"""Visitors remembered; those who came longest ago are forgotten."""


class Choice(msgspec.Struct, frozen=True):
    """One visitor's; "" means none was made."""

    theme: str = ""
    focus: str = ""
    colours: str = ""
    at: int = 0
    """When it was kept, UTC seconds."""


class _File(msgspec.Struct):
    version: int = 1
    visitors: dict[str, Choice] = {}


class Preferences:
    """A JSON file, replaced in one step. Losing it costs nobody more than a key press."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._visitors = self._read()
        self._changed: dict[str, Choice] = {}

    def of(self, fingerprint: str) -> Choice:
        """What this visitor chose last time."""
        return self._visitors.get(fingerprint, Choice())

    def keep(self, fingerprint: str, choice: Choice) -> None:
        """Remember it; ``write`` brings it to disk."""
        if fingerprint and msgspec.structs.replace(self.of(fingerprint), at=choice.at) != choice:
            self._visitors.pop(fingerprint, None)
            self._visitors[fingerprint] = self._changed[fingerprint] = choice
            while len(self._visitors) > KEPT:
                del self._visitors[next(iter(self._visitors))]

    def changes(self) -> dict[str, Choice]:
        """What is not on disk yet; the caller takes it over."""
        changed, self._changed = self._changed, {}
        return changed

    def write(self, changed: dict[str, Choice]) -> None:
        """Bring changes to disk; blocking, for a thread. A disk that refuses is logged, not told."""
        # Another host (one per core) may have written its own visitors meanwhile.
        everyone = self._read() | changed
        latest = sorted(everyone.items(), key=lambda item: item[1].at)[-KEPT:]
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with beside.open("wb") as file:
                file.write(msgspec.json.encode(_File(visitors=dict(latest))))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            log.warning("preferences are not kept: %s", error)

    def _read(self) -> dict[str, Choice]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File).visitors
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            log.warning("preferences cannot be read, beginning anew: %s", error)
            return {}
