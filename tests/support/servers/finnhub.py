"""Finnhub's trade stream on loopback: the key in the address, trades, pings, errors; no acknowledgement.

By hand: ``python -m tests.support.servers.finnhub --port 0 --script 401 --script ok`` prints its address.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from feeds.clock import wall_ns
from tests.support.servers.ws import READY, STAY, Client, Every, Frame, WsServer, by_hand, faults

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

NOW_MS = 1_721_140_800_000
"""16 July 2024, 10:40 New York."""
KEY = "finnhub+key/that=nobody&may?see"
PING = json.dumps({"type": "ping"})


def trade(
    symbol: str = "IWM", price: object = 221.28, ts_ms: int = NOW_MS, volume: object = 100, **more: object
) -> dict[str, Any]:
    return {"c": ["1"], "p": price, "s": symbol, "t": ts_ms, "v": volume} | more


def trades(*entries: object) -> str:
    return json.dumps({"data": list(entries), "type": "trade"})


def error(message: str) -> str:
    return json.dumps({"msg": message, "type": "error"})


class FinnhubServer(WsServer):
    """``client.state["symbols"]``: what is subscribed; ``most``: as many as the plan allows."""

    def __init__(self, *scripts: object, key: str = KEY, most: int = 50) -> None:
        """``key`` empty: any will do."""
        super().__init__(*scripts)
        self.key = key
        self.most = most

    def _upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        refused = super()._upgrade(connection, request)
        given = parse_qs(urlsplit(request.path).query).get("token", [""])[0]
        if refused is None and (not given or (self.key and given != self.key)):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Invalid API key\n")
        return refused

    def answer(self, client: Client, frame: Frame) -> tuple[Frame, ...]:
        request = json.loads(frame)
        symbols = client.state.setdefault("symbols", [])
        if request["type"] == "unsubscribe" and request["symbol"] in symbols:
            symbols.remove(request["symbol"])
        elif request["type"] == "subscribe" and len(symbols) >= self.most:
            return (error("Subscribing to too many symbols"),)
        elif request["type"] == "subscribe" and request["symbol"] not in symbols:
            symbols.append(request["symbol"])
            client.ready = True
        return ()


def _walk(count: int) -> str:
    """Live prints for use by hand; each thrice, as the vendor does."""
    count //= 3
    symbol, price = (("IWM", 221.28), ("QQQ", 495.43), ("SPY", 562.0))[count % 3]
    now_ms = wall_ns() // 1_000_000_000 * 1_000
    return trades(trade(symbol, round(price * (1 + 0.0001 * (count % 7)), 2), now_ms))


GOOD = (trades(trade()), trades(trade("QQQ", 495.43)), trades(trade("SPY", 562.0)))
SCRIPTS = faults(*GOOD) | {
    "live": (READY, Every(0.25, _walk)),
    "pings": (READY, Every(5.0, lambda _: PING)),
    "bad-key": (error("Invalid API key"), STAY),
    "too-many": (READY, *GOOD, error("Subscribing to too many symbols"), STAY),
    "unknown": (READY, json.dumps({"type": "news", "data": []}), *GOOD, STAY),
}


def _any_key(*scripts: object) -> FinnhubServer:
    return FinnhubServer(*scripts, key="")


if __name__ == "__main__":
    by_hand(_any_key, SCRIPTS, __doc__ or "")
