"""Alpaca's REST: daily bars of closed sessions (SIP), snapshots and minute bars to seed and to fill gaps.

The account has a number of calls a minute (200 on the free plan) and every answer says how many are left
and when they come back: nothing is asked before that. History leaves some to the live feed.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, TypeVar

import msgspec

from feeds.alpaca_frames import MINUTE_NS, SYMBOL, bar, exact_ns, sets_last
from feeds.alpaca_quota import Quota
from feeds.daily import SourceAway, last_settled
from feeds.errors import SourceError
from feeds.wire import address, decode, number
from rotation.sessions import NEW_YORK, from_ns, is_session, new_york_day
from rotation.ticks import Quote

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

    from feeds.alpaca_keys import AlpacaKeys
    from feeds.transport import Transport

T = TypeVar("T")

HOME = "https://data.alpaca.markets"
BARS, SNAPSHOTS = "/v2/stocks/bars", "/v2/stocks/snapshots"
AT_ONCE = 200
"""Symbols of one request: their names must fit into an address."""
ROWS = 10_000
"""Bars of one page, the vendor's most."""
PAGES_MAX = 60
"""Of one gap's minute bars: 30 symbols' whole week is 12."""
TRIES = 4
FREE_LAG_NS = 16 * MINUTE_NS
"""The free plan answers no question about consolidated prices of the last 15 minutes."""
AGAIN_S = 60.0
"""It is worth asking again so long after it failed."""
KEPT_FOR_LIVE = 20
"""Calls of a minute that history leaves to snapshots and gaps."""
_HISTORY_FEED = {"iex": "iex", "sip": "sip", "delayed_sip": "sip", "test": "iex"}
_LATEST_FEED = {"iex": "iex", "sip": "sip", "delayed_sip": "delayed_sip", "test": "iex"}
_TOKEN_MAX = 400
Loose = object
"""Whatever the peer sent."""


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
    """The session before, of the stream's own feed, not adjusted: another scale than history's is a split."""


class _Bar(msgspec.Struct):
    t: str = ""
    o: Loose = None
    h: Loose = None
    l: Loose = None  # noqa: E741 - the wire's own name
    c: Loose = None
    v: Loose = None


class _Bars(msgspec.Struct):
    bars: dict[str, list[_Bar] | None] | None
    next_page_token: str | None = None


class _Trade(msgspec.Struct):
    t: str = ""
    p: Loose = None
    s: Loose = None
    c: Loose = None
    i: Loose = None
    z: Loose = None


class _Snapshot(msgspec.Struct, rename="camel"):
    latest_trade: _Trade | None = None
    minute_bar: _Bar | None = None
    prev_daily_bar: _Bar | None = None


