"""A scripted websocket server on loopback, for every vendor: one script a connection; the last one repeats.

A vendor's server is a subclass with ``greeting`` and ``answer``. A script is a sequence of actions (a str or
bytes is a frame to send), or one ``Refuse``; ``faults`` gives those that all vendors share. What clients sent
is in ``clients``; while a script runs, the vendor's answers go on beside it, until MUTE or NO_PONGS.

By hand through a vendor's: ``python -m tests.support.servers.yahoo --port 0 --script abort --script ok``.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Self

    from websockets.http11 import Request, Response

Frame = str | bytes

READY = object()
"""Wait until the client has subscribed (``Client.ready``)."""
ABORT = object()
"""Drop the connection without a close."""
MUTE = object()
"""Say nothing more, though pings of the transport are answered."""
NO_PONGS = object()
"""Read nothing more: not even pings are answered."""
STAY = object()
"""Nothing more of the script, until the client ends; the vendor's answers go on."""


@dataclass(frozen=True)
class Close:
    """End the connection in order, with this code."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Refuse:
    """The whole script: no upgrade, but this HTTP status."""

    status: int
    retry_after: str = ""
    location: str = ""
    """Of a redirect."""


@dataclass(frozen=True)
class Raw:
    """Bytes on the wire as they are: a websocket frame that no library would make."""

    data: bytes


@dataclass(frozen=True)
class Burst:
    """Many frames at once."""

    frames: Sequence[Any]


@dataclass(frozen=True)
class FrameResult:
    """Wait until the client has sent this many frames."""

    count: int


@dataclass(frozen=True)
class Every:
    """For use by hand: ``make(n)`` each ``seconds``, for ever."""

    seconds: float
    make: Callable[[int], Any]
    """A frame, or what the vendor's server makes one of."""


BAD_UTF8 = Raw(b"\x81\x04\xff\xfe\xfd\xfc")
"""A text frame that is no text."""
HUGE = "x" * (10 * 1024 * 1024)
"""10 MB in one frame."""


@dataclass
class Client:
    """One connection, as the server saw it."""

    path: str
    headers: dict[str, str]
    """Names in lower case."""
    connection: ServerConnection
    sent: list[Frame] = field(default_factory=list)
    """What the client sent, in order."""
    ready: bool = False
    """It has subscribed."""
    silent: bool = False
    """MUTE: the vendor's answers have ended."""
    state: dict[str, Any] = field(default_factory=dict)
    """For the vendor's server: the subscribed set, the encoding."""
    closed: bool = False
    close_code: int | None = None


