"""Polymarket's quotes as they are pushed, for whichever contracts the venue lists at the time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.fed.polymarket.stream import PolymarketStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from feeds.fed.polymarket.frames import TokenQuote

LOOK_S = 5.0
"""How often the list of contracts is looked at."""


class PolymarketFollower:
    """A stream that is reopened when the venue lists other contracts."""

    def __init__(
        self,
        tokens: Callable[[], frozenset[str]],
        changed: Callable[[], None],
        *,
        clock_ns: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        """``tokens``: the contracts listed now. ``changed`` is called when a quote or the state changes."""
        self._tokens = tokens
        self._changed = changed
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._stream: PolymarketStream | None = None

    @property
    def quotes(self) -> Mapping[str, TokenQuote]:
        """The newest quote of every contract of the stream that is open."""
        return self._stream.quotes if self._stream else {}

    async def run(self) -> None:
        """Follow the venue until cancelled."""
        while True:
            tokens = self._tokens()
            if not tokens:
                await self._sleep(LOOK_S)
                continue
            self._stream = PolymarketStream(tokens, time=Time(clock_ns=self._clock_ns))
            async with asyncio.TaskGroup() as group:
                stream = group.create_task(self._drain(self._stream), name="Fed Polymarket stream")
                while self._tokens() == tokens and not stream.done():
                    await self._sleep(LOOK_S)
                stream.cancel()

    async def _drain(self, stream: PolymarketStream) -> None:
        async for _ in stream.events():
            self._changed()
