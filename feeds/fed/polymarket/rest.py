"""Polymarket's events on Fed decisions, from its Gamma API. Keyless.

``outcomes``, ``outcomePrices`` and ``clobTokenIds`` are JSON inside text. Slugs carry random suffixes, so
events are found by tag and title. Live quotes: feeds.fed.polymarket.stream.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.parsing.sanitize import clean
from feeds.parsing.wire import Loose, address, decode, instant_ns, number, probability
from rotation.fed.inputs import OutcomeQuote
from rotation.sessions import from_ns

if TYPE_CHECKING:
    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched

HOME = "https://gamma-api.polymarket.com"
PATH = "/events"
FRESH_S = 120.0
EVENTS_MAX = 200
MARKETS_MAX = 40
_MONTHS = {
    "january": 1,
    "february": 2,
    "march": 3,
    "april": 4,
    "may": 5,
    "june": 6,
    "july": 7,
    "august": 8,
    "september": 9,
    "october": 10,
    "november": 11,
    "december": 12,
}
_TITLE = re.compile(rf"fed(?:eral reserve)? decision in ({'|'.join(_MONTHS)})(?: (20\d\d))?\??", re.ASCII)
_MOVE = re.compile(r"(\d{1,3})(\+)? ?bps (decrease|increase)", re.ASCII)
_TOKEN = re.compile(r"\d{1,80}", re.ASCII)
_LIST_MAX = 4_096
"""Characters of a list inside text."""


class _Market(msgspec.Struct, rename="camel"):
    group_item_title: Loose = None
    outcomes: Loose = None
    outcome_prices: Loose = None
    clob_token_ids: Loose = None
    best_bid: Loose = None
    best_ask: Loose = None
    last_trade_price: Loose = None
    volume: Loose = None
    open_interest: Loose = None
    end_date: Loose = None
    updated_at: Loose = None
    closed: Loose = None


class _Event(msgspec.Struct, rename="camel"):
    title: Loose = None
    slug: Loose = None
    end_date: Loose = None
    closed: Loose = None
    markets: Loose = None


def parse(data: bytes) -> list[OutcomeQuote]:
    """Quotes of every open "Fed decision in <month>?" event. Raises SourceError if there are none."""
    events = decode(data, list[_Event], "Polymarket")[:EVENTS_MAX]
    quotes = [quote for event in events for quote in _of_event(event)]
    if not quotes:
        raise SourceError("Polymarket: no open event on a Fed decision in the answer")
    return quotes


def _of_event(event: _Event) -> list[OutcomeQuote]:
    meeting = _meeting(event)
    if meeting is None or event.closed is True or not isinstance(event.markets, list):
        return []
    quotes: list[OutcomeQuote] = []
    for raw in event.markets[:MARKETS_MAX]:
        try:
            market = msgspec.convert(raw, _Market)
        except msgspec.ValidationError:
            continue
        quote = _quote(event, market, *meeting)
        if quote is not None:
            quotes.append(quote)
    return quotes


def _meeting(event: _Event) -> tuple[int, int] | None:
    """Year and month of the meeting: the title's month, its year or that of the event's end."""
    match = _TITLE.fullmatch(clean(event.title).lower()) if isinstance(event.title, str) else None
    if match is None:
        return None
    month = _MONTHS[match[1]]
    if match[2]:
        return int(match[2]), month
    end_ns = instant_ns(event.end_date)
    if end_ns is None:
        return None
    end = from_ns(end_ns)
    # An event on a December meeting may end in January, one on a January meeting in December.
    return end.year + (month - end.month > 6 and -1) + (end.month - month > 6 and 1), month


def _quote(event: _Event, market: _Market, year: int, month: int) -> OutcomeQuote | None:
    label = clean(market.group_item_title) if isinstance(market.group_item_title, str) else ""
    move = _move(label.lower())
    yes = _place_of_yes(_texts(market.outcomes))
    if move is None or yes is None or market.closed is True:
        return None
    tokens, prices = _texts(market.clob_token_ids), _texts(market.outcome_prices)
    token = tokens[yes] if yes < len(tokens) and _TOKEN.fullmatch(tokens[yes]) else ""
    return OutcomeQuote(
        venue="Polymarket",
        contract=token,
        event=clean(event.slug, 80) if isinstance(event.slug, str) else "",
        label=label,
        year=year,
        month=month,
        move_bp=move[0],
        is_open=move[1],
        bid=probability(market.best_bid),
        ask=probability(market.best_ask) or None,
        last=probability(market.last_trade_price) or None,
        mark=probability(prices[yes]) if yes < len(prices) else None,
        volume=number(market.volume),
        open_interest=number(market.open_interest),
        close_ns=instant_ns(market.end_date),
        ts_ns=instant_ns(market.updated_at),
    )


def _move(label: str) -> tuple[int, bool] | None:
    """The move in bp that a label names, and whether it means that much or more; None for another label."""
    if label == "no change":
        return 0, False
    match = _MOVE.fullmatch(label)
    if match is None:
        return None
    sign = -1 if match[3] == "decrease" else 1
    return sign * int(match[1]), bool(match[2])


def _texts(value: object) -> list[str]:
    """A list of text that came as JSON in text; empty where it did not."""
    if not isinstance(value, str) or len(value) > _LIST_MAX:
        return []
    try:
        return decode(value, list[str], "Polymarket")
    except SourceError:
        return []


def _place_of_yes(outcomes: list[str]) -> int | None:
    return next((place for place, name in enumerate(outcomes) if name.strip().lower() == "yes"), None)


class Polymarket:
    """``ROTATION_TUI_POLYMARKET_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Polymarket"

    def __init__(self, http: CachedClient) -> None:
        self._http = http
        self._url = address("POLYMARKET", "REST", HOME) + PATH

    async def refresh(self) -> Fetched[list[OutcomeQuote]]:
        """Ask for the open events of the FOMC tag; never raises for what the source does."""
        params = {"tag_slug": "fomc", "closed": "false", "limit": "100"}
        return await self._http.get(self._url, parse=parse, params=params, fresh_s=FRESH_S)
