"""The Fed history as the running desk uses it: settlements in, anchors and past probabilities out.

SQLite writes wait for the disk, so all of it happens in one thread of its own.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from feeds.fed.log import Kind, Probabilities
from feeds.fed.store import FedStore, Settlement
from rotation.fed.assemble import fed
from rotation.fed.figures import FUTURES
from rotation.fed.inputs import FedInputs, PastCut, StripQuote
from rotation.fed.prices import settled_ns
from rotation.fed.strip.chain import index, month_of
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from feeds.fed.futures import Chart
    from rotation.fed.figures import Fed
    from rotation.fed.strip.contracts import Month

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

    The file is opened when first needed. Every method raises InputError where it is no use, and tries anew.
    """

    def __init__(self, folder: Path, *, clock_ns: Callable[[], int]) -> None:
        self._folder = folder
        self._clock_ns = clock_ns
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fed-store")
        self._store: FedStore | None = None
        self._kept: dict[Month, tuple[object, ...]] = {}
        self._settled_key: object = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._store is not None:
            await self._do(self._store.close)
        self._thread.shutdown()

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    @property
    def _open(self) -> FedStore:
        """Only in the book's thread: it owns the file."""
        if self._store is None:
            self._store = FedStore(self._folder, clock_ns=self._clock_ns)
        return self._store

    async def keep(self, charts: dict[Month, Chart]) -> None:
        """Keep every settlement for ever; contracts that say what they said before are not looked at."""
        fresh = {month: chart for month, chart in charts.items() if self._kept.get(month) != chart.closes}
        now_ns = self._clock_ns()
        rows = [
            Settlement(*month, close.session, close.price, "Yahoo", now_ns)
            for month, chart in fresh.items()
            for close in chart.closes
        ]
        if rows:
            await self._do(lambda: self._open.settle_all(rows))
            self._kept |= {month: chart.closes for month, chart in fresh.items()}

    async def expired(self, today: date) -> tuple[StripQuote, ...]:
        """The contracts of the months before this one, at their last settlement."""
        return await self._do(lambda: self._expired(today, today))

    def _expired(self, today: date, until: date) -> tuple[StripQuote, ...]:
        found = []
        first = today.year * 12 + today.month - 1
        for at in range(first - EXPIRED_MONTHS, first):
            year, month = at // 12, at % 12 + 1
            last = self._open.last_settlement(year, month, until=until)
            if last is not None:
                found.append(
                    StripQuote(
                        year=year,
                        month=month,
                        settle=last.price,
                        settle_date=last.session,
                        source=last.source,
                    )
                )
        return tuple(found)

    async def log(self, known: Fed, now_ns: int) -> None:
        """Append what is due of the probabilities as they stand."""
        rows = tuple(live_rows(known, now_ns))
        if rows:
            await self._do(lambda: self._open.log_all(rows))

    async def log_settlements(self, inputs: FedInputs, charts: dict[Month, Chart], now_ns: int) -> None:
        """A row for every meeting at each settlement since the range last could have changed."""
        key = (self._kept, inputs.target_range_bp, inputs.fomc_dates, new_york_day(now_ns))
        if key != self._settled_key:
            await self._do(lambda: self._log_settlements(inputs, charts, now_ns))
            self._settled_key = (dict(self._kept), *key[1:])

    def _log_settlements(self, inputs: FedInputs, charts: dict[Month, Chart], now_ns: int) -> None:
        today = new_york_day(now_ns)
        first = today - timedelta(days=DAYS_REBUILT)
        # Labels of the time before a decision would need the range of then.
        first = max([first, *(day + timedelta(days=1) for day in inputs.fomc_dates if first <= day < today)])
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
        rows: list[Probabilities] = []
        for session in sorted(closes):
            quotes = [
                StripQuote(year=y, month=m, settle=price, settle_date=session, source="Yahoo")
                for (y, m), price in closes[session].items()
            ]
            then = msgspec.structs.replace(
                inputs, strip=tuple(quotes), expired=self._expired(session, session), outcomes=(), past={}
            )
            known = fed(then, settled_ns(session))
            rows += settle_rows(known, settled_ns(session)) if known else ()
        self._open.log_all(rows)

    async def past(self, meeting: date, now_ns: int) -> tuple[PastCut, ...]:
        """P(cut) at this meeting by the futures, oldest first."""
        told = await self._do(
            lambda: self._open.line(
                meeting, FUTURES, settles_since_ns=now_ns - SETTLES_NS, live_since_ns=now_ns - LIVE_NS
            )
        )
        return tuple(PastCut(*one) for one in told)


def live_rows(known: Fed, now_ns: int) -> Iterable[Probabilities]:
    """The futures' meetings and the markets' view of the next one, while their prices are fresh.

    Settlements are logged once a day by ``log_settlements``; what is stale says nothing new.
    """
    if known.engines[FUTURES].age_s is not None and not known.state.startswith(("STALE", "OFFLINE")):
        yield from _rows(known, "live", now_ns)
    for venue, engine in known.engines.items():
        fresh = venue != FUTURES and engine.state == "LIVE"
        if fresh and engine.cut is not None and engine.hold is not None and engine.hike is not None:
            yield Probabilities(
                known.meeting, engine.cut, engine.hold, engine.hike, engine.moves, venue, "live", now_ns
            )


def settle_rows(known: Fed, ts_ns: int) -> Iterable[Probabilities]:
    """The futures' meetings by one day's settlements."""
    return _rows(known, "settle", ts_ns)


def _rows(known: Fed, kind: Kind, ts_ns: int) -> Iterable[Probabilities]:
    for row in known.meetings:
        if row.cut is not None and row.hold is not None and row.hike is not None and row.outcomes:
            yield Probabilities(row.date, row.cut, row.hold, row.hike, row.outcomes, FUTURES, kind, ts_ns)
