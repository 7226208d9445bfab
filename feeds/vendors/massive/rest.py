"""Answers of Massive's REST interface as Quotes: the snapshot of many symbols, minute bars of one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import instant, price, quote, sifted, symbol
from feeds.parsing.wire import Loose, decode, number
from feeds.vendors.massive.frames import BAR_SEQ, numbers, role_of
from rotation.quote import MINUTE_NS, Role, is_other_scale

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from rotation.quote import Quote

DELAYED = "DELAYED"
"""``status`` of an answer to a plan whose prices are 15 minutes late."""
_MS = 1_000_000


class _Trade(msgspec.Struct):
    p: Loose = None
    c: Loose = None
    t: Loose = None


class _Bar(msgspec.Struct):
    h: Loose = None
    l: Loose = None  # noqa: E741
    c: Loose = None
    v: Loose = None
    t: Loose = None


class _Day(msgspec.Struct):
    c: Loose = None


class _Ticker(msgspec.Struct):
    ticker: Loose = None
    prevDay: _Day | None = None  # noqa: N815
    lastTrade: _Trade | None = None  # noqa: N815
    min: _Bar | None = None


class _Snapshot(msgspec.Struct):
    tickers: list[_Ticker]
    status: Loose = None


class _Split(msgspec.Struct):
    ticker: Loose = None
    execution_date: Loose = None
    split_from: Loose = None
    split_to: Loose = None


class _Splits(msgspec.Struct):
    results: list[_Split] | None = None


class _Bars(msgspec.Struct):
    results: list[_Bar] | None = None


def parse_snapshot(data: bytes) -> list[Quote]:
    """The newest price of each symbol; one that has none is left out. Raises SourceError."""
    return _quotes(decode(data, _Snapshot, "Massive snapshot"))


def parse_timely(data: bytes) -> tuple[list[Quote], bool]:
    """The same, and whether they are real-time: not where the plan is late. Raises SourceError."""
    answer = decode(data, _Snapshot, "Massive snapshot")
    return _quotes(answer), answer.status != DELAYED


def _quotes(answer: _Snapshot) -> list[Quote]:
    return list(sifted(_newest(ticker) for ticker in answer.tickers)[0])


def parse_previous(data: bytes) -> dict[str, float]:
    """Yesterday's close of each symbol that has one, as the snapshot gives it. Raises SourceError.

    One far from the newest price is left out: a crash, or the other scale of a split that no list names.
    """
    closes: dict[str, float] = {}
    for ticker in decode(data, _Snapshot, "Massive snapshot").tickers:
        name, newest = symbol(ticker.ticker), _newest(ticker)
        close = price(ticker.prevDay.c) if ticker.prevDay is not None else None
        far = close is not None and not isinstance(newest, str) and is_other_scale(newest.price, close)
        if name and close is not None and not far:
            closes[name] = close
    return closes


def parse_splits(day: date) -> Callable[[bytes], dict[str, float]]:
    """A parser of the splits of a day: new shares for an old one, by symbol. It raises SourceError."""

    def parse(data: bytes) -> dict[str, float]:
        ratios: dict[str, float] = {}
        for split in decode(data, _Splits, "Massive splits").results or ():
            name, old, new = symbol(split.ticker), number(split.split_from), number(split.split_to)
            if name and split.execution_date == day.isoformat() and old and new and min(old, new) > 0:
                ratios[name] = new / old
        return ratios

    return parse


def _newest(ticker: _Ticker) -> Quote | str:
    trade = ticker.lastTrade
    role = role_of(numbers(trade.c)) if trade is not None else Role.SIZE
    if trade is not None and role != Role.SIZE:
        ts_ns = instant(trade.t)
        # The stream has milliseconds, this has nanoseconds: cut, so that the same trade is not a newer one.
        # Without its size, which the stream may have counted already.
        newest = quote(ticker.ticker, ts_ns - ts_ns % _MS if ts_ns else None, trade.p, role=role)
        if not isinstance(newest, str):
            return newest
    bar = ticker.min or _Bar()
    # Told as a bar: while it forms, its end is ahead of its close, and nothing may take it for a print.
    return quote(ticker.ticker, _ends_ns(bar), bar.c, seq=BAR_SEQ, bar_ns=MINUTE_NS)


def parse_bars(name: str) -> Callable[[bytes], list[Quote]]:
    """A parser of one symbol's minute bars, as quotes at their end. It raises SourceError."""

    def parse(data: bytes) -> list[Quote]:
        answer = decode(data, _Bars, "Massive bars")
        bars = answer.results or []
        return list(
            sifted(
                quote(
                    name,
                    _ends_ns(bar),
                    bar.c,
                    bar.v,
                    seq=BAR_SEQ,
                    high=bar.h or 0,
                    low=bar.l or 0,
                    bar_ns=MINUTE_NS,
                )
                for bar in bars
            )[0]
        )

    return parse


def _ends_ns(bar: _Bar) -> int | None:
    starts_ns = instant(bar.t)
    return None if starts_ns is None else starts_ns + MINUTE_NS