class AlpacaRest:
    """``ROTATION_TUI_ALPACA_REST_URL`` moves it. Raises InputError for a wrong address."""

    def __init__(
        self,
        keys: AlpacaKeys,
        transport: Transport,
        *,
        feed: str = "iex",
        clock_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``feed``: of the stream beside it; daily bars are the consolidated tape's in any case.

        For long histories give a transport without a cache folder: it keeps every answer.
        """
        self._keys = keys
        self._transport = transport
        self._feed = feed
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._quota = Quota()
        self._url = address("ALPACA", "REST", HOME)

    async def snapshots(self, symbols: Iterable[str]) -> dict[str, Seen]:
        """By symbol; one that Alpaca does not know is missing. Raises SourceError."""
        found: dict[str, Seen] = {}
        for names in _batches(symbols):
            params = {"symbols": ",".join(names), "feed": _LATEST_FEED[self._feed]}
            answer = await self._get(SNAPSHOTS, params, _snapshots, reserve=0)
            for name in names:
                snapshot = answer.get(name)
                if snapshot is not None:
                    found[name] = self._seen(name, snapshot)
        return found

    async def minute_bars(self, symbols: Iterable[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Minute bars as quotes at their end, in order of time.

        From the minute of ``start_ns`` to the last one that was over at ``end_ns``: one that still forms
        would stand later than the prints that follow it. Raises SourceError.
        """
        if self._feed == "delayed_sip":
            end_ns = min(end_ns, self._clock_ns() - FREE_LAG_NS)
        start_ns -= start_ns % MINUTE_NS
        quotes: list[Quote] = []
        params = {
            "timeframe": "1Min",
            "start": _rfc3339(start_ns),
            "end": _rfc3339(end_ns - MINUTE_NS),
            "adjustment": "raw",
            "feed": _HISTORY_FEED[self._feed],
        }
        for names in _batches(symbols) if start_ns + MINUTE_NS <= end_ns else ():
            pages = 0
            async for answer, _ in self._pages(names, params, token="", reserve=0):
                pages += 1
                if pages > PAGES_MAX:
                    raise SourceError("Alpaca: the gap holds more minutes than can be asked for")
                for name, row in _rows(answer, names):
                    quote = _minute(name, row)
                    if quote is not None and start_ns < quote.ts_ns <= end_ns:
                        quotes.append(quote)
        return tuple(sorted(quotes, key=lambda quote: quote.ts_ns))

    async def daily_bars(
        self, symbols: Iterable[str], start: date, end: date, *, resume: str = ""
    ) -> AsyncIterator[Page]:
        """Split-adjusted closed sessions from ``start`` to ``end``, both included, page after page.

        ``end`` is drawn back to the last settled session (``feeds.daily.last_settled``): a day that still
        forms never appears. ``resume``: of the last page that was kept, for the same symbols and dates.
        Raises SourceError; what was yielded before stands.
        """
        last = min(end, last_settled(self._clock_ns()))
        batches = _batches(symbols) if start <= last else []
        first, token = _place(resume, len(batches))
        params = {
            "timeframe": "1Day",
            # Bars are named by New York's midnight. A moment behind it is in the past whenever one asks,
            # which the free plan insists on.
            "start": _midnight(start),
            "end": _midnight(last),
            "adjustment": "split",
            "feed": "sip",
        }
        for place in range(first, len(batches)):
            names = batches[place]
            async for answer, after in self._pages(names, params, token=token, reserve=KEPT_FOR_LIVE):
                rows = [(name, row) for name, row in _rows(answer, names)]
                days = [_day(name, row) for name, row in rows]
                good = tuple(one for one in days if one is not None and start <= one.session <= last)
                behind = f"{place}:{after}" if after else f"{place + 1}:"
                more = bool(after) or place + 1 < len(batches)
                yield Page(good, days.count(None), behind if more else "")
            token = ""

    async def _pages(
        self, names: Sequence[str], params: dict[str, str], *, token: str, reserve: int
    ) -> AsyncIterator[tuple[_Bars, str]]:
        """Answers and what to ask the next with."""
        asked = params | {"symbols": ",".join(names), "limit": str(ROWS), "sort": "asc"}
        while True:
            answer = await self._get(BARS, asked | ({"page_token": token} if token else {}), _bars, reserve)
            after = answer.next_page_token or ""
            if len(after) > _TOKEN_MAX or not after.isascii() or not after.isprintable():
                raise SourceError("Alpaca: a page that names no usable next one")
            if after == token and after:
                raise SourceError("Alpaca: a page that follows itself")
            yield answer, after
            if not after:
                return
            token = after

    async def _get(self, path: str, params: dict[str, str], parse: Callable[[bytes], T], reserve: int) -> T:
        """One answer, waited for as the account's limit demands. Raises SourceError."""
        error = ""
        for _ in range(TRIES):
            wait_s = self._quota.wait_s(self._clock_ns(), reserve)
            if wait_s > 0:
                await self._sleep(wait_s)
            fetched = await self._transport.get(
                self._url + path,
                parse=parse,
                key="alpaca" + path.replace("/", "-"),
                params=params,
                headers=self._keys.headers(),
                seen=lambda status, headers: self._quota.heard(status, headers, self._clock_ns()),
            )
            # The transport keeps the last good answer, which was to another question.
            if fetched.value is not None and not fetched.error:
                return fetched.value
            error = fetched.error
            if self._quota.wait_s(self._clock_ns(), 0) <= 0:
                break
        if self._quota.status in {401, 403}:
            error = f"the keys are wrong, or the plan does not include these data (HTTP {self._quota.status})"
            raise SourceAway(f"Alpaca: {error}")
        raise SourceAway(f"Alpaca: {error}", after_s=AGAIN_S)

    def _seen(self, name: str, snapshot: _Snapshot) -> Seen:
        minute = _minute(name, snapshot.minute_bar) if snapshot.minute_bar is not None else None
        if minute is not None and minute.ts_ns > self._clock_ns():
            minute = None
        previous = snapshot.prev_daily_bar
        return Seen(
            _latest(name, snapshot.latest_trade) or minute,
            minute,
            _day(name, previous) if previous is not None else None,
        )


def _bars(data: bytes) -> _Bars:
    return decode(data, _Bars, "Alpaca")


def _snapshots(data: bytes) -> dict[str, _Snapshot | None]:
    return decode(data, dict[str, _Snapshot | None], "Alpaca")


def _batches(symbols: Iterable[str]) -> list[list[str]]:
    """In one order for the same symbols, so that a place in it can be resumed; names Alpaca can know only."""
    names = sorted({symbol for symbol in symbols if SYMBOL.fullmatch(symbol)})
    return [names[place : place + AT_ONCE] for place in range(0, len(names), AT_ONCE)]


def _rows(answer: _Bars, names: Sequence[str]) -> list[tuple[str, _Bar]]:
    """Only what was asked for, whatever else was sent."""
    told = answer.bars or {}
    return [(name, row) for name in names for row in (told.get(name) or ())[:ROWS]]


def _prices(row: _Bar) -> tuple[float, float, float, float] | None:
    found = tuple(number(value) for value in (row.o, row.h, row.l, row.c))
    opened, high, low, close = found
    if opened is None or high is None or low is None or close is None:
        return None
    if not 0 < low <= min(opened, close) <= max(opened, close) <= high:
        return None
    return opened, high, low, close


def _day(name: str, row: _Bar) -> DailyBar | None:
    start_ns, prices, volume = exact_ns(row.t), _prices(row), number(row.v)
    if start_ns is None or prices is None or volume is None or not 0 <= volume < 1e13:
        return None
    session = new_york_day(start_ns)
    return DailyBar(name, session, *prices, int(volume)) if is_session(session) else None


def _minute(name: str, row: _Bar) -> Quote | None:
    start_ns, prices = exact_ns(row.t), _prices(row)
    if start_ns is None or prices is None:
        return None
    _, high, low, close = prices
    return bar(name, start_ns, close, high, low, number(row.v))


def _latest(name: str, trade: _Trade | None) -> Quote | None:
    if trade is None or not sets_last(trade.c, trade.z):
        return None
    ts_ns, price, size = exact_ns(trade.t), number(trade.p), number(trade.s)
    number_of_it = trade.i if isinstance(trade.i, int) and 0 <= trade.i < 2**63 else 0
    if ts_ns is None or price is None or price <= 0:
        return None
    return Quote(name, ts_ns, price, number_of_it, int(size) if size is not None and 0 <= size < 1e13 else 0)


def _rfc3339(ts_ns: int) -> str:
    return from_ns(ts_ns).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _midnight(day: date) -> str:
    """The start of a day in New York, as the bars' own names say it."""
    return datetime.combine(day, clock(), NEW_YORK).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(resume: str, batches: int) -> tuple[int, str]:
    """Where to go on: a batch's number and the vendor's token in it; the start where it makes no sense."""
    number_of_it, _, token = resume.partition(":")
    place = int(number_of_it) if number_of_it.isascii() and number_of_it.isdigit() else 0
    return (place, token) if place < batches else (0, "")
