"""Downloading daily history: whole series once, then tails; every symbol stored as soon as it has come.

What is stored is whole at any moment, so a download that was killed goes on where it stopped by being
started again. What becomes of an answer is decided in feeds.history.decide.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import polars as pl

from feeds.clock import wall_ns
from feeds.errors import DamagedError, SourceAway, SourceError
from feeds.history import plan as sync_plan
from feeds.history.daily import Bars, DailySource, last_settled
from feeds.history.decide import (
    CHANGED,
    Cached,
    Fail,
    NextSource,
    Replaced,
    Retry,
    Store,
    Unchanged,
    Unreadable,
    decide,
    needs_cached,
)
from feeds.history.jobs import Job, in_order, take_group
from feeds.history.renames import Renames
from feeds.history.store import ChangedError, Series
from feeds.history.tally import Tally
from rotation.sessions import new_york_day
from rotation.text import duration

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from feeds.history.manifest import Entry
    from feeds.history.store import HistoryStore
    from rotation.sync_report import SyncProgress, SyncReport

log = logging.getLogger(__name__)

PAUSES_S = (60.0, 300.0, 900.0)
"""A source that refuses is left alone so long, or as it asks; when it refuses once more it is skipped."""
PAUSE_MAX_S = 900.0
"""A source that asks for more is skipped at once."""
CONFIRM_AT_ONCE = 32


class HistorySync:
    """One download. Sources keep within their own limits; here they are only asked in turn."""

    def __init__(
        self,
        store: HistoryStore,
        sources: Sequence[DailySource],
        *,
        renames: Renames | None = None,
        clock_ns: Callable[[], int] = wall_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``sources``: in order of preference; a symbol's own vendor goes first all the same."""
        self._store = store
        self._sources = sources
        self._renames = Renames() if renames is None else renames
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._tally = Tally(monotonic)
        self._refusals: dict[str, int] = {}
        """In a row; 0 where a source has answered."""
        self._agreed: dict[str, Entry] = {}
        self._asked_ns = 0
        self.kept: dict[str, date] = {}
        """By symbol the last day of what is held, where a source that restates by itself agrees with it."""

    async def run(
        self,
        symbols: Iterable[str],
        *,
        since: date,
        on_progress: Callable[[SyncProgress], None] = lambda _: None,
    ) -> SyncReport:
        """Bring these up to date, from ``since`` on. Raises StorageError if the store cannot be used.

        ``on_progress`` is called in the event loop's own thread.
        """
        async for steps in self.steps(symbols, since=since):
            for step in steps:
                on_progress(step)
        return self.report()

    def report(self) -> SyncReport:
        """What came of it until now."""
        return self._tally.report()

    async def steps(
        self, symbols: Iterable[str], *, since: date, again: AbstractSet[str] = frozenset()
    ) -> AsyncGenerator[tuple[SyncProgress, ...], None]:
        """As ``run``, yielding what has happened whenever something has; it is stored by then.

        Those in ``again`` are compared though they seem to be up to date. Raises StorageError.
        """
        queue = await asyncio.to_thread(self._jobs, symbols, since, again)
        yield self._tally.take()
        while queue:
            self._asked_ns = self._clock_ns()
            through = last_settled(self._asked_ns)
            group = take_group(queue, through)
            source = group[0].source
            try:
                answers = await source.daily([job.symbol for job in group], group[0].asks, through)
            except SourceAway as away:
                queue[:0] = group
                wait_s = self._pause_s(source, away)
                if wait_s is None:
                    self._skip(source, away, queue)
                    yield self._tally.take()
                    continue
                await asyncio.to_thread(self._confirm)
                self._tally.announce(
                    f"{away}; continuing in {duration(wait_s)} (completed symbols are stored)"
                )
                yield self._tally.take()
                await self._sleep(wait_s)
                continue
            except SourceError as error:
                answers = dict.fromkeys((job.symbol for job in group), error)
            if any(isinstance(answer, Bars) for answer in answers.values()):
                self._refusals[source.name] = 0
            for job in group:
                answer = answers.get(job.symbol, SourceError(f"{source.name}: no answer"))
                await asyncio.to_thread(self._take, job, answer, queue)
                yield self._tally.take()
            if len(self._agreed) >= CONFIRM_AT_ONCE:
                await asyncio.to_thread(self._confirm)
        await asyncio.to_thread(self._confirm)

    def _jobs(self, symbols: Iterable[str], since: date, again: AbstractSet[str]) -> list[Job]:
        """What is to be asked; symbols that need nothing are tallied at once."""
        now_ns = self._clock_ns()
        today = new_york_day(now_ns)
        held = self._store.symbols()
        wanted = dict.fromkeys(self._named_today(symbol, today) for symbol in symbols)
        self._tally.begin(len(wanted))
        jobs: list[Job] = []
        for symbol in wanted:
            was = held.get(symbol)
            current = was is not None and sync_plan.is_current(was, since=since, now_ns=now_ns)
            if current and symbol not in again:
                self._tally.skipped(symbol)
                continue
            job = self._job(symbol, since, held, today)
            if job.sources:
                jobs.append(job)
            else:
                job.reasons = job.reasons or ["no source has this symbol"]
                self._fail(job)
        return jobs

    def _named_today(self, symbol: str, today: date) -> str:
        name = self._renames.now(symbol, today)
        if name != symbol:
            self._tally.note(f"{symbol} trades as {name} today: fetched under that name")
        return name

    def _job(self, symbol: str, since: date, held: dict[str, Entry], today: date) -> Job:
        was = base = held.get(symbol)
        drop: dict[str, Entry] = {}
        if base is None:
            former = next((name for name in self._renames.before(symbol, today) if name in held), None)
            if former is not None:
                base = held[former]
                drop = {former: base}
        job = Job(symbol, since, since, in_order(self._sources, symbol, base), was=was, base=base, drop=drop)
        if base is not None:
            self._plan(job, base)
        return job

    def _plan(self, job: Job, base: Entry) -> None:
        """A tail where that does; whole series where more is wanted, or what is held cannot be read."""
        if sync_plan.asks_whole(base, job.wanted):
            job.ask_whole("")
            return
        cached = self._cached(job, base)
        if isinstance(cached, pl.DataFrame):
            job.ask_tail(sync_plan.tail_from(cached))
        elif isinstance(cached, Unreadable) and base.vendor:
            # What came from a vendor can come again; a person's own file is theirs to import.
            job.ask_whole("its stored file was damaged")
        else:
            job.reasons.append(cached.reason if isinstance(cached, Unreadable) else CHANGED)
            job.sources = []

    def _cached(self, job: Job, base: Entry) -> pl.DataFrame | Unreadable | Replaced:
        """The stored series under the symbol's name of today."""
        stored = next(iter(job.drop), job.symbol)
        try:
            return self._store.rows(stored, base).with_columns(symbol=pl.lit(job.symbol))
        except DamagedError as error:
            is_replaced = self._store.symbols().get(stored) != base
            return Replaced() if is_replaced else Unreadable(str(error))

    def _take(self, job: Job, answer: Bars | SourceError, queue: list[Job]) -> None:
        """Do with the answer what is decided. Raises StorageError."""
        cached: Cached = None
        if isinstance(answer, Bars) and job.base is not None and needs_cached(job):
            cached = self._cached(job, job.base)
        decision = decide(job, answer, cached)
        if isinstance(decision, Store):
            self._put(job, decision)
        elif isinstance(decision, Unchanged):
            if decision.confirmed and job.base is not None:
                self._agreed[job.symbol] = job.base
                if job.source.restates and job.same_vendor():
                    self.kept[job.symbol] = job.base.last
            self._tally.current(job.symbol)
        elif isinstance(decision, Retry):
            job.ask_whole(decision.why)
            queue.insert(0, job)
        elif isinstance(decision, NextSource):
            job.reasons.append(decision.reason)
            job.sources.pop(0)
            queue.append(job)
        else:
            self._fail(job, decision)

    def _put(self, job: Job, decision: Store) -> None:
        try:
            self._store.put(
                Series(decision.frame, decision.source, decision.vendor, decision.since),
                was=job.was,
                now_ns=self._clock_ns(),
                checked_ns=self._asked_ns if decision.confirmed else None,
                drop=job.drop,
            )
        except ChangedError:
            self._fail(job, Fail(CHANGED))
            return
        for note in decision.notes:
            self._tally.note(note)
        counted = self._tally.loaded if decision.whole else self._tally.extended
        counted(job.symbol, decision.sessions)

    def _fail(self, job: Job, why: Fail | None = None, *, aloud: bool = True) -> None:
        """Count the symbol as failed, for the reasons so far and this one."""
        reasons = [*job.reasons, *([why.reason] if why is not None else [])]
        reason = "; ".join(dict.fromkeys(reasons))
        log.warning("history of %s: %s", job.symbol, reason)
        self._tally.failed(job.symbol, reason, aloud=aloud)

    def _confirm(self) -> None:
        if self._agreed:
            self._store.confirm(self._agreed, checked_ns=self._asked_ns)
            self._agreed = {}

    def _pause_s(self, source: DailySource, away: SourceAway) -> float | None:
        """Seconds to leave a source alone before it is asked again; None to go on without it.

        One that cannot be reached is waited for once, and only if it has answered in this run.
        """
        answered = source.name in self._refusals
        refusals = self._refusals.get(source.name, 0)
        self._refusals[source.name] = refusals + 1
        pauses = len(PAUSES_S) if away.refused else int(answered)
        if away.after_s is None or away.after_s > PAUSE_MAX_S or refusals >= pauses:
            return None
        return max(away.after_s, PAUSES_S[refusals])

    def _skip(self, source: DailySource, away: SourceAway, queue: list[Job]) -> None:
        """Ask this source no more; symbols that have no other one fail."""
        reason = str(away)
        if away.refused and away.after_s is not None:
            reason += f"; start again in {duration(max(away.after_s, PAUSES_S[0]))}"
        self._tally.announce(f"{reason} ({source.name} is skipped)")
        for job in [job for job in queue if source in job.sources]:
            if job.source is source:
                job.reasons.append(reason)
            job.sources.remove(source)
            if not job.sources:
                queue.remove(job)
                self._fail(job, aloud=False)
