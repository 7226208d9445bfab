"""The one task between feeds and market: drives every feed, publishes each Snapshot to its listeners."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Literal, NamedTuple
from weakref import WeakSet

import msgspec
from msgspec.structs import astuple

from feeds.clock import clock_warning, wall_ns
from feeds.errors import InputError, SourceError, UnavailableError
from feeds.events import (
    Batch,
    BidAsks,
    ColumnBatch,
    FedNews,
    Gap,
    HistoryConfirmed,
    HistoryUpdated,
    ListedSplits,
    MacroNews,
    PreviousCloses,
    PrintsCorrected,
    PrintsReplaced,
    RelayedStates,
    Rewind,
    Status,
    Stream,
    SymbolDays,
    SymbolStates,
    TakesOver,
)
from feeds.frames import Frames
from feeds.refresh import Refresh
from feeds.turns import Turns, turns
from rotation.context.wants import NOTHING
from rotation.figures.registry import with_figures
from rotation.market.status import Provenance
from rotation.snapshot import FeedHealth, Tape
from rotation.status import Kind, Refusal
from rotation.text import duration
from rotation.wording import mode_word, state_word

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Collection,
        Coroutine,
        Iterable,
        Mapping,
        Sequence,
    )

    from feeds.events import Event, Feed
    from rotation.breadth.members import Membership
    from rotation.context.wants import Wants
    from rotation.desk import Desk, DeskChange
    from rotation.history import History
    from rotation.market.market import Market
    from rotation.market.past.look_back import Look, LookBack
    from rotation.quote import Quote, SymbolDay
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

WantedBy = Literal["viewers", "alerts"]
Pairs = tuple[tuple[str, str], ...]
_TIMELESS = Gap | SymbolStates | PrintsCorrected | HistoryConfirmed | PreviousCloses | ListedSplits
"""Events that do not say when they were true."""
_PRICES = Batch | ColumnBatch | SymbolDays | BidAsks
"""Events of which many may come in a frame of the screen. Of all others each is shown by itself."""
TICK_S = 1.0
"""How often a live desk is refreshed although nothing trades."""


NAMED = 8
"""Symbols that a line of the log names, at most."""
AGAIN_S = 10.0
"""Between a feed's unexpected error and its next start; twice as long after each further one."""
AGAIN_MAX_S = 300.0


def clock_health() -> tuple[FeedHealth, ...]:
    """A row that says the clock is set by the environment; none where it is the machine's own."""
    warning = clock_warning()
    return (FeedHealth("clock", "REPLAY", warning, 0, 0),) if warning else ()


def corrected(event: PrintsCorrected) -> str:
    """One line of the log for all that was corrected at once."""
    symbols = list(dict.fromkeys(each.symbol for each in event.corrections))
    if len(event.corrections) == 1:
        return f"a print of {symbols[0]} was corrected"
    more = f" and {len(symbols) - NAMED} other symbols" if len(symbols) > NAMED else ""
    return f"{len(event.corrections)} prints were corrected, of {', '.join(symbols[:NAMED])}{more}"


def _as_it_is(snapshot: Snapshot) -> Snapshot:
    """Nothing is added."""
    return snapshot


def _unheeded(pairs: Pairs) -> None:
    """Nothing depends on which pairs there are."""
    del pairs


def _ignored(symbol: str) -> None:
    """Nothing keeps history up to date."""
    del symbol


class Listener:
    """The newest snapshot, for one reader. A slow reader misses snapshots; nothing queues up."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._ended = False

    def put(self, snapshot: Snapshot) -> None:
        """Replace what the reader has not seen yet."""
        self._snapshot = snapshot
        self._wake.set()

    def end(self) -> None:
        """Let the reader finish after the newest snapshot."""
        self._ended = True
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[Snapshot]:
        return self

    async def __anext__(self) -> Snapshot:
        while self._snapshot is None:
            if self._ended:
                raise StopAsyncIteration
            await self._wake.wait()
            self._wake.clear()
        snapshot, self._snapshot = self._snapshot, None
        return snapshot


class FeedRecord:
    """The newest status and the counts of one feed."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self.has_status = False
        """Whether that is its own; else its mode's."""
        self.by_symbol: dict[str, Kind] = {}
        self.incomplete: frozenset[str] = frozenset()
        self.behind_s = 0.0
        self.relayed: RelayedStates | None = None
        """Of a hub's viewer: what the hub reports of its own feeds."""
        self.has_spoken = False
        """Whether it has said how its symbols are."""
        self.quotes = 0
        self.batches = 0

    def take(self, event: Event) -> bool:
        """Take what an event says of the feed; False where it says nothing of what prices are worth."""
        match event:
            case Status():
                self.status, self.relayed, self.has_status = event, None, True
            case RelayedStates():
                self.relayed, self.has_spoken = event, True
            case SymbolStates():
                self.by_symbol, self.incomplete = event.by_symbol, event.incomplete
                self.behind_s, self.has_spoken = event.behind_s, True
            case _:
                return False
        return True


