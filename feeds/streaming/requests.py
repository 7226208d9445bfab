"""What a stream asks by REST, as data: the state makes requests, the shell carries them out."""

from __future__ import annotations

import datetime as dt
from enum import Enum, auto

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
    """Of a REFERENCE: whose prints the closes and splits lie behind."""


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
    """Of a REFERENCE; None where there is no answer."""
