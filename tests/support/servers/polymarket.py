"""A scripted Polymarket market channel on loopback: one script a connection; the last one repeats.

By hand: ``python -m tests.support.servers.polymarket --port 0 --script garbage --script ok`` prints its
address.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import suppress
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

CUT, MUTE, STAY = object(), object(), object()
"""Drop the connection without a close; read and never answer; answer PINGs until the client ends."""


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
    "cut": (book("1001"), CUT),
    "mute": (MUTE,),
    "garbage": ("{not json", '"text"', b"\xff\xfe", '{"price_changes": 3}', "[[[[", book("1001"), STAY),
    "quiet": (STAY,),
}


class PolymarketServer:
    """An async context manager. ``subscriptions`` and ``pings`` tell what came, by connection.

    A status in place of a script refuses the upgrade with it.
    """

    def __init__(self, *scripts: tuple[object, ...] | int, retry_after: str = "") -> None:
        self.scripts = list(scripts)
        self.subscriptions: list[dict[str, object]] = []
        self.upgrades = 0
        self.pings: asyncio.Queue[str] = asyncio.Queue()
        self.url = ""
        self._retry_after = retry_after

    async def start(self, port: int = 0) -> None:
        self._server = await serve(
            self._run, "127.0.0.1", port, process_request=self._upgrade, ping_interval=None, close_timeout=1
        )
        self.url = f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _upgrade(self, connection, request):
        self.upgrades += 1
        script = self.scripts[0]
        if not isinstance(script, int):
            return None
        if len(self.scripts) > 1:
            self.scripts.pop(0)
        response = connection.respond(HTTPStatus(script), "no\n")
        if self._retry_after:
            response.headers["Retry-After"] = self._retry_after
        return response

    async def _run(self, connection: ServerConnection) -> None:
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        with suppress(ConnectionClosed):
            self.subscriptions.append(json.loads(await connection.recv()))
            for step in script:
                if step is CUT:
                    connection.transport.abort()
                    return
                if step in (STAY, MUTE):
                    async for frame in connection:
                        self.pings.put_nowait(frame)
                        if step is STAY and frame == "PING":
                            await connection.send("PONG")
                    return
                await connection.send(step)


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", action="append", choices=sorted(SCRIPTS))
    given = parser.parse_args()
    server = PolymarketServer(*(SCRIPTS[name] for name in given.script or ["ok"]))
    await server.start(given.port)
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main())
