"""Keeps settled history up to date while the desk runs: what was missed before, each day after its close."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from feeds.errors import InputError, StorageError
from feeds.events import HistoryConfirmed, HistoryUpdated, Status
from feeds.history.daily import last_settled
from feeds.history.loading import load_history
from feeds.history.plan import last_turn
from feeds.history.renames import FILE, read_renames
from feeds.history.sync import HistorySync
from rotation.sessions import RESTATED_NS, open_ns, previous_session, session_at
from rotation.status import OFFLINE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractAsyncContextManager
    from datetime import date

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.history.daily import DailySource
    from feeds.history.store import HistoryStore
    from rotation.breadth.members import Membership
    from rotation.sync_report import SyncProgress, SyncReport

log = logging.getLogger(__name__)

LOOK_S = 30.0
"""How often the clock is looked at: a machine may have slept."""
UPDATE_S = 5.0
"""What has come of a long download is shown this often."""
LATE_DAYS = 14
"""A series that ends earlier than so many days before the last close has come to its end."""
AGAIN_S = (60.0, 300.0, 900.0)
"""Between attempts that brought less than was due."""


class HistoryUpdater:
    """A feed of HistoryUpdated. A source that fails is reported and asked again, never raised."""

    name = "history"
    shows_parts = True
    """Whether what has come of a long download is handed on before its end."""
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
        members: AbstractSet[str] = frozenset(),
        turns: asyncio.Lock | None = None,
    ) -> None:
        """``symbols``: the desk's legs. ``members``: of funds, loaded beside them.

        ``turns``: of all that hand on history from this store, lest an older one comes last; None: only this.
        ``sources``: opens those to ask, first choice first.

        Raises InputError for a table of renames that cannot be read.
        """
        self._store = store
        self._symbols = list(symbols)
        self._since = since
        self._time = time
        self._sources = sources
        self._members = members
        self._turns = turns or asyncio.Lock()
        self._wanted = self._symbols
        """Of the download under way, or of the last one."""
        self._renames = read_renames(store.folder / FILE)
        self._again: set[str] = set()
        self._has_changed = False
        """Whether other members are wanted than those of the history handed on last."""
        self._turn_ns: int | None = None
        """The turn up to which everything is held; None while something is missing."""
        self._failures = 0
        self.has_tried = False
        """Whether it has been through all series once, whatever came of it."""

    def tape(self) -> None:
        """None: it is live."""

    def ask_again(self, symbol: str) -> None:
        """A print of a settled session was corrected: compare this series soon, whatever the hour.

        Symbols that are not its own are ignored.
        """
        if symbol in self._symbols:
            self._again.add(symbol)

    def take_members(self, membership: tuple[Membership, ...]) -> None:
        """All holdings files there are now: their members are loaded with what is handed on next.

        Raises InputError for a table of renames that cannot be read.
        """
        self._renames = read_renames(self._store.folder / FILE)
        self._members = frozenset(symbol for fund in membership for symbol in fund.symbols())

    async def events(self) -> AsyncGenerator[Event, None]:
        """History whenever it has grown, and how the download goes.

        Ends where the person's own settings are wrong: the last Status says what to fix.
        """
        while True:
            # Also without a new close: at 09:30 of an ex-date the vendor has restated what is held.
            turn_ns = self._turn(self._time.clock_ns())
            if turn_ns != self._turn_ns or self._again or self._has_changed:
                try:
                    async with aclosing(self._update(turn_ns)) as events:
                        async for event in events:
                            yield event
                except InputError as error:
                    yield Status(Kind.OFFLINE, f"{error}; then start again")
                    return
            await self._time.sleep(self._wait_s())

    def _turn(self, now_ns: int) -> int:
        """The latest instant after which there may be something to download."""
        return last_turn(now_ns)

    def _wait_s(self) -> float:
        if not self._failures:
            return LOOK_S
        return AGAIN_S[min(self._failures, len(AGAIN_S)) - 1]

    async def _update(self, turn_ns: int) -> AsyncGenerator[Event, None]:
        """One download and what came of it. Raises InputError."""
        again, self._again = frozenset(self._again), set()
        asked_ns = self._time.clock_ns()
        settled = last_settled(turn_ns)
        self._wanted = await asyncio.to_thread(self._chosen)
        try:
            async with self._sources() as sources:
                sync = self._download(sources)
                async with aclosing(self._progress(sync, again)) as events:
                    async for event in events:
                        yield event
            report = sync.report()
            late = await asyncio.to_thread(self._late, settled)
            async with aclosing(self._history()) as loaded:
                async for event in loaded:
                    yield event
        except StorageError as error:
            self._failures += 1
            self._again |= again
            self.has_tried = True
            yield Status(Kind.OFFLINE, f"{error}; next try in {self._wait_s():.0f} s")
            return
        session = session_at(asked_ns)
        if session is not None and asked_ns >= open_ns(session) + RESTATED_NS:
            before = previous_session(session)
            confirmed = frozenset(symbol for symbol in again if sync.kept.get(symbol) == before)
            if confirmed:
                yield HistoryConfirmed(session, confirmed)
        self._note(report, again, late, turn_ns)
        self.has_tried = True
        yield self._status(dict(report.failed) | late, settled)

    def _chosen(self) -> list[str]:
        """Which series are to be kept up to date."""
        return self._symbols

    def _asked(self) -> list[str]:
        """Those of ``_wanted`` that are asked for; what needs nothing is passed over."""
        return self._wanted

    async def _steps(
        self, sync: HistorySync, again: frozenset[str]
    ) -> AsyncGenerator[tuple[SyncProgress, ...], None]:
        async with aclosing(sync.steps((*self._asked(), *again), since=self._since, again=again)) as steps:
            async for step in steps:
                yield step

    def _download(self, sources: Sequence[DailySource]) -> HistorySync:
        return HistorySync(
            self._store,
            sources,
            renames=self._renames,
            clock_ns=self._time.clock_ns,
            monotonic=self._time.monotonic,
            sleep=self._time.sleep,
        )

    def _note(self, report: SyncReport, again: frozenset[str], late: dict[str, str], turn_ns: int) -> None:
        """What is still missing decides when to ask again."""
        for note in report.notes:
            log.info("history: %s", note)
        failed = dict(report.failed)
        self._again |= again & failed.keys()
        self._failures = self._failures + 1 if failed or late else 0
        self._turn_ns = None if failed or late else turn_ns

    async def _progress(self, sync: HistorySync, again: frozenset[str]) -> AsyncGenerator[Event, None]:
        """How the download goes; what has come of a long one is not kept back until its end."""
        known = 0
        known_s = self._time.monotonic()
        async with aclosing(self._steps(sync, again)) as steps:
            async for step in steps:
                if not step:
                    continue
                progress = step[-1]
                arrived, now_s = progress.done - progress.failed, self._time.monotonic()
                is_due = self.shows_parts and (
                    now_s - known_s >= UPDATE_S or bool(progress.message) or not known
                )
                if progress.done < progress.total and arrived > known and is_due:
                    known, known_s = arrived, now_s
                    async with aclosing(self._history()) as loaded:
                        async for event in loaded:
                            yield event
                yield _going_on(progress)

    async def _history(self) -> AsyncGenerator[HistoryUpdated, None]:
        """What is stored now. Nobody else's turn begins before it has been taken, which asks for the next."""
        async with self._turns:
            load = partial(load_history, now_ns=self._time.clock_ns(), members=self._members)
            yield HistoryUpdated(await asyncio.to_thread(load, self._store, self._symbols))

    def _late(self, settled: date) -> dict[str, str]:
        """Series that end a little too early: vendors take their time with a close. Old ends are ends."""
        held, recent = self._store.symbols(), settled - timedelta(days=LATE_DAYS)
        return {
            symbol: f"ends {held[symbol].last}, the close of {settled} is not available yet"
            for symbol in self._wanted
            if symbol in held and recent <= held[symbol].last < settled
        }

    def _status(self, missing: dict[str, str], settled: date) -> Status:
        if not missing:
            return Status(Kind.LIVE, f"settled through {settled}")
        symbol, reason = next(iter(missing.items()))
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        next_try = f"; next try in {self._wait_s():.0f} s" if self._failures else ""
        message = f"{symbol}: {reason}{more}{next_try}"
        total = len(self._wanted)
        complete = total - len(missing)
        if complete <= 0:
            return Status(Kind.OFFLINE, message)
        return Status(Kind.GAPPED, f"{complete:,} of {total:,} settled through {settled}; {message}")


def _going_on(progress: SyncProgress) -> Status:
    kind = Kind.LIVE if progress.done > progress.failed else Kind.OFFLINE
    what = progress.message or progress.symbol
    return Status(kind, f"history {progress.done} of {progress.total}: {what}")
