"""Kalshi's open markets on the Fed: one meeting's move (KXFEDDECISION) and the level ladder (KXFED).

Keyless over REST. Figures come as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.http.fetched import Fetched
from feeds.parsing.sanitize import clean
from feeds.parsing.wire import Loose, address, decode, instant_ns, number, probability
from rotation.fed.inputs import OutcomeQuote
from rotation.fed.overround import OPEN_BP
from rotation.status import Kind

if TYPE_CHECKING:
    from feeds.http.cached import CachedClient

HOME = "https://external-api.kalshi.com"
PATH = "/trade-api/v2/events"
SERIES = ("KXFEDDECISION", "KXFED")
PAGES_MAX = 5
MARKETS_MAX = 2_000
FRESH_S = 120.0
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), start=1
    )
}
_TICKER = re.compile(
    r"(?:KXFEDDECISION-(\d\d)([A-Z]{3})(?:\d\d)?-([CH])(\d{1,3})|KXFED-(\d\d)([A-Z]{3})(?:\d\d)?-T(\d\d?\.\d{1,2}))",
    re.ASCII,
)
_OPEN = 26
"""C26 and H26: by more than 25 bp."""
_CURSOR = re.compile(r"[A-Za-z0-9_=+/.:-]{1,400}", re.ASCII)


class _Market(msgspec.Struct):
    ticker: str = ""
    yes_sub_title: Loose = None
    yes_bid_dollars: Loose = None
    yes_ask_dollars: Loose = None
    last_price_dollars: Loose = None
    volume_fp: Loose = None
    open_interest_fp: Loose = None
    close_time: Loose = None


class _Event(msgspec.Struct):
    event_ticker: str = ""
    markets: list[_Market] | None = None


class _Answer(msgspec.Struct):
    events: list[_Event]
    cursor: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of an answer."""

    quotes: list[OutcomeQuote]
    cursor: str
    """What to ask the next page with; empty on the last."""


def parse_page(data: bytes) -> Page:
    """Quotes of all markets whose ticker we know. Raises SourceError if there are none."""
    answer = decode(data, _Answer, "Kalshi")
    markets = [(event, market) for event in answer.events for market in event.markets or ()]
    quotes = [
        quote for event, market in markets[:MARKETS_MAX] if (quote := _quote(event, market)) is not None
    ]
    if not quotes:
        raise SourceError("Kalshi: no open market on the Fed in the answer")
    cursor = answer.cursor or ""
    return Page(quotes, cursor if _CURSOR.fullmatch(cursor) else "")


def parse(data: bytes) -> list[OutcomeQuote]:
    """The quotes of one page. Raises SourceError if there are none."""
    return parse_page(data).quotes


def _quote(event: _Event, market: _Market) -> OutcomeQuote | None:
    match = _TICKER.fullmatch(market.ticker)
    if match is None:
        return None
    year, month = match[1] or match[5], _MONTHS.get(match[2] or match[6])
    if month is None:
        return None
    move_bp, is_open = _move(match[3], match[4]) if match[3] else (None, False)
    bid, ask = probability(market.yes_bid_dollars), probability(market.yes_ask_dollars)
    return OutcomeQuote(
        venue="Kalshi",
        contract=market.ticker,
        event=clean(event.event_ticker, 40) or market.ticker.rpartition("-")[0],
        label=clean(market.yes_sub_title) if isinstance(market.yes_sub_title, str) else "",
        year=2000 + int(year),
        month=month,
        move_bp=move_bp,
        is_open=is_open,
        above_bp=round(float(match[7]) * 100) if match[7] else None,
        bid=bid,
        ask=ask or None,  # no contract is offered for nothing: an empty side
        last=probability(market.last_price_dollars) or None,
        volume=number(market.volume_fp),
        open_interest=number(market.open_interest_fp),
        close_ns=instant_ns(market.close_time),
    )


def _move(side: str, size: str) -> tuple[int, bool]:
    sign = -1 if side == "C" else 1
    is_open = int(size) == _OPEN
    return sign * (OPEN_BP if is_open else int(size)), is_open


class Kalshi:
    """``ROTATION_TUI_KALSHI_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Kalshi"

    def __init__(self, http: CachedClient) -> None:
        self._http = http
        self._url = address("KALSHI", "REST", HOME) + PATH

    async def refresh(self) -> Fetched[list[OutcomeQuote]]:
        """Both series; if one fails, it is reported and the other is kept. Never raises for the source."""
        got = [page for series in SERIES for page in await self._series(series)]
        held = [page for page in got if page.value is not None]
        errors = "; ".join(dict.fromkeys(page.error for page in got if page.error))
        if not held:
            return Fetched(None, None, None, None, Kind.OFFLINE, errors)
        quotes = [quote for page in held for quote in (page.value.quotes if page.value else ())]
        oldest = max(held, key=lambda page: page.age_s or 0.0)
        return Fetched(quotes, oldest.fetched_at_ns, oldest.changed_at_ns, oldest.age_s, oldest.kind, errors)

    async def _series(self, series: str) -> list[Fetched[Page]]:
        pages: list[Fetched[Page]] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            params = {"series_ticker": series, "status": "open", "with_nested_markets": "true"}
            params |= {"cursor": cursor} if cursor else {}
            page = await self._http.get(
                self._url,
                parse=parse_page,
                params=params,
                fresh_s=FRESH_S,
            )
            pages.append(page)
            cursor = page.value.cursor if page.value is not None and not page.error else ""
            if not cursor:
                break
        return pages
