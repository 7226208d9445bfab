"""Daily history from Yahoo's chart API: keyless, unofficial, refuses bursts and long lists.

Closes are split-adjusted; ``adjclose`` is dividend-adjusted too, as of the day of the answer.
"""

from __future__ import annotations

import math
from datetime import datetime, time
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from feeds.errors import SourceError
from feeds.history.daily import Answer, Bars, one_by_one, settled
from feeds.parsing.sanitize import clean
from feeds.parsing.symbols import yahoo_symbol
from feeds.parsing.wire import address, decode, instant_ns, number
from feeds.vendors.yahoo.address import HOME, PATH
from rotation.quote import NS
from rotation.sessions import NEW_YORK, close_ns, is_session, new_york_day, to_ns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from feeds.http.paced import PacedClient

GAP_S = 0.5
"""Between two requests; 2,100 symbols take 18 minutes."""
_SPLIT_DAYS = 15
"""Splits of so many calendar days are checked against the closes around them."""
_SPLIT_LEAST = 1.25
"""A smaller ratio cannot be told from a day's move."""
Loose = object
"""A figure, null, or missing."""


class _Meta(msgspec.Struct, rename="camel"):
    symbol: str
    regular_market_time: Loose = None


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


def parse(data: bytes, symbol: str, *, since: date, through: date, known_ns: int) -> Bars:
    """A chart answer of this symbol, as far as it is settled at ``known_ns``.

    The row of a day whose last trade Yahoo dates before that day's closing bell is still forming (or the
    answer is an old one): it is left out, whatever the clock says. Raises SourceError if the answer is
    an error, another symbol, of uneven columns, without a settled close, or holds a recent split that the
    days before it do not show yet.
    """
    chart = decode(data, _Answer, "Yahoo").chart
    if not chart.result:
        told = clean(chart.error.description or "", 80) if chart.error else ""
        raise SourceError(f"Yahoo: {told or 'no result in the answer'}")
    result = chart.result[0]
    if result.meta.symbol.upper() != yahoo_symbol(symbol):
        raise SourceError(f"Yahoo: an answer for another symbol than {symbol}")
    bars = settled(
        symbol, _rows(result, known_ns), since=since, through=through, known_ns=known_ns, source="Yahoo"
    )
    splits = list(_recent_splits(result, known_ns))
    _check_splits(splits, bars)
    last: date = bars.frame["date"][-1]
    return msgspec.structs.replace(bars, restating=any(day > last for day, _ in splits))


def _rows(result: _Result, known_ns: int) -> list[tuple[object, ...]]:
    """Rows in the order of Yahoo, the appended one of the last trade last; a live day's are left out."""
    times = result.timestamp or []
    quotes = result.indicators.quote if result.indicators else []
    quote_ = quotes[0] if quotes else _Quote()
    adjusted = result.indicators.adjclose if result.indicators else []
    more = (adjusted[0].adjclose if adjusted else [], quote_.open, quote_.high, quote_.low, quote_.volume)
    columns = [quote_.close, *(column or [None] * len(times) for column in more)]
    if any(len(column) != len(times) for column in columns):
        raise SourceError("Yahoo: columns of different length")
    live = _live_day(instant_ns(result.meta.regular_market_time), known_ns)
    rows: list[tuple[object, ...]] = []
    for stamp, *cells in zip(times, *columns, strict=True):
        ts_ns = instant_ns(stamp)
        day = new_york_day(ts_ns) if ts_ns is not None else None
        if day is not None and day != live and cells[0] is not None:
            rows.append((day, *map(number, cells)))
    return rows


def _live_day(traded_ns: int | None, known_ns: int) -> date | None:
    """The day whose row is not final: today's, unless the last trade is of the closing bell or later."""
    today = new_york_day(known_ns)
    if traded_ns is not None and is_session(today) and traded_ns >= close_ns(today):
        return None
    return today


def _recent_splits(result: _Result, known_ns: int) -> Iterator[tuple[date, float]]:
    """Day and ratio (4.0 for four shares from one) of the splits around now."""
    for split in (result.events.splits if result.events else {}).values():
        ts_ns, up, down = instant_ns(split.date), number(split.numerator), number(split.denominator)
        if ts_ns is None or up is None or down is None or min(up, down) <= 0:
            continue
        if known_ns - ts_ns <= _SPLIT_DAYS * 86_400 * NS and max(up / down, down / up) >= _SPLIT_LEAST:
            yield new_york_day(ts_ns), up / down


def _check_splits(splits: list[tuple[date, float]], bars: Bars) -> None:
    """Raise SourceError where a split stands in the list but not yet in the closes before it."""
    closes = bars.frame.select("date", "close").drop_nulls()
    for day, ratio in splits:
        before = closes.filter(closes["date"] < day)["close"]
        since = closes.filter(closes["date"] >= day)["close"]
        if before.len() and since.len():
            jump = math.log(before[-1] / since[0])
            if abs(jump - math.log(ratio)) < abs(jump):
                raise SourceError(f"Yahoo: its closes before the split of {day} are not adjusted yet")


class YahooDaily:
    """``ROTATION_TUI_YAHOO_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Yahoo"

    def __init__(self, client: PacedClient) -> None:
        """``client`` paces; see GAP_S."""
        self._client = client
        self._url = address("YAHOO", "REST", HOME) + PATH

    def serves(self, symbol: str) -> bool:  # noqa: ARG002 - of the protocol
        """Shares, funds and indices alike."""
        return True

    def at_once(self, sessions: int) -> int:  # noqa: ARG002 - of the protocol
        """A request holds one symbol."""
        return 1

    async def daily(self, symbols: Sequence[str], since: date, through: date) -> Mapping[str, Answer]:
        """See feeds.history.daily.DailySource."""
        return await one_by_one(symbols, lambda symbol: self._one(symbol, since, through))

    async def _one(self, symbol: str, since: date, through: date) -> Bars:
        body = await self._client.get(
            self._url + quote(yahoo_symbol(symbol), safe=""),
            {
                "period1": str(_midnight_s(since)),
                # Days further on: a split of tomorrow morning is listed then, and the last day is never cut.
                "period2": str(_midnight_s(through) + 3 * 86_400),
                "interval": "1d",
                "includePrePost": "false",
                "events": "div,splits",
            },
        )
        return parse(body.data, symbol, since=since, through=through, known_ns=body.known_ns)


def _midnight_s(day: date) -> int:
    return to_ns(datetime.combine(day, time(), NEW_YORK)) // NS
