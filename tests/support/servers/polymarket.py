"""A scripted Polymarket market channel on loopback; PINGs are answered until MUTE.

By hand: ``python -m tests.support.servers.polymarket --port 0 --script garbage --script ok`` prints its
address.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.support.servers.ws import ABORT, MUTE, READY, STAY, Client, Frame, Refuse, WsServer, by_hand


def book(token: str, bid: str = "0.60", ask: str = "0.61", ts_ms: int = 1_757_908_892_351) -> str:
    bids = [{"price": "0.01", "size": "900"}, {"price": bid, "size": "30"}]
    asks = [{"price": "0.99", "size": "900"}, {"price": ask, "size": "25"}]
    message = {"event_type": "book", "asset_id": token, "market": "0xbd31", "bids": bids, "asks": asks}
    return json.dumps([message | {"timestamp": str(ts_ms), "hash": "0x0"}])


def price_change(token: str, bid: str, ask: str, ts_ms: int = 1_757_908_892_352) -> str:
    """As it is documented: without ``event_type``."""
    change = {"asset_id": token, "price": bid, "size": "200", "side": "BUY", "hash": "56", "best_bid": bid}
    message = {"market": "0x5f65", "price_changes": [change | {"best_ask": ask}], "timestamp": str(ts_ms)}
    return json.dumps(message)


def trade(token: str, price: str, ts_ms: int = 1_757_908_892_353) -> str:
    message = {"event_type": "last_trade_price", "asset_id": token, "price": price, "size": "219.2"}
    return json.dumps(message | {"side": "BUY", "fee_rate_bps": "0", "timestamp": str(ts_ms)})


def best_bid_ask(token: str, bid: str, ask: str, ts_ms: int = 1_757_908_892_354) -> str:
    message = {"event_type": "best_bid_ask", "asset_id": token, "best_bid": bid, "best_ask": ask}
    return json.dumps(message | {"spread": "0.01", "timestamp": str(ts_ms)})


SCRIPTS: dict[str, tuple[object, ...]] = {
    "ok": (book("1001"), price_change("1001", "0.62", "0.63"), trade("1001", "0.63"), STAY),
    "cut": (book("1001"), ABORT),
    "mute": (MUTE,),
    "garbage": ("{not json", '"text"', b"\xff\xfe", '{"price_changes": 3}', "[[[[", book("1001"), STAY),
    "quiet": (STAY,),
}


class PolymarketServer(WsServer):
    """A script runs from the subscription on. ``subscriptions`` and ``pings`` hold what clients sent."""

    def __init__(self, *scripts: object) -> None:
        super().__init__(*scripts)
        self.subscriptions: list[dict[str, object]] = []
        self.pings: asyncio.Queue[Frame] = asyncio.Queue()

    def _next(self) -> Any:
        script = super()._next()
        return script if isinstance(script, Refuse) else (READY, *script)

    def answer(self, client: Client, frame: Frame) -> tuple[Frame, ...]:
        if not client.ready:
            self.subscriptions.append(json.loads(frame))
            client.ready = True
            return ()
        self.pings.put_nowait(frame)
        return ("PONG",) if frame == "PING" else ()


if __name__ == "__main__":
    by_hand(PolymarketServer, SCRIPTS, __doc__ or "")
