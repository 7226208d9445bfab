"""Who is asked for macro figures, when, and what they have answered so far."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from feeds.clock import wall_ns
from feeds.errors import StorageError
from feeds.macro.calendar import CalendarBls
from feeds.macro.calendar_store import FOMC_KIND, calendar_of, decisions_of, with_page
from feeds.macro.edgar import CIKS, GROUPS, WHO, Edgar, has_contact
from feeds.macro.indices import SYMBOLS, indices_of
from feeds.macro.indices import wait_s as index_wait_s
from feeds.macro.release_days import published
from feeds.macro.series import FredSeries, Observations
from feeds.macro.treasury import Treasury
from rotation.macro.assemble import MONTHLY, macro
from rotation.macro.banks import bank_incomes
from rotation.macro.figures import MacroSource
from rotation.macro.stated import TENORS
from rotation.quote import NS
from rotation.sessions import from_ns, new_york_day
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime

    from feeds.fed.calendar import CalendarFed
    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched
    from feeds.macro.calendar_store import CalendarStore, Days
    from feeds.macro.indices import IndexValue, YieldIndices
    from feeds.macro.release_minutes import ReleaseMinutes
    from feeds.macro.store import FactStore, MacroStore
    from rotation.macro.figures import Macro, ReleaseKind, ReleaseView, YieldIndex
    from rotation.macro.releases import Calendar

log = logging.getLogger(__name__)

BLS, INDICES = "BLS", "Yahoo"
EVERY_S = {"Treasury": 3 * 3600.0, "FRED": 6 * 3600.0, "SEC": 24 * 3600.0, BLS: 24 * 3600.0}
"""Between two rounds of a source that answered; none publishes more than once a day."""
AGAIN_S = 900.0
"""After one that failed."""
SOONEST_S = {"Treasury": AGAIN_S, "FRED": AGAIN_S}
"""Not sooner after an answer, whoever wishes for another; the SEC and the BLS only in their own time."""
INDICES_SOONEST_S = 60.0
"""The same of the session's yields."""


