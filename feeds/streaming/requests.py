"""What a stream asks by REST, as data: the state makes requests, the shell carries them out."""

from __future__ import annotations

import datetime as dt
from enum import Enum, auto
from typing import Protocol

import msgspec

from rotation.quote import Quote


class Purpose(Enum):
    """What an answer is for."""

    FILL = auto()
    """Bars of a gap and the newest prints."""
    FINISH = auto()
    """The minute in which a gap ended, once that minute is over."""
    COMPARE = auto()
    """The newest prints, to find symbols whose prints do not reach us."""
    CONFIRM = auto()
    """The newest print, of symbols whose prints have jumped too far to be believed without it."""
    CORRECT = auto()
    """The session's bars of symbols of which a print was taken back."""
    REFERENCE = auto()
    """Closes of the session before and today's splits."""


class Request(msgspec.Struct, frozen=True, eq=False):
    """One request. Compared by identity: an answer belongs to exactly one."""

    purpose: Purpose
    symbols: frozenset[str]
    start_ns: int = 0
    end_ns: int = 0
    wants_bars: bool = False
    """Minute bars between the two instants."""
    wants_newest: bool = False
    """The newest print of each symbol."""
    session: dt.date | None = None
    """For a REFERENCE, the session whose prints the closes and splits belong to."""


class Reference(msgspec.Struct, frozen=True):
    """What a vendor says of the scale of one session's prints."""

    closes: dict[str, float] = {}
    """Closes of the session before, by symbol, put on the scale of the session's prints."""
    splits: dict[str, float] = {}
    """Splits of which the session is the ex-date: 2.0 for two shares from one."""


class Answer(msgspec.Struct, frozen=True):
    """What the vendor answered. ``error`` is empty where it did, for all but those ``lacking``."""

    bars: tuple[Quote, ...] = ()
    newest: tuple[Quote, ...] = ()
    error: str = ""
    lacking: frozenset[str] = frozenset()
    """Symbols that the error is about, where the others were answered for."""
    reference: Reference | None = None
    """The answer to a REFERENCE; None without one."""


class Asking(Protocol):
    """A part of a stream that makes requests, one at a time."""

    request: Request | None
    """Under way; None where nothing is."""


class Requests:
    """The requests of one stream: made by its parts, taken by the shell, awaited until they are answered."""

    def __init__(self, *parts: Asking) -> None:
        self._parts = parts
        self._made: list[Request] = []

    def add(self, *requests: Request | None) -> None:
        """The parts' next requests; None for a part that has none."""
        self._made += [request for request in requests if request is not None]

    def take(self) -> list[Request]:
        """What to ask now."""
        made, self._made = self._made, []
        return made

    def under_way(self) -> list[Request]:
        """All that are awaited, whether or not they were taken."""
        return [part.request for part in self._parts if part.request is not None]

    def awaits(self, request: Request) -> bool:
        """Whether the answer is still of use; a request that is no longer awaited may be cancelled."""
        return request in self.under_way()
