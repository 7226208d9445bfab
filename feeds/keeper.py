"""Keeps settled history up to date while the desk runs: what was missed before, each day after its close."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from feeds.base import Learned, Status
from feeds.daily import last_settled
from feeds.errors import InputError
from feeds.history_loading import load_history
from feeds.history_sources import open_sources
from feeds.history_sync import HistorySync
from feeds.renames import FILE, read_renames
from feeds.sync_plan import last_turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import date

    from feeds.base import Event
    from feeds.daily import DailySource
    from feeds.store import HistoryStore
    from feeds.stream_time import Time
    from rotation.sync_report import SyncProgress

log = logging.getLogger(__name__)

LOOK_S = 30.0
"""How often the clock is looked at: a machine may have slept."""
AGAIN_S = (60.0, 300.0, 900.0)
"""Between attempts that brought less than was due."""


class HistoryKeeper:
    """A feed (``feeds.base.Feed``) of Learned. A source that fails is told and asked again, never raised."""

    name = "history"
    mode = "OFFLINE"
    """Until a source has answered."""

    def __init__(
        self,
        store: HistoryStore,
        symbols: Sequence[str],
        *,
        since: date,
        time: Time,
        sources: Callable[[], AbstractAsyncContextManager[list[DailySource]]] | None = None,
    ) -> None:
        """``symbols``: the desk's legs. ``sources``: as ``feeds.history_sources`` opens them."""
        self._store = store
        self._symbols = list(symbols)
        self._since = since
        self._time = time
        self._sources = sources or self._opened
        self._said: asyncio.Queue[Status] = asyncio.Queue(maxsize=1)
        self._turn_ns: int | None = None
        self._failures = 0

    def tape(self) -> None:
        """None: it is live."""

    async def events(self) -> AsyncIterator[Event]:
        """History whenever it has grown, and how the download goes."""
        while True:
            # Also without a new close: at 09:30 of an ex-date the vendor has restated what is held.
            turn_ns = last_turn(self._time.clock_ns())
            if turn_ns != self._turn_ns:
                async for event in self._synced(turn_ns):
                    yield event
            await self._time.sleep(self._wait_s())

    def _wait_s(self) -> float:
        if not self._failures:
            return LOOK_S
        return AGAIN_S[min(self._failures, len(AGAIN_S)) - 1]

    async def _synced(self, turn_ns: int) -> AsyncIterator[Event]:
        work = asyncio.create_task(self._sync(), name="history sync")
        try:
            while not work.done():
                asking = asyncio.create_task(self._said.get())
                await asyncio.wait([work, asking], return_when=asyncio.FIRST_COMPLETED)
                if asking.done():
                    yield asking.result()
                asking.cancel()
            failed, sessions = work.result()
        except InputError as error:
            self._failures += 1
            yield Status("OFFLINE", str(error))
            return
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        self._failures = self._failures + 1 if failed else 0
        self._turn_ns = None if failed else turn_ns
        if sessions or self._failures <= 1:
            now_ns = self._time.clock_ns()
            history = await asyncio.to_thread(load_history, self._store, self._symbols, now_ns=now_ns)
            yield Learned(history)
        yield self._status(failed, last_settled(turn_ns))

    def _status(self, failed: tuple[tuple[str, str], ...], settled: date) -> Status:
        if not failed:
            return Status("LIVE", f"settled through {settled}")
        symbol, reason = failed[0]
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return Status("OFFLINE", f"{symbol}: {reason}{more}; asked again in {self._wait_s():.0f} s")

    async def _sync(self) -> tuple[tuple[tuple[str, str], ...], int]:
        """(symbol and reason of each failure, sessions that are new)."""
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
            report = await sync.run(self._symbols, since=self._since)
        for note in report.notes:
            log.info("history: %s", note)
        return report.failed, report.sessions

    def _tell(self, progress: SyncProgress) -> None:
        """The newest word on how it goes; one that nobody has read yet is replaced."""
        if self._said.full():
            self._said.get_nowait()
        said = progress.said or progress.symbol
        self._said.put_nowait(Status("LIVE", f"history {progress.done} of {progress.total}: {said}"))

    def _opened(self) -> AbstractAsyncContextManager[list[DailySource]]:
        return open_sources("auto", symbols=len(self._symbols), since=self._since)
