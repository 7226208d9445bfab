"""One websocket: the only network I/O of a stream. What frames mean and what to send is the state's matter.

The library's own reconnecting loop is not used: it comes back at once whatever the server says, and gives
up on HTTP 429.
"""

from __future__ import annotations

import asyncio
import logging
import socket as _socket
import ssl
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from feeds.clock import retry_after_s
from feeds.http.tap import tap
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.receive.pace import pause_s
from feeds.streaming.receive.socket import FRAME_MAX, ClientSocket
from feeds.streaming.session import Action
from feeds.turns import gather, wait_for_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.clock import Time
    from feeds.http.tap import Tap
    from feeds.streaming.state import StreamState
    from feeds.streaming.vendor import Frame, Vendor

_quiet = logging.getLogger("feeds.streaming.connection.socket")
_quiet.setLevel(logging.WARNING)  # below, the library writes addresses, and some hold a key

SEND_S = 5.0
"""A message that cannot be sent for this long means that the other end has stopped reading."""
LOOK_MAX = 2_000_000
"""Characters or bytes of one look, some 15,000 trades of Alpaca: keys and screens get their turn between."""
RELIEF_S = 0.001
"""Until the rest is looked at, seconds."""
_REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
_UNREACHABLE = (
    (InvalidURI, Why.BAD_ADDRESS),
    (_socket.gaierror, Why.HOST_NOT_FOUND),
    (ssl.SSLError, Why.NO_TLS),
    (ConnectionRefusedError, Why.REFUSED),
    (TimeoutError, Why.NO_ANSWER),
    (InvalidHandshake, Why.NOT_A_WEBSOCKET),
)


class DirectConnect(connect):
    """The library's, without its redirects: headers, and with them a key, would go along to any host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """The error itself, never another address."""
        return exc


class Ended(msgspec.Struct, frozen=True):
    """How a connection ended, or why there was none."""

    reason: Reason
    floor_s: float | None = None
    """The vendor's own Retry-After; None where it sent none."""


