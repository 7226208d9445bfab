"""What the desk watches: the pair, its legs, value against growth; and what has happened on it."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

SYMBOL = r"(?=[.^=-]{0,14}[A-Z0-9])[A-Z0-9.^=-]{1,15}"
"""What a symbol may look like, as a regular expression; it goes into addresses and names files, where ``..``
would be another folder: one letter or digit must be in it."""

BANKS = ("KRE", "KBE")
"""Regional banks and banks of all sizes: compared with the base leg where they are legs."""
WINDOWS = (1, 5, 20, 60, 252)
"""Return windows in sessions that every desk has: the headline, streaks and usual figures rest on them."""
LONGEST = 1260
"""Sessions of the longest window, five years."""

STALE_AFTER_S = 30.0
"""A live print older than this is stale while the exchange is open, unless a desk has another limit."""

EVENTS_MAX = 60
"""Events that a Snapshot carries, the newest last."""

HISTORY_SINCE = dt.date(2000, 1, 1)
"""How far back daily history is fetched by default: all of IWM's, which began in May 2000."""

MOST_LEGS = 16
"""More than a screen shows at once; beyond the desk's own a symbol gets a leg while all fit."""

NAMES = {
    "IWM": "Russell 2000",
    "QQQ": "Nasdaq 100",
    "DIA": "Dow Jones Industrials",
    "SPY": "S&P 500",
    "KRE": "Regional banks",
    "IWN": "Russell 2000 Value",
    "IVW": "S&P 500 Growth",
    "TLT": "Treasuries 20+ years",
    "RUT": "Russell 2000 index",
    "NDX": "Nasdaq 100 index",
}
"""Index and ETF are different things: RUT and NDX say so in their names."""


INDICES = frozenset({"RUT", "NDX", "SPX", "DJI", "COMP", "VIX"})
"""Indices by their plain names; others are written with a leading ``^``."""


class LegList(msgspec.Struct, frozen=True):
    """Legs that are shown together."""

    name: str
    """Stands above them; "" for the desk's own legs that are in no group."""
    symbols: tuple[str, ...]
    is_watchlist: bool = False
    """Shown in the place of all others when a viewer asks for it."""


class PairOptions(msgspec.Struct, frozen=True):
    """What one of the desk's more pairs has of its own."""

    pair: str
    """Its name, as IWN/IVW."""
    title: str = ""
    """What a person calls it."""
    window: int = 0
    """The window, in sessions, that a screen turns to with it; 0: the one chosen stays."""
    leg_gap_s: float | None = None
    """In the place of the desk's; None: the same."""


class Desk(msgspec.Struct, frozen=True):
    """Which symbols get a leg, which pair the spread compares, and which returns are meant."""

    base: str = "IWM"
    against: str = "QQQ"
    value: str = "IWN"
    growth: str = "IVW"
    legs: tuple[str, ...] = ("IWM", "QQQ", "DIA", "SPY", "KRE", "IWN", "IVW", "TLT", "RUT", "NDX")
    """Shown in this order; a leg without history or quotes is left out of the snapshot."""
    benchmark: str = "SPY"
    """What the rotation graph compares with."""
    returns: str = "price"
    """``price``: split-adjusted closes. ``total``: dividend-adjusted too."""
    leg_gap_s: float = 60.0
    """Legs whose prices are further apart in time, in the regular session, give no figure of one instant:
    spread and ratio are marked ``≈``, and no record is claimed on a bad price that is older."""
    stale_s: float = STALE_AFTER_S
    """A live print older than this is STALE while the exchange is open."""
    windows: tuple[int, ...] = WINDOWS
    """Return windows in sessions, the shortest first: those of WINDOWS, and what a person has added."""
    pairs: tuple[tuple[str, str], ...] = ()
    """More pairs, base and against of each, that can be shown in the place of the first."""
    pair_gaps: tuple[tuple[str, float], ...] = ()
    """``leg_gap_s`` of those more pairs that have another, by name."""
    universes: tuple[str, ...] = ()
    """Lists of shares of a person's own beside the funds, in capitals: each has figures of breadth."""
    lists: tuple[LegList, ...] = ()
    """How the legs are put together; without any they are one list."""

    @property
    def graphed(self) -> tuple[str, ...]:
        """The legs of the rotation graph: those of watch lists alone would crowd it."""
        if not self.lists:
            return self.legs
        own = {symbol for each in self.lists if not each.is_watchlist for symbol in each.symbols}
        return tuple(symbol for symbol in self.legs if symbol in own)

    @property
    def benchmark_leg(self) -> str:
        """The benchmark where it is a leg, else the pair's other leg: a price of it is needed."""
        return self.benchmark if self.benchmark in self.legs else self.against


