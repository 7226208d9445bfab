"""Answers of Massive's REST interface as Quotes: the snapshot of many symbols, minute bars of one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import instant, quote, sifted
from feeds.parsing.wire import decode
from feeds.vendors.massive.frames import BAR_SEQ, NOT_LAST, Loose, numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.quote import Quote

MINUTE_NS = 60_000_000_000
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


class _Ticker(msgspec.Struct):
    ticker: Loose = None
    lastTrade: _Trade | None = None  # noqa: N815
    min: _Bar | None = None


class _Snapshot(msgspec.Struct):
    tickers: list[_Ticker]


class _Bars(msgspec.Struct):
    results: list[_Bar] | None = None


def parse_snapshot(data: bytes) -> list[Quote]:
    """The newest price of each symbol; one that has none is left out. Raises SourceError."""
    answer = decode(data, _Snapshot, "Massive snapshot")
    return list(sifted(_newest(ticker) for ticker in answer.tickers)[0])


def _newest(ticker: _Ticker) -> Quote | str:
    trade = ticker.lastTrade
    if trade is not None and not numbers(trade.c) & NOT_LAST:
        ts_ns = instant(trade.t)
        # The stream has milliseconds, this has nanoseconds: cut, so that the same trade is not a newer one.
        # Without its size, which the stream may have counted already.
        newest = quote(ticker.ticker, ts_ns - ts_ns % _MS if ts_ns else None, trade.p)
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
