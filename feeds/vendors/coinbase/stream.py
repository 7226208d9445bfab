"""Coinbase's public trades: keyless and open day and night, so ``doctor --stream`` can prove that it works.

Messages of all channels share one count a connection (``sequence_num``): a hole in it is a real gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import instant, quote, sifted, symbol
from feeds.parsing.wire import address, decode
from feeds.streaming.vendor import FrameResult, VendorError
from rotation.status import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from feeds.streaming.vendor import Frame
    from rotation.quote import Quote

HOME = "wss://advanced-trade-ws.coinbase.com"
PRODUCT = "BTC-USD"
"""What never stops trading."""
CHANNEL, HEARTBEATS = "market_trades", "heartbeats"
"""Trades rather than the ticker: a ticker has no time of its own and no number."""
Loose = object


class _Trade(msgspec.Struct):
    trade_id: Loose = None
    product_id: Loose = None
    price: Loose = None
    size: Loose = None
    time: Loose = None


class _Event(msgspec.Struct):
    trades: list[_Trade] | None = None
    subscriptions: dict[str, Loose] | None = None


class _Message(msgspec.Struct):
    channel: Loose = None
    type: Loose = None
    sequence_num: Loose = None
    events: list[_Event] | None = None


class CoinbaseConversation:
    """One connection: trades and, so that a quiet one stays open, heartbeats."""

    def __init__(self) -> None:
        """Nothing is subscribed yet."""
        self._held: frozenset[str] = frozenset()

    def opened(self) -> tuple[Frame, ...]:
        """The heartbeats; without a subscription the vendor closes after five seconds."""
        return (_action("subscribe", HEARTBEATS, None),)

    def received(self, frame: Frame) -> FrameResult:
        """Trades, heartbeats, the set that is subscribed now, or an error."""
        message = decode(frame, _Message, "Coinbase")
        if message.type == "error":
            return FrameResult(trouble=VendorError("limit", "Coinbase refuses a subscription"))
        events = message.events or []
        subscribed: frozenset[str] | None = None
        if message.channel == "subscriptions":
            listed = [(event.subscriptions or {}).get(CHANNEL) for event in events]
            told = (name for names in listed if isinstance(names, list) for name in names)
            subscribed = self._held = frozenset(name for name in told if symbol(name))
        quotes, rejected = sifted(_quotes(events) if message.channel == CHANNEL else ())
        number = message.sequence_num
        return FrameResult(
            quotes,
            sequence=(("", number),) if isinstance(number, int) else (),
            ready=True,
            subscribed=subscribed,
            heartbeat=message.channel == HEARTBEATS,
            rejected=rejected,
        )

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """The difference to what is acknowledged."""
        gone, new = self._held - symbols, symbols - self._held
        return (
            *([_action("unsubscribe", CHANNEL, gone)] if gone else []),
            *([_action("subscribe", CHANNEL, new)] if new else []),
        )

    def beat(self) -> tuple[Frame, ...]:
        """Nothing: heartbeats come once a second."""
        return ()


def _quotes(events: list[_Event]) -> Iterator[Quote | str]:
    for event in events:
        # A subscription begins with the latest trades, the newest first.
        for trade in sorted(event.trades or (), key=lambda one: str(one.time)):
            yield quote(trade.product_id, instant(trade.time), trade.price, trade.size, seq=trade.trade_id)


def _action(kind: str, channel: str, products: frozenset[str] | None) -> str:
    told: dict[str, object] = {"type": kind, "channel": channel}
    return msgspec.json.encode(told | ({"product_ids": sorted(products)} if products else {})).decode()


class Coinbase:
    """``ROTATION_TUI_COINBASE_STREAM_URL`` moves it. Raises InputError for a wrong address."""

    name = "Coinbase"
    mode = Mode(venue="Coinbase")
    beat_s: float | None = None
    heartbeats = True
    acknowledges = True
    most_symbols: int | None = None

    def __init__(self) -> None:
        """No key, no other configuration."""
        self.headers: Mapping[str, str] = {}
        self.url = address("COINBASE", "STREAM", HOME)

    def conversation(self) -> CoinbaseConversation:
        """A new connection begins."""
        return CoinbaseConversation()

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """Nothing: every subscription begins with the latest trades."""
        del symbols
        return ()

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Nothing: it only shows that streaming works."""
        del symbols, start_ns, end_ns
        return ()
