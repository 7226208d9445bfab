"""Polymarket's market channel, kept alive: subscribe, PING, watch the clocks, come back after an outage."""

from __future__ import annotations

import asyncio
import logging
import math
import random as _random
import time
from typing import TYPE_CHECKING

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from feeds.clock import Pace, retry_after_s, wall_ns
from feeds.errors import SourceError
from feeds.events import Status
from feeds.fed.polymarket.frames import PING, PONG, TokenQuote, parse, subscription
from feeds.parsing.wire import address
from rotation.status import Kind
from rotation.text import duration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

HOME = "wss://ws-subscriptions-clob.polymarket.com"
PATH = "/ws/market"
PING_S = 10.0
SILENT_S = 35.0
"""Nothing at all for three PINGs: the connection is dead, whatever TCP says."""
FIRST_S = 30.0
"""The books must have come by then; counted from the subscription."""
QUIET_S = 900.0
"""Only PONGs for this long: connect again, since the subscription may have been lost."""
HEALTHY_S = 60.0
"""Good data for this long, and the back-off starts from the beginning."""
FRAME_MAX = 4 * 1024 * 1024
TOKENS_MAX = 500


class PolymarketStream:
    """Live quotes of the given tokens. ``ROTATION_TUI_POLYMARKET_STREAM_URL`` moves it.

    ``events`` yields what changed, and a Status whenever the state does. ``quotes`` holds the newest of
    every token that was asked for, by the venue's time. Raises InputError for a wrong address.
    """

    name = "Polymarket stream"

    def __init__(
        self,
        tokens: Iterable[str],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = wall_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self._tokens = frozenset(sorted(set(tokens))[:TOKENS_MAX])
        self._url = address("POLYMARKET", "STREAM", HOME) + PATH
        self._monotonic = monotonic
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._pace = Pace(random=random)
        self._state: Kind | None = None
        self._heard_s = self._data_s = self._since_s = 0.0
        self._booked: set[str] = set()
        self._had_data = False
        self.quotes: dict[str, TokenQuote] = {}
        self.rejected = 0
        """Frames that could not be read."""

    async def events(self) -> AsyncIterator[tuple[TokenQuote, ...] | Status]:
        """Run until cancelled, or until the venue says no for good (a 4xx other than 429)."""
        while self._tokens:
            why, after_s, fatal = "the connection was closed", None, False
            try:
                async with connect(self._url, max_size=FRAME_MAX, open_timeout=10, close_timeout=2) as socket:
                    async for event in self._connected(socket):
                        yield event
            except InvalidStatus as error:
                status = error.response.status_code
                why = f"HTTP {status}"
                fatal = 400 <= status < 500 and status != 429
                after_s = retry_after_s(error.response.headers.get("Retry-After"), self._clock_ns())
            except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
                why = f"cannot be reached ({type(error).__name__})"
            if fatal:
                yield self._status(Kind.OFFLINE, f"{why}: refused, not asked again")
                return
            wait_s = self._pace.failed("stream", self._monotonic(), after_s)
            yield self._status(Kind.OFFLINE, f"{why}; next try in {duration(math.ceil(wait_s))}")
            await self._sleep(wait_s)

    async def _connected(self, socket: ClientConnection) -> AsyncIterator[tuple[TokenQuote, ...] | Status]:
        await socket.send(subscription(self._tokens))
        self._since_s = self._heard_s = self._data_s = self._monotonic()
        self._booked.clear()
        self._had_data = False
        watch = asyncio.create_task(self._watch(socket))
        try:
            # Ends on every close that is not an error; any close we did not ask for is an outage.
            async for frame in socket:
                self._heard_s = self._monotonic()
                changed = self._take(frame)
                if changed:
                    yield changed
                    gapped = not self._booked >= self._tokens & self.quotes.keys()
                    state = Kind.GAPPED if gapped else Kind.LIVE
                    if state != self._state:
                        yield self._status(state, f"{len(self._booked)} of {len(self._tokens)} books")
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _watch(self, socket: ClientConnection) -> None:
        """PING on time, and close a socket that has gone silent; reading then ends."""
        while True:
            await self._sleep(PING_S)
            now_s = self._monotonic()
            # A PONG shows that the peer lives, never that the subscription does.
            overdue = FIRST_S if not self._had_data else QUIET_S
            if now_s - self._heard_s > SILENT_S or now_s - self._data_s > overdue:
                log.warning("%s: silent, connecting again", self.name)
                await socket.close(code=1000)
                return
            if self._had_data and now_s - self._since_s >= HEALTHY_S:
                self._pace.worked("stream")
            await socket.send(PING)

    def _take(self, frame: str | bytes) -> tuple[TokenQuote, ...]:
        """Merge what a frame says of our tokens; the last value by the venue's time wins."""
        if frame in {PONG, PONG.encode()}:
            return ()
        try:
            told = parse(frame)
        except SourceError as error:
            self.rejected += 1
            log.info("%s: %s", self.name, error)
            return ()
        changed = [quote for one in told if (quote := self._merge(one)) is not None]
        return tuple(changed)

    def _merge(self, told: TokenQuote) -> TokenQuote | None:
        if told.token not in self._tokens:
            return None
        self._data_s = self._monotonic()
        self._had_data = True
        if told.is_book:
            self._booked.add(told.token)
        held = self.quotes.get(told.token)
        if held is not None:
            if told.ts_ns is not None and held.ts_ns is not None and told.ts_ns < held.ts_ns:
                return None
            told = msgspec.structs.replace(
                told,
                bid=held.bid if told.bid is None else told.bid,
                ask=held.ask if told.ask is None else told.ask,
                last=held.last if told.last is None else told.last,
                ts_ns=held.ts_ns if told.ts_ns is None else told.ts_ns,
            )
        self.quotes[told.token] = told
        return told

    def _status(self, state: Kind, detail: str) -> Status:
        self._state = state
        return Status(state, detail)
