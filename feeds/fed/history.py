"""Our own history of the Fed as the running desk uses it: settlements in, anchors and past probabilities out.

SQLite writes wait for the disk, so all of it happens in one thread of its own.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from feeds.errors import InputError
from feeds.fed.calendar import SHIPPED
from feeds.fed.log import Kind as RowKind
from feeds.fed.log import Probabilities
from feeds.fed.store import FedStore, Settlement
from feeds.fed.then.calibration import decided
from feeds.fed.then.fed_at import FedThen
from rotation.fed.assemble import fed
from rotation.fed.calibration import scores
from rotation.fed.figures import FUTURES
from rotation.fed.inputs import StripQuote
from rotation.fed.prices import settled_ns
from rotation.fed.records import HistoryRecord, combine, range_on
from rotation.fed.strip.chain import index, month_of
from rotation.sessions import new_york_day
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from feeds.fed.futures import Chart
    from rotation.fed.calibration import Calibration, Decided
    from rotation.fed.figures import Fed
    from rotation.fed.inputs import PastCut
    from rotation.fed.records import SourcesRecord
    from rotation.fed.strip.contracts import Month

log = logging.getLogger(__name__)
T = TypeVar("T")
DAY_NS = 86_400 * 10**9
SETTLES_NS = 70 * DAY_NS
"""How far the panel's history reaches: a month's change and sixty sessions of co-movement."""
LIVE_NS = 6 * DAY_NS
EXPIRED_MONTHS = 4
"""Months back that a block of adjacent meetings can rest on."""
DAYS_REBUILT = 40
"""Settlements so old at most are turned into probabilities: what the free history may bring."""


class FedHistory:
    """One store behind one thread; an async context manager.

    The file is opened when first needed. No method raises where it cannot be used: ``record`` says why, the
    figures go on without it, and every call tries anew.
    """

    def __init__(self, folder: Path, *, clock_ns: Callable[[], int]) -> None:
        self._folder = folder
        self._clock_ns = clock_ns
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fed-store")
        self._store: FedStore | None = None
        self._kept: dict[Month, tuple[object, ...]] = {}
        self._settled_key: object = None
        self._scored_key: object = None
        self._calibration: Calibration = {}
        self._record = HistoryRecord()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._store is not None:
            await self._do(self._store.close)
        self._thread.shutdown()

    @property
    def record(self) -> HistoryRecord:
        """What the history held when it was last read."""
        return self._record

    async def update(self, sources: SourcesRecord, charts: Mapping[Month, Chart], now_ns: int) -> None:
        """Keep what settled, and read back anchors and past probabilities."""
        today = new_york_day(now_ns)
        try:
            await self._keep(charts)
            expired = await self._do(lambda: self._expired(today, today))
            record = HistoryRecord(expired)
            await self._log_settlements(sources, charts, now_ns)
            meeting = min((day for day in sources.scheduled if day >= today), default=None)
            past = {meeting: await self._past(meeting, now_ns)} if meeting else {}
            await self._score(sources, today)
        except InputError as error:
            self._failed(error)
        else:
            self._record = msgspec.structs.replace(record, past=past, calibration=self._calibration)

    async def log(self, known: Fed, now_ns: int) -> None:
        """Append what is due of the probabilities as they stand now."""
        rows = tuple(live_rows(known, now_ns))
        try:
            if rows:
                await self._do(lambda: self._open.log_all(rows))
        except InputError as error:
            self._failed(error)

    def _failed(self, error: InputError) -> None:
        """Trouble with our own file must not take the figures from the screen: it is a warning there."""
        if self._record.error != str(error):
            log.warning("%s", error)
        self._record = msgspec.structs.replace(self._record, error=str(error))

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    @property
    def _open(self) -> FedStore:
        """The store; only in this history's thread, which owns the file."""
        if self._store is None:
            self._store = FedStore(self._folder, clock_ns=self._clock_ns)
        return self._store

    async def _keep(self, charts: Mapping[Month, Chart]) -> None:
        """Keep every settlement for ever; contracts with the same closes as before are not written again."""
        fresh = {month: chart for month, chart in charts.items() if self._kept.get(month) != chart.closes}
        now_ns = self._clock_ns()
        rows = [
            Settlement(*month, close.session, close.price, chart.source, now_ns)
            for month, chart in fresh.items()
            for close in chart.closes
        ]
        if rows:
            await self._do(lambda: self._open.settle_all(rows))
            self._kept |= {month: chart.closes for month, chart in fresh.items()}

    def _expired(self, today: date, until: date) -> tuple[StripQuote, ...]:
        """The contracts of the months before this one, at their last settlement up to ``until``."""
        quotes = []
        first = index((today.year, today.month))
        for at in range(first - EXPIRED_MONTHS, first):
            year, month = month_of(at)
            last = self._open.last_settlement(year, month, until=until)
            if last is not None:
                quotes.append(
                    StripQuote(
                        year=year,
                        month=month,
                        settle=last.price,
                        settle_date=last.session,
                        source=last.source,
                    )
                )
        return tuple(quotes)

    async def _log_settlements(
        self, sources: SourcesRecord, charts: Mapping[Month, Chart], now_ns: int
    ) -> None:
        """A row for every meeting at each settlement of the last weeks whose target range is known."""
        key = (self._kept, sources.ranges, sources.scheduled, new_york_day(now_ns))
        if key != self._settled_key:
            await self._do(lambda: self._log_closes(sources, charts, new_york_day(now_ns)))
            self._settled_key = (dict(self._kept), *key[1:])

    def _log_closes(self, sources: SourcesRecord, charts: Mapping[Month, Chart], today: date) -> None:
        rows: list[Probabilities] = []
        for session, prices in sorted(self._closes(charts, today).items()):
            bounds = range_on(sources, session)
            if bounds is None:
                continue  # its outcomes could only be labelled wrongly
            strip = tuple(
                StripQuote(year=y, month=m, settle=price, settle_date=session, source="Yahoo")
                for (y, m), price in prices.items()
            )
            then_ns = settled_ns(session)
            then = combine(
                msgspec.structs.replace(sources, strip=strip, outcomes=()),
                HistoryRecord(self._expired(session, session)),
                then_ns,
            )
            known = fed(msgspec.structs.replace(then, target_range_bp=bounds), then_ns)
            rows += settle_rows(known, then_ns) if known else ()
        self._open.log_all(rows)

    def _closes(self, charts: Mapping[Month, Chart], today: date) -> dict[date, dict[Month, float]]:
        """Session → contract → settlement, for the sessions that are computed again."""
        first = today - timedelta(days=DAYS_REBUILT)
        closes: dict[date, dict[Month, float]] = {}
        for month, chart in charts.items():
            for close in chart.closes:
                if close.session >= first:
                    closes.setdefault(close.session, {})[month] = close.price
        # Feeds drop a month that is over: without it the days before would be worked out anew, and wrongly.
        for at in range(index((first.year, first.month)), index((today.year, today.month))):
            for kept in self._open.settlements(*month_of(at)):
                if kept.session in closes:
                    closes[kept.session][month_of(at)] = kept.price
        return closes

    async def _score(self, sources: SourcesRecord, today: date) -> None:
        """How good the odds were; once a day, and when a range is published."""
        key = (sources.ranges and sources.ranges[-1].bounds, sources.scheduled, today)
        if key == self._scored_key:
            return

        def known() -> tuple[Decided, ...]:
            then = FedThen(self._open.settlements())
            return decided(
                self._open, today, then.at, scheduled=sources.scheduled or SHIPPED, ranges=sources.ranges
            )

        self._calibration = scores(await self._do(known), today)
        self._scored_key = key

    async def _past(self, meeting: date, now_ns: int) -> tuple[PastCut, ...]:
        """P(cut) at this meeting by the futures, oldest first."""
        rows = await self._do(
            lambda: self._open.line(
                meeting, FUTURES, settles_since_ns=now_ns - SETTLES_NS, live_since_ns=now_ns - LIVE_NS
            )
        )
        return tuple(rows)


