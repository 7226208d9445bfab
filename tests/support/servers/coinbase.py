"""Coinbase's advanced trade stream on loopback: one count over all channels of a connection.

By hand: ``python -m tests.support.servers.coinbase --port 0 --script hole`` prints its address.
"""

from __future__ import annotations

import json
from typing import Any

from feeds.clock import wall_ns
from rotation.sessions import from_ns
from tests.support.servers.ws import READY, STAY, Client, Every, Frame, WsServer, by_hand, faults

AT = "2024-07-16T14:40:00.123456Z"


def trade(price: object = "64250.01", trade_id: object = "700000001", **more: object) -> dict[str, Any]:
    fields = {"trade_id": trade_id, "product_id": "BTC-USD", "price": price, "size": "0.0013", "side": "BUY"}
    return fields | {"time": AT} | more


def message(channel: str, number: int, *events: object) -> str:
    return json.dumps(
        {"channel": channel, "client_id": "", "timestamp": AT, "sequence_num": number, "events": list(events)}
    )


def trades(number: int, *entries: object, kind: str = "update") -> str:
    return message("market_trades", number, {"type": kind, "trades": list(entries)})


def heartbeat(number: int) -> str:
    return message("heartbeats", number, {"current_time": AT, "heartbeat_counter": str(3049 + number)})


class CoinbaseServer(WsServer):
    """``client.state["channels"]``: products by channel. Numbers 0, 1, … go to acknowledgements in order."""

    def _number(self, client: Client) -> int:
        number: int = client.state.get("number", 0)
        client.state["number"] = number + 1
        return number

    def answer(self, client: Client, frame: Frame) -> tuple[Frame, ...]:
        request = json.loads(frame)
        channels = client.state.setdefault("channels", {})
        products = request.get("product_ids") or ["heartbeats"]
        held = set(channels.get(request["channel"], ()))
        held = held | set(products) if request["type"] == "subscribe" else held - set(products)
        channels[request["channel"]] = sorted(held)
        client.ready = bool(channels.get("market_trades"))
        return (message("subscriptions", self._number(client), {"subscriptions": channels}),)


def _walk(count: int) -> str:
    """Live prints for use by hand; the two acknowledgements were numbers 0 and 1."""
    at = from_ns(wall_ns()).isoformat().replace("+00:00", "Z")
    number = count + 2
    if count % 4 == 0:
        return heartbeat(number)
    return trades(number, trade(f"{64250 + count % 9}.01", str(700_000_000 + count), time=at))


GOOD = (heartbeat(2), trades(3, trade()), trades(4, trade("64251.5", "700000002")))
SCRIPTS = faults(*GOOD) | {
    "live": (READY, Every(0.25, _walk)),
    "hole": (READY, *GOOD, trades(7, trade("64260", "700000009")), STAY),
}

if __name__ == "__main__":
    by_hand(CoinbaseServer, SCRIPTS, __doc__ or "")
