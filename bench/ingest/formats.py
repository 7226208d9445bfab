"""The tape as vendors write it: payloads of websocket messages, and what a server says before them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.ingest.tape import Message

CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")


def payloads(messages: list[Message], kind: str, per_frame: int) -> Iterable[bytes]:
    """``kind``: alpaca-json, alpaca-msgpack or massive."""
    if kind == "massive":
        encoded = [msgspec.json.encode(_massive(message)) for message in messages]
    else:
        encoder = msgspec.msgpack.encode if kind == "alpaca-msgpack" else msgspec.json.encode
        packed = kind == "alpaca-msgpack"
        encoded = [encoder(_alpaca(message, packed=packed)) for message in messages]
    for start in range(0, len(encoded), per_frame):
        part = encoded[start : start + per_frame]
        if kind == "alpaca-msgpack":
            yield b"\xdc" + len(part).to_bytes(2) + b"".join(part)
        else:
            yield b"[" + b",".join(part) + b"]"


def answers(kind: str, sent: bytes, held: dict[str, set[str]]) -> list[bytes]:
    """What the vendor says to a client's frame; ``held`` is the set of each channel, changed here."""
    packed = kind == "alpaca-msgpack"
    message = msgspec.msgpack.decode(sent) if packed else msgspec.json.decode(sent)
    encode = msgspec.msgpack.encode if packed else msgspec.json.encode
    if kind == "massive":
        if message["action"] == "auth":
            return [encode([{"ev": "status", "status": "auth_success", "message": "authenticated"}])]
        names = message["params"]
        return [encode([{"ev": "status", "status": "success", "message": f"subscribed to: {names}"}])]
    if message["action"] == "auth":
        return [encode([{"T": "success", "msg": "authenticated"}])]
    for channel in CHANNELS:
        names = set(message.get(channel, ()))
        change = held.setdefault(channel, set())
        held[channel] = change | names if message["action"] == "subscribe" else change - names
    return [encode([{"T": "subscription"} | {name: sorted(held.get(name, ())) for name in CHANNELS}])]


def greeting(kind: str) -> bytes:
    """The first frame of a connection."""
    if kind == "massive":
        return msgspec.json.encode([{"ev": "status", "status": "connected", "message": "Connected"}])
    message = [{"T": "success", "msg": "connected"}]
    return msgspec.msgpack.encode(message) if kind == "alpaca-msgpack" else msgspec.json.encode(message)


def _alpaca(message: Message, *, packed: bool) -> dict[str, Any]:
    when = _stamp(message.ts_ns) if packed else rfc3339(message.ts_ns)
    if message.cancels:
        wrong = {"i": message.seq, "p": message.price, "s": message.size, "a": "C", "z": "A"}
        return {"T": "x", "S": message.symbol, "x": "V", **wrong, "t": when}
    conditions = ["@", "I"] if message.is_odd_lot else ["@"]
    trade = {"i": message.seq, "x": "V", "p": message.price, "s": message.size, "c": conditions}
    return {"T": "t", "S": message.symbol, **trade, "z": "B", "t": when}


def _massive(message: Message) -> dict[str, Any]:
    conditions = [44] if message.cancels else [37] if message.is_odd_lot else [14]
    return {
        "ev": "T",
        "sym": message.symbol,
        "x": 4,
        "i": str(message.seq),
        "z": 3,
        "p": message.price,
        "s": message.size,
        "c": conditions,
        "t": message.ts_ns // 1_000_000,
        "q": message.seq,
    }


def rfc3339(ts_ns: int) -> str:
    """UTC with nine digits."""
    second, nanos = divmod(ts_ns, NS)
    return f"{_to_the_second(second)}.{nanos:09}Z"


@lru_cache(maxsize=8)
def _to_the_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def _stamp(ts_ns: int) -> msgspec.msgpack.Ext:
    second, nanos = divmod(ts_ns, NS)
    return msgspec.msgpack.Ext(-1, (nanos << 34 | second).to_bytes(8))
