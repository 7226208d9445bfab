"""The product as it runs: a stream over a real socket, scripted history, in time that a test moves."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feeds.clock import Time
from feeds.errors import SourceError
from feeds.streaming.feed import StreamFeed
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.market.market import Market
from rotation.quote import NS, Quote, Role
from rotation.status import OFFLINE
from tests.support.core_worlds import history_of
from tests.support.fake_time import FakeTime, at_once, settle
from tests.support.session.history import FIRST
from tests.support.session.wire import server_of, vendor_of
from tui.cli.watch import _write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import date

    from feeds.events import Event
    from feeds.streaming.requests import Reference
    from rotation.snapshot import Snapshot
    from tests.support.session.tape import Print, Tape
    from tests.support.session.world import Chapter, Story

LEGS = tuple(FIRST)
DESK = Desk(legs=LEGS)


class SkewedTime(FakeTime):
    """Its clock may be wrong by ``skew_ns``; ``true_ns`` never is."""

    def __init__(self, now_ns: int) -> None:
        super().__init__(now_ns)
        self.skew_ns = 0
        Time.__init__(
            self,
            monotonic=lambda: self.now_s,
            clock_ns=lambda: self.true_ns() + self.skew_ns,
            sleep=self._sleep,
            random=lambda: 0.5,
        )

    def true_ns(self) -> int:
        return self._start_ns + round((self.now_s - 1000.0) * NS)


class Rest:
    """The vendor's REST side as the driver sees it: bars and newest prints of the tape, late or refused."""

    def __init__(self, tape: Tape, time: SkewedTime, known: Reference, vendor: Any) -> None:
        """``known``: closes of the session before on today's scale, and today's splits, so far as it says.

        ``vendor``: the rest of it.
        """
        self._vendor = vendor
        self._tape = tape
        self._time = time
        self.delay_s = 0.0
        self.refusals = 0
        """So many requests are answered with 429."""
        self.is_down = False
        self.asked = 0
        self.known = known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._vendor, name)

    async def _wait(self) -> None:
        self.asked += 1
        if self.delay_s:
            await self._time.sleep(self.delay_s)
        if self.refusals:
            self.refusals -= 1
            raise SourceError("HTTP 429")
        if self.is_down:
            raise SourceError("HTTP 503")

    async def reference(self, symbols: frozenset[str], session: date) -> Reference:
        return self.known

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        await self._wait()
        newest = [self._tape.newest(symbol) for symbol in sorted(symbols)]
        is_sized = self._vendor.name.startswith("Alpaca")  # Massive's is told without
        return tuple(_as_newest(printed, is_sized) for printed in newest if printed is not None)

    async def snapshot_anew(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        return await self.snapshot(symbols)

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        await self._wait()
        end_ns = min(end_ns, self._time.true_ns())
        return tuple(bar for symbol in sorted(symbols) for bar in self._tape.bars(symbol, start_ns, end_ns))


def _as_newest(printed: Print, is_sized: bool) -> Quote:
    """As the vendors' parsers make it of a snapshot's newest trade and its condition codes."""
    role, size = Role.CLOSE if printed.is_closing else Role.PRICE, printed.size if is_sized else 0
    return Quote(printed.symbol, printed.ts_ns, printed.price, printed.number, size, role=role)


class Scripted:
    """A feed of events at given times: history as it is updated, and what vendors say of splits."""

    name = "history"
    mode = OFFLINE

    def __init__(self, time: SkewedTime, script: Sequence[Chapter]) -> None:
        """``script``: in order of time."""
        self._time = time
        self._script = script

    def tape(self) -> None:
        return None

    async def events(self) -> AsyncIterator[Event]:
        for chapter in self._script:
            wait_s = (chapter.at_ns - self._time.true_ns()) / NS
            if wait_s > 0:
                await self._time.sleep(wait_s)
            yield chapter.event()
        await asyncio.Event().wait()


@dataclass
class LastLine:
    """Where ``watch`` writes: only its newest line is kept."""

    line: str = ""
    count: int = 0

    def write(self, text: str) -> None:
        self.line = text
        self.count += 1

    def flush(self) -> None:
        """Nothing waits."""


@dataclass
class SessionDesk:
    """All of it. ``snapshot`` is the newest."""

    server: Any
    """An AlpacaServer, or a MassiveWire."""
    time: SkewedTime
    tape: Tape
    stream: StreamFeed
    rest: Rest
    supervisor: Supervisor
    watch: LastLine = field(default_factory=LastLine)

    @property
    def snapshot(self) -> Snapshot:
        assert self.supervisor.latest is not None
        return self.supervisor.latest

    @property
    def is_connected(self) -> bool:
        """Whether the server has a client that has subscribed."""
        clients = self.server.clients
        return bool(clients) and clients[-1].ready and not clients[-1].closed

    async def send(self, *messages: Any) -> bool:
        """A frame each; False where there is nobody to send to: then they are lost."""
        if not self.is_connected:
            return False
        for message in messages:
            with contextlib.suppress(Exception):
                await self.server.tell(message)
        await settle()
        return True

    def abort(self) -> None:
        """Cut the connection without a word."""
        for client in self.server.clients:
            if not client.closed:
                client.connection.transport.abort()


@contextlib.asynccontextmanager
async def running(
    tape: Tape, story: Story, known: Reference, start_ns: int, environ: Any
) -> AsyncIterator[SessionDesk]:
    """A desk that runs inside. ``environ``: where the stream's address is put, as ``os.environ``."""
    async with server_of(story.wire) as server:
        environ[f"ROTATION_TUI_{story.wire}_STREAM_URL"] = server.url
        time = SkewedTime(start_ns)
        rest = Rest(tape, time, known, vendor_of(story.wire, story.feed))
        rows = story.begins
        closes = {row.symbol: row.close for row in rows if row.close is not None}
        stream = StreamFeed(rest, LEGS, time=time, closes=closes)
        market = Market(history_of(rows), DESK, as_of_ns=start_ns)
        supervisor = Supervisor(
            market,
            [stream, Scripted(time, story.script)],
            clock_ns=time.clock_ns,
            sleep=time.sleep,
            offload=at_once,
        )
        desk = SessionDesk(server, time, tape, stream, rest, supervisor)
        run = asyncio.create_task(supervisor.run())
        watch = asyncio.create_task(_write(supervisor, desk.watch, asyncio.Event()))  # type: ignore[arg-type]
        try:
            await settle()
            yield desk
            if run.done():
                run.result()
        finally:
            for task in (run, watch):
                task.cancel()
            await asyncio.gather(run, watch, return_exceptions=True)
