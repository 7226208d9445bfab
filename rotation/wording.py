"""English for what a price is worth. This is the only place of the core that makes it.

``word`` is for a table's cell and the JSON's ``state``; ``clause`` for a sentence.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from rotation.status import BAD, CONSOLIDATED, FeedState, Kind, Mode, PriceStatus, Refusal
from rotation.text import day, duration, short_day, spelled_duration

if TYPE_CHECKING:
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from rotation.status import Connection, DerivedStatus

PHASES: dict[str, str] = {
    "PRE": "PRE-MARKET", "REGULAR": "OPEN", "POST": "AFTER HOURS", "CLOSED": "CLOSED",
}  # fmt: skip
"""What a reader calls the exchange's hours; in the JSON they keep their own names."""

QUIET = frozenset({Kind.LIVE, Kind.CLOSED, Kind.PROVISIONAL, Kind.REPLAY, Kind.DEMO})
"""Kinds that a sentence does not mention: nothing is wrong, or the whole screen is marked with it."""

CELLS = 38
"""The first line of the smallest screen, behind its mark."""

_WRITTEN = re.compile(r"(DELAYED|STALE) (\d+)([smhd])")
_STATES: dict[str, FeedState] = {state.value: state for state in (*Kind, *Refusal)}
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def state_word(state: FeedState, *, delay_s: float = 0.0, age_s: float | None = None) -> str:
    """``LIVE``, ``DELAYED 15m``, ``STALE 42s``, ``AUTH_FAILED``: at most eleven cells."""
    if state is Kind.DELAYED and delay_s:
        return f"{state.value} {duration(delay_s)}"
    if state is Kind.STALE and age_s is not None:
        return f"{state.value} {duration(age_s)}"
    return state.value


def word(status: PriceStatus | DerivedStatus) -> str:
    """The same of a price or of a figure that rests on several."""
    return state_word(status.kind, delay_s=status.delay_s, age_s=status.age_s)


def venue_mark(status: PriceStatus | DerivedStatus | Connection) -> str:
    """``IEX`` where the price is one exchange's alone; empty of the consolidated tape, and where unknown."""
    return "" if status.venue == CONSOLIDATED else status.venue


def word_with_venue(status: PriceStatus | DerivedStatus) -> str:
    """``LIVE IEX``, ``STALE 42s IEX``: the word, and the exchange if the price is from one only."""
    return f"{word(status)} {venue_mark(status)}".rstrip()


def source_with_venue(status: PriceStatus | DerivedStatus | Connection) -> str:
    """``Alpaca IEX``; empty where neither is known."""
    return f"{status.source} {venue_mark(status)}".strip()


def mode_word(mode: Mode) -> str:
    """``LIVE`` or ``DELAYED 15m``: what a feed is worth by design."""
    return state_word(mode.kind, delay_s=mode.delay_s)


def parse_word(text: str) -> tuple[FeedState, float, float | None]:
    """State, delay and age in seconds that ``state_word`` wrote, for what older versions recorded as words.

    Any other word counts as OFFLINE.
    """
    if match := _WRITTEN.fullmatch(text):
        seconds = int(match[2]) * _UNIT_S[match[3]]
        return (Kind.DELAYED, seconds, None) if match[1] == "DELAYED" else (Kind.STALE, 0.0, seconds)
    return _STATES.get(text, Kind.OFFLINE), 0.0, None


def clause(status: PriceStatus, settled: date | None = None) -> str:
    """What a sentence says of a price: ``HALTED 3 h``, ``15 min late``; empty where nothing is wrong.

    ``settled``: the session whose official close the price is; None for a print.
    """
    if status.kind in QUIET:
        return f"{status.kind.value} (closing auction missed)" if status.auction_missing else ""
    if status.kind is Kind.DELAYED:
        return f"{spelled_duration(status.delay_s)} late"
    if status.kind is Kind.UNADJUSTED:
        return f"{status.kind.value} (possible split)"
    if status.kind is Kind.GAPPED and status.age_s is not None:
        return f"{status.kind.value} (price {_age(status)} old)"  # how long the gap is nobody knows yet
    if settled is None:
        return f"{status.kind.value} {_age(status)}".rstrip()
    age = f" {_age(status)}" if status.kind is Kind.STALE else ""
    return f"{status.kind.value}{age} (close of {day(settled)})"