class Connection:
    """Connects one state to one vendor, once for each ``run``."""

    def __init__(
        self,
        vendor: Vendor,
        state: StreamState,
        time: Time,
        *,
        changed: Callable[[], None],
        pace_s: float = 0.0,
    ) -> None:
        """``changed`` is called after each input to the state.

        ``pace_s``: seconds between looks at what has been read, more while a great deal comes
        (``receive/pace.py``), and less where something is about to be drawn; 0 to look at each frame at once.
        """
        self._pace_s = pace_s
        self._arrived = asyncio.Event()
        self._arrival = time.now()
        """When the last frame came."""
        self._vendor = vendor
        self._state = state
        self._time = time
        self._changed = changed
        self._socket: ClientSocket | None = None
        self._pong: asyncio.Future[float] | None = None

    async def run(self) -> Ended:
        """One connection from beginning to end."""
        ended = await self._run()
        listener = tap.get()
        if listener is not None:
            code = f" {ended.reason.code}" if ended.reason.code is not None else ""
            listener.lost(self._vendor.name, f"{ended.reason.why.name}{code}")
        return ended

    async def _run(self) -> Ended:
        try:
            async with await self._open() as socket:
                await self._read(socket)
            return Ended(Reason(Why.CLOSED, code=socket.close_code))
        except InvalidStatus as error:
            floor_s = retry_after_s(error.response.headers.get("Retry-After"), self._time.clock_ns())
            status = error.response.status_code
            why = Why.REDIRECT if status in _REDIRECTS else Why.HTTP
            return Ended(Reason(why, code=status), floor_s)
        except ImportError:
            return Ended(Reason(Why.NO_SOCKS))
        except (OSError, TimeoutError, InvalidHandshake, WebSocketException) as error:
            # The kind only: an exception's text may hold the address, and that a key.
            why = next((why for kind, why in _UNREACHABLE if isinstance(error, kind)), Why.UNREACHABLE)
            return Ended(Reason(why))
        finally:
            self._socket = self._pong = None  # the library has ended the ping with its connection

    async def tick(self) -> None:
        """A second has passed."""
        if self._socket is not None:
            await asyncio.sleep(0)  # what had come while the loop was busy is read before silence is judged
            await asyncio.sleep(0)
            self._note_received()
        if self._pong is not None and self._pong.done():
            self._pong = None
            self._state.on_pong()
        self._state.on_tick(self._time.now())
        self._changed()
        if self._socket is not None:
            await self._act(self._socket)

    def _note_received(self) -> None:
        """Whatever has come is a sign of life: data, a pong, half a frame."""
        if self._socket is not None and self._socket.has_received:
            self._socket.has_received = False
            self._state.on_received(self._time.monotonic())

    async def _open(self) -> ClientSocket:
        """A socket after the upgrade. Raises what ``run`` turns into reasons."""
        try:
            socket = await DirectConnect(
                self._vendor.url,
                create_connection=ClientSocket,
                additional_headers=dict(self._vendor.headers),
                max_size=FRAME_MAX,
                ping_interval=None,  # pinged by our own clock
                open_timeout=10,
                close_timeout=1,
                logger=_quiet,
            )
        except (ValueError, OverflowError):
            # A host that IDNA cannot encode, a port out of range. The cause would quote the address.
            raise InvalidURI("", "not usable") from None
        assert isinstance(socket, ClientSocket)
        return socket

    async def _read(self, socket: ClientSocket) -> None:
        self._socket = socket
        listener = tap.get()
        if listener is not None:
            listener.opened(self._vendor.name)
        self._state.on_connected(self._time.now())
        self._changed()
        await self._act(socket)
        socket.listen(self._note_arrival, None if listener is None else partial(self._capture, listener))
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(self._work(socket), name=f"inbox {self._vendor.name}")
                # Any end that we did not ask for is an outage, one in good order too.
                await socket.wait_closed()
                while socket.has_messages:  # what came before the end counts
                    self._look(socket)
                work.cancel()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    def _note_arrival(self) -> None:
        """Frames have come, which wait in the socket. It must not raise."""
        self._arrival = self._time.now()
        self._arrived.set()

    def _capture(self, listener: Tap, frames: list[Frame]) -> None:
        for frame in frames:
            listener.frame(self._vendor.name, frame)

    async def _work(self, socket: ClientSocket) -> None:
        """Look at what has been read, at a pace, and do what follows."""
        looked_s = self._time.monotonic() - self._pace_s
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await wait_for_turn()
            now_s = self._time.monotonic()
            gathered_s, looked_s = now_s - looked_s, now_s
            size = self._look(socket)
            await self._act(socket)
            if socket.has_messages:
                self._arrived.set()
                await self._time.sleep(RELIEF_S)
            elif self._pace_s:
                await gather(self._time.sleep, pause_s(self._pace_s, size, gathered_s))

    def _look(self, socket: ClientSocket) -> int:
        """Give the state what has been read, or much of it; returns how many characters or bytes that was."""
        frames = socket.take(LOOK_MAX)
        if frames:
            self._state.on_frames(frames, self._arrival)
            self._changed()
        return sum(map(len, frames))

    async def _act(self, socket: ClientSocket) -> None:
        """Do what the state asks for."""
        try:
            for action in self._state.take_actions():
                if action is Action.CLOSE:
                    await socket.close()
                elif action is Action.ABORT:
                    socket.transport.abort()
                else:
                    async with asyncio.timeout(SEND_S):
                        if action is Action.PING:
                            self._pong = await socket.ping()  # type: ignore[assignment]
                        elif isinstance(action, str | bytes):
                            await socket.send(action)
        except TimeoutError:
            self._state.on_blocked()
            socket.transport.abort()
        except ConnectionClosed:
            pass  # the reader is about to see it
