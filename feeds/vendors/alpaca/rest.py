"""Alpaca's REST: daily bars of closed sessions (SIP), snapshots and minute bars to seed and to fill gaps.

The account has a number of calls a minute (200 on the free plan) and every answer says how many are left
and when they come back: nothing is asked before that. History leaves some to the live feed.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, TypeVar

from feeds.clock import wall_ns
from feeds.errors import SourceAway, SourceError
from feeds.history.daily import last_settled
from feeds.http.failure import RequestError
from feeds.parsing.wire import address
from feeds.vendors.alpaca.actions import ACTIONS_MAX, TYPES, parse_splits
from feeds.vendors.alpaca.frames import SYMBOL
from feeds.vendors.alpaca.rows import (
    ROWS_MAX,
    Bars,
    Page,
    Seen,
    daily_bar,
    minute_quote,
    parse_bars,
    parse_snapshots,
    rows,
    seen,
)
from rotation.quote import MINUTE_NS
from rotation.sessions import NEW_YORK, from_ns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from feeds.http.client import HttpClient
    from feeds.vendors.alpaca.keys import AlpacaKeys
    from rotation.quote import Quote

T = TypeVar("T")

HOME = "https://data.alpaca.markets"
BARS, SNAPSHOTS = "/v2/stocks/bars", "/v2/stocks/snapshots"
ACTIONS = "/v1/corporate-actions"
AT_ONCE = 200
"""Symbols of one request: their names must fit into an address."""
PAGES_MAX = 60
"""Most pages of one gap's minute bars; a whole week of 30 symbols takes 12."""
FREE_LAG_NS = 16 * MINUTE_NS
"""The free plan answers no question about consolidated prices of the last 15 minutes."""
AGAIN_S = 60.0
"""After a failure it is worth asking again no sooner."""
KEPT_FOR_LIVE = 20
"""Calls of a minute that history leaves to snapshots and gaps."""
_HISTORY_FEED = {"iex": "iex", "sip": "sip", "delayed_sip": "sip", "test": "iex"}
_LATEST_FEED = {"iex": "iex", "sip": "sip", "delayed_sip": "delayed_sip", "test": "iex"}
_TOKEN_MAX = 400


class AlpacaRest:
    """``ROTATION_TUI_ALPACA_REST_URL`` moves it. Raises InputError for a wrong address."""

    def __init__(
        self,
        keys: AlpacaKeys,
        client: HttpClient,
        *,
        feed: str = "iex",
        clock_ns: Callable[[], int] = wall_ns,
    ) -> None:
        """``feed``: of the stream beside it; daily bars are the consolidated tape's in any case."""
        self._keys = keys
        self._client = client
        self._feed = feed
        self._clock_ns = clock_ns
        self._url = address("ALPACA", "REST", HOME)

    async def snapshots(self, symbols: Iterable[str]) -> dict[str, Seen]:
        """By symbol; one that Alpaca does not know is missing. Raises SourceError."""
        by_symbol: dict[str, Seen] = {}
        for names in _batches(symbols):
            params = {"symbols": ",".join(names), "feed": _LATEST_FEED[self._feed]}
            answer = await self._get(SNAPSHOTS, params, parse_snapshots, reserve=0)
            for name in names:
                snapshot = answer.get(name)
                if snapshot is not None:
                    by_symbol[name] = seen(name, snapshot, self._clock_ns())
        return by_symbol

    async def splits(self, symbols: Iterable[str], day: date) -> dict[str, float]:
        """New shares for an old one, of the symbols whose split has this ex-date. Raises SourceError."""
        ratios: dict[str, float] = {}
        for names in _batches(symbols):
            params = {
                "symbols": ",".join(names),
                "types": TYPES,
                "start": day.isoformat(),
                "end": day.isoformat(),
                "limit": str(ACTIONS_MAX),
            }
            answer = await self._get(ACTIONS, params, parse_splits, reserve=0)
            ratios |= {name: ratio for (name, ex_date), ratio in answer.items() if ex_date == day}
        return ratios

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
                    raise SourceError("Alpaca: the gap is too long to fill")
                for name, row in rows(answer, names):
                    quote = minute_quote(name, row)
                    if quote is not None and start_ns < quote.ts_ns <= end_ns:
                        quotes.append(quote)
        return tuple(sorted(quotes, key=lambda quote: quote.ts_ns))

    async def daily_bars(
        self, symbols: Iterable[str], start: date, end: date, *, resume: str = ""
    ) -> AsyncIterator[Page]:
        """Split-adjusted closed sessions from ``start`` to ``end``, both included, page after page.

        ``end`` is drawn back to the last settled session (``feeds.history.daily.last_settled``): a day that
        still
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
                days = [daily_bar(name, row) for name, row in rows(answer, names)]
                good = tuple(bar for bar in days if bar is not None and start <= bar.session <= last)
                behind = f"{place}:{after}" if after else f"{place + 1}:"
                more = bool(after) or place + 1 < len(batches)
                yield Page(good, days.count(None), behind if more else "")
            token = ""

    async def _pages(
        self, names: Sequence[str], params: dict[str, str], *, token: str, reserve: int
    ) -> AsyncIterator[tuple[Bars, str]]:
        """Answers and what to ask the next with."""
        asked = params | {"symbols": ",".join(names), "limit": str(ROWS_MAX), "sort": "asc"}
        while True:
            answer = await self._get(
                BARS, asked | ({"page_token": token} if token else {}), parse_bars, reserve
            )
            after = answer.next_page_token or ""
            if len(after) > _TOKEN_MAX or not after.isascii() or not after.isprintable():
                raise SourceError("Alpaca: a page with an unusable token for the next one")
            if after == token and after:
                raise SourceError("Alpaca: a page that points to itself")
            yield answer, after
            if not after:
                return
            token = after

    async def _get(self, path: str, params: dict[str, str], parse: Callable[[bytes], T], reserve: int) -> T:
        """One answer, waited for as the account's quota demands. Raises SourceAway."""
        try:
            return await self._client.get(
                self._url + path, parse=parse, params=params, headers=self._keys.headers(), reserve=reserve
            )
        except RequestError as failure:
            if failure.status in {401, 403}:
                message = (
                    f"the keys are wrong, or the plan does not include these data (HTTP {failure.status})"
                )
                raise SourceAway(f"Alpaca: {message}") from failure
            raise SourceAway(f"Alpaca: {failure}", after_s=max(AGAIN_S, failure.next_try_s)) from failure


def _batches(symbols: Iterable[str]) -> list[list[str]]:
    """In one order for the same symbols, so that a place in it can be resumed; names Alpaca can know only."""
    names = sorted({symbol for symbol in symbols if SYMBOL.fullmatch(symbol)})
    return [names[place : place + AT_ONCE] for place in range(0, len(names), AT_ONCE)]


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
