"""Polymarket's market channel, kept alive: subscribe, PING, watch the clocks, come back after an outage."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from feeds.clock import Pace, Time, retry_after_s
from feeds.errors import SourceAway, SourceError
from feeds.events import Status
from feeds.fed.polymarket.frames import PING, PONG, TokenQuote, parse, subscription
from feeds.http import why
from feeds.parsing.wire import address
from feeds.streaming.connection import DirectConnect
from feeds.streaming.session import BUSY, SLOW_S
from rotation.status import Kind
from rotation.text import counted, duration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

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

    def __init__(self, tokens: Iterable[str], *, time: Time | None = None) -> None:
        self._tokens = frozenset(sorted(set(tokens))[:TOKENS_MAX])
        self._url = address("POLYMARKET", "STREAM", HOME) + PATH
        self._time = time or Time()
        self._pace = Pace(random=self._time.random)
        self._state: Kind | None = None
        self._frame_s = self._data_s = self._since_s = 0.0
        self._booked: set[str] = set()
        self._had_data = False
        self.quotes: dict[str, TokenQuote] = {}
        self.rejected = 0
        """Frames that could not be read."""

    async def events(self) -> AsyncIterator[tuple[TokenQuote, ...] | Status]:
        """Run until cancelled. Without a key no refusal is final: a 4xx is asked again, slowly."""
        while self._tokens:
            try:
                async for event in self._connection():
                    yield event
            except SourceAway as error:
                wait_s = self._pace.failed(self.name, self._time.monotonic(), error.after_s)
                yield self._status(Kind.OFFLINE, f"{error}; next try in {duration(math.ceil(wait_s))}")
                await self._time.sleep(wait_s)

    async def _connection(self) -> AsyncIterator[tuple[TokenQuote, ...] | Status]:
        """One connection from its handshake to its end.

        Raises SourceAway at its end, whatever it was.
        """
        try:
            connect = DirectConnect(self._url, max_size=FRAME_MAX, open_timeout=10, close_timeout=2)
            async with connect as socket:
                async for event in self._connected(socket):
                    yield event
        except InvalidStatus as error:
            status = error.response.status_code
            after_s = retry_after_s(error.response.headers.get("Retry-After"), self._time.clock_ns())
            if 400 <= status < 500 and status not in BUSY:
                after_s = max(after_s or 0.0, SLOW_S)
            raise SourceAway(f"HTTP {status}", after_s=after_s, refused=status == 429) from error
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
            raise SourceAway(why.unreachable(error)) from error
        raise SourceAway("the connection was closed")

    async def _connected(self, socket: ClientConnection) -> AsyncIterator[tuple[TokenQuote, ...] | Status]:
        await socket.send(subscription(self._tokens))
        self._since_s = self._frame_s = self._data_s = self._time.monotonic()
        self._booked.clear()
        self._had_data = False
        watch = asyncio.create_task(self._watch(socket), name="Fed Polymarket watch")
        try:
            # Ends on every close that is not an error; any close we did not ask for is an outage.
            async for frame in socket:
                self._frame_s = self._time.monotonic()
                changed = self._take(frame)
                if changed:
                    yield changed
                    gapped = not self._booked >= self._tokens & self.quotes.keys()
                    state = Kind.GAPPED if gapped else Kind.LIVE
                    if state != self._state:
                        yield self._status(
                            state, f"{len(self._booked)} of {counted(len(self._tokens), 'book')}"
                        )
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            # A PING into a socket that has just closed is part of that outage; any other error is ours.
            if not watch.cancelled():
                with suppress(WebSocketException):
                    watch.result()

    async def _watch(self, socket: ClientConnection) -> None:
        """PING on time, and close a socket that has gone silent; reading then ends."""
        while True:
            await self._time.sleep(PING_S)
            now_s = self._time.monotonic()
            # A PONG shows that the peer lives, never that the subscription does.
            overdue = FIRST_S if not self._had_data else QUIET_S
            if now_s - self._frame_s > SILENT_S or now_s - self._data_s > overdue:
                log.warning("%s: silent, connecting again", self.name)
                await socket.close(code=1000)
                return
            if self._had_data and now_s - self._since_s >= HEALTHY_S:
                self._pace.worked(self.name)
            await socket.send(PING)

    def _take(self, frame: str | bytes) -> tuple[TokenQuote, ...]:
        """Merge a frame's quotes of our tokens; the last value by the venue's time wins."""
        if frame in {PONG, PONG.encode()}:
            return ()
        try:
            quotes = parse(frame)
        except SourceError as error:
            self.rejected += 1
            log.info("%s: %s", self.name, error)
            return ()
        return tuple(merged for quote in quotes if (merged := self._merge(quote)) is not None)

    def _merge(self, quote: TokenQuote) -> TokenQuote | None:
        if quote.token not in self._tokens:
            return None
        self._data_s = self._time.monotonic()
        self._had_data = True
        if quote.is_book:
            self._booked.add(quote.token)
        held = self.quotes.get(quote.token)
        if held is not None:
            if quote.ts_ns is not None and held.ts_ns is not None and quote.ts_ns < held.ts_ns:
                return None
            quote = msgspec.structs.replace(
                quote,
                bid=held.bid if quote.bid is None else quote.bid,
                ask=held.ask if quote.ask is None else quote.ask,
                last=held.last if quote.last is None else quote.last,
                ts_ns=held.ts_ns if quote.ts_ns is None else quote.ts_ns,
            )
        self.quotes[quote.token] = quote
        return quote

    def _status(self, state: Kind, detail: str) -> Status:
        self._state = state
        return Status(state, detail)
