"""The funds' members get each session's close as the legs do: once, some time after it, many to a request.

Series that are stored already are kept up to date: whoever wants members' histories brings them with
``history sync --universe``. Where any is stored, those of members that joined lately, or have another name
now, are fetched too, as far back as breadth reaches. Vendors that are asked for each symbol alone are left in
peace.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from feeds.errors import InputError
from feeds.events import Status
from feeds.history.daily import last_settled
from feeds.history.loading import REACH_DAYS
from feeds.history.updater import HistoryUpdater
from rotation.breadth.members import in_force, spelled
from rotation.quote import MINUTE_NS
from rotation.sessions import SETTLE_NS, last_due_ns, new_york_day
from rotation.status import Kind

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from contextlib import AbstractAsyncContextManager

    from feeds.clock import Time
    from feeds.events import Event
    from feeds.history.daily import DailySource
    from feeds.history.store import HistoryStore
    from feeds.history.sync import HistorySync
    from rotation.breadth.members import Membership
    from rotation.sync_report import SyncProgress, SyncReport

START_S = 60.0
"""After the desk's start: its legs come first."""
DELAY_NS = (15 * MINUTE_NS, 45 * MINUTE_NS)
"""After the legs' closes are due, at random: not all desks of the world in the same minute."""
TRIES = 3
"""A day. Of two thousand shares some have no close: halted, or delisted."""
JOINED_DAYS = 30
"""Who was no member so many days ago has joined lately."""
NONE_STORED = "no closes of members are stored — see: rotation-tui history sync --help (--universe)"
NO_SOURCE = "members' closes: needs a key of Alpaca — see: rotation-tui config key set alpaca"


class MemberCloses(HistoryUpdater):
    """A feed of HistoryUpdated beside the legs' own."""

    name = "member closes"
    shows_parts = False  # one pass over history for all of them

    def __init__(
        self,
        store: HistoryStore,
        legs: Sequence[str],
        members: AbstractSet[str],
        *,
        time: Time,
        sources: Callable[[], AbstractAsyncContextManager[list[DailySource]]],
        turns: asyncio.Lock | None = None,
    ) -> None:
        """``legs`` have an updater of their own. ``sources``, ``turns``: as of a HistoryUpdater."""
        today = new_york_day(time.clock_ns())  # what is held goes on, and nothing older is asked for
        many = _many_at_once(sources)
        super().__init__(store, legs, since=today, time=time, sources=many, members=members, turns=turns)
        first_ns, last_ns = DELAY_NS
        self._delay_ns = SETTLE_NS + first_ns + int(time.random() * (last_ns - first_ns))
        self._membership: tuple[Membership, ...] = ()
        self._lacking: list[str] = []
        """Members whose closes are fetched for the first time in the download under way."""

    def ask_again(self, symbol: str) -> None:
        """As a HistoryUpdater's, of a member in either spelling."""
        if symbol in self._members or spelled(symbol) in map(spelled, self._members):
            self._again.add(symbol)

    def take_members(self, membership: tuple[Membership, ...]) -> None:
        """As a HistoryUpdater's; history with the closes of those that are new is handed on soon."""
        before = self._members
        super().take_members(membership)
        self._has_changed = self._has_changed or bool(self._membership) or self._members != before
        self._membership = membership

    async def events(self) -> AsyncGenerator[Event, None]:
        """As a HistoryUpdater's, after a while."""
        await self._time.sleep(START_S)
        async with aclosing(super().events()) as events:
            async for event in events:
                yield event

    def _turn(self, now_ns: int) -> int:
        """The latest close that is due: neither pre-market nor the bell brings any."""
        return last_due_ns(now_ns, self._delay_ns)

    def _chosen(self) -> list[str]:
        wanted, legs, held = (
            {spelled(member) for member in self._members},
            set(self._symbols),
            self._store.symbols(),
        )
        chosen = [each for each in held if spelled(each) in wanted and each not in legs]
        self._lacking = self._newcomers(held) if chosen else []
        return [*chosen, *self._lacking]

    def _newcomers(self, held: Mapping[str, object]) -> list[str]:
        """Members of today without a series that joined lately, or whose series has another name."""
        today = new_york_day(self._time.clock_ns())
        stored = {*map(spelled, held), *map(spelled, self._symbols)}
        lacking = [each for each in in_force(self._membership, today) if spelled(each) not in stored]
        before = today - timedelta(days=JOINED_DAYS)
        known = in_force(self._membership, before) or frozenset(
            symbol for fund in self._membership for symbol in fund.lists[0].symbols
        )
        return sorted(
            each
            for each in lacking
            if each not in known or any(name in held for name in self._renames.before(each, today))
        )

    def _asked(self) -> list[str]:
        held, settled = self._store.symbols(), last_settled(self._turn(self._time.clock_ns()))
        return [symbol for symbol in self._wanted if symbol in held and held[symbol].last < settled]

    async def _steps(
        self, sync: HistorySync, again: frozenset[str]
    ) -> AsyncGenerator[tuple[SyncProgress, ...], None]:
        async with aclosing(super()._steps(sync, again)) as steps:
            async for step in steps:
                yield step
        if self._lacking:
            since = new_york_day(self._time.clock_ns()) - timedelta(days=REACH_DAYS)
            async with aclosing(sync.steps(self._lacking, since=since)) as steps:
                async for step in steps:
                    yield step

    async def _update(self, turn_ns: int) -> AsyncGenerator[Event, None]:
        has_changed, self._has_changed = self._has_changed, False
        self._wanted = self._chosen()
        called = set(map(spelled, self._again))
        self._again = {each for each in self._wanted if spelled(each) in called}  # under their stored names
        if not self._asked() and not self._again and not self._lacking:
            self._turn_ns = turn_ns
            if has_changed and self._wanted:  # what is stored of those that are new has not been loaded yet
                async with aclosing(self._history()) as loaded:
                    async for update in loaded:
                        yield update
            settled = f"settled through {last_settled(turn_ns)}"
            yield Status(Kind.LIVE, settled) if self._wanted else Status(Kind.OFFLINE, NONE_STORED)
            return
        async with aclosing(super()._update(turn_ns)) as events:
            async for event in events:
                yield event

    def _note(self, report: SyncReport, again: frozenset[str], late: dict[str, str], turn_ns: int) -> None:
        super()._note(report, again, late, turn_ns)
        self._again -= again
        if self._failures >= TRIES:
            self._failures, self._turn_ns = 0, turn_ns


def _many_at_once(
    sources: Callable[[], AbstractAsyncContextManager[list[DailySource]]],
) -> Callable[[], AbstractAsyncContextManager[list[DailySource]]]:
    """Those of which a request holds many symbols. Raises InputError where there are none."""

    @asynccontextmanager
    async def able() -> AsyncIterator[list[DailySource]]:
        async with sources() as opened:
            many = [source for source in opened if source.at_once(10) > 1]
            if not many:
                raise InputError(NO_SOURCE)
            yield many

    return able
