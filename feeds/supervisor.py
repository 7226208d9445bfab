"""The one task between feeds and market: drives every feed, publishes each Snapshot to its listeners."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from feeds.clock import clock_warning, wall_ns
from feeds.events import Batch, Prices, PrintsCorrected, TakesOver
from feeds.frames import Frames
from feeds.refresh import Refresh
from feeds.supervision.driver import drive
from feeds.supervision.entering import Entering
from feeds.supervision.intake import Intake
from feeds.supervision.listeners import Listeners
from feeds.supervision.records import FeedRecords
from feeds.supervision.tasks import DeskTasks
from feeds.supervision.time import DeskTime
from feeds.turns import Turns
from rotation.context.wants import NOTHING
from rotation.figures.registry import with_figures
from rotation.snapshot import FeedHealth

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence

    from feeds.events import Event, Feed
    from feeds.supervision.listeners import Listener
    from rotation.breadth.members import Membership
    from rotation.context.wants import Wants
    from rotation.desk import Desk, DeskChange
    from rotation.history import History
    from rotation.market.market import Market
    from rotation.market.past.look_back import Look, LookBack
    from rotation.market.status import Provenance
    from rotation.quote import SymbolDay
    from rotation.snapshot import Snapshot

WantedBy = Literal["viewers", "alerts"]
Pairs = tuple[tuple[str, str], ...]
TICK_S = 1.0
"""How often a live desk is refreshed although nothing trades."""


def clock_health() -> tuple[FeedHealth, ...]:
    """A row that says the clock is set by the environment; none where it is the machine's own."""
    warning = clock_warning()
    return (FeedHealth("clock", "REPLAY", warning, 0, 0),) if warning else ()


class Watched(NamedTuple):
    """What a supervisor is to watch: a desk with the history behind it, and who brings prices and news."""

    desk: Desk
    feeds: tuple[Feed, ...]
    """All of them; those that run already go on."""
    history: History | None = None
    """None: the one of now."""
    membership: tuple[Membership, ...] | None = None
    """None: the one of now."""
    look: Look | None = None
    """What makes passes over the history; None: what does so now."""
    clock_ns: Callable[[], int] = wall_ns
    """UTC nanoseconds; of a hub's viewer the hub's."""


