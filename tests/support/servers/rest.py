"""A scripted HTTP server on loopback: one reply a request, in order; the last one repeats.

By hand: ``python -m tests.support.servers.rest --port 0 --script 429 --script ok`` prints its address.
Scripts are
the names in FAULTS; ``ok`` answers every path of the REST sources with a sample.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from tests.support.servers.samples import for_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

REASONS = {200: "OK", 304: "Not Modified", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True)
class Reply:
    """What to send; ``None`` as body means the sample of the path."""

    body: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Promise the whole body and close in the middle of it."""
    mute: bool = False
    """Send nothing until the server is closed."""


def ok(body: bytes | None = None, **headers: str) -> Reply:
    return Reply(body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def fault(status: int, **headers: str) -> Reply:
    return replace(ok(b"busy", **headers), status=status)


def zipped(body: bytes) -> Reply:
    return ok(gzip.compress(body), content_encoding="gzip")


ETAG = '"v1"'
PAGE = b"<!DOCTYPE html><html><body>Please verify you are human</body></html>"
FAULTS: dict[str, Reply] = {
    "ok": Reply(),
    "429": fault(429, retry_after="7"),
    "500": fault(500),
    "cut": Reply(cut=True),
    "na": ok(
        b'{"refRates":[{"effectiveDate":"2024-07-15","type":"EFFR","percentRate":"NA",'
        b'"targetRateFrom":"NA","targetRateTo":"NA"}]}'
    ),
    "missing": ok(b'{"refRates":[{}],"events":[{}],"cursor":null,"chart":{"result":[{}]}}'),
    "html": ok(PAGE, content_type="text/html"),
    "empty": ok(b"[]"),
    "stale": ok(etag=ETAG, last_modified="Mon, 01 Jul 2024 00:00:00 GMT"),
    "old": ok(date="Mon, 01 Jul 2024 00:00:00 GMT"),
    "slow": Reply(mute=True),
    "huge": ok(b'{"a":"' + b"x" * (10 * 1024 * 1024) + b'"}'),
    "utf8": ok(b'{"refRates":[{"effectiveDate":"\xff\xfe"}]}'),
}


@dataclass(frozen=True)
class Asked:
    path: str
    """With its query."""
    headers: dict[str, str]


class RestServer:
    """An async context manager; ``requests`` lists what was asked."""

    def __init__(self, *script: Reply, answer: Callable[[str], bytes] = for_path) -> None:
        self.script = list(script) or [Reply()]
        self._answer_of = answer
        self.requests: list[Asked] = []
        self.asked = asyncio.Event()
        self.url = ""
        self._closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._closing.set()
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def reply(self, path: str, headers: dict[str, str], reply: Reply) -> Reply:
        """A vendor's own server answers here from what was asked."""
        return reply

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        path = first.split(" ")[1]
        self.requests.append(Asked(path, headers))
        self.asked.set()
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        reply = self.reply(path, headers, reply)
        if reply.mute:
            await self._closing.wait()
            return False
        etag = reply.headers.get("etag")
        if etag and headers.get("if-none-match") == etag:
            reply = Reply(b"", 304, reply.headers)
        body = self._answer_of(path) if reply.body is None else reply.body
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))} | reply.headers
        shown = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        reason = REASONS.get(reply.status, "Whatever")
        writer.write(f"HTTP/1.1 {reply.status} {reason}\r\n{shown}\r\n".encode("latin-1"))
        writer.write(body[: len(body) // 2] if reply.cut else body)
        await writer.drain()
        return not reply.cut


def run(started: Callable[[], Awaitable[Iterable[str]]]) -> None:
    """Run a module of servers as a program: print what ``started`` gives, then serve until Ctrl+C."""

    async def serve() -> None:
        print("\n".join(await started()), flush=True)
        await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


async def _started() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", action="append", choices=sorted(FAULTS))
    given = parser.parse_args()
    server = RestServer(*(FAULTS[name] for name in given.script or ["ok"]))
    await server.start(given.port)
    return [server.url]


if __name__ == "__main__":
    run(_started)
