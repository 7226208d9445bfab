"""Yahoo's chart of one-minute bars: today's path of a symbol, and its last trade."""

from __future__ import annotations

import msgspec

from feeds.errors import SourceError
from feeds.parsing.wire import decode, instant_ns, number
from rotation.quote import NS, Quote

BAR_NS = 60 * NS


class Minutes(msgspec.Struct, frozen=True):
    """One symbol's."""

    last: Quote
    bars: tuple[Quote, ...]
    """At their end, in order. The last one may still be forming: its end is ahead of the clock."""


class _Meta(msgspec.Struct, rename="camel"):
    symbol: str
    regular_market_price: object = None
    regular_market_time: object = None


class _Columns(msgspec.Struct):
    close: list[object] = []
    high: list[object] = []
    low: list[object] = []
    volume: list[object] = []


class _Indicators(msgspec.Struct):
    quote: list[_Columns] = []


class _Result(msgspec.Struct):
    meta: _Meta
    timestamp: list[object] | None = None
    indicators: _Indicators | None = None


class _Chart(msgspec.Struct):
    result: list[_Result] | None = None


class _Answer(msgspec.Struct):
    chart: _Chart


def parse_minutes(body: bytes, symbol: str, named: str) -> Minutes:
    """A chart answer, for a symbol that Yahoo writes as ``named``.

    Raises SourceError for another symbol's, or without a last trade.
    """
    found = decode(body, _Answer, "Yahoo").chart.result
    if not found or found[0].meta.symbol != named:
        raise SourceError("Yahoo: an answer for another symbol")
    meta = found[0].meta
    ts_ns, price = instant_ns(meta.regular_market_time), number(meta.regular_market_price)
    if ts_ns is None or price is None:
        raise SourceError("Yahoo: no last trade in the answer")
    bars = [bar for bar in _bars(found[0], symbol) if bar is not None]
    return Minutes(Quote(symbol, ts_ns, price), tuple(sorted(bars, key=lambda bar: bar.ts_ns)))


def _bars(result: _Result, symbol: str) -> list[Quote | None]:
    columns = result.indicators.quote[0] if result.indicators and result.indicators.quote else _Columns()
    rows = (result.timestamp or [], columns.close, columns.high, columns.low, columns.volume)
    if len({len(row) for row in rows}) != 1:
        raise SourceError("Yahoo: columns of different length")
    return [_bar(symbol, row) for row in zip(*rows, strict=True)]


def _bar(symbol: str, row: tuple[object, ...]) -> Quote | None:
    """None where a minute had no trade, and for the row of the last trade, which is no whole minute."""
    start, *figures = row
    start_ns, (price, high, low, volume) = instant_ns(start), map(number, figures)
    if start_ns is None or price is None or start_ns % BAR_NS:
        return None
    return Quote(symbol, start_ns + BAR_NS, price, 0, int(volume or 0), high, low, BAR_NS)