class Supervisor:
    """Owns a market and its feeds. Feeds that end are done; a live one that raises is started again.

    The run ends with an error of the market, of a tape, or of what a person has set (InputError).
    """

    def __init__(
        self,
        market: Market,
        feeds: Sequence[Feed],
        *,
        clock_ns: Callable[[], int] = wall_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        offload: Callable[[Callable[[], LookBack]], Awaitable[LookBack]] = asyncio.to_thread,
        stays: bool = False,
    ) -> None:
        """``offload`` makes a pass over history without holding up the loop.

        ``stays``: without feeds, run until cancelled: somebody may still look at other parts of it.
        """
        self._market = market
        self._feeds = tuple(feeds)
        self._entering: dict[Feed, Entering] = {}
        self._stays = stays
        self._sleep = sleep
        self._offload = offload
        self._time = DeskTime(self._feeds, clock_ns)
        self._keeps_time = False
        """Whether its time goes on by a clock."""
        self._records = FeedRecords(self._feeds)
        self._intake = Intake(market, self._fetch_again)
        self._tasks = DeskTasks(lambda feed: drive(feed, self._bring, self.turns, sleep))
        self._listeners = Listeners()
        self._wants: dict[WantedBy, Wants] = {}
        self._refresh_wish = Refresh()
        self._is_replaying = False
        """Nothing is published meanwhile."""
        self.turns = Turns()
        """Between keys and prices."""
        self._frames = Frames(self._publish, self.turns.hurry)
        self.observer: Callable[[str, Event, int], None] | None = None
        """Told of every event (feed's name, event, as-of in ns) before the market is: the recorder."""

        self.on_publish: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot
        """Given every Snapshot before its readers are: alerts and events are added there."""

        self.beside: list[Callable[[], Coroutine[None, None, None]]] = []
        """What runs while the desk does, and is cancelled with it."""

        self.on_pairs: Callable[[Pairs], None] = lambda _: None
        """Given the desk's more pairs whenever they have changed."""

        self.on_windows: Callable[[tuple[int, ...]], None] = lambda _: None
        """Given the desk's windows whenever they have changed."""

        self.on_desk: Callable[[Desk], None] = lambda _: None
        """Given the desk whenever ``watch`` has replaced it."""

        self.on_unadjusted: Callable[[str], None] = lambda _: None
        """Given each symbol whose history is on another scale than its prints: to fetch it again."""

    # What is watched

    @property
    def desk(self) -> Desk:
        """What is watched now; a configuration that was read again may have changed its pairs."""
        return self._market.desk

    @property
    def legs(self) -> tuple[str, ...]:
        """The desk's."""
        return self._market.desk.legs

    @property
    def history(self) -> History:
        """The settled history that figures rest on now."""
        return self._market.history

    @property
    def membership(self) -> tuple[Membership, ...]:
        """The holdings files on which breadth rests."""
        return self._market.membership

    @property
    def provenance(self) -> dict[str, Provenance]:
        """Where each symbol's prices come from and what is wrong with them."""
        return self._records.provenance

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """Those in charge."""
        return self._feeds

    def days(self, symbols: Collection[str], *, all_minutes: bool = False) -> list[SymbolDay]:
        """The session of these symbols so far, for the viewers of a hub; see ``Market.days``."""
        return self._market.days(symbols, all_minutes=all_minutes)

    # Its readers

    @property
    def latest(self) -> Snapshot | None:
        """The newest Snapshot that has been published; None before the first."""
        return self._listeners.newest

    def listen(self) -> Listener:
        """A new reader; it gets the newest snapshot at once if there is one."""
        return self._listeners.listen()

    def rest(self, seconds: float) -> None:
        """Its readers need no Snapshot of newer prices for so long from now; see ``feeds.frames``.

        All else that happens is published at once; so are prices of a tape, and of a desk whose alerts judge
        each (``judge_all``).
        """
        self._frames.rest(seconds)

    def judge_all(self, is_judged: Callable[[], bool]) -> None:
        """Have a Snapshot for each batch of prices while this holds, whoever rests."""
        self._frames.is_judged = is_judged

    def want(self, asked: Wants, by: WantedBy = "viewers") -> None:
        """Have these parts in every Snapshot, from one that is published now on; those of the others stay.

        ``by``: who wants them.
        """
        self._wants[by] = asked
        if self._want_made():
            self._refresh_now()

    @property
    def wants(self) -> Wants:
        """What anybody wants."""
        return NOTHING.union(*self._wants.values())

    def _want_made(self) -> bool:
        """Have the market make what is wanted; whether its next Snapshot has more than the last one."""
        return self._market.want(with_figures(self.wants, self._market.desk))

    def ask_now(self) -> tuple[tuple[str, ...], float]:
        """Have the feeds ask their sources before their time; see ``feeds.refresh.Refresh.ask``."""
        return self._refresh_wish.ask(self._feeds)

    def amend(self, snapshot: Snapshot) -> None:
        """Publish the newest Snapshot again, now with what took longer; an older one is dropped."""
        if self.latest is not None and snapshot.seq == self.latest.seq:
            self._listeners.put(snapshot)

    # The run

    @property
    def is_running(self) -> bool:
        """Whether ``run`` drives them."""
        return self._tasks.is_running

    async def run(self) -> None:
        """Publish what the feeds say until all have ended; without any, the settled state."""
        try:
            if not self._feeds:
                self._market.take((), as_of_ns=self._time.clock_ns())
                self._publish()
            async with self._tasks.running():
                for feed in self._feeds:
                    self._tasks.drive(feed)
                for work in (self._frames.run, *self.beside):
                    self._tasks.run_beside(work(), "beside the desk")
                self._keep_time()
                while self._has_work():
                    await self._tasks.turned()
                self._frames.settle()
        finally:
            self._listeners.end()

    def _has_work(self) -> bool:
        """Whether any feed may still bring something, or somebody looks at a desk without any."""
        if not self._feeds and not self._entering:
            return self._stays
        return bool(self._entering) or not all(map(self._tasks.has_ended, self._feeds))

    def _keep_time(self) -> None:
        """A clock for a desk of now, also after its feeds have gone or without any; none for a tape."""
        is_live = (self._feeds or self._stays) and self._time.tape is None
        if is_live and self._tasks.is_running and not self._keeps_time:
            self._keeps_time = True
            self._tasks.run_beside(self._tick(), "clock")

    async def _tick(self) -> None:
        """Time goes on where nothing trades: ages grow, what was fresh becomes stale."""
        while True:
            await self._sleep(TICK_S)
            self._pass_time(self._time.clock_ns())
            self._frames.on_second()

    # From an event to a Snapshot

    async def _bring(self, feed: Feed, event: Event) -> None:
        """Take an event once the pass over history that it needs is made, beside keys and screens."""
        work = None
        if feed.tape() is None and feed not in self._entering:
            work = self._intake.pass_ahead(event)
        if work is not None:
            self._market.take_ahead(await self._offload(work))
        self._take(feed, event)

    def _take(self, feed: Feed, event: Event) -> None:
        if feed in self._entering:
            self._entering[feed].take(event)
            return
        if feed not in self._records:  # it is about to end
            return
        as_of_ns = self._time.take(event)
        if self.observer is not None and as_of_ns is not None:
            self.observer(feed.name, event, as_of_ns)
        if self._records.take(feed, event):
            self._market.set_provenance(self._records.provenance)
        if isinstance(event, PrintsCorrected):
            return  # no figure changes: the print is left out, or other prints take its place
        if not self._intake.take(event, as_of_ns) or self._is_replaying:
            return
        if isinstance(event, Prices) and feed.tape() is None:
            self._frames.on_prices()
        else:
            self._publish()

    def _fetch_again(self, symbol: str) -> None:
        """Have history of a symbol fetched that is on another scale than its prints."""
        self.on_unadjusted(symbol)

    def _publish(self) -> None:
        """A Snapshot of all that has been taken in."""
        self._frames.made()
        snapshot = self._market.snapshot()
        self._intake.fetch_suspects()
        feeds = (*self._records.health(), *(clock_health() if self._time.is_wall_clock else ()))
        health = msgspec.structs.replace(snapshot.health, feeds=feeds, tape=self._time.tape)
        self._listeners.put(self.on_publish(msgspec.structs.replace(snapshot, health=health)))

    def _refresh(self, as_of_ns: int) -> None:
        """A Snapshot that no feed has caused."""
        self._pass_time(as_of_ns)
        self._publish()

    def _refresh_now(self) -> None:
        """The newest Snapshot again, with what is looked at now."""
        if self.latest is None:
            return
        as_of_ns = self._time.now_ns()
        if as_of_ns is not None:
            self._refresh(as_of_ns)

    def _pass_time(self, as_of_ns: int) -> None:
        """Time has moved; recorded, so that a replay counts as many."""
        if self.observer is not None:
            self.observer("", Batch(()), as_of_ns)
        self._market.take((), as_of_ns=as_of_ns)

    # Changes of the desk

    async def take_members(self, membership: tuple[Membership, ...]) -> None:
        """Membership files have come. The pass over history that they need does not hold up the loop."""
        made = await self._offload(self._market.pass_for_members(membership))
        self._market.take_members(membership, made)
        self._refresh(self._time.clock_ns())

    async def set_pairs(self, pairs: Pairs, gaps: tuple[tuple[str, float], ...]) -> Pairs:
        """Have these more pairs from now on, and no others; ``gaps`` as in Desk. Today's prints stay.

        Returns those that this desk cannot have: a symbol of theirs is no leg, so no feed asks for it.
        """
        desk = self._market.desk
        legs = {*desk.legs, desk.base, desk.against}
        taken = tuple(pair for pair in pairs if legs >= {*pair} and pair != (desk.base, desk.against))
        changed = msgspec.structs.replace(desk, pairs=taken, pair_gaps=gaps)
        self._market.take_desk(changed, await self._offload(self._market.pass_for(changed)))
        self.on_pairs(taken)
        self._want_made()  # figures of other pairs may be known now
        self._refresh_now()
        return tuple(pair for pair in pairs if not legs >= {*pair})

    async def change_desk(self, change: DeskChange) -> None:
        """Have these windows, returns and limits from now on. Today's prints stay."""
        changed = change.of(self._market.desk)
        made = None
        desk = self._market.desk
        if (changed.windows, changed.returns) != (desk.windows, desk.returns):
            made = await self._offload(self._market.pass_for(changed))
        # Meanwhile other pairs may have been taken.
        self._market.take_desk(change.of(self._market.desk), made)
        if change.windows is not None:
            self.on_windows(change.windows)
        self._want_made()  # and figures of other windows
        self._refresh_now()

    # Another desk, perhaps with other feeds

    def enter(self, feeds: Iterable[Feed]) -> list[Entering]:
        """Start these beside those in charge; they are in charge once ``watch`` has them. See ``leave``."""
        entering = [Entering(feed) for feed in feeds]
        for each in entering:
            self._entering[each.feed] = each
            self._tasks.drive(each.feed)
        return entering

    def pass_for(self, watched: Watched) -> Awaitable[LookBack]:
        """The pass over history that ``watch`` needs, made beside the loop."""
        return self._offload(
            self._market.pass_for(watched.desk, watched.history, watched.membership, watched.look)
        )

    def watch(self, watched: Watched, made: LookBack) -> tuple[Feed, ...]:
        """Watch this from now on, and publish it; returns the feeds in charge until now, for ``leave``.

        ``made``: what ``pass_for`` gave. Today's prints stay. Feeds that have come up (``enter``) hand over
        what waited, but for prints of symbols that another source has brought until now: two sources number
        theirs each in its own way, so that none could be told from a repeated one. These replace them.
        """
        left = tuple(feed for feed in self._feeds if feed not in watched.feeds)
        before = self._records.provenance
        entering = [self._entering.pop(feed) for feed in watched.feeds if feed in self._entering]
        self._records.replace(watched.feeds, {each.feed: each.record for each in entering})
        self._feeds = watched.feeds
        self._time.replace(watched.feeds, watched.clock_ns)
        self._market.take_desk(
            watched.desk,
            made,
            history=watched.history,
            membership=watched.membership,
            look=watched.look,
        )
        self._market.set_provenance(self._records.provenance)
        self._market.set_reader(is_silent=not watched.feeds)  # a hub's feed says it itself
        self._is_replaying = True
        try:
            for each in entering:
                self._hand_over(each, before)
        finally:
            self._is_replaying = False
        for feed in watched.feeds:
            self._tasks.drive(feed)
        self._keep_time()
        self.on_desk(watched.desk)
        self._want_made()
        as_of_ns = self._time.now_ns()
        if as_of_ns is not None:
            self._refresh(as_of_ns)
        self._tasks.turn()
        return left

    def _hand_over(self, entering: Entering, before: Mapping[str, Provenance]) -> None:
        """Take what has waited. ``before``: who brought each symbol until now."""
        feed, others = entering.feed, entering.brought_by_others(before)
        for event in entering.events_without(others):
            self._take(feed, event)
        if others and isinstance(feed, TakesOver):
            feed.take_over(self._market.auctions(sorted(others)))

    async def leave(self, feeds: Iterable[Feed]) -> None:
        """End these, and wait until they have: their connections are closed then."""
        left = tuple(feeds)
        for feed in left:
            self._entering.pop(feed, None)
        await self._tasks.leave(left)