class WsServer:
    """An async context manager. ``upgrades`` counts every try to connect, refused or not."""

    path = ""
    """Behind the address, as clients of this vendor write it."""

    def __init__(self, *scripts: object) -> None:
        self.scripts: list[Any] = list(scripts) or [(STAY,)]
        self.upgrades = 0
        self.clients: list[Client] = []
        self.url = ""
        self._moved = asyncio.Event()

    def greeting(self, client: Client) -> Iterable[Frame]:
        """What the vendor says before it is spoken to."""
        return ()

    def answer(self, client: Client, frame: Frame) -> Iterable[Frame]:
        """What the vendor says to a frame; sets ``client.ready`` at a subscription."""
        client.ready = True
        return ()

    async def start(self, port: int = 0) -> None:
        self._server = await serve(
            self._run,
            "127.0.0.1",
            port,
            process_request=self._upgrade,
            ping_interval=None,
            close_timeout=0.2,
            max_size=None,
        )
        self.url = f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}"

    async def stop(self) -> None:
        """End at once: clients still there are cut."""
        for client in self.clients:
            if not client.closed:
                client.connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something that came makes this true."""
        while not condition():
            self._moved.clear()
            await self._moved.wait()

    async def send(self, *frames: Frame) -> None:
        """To the newest client, from outside a script."""
        for frame in frames:
            await self.clients[-1].connection.send(frame)

    def _move(self) -> None:
        self._moved.set()

    def _upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        self.upgrades += 1
        self._move()
        script = self.scripts[0]
        if not isinstance(script, Refuse):
            return None
        self._next()
        response = connection.respond(HTTPStatus(script.status), "no\n")
        if script.retry_after:
            response.headers["Retry-After"] = script.retry_after
        if script.location:
            response.headers["Location"] = script.location
        return response

    def _next(self) -> Any:
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]

    async def _run(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        client = Client(request.path, headers, connection)
        self.clients.append(client)
        script = self._next()
        self._move()
        read = asyncio.create_task(self._read(client))
        try:
            for frame in self.greeting(client):
                await connection.send(frame)
            for action in script:
                await self._act(client, action)
            await read
        except ConnectionClosed:
            pass
        finally:
            read.cancel()
            await asyncio.gather(read, return_exceptions=True)
            client.closed, client.close_code = True, connection.close_code
            self._move()

    async def _read(self, client: Client) -> None:
        with suppress(ConnectionClosed):
            async for frame in client.connection:
                client.sent.append(frame)
                replies = () if client.silent else self.answer(client, frame)
                self._move()
                for reply in replies:
                    await client.connection.send(reply)

    async def _act(self, client: Client, action: object) -> None:
        connection = client.connection
        if isinstance(action, str | bytes):
            await connection.send(action)
        elif isinstance(action, Burst):
            for frame in action.frames:
                await connection.send(frame)
        elif isinstance(action, Raw):
            connection.transport.write(action.data)
        elif isinstance(action, Close):
            await connection.close(action.code, action.reason)
        elif isinstance(action, FrameResult):
            await self._gone_or(client, lambda: len(client.sent) >= action.count)
        elif isinstance(action, Every):
            count = 0
            while True:
                await connection.send(action.make(count))
                count += 1
                await asyncio.sleep(action.seconds)
        elif action is READY:
            await self._gone_or(client, lambda: client.ready)
        elif action is ABORT:
            connection.transport.abort()
            await connection.wait_closed()
        elif action is MUTE:
            client.silent = True
        elif action is NO_PONGS:
            client.silent = True
            connection.transport.pause_reading()
        elif action is not STAY:
            raise ValueError(f"{action!r} is no action")

    async def _gone_or(self, client: Client, condition: Callable[[], object]) -> None:
        gone = asyncio.create_task(client.connection.wait_closed())
        true = asyncio.create_task(self.until(condition))
        try:
            await asyncio.wait((gone, true), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            true.cancel()


def faults(*good: object) -> dict[str, Any]:
    """Scripts that mean the same for every vendor, by name; ``good``: prints before the fault."""
    return {
        "ok": (READY, *good, STAY),
        "close1000": (READY, *good, Close(1000)),
        "abort": (READY, *good, ABORT),
        "1008": (Close(1008),),
        "429": Refuse(429, "42"),
        "401": Refuse(401),
        "500": Refuse(500),
        "mute": (READY, *good, MUTE),
        "no-pongs": (READY, *good, NO_PONGS),
        "huge": (READY, *good, HUGE, STAY),
        "utf8": (READY, *good, BAD_UTF8, STAY),
        "garbage": (READY, "{not json", '"text"', b"\xff\xfe\x00", "[[[[", "null", "[3]", *good, STAY),
        "triple": (READY, *(frame for frame in good for _ in range(3)), STAY),
        "burst": (READY, Burst([*good] * 1000), STAY),
    }


def by_hand(make: Callable[..., WsServer], scripts: dict[str, Any], doc: str) -> None:
    """``--port`` and ``--script`` (again for the next connection); prints the address, then serves."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", action="append", choices=sorted(scripts))
    given = parser.parse_args()

    async def run() -> None:
        server = make(*(scripts[name] for name in given.script or ["ok"]))
        await server.start(given.port)
        print(server.url + server.path, flush=True)
        await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(run())