PEN_MAX = 200_000
"""Prints and events of a feed that is coming up; one that brings more need not wait any longer."""


class Entering:
    """A feed that runs beside those in charge. What it brings waits until it is in charge, too."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.record = FeedRecord(Status(feed.mode.kind))
        self.events: list[Event] = []
        """In order of arrival."""
        self._held = 0
        self.on_event: Callable[[], None] = lambda: None

    def take(self, event: Event) -> None:
        """Note what it says of the feed, and keep it."""
        self.record.take(event)
        self.events.append(event)
        self._held += 1
        if isinstance(event, Batch | PrintsReplaced):
            self._held += len(event.quotes)
        elif isinstance(event, ColumnBatch):
            self._held += event.rows.height
        self.on_event()

    @property
    def is_full(self) -> bool:
        """Whether it has brought as much as may wait."""
        return self._held >= PEN_MAX


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
        self._stays = stays
        self._wants: dict[WantedBy, Wants] = {}
        self._clock_ns = clock_ns
        self._sleep = sleep
        self._offload = offload
        self._listeners: WeakSet[Listener] = WeakSet()  # a reader that has gone is forgotten
        self._ended = False
        self._refresh_wish = Refresh()
        self._records = {feed: FeedRecord(Status(feed.mode.kind)) for feed in self._feeds}
        self._entering: dict[Feed, Entering] = {}
        self._driven: dict[Feed, asyncio.Task[None]] = {}
        self._clock: asyncio.Task[None] | None = None
        self._group: asyncio.TaskGroup | None = None
        """While it runs."""
        self._turn = asyncio.Event()
        """A feed has ended, or the feeds are others."""
        self._is_replaying = False
        """Nothing is published meanwhile."""
        self._as_of_ns: int | None = None
        self.turns = Turns()
        """Between keys and prices."""
        self._frames = Frames(self._publish, self._hurry)
        self.latest: Snapshot | None = None
        self.provenance: dict[str, Provenance] = {}
        """Where each symbol's prices come from and what is wrong with them."""
        self.observer: Callable[[str, Event, int], None] | None = None
        """Told of every event (feed's name, event, as-of in ns) before the market is: the recorder."""

        self.on_publish: Callable[[Snapshot], Snapshot] = _as_it_is
        """Given every Snapshot before its readers are: alerts and events are added there."""

        self.beside: list[Callable[[], Coroutine[None, None, None]]] = []
        """What runs while the desk does, and is cancelled with it."""

        self.on_pairs: Callable[[Pairs], None] = _unheeded
        """Given the desk's more pairs whenever they have changed."""

        self.on_windows: Callable[[tuple[int, ...]], None] = lambda _: None
        """Given the desk's windows whenever they have changed."""

        self.on_desk: Callable[[Desk], None] = lambda _: None
        """Given the desk whenever ``watch`` has replaced it."""

        self.on_unadjusted: Callable[[str], None] = _ignored
        """Given each symbol whose history is on another scale than its prints: to fetch it again."""

    def days(self, symbols: Collection[str], *, all_minutes: bool = False) -> list[SymbolDay]:
        """The session of these symbols so far, for the viewers of a hub; see ``Market.days``."""
        return self._market.days(symbols, all_minutes=all_minutes)

    @property
    def legs(self) -> tuple[str, ...]:
        """The desk's."""
        return self._market.desk.legs

    @property
    def membership(self) -> tuple[Membership, ...]:
        """The holdings files on which breadth rests."""
        return self._market.membership

    async def take_members(self, membership: tuple[Membership, ...]) -> None:
        """Membership files have come. The pass over history that they need does not hold up the loop."""
        made = await self._offload(self._market.pass_for_members(membership))
        self._market.take_members(membership, made)
        self._refresh(self._clock_ns())

    @property
    def history(self) -> History:
        """The settled history that figures rest on now."""
        return self._market.history

    @property
    def desk(self) -> Desk:
        """What is watched now; a configuration that was read again may have changed its pairs."""
        return self._market.desk

    def listen(self) -> Listener:
        """A new reader; it gets the newest snapshot at once if there is one."""
        listener = Listener()
        if self.latest is not None:
            listener.put(self.latest)
        if self._ended:
            listener.end()
        self._listeners.add(listener)
        return listener

    def rest(self, seconds: float) -> None:
        """Its readers need no Snapshot of newer prices for so long from now; see ``feeds.frames``.

        All else that happens is published at once; so are prices of a tape, and of a desk whose alerts judge
        each (``judge_all``).
        """
        self._frames.rest(seconds)

    def _hurry(self) -> None:
        """Have streams look at what they have received."""
        self.turns.hurry()

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

    def ask_now(self) -> tuple[tuple[str, ...], float]:
        """Have the feeds ask their sources before their time; see ``feeds.refresh.Refresh.ask``."""
        return self._refresh_wish.ask(self._feeds)

    def _want_made(self) -> bool:
        """Have the market make what is wanted; whether its next Snapshot has more than the last one."""
        return self._market.want(with_figures(self.wants, self._market.desk))

    @property
    def wants(self) -> Wants:
        """What anybody wants."""
        return NOTHING.union(*self._wants.values())

    def amend(self, snapshot: Snapshot) -> None:
        """Publish the newest Snapshot again, now with what took longer; an older one is dropped."""
        if self.latest is not None and snapshot.seq == self.latest.seq:
            self._give(snapshot)

    def _refresh_now(self) -> None:
        """The newest Snapshot again, with what is looked at now."""
        if self.latest is None:
            return
        as_of_ns = self._clock_ns() if self._tape() is None else self._as_of_ns
        if as_of_ns is not None:
            self._refresh(as_of_ns)

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

    def _refresh(self, as_of_ns: int) -> None:
        """A Snapshot that no feed has caused."""
        self._pass_time(as_of_ns)
        self._publish()

    def _pass_time(self, as_of_ns: int) -> None:
        """Time has moved; recorded, so that a replay counts as many."""
        if self.observer is not None:
            self.observer("", Batch(()), as_of_ns)
        self._market.take((), as_of_ns=as_of_ns)

    async def run(self) -> None:
        """Publish what the feeds say until all have ended; without any, the settled state."""
        try:
            if not self._feeds:
                self._market.take((), as_of_ns=self._clock_ns())
                self._publish()
            async with asyncio.TaskGroup() as group:
                self._group = group
                for feed in self._feeds:
                    self._start(feed)
                works = (self._frames.run, *self.beside)
                beside = [group.create_task(work(), name="beside the desk") for work in works]
                self._keep_time()
                while self._has_work():
                    await self._turn.wait()
                    self._turn.clear()
                self._frames.settle()
                for task in (*beside, *self._driven.values(), *([self._clock] if self._clock else [])):
                    task.cancel()
        finally:
            self._group = None
            self._ended = True
            for listener in self._listeners:
                listener.end()

    def _has_work(self) -> bool:
        """Whether any feed may still bring something, or somebody looks at a desk without any."""
        if not self._feeds and not self._entering:
            return self._stays
        return bool(self._entering) or any(not self._driven[feed].done() for feed in self._feeds)

    def _start(self, feed: Feed) -> None:
        """Drive a feed, while the desk runs; else ``run`` does."""
        if self._group is None:
            return
        task = self._group.create_task(self._drive(feed), name=f"feed {feed.name}")
        task.add_done_callback(lambda _: self._turn.set())
        self._driven[feed] = task

    def _keep_time(self) -> None:
        """A clock for a desk of now, also after its feeds have gone or without any; none for a tape."""
        is_live = bool(self._feeds or self._stays) and all(feed.tape() is None for feed in self._feeds)
        if is_live and self._clock is None and self._group is not None:
            self._clock = self._group.create_task(self._tick(), name="clock")

    # Other feeds

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """Those in charge."""
        return self._feeds

    @property
    def is_running(self) -> bool:
        """Whether ``run`` drives them."""
        return self._group is not None

    def enter(self, feeds: Iterable[Feed]) -> list[Entering]:
        """Start these beside those in charge; they are in charge once ``watch`` has them. See ``leave``."""
        entering = [Entering(feed) for feed in feeds]
        for each in entering:
            self._entering[each.feed] = each
            self._start(each.feed)
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
        sources = {symbol: each.source for symbol, each in self.provenance.items()}
        entering = [self._entering.pop(feed) for feed in watched.feeds if feed in self._entering]
        new = {each.feed: each.record for each in entering}
        self._records = {
            feed: self._records.get(feed) or new.get(feed) or FeedRecord(Status(feed.mode.kind))
            for feed in watched.feeds
        }
        self._feeds, self._clock_ns = watched.feeds, watched.clock_ns
        self._market.take_desk(
            watched.desk,
            made,
            history=watched.history,
            membership=watched.membership,
            look=watched.look,
        )
        self._set_provenance()
        self._market.set_reader(is_silent=not watched.feeds)  # a hub's feed says it itself
        self._is_replaying = True
        try:
            for each in entering:
                self._hand_over(each, sources)
        finally:
            self._is_replaying = False
        for feed in watched.feeds:
            if feed not in self._driven:
                self._start(feed)
        self._keep_time()
        self.on_desk(watched.desk)
        self._want_made()
        as_of_ns = self._clock_ns() if self._tape() is None else self._as_of_ns
        if as_of_ns is not None:
            self._refresh(as_of_ns)
        self._turn.set()
        return left

    def _hand_over(self, entering: Entering, sources: Mapping[str, str]) -> None:
        """Take what has waited. ``sources``: who brought each symbol until now."""
        feed = entering.feed
        others = frozenset(symbol for symbol, source in sources.items() if source != feed.name)
        others &= feed.symbols if isinstance(feed, Stream) else frozenset()
        histories = (event for event in reversed(entering.events) if isinstance(event, HistoryUpdated))
        newest = next(histories, None)
        for event in entering.events:
            if isinstance(event, HistoryUpdated) and event is not newest:
                continue  # nobody would see it, and a pass over history takes its time
            rest = _without(event, others)
            if rest is not None:
                self._take(feed, rest)
        if others and isinstance(feed, TakesOver):
            feed.take_over(self._market.auctions(sorted(others)))

    async def leave(self, feeds: Iterable[Feed]) -> None:
        """End these, and wait until they have: their connections are closed then."""
        tasks = []
        for feed in feeds:
            self._entering.pop(feed, None)
            task = self._driven.pop(feed, None)
            if task is not None:
                task.cancel()
                tasks.append(task)
        self._turn.set()
        if tasks:
            await asyncio.wait(tasks)

    async def _tick(self) -> None:
        """Time goes on where nothing trades: ages grow, what was fresh becomes stale."""
        while True:
            await self._sleep(TICK_S)
            self._pass_time(self._clock_ns())
            self._frames.on_second()

    async def _drive(self, feed: Feed) -> None:
        """A feed from beginning to end; a live one that fails is OFFLINE until it has been started again."""
        turns.set(self.turns)  # for all tasks of the feed
        log.info("feed %s starts as %s", feed.name, mode_word(feed.mode))
        failures = 0
        while (error := await self._run_feed(feed)) is not None:
            wait_s = min(AGAIN_S * 2.0**failures, AGAIN_MAX_S)
            failures += 1
            self._take(feed, Status(Kind.OFFLINE, f"{_reason(error)}; next try in {duration(wait_s)}"))
            if isinstance(feed, Stream):
                self._take(feed, SymbolStates(dict.fromkeys(feed.symbols, Kind.OFFLINE)))
            await self._sleep(wait_s)
        log.info("feed %s has ended", feed.name)

    async def _run_feed(self, feed: Feed) -> Exception | None:
        """Its events until it ends, which returns None, or fails: then its error, which has been logged."""
        events = feed.events()
        try:
            while True:
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    return None
                except InputError:
                    raise
                except Exception as error:
                    if feed.tape() is not None:  # a tape is all there is to see
                        raise
                    log.exception("feed %s failed", feed.name)
                    return error
                if isinstance(event, _PRICES):
                    await self.turns.wait()
                await self._prepare(feed, event)
                self._take(feed, event)
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    async def _prepare(self, feed: Feed, event: Event) -> None:
        """Make the pass over history that an event of a live feed needs, so that keys and screens go on."""
        if feed.tape() is not None or feed in self._entering:
            return
        match event:
            case HistoryUpdated():
                work = self._market.pass_ahead(history=event.history)
            case SymbolDays():
                newest = (part.last.ts_ns for day in event.days for part in day.parts if part and part.last)
                work = self._market.pass_ahead(newest_ns=max(newest, default=0))
            case Batch():
                work = self._market.pass_ahead(event.quotes)
            case ColumnBatch():
                newest_ns: int = event.rows["ts_ns"].max()  # type: ignore[assignment] # there is a row
                work = self._market.pass_ahead(newest_ns=newest_ns)
            case _:
                work = None
        if work is not None:
            self._market.take_ahead(await self._offload(work))

    def _take(self, feed: Feed, event: Event) -> None:
        if feed in self._entering:
            self._entering[feed].take(event)
            return
        if feed not in self._records:  # it is about to end
            return
        as_of_ns = self._time_of(event)
        if self.observer is not None and as_of_ns is not None:
            self.observer(feed.name, event, as_of_ns)
        record = self._records[feed]
        self._note(feed, record, event)
        if isinstance(event, PrintsCorrected):
            return  # no figure changes: the print is left out, or other prints take its place
        if not self._take_in(record, event, as_of_ns) or self._is_replaying:
            return
        if isinstance(event, _PRICES) and feed.tape() is None:
            self._frames.on_prices()
        else:
            self._publish()

    def _take_in(self, record: FeedRecord, event: Event, as_of_ns: int | None) -> bool:
        """Have the market take an event; False where there is nothing to show yet."""
        match event:
            case ColumnBatch():
                record.quotes += event.rows.height
                record.batches += 1
                self._as_of_ns = as_of_ns
                assert as_of_ns is not None  # a tape has no columns
                self._market.take_columns(event.rows, as_of_ns=as_of_ns)
            case SymbolDays():
                record.quotes += len(event.days)
                record.batches += 1
                assert as_of_ns is not None  # nor has it days
                self._market.take_days(event.days, as_of_ns=as_of_ns, counts=event.counts)
            case _:
                quotes = self._update_market(event)
                if quotes or isinstance(event, Batch):
                    record.quotes += len(quotes)
                    record.batches += 1
                if as_of_ns is None:  # a tape's time is not known before its first quotes
                    return False
                if quotes or isinstance(event, Batch | Rewind):
                    self._as_of_ns = as_of_ns
                self._market.take(quotes, as_of_ns=as_of_ns)
        return True

    def _note(self, feed: Feed, record: FeedRecord, event: Event) -> None:
        """What an event says of its feed."""
        if record.take(event):
            self._set_provenance()
        match event:
            case Status():
                log.info("feed %s: %s %s", feed.name, event.state, event.detail)
            case RelayedStates():
                self._market.set_reader(is_silent=event.is_silent)
            case Gap():
                log.warning("feed %s: prints of %d symbols may be missing", feed.name, len(event.symbols))
            case PrintsCorrected():
                log.warning("feed %s: %s", feed.name, corrected(event))
            case _:
                pass

    def _update_market(self, event: Event) -> tuple[Quote, ...]:
        """Hand everything but quotes to the market; return the quotes."""
        match event:
            case FedNews() | MacroNews():
                self._take_news(event)
            case HistoryUpdated():
                self._market.update_history(event.history)
            case Rewind():
                self._market.restart(event.as_of_ns)
            case HistoryConfirmed() | PreviousCloses() | ListedSplits():
                self._take_scale(event)
            case PrintsReplaced():
                self._market.forget(event.symbols)
            case BidAsks():
                self._market.take_bid_asks(event.by_symbol)
            case _:
                pass
        return event.quotes if isinstance(event, Batch | Rewind | PrintsReplaced) else ()

    def _take_scale(self, event: HistoryConfirmed | PreviousCloses | ListedSplits) -> None:
        """What says whether history and today's prints are on one scale; else history is fetched again."""
        match event:
            case HistoryConfirmed():
                self._market.take_confirmed(event.session, event.symbols)
            case PreviousCloses():
                for symbol in sorted(self._market.take_previous_closes(event.session, event.by_symbol)):
                    log.warning("%s: history is on another scale than the vendor's last close", symbol)
                    self.on_unadjusted(symbol)
            case ListedSplits():
                listed = self._market.take_listed_splits(event.ex_dates, event.ratios, event.symbols)
                for symbol in sorted(listed):
                    log.warning("%s: a split is listed for %s", symbol, event.ex_dates[symbol])
                    self.on_unadjusted(symbol)

    def _take_news(self, event: FedNews | MacroNews) -> None:
        if isinstance(event, FedNews):
            self._market.take_fed(event.fed)
        else:
            self._market.take_macro(event.macro)

    def _set_provenance(self) -> None:
        """Which live stream brings each symbol; of two that do, the first counts unless it is OFFLINE.

        What has not changed stays the same object: thousands of new ones, each time that one symbol's state
        changes, would have garbage collected several times a second.
        """
        by_symbol: dict[str, Provenance] = {}
        for feed, record in reversed(self._records.items()):
            if record.relayed is not None:
                by_symbol |= record.relayed.provenance
            if not isinstance(feed, Stream):
                continue
            for symbol in feed.symbols:
                override = record.by_symbol.get(symbol)
                if symbol not in by_symbol or override is not Kind.OFFLINE:
                    is_incomplete = symbol in record.incomplete
                    now = (feed.mode_of(symbol), feed.name, override, is_incomplete, record.behind_s)
                    held = self.provenance.get(symbol)
                    by_symbol[symbol] = Provenance(*now) if held is None or astuple(held) != now else held
        self.provenance = by_symbol
        self._market.set_provenance(by_symbol)

    def _time_of(self, event: Event) -> int | None:
        """The event's own, else the tape's or the clock's; None for news before a tape's first quotes."""
        own = None if isinstance(event, _TIMELESS) else event.as_of_ns
        if own is not None:
            return own
        if self._tape() is not None and not isinstance(event, Batch | Rewind):
            return self._as_of_ns
        return self._clock_ns()

    def _publish(self) -> None:
        """A Snapshot of all that has been taken in."""
        self._frames.made()
        snapshot = self._market.snapshot()
        for symbol in sorted(self._market.take_suspects()):
            log.warning("%s: its price is a split away from history's close, and none is listed", symbol)
            self.on_unadjusted(symbol)
        health = msgspec.structs.replace(snapshot.health, feeds=self._health(), tape=self._tape())
        self._give(self.on_publish(msgspec.structs.replace(snapshot, health=health)))

    def _give(self, snapshot: Snapshot) -> None:
        self.latest = snapshot
        for listener in self._listeners:
            listener.put(snapshot)

    def _health(self) -> tuple[FeedHealth, ...]:
        on_wall_clock = self._clock_ns is wall_ns and self._tape() is None
        feeds = (row for feed, record in self._records.items() for row in _rows(feed, record))
        return *feeds, *(clock_health() if on_wall_clock else ())

    def _tape(self) -> Tape | None:
        return next((tape for feed in self._feeds if (tape := feed.tape())), None)


