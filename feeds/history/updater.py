"""Keeps settled history up to date while the desk runs: what was missed before, each day after its close."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING

from feeds.errors import InputError
from feeds.events import HistoryUpdated, Status
from feeds.history.daily import last_settled
from feeds.history.loading import load_history
from feeds.history.plan import last_turn
from feeds.history.renames import FILE, read_renames
from feeds.history.sync import HistorySync
from rotation.status import OFFLINE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import date

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.history.daily import DailySource
    from feeds.history.store import HistoryStore
    from rotation.sync_report import SyncProgress, SyncReport

log = logging.getLogger(__name__)

LOOK_S = 30.0
"""How often the clock is looked at: a machine may have slept."""
LEARN_S = 5.0
"""What has come of a long download is shown this often."""
LATE_DAYS = 14
"""A series that ends before is at its end."""
AGAIN_S = (60.0, 300.0, 900.0)
"""Between attempts that brought less than was due."""


class HistoryUpdater:
    """A feed of HistoryUpdated. A source that fails is reported and asked again, never raised."""

    name = "history"
    mode = OFFLINE
    """Until a source has answered."""

    def __init__(
        self,
        store: HistoryStore,
        symbols: Sequence[str],
        *,
        since: date,
        time: Time,
        sources: Callable[[], AbstractAsyncContextManager[list[DailySource]]],
    ) -> None:
        """``symbols``: the desk's legs. ``sources``: opens those to ask, first choice first."""
        self._store = store
        self._symbols = list(symbols)
        self._since = since
        self._time = time
        self._sources = sources
        self._again: set[str] = set()
        self._moved = asyncio.Event()
        self._progress: SyncProgress | None = None
        self._turn_ns: int | None = None
        self._failures = 0

    def tape(self) -> None:
        """None: it is live."""

    def ask_again(self, symbol: str) -> None:
        """A print of a settled session was corrected: compare this series soon, whatever the hour."""
        self._again.add(symbol)

    async def events(self) -> AsyncIterator[Event]:
        """History whenever it has grown, and how the download goes."""
        while True:
            # Also without a new close: at 09:30 of an ex-date the vendor has restated what is held.
            turn_ns = last_turn(self._time.clock_ns())
            if turn_ns != self._turn_ns or self._again:
                async with aclosing(self._synced(turn_ns)) as events:
                    async for event in events:
                        yield event
            await self._time.sleep(self._wait_s())

    def _wait_s(self) -> float:
        if not self._failures:
            return LOOK_S
        return AGAIN_S[min(self._failures, len(AGAIN_S)) - 1]

    async def _synced(self, turn_ns: int) -> AsyncGenerator[Event, None]:
        again, self._again = frozenset(self._again), set()
        self._progress = None
        work = asyncio.create_task(self._sync(again), name="history sync")
        work.add_done_callback(lambda _: self._moved.set())
        settled = last_settled(turn_ns)
        try:
            async with aclosing(self._going_on(work)) as events:
                async for event in events:
                    yield event
            report = work.result()
            late = await asyncio.to_thread(self._late, settled)
            yield await self._learned()
        except InputError as error:
            self._failures += 1
            self._again |= again
            yield Status(Kind.OFFLINE, f"{error}; asked again in {self._wait_s():.0f} s")
            return
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        failed = dict(report.failed)
        self._again |= again & failed.keys()
        self._failures = self._failures + 1 if failed or late else 0
        self._turn_ns = None if failed or late else turn_ns
        yield self._status(failed | late, settled)

    async def _going_on(self, work: asyncio.Task[SyncReport]) -> AsyncGenerator[Event, None]:
        """How the download goes; what has come of a long one is not kept back until its end."""
        known = 0
        known_s = self._time.monotonic()
        while not work.done():
            await self._moved.wait()
            self._moved.clear()
            progress = self._progress
            if progress is None or work.done():
                continue
            came, now_s = progress.done - progress.failed, self._time.monotonic()
            short = progress.done < progress.total
            if short and came > known and (now_s - known_s >= LEARN_S or progress.said or not known):
                known, known_s = came, now_s
                yield await self._learned()
            said = progress.said or progress.symbol
            state = Kind.LIVE if came else Kind.OFFLINE
            yield Status(state, f"history {progress.done} of {progress.total}: {said}")

    async def _learned(self) -> HistoryUpdated:
        now_ns = self._time.clock_ns()
        return HistoryUpdated(
            await asyncio.to_thread(load_history, self._store, self._symbols, now_ns=now_ns)
        )

    def _late(self, settled: date) -> dict[str, str]:
        """Series that end a little too early: vendors take their time with a close. Old ends are ends."""
        held, recent = self._store.symbols(), settled - timedelta(days=LATE_DAYS)
        return {
            symbol: f"ends {held[symbol].last}, the close of {settled} is not there yet"
            for symbol in self._symbols
            if symbol in held and recent <= held[symbol].last < settled
        }

    def _status(self, missing: dict[str, str], settled: date) -> Status:
        if not missing:
            return Status(Kind.LIVE, f"settled through {settled}")
        symbol, reason = next(iter(missing.items()))
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        said = f"{symbol}: {reason}{more}; asked again in {self._wait_s():.0f} s"
        here = len(self._symbols) - len(missing)
        if here <= 0:
            return Status(Kind.OFFLINE, said)
        return Status(Kind.GAPPED, f"{here} of {len(self._symbols)} settled through {settled}; {said}")

    async def _sync(self, again: frozenset[str]) -> SyncReport:
        async with self._sources() as sources:
            renames = await asyncio.to_thread(read_renames, self._store.folder / FILE)
            sync = HistorySync(
                self._store,
                sources,
                renames=renames,
                tell=self._tell,
                clock_ns=self._time.clock_ns,
                monotonic=self._time.monotonic,
                sleep=self._time.sleep,
            )
            report = await sync.run(self._symbols, since=self._since, again=again)
        for note in report.notes:
            log.info("history: %s", note)
        return report

    def _tell(self, progress: SyncProgress) -> None:
        """The newest word on how it goes; one that nobody has read yet is replaced."""
        self._progress = progress
        self._moved.set()