def live_rows(known: Fed, now_ns: int) -> Iterable[Probabilities]:
    """The futures' meetings and the markets' view of the next one, while their prices are fresh.

    Settlements are logged once a day by ``update``; stale prices are not logged again.
    """
    is_quoted, status = known.engines[FUTURES].age_s is not None, known.engines[FUTURES].status
    if is_quoted and status is not None and status.kind not in {Kind.STALE, Kind.OFFLINE}:
        yield from _rows(known, "live", now_ns)
    for venue, engine in known.engines.items():
        is_live = engine.status is not None and engine.status.kind is Kind.LIVE
        fresh = venue != FUTURES and is_live
        if fresh and engine.cut is not None and engine.hold is not None and engine.hike is not None:
            yield Probabilities(
                known.meeting, engine.cut, engine.hold, engine.hike, engine.moves, venue, "live", now_ns
            )


def settle_rows(known: Fed, ts_ns: int) -> Iterable[Probabilities]:
    """The futures' meetings by one day's settlements."""
    return _rows(known, "settle", ts_ns)


def _rows(known: Fed, kind: RowKind, ts_ns: int) -> Iterable[Probabilities]:
    for row in known.meetings:
        if row.cut is not None and row.hold is not None and row.hike is not None and row.outcomes:
            yield Probabilities(row.date, row.cut, row.hold, row.hike, row.outcomes, FUTURES, kind, ts_ns)
