"""How a session's vendor speaks: Alpaca as it is, or Massive, into whose messages Alpaca's are put."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.massive.stream import Massive
from tests.support.servers import massive
from tests.support.servers.alpaca import AlpacaServer
from tests.support.subjects import NOWHERE

if TYPE_CHECKING:
    from tests.support.servers.ws import WsServer

ALPACA, MASSIVE = "ALPACA", "MASSIVE"
CODES = {"T": 12, "I": 37, "6": 8}
"""Alpaca's condition codes that a session uses, as Massive writes them; "@" is none."""
CANCELLED = 44


def server_of(wire: str) -> WsServer:
    """Whose stream the desk listens to."""
    return MassiveWire() if wire == MASSIVE else AlpacaServer()


def vendor_of(wire: str, feed: str) -> Any:
    """``feed``: of Alpaca, sip or iex. Massive sends the consolidated tape."""
    if wire == MASSIVE:
        return Massive(massive.KEY, NOWHERE)
    return Alpaca("a-key", "a-secret", NOWHERE, feed=feed)


class MassiveWire(massive.MassiveServer):
    """Is told what Alpaca would send, and sends what Massive does."""

    async def tell(self, message: dict[str, Any] | list[dict[str, Any]]) -> None:
        """To the newest client, as one frame. What Massive has no word for is sent as it is."""
        messages = message if isinstance(message, list) else [message]
        await self.send(json.dumps([_translated(each) for each in messages]))


def _translated(message: dict[str, Any]) -> dict[str, Any]:
    """A trade, or a cancelled one, by its number."""
    if message.get("T") not in ("t", "x") or not isinstance(message.get("t"), int) or message["t"] < 10**15:
        return message
    codes = [CODES[code] for code in message.get("c", ()) if code in CODES]
    fields = (message["S"], message["p"], message["t"] // 10**6, message["i"])
    codes = [CANCELLED] if message["T"] == "x" else codes
    return massive.trade(*fields, s=message["s"], c=codes)
