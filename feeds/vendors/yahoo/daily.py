"""Daily history from Yahoo's chart API: keyless, unofficial, refuses bursts and long lists.

Closes are split-adjusted; ``adjclose`` is dividend-adjusted too, as of the day of the answer.
"""

from __future__ import annotations

import math
from datetime import datetime, time
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import msgspec

from feeds.errors import SourceError
from feeds.history.daily import Bars, OneByOne, Row, settled
from feeds.http.download import download
from feeds.http.exchange import Request
from feeds.parsing.symbols import yahoo_symbol
from feeds.parsing.wire import address
from feeds.vendors.yahoo.address import HOME, PATH
from feeds.vendors.yahoo.chart import Chart, parse_chart
from rotation.quote import NS
from rotation.sessions import NEW_YORK, close_ns, is_session, new_york_day, to_ns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from feeds.http.client import HttpClient

GAP_S = 0.5
"""Between two requests; 2,100 symbols take 18 minutes."""
_SPLIT_DAYS = 15
"""Splits of so many calendar days are checked against the closes around them."""
_SPLIT_LEAST = 1.25
"""A smaller ratio cannot be distinguished from a day's move."""


def parse(data: bytes, symbol: str, *, since: date, through: date, known_ns: int) -> Bars:
    """A chart answer of this symbol, as far as it is settled at ``known_ns``.

    The row of a day whose last trade Yahoo dates before that day's closing bell is still forming (or the
    answer is an old one): it is left out, whatever the clock says. Raises SourceError if the answer is
    an error, another symbol, of uneven columns, without a settled close, or holds a recent split that the
    days before it do not show yet.
    """
    chart = parse_chart(data)
    if chart.symbol.upper() != yahoo_symbol(symbol):
        raise SourceError(f"Yahoo: an answer for another symbol, not {symbol}")
    rows = _final_rows(chart, known_ns)
    bars = settled(symbol, rows, since=since, through=through, known_ns=known_ns, source="Yahoo")
    splits = list(_recent_splits(chart, known_ns))
    _check_splits(splits, bars)
    last: date = bars.frame["date"][-1]
    return msgspec.structs.replace(bars, restating=any(day > last for day, _ in splits))


def _final_rows(chart: Chart, known_ns: int) -> list[Row]:
    """Rows in Yahoo's order, the appended one of the last trade last; a live day's are left out."""
    live = _live_day(chart.traded_ns, known_ns)
    rows: list[Row] = []
    for row in chart.rows:
        day = new_york_day(row.ts_ns) if row.ts_ns is not None else None
        if day is not None and day != live and row.close is not None:
            rows.append((day, row.close, row.adj_close, row.open, row.high, row.low, row.volume))
    return rows


def _live_day(traded_ns: int | None, known_ns: int) -> date | None:
    """The day whose row is not final: today's, unless the last trade is of the closing bell or later."""
    today = new_york_day(known_ns)
    if traded_ns is not None and is_session(today) and traded_ns >= close_ns(today):
        return None
    return today


def _recent_splits(chart: Chart, known_ns: int) -> Iterator[tuple[date, float]]:
    """Day and ratio (4.0 for four shares from one) of the splits around now that no move explains."""
    for split in chart.splits:
        is_recent = known_ns - split.ts_ns <= _SPLIT_DAYS * 86_400 * NS
        if is_recent and max(split.ratio, 1 / split.ratio) >= _SPLIT_LEAST:
            yield new_york_day(split.ts_ns), split.ratio


def _check_splits(splits: list[tuple[date, float]], bars: Bars) -> None:
    """Raise SourceError where a split stands in the list but not yet in the closes before it."""
    closes = bars.frame.select("date", "close").drop_nulls()
    for day, ratio in splits:
        before = closes.filter(closes["date"] < day)["close"]
        since = closes.filter(closes["date"] >= day)["close"]
        if before.len() and since.len():
            jump = math.log(before[-1] / since[0])
            if abs(jump - math.log(ratio)) < abs(jump):
                raise SourceError(f"Yahoo: closes before the split of {day} are not adjusted yet")


class YahooDaily(OneByOne):
    """``ROTATION_TUI_YAHOO_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Yahoo"
    restates = True

    def __init__(self, client: HttpClient) -> None:
        """``client`` paces; see GAP_S."""
        self._client = client
        self._url = address("YAHOO", "REST", HOME) + PATH

    async def _bars_of(self, symbol: str, since: date, through: date) -> Bars:
        query = {
            "period1": str(_midnight_s(since)),
            # Days further on: a split of tomorrow morning is listed then, and the last day is never cut.
            "period2": str(_midnight_s(through) + 3 * 86_400),
            "interval": "1d",
            "includePrePost": "false",
            "events": "div,splits",
        }
        url = httpx.URL(self._url + quote(yahoo_symbol(symbol), safe=""), params=query)
        body = await download(self._client, Request(url), "Yahoo")
        return parse(body.data, symbol, since=since, through=through, known_ns=body.known_ns)


def _midnight_s(day: date) -> int:
    return to_ns(datetime.combine(day, time(), NEW_YORK)) // NS
