"""One connection to a vendor after another: connect, authenticate, subscribe, watch, come back.

The loop is our own: the library's reconnects at once whatever the server says, and gives up on HTTP 429.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket as _socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from feeds.clock import retry_after_s
from feeds.errors import SourceError
from feeds.parsing.sanitize import clean
from feeds.streaming.liveness import PING_S, PONG_S
from feeds.streaming.vendor import VendorError
from rotation.status import Kind, Refusal
from rotation.text import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from websockets.asyncio.client import ClientConnection

    from feeds.clock import Time
    from feeds.streaming.liveness import Liveness
    from feeds.streaming.vendor import Conversation, Frame, FrameResult, Vendor

log = logging.getLogger(__name__)
_quiet = logging.getLogger("feeds.streaming.connection.socket")
_quiet.setLevel(logging.WARNING)  # below, the library writes addresses, and some hold a key

FRAME_MAX = 4 * 1024 * 1024
SEND_S = 5.0
"""A message that cannot be handed over for this long: nobody reads at the other end."""
READY_S = 15.0
"""Authentication must be over by then."""
ASK_AGAIN_S = 15.0
"""Between subscriptions sent again while something asked for is not acknowledged."""
REFUSED = {401, 402, 403, 407}
_UNREADABLE = (
    *(SourceError, msgspec.MsgspecError, RecursionError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
)
"""What a frame that nobody foresaw may cause in a parser: it costs that frame, never the desk."""


class Listener(Protocol):
    """Who hears what comes."""

    def connected(self) -> None:
        """The subscription has been sent on a new connection."""
        ...

    def heard(self, heard: FrameResult) -> None:
        """A frame was understood."""
        ...

    def unreadable(self, why: str) -> None:
        """A frame was not."""
        ...

    def lost(self, *, was_subscribed: bool) -> None:
        """The connection has ended, whoever ended it, or there was none."""
        ...


class Connection:
    """Keeps one vendor connected. ``run`` it; call ``tick`` every second from the same loop."""

    def __init__(
        self,
        vendor: Vendor,
        symbols: frozenset[str],
        clocks: Liveness,
        listener: Listener,
        *,
        time: Time,
        renew_ns: Callable[[int], int | None],
        halted: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        """``symbols``: desired; ``renew_ns``: when a connection made now is to be replaced in good order."""
        self._vendor = vendor
        self._symbols = symbols
        self._clocks = clocks
        self._listener = listener
        self._time = time
        self._renew_ns = renew_ns
        self._halted = halted
        self._socket: ClientConnection | None = None
        self._conversation: Conversation = vendor.conversation()
        self._pong: asyncio.Future[float] | None = None
        self._pinged_s = self._beat_s = self._asked_s = self._opened_s = 0.0
        self._again_s: float | None = None
        self._due_ns: int | None = None
        self.connections = 0
        self.is_subscribed = False
        """The subscription has been sent on this connection."""
        self.acknowledged: frozenset[str] | None = None
        """What the vendor says is subscribed; None where it has not said."""
        self.is_limited = False
        """The vendor takes no more symbols than those acknowledged."""
        self.why = "connecting"
        """Why there is no subscription; empty while there is one."""
        self.final: VendorError | None = None
        """Why it is not tried again until the configuration changes."""

    async def run(self) -> None:
        """Until the vendor says no for good."""
        while True:
            floor_s = await self._connect()
            wait_s = self._time.pace.failed("connect", self._time.monotonic(), floor_s)
            final = self.final
            self.why = final.said if final else f"{self.why}; next try in {duration(math.ceil(wait_s))}"
            log.warning("%s: %s", self._vendor.name, self.why)
            self._clear()
            if final:
                return
            await self._time.sleep(wait_s)

    async def tick(self) -> None:
        """Pings, beats, clocks and what is asked again."""
        socket, now_s = self._socket, self._time.monotonic()
        if socket is None:
            return
        gone = self._overdue(now_s)
        if gone:
            self._give_up(socket, gone)
            return
        if self._due_ns is not None and self._time.clock_ns() >= self._due_ns:
            self.why = self.why or "replaced as planned"
            await socket.close()
            return
        if self._clocks.healthy(now_s) and self._is_acknowledged():
            self._time.pace.worked("connect")
        frames: list[Frame] = []
        if self._again_s is not None and now_s >= self._again_s:
            self._again_s, self._opened_s = None, now_s
            frames += self._conversation.opened()
        if self.is_subscribed:
            frames += self._asked_again(now_s)
            if self._vendor.beat_s is not None and now_s - self._beat_s >= self._vendor.beat_s:
                self._beat_s = now_s
                frames += self._conversation.beat()
        await self._send(socket, frames)
        if now_s - self._pinged_s >= PING_S and (self._pong is None or self._pong.done()):
            await self._ping(socket, now_s)

    async def _connect(self) -> float | None:
        """One connection from beginning to end; sets why it ended. Returns the vendor's Retry-After."""
        self.why = ""
        try:
            async with connect(
                self._vendor.url,
                additional_headers=dict(self._vendor.headers),
                max_size=FRAME_MAX,
                ping_interval=None,  # pinged by our own clock
                open_timeout=10,
                close_timeout=1,
                logger=_quiet,
            ) as socket:
                await self._converse(socket)
            self.why = self.why or f"the connection was closed ({socket.close_code or 'cut'})"
        except InvalidStatus as error:
            return self._refused(error)
        except ImportError:
            self.final = VendorError("fatal", "a SOCKS proxy needs the package python-socks", Kind.OFFLINE)
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
            self.why = self.why or f"cannot be reached: {_reason(error)}"
        return None

    def _refused(self, error: InvalidStatus) -> float | None:
        status = error.response.status_code
        self.why = f"HTTP {status}"
        if 400 <= status < 500 and status != 429:
            state = Refusal.AUTH_FAILED if status in REFUSED else Kind.OFFLINE
            self.final = VendorError("fatal", f"HTTP {status}: refused, not asked again", state)
        return retry_after_s(error.response.headers.get("Retry-After"), self._time.clock_ns())

    async def _converse(self, socket: ClientConnection) -> None:
        now_s, now_ns = self._time.monotonic(), self._time.clock_ns()
        self.connections += 1
        self._conversation = self._vendor.conversation()
        self._opened_s = self._pinged_s = now_s
        self._due_ns = self._renew_ns(now_ns)
        self._clocks.opened(now_s)
        self._socket = socket
        self.why = ""
        # Any end that we did not ask for is an outage, one in good order too.
        with suppress(ConnectionClosed):
            greeting = self._conversation.opened()
            await self._send(socket, greeting)
            if not greeting:
                await self._subscribe(socket)
            async for frame in socket:
                await self._take(socket, frame)

    async def _take(self, socket: ClientConnection, frame: Frame) -> None:
        if self.why:
            return  # given up: what is still in the pipe belongs to the gap
        self._clocks.heard(self._time.monotonic())
        try:
            heard = self._conversation.received(frame)
        except _UNREADABLE as error:
            self._listener.unreadable(str(error) if isinstance(error, SourceError) else "a frame of no use")
            return
        if heard.subscribed is not None:
            self.acknowledged = heard.subscribed
        self._listener.heard(heard)
        if heard.trouble is not None:
            self._trouble(socket, heard.trouble)
        await self._send(socket, heard.send)
        if heard.ready and not self.is_subscribed:
            self._again_s = None
            await self._subscribe(socket)

    def _trouble(self, socket: ClientConnection, trouble: VendorError) -> None:
        # Meant to be in a vendor's module's own words; it reaches a terminal, so nobody is taken at his word.
        trouble = msgspec.structs.replace(trouble, said=clean(trouble.said))
        log.warning("%s: %s", self._vendor.name, trouble.said)
        if trouble.kind == "fatal":
            self.final = trouble
            self._give_up(socket, trouble.said)
        elif trouble.kind == "limit":
            self.is_limited = True
        else:
            now_s = self._time.monotonic()
            self._again_s = now_s + self._time.pace.failed("authenticate", now_s)

    async def _subscribe(self, socket: ClientConnection) -> None:
        self.is_subscribed = True
        self._time.pace.worked("authenticate")
        self._asked_s = self._beat_s = self._time.monotonic()
        await self._send(socket, self._conversation.subscribe(self._symbols))
        self._clocks.subscribed(self._time.monotonic())
        self._listener.connected()

    def _asked_again(self, now_s: float) -> Iterable[Frame]:
        if self.is_limited or not self._vendor.acknowledges or now_s - self._asked_s < ASK_AGAIN_S:
            return ()
        if self.acknowledged is not None and self.acknowledged >= self._symbols:
            return ()
        self._asked_s = now_s
        return self._conversation.subscribe(self._symbols)

    def _is_acknowledged(self) -> bool:
        return not self._vendor.acknowledges or bool(self.acknowledged)

    def _overdue(self, now_s: float) -> str:
        if self._pong is not None and not self._pong.done() and now_s - self._pinged_s > PONG_S:
            return f"no pong for {duration(now_s - self._pinged_s)}"
        if not self.is_subscribed:
            waits = self._again_s is not None  # for another session to end: that may take long
            late = not waits and now_s - self._opened_s > READY_S
            return "no answer to the authentication" if late else ""
        return self._clocks.overdue(now_s, self._time.clock_ns(), self._halted())

    async def _ping(self, socket: ClientConnection, now_s: float) -> None:
        self._pinged_s = now_s
        try:
            async with asyncio.timeout(SEND_S):
                self._pong = await socket.ping()  # type: ignore[assignment]
        except TimeoutError:
            self._give_up(socket, "it takes no more messages")
        except ConnectionClosed:
            pass  # the reader is about to see it

    async def _send(self, socket: ClientConnection, frames: Iterable[Frame]) -> None:
        try:
            for frame in frames:
                async with asyncio.timeout(SEND_S):
                    await socket.send(frame)
        except TimeoutError:
            self._give_up(socket, "it takes no more messages")
        except ConnectionClosed:
            pass  # the reader is about to see it

    def _give_up(self, socket: ClientConnection, why: str) -> None:
        """Leave without a farewell: who does not answer would not answer that either."""
        self.why = self.why or why
        socket.transport.abort()

    def _clear(self) -> None:
        was_subscribed = self.is_subscribed
        if self._pong is not None:
            self._pong.cancel()
        self._socket = self._pong = self._again_s = self.acknowledged = None
        self.is_subscribed = self.is_limited = False
        self._listener.lost(was_subscribed=was_subscribed)


def _reason(error: Exception) -> str:
    """In words of our own: an exception's text may hold the address, and that a key."""
    known = (
        (_socket.gaierror, "the name is not known"),
        (ssl.SSLError, "no trusted TLS connection"),
        (ConnectionRefusedError, "nobody answers there"),
        (TimeoutError, "no answer in time"),
        (InvalidHandshake, "it speaks no websocket"),
    )
    return next((words for kind, words in known if isinstance(error, kind)), type(error).__name__)
