"""What each viewer chose, kept between sessions under the fingerprint of the viewer's key."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import msgspec

from tui.output.looked import Looked

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

VIEWERS_MAX = 2_000
"""Viewers that are remembered; those who came longest ago are forgotten first."""


class Choice(msgspec.Struct, frozen=True):
    """What one viewer chose; "" means that the host's default applies."""

    theme: str = ""
    focus: str = ""
    colours: str = ""
    at: int = 0
    """When it was kept, in UTC seconds since 1970."""
    looked: Looked | None = None
    """What was on screen at the viewer's last key; None where there was no price yet."""


class _File(msgspec.Struct):
    version: int = 1
    visitors: dict[str, Choice] = {}


class Preferences:
    """A JSON file that is replaced in one step. Losing it costs each viewer a few key presses."""

    def __init__(self, path: Path) -> None:
        """Read the file; a missing or damaged one counts as empty."""
        self._path = path
        self._choices = self._read()
        self._unsaved: dict[str, Choice] = {}

    def __len__(self) -> int:
        return len(self._choices)

    def of(self, fingerprint: str) -> Choice:
        """Return what this viewer chose last time; the defaults for a new viewer."""
        return self._choices.get(fingerprint, Choice())

    def keep(self, fingerprint: str, choice: Choice) -> None:
        """Remember a choice; ``write`` brings it to disk. Without a fingerprint nothing is kept."""
        if fingerprint and msgspec.structs.replace(self.of(fingerprint), at=choice.at) != choice:
            self._choices.pop(fingerprint, None)
            self._choices[fingerprint] = self._unsaved[fingerprint] = choice
            while len(self._choices) > VIEWERS_MAX:
                del self._choices[next(iter(self._choices))]

    def adopt(self, fingerprint: str, choice: Choice) -> None:
        """Take over what a viewer of another process of this host chose, which that one has written."""
        self._choices.pop(fingerprint, None)
        self._choices[fingerprint] = choice
        while len(self._choices) > VIEWERS_MAX:
            del self._choices[next(iter(self._choices))]

    def take_unsaved(self) -> dict[str, Choice]:
        """Return what is not on disk yet and forget that it is not: the caller writes it."""
        unsaved, self._unsaved = self._unsaved, {}
        return unsaved

    def write(self, unsaved: dict[str, Choice]) -> None:
        """Bring choices to disk; blocking, meant for a thread. A failing disk is logged and stops nothing."""
        # Another host (one per core) may have written choices of its own meanwhile.
        merged = self._read() | unsaved
        latest = sorted(merged.items(), key=lambda item: item[1].at)[-VIEWERS_MAX:]
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with temporary.open("wb") as file:
                file.write(msgspec.json.encode(_File(visitors=dict(latest))))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            log.warning("viewer preferences not saved: %s", error)

    def _read(self) -> dict[str, Choice]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File).visitors
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            log.warning("viewer preferences unreadable, starting from the defaults: %s", error)
            return {}
