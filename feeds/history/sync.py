"""Downloading daily history: whole series once, then tails; every symbol stored as soon as it is there.

What is stored is whole at any moment, so a download that was killed goes on where it stopped by being
started again. Figures never change row by row: see feeds.history.plan.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Literal

import polars as pl

from feeds.clock import wall_ns
from feeds.errors import InputError, SourceAway, SourceError
from feeds.history import plan as sync_plan
from feeds.history import splits
from feeds.history.daily import Bars, DailySource, last_settled
from feeds.history.jobs import Job, in_order, take_group
from feeds.history.renames import Renames
from feeds.history.store import ChangedError, Series
from feeds.history.tally import Tally
from rotation.sessions import new_york_day
from rotation.text import duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from feeds.history.manifest import Entry
    from feeds.history.store import HistoryStore
    from rotation.sync_report import SyncProgress, SyncReport

log = logging.getLogger(__name__)

PAUSES_S = (60.0, 300.0, 900.0)
"""A source that refuses is left alone so long, or as it asks; refusing once more it is given up."""
PAUSE_MAX_S = 900.0
"""A source that asks for more is given up at once."""
CONFIRM_AT_ONCE = 32
_LEAST_SHARE = 0.9
"""A series fetched again must hold so many of the days that it replaces."""
_CHANGED = "was changed by another program meanwhile; start again"
Then = Literal["done", "again", "next source"]


class HistorySync:
    """One download. Sources keep within their own limits; here they are only asked in turn."""

    def __init__(
        self,
        store: HistoryStore,
        sources: Sequence[DailySource],
        *,
        renames: Renames | None = None,
        tell: Callable[[SyncProgress], None] = lambda _: None,
        clock_ns: Callable[[], int] = wall_ns,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``sources``: in order of preference; a symbol's own vendor goes first all the same.

        ``tell`` is called in the event loop's own thread.
        """
        self._store = store
        self._sources = sources
        self._renames = Renames() if renames is None else renames
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._tally = Tally(tell, monotonic)
        self._refusals: dict[str, int] = {}
        """In a row; 0 where a source has answered."""
        self._agreed: dict[str, Entry] = {}
        self._asked_ns = 0

    async def run(
        self, symbols: Iterable[str], *, since: date, again: AbstractSet[str] = frozenset()
    ) -> SyncReport:
        """Bring these up to date, from ``since`` on; those in ``again`` are compared though they seem to be.

        Raises InputError if the store cannot be used.
        """
        queue = await asyncio.to_thread(self._jobs, symbols, since, again)
        self._tally.flush()
        while queue:
            self._asked_ns = self._clock_ns()
            through = last_settled(self._asked_ns)
            group = take_group(queue, through)
            source = group[0].source
            try:
                answers = await source.daily([job.symbol for job in group], group[0].asks, through)
            except SourceAway as away:
                queue[:0] = group
                await self._refused(source, away, queue)
                continue
            except SourceError as error:
                answers = dict.fromkeys((job.symbol for job in group), error)
            if any(isinstance(answer, Bars) for answer in answers.values()):
                self._refusals[source.name] = 0
            for job in group:
                answer = answers.get(job.symbol, SourceError(f"{source.name}: no answer"))
                then = await asyncio.to_thread(self._take, job, answer)
                self._tally.flush()
                if then == "again":
                    queue.insert(0, job)
                elif then == "next source":
                    queue.append(job)
            if len(self._agreed) >= CONFIRM_AT_ONCE:
                await asyncio.to_thread(self._confirm)
        await asyncio.to_thread(self._confirm)
        return self._tally.report()

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
                job.reasons = job.reasons or ["none of the sources has such symbols"]
                self._fail(job)
        return jobs

    def _named_today(self, symbol: str, today: date) -> str:
        name = self._renames.now(symbol, today)
        if name != symbol:
            self._tally.note(f"{symbol} is called {name} today: fetched under that name")
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
        try:
            job.ask_tail(sync_plan.tail_from(self._rows(job, base)))
        except InputError as error:
            # What came from a vendor can come again; a person's own file is theirs to import.
            if base.vendor:
                job.ask_whole("its stored file was damaged")
            else:
                job.reasons.append(str(error))
                job.sources = []
        except ChangedError:
            job.reasons.append(_CHANGED)
            job.sources = []

    def _rows(self, job: Job, base: Entry) -> pl.DataFrame:
        """The stored series under the symbol's name of today.

        Raises InputError if it is damaged, ChangedError if another one took its place.
        """
        stored = next(iter(job.drop), job.symbol)
        try:
            return self._store.rows(stored, base).with_columns(symbol=pl.lit(job.symbol))
        except InputError:
            if self._store.symbols().get(stored) != base:
                raise ChangedError(stored) from None
            raise

    def _take(self, job: Job, answer: Bars | SourceError) -> Then:
        """Store what came, or note why not; says what is to be done with the job."""
        try:
            if isinstance(answer, SourceError):
                raise answer
            if job.tail and job.base is not None:
                return self._join(job, job.base, answer)
            self._whole(job, answer)
        except SourceError as error:
            job.reasons.append(str(error))
            job.sources.pop(0)
            if job.sources:
                return "next source"
            self._fail(job)
        except ChangedError:
            job.reasons.append(_CHANGED)
            self._fail(job)
        return "done"

    def _join(self, job: Job, base: Entry, bars: Bars) -> Then:
        try:
            cached = self._rows(job, base)
        except InputError as error:
            raise SourceError(str(error)) from error
        if bars.frame["date"][-1] < cached["date"][-1]:
            raise SourceError(f"{job.source.name}: an older answer than what is held")
        same = job.same_vendor()
        found = splits.compare(cached, bars.frame, splits.SAME if same else splits.ALIKE)
        if found is not None:
            job.ask_whole(str(found))
            return "again"
        joined = sync_plan.join(cached, bars.frame, same_vendor=same)
        if joined.equals(cached) and job.was is base:
            if not bars.restating:
                self._agreed[job.symbol] = base
            self._tally.current(job.symbol)
            return "done"
        self._put(job, joined, bars, joined=True)
        self._tally.extended(job.symbol, joined.height - cached.height)
        return "done"

    def _whole(self, job: Job, bars: Bars) -> None:
        if job.base is not None:
            self._check_whole(job, job.base, bars.frame)
        self._put(job, bars.frame, bars, joined=False)
        if job.restated:
            self._tally.note(f"{job.symbol}: {job.restated}: fetched again as a whole")
        before = job.base.rows if job.base is not None else 0
        self._tally.loaded(job.symbol, max(bars.frame.height - before, 0))

    def _check_whole(self, job: Job, base: Entry, frame: pl.DataFrame) -> None:
        """Raise SourceError where the new series would lose what the old one has."""
        name, why = job.source.name, f"{job.restated}, but " if job.restated else ""
        first, last = frame["date"][0], frame["date"][-1]
        if last < base.last:
            raise SourceError(f"{name}: {why}its series ends {last}, before the stored one ({base.last})")
        if job.same_vendor():
            return
        if first > base.first:
            raise SourceError(
                f"{name}: {why}its series begins {first}, after the stored one ({base.first}, {base.source});"
                " import that again"
            )
        try:
            cached = self._rows(job, base)
        except InputError:
            return  # what cannot be read cannot be lost
        if frame.filter(pl.col("date") >= base.first).height < _LEAST_SHARE * cached.height:
            raise SourceError(f"{name}: {why}its series has far fewer days than the stored one")
        if frame["adj_close"].null_count() == frame.height > cached["adj_close"].null_count():
            raise SourceError(f"{name}: {why}its series has no adjusted closes, which the stored one has")

    def _put(self, job: Job, frame: pl.DataFrame, bars: Bars, *, joined: bool) -> None:
        source, vendor, since = job.provenance(joined=joined)
        self._store.put(
            Series(frame, source, vendor, since),
            was=job.was,
            now_ns=self._clock_ns(),
            checked_ns=None if bars.restating else self._asked_ns,
            drop=job.drop,
        )
        if bars.rejected:
            self._tally.note(f"{job.symbol}: {bars.rejected} days left out, their close is no price")
        for former in job.drop:
            self._tally.note(f"{former} goes on as {job.symbol}")

    def _fail(self, job: Job, *, aloud: bool = True) -> None:
        reason = "; ".join(dict.fromkeys(job.reasons))
        log.warning("history of %s: %s", job.symbol, reason)
        self._tally.failed(job.symbol, reason, aloud=aloud)

    def _confirm(self) -> None:
        if self._agreed:
            self._store.confirm(self._agreed, checked_ns=self._asked_ns)
            self._agreed = {}

    async def _refused(self, source: DailySource, away: SourceAway, queue: list[Job]) -> None:
        """Wait as long as the source wants, or go on without it.

        One that cannot be reached is waited for once, and only if it has answered in this run.
        """
        refusals = self._refusals.get(source.name)
        pauses = len(PAUSES_S) if away.refused else (1 if refusals is not None else 0)
        refusals = refusals or 0
        self._refusals[source.name] = refusals + 1
        if away.after_s is not None and away.after_s <= PAUSE_MAX_S and refusals < pauses:
            wait_s = max(away.after_s, PAUSES_S[refusals])
            await asyncio.to_thread(self._confirm)
            self._tally.say(f"{away}; going on in {duration(wait_s)} (what is done is stored)")
            self._tally.flush()
            await self._sleep(wait_s)
            return
        said = str(away)
        if away.refused and away.after_s is not None:
            said += f"; start again in {duration(max(away.after_s, PAUSES_S[0]))}"
        self._tally.say(f"{said} ({source.name} is given up)")
        for job in [job for job in queue if source in job.sources]:
            if job.source is source:
                job.reasons.append(said)
            job.sources.remove(source)
            if not job.sources:
                queue.remove(job)
                self._fail(job, aloud=False)
        self._tally.flush()
