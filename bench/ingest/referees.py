"""The floor and the vendor's own client on the same server: ``python -m bench.ingest.referees WHO KIND …``.

``floor`` receives and decodes to typed structs, and does nothing with them; ``alpaca-py`` counts in its
callback. Each prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
from websockets.asyncio.client import connect

from bench import worlds
from bench.ingest.serving import serving
from bench.ingest.tape import SYMBOLS
from rotation.quote import NS

if TYPE_CHECKING:
    from bench.ingest.serving import Serving

IDLE_S = 1.5


class _Alpaca(msgspec.Struct, gc=False):
    kind: str = msgspec.field(name="T")
    symbol: str = msgspec.field(name="S")
    t: Any
    p: float
    s: int
    i: int
    c: list[str] = []
    z: str = ""


class _Massive(msgspec.Struct, gc=False):
    ev: str
    sym: str
    t: int
    p: float
    s: int
    q: int
    i: str
    c: list[int] = []


class Counter:
    """What came, and when the last of it did."""

    def __init__(self) -> None:
        self.count = 0
        self.last_ns = 0
        self.cpu_s = 0.0

    def add(self, number: int) -> None:
        """So many messages."""
        self.count += number
        self.last_ns = time.monotonic_ns()


async def floor(kind: str, server: Serving, counter: Counter) -> None:
    """Receive and decode."""
    packed = kind == "alpaca-msgpack"
    shape = list[_Massive] if kind == "massive" else list[_Alpaca]
    decoder: Any = msgspec.msgpack.Decoder(shape) if packed else msgspec.json.Decoder(shape)
    decode = decoder.decode
    names = worlds.symbols(SYMBOLS)
    async with connect(f"ws://127.0.0.1:{server.port}", max_size=None, ping_interval=None) as socket:
        asked: list[dict[str, object]]
        if kind == "massive":
            asked = [{"action": "auth", "params": "K"}, {"action": "subscribe", "params": ""}]
        else:
            asked = [{"action": "auth", "key": "K"}, {"action": "subscribe", "trades": names}]
        for message in asked:
            await socket.send(msgspec.msgpack.encode(message) if packed else msgspec.json.encode(message))
        for _ in range(3):
            await socket.recv()
        async for frame in socket:
            counter.add(len(decode(frame)))


async def alpaca_py(kind: str, server: Serving, counter: Counter) -> None:
    """The vendor's own client, to its callback."""
    del kind
    from alpaca.data.live import StockDataStream

    stream = StockDataStream("K", "S", url_override=f"ws://127.0.0.1:{server.port}/v2/sip")

    async def receive(trade: Any) -> None:
        del trade
        counter.add(1)

    stream.subscribe_trades(receive, *worlds.symbols(SYMBOLS))
    await stream._run_forever()  # noqa: SLF001 - as its run() does, on this loop


async def run(who: str, kind: str, per_frame: int, count: int) -> dict[str, Any]:
    """Serve a tape as fast as it is read."""
    counter = Counter()
    client = floor if who == "floor" else alpaca_py
    async with serving(kind, per_frame, count, 0) as server:
        driven = asyncio.create_task(client(kind, server, counter))
        await asyncio.wait_for(server.until_go(), 60)
        before_s = time.process_time()
        sent = asyncio.create_task(server.until_sent())
        seen, idle_from, cpu_s = -1, time.monotonic(), 0.0
        while not sent.done() or time.monotonic() - idle_from < IDLE_S:
            await asyncio.sleep(0.1)
            if counter.count != seen:
                seen, idle_from, cpu_s = counter.count, time.monotonic(), time.process_time() - before_s
        driven.cancel()
        await asyncio.gather(driven, return_exceptions=True)
    assert server.go_ns is not None
    seconds = (counter.last_ns - server.go_ns) / NS
    return {
        "quotes": counter.count,
        "quotes_per_s": round(counter.count / seconds),
        "quotes_per_cpu_s": round(counter.count / cpu_s),
    }


def main() -> None:
    who, kind, *numbers = sys.argv[1:]
    print(json.dumps(asyncio.run(run(who, kind, *(int(number) for number in numbers)))))


if __name__ == "__main__":
    main()
