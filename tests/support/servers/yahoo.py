"""Yahoo's streamer on loopback: version 2 frames, protobuf written by hand, independent of the decoder.

By hand: ``python -m tests.support.servers.yahoo --port 0 --script abort --script ok`` prints its address.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from feeds.clock import wall_ns
from tests.support.servers.ws import READY, Client, Every, Frame, WsServer, by_hand, faults

NOW_MS = 1_721_140_800_000
"""16 July 2024, 10:40 New York."""
EQUITY, INDEX, FUTURE, ETF, HEARTBEAT = 8, 9, 18, 20, 7
PRE, REGULAR, POST, EXTENDED = 0, 1, 2, 3
_FLOATS = {"price": 2, "change_percent": 8, "previous_close": 16, "bid": 23, "ask": 25}
_TEXTS = {"id": 1, "currency": 4, "exchange": 5, "short_name": 13}
_INTS = {"quote_type": 6, "market_hours": 7}
_SINTS = {"time": 3, "day_volume": 9, "last_size": 22, "price_hint": 27}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def message(**fields: Any) -> bytes:
    """PricingData; what is its default stands nowhere, as in proto3."""
    out = b""
    for name, value in fields.items():
        if not value:
            continue
        if name in _FLOATS:
            out += _varint(_FLOATS[name] << 3 | 5) + struct.pack("<f", value)
        elif name in _TEXTS:
            text = value if isinstance(value, bytes) else str(value).encode()
            out += _varint(_TEXTS[name] << 3 | 2) + _varint(len(text)) + text
        elif name in _INTS:
            out += _varint(_INTS[name] << 3) + _varint(int(value))
        else:
            number = int(value)
            out += _varint(_SINTS[name] << 3) + _varint(number << 1 if number >= 0 else (-number << 1) - 1)
    return out


def enveloped(data: bytes) -> str:
    """As version 2 sends it."""
    return json.dumps({"type": "pricing", "message": base64.b64encode(data).decode()})


def pricing(
    symbol: str = "IWM", price: float = 221.28, ts_ms: int = NOW_MS, hours: int = REGULAR, **fields: Any
) -> str:
    """One print as a frame."""
    fields_sent: dict[str, Any] = {
        "id": symbol,
        "price": price,
        "time": ts_ms,
        "exchange": "PCX",
        "quote_type": ETF,
    }
    return enveloped(message(**fields_sent | {"market_hours": hours, "price_hint": 2} | fields))


def heartbeat(ts_ms: int = NOW_MS) -> str:
    return enveloped(message(time=ts_ms, quote_type=HEARTBEAT))


class YahooServer(WsServer):
    """Acknowledges nothing, as the real one. ``client.state["symbols"]``: what is subscribed."""

    path = "/?version=2"

    def answer(self, client: Client, frame: Frame) -> tuple[Frame, ...]:
        request = json.loads(frame)
        symbols = client.state.setdefault("symbols", set())
        symbols |= set(request.get("subscribe", ()))
        symbols -= set(request.get("unsubscribe", ()))
        client.ready = bool(symbols)
        return ()


def _walk(count: int) -> str:
    """Live prints for use by hand: IWM, QQQ, SPY and a fed funds future in turn."""
    now_ms = wall_ns() // 1_000_000
    symbol, price = (("IWM", 221.28), ("QQQ", 495.43), ("SPY", 562.0), ("ZQZ26.CBT", 96.2))[count % 4]
    kind = FUTURE if symbol.startswith("ZQ") else ETF
    return pricing(symbol, price * (1 + 0.0001 * (count % 7)), now_ms, quote_type=kind, price_hint=4)


SCRIPTS = faults(pricing("IWM"), pricing("QQQ", 495.43), pricing("SPY", 562.0)) | {
    "live": (READY, Every(0.25, _walk)),
    "heartbeats": (READY, Every(5.0, lambda _: heartbeat(wall_ns() // 1_000_000))),
    "truncated": (READY, enveloped(message(id="IWM", price=221.28)[:-2]), Every(1.0, _walk)),
    "zero": (READY, pricing("IWM", 0.0), Every(1.0, _walk)),
    "spike": (READY, pricing("IWM"), pricing("IWM", 221.28 * 1.3, NOW_MS + 1000), Every(1.0, _walk)),
}

if __name__ == "__main__":
    by_hand(YahooServer, SCRIPTS, __doc__ or "")