def clauses(pair: dict[str, tuple[PriceStatus, date | None]]) -> str:
    """``IWM HALTED 3 h, QQQ 15 min late`` or ``IWM and QQQ 15 min late``; empty where nothing is wrong.

    ``pair``: by symbol the status and, of a settled close, its session.
    """
    by_clause: dict[str, list[str]] = {}
    for symbol, (status, settled) in pair.items():
        if wrong := clause(status, settled):
            by_clause.setdefault(wrong, []).append(symbol)
    return ", ".join(f"{' and '.join(symbols)} {wrong}" for wrong, symbols in by_clause.items())


def _age(status: PriceStatus) -> str:
    return "" if status.age_s is None else spelled_duration(status.age_s)


def ages(inputs: dict[str, PriceStatus]) -> str:
    """``IWM 3 h and QQQ 1 s old``: of prices that are not of one instant."""
    return " and ".join(f"{name} {_age(status) or '?'}" for name, status in inputs.items()) + " old"


def connection_words(connection: Connection | None, now: datetime) -> str:
    """``LIVE 1 s Yahoo``, ``OFFLINE 53 s · last 10:40:45``, ``CLOSE OF 21 AUG, 98 DAYS OLD``.

    At most CELLS, of New York's time; a venue (``LIVE 1 s Alpaca IEX``) gives way to
    the time of an old price. Empty for DEMO and REPLAY, which the whole screen is marked with.
    ``now``: the time shown.
    """
    if connection is None:
        return "NO PRICES"
    kind = connection.kind
    if kind in (Kind.DEMO, Kind.REPLAY):
        return ""
    today = now.astimezone(_new_york()).date()
    symbol = f"{connection.symbols[0]} " if len(connection.symbols) == 1 else ""
    if kind is Kind.UNADJUSTED:
        return f"{symbol}{kind.value}, POSSIBLE SPLIT"
    if connection.settled is not None:
        age = _days_old(connection.age_s) if kind in BAD else ""
        return f"{symbol}CLOSE OF {_day_of(connection.settled, today).upper()}{age}"
    seconds = "" if connection.age_s is None else f" {spelled_duration(connection.age_s)}"
    source = f" {origin}" if (origin := source_with_venue(connection)) else ""
    if kind in (Kind.LIVE, Kind.DELAYED):
        late = f" {spelled_duration(connection.delay_s)}" if kind is Kind.DELAYED else seconds
        return f"{symbol}{kind.value}{late}{source}"
    age = ", NO AUCTION" if connection.auction_missing else seconds if kind in BAD else ""
    venue = f" {mark}" if (mark := venue_mark(connection)) else ""
    state, last = f"{symbol}{kind.value}{age}", _last(connection, today)
    lines = (f"{state}{venue}{last}", f"{state}{last}")
    return next((line for line in lines if len(line) <= CELLS), state)


def _day_of(value: date, today: date) -> str:
    return short_day(value) if value.year == today.year else day(value)


@cache
def _new_york() -> ZoneInfo:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - three milliseconds of a start, whose first paint has no time

    return ZoneInfo("America/New_York")


def _days_old(age_s: float | None) -> str:
    days = int((age_s or 0.0) // 86_400)
    return f", {days} DAY{'S' * (days != 1)} OLD" if days else ""


def _last(connection: Connection, today: date) -> str:
    if connection.as_of is None:
        return ""
    made = connection.as_of.astimezone(_new_york())
    if made.date() == today:
        clock = "%H:%M" if connection.auction_missing else "%H:%M:%S"  # the words before it are long
        return f" · last {made:{clock}}"
    hour = f" {made:%H:%M}" if made.year == today.year else ""
    return f" · last {_day_of(made.date(), today)}{hour}"
