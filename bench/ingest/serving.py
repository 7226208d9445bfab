"""A server process of ``bench.ingest.server``, and the clock of the session that it serves."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bench.common import BenchError
from bench.ingest.tape import BASE_NS, NOMINAL_PER_S
from feeds.clock import Time
from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


LONGEST_LINE = 1 << 22
"""Of a report, in bytes."""


class Serving:
    """Where the tape is served, and what time it is on it."""

    def __init__(
        self, process: asyncio.subprocess.Process, port: int, count: int, rate: int, speed: int = 1
    ) -> None:
        """``speed``: seconds of the session in a second."""
        self._process = process
        self._speed = speed
        self.port = port
        self.count = count
        self.go_ns: int | None = None
        """When the first print is due, monotonic; None until the client has subscribed."""
        # A tape that is served at once has been made before.
        self._ahead_ns = 0 if rate else count * NS // NOMINAL_PER_S + NS

    def clock_ns(self) -> int:
        """The session's clock, UTC nanoseconds."""
        since_ns = -NS if self.go_ns is None else (time.monotonic_ns() - self.go_ns) * self._speed
        return BASE_NS + self._ahead_ns + since_ns

    def time(self) -> Time:
        """The same for a feed, whose own clock and sleep go as fast."""
        speed = self._speed
        if speed == 1:
            return Time(clock_ns=self.clock_ns)
        return Time(
            clock_ns=self.clock_ns,
            monotonic=lambda: time.monotonic() * speed,
            sleep=lambda seconds: asyncio.sleep(seconds / speed),
        )

    async def until_go(self) -> None:
        """Wait until the server is about to begin."""
        self.go_ns = int((await self._line()).split()[1])

    async def until_sent(self) -> None:
        """Wait until all has been handed to the network."""
        await self._line()

    async def report(self) -> Any:
        """What a long tape's server says after that."""
        return json.loads(await self._line())

    async def _line(self) -> str:
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode().strip()
        if not line:
            raise BenchError("the server of the tape has ended")
        return line


@asynccontextmanager
async def serving(
    kind: str, per_frame: int, count: int, rate: int, *, speed: int = 0
) -> AsyncIterator[Serving]:
    """A server in a process of its own; it is ended afterwards. ``speed``: above 0, of a long tape."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.ingest.server", kind, *map(str, (per_frame, count, rate, speed))),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        first = (await process.stdout.readline()).split()
        if len(first) != 2:
            raise BenchError("the server of the tape did not start")
        yield Serving(process, int(first[1]), count, rate, speed or 1)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
