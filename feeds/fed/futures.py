"""Fed funds futures from Yahoo: the chart API for closes, stream frames for prices. Keyless, unofficial.

No expired contracts; ``ZQ=F`` is only the front month, so contracts are named one by one.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from feeds.clock import wall_ns
from feeds.errors import SourceError
from feeds.fed.strip import CODES, Strip, StripQuote, code, in_order, months_ahead, usable
from feeds.parsing.wire import address, instant_ns
from feeds.vendors.yahoo.address import HOME, PATH
from feeds.vendors.yahoo.chart import parse_chart
from rotation.fed.prices import settled_ns
from rotation.sessions import NEW_YORK, from_ns, new_york_day
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched
    from feeds.vendors.yahoo.chart import Chart as YahooChart
    from feeds.vendors.yahoo.frames import PricingData
    from rotation.fed.strip.contracts import Month

MONTHS = 19
"""To the end of next year and a little beyond: the meetings of the published horizon."""
FRESH_S = 120.0
LAST_SETTLE_DAYS = 7
"""Of a month in which the month before is asked for too: its last settlement is told after it has ended."""
_FUTURE = 18
_SYMBOL = re.compile(rf"ZQ([{CODES}])(\d\d)\.CBT", re.ASCII)


class Close(msgspec.Struct, frozen=True):
    """One settled day of a contract."""

    session: date
    price: float


class Chart(msgspec.Struct, frozen=True):
    """One contract's history and its last trade."""

    year: int
    month: int
    closes: tuple[Close, ...]
    """Days that are over, in order; the live row is not among them."""
    price: float | None
    ts_ns: int | None
    source: str = "Yahoo"

    @property
    def quote(self) -> StripQuote:
        """As a contract of the strip."""
        last = self.closes[-1] if self.closes else None
        return StripQuote(
            year=self.year,
            month=self.month,
            price=self.price,
            settle=last.price if last else None,
            settle_date=last.session if last else None,
            ts_ns=self.ts_ns,
            source=self.source,
        )


def symbol(year: int, month: int) -> str:
    """``ZQZ26.CBT`` for December 2026."""
    return f"{code(year, month)}.CBT"


def contract(name: str) -> tuple[int, int] | None:
    """Year and month of such a symbol; None for any other."""
    match = _SYMBOL.fullmatch(name)
    return (2000 + int(match[2]), CODES.index(match[1]) + 1) if match else None


def parse(data: bytes, *, as_of_ns: int | None = None) -> Chart:
    """A chart answer. Raises SourceError if it is an error, another symbol, or holds no price at all.

    A day is settled once its successor has begun: by the last trade's own time, or by ``as_of_ns``. The
    row that Yahoo appends while the market is open is never one.
    """
    chart = parse_chart(data)
    named = contract(chart.symbol)
    if named is None:
        raise SourceError("Yahoo: an answer for another symbol")
    price = usable(chart.price)
    closes = _closes(chart, as_of_ns)
    if price is None and not closes:
        raise SourceError(f"Yahoo: no usable price for {symbol(*named)}")
    return Chart(*named, closes, price, chart.traded_ns if price is not None else None)


def _closes(chart: YahooChart, as_of_ns: int | None) -> tuple[Close, ...]:
    zone = _zone(chart.zone)
    known = [ts_ns for ts_ns in (chart.traded_ns, as_of_ns) if ts_ns is not None]
    if not known:
        return ()  # without a time of the last trade nothing can be called over
    today = from_ns(max(known)).astimezone(zone).date()
    closes: dict[date, float] = {}
    # The appended row carries the last trade's own time; it only stands in where a day has no other, and
    # never when that trade came before the settlement: an answer kept from noon must not settle the day.
    for row in sorted(chart.rows, key=lambda row: row.ts_ns == chart.traded_ns):
        price = usable(row.close)
        if row.ts_ns is None or price is None:
            continue
        session = from_ns(row.ts_ns).astimezone(zone).date()
        if session < today:
            if row.ts_ns != chart.traded_ns:
                closes[session] = price
            elif row.ts_ns >= settled_ns(session):
                closes.setdefault(session, price)
    return tuple(Close(session, closes[session]) for session in sorted(closes))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name) if name else NEW_YORK
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return NEW_YORK


def from_frame(data: PricingData) -> StripQuote | None:
    """A stream frame as a contract of the strip; None for a heartbeat or another instrument."""
    named = contract(data.id)
    price = usable(data.price)
    if named is None or price is None or data.quote_type not in {0, _FUTURE}:
        return None
    bid, ask = usable(data.bid), usable(data.ask)
    return StripQuote(
        year=named[0],
        month=named[1],
        price=price,
        bid=bid,
        ask=ask,
        ts_ns=instant_ns(data.time_ms),
        source="Yahoo",
    )


class YahooStrip:
    """``ROTATION_TUI_YAHOO_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Yahoo"

    def __init__(
        self, http: CachedClient, *, months: int = MONTHS, clock_ns: Callable[[], int] = wall_ns
    ) -> None:
        """``months``: contracts from the current one on."""
        self._http = http
        self._months = months
        self._clock_ns = clock_ns
        self._url = address("YAHOO", "REST", HOME) + PATH
        self.charts: dict[tuple[int, int], Chart] = {}
        """Histories by contract, for the store of settlements."""

    async def refresh(self) -> Strip:
        """Ask for every contract, one after the other: this source bars those who ask in bursts.

        ``charts`` gets the month that has just ended too, where it is told: its last settlement is an anchor.
        """
        today = new_york_day(self._clock_ns())
        wanted = months_ahead(today.year, today.month, self._months)
        got = {month: await self._chart(month) for month in wanted}
        charts = {month: answer.value for month, answer in got.items() if answer.value is not None}
        quotes = in_order(chart.quote for chart in charts.values())
        ended = await self._ended(today)
        self.charts = charts | ended  # one that failed for the first time is missing, and its error says so
        errors = tuple(f"{code(*month)}: {answer.error}" for month, answer in got.items() if answer.error)
        if not charts:
            return Strip(quotes, Kind.OFFLINE, errors)
        oldest = max(got.values(), key=lambda answer: answer.age_s or 0.0)
        return Strip(quotes, oldest.kind, errors, oldest.age_s)

    async def _ended(self, today: date) -> dict[Month, Chart]:
        """The month before in the first days of a month; nothing, and no error, where it is dropped."""
        if today.day > LAST_SETTLE_DAYS:
            return {}
        before = today.replace(day=1) - timedelta(days=1)
        month = before.year, before.month
        chart = (await self._chart(month)).value
        return {} if chart is None else {month: chart}

    async def _chart(self, month: tuple[int, int]) -> Fetched[Chart]:
        def parsed(data: bytes) -> Chart:
            chart = parse(data, as_of_ns=self._clock_ns())
            if (chart.year, chart.month) != month:
                raise SourceError("Yahoo: an answer for another symbol")
            return chart

        return await self._http.get(
            self._url + symbol(*month),
            parse=parsed,
            params={"range": "1mo", "interval": "1d", "includePrePost": "false"},
            fresh_s=FRESH_S,
        )
