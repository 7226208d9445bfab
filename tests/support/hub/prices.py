"""A vendor of our own: one price after another of some symbols, as lines over TCP, and what is true now.

Whoever connects is given the last price of every symbol first. Times of prints only rise.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Self

from feeds.clock import wall_ns
from feeds.events import Batch, Status, SymbolStates
from rotation.quote import Quote
from rotation.status import LIVE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from feeds.events import Event
    from rotation.feed_stats import FeedStats
    from rotation.status import Mode

SYMBOLS = ("IWM", "QQQ", "DIA", "SPY", "BRK.B", *(f"S{number:02}" for number in range(7)))


class PriceServer:
    """``rate``: prints a second; 0 holds them."""

    def __init__(self, clock_ns: Callable[[], int], symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.clock_ns = clock_ns
        self.symbols = symbols
        self.truth: dict[str, tuple[int, float]] = {}
        self.made: list[tuple[str, int]] = []
        """Every print, with its time."""
        self.rate = 200.0
        self.port = 0
        self._clients: set[asyncio.StreamWriter] = set()
        self._last_ns = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._task = asyncio.create_task(self._trade())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._server.close()
        for client in tuple(self._clients):
            client.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rows = [[symbol, *held] for symbol, held in self.truth.items()]
        writer.write(json.dumps(rows).encode() + b"\n")
        self._clients.add(writer)
        with contextlib.suppress(OSError):
            await reader.read()
        self._clients.discard(writer)
        writer.close()

    async def _trade(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(0.05)
            rows: list[list[object]] = []
            for _ in range(int(self.rate * 0.05)):
                number += 1
                symbol = self.symbols[number % len(self.symbols)]
                self._last_ns = max(self._last_ns + 1000, self.clock_ns())
                price = round(100 + (number * 7919 % 1000) / 100, 2)
                self.truth[symbol] = self._last_ns, price
                self.made.append((symbol, self._last_ns))
                rows.append([symbol, self._last_ns, price])
            if rows:
                line = json.dumps(rows).encode() + b"\n"
                for client in self._clients:
                    client.write(line)


class LiveFeed:
    """What a ``feeds.events.Stream`` that is LIVE and counts nothing has beside its events."""

    mode = LIVE

    def mode_of(self, symbol: str) -> Mode:
        del symbol
        return LIVE

    def stats(self) -> FeedStats | None:
        return None

    def tape(self) -> None:
        return None


class PriceFeed(LiveFeed):
    """A ``feeds.events.Stream`` of a PriceServer."""

    name = "Prices"

    def __init__(self, port: int, symbols: tuple[str, ...] = SYMBOLS) -> None:
        self.symbols = frozenset(symbols)
        self._port = port

    async def events(self) -> AsyncIterator[Event]:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
                yield Status(Kind.LIVE)
                yield SymbolStates({})
                try:
                    while line := await reader.readline():
                        rows = json.loads(line)
                        yield Batch(tuple(Quote(symbol, ts, price, size=100) for symbol, ts, price in rows))
                finally:
                    writer.close()
            yield Status(Kind.OFFLINE, "the vendor has gone")
            yield SymbolStates(dict.fromkeys(self.symbols, Kind.OFFLINE))
            await asyncio.sleep(0.2)


def now_ns() -> int:
    """By the clock that the environment sets."""
    return wall_ns()
