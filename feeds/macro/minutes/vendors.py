"""Who has bars of the minutes around a publication, of which days, and how they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from feeds.errors import SourceError
from feeds.http.failure import RequestError
from feeds.parsing.rows import bar_prices
from feeds.parsing.symbols import dotted_symbol, yahoo_symbol
from feeds.parsing.wire import address
from feeds.vendors.alpaca.daily import FIRST
from feeds.vendors.alpaca.rest import FREE_LAG_NS
from feeds.vendors.yahoo.address import HOME, PATH
from feeds.vendors.yahoo.chart import parse_chart
from rotation.desk import is_index
from rotation.macro.release_days import AFTER, BEFORE
from rotation.quote import MINUTE_NS, NS
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from feeds.http.cached import CachedClient
    from feeds.vendors.alpaca.rest import AlpacaRest

Closes = tuple[tuple[int, float], ...]
"""(minute of the bar's end after the publication, close), oldest first."""
EARLIER = 15
"""Minutes asked for before the first one shown: a price holds for ten."""
DAY_NS = 86_400 * NS
YAHOO_REACH = ((1, 29 * DAY_NS), (5, 59 * DAY_NS))
"""Minutes of a bar, and for how long Yahoo has such bars: 30 and 60 days, less one for the clock's zone."""


class BarVendor(Protocol):
    """One vendor's bars around publications."""

    name: str
    reach: str
    """Of which days it has bars, in words."""

    def serves(self, symbol: str) -> bool:
        """Whether it has this symbol."""
        ...

    def step_min(self, at_ns: int, now_ns: int) -> int | None:
        """Minutes of the bars that it has of a publication; None where it has none by now."""
        ...

    async def bars(self, symbols: Sequence[str], at_ns: int, now_ns: int) -> Mapping[str, Closes]:
        """The whole bars up to ``now_ns``, by symbol; nothing of one without a trade. Raises SourceError."""
        ...


def first_ns(at_ns: int) -> int:
    """Where bars are asked from."""
    return at_ns - (BEFORE + EARLIER) * MINUTE_NS


def last_ns(at_ns: int) -> int:
    """Where the last bar ends."""
    return at_ns + AFTER * MINUTE_NS


class YahooBars:
    """``ROTATION_TUI_YAHOO_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Yahoo"
    reach = "Yahoo has minutes of the last 30 days, and five minutes of 60"

    def __init__(self, http: CachedClient) -> None:
        self._client = http.client
        self._url = address("YAHOO", "REST", HOME) + PATH

    def serves(self, symbol: str) -> bool:
        """Any."""
        del symbol
        return True

    def step_min(self, at_ns: int, now_ns: int) -> int | None:
        """See BarVendor."""
        return next((step for step, reach_ns in YAHOO_REACH if now_ns - at_ns < reach_ns), None)

    async def bars(self, symbols: Sequence[str], at_ns: int, now_ns: int) -> Mapping[str, Closes]:
        """A request a symbol. See BarVendor."""
        step = self.step_min(at_ns, now_ns)
        made: dict[str, Closes] = {}
        for symbol in symbols if step else ():
            params = {
                "period1": str(first_ns(at_ns) // NS),
                "period2": str(last_ns(at_ns) // NS),
                "interval": f"{step}m",
                "includePrePost": "true",
            }
            named = yahoo_symbol(symbol)

            def parsed(body: bytes, named: str = named, step: int = step or 1) -> Closes:
                return parse_yahoo(body, named, at_ns, now_ns, step)

            try:
                made[symbol] = await self._client.get(
                    self._url + quote(named, safe=""), parse=parsed, params=params
                )
            except RequestError as failure:
                raise SourceError(f"Yahoo: {failure}") from failure
        return {symbol: closes for symbol, closes in made.items() if closes}


def parse_yahoo(body: bytes, named: str, at_ns: int, now_ns: int, step_min: int) -> Closes:
    """The whole bars of a chart in the minutes of a publication; rows without a price are left out.

    Raises SourceError for what is no chart, or another symbol's.
    """
    chart = parse_chart(body)
    if chart.symbol.upper() != named.upper():
        raise SourceError("an answer for another symbol")
    step_ns = step_min * MINUTE_NS
    closes: dict[int, float] = {}
    for row in chart.rows:
        prices = bar_prices(row.close, high=row.high, low=row.low)
        # The row of the last trade has that trade's time, and is no whole bar.
        if row.ts_ns is None or prices is None or row.ts_ns % step_ns:
            continue
        end_ns = row.ts_ns + step_ns
        if first_ns(at_ns) < end_ns <= min(last_ns(at_ns), now_ns):
            closes[(end_ns - at_ns) // MINUTE_NS] = prices.close
    return tuple(sorted(closes.items()))


class AlpacaBars:
    """The consolidated tape's minutes, which the free plan has too, a quarter of an hour late."""

    name = "Alpaca"
    reach = "Alpaca has minutes since 2016, of shares and funds alone"

    def __init__(self, rest: AlpacaRest) -> None:
        """``rest``: of the feed delayed_sip."""
        self._rest = rest

    def serves(self, symbol: str) -> bool:
        """Shares and funds; it has no indices."""
        return not is_index(symbol)

    def step_min(self, at_ns: int, now_ns: int) -> int | None:
        """See BarVendor."""
        is_there = new_york_day(at_ns) >= FIRST and now_ns - FREE_LAG_NS > first_ns(at_ns) + MINUTE_NS
        return 1 if is_there else None

    async def bars(self, symbols: Sequence[str], at_ns: int, now_ns: int) -> Mapping[str, Closes]:
        """One request. See BarVendor."""
        names = {dotted_symbol(symbol): symbol for symbol in symbols}
        made: dict[str, dict[int, float]] = {}
        end_ns = min(last_ns(at_ns), now_ns)
        for each in await self._rest.minute_bars(names, first_ns(at_ns), end_ns):
            if each.symbol in names and each.ts_ns % MINUTE_NS == 0:
                minute = (each.ts_ns - at_ns) // MINUTE_NS
                made.setdefault(names[each.symbol], {})[minute] = each.price
        return {symbol: tuple(sorted(closes.items())) for symbol, closes in made.items()}
