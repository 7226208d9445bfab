"""Yahoo's chart answer, declared and parsed once; daily closes, minute bars and futures are views of it.

The API is keyless and unofficial. While a market is open it appends a row of the last trade, which carries
that trade's own time.
"""

from __future__ import annotations

import math

import msgspec

from feeds.errors import SourceError
from feeds.parsing.sanitize import clean
from feeds.parsing.wire import Loose, decode, instant_ns, number

DELAY_MAX_MIN = 60.0
"""No exchange's prices are later by contract."""


class ChartRow(msgspec.Struct, frozen=True, gc=False):
    """One row. A figure is None where Yahoo sent null, and NaN where it sent a non-number."""

    ts_ns: int | None
    """Start of the bar, or time of the last trade, UTC; None if it is not a valid instant."""
    close: float | None
    adj_close: float | None
    open: float | None
    high: float | None
    low: float | None
    volume: float | None


class Split(msgspec.Struct, frozen=True):
    """A split that Yahoo lists."""

    ts_ns: int
    ratio: float
    """4.0 for four shares from one."""


class Chart(msgspec.Struct, frozen=True):
    """One symbol's chart."""

    symbol: str
    """As Yahoo writes it."""
    price: float | None
    """Price of the last trade; None if it is not given as a number."""
    traded_ns: int | None
    """Time of the last trade, UTC."""
    zone: str
    """The exchange's time zone; empty where it is not given."""
    delay_min: float | None
    """Minutes by which Yahoo says its prices are late; None where it does not say."""
    rows: tuple[ChartRow, ...]
    splits: tuple[Split, ...]
    previous_close: float | None = None
    """The last close before the chart's first row; None where it is not given."""


def parse_chart(data: bytes) -> Chart:
    """A chart answer.

    Raises SourceError for Yahoo's own error, an answer without a result, and columns of different length.
    """
    chart = decode(data, _Answer, "Yahoo").chart
    if not chart.result:
        problem = clean(chart.error.description or "", 80) if chart.error else ""
        raise SourceError(f"Yahoo: {problem or 'no result in the answer'}")
    result = chart.result[0]
    meta = result.meta
    zone = meta.exchange_timezone_name
    return Chart(
        meta.symbol,
        number(meta.regular_market_price),
        instant_ns(meta.regular_market_time),
        zone if isinstance(zone, str) else "",
        _delay_min(meta),
        _rows(result),
        _splits(result),
        number(meta.chart_previous_close),
    )


class _Meta(msgspec.Struct, rename="camel"):
    symbol: str
    regular_market_price: Loose = None
    regular_market_time: Loose = None
    exchange_timezone_name: Loose = None
    exchange_data_delayed_by: Loose = None
    chart_previous_close: Loose = None


class _Split(msgspec.Struct):
    date: Loose = None
    numerator: Loose = None
    denominator: Loose = None


class _Events(msgspec.Struct):
    splits: dict[str, _Split] = {}


class _Quote(msgspec.Struct):
    close: list[Loose] = []
    open: list[Loose] = []
    high: list[Loose] = []
    low: list[Loose] = []
    volume: list[Loose] = []


class _Adjusted(msgspec.Struct):
    adjclose: list[Loose] = []


class _Indicators(msgspec.Struct):
    quote: list[_Quote] = []
    adjclose: list[_Adjusted] = []


class _Result(msgspec.Struct):
    meta: _Meta
    timestamp: list[Loose] | None = None
    events: _Events | None = None
    indicators: _Indicators | None = None


class _Problem(msgspec.Struct):
    description: str | None = None


class _Chart(msgspec.Struct):
    result: list[_Result] | None = None
    error: _Problem | None = None


class _Answer(msgspec.Struct):
    chart: _Chart


def _rows(result: _Result) -> tuple[ChartRow, ...]:
    times = result.timestamp or []
    indicators = result.indicators or _Indicators()
    bars = indicators.quote[0] if indicators.quote else _Quote()
    adjusted = indicators.adjclose[0].adjclose if indicators.adjclose else []
    # A column that is missing altogether is unknown; one of another length cannot be matched to the times.
    columns = [
        column or [None] * len(times)
        for column in (bars.close, adjusted, bars.open, bars.high, bars.low, bars.volume)
    ]
    if any(len(column) != len(times) for column in columns):
        raise SourceError("Yahoo: columns of different length")
    return tuple(
        ChartRow(instant_ns(stamp), *map(_figure, cells))
        for stamp, *cells in zip(times, *columns, strict=True)
    )


def _delay_min(meta: _Meta) -> float | None:
    delay = number(meta.exchange_data_delayed_by)
    return delay if delay is not None and 0 <= delay <= DELAY_MAX_MIN else None


def _figure(value: object) -> float | None:
    if value is None:
        return None
    figure = number(value)
    return math.nan if figure is None else figure


def _splits(result: _Result) -> tuple[Split, ...]:
    """Splits with a day and a positive ratio."""
    splits: list[Split] = []
    for split in (result.events.splits if result.events else {}).values():
        ts_ns, up, down = instant_ns(split.date), number(split.numerator), number(split.denominator)
        if ts_ns is not None and up is not None and down is not None and min(up, down) > 0:
            splits.append(Split(ts_ns, up / down))
    return tuple(splits)
