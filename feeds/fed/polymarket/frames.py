"""Frames of Polymarket's market channel: what to send, and what to make of what comes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from feeds.errors import SourceError
from feeds.parsing.wire import decode, instant_ns, number, probability

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PING, PONG = "PING", "PONG"
ENTRIES_MAX = 1_000
_EMPTY_BID, _EMPTY_ASK = 0.0, 1.0
"""How the venue itself writes an empty side of a book."""
_KINDS = frozenset({"book", "price_change", "last_trade_price", "best_bid_ask"})


class TokenQuote(msgspec.Struct, frozen=True):
    """What one frame says of one token; None: it does not say."""

    token: str
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    ts_ns: int | None = None
    is_book: bool = False
    """A whole book: all that was missed before it is made good."""


def subscription(tokens: Iterable[str]) -> str:
    """The subscribe message; without ``custom_feature_enabled`` no best_bid_ask comes."""
    wanted = {"assets_ids": sorted(tokens), "type": "market", "custom_feature_enabled": True}
    return msgspec.json.encode(wanted).decode()


def parse(frame: str | bytes) -> list[TokenQuote]:
    """Quotes of a frame; none for PONG and for kinds that carry none. Raises SourceError for garbage."""
    text = frame.strip()
    if text in {PONG, PONG.encode(), "", b""}:
        return []
    parsed = decode(text, object, "Polymarket stream")
    listed = parsed if isinstance(parsed, list) else [parsed]
    messages = [message for message in listed[:ENTRIES_MAX] if isinstance(message, dict)]
    if len(messages) != len(listed[:ENTRIES_MAX]):
        raise SourceError("Polymarket stream: unexpected JSON structure")
    return [quote for message in messages for quote in _quotes(message)]


def _quotes(message: dict[str, Any]) -> Iterator[TokenQuote]:
    kind = _kind(message)
    ts_ns = instant_ns(message.get("timestamp"))
    if kind == "price_change":
        changes = message.get("price_changes")
        if not isinstance(changes, list):
            raise SourceError("Polymarket stream: a price change without changes")
        entries = [entry for entry in changes[:ENTRIES_MAX] if isinstance(entry, dict)]
    else:
        entries = [message] if kind else []
    for entry in entries:
        quote = _quote(kind, entry, ts_ns)
        if quote is not None:
            yield quote


def _kind(message: dict[str, Any]) -> str:
    """The event type, or where it is missing what the fields show; "" for one we do not read."""
    event_type = message.get("event_type")
    if isinstance(event_type, str):
        return event_type if event_type in _KINDS else ""
    if "price_changes" in message:
        return "price_change"
    if "bids" in message or "asks" in message:
        return "book"
    if "best_bid" in message or "best_ask" in message:
        return "best_bid_ask"
    return "last_trade_price" if {"price", "size", "side"} <= message.keys() else ""


def _quote(kind: str, entry: dict[str, Any], ts_ns: int | None) -> TokenQuote | None:
    token = entry.get("asset_id")
    if not isinstance(token, str) or not token.isascii() or not token.isalnum() or len(token) > 80:
        return None
    if kind == "book":
        bid = max(_prices(entry.get("bids")), default=_EMPTY_BID)
        ask = min(_prices(entry.get("asks")), default=_EMPTY_ASK)
        return TokenQuote(token, bid, ask, ts_ns=ts_ns, is_book=True) if bid <= ask else None
    if kind == "last_trade_price":
        last = probability(entry.get("price"))
        return None if last is None else TokenQuote(token, last=last, ts_ns=ts_ns)
    best_bid, best_ask = probability(entry.get("best_bid")), probability(entry.get("best_ask"))
    if best_bid is None or best_ask is None or best_bid > best_ask:
        return None
    return TokenQuote(token, best_bid, best_ask, ts_ns=ts_ns)


def _prices(levels: object) -> Iterator[float]:
    """Prices at which something stands."""
    for level in levels[:ENTRIES_MAX] if isinstance(levels, list) else ():
        if not isinstance(level, dict) or number(level.get("size")) == 0.0:
            continue
        price = probability(level.get("price"))
        if price is not None:
            yield price
