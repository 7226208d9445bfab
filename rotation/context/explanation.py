"""What one figure rests on, frozen: part of the Snapshot while somebody looks at it."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from rotation.status import DerivedStatus, PriceStatus


class Unknown(StrEnum):
    """Why a figure has no value, as a person reads it after "unknown: "."""

    NOT_SHOWN = "figures of this pair are computed only while somebody looks at it"
    NO_SESSION = "neither closes nor prices have come yet"
    NO_LEG = "neither closes nor a price of it are known"
    UNADJUSTED = "its price and its closes may be on two scales, after a split that history lacks"
    NO_PRICE = "no price of the session shown"
    NO_CLOSE = "no close that many sessions back"
    NO_VALUE = "the value that it ranks is unknown"
    FEW = "fewer settled values than it needs to compare with"
    FEW_WINDOWS = "the 252 values before hold fewer than ten windows that do not overlap"
    EQUAL = "the 252 values before are all equal"
    RUN = "a close is missing, or the run reaches back to the first close known"
    NO_RUN = "the last close is unchanged or unknown, so there is no run"
    NO_PRINT = "no print in the regular session shown"
    NO_VOLUME = "no print in the regular session shown, or the feed has one exchange's trades only"
    NO_EXTENDED = "no trade after the close"
    NO_QUOTE = "no bid and ask, or they are crossed, old or outside the session"
    CLOSE_HAS_NO_AGE = "an official close has no age"
    NO_PAIR = "no session with a close of both"
    NO_FED = "no source of rate-cut odds has answered, or none was asked"
    NO_MEETING = "no such meeting is on the calendar"
    UNSOLVED = "a futures contract is missing, or its price cannot be used"
    NO_SETTLEMENT = "no settlement of that day is kept"
    NO_VENUE = "this market has not answered"
    OUTSIDE = "a move up to this meeting lies outside −25 … 0 bp"
    NO_MACRO = "not published yet, or its source has not answered"
    NO_MEMBERS = "no holdings file on or before the session shown"
    FEW_MEMBERS = "too few members have the closes that it needs"
    NO_GRAPH = "the leg or the benchmark lacks two years of closes, or a price"
    NO_INPUT = "an input is unknown"


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value that a figure rests on."""

    symbol: str
    date: dt.date
    """Its session; of a futures price the day it was made."""
    value: float | None
    """None: no close is known of that session, which counts all the same."""
    source: str
    at: dt.datetime | None = None
    """When a price of today was made; None of a settled close."""
    month: str = ""
    """The month of a futures contract, as 2024-08."""


S = TypeVar("S")


class Explanation(msgspec.Struct, Generic[S], frozen=True):
    """One figure of one Snapshot. ``value`` is the Snapshot's, ``result`` the formula's on the inputs.

    The status is of the figure's own kind, or, on a screen, always one of derived figures.
    """

    id: str
    value: float | int | str | bool | None
    status: S | None
    definition: str
    formula: str
    inputs: tuple[Input, ...]
    result: float | int | str | bool | None
    """None where the value is unknown, or nothing computes it again from the inputs."""
    unit: str = ""
    is_level: bool = False
    """A level or a count, which has no plus sign."""
    unknown: Unknown | None = None
    """Why there is no value; None where there is one."""
    lacking: tuple[str, ...] = ()
    """The symbols that this is about; none where it is about no symbol."""
    left_out: int = 0
    """Inputs in the middle that are not among ``inputs``; only on a screen."""
    as_of: dt.datetime | None = None
    """The instant of the Snapshot."""


Whole = Explanation[PriceStatus | DerivedStatus]
"""With every input."""
Explained = Explanation[DerivedStatus]
"""As a Snapshot has it."""
