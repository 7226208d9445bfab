"""Frames of Coinbase's public channels: what its messages mean. Pure.

Messages of all channels share one count a connection (``sequence_num``): a hole in it is a real gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import instant, quote, sifted, symbol
from feeds.parsing.wire import Loose, decode
from feeds.streaming.vendor import FrameResult, VendorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feeds.streaming.vendor import Frame
    from rotation.quote import Quote

CHANNEL, HEARTBEATS = "market_trades", "heartbeats"
"""Trades rather than the ticker: a ticker has no time of its own and no number."""


class _Trade(msgspec.Struct):
    trade_id: Loose = None
    product_id: Loose = None
    price: Loose = None
    size: Loose = None
    time: Loose = None


class _Event(msgspec.Struct):
    trades: list[_Trade] | None = None
    subscriptions: dict[str, Loose] | None = None


class Message(msgspec.Struct):
    """Any message; fields have the vendor's names."""

    channel: Loose = None
    type: Loose = None
    sequence_num: Loose = None
    events: list[_Event] | None = None


def parse(frame: Frame) -> Message:
    """The message in a frame. Raises SourceError for a frame that Coinbase cannot have sent."""
    return decode(frame, Message, "Coinbase")


def result_of(message: Message) -> FrameResult:
    """Trades, heartbeats, the set that is subscribed now, or an error."""
    if message.type == "error":
        return FrameResult(error=VendorError("limit", "Coinbase rejected a subscription"))
    events = message.events or []
    quotes, rejected = sifted(_quotes(events) if message.channel == CHANNEL else ())
    number = message.sequence_num
    return FrameResult(
        quotes,
        sequence=(("", number),) if isinstance(number, int) else (),
        ready=True,
        subscribed=_subscribed(events) if message.channel == "subscriptions" else None,
        heartbeat=message.channel == HEARTBEATS,
        rejected=rejected,
    )


def _subscribed(events: list[_Event]) -> frozenset[str]:
    listed = [(event.subscriptions or {}).get(CHANNEL) for event in events]
    names = (name for listing in listed if isinstance(listing, list) for name in listing)
    return frozenset(name for name in names if symbol(name))


def _quotes(events: list[_Event]) -> Iterator[Quote | str]:
    for event in events:
        # A subscription begins with the latest trades, the newest first.
        for trade in sorted(event.trades or (), key=lambda trade: str(trade.time)):
            yield quote(trade.product_id, instant(trade.time), trade.price, trade.size, seq=trade.trade_id)