def _without(event: Event, symbols: frozenset[str]) -> Event | None:
    """The event without the prints of these symbols; None where nothing is left."""
    match event:
        case Batch() if symbols:
            quotes = tuple(quote for quote in event.quotes if quote.symbol not in symbols)
            return msgspec.structs.replace(event, quotes=quotes)
        case ColumnBatch() if symbols:
            rows = event.rows.filter(~event.rows["symbol"].is_in(sorted(symbols)))
            return None if rows.is_empty() else msgspec.structs.replace(event, rows=rows)
        case _:
            return event


def _reason(error: Exception) -> str:
    """Only errors in our own words are quoted: another's text may hold an address, and that a key."""
    if isinstance(error, SourceError | UnavailableError):
        return str(error)
    return f"internal error ({type(error).__name__}), see the log"


def _rows(feed: Feed, record: FeedRecord) -> tuple[FeedHealth, ...]:
    """A feed's rows of the Health panel: its own, or those of the hub that it relays."""
    return (_health(feed, record),) if record.relayed is None else record.relayed.health


def _health(feed: Feed, record: FeedRecord) -> FeedHealth:
    status = record.status
    if not record.has_status and not record.batches and feed.mode.kind in {Kind.LIVE, Kind.DELAYED}:
        status = Status(Kind.OFFLINE)  # nothing has come yet
    refusal = status.state if isinstance(status.state, Refusal) else None
    return FeedHealth(
        name=feed.name,
        state=state_word(status.state, delay_s=status.delay_s or feed.mode.delay_s, age_s=status.age_s),
        detail=status.detail,
        quotes=record.quotes,
        batches=record.batches,
        stats=feed.stats() if isinstance(feed, Stream) else None,
        kind=Kind.OFFLINE if isinstance(status.state, Refusal) else status.state,
        refusal=refusal,
    )
