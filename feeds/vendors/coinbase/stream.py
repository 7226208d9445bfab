"""Coinbase's public trades: keyless, open day and night, so ``doctor --stream`` can prove that it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.wire import address
from feeds.vendors.coinbase.frames import CHANNEL, HEARTBEATS, parse, result_of
from rotation.status import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.streaming.vendor import Frame, FrameResult
    from rotation.quote import Quote

HOME = "wss://advanced-trade-ws.coinbase.com"
PRODUCT = "BTC-USD"
"""What never stops trading."""


class CoinbaseConversation:
    """One connection: trades and, so that a quiet one stays open, heartbeats."""

    def __init__(self) -> None:
        """Nothing is subscribed yet."""
        self._held: frozenset[str] = frozenset()

    def opened(self) -> tuple[Frame, ...]:
        """The heartbeats; without a subscription the vendor closes after five seconds."""
        return (_action("subscribe", HEARTBEATS, frozenset()),)

    def received(self, frame: Frame) -> FrameResult:
        """Trades, heartbeats, the set that is subscribed now, or an error."""
        result = result_of(parse(frame))
        self._held = self._held if result.subscribed is None else result.subscribed
        return result

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


def _action(kind: str, channel: str, products: frozenset[str]) -> str:
    message: dict[str, object] = {"type": kind, "channel": channel}
    return msgspec.json.encode(message | ({"product_ids": sorted(products)} if products else {})).decode()


class Coinbase:
    """``ROTATION_TUI_COINBASE_STREAM_URL`` moves it. Raises InputError for a wrong address."""

    name = "Coinbase"
    mode = Mode(venue="Coinbase")
    beat_s: float | None = None
    heartbeats = True
    keyed = False
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
