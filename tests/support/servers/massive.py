"""Massive's stock stream on loopback: greeting, key, acknowledgements, trades, bars.

By hand: ``python -m tests.support.servers.massive --port 0 --script taken-over --script ok`` prints its
address.
"""

from __future__ import annotations

import json
from typing import Any

from feeds.clock import wall_ns
from tests.support.servers.ws import (
    ABORT,
    READY,
    STAY,
    Client,
    Close,
    Every,
    Frame,
    WsServer,
    by_hand,
    faults,
)

NOW_MS = 1_721_140_800_000
"""16 July 2024, 10:40 New York."""
KEY = "massive-key-that-nobody-may-see"


def array(*messages: object) -> str:
    """As the vendor sends: every frame an array."""
    return json.dumps(list(messages))


def status(name: str, message: str = "") -> dict[str, str]:
    return {"ev": "status", "status": name, "message": message}


def trade(
    symbol: str = "IWM", price: object = 221.28, ts_ms: int = NOW_MS, q: int = 1, **more: object
) -> dict[str, Any]:
    fields = {"ev": "T", "sym": symbol, "x": 4, "i": str(q), "z": 3, "p": price, "s": 100, "t": ts_ms, "q": q}
    return fields | {"c": [14]} | more


def bar(
    symbol: str = "IWM", close: float = 221.28, end_ms: int = NOW_MS, kind: str = "A", **more: object
) -> dict[str, Any]:
    span_ms = 60_000 if kind == "AM" else 1_000
    fields = {"ev": kind, "sym": symbol, "v": 1200, "av": 9_470_157, "op": 217.9, "vw": close, "o": close}
    shape = {"c": close, "h": close + 0.02, "l": close - 0.02, "a": 219.8, "z": 60}
    return fields | shape | {"s": end_ms - span_ms, "e": end_ms} | more


def quoted(symbol: str = "IWM", bid: float = 221.27, ask: float = 221.29, **more: object) -> dict[str, Any]:
    fields = {"ev": "Q", "sym": symbol, "bx": 4, "bp": bid, "bs": 1, "ax": 7, "ap": ask, "as": 2, "c": 0}
    return fields | {"t": NOW_MS, "q": 7, "z": 3} | more


class MassiveServer(WsServer):
    """``client.state["channels"]``: what is subscribed, as ``T.IWM``."""

    path = "/stocks"

    def __init__(self, *scripts: object, key: str = KEY, refused: tuple[str, ...] = ()) -> None:
        """``refused``: channels that the plan does not have. ``key`` empty: any will do."""
        super().__init__(*scripts)
        self.key = key
        self.refused = refused

    def greeting(self, client: Client) -> tuple[Frame, ...]:
        return (array(status("connected", "Connected Successfully")),)

    def answer(self, client: Client, frame: Frame) -> tuple[Frame, ...]:
        request = json.loads(frame)
        channels = client.state.setdefault("channels", set())
        if request["action"] == "auth":
            if self.key and request["params"] != self.key:
                return (array(status("auth_failed", "authentication failed")),)
            return (array(status("auth_success", "authenticated")),)
        asked = request["params"].split(",")
        if request["action"] == "unsubscribe":
            channels -= set(asked)
            return (array(*(status("success", f"unsubscribed to: {channel}") for channel in asked)),)
        granted = [channel for channel in asked if channel.partition(".")[0] not in self.refused]
        channels |= set(granted)
        client.ready = bool(channels)
        replies = [
            status("success", f"subscribed to: {channel}")
            if channel in granted
            else status("error", "not authorized")
            for channel in asked
        ]
        return (array(*replies),)


def _walk(count: int) -> str:
    """Live prints for use by hand."""
    symbol, price = (("IWM", 221.28), ("QQQ", 495.43), ("SPY", 562.0))[count % 3]
    return array(trade(symbol, price * (1 + 0.0001 * (count % 7)), wall_ns() // 1_000_000, count + 1))


GOOD = (array(trade()), array(trade("QQQ", 495.43, q=2)), array(trade("SPY", 562.0, q=3)))
SCRIPTS = faults(*GOOD) | {
    "live": (READY, Every(0.25, _walk)),
    "auth-failed": (array(status("auth_failed", "authentication failed")), Close(1008)),
    "taken-over": (READY, *GOOD, array(status("max_connections", "Maximum exceeded")), Close(1008)),
    "slow-consumer": (READY, *GOOD, array(status("slow_consumer", "too slow")), ABORT),
    "force-disconnect": (READY, *GOOD, array(status("force_disconnect", "")), Close(1000)),
    "no-real-time": (READY, array(status("error", "You don't have access real-time data.")), STAY),
    "unknown": (READY, array({"ev": "XYZ", "sym": "IWM", "p": 1.0}, trade()), STAY),
}


def _any_key(*scripts: object) -> MassiveServer:
    return MassiveServer(*scripts, key="")


if __name__ == "__main__":
    by_hand(_any_key, SCRIPTS, __doc__ or "")
