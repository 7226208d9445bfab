"""Rows of Alpaca's REST: bars and snapshots, as sent and as used. Pure.

A row that cannot be used is None, and only symbols that were asked for are looked at.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import price
from feeds.parsing.rows import bar_prices
from feeds.parsing.wire import Loose, decode, number
from feeds.vendors.alpaca.frames import bar, exact_ns, role_of, shares
from rotation.quote import Quote, Role
from rotation.sessions import is_session, new_york_day

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS_MAX = 10_000
"""Rows in one answer, the vendor's own limit."""


class DailyBar(msgspec.Struct, frozen=True, gc=False):
    """One closed session of one symbol, split-adjusted."""

    symbol: str
    session: date
    open: float
    high: float
    low: float
    close: float
    volume: int


class Page(msgspec.Struct, frozen=True):
    """Part of an answer."""

    bars: tuple[DailyBar, ...]
    rejected: int
    """Rows that could not be used."""
    resume: str
    """Give this back to go on behind this page; empty on the last."""


class Seen(msgspec.Struct, frozen=True):
    """What a snapshot says of one symbol."""

    quote: Quote | None
    """The newest print that may be the last price; where odd lots came later, the last whole minute."""
    minute: Quote | None
    """The last whole minute; None while the one that the vendor names still forms."""
    previous: DailyBar | None
    """The session before, of the stream's own feed, not adjusted for any later split."""
    day: DailyBar | None = None
    """The session of the newest print, raw and as far as it has gone; by night the last whole one."""

    def close_of(self, session: date) -> float | None:
        """The raw close of a session that is over; None where the snapshot is of other days."""
        bars = (self.previous, self.day)
        return next((bar.close for bar in bars if bar is not None and bar.session == session), None)


class Row(msgspec.Struct):
    """A bar as it is sent."""

    t: str = ""
    o: Loose = None
    h: Loose = None
    l: Loose = None  # noqa: E741 - the wire's own name
    c: Loose = None
    v: Loose = None


class Bars(msgspec.Struct):
    """A page of bars as it is sent."""

    bars: dict[str, list[Row] | None] | None
    next_page_token: str | None = None


class _Trade(msgspec.Struct):
    t: str = ""
    p: Loose = None
    s: Loose = None
    c: Loose = None
    i: Loose = None
    z: Loose = None


class Snapshot(msgspec.Struct, rename="camel"):
    """One symbol's, as it is sent."""

    latest_trade: _Trade | None = None
    minute_bar: Row | None = None
    daily_bar: Row | None = None
    prev_daily_bar: Row | None = None


def parse_bars(data: bytes) -> Bars:
    """Raises SourceError."""
    return decode(data, Bars, "Alpaca")


def parse_snapshots(data: bytes) -> dict[str, Snapshot | None]:
    """Raises SourceError."""
    return decode(data, dict[str, Snapshot | None], "Alpaca")


def rows(answer: Bars, names: Sequence[str]) -> list[tuple[str, Row]]:
    """Only what was asked for, whatever else was sent."""
    bars = answer.bars or {}
    return [(name, row) for name in names for row in (bars.get(name) or ())[:ROWS_MAX]]


def _prices(row: Row) -> tuple[float, float, float, float] | None:
    """Open, high, low, close: Alpaca sends all four, and a row without one of them is not a bar."""
    prices = bar_prices(row.c, opened=row.o, high=row.h, low=row.l)
    if prices is None or prices.open is None or prices.high is None or prices.low is None:
        return None
    return prices.open, prices.high, prices.low, prices.close


def daily_bar(name: str, row: Row) -> DailyBar | None:
    """A day's row, named by New York's midnight."""
    start_ns, prices, volume = exact_ns(row.t), _prices(row), number(row.v)
    if start_ns is None or prices is None or volume is None or not 0 <= volume < 1e13:
        return None
    session = new_york_day(start_ns)
    return DailyBar(name, session, *prices, int(volume)) if is_session(session) else None


def minute_quote(name: str, row: Row) -> Quote | None:
    """A minute's row as a quote at its end."""
    start_ns, prices = exact_ns(row.t), _prices(row)
    if start_ns is None or prices is None:
        return None
    _, high, low, close = prices
    return bar(name, start_ns, close, high, low, number(row.v))


def _latest(name: str, trade: _Trade | None) -> Quote | None:
    role = role_of(trade.c, trade.z) if trade is not None else None
    if trade is None or role is None or role == Role.SIZE:
        return None
    ts_ns, last = exact_ns(trade.t), price(trade.p)
    trade_id = trade.i if isinstance(trade.i, int) and 0 <= trade.i < 2**63 else 0
    if ts_ns is None or last is None:
        return None
    return Quote(name, ts_ns, last, trade_id, shares(number(trade.s)), role=role)


def seen(name: str, snapshot: Snapshot, now_ns: int) -> Seen:
    """What a snapshot says of a symbol at this instant."""
    minute = minute_quote(name, snapshot.minute_bar) if snapshot.minute_bar is not None else None
    if minute is not None and minute.ts_ns > now_ns:
        minute = None
    previous, day = snapshot.prev_daily_bar, snapshot.daily_bar
    return Seen(
        _latest(name, snapshot.latest_trade) or minute,
        minute,
        daily_bar(name, previous) if previous is not None else None,
        daily_bar(name, day) if day is not None else None,
    )