class MacroSources:
    """Treasury for yields, FRED for prices and jobs, and for yields where the Treasury does not answer."""

    def __init__(
        self,
        http: CachedClient,
        store: MacroStore,
        facts: FactStore,
        *,
        pages: CalendarStore | None = None,
        minutes: ReleaseMinutes | None = None,
        indices: YieldIndices | None = None,
        decisions: CalendarFed | None = None,
        clock_ns: Callable[[], int] = wall_ns,
    ) -> None:
        """``pages``: keeps the calendar over a restart; ``minutes``: of release days; ``indices``: of yields.

        ``decisions``: the FOMC's calendar, asked with that of the BLS; None: the shipped days alone.
        Raises InputError where an environment variable holds no usable address.
        """
        self._treasury, self._fred = Treasury(http), FredSeries(http)
        self._store = store
        self._clock_ns = clock_ns
        self._edgar, self._fact_store = Edgar(http), facts
        self._held: Observations = store.load()
        self._facts = facts.load()
        self._states: dict[str, MacroSource] = {}
        self._bls = CalendarBls(http)
        self._page_store = pages
        self._pages = pages.load() if pages is not None else {}
        self._minutes = minutes
        self._views: tuple[ReleaseView, ...] = ()
        self._indices = indices
        self._decisions = decisions
        self._values: dict[str, IndexValue] = {}
        self._due_ns = dict.fromkeys(EVERY_S, 0)
        self._asked_ns: dict[str, int] = {}
        """When each was last asked."""
        self._indices_due_ns = 0

    @property
    def calendar(self) -> Calendar:
        """The shipped days under those that were fetched."""
        return calendar_of(self._pages)

    def due(self) -> list[str]:
        """The sources whose time has come, in the order in which they are to be asked."""
        now_ns = self._clock_ns()
        return [name for name, due_ns in self._due_ns.items() if now_ns >= due_ns]

    def hasten(self) -> tuple[str, ...]:
        """Let those be due that were not asked a moment ago, as a person wishes; their names."""
        now_ns = self._clock_ns()
        soonest_s = {name: each for name, each in SOONEST_S.items() if name in self._asked_ns}
        if self._indices is not None and index_wait_s(from_ns(now_ns)) and INDICES in self._asked_ns:
            soonest_s[INDICES] = INDICES_SOONEST_S
        due = [name for name, each in soonest_s.items() if now_ns - self._asked_ns[name] >= each * NS]
        for name in due:
            if name == INDICES:
                self._indices_due_ns = now_ns
            else:
                self._due_ns[name] = now_ns
        return tuple("yields" if name == INDICES else name for name in due)

    async def ask(self, name: str, *, reuse_s: float = 0.0) -> None:
        """Ask one and keep what it says. Never raises for it. ``reuse_s``: see CachedClient."""
        now_ns = self._asked_ns[name] = self._clock_ns()
        if name == "SEC":
            await self._ask_banks(reuse_s)
        elif name == BLS:
            got = await self._bls.days(reuse_s=reuse_s)
            if got.value is not None and got.fetched_at_ns is not None:
                self._take_page(got.value, got.fetched_at_ns)
            await self._ask_decided()
            self._states[BLS] = _state([got])
        else:
            of = self._of_treasury if name == "Treasury" else self._of_fred
            self._take(name, await of(reuse_s))
        error = self._states[name].error
        # Without a contact nobody was asked, and that does not change while the program runs.
        wait_s = AGAIN_S if error and error != WHO else EVERY_S[name]
        self._due_ns[name] = now_ns + int(wait_s * NS)

    async def ask_due(self, *, banks: bool = True, reuse: bool = False) -> bool:
        """Ask all whose time has come; whether anybody was.

        ``banks``: the SEC too, with a request for each of them. ``reuse``: what a source answered lately,
        perhaps another program, will do.
        """
        due = [name for name in self.due() if banks or name != "SEC"]
        for name in due:
            await self.ask(name, reuse_s=EVERY_S[name] if reuse else 0.0)
        return bool(due)

    def macro(self) -> Macro | None:
        """What is known now."""
        banks = partial(bank_incomes, self._facts, GROUPS)
        now = from_ns(self._clock_ns())
        return macro(
            self._held,
            decisions_of(self._pages),
            now,
            {name: each for name, each in self._states.items() if name != INDICES or index_wait_s(now)},
            banks,
            calendar=self.calendar,
            release_days=self._views,
            indices=self._yields_now(),
        )

    async def ask_session(self, *, reuse_s: float = 0.0) -> bool:
        """Ask for the session's yields where that is due; whether it was. ``reuse_s``: see CachedClient."""
        now_ns = self._clock_ns()
        every_s = index_wait_s(from_ns(now_ns))
        if self._indices is None or every_s is None or now_ns < self._indices_due_ns:
            return False
        self._asked_ns[INDICES] = now_ns
        answers = {tenor: await self._indices.ask(tenor, reuse_s=reuse_s) for tenor in SYMBOLS}
        self._values |= {tenor: each.value for tenor, each in answers.items() if each.value is not None}
        self._states[INDICES] = _state(tuple(answers.values()))
        wait_s = AGAIN_S if self._states[INDICES].error else every_s
        self._indices_due_ns = now_ns + int(wait_s * NS)
        return True

    def _yields_now(self) -> tuple[YieldIndex, ...]:
        """The session's, on the scale of the newest settled ones."""
        names = {tenor: TENORS[tenor] for tenor in self._values}
        settled = {tenor: self._held.get(name, {}) for tenor, name in names.items()}
        return indices_of(self._values, {tenor: each[max(each)] for tenor, each in settled.items() if each})

    async def ask_minutes(self, *, running: bool = False) -> AsyncIterator[bool]:
        """Ask for the bars of release days that are due, one after the other; each yields whether it was.

        ``running``: only of a publication whose minutes pass now.
        """
        if self._minutes is None:
            return
        times = self._published()
        for at_ns in self._minutes.due(times, running=running):
            await self._minutes.ask(at_ns)
            yield True

    def _published(self) -> dict[ReleaseKind, list[datetime]]:
        return published(self.calendar, decisions_of(self._pages))

    async def see_release_days(self) -> bool:
        """Make the paths around publications anew; whether they differ from those before."""
        if self._minutes is None:
            return False
        before = self._views
        self._views = await asyncio.to_thread(self._minutes.views, self._published())
        return self._views != before

    async def _ask_decided(self) -> None:
        """Keep the FOMC's days by its page, which the Fed's feed may have asked for."""
        if self._decisions is None:
            return
        got = await self._decisions.refresh(reuse_s=EVERY_S[BLS])
        if got.kind is not Kind.OFFLINE and got.fetched_at_ns is not None:
            self._take_page({FOMC_KIND: got.dates}, got.fetched_at_ns)

    def _take_page(self, days: Days, fetched_ns: int) -> None:
        """Keep what one calendar's page says; one that is held already changes nothing."""
        if self._page_store is not None:
            try:
                self._pages = self._page_store.add(days, fetched_ns)
            except StorageError as error:
                log.warning("macro: %s", error)
            else:
                return
        self._pages = with_page(self._pages, days, fetched_ns)

    async def _of_treasury(self, reuse_s: float) -> Sequence[Fetched[Observations]]:
        """Yields of the year, and at its beginning of the one before, for changes over a month."""
        today = new_york_day(self._clock_ns())
        years = [today.year] if today.month > 2 else [today.year - 1, today.year]
        return [await self._treasury.year(year, reuse_s=reuse_s) for year in years]

    async def _of_fred(self, reuse_s: float) -> Sequence[Fetched[Observations]]:
        today = new_york_day(self._clock_ns())
        treasury = self._states.get("Treasury")
        names = list(MONTHLY)
        if treasury is None or treasury.kind is not Kind.LIVE:
            names = [*TENORS.values(), *names]
        return [await self._fred.series(name, today, reuse_s=reuse_s) for name in names]

    async def _ask_banks(self, reuse_s: float) -> None:
        """One after the other: the SEC counts requests. Without a contact nobody is asked."""
        if not has_contact():
            self._states["SEC"] = MacroSource(Kind.OFFLINE, None, None, WHO)
            return
        answers = {ticker: await self._edgar.bank(ticker, reuse_s=reuse_s) for ticker in CIKS}
        fresh = {ticker: answer.value or [] for ticker, answer in answers.items()}
        try:
            self._facts = self._fact_store.add(fresh)
        except StorageError as error:
            log.warning("macro: %s", error)
            self._facts = {**self._facts, **{ticker: facts for ticker, facts in fresh.items() if facts}}
        self._states["SEC"] = _state(tuple(answers.values()))

    def _take(self, name: str, answers: Sequence[Fetched[Observations]]) -> None:
        """Keep every answer that has values."""
        fresh: Observations = {}
        for answer in answers:
            for series, values in (answer.value or {}).items():
                fresh.setdefault(series, {}).update(values)
        try:
            self._held = self._store.add(fresh)
        except StorageError as error:
            log.warning("macro: %s", error)
            self._held = {**self._held, **{key: {**self._held.get(key, {}), **v} for key, v in fresh.items()}}
        self._states[name] = _state(answers)


def _state(answers: Sequence[Fetched[Any]]) -> MacroSource:
    """The worst of the answers that have values says how the source is; without any it is OFFLINE."""
    held = [answer for answer in answers if answer.value is not None]
    worst = max(held or answers, key=lambda answer: answer.kind.severity)
    times = [answer.fetched_at_ns for answer in answers if answer.fetched_at_ns is not None]
    return MacroSource(
        kind=worst.kind,
        fetched_at=from_ns(min(times)) if times else None,
        age_s=worst.age_s,
        error="; ".join(sorted({answer.error for answer in answers if answer.error})),
    )