class EventKind(StrEnum):
    """What an event is about."""

    ALERT = "alert"
    """A condition of one's own holds."""
    RECORD = "record"
    """A figure has no equal in history."""
    SETTLED = "settled"
    """Official closes of the session have come."""
    CORRECTED = "corrected"
    """An official close differs from what history had."""
    FED = "Fed"
    """A decision, or another coming meeting."""
    FEED = "feed"
    """A feed is better or worse than it was."""
    DELIVERY = "delivery"
    """A call could not be delivered."""
    CONFIG = "config"
    """The configuration file was read again, or cannot be."""


class DeskEvent(msgspec.Struct, frozen=True):
    """One event."""

    seq: int
    """Rises by one from event to event of a run: what is above the last one seen is new."""
    at: dt.datetime
    kind: EventKind
    subject: str
    """Name of the alert, symbol, series, feed or target that it is about."""
    text: str
    """One line for a person."""
    signals: tuple[str, ...] = ()
    """How a terminal is to call for it: bell, osc9, osc777."""


class AlertLine(msgspec.Struct, frozen=True):
    """How one alert stands."""

    name: str
    condition: str
    is_armed: bool
    """False from a call until it may call again."""
    fired: int
    """Calls so far, over all runs."""
    last_at: dt.datetime | None
    """Time of the last call; None before the first."""
    problem: str = ""
    """Why it cannot be judged; empty where it can."""


class Universe(msgspec.Struct, frozen=True):
    """A list of shares of a person's own, of which breadth is counted."""

    name: str
    holdings: str
    """The path of the file that lists them."""
    index: str = ""
    """The symbol whose move its members make; "" for none."""
    weights: str = ""
    """Heading of the file's column of weights in percent; "" for the usual ones."""
    sectors: str = ""
    """Heading of its column of sectors; "" for the usual one."""
    date: dt.date | None = None
    """The day of a file that does not say it; None: the day on which the file was last changed."""

    @property
    def fund(self) -> str:
        """Its name in capitals, as a fund's is written: breadth has it under this one."""
        return self.name.upper()


class DeskChange(msgspec.Struct, frozen=True):
    """What is to be another way on a running desk; None of what stays."""

    stale_s: float | None = None
    leg_gap_s: float | None = None
    windows: tuple[int, ...] | None = None
    returns: str | None = None

    def of(self, desk: Desk) -> Desk:
        """The desk with these; the same legs and pairs."""
        return msgspec.structs.replace(desk, **_set_in(self))

    def after(self, before: DeskChange) -> DeskChange:
        """Both changes as one: this one came later."""
        return msgspec.structs.replace(before, **_set_in(self))


def _set_in(change: DeskChange) -> dict[str, Any]:
    return {name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not None}


def with_usual(windows: Iterable[int]) -> tuple[int, ...]:
    """These windows and those that every desk has, as ``Desk.windows`` has them."""
    return tuple(sorted({*WINDOWS, *windows}))


def pair_name(pair: tuple[str, str]) -> str:
    """``IWN/IVW``."""
    return "/".join(pair)


def pair_prefix(pair: str) -> str:
    """``IWN/IVW`` → ``pair.iwn/ivw.``, how the ids of its figures begin; empty of "", the desk's first."""
    return f"pair.{pair.lower()}." if pair else ""


def gaps_of(options: Iterable[PairOptions]) -> tuple[tuple[str, float], ...]:
    """As ``Desk.pair_gaps`` has them."""
    return tuple((each.pair, each.leg_gap_s) for each in options if each.leg_gap_s is not None)


def is_index(symbol: str) -> bool:
    """RUT, ^RUT: no share of anything, so nothing of it trades: it has values, and no auction."""
    return symbol.startswith("^") or symbol in INDICES


def name_of(symbol: str) -> str:
    """``IWM`` → ``Russell 2000``; a symbol without a name is its own name."""
    return NAMES.get(symbol, symbol)
