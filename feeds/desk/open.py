"""What to show: from a person's wishes to a market and its feed, or to a single snapshot.

What only some desks need is imported when it is needed: the first headline waits for all the rest.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec
import polars as pl

from feeds.errors import InputError, StrayError
from feeds.events import (
    Batch,
    BidAsks,
    FedNews,
    ListedSplits,
    MacroNews,
    PreviousCloses,
    PrintsReplaced,
    Rewind,
)
from feeds.history.kept.look_backs import LookBacks
from feeds.history.loading import REACH_DAYS, load_history
from feeds.supervisor import Supervisor
from rotation.breadth.members import Membership, in_force, spelled
from rotation.context.wants import MADE
from rotation.desk import MOST_LEGS, STALE_AFTER_S, WINDOWS, Desk, LegList
from rotation.fed.figures import Fed
from rotation.history import History
from rotation.instants import after_close, parse
from rotation.macro.figures import Macro
from rotation.market.market import NOWHERE, Market
from rotation.market.past.look_back import Look, look_back
from rotation.market.status import Provenance
from rotation.quote import Quote
from rotation.sessions import from_ns, new_york_day, open_ns, to_ns
from rotation.snapshot import FeedHealth
from rotation.status import DEMO, REPLAY, Kind
from rotation.text import counted
from rotation.wording import mode_word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from feeds.events import Feed
    from feeds.history.store import HistoryStore
    from feeds.tapes.player import TapeFeed
    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

EARLIEST_NS = to_ns(datetime(1900, 1, 1, tzinfo=UTC))
DEMO_STARTS_S = 70 * 60
"""The demo begins 70 minutes after the bell, at 10:40, where the article has its figures."""


@runtime_checkable
class _AsksHistory(Protocol):
    """A HistoryUpdater; it ignores symbols that are not its own."""

    def ask_again(self, symbol: str) -> None: ...


@runtime_checkable
class _KeepsTime(Protocol):
    """A hub's feed: ages are reckoned by the hub's clock."""

    def hub_clock_ns(self) -> int: ...


@runtime_checkable
class _BringsMembers(Protocol):
    """A HoldingsRefresh."""

    on_members: Callable[[tuple[Membership, ...]], Awaitable[None]]


@runtime_checkable
class _FollowsMembers(Protocol):
    """MemberPrices, or a HistoryUpdater: what it asks for depends on who is a member."""

    name: str

    def take_members(self, membership: tuple[Membership, ...]) -> None: ...


@runtime_checkable
class _ComparesCloses(Protocol):
    """MemberPrices."""

    history: Callable[[], History]


class Now(msgspec.Struct, frozen=True):
    """What live sources answered when they were asked once."""

    quotes: tuple[Quote, ...] = ()
    provenance: dict[str, Provenance] = {}
    """By symbol."""
    fed: Fed | None = None
    scale: tuple[ListedSplits | PreviousCloses, ...] = ()
    """Closes and splits behind the quotes that are far from history's closes."""
    macro: Macro | None = None


class Source(msgspec.Struct, frozen=True):
    """Settled history, the tape to play on it, and what its prints are called."""

    history: History
    tape: pl.DataFrame | None
    origin: Provenance
    starts_ns: int | None = None
    """Where the tape begins to play by default."""
    membership: tuple[Membership, ...] = ()
    """Which shares funds held: breadth rests on it."""
    look: Look = look_back
    """Makes the passes over the history, or knows what came of them."""

    def members(self) -> frozenset[str]:
        """All that have ever been members of a fund."""
        return frozenset(symbol for fund in self.membership for symbol in fund.symbols())

    def priced(self, day: date) -> frozenset[str]:
        """The members of every fund by its newest file of this day or before.

        Raises InputError where there is none: their prices were asked for.
        """
        members = in_force(self.membership, day)
        if not members:
            raise InputError(
                "--members: no holdings file is stored — run rotation-tui members sync, or members import"
            )
        return members

    @property
    def is_demo(self) -> bool:
        """Whether all of it is invented."""
        return self.origin.mode is not None and self.origin.mode.kind is Kind.DEMO


def demo() -> Source:
    """The built-in scenario."""
    from feeds.demo.scenario import build  # noqa: PLC0415

    scenario = build()
    starts = open_ns(scenario.session) + DEMO_STARTS_S * 1_000_000_000
    return Source(scenario.history, scenario.tape, Provenance(DEMO, "built-in demo"), starts)


def source(
    store: HistoryStore,
    *,
    history: Path | None,
    tapes: Sequence[Path],
    now_ns: int,
    own: Collection[str] = Desk().legs,
    members: AbstractSet[str] = frozenset(),
    demo_instead: bool = True,
    reach_ns: int | None = None,
) -> Source:
    """What the person named; without any of it the history that is held, and without that the demo.

    ``own``: what the desk shows, loaded whole from however long a list; beside these others only while all
    can be legs. ``members``: of funds; of a long list stored their recent closes are loaded.
    ``demo_instead``: False where an empty desk is wanted, because live feeds are about to fill it.
    ``reach_ns``: the instant shown where it is not now; of a long list the closes before it are loaded.
    """
    look: Look = look_back
    if history is None:
        look = LookBacks(store.folder, writes=reach_ns is None).look
        settled = load_history(store, own, now_ns=reach_ns or now_ns, members=members)
        if not settled.symbols and not tapes and demo_instead:
            return demo()
    else:
        from feeds.history.importing import files_by_symbol, read_history  # noqa: PLC0415

        few = len(files_by_symbol([history]).keys() | set(own)) <= MOST_LEGS
        only = None if few else set(own)
        strays: list[StrayError] = []
        frame, notes = read_history([history], now_ns=now_ns, only=only, strays=strays)
        if only is not None and members:
            recent = _members_of_folder(history, members - only, notes, now_ns, reach_ns or now_ns)
            frame = pl.concat([frame, *recent])
        for note in notes:
            log.warning("history: %s", note)
        more = f", {counted(len(strays), 'file')} left out (see the log)" if strays else ""
        settled = History(frame, f"history {history.name}{more}")
    if not tapes:
        return Source(settled, None, NOWHERE, look=look)
    from feeds.tapes.reading import read_tape  # noqa: PLC0415

    names = ", ".join(path.name for path in tapes)
    return Source(settled, read_tape(tapes), Provenance(REPLAY, f"tape {names}"), look=look)


def _members_of_folder(
    folder: Path, members: AbstractSet[str], notes: list[str], now_ns: int, reach_ns: int
) -> list[pl.DataFrame]:
    """As much of their files as breadth reaches back, one file in memory at a time."""
    from feeds.history.importing import files_by_symbol, read_each  # noqa: PLC0415

    wanted = {spelled(member) for member in members}
    only = {symbol for symbol in files_by_symbol([folder]) if spelled(symbol) in wanted}
    since = new_york_day(reach_ns) - timedelta(days=REACH_DAYS)
    return [
        frame.filter(pl.col("date") >= since)
        for _, frame in read_each([folder], notes, now_ns=now_ns, only=only)
    ]


Pairs = tuple[tuple[str, str], ...]


def legs_of(
    pair: tuple[str, str],
    legs: tuple[str, ...] = (),
    pairs: Pairs = (),
    benchmark: str | None = None,
) -> tuple[str, ...]:
    """The pair, these ``legs`` (else the usual ones), ``benchmark``, those of more pairs; each once."""
    more = (symbol for each in pairs for symbol in each)
    named = () if benchmark is None else (benchmark,)
    return tuple(dict.fromkeys((*pair, *(legs or Desk().legs), *named, *more)))


def desk_for(
    history: History,
    pair: tuple[str, str],
    returns: str,
    *,
    leg_gap_s: float = 60.0,
    stale_s: float = STALE_AFTER_S,
    windows: tuple[int, ...] = WINDOWS,
    legs: tuple[str, ...] = (),
    value_growth: tuple[str, str] = ("IWN", "IVW"),
    pairs: Pairs = (),
    pair_gaps: tuple[tuple[str, float], ...] = (),
    lists: tuple[LegList, ...] = (),
    benchmark: str | None = None,
    universes: tuple[str, ...] = (),
) -> Desk:
    """The desk with this pair and these ``legs``; ``pairs`` can be shown in the place of the first.

    ``lists``: groups and watch lists, whose symbols are legs too. ``universes``: as ``Desk`` has them.

    Without any, the usual legs, and one for what else is held, unless that is a whole universe. A
    ``benchmark`` that was named is a leg, since a price of it is needed.
    """
    own = legs_of(pair, legs, pairs, benchmark)
    named = {spelled(symbol) for symbol in (*own, *(symbol for each in lists for symbol in each.symbols))}
    stored = tuple(symbol for symbol in history.symbols if spelled(symbol) not in named)  # BRK-B is BRK.B
    held = own if legs else tuple(dict.fromkeys((*own, *stored)))
    held = held if len(held) <= MOST_LEGS else own
    grouped = {symbol for each in lists if not each.is_watchlist for symbol in each.symbols}
    rest = LegList("", tuple(symbol for symbol in held if symbol not in grouped))
    return Desk(
        base=pair[0],
        against=pair[1],
        value=value_growth[0],
        growth=value_growth[1],
        benchmark=benchmark or Desk().benchmark,
        legs=tuple(dict.fromkeys((*held, *(symbol for each in lists for symbol in each.symbols)))),
        returns=returns,
        leg_gap_s=leg_gap_s,
        stale_s=stale_s,
        windows=windows,
        pairs=tuple(dict.fromkeys(each for each in pairs if each != pair)),
        pair_gaps=pair_gaps,
        lists=(rest, *lists) if lists else (),
        universes=universes,
    )


def supervise(
    wanted: Source,
    desk: Desk,
    *,
    start: str | None,
    speed: float,
    stays: bool,
    now_ns: int,
    live: Sequence[Feed] = (),
    fed_then: Callable[[int], Fed | None] | None = None,
    macro_then: Callable[[int], Macro | None] | None = None,
) -> tuple[Supervisor, TapeFeed | None]:
    """A market under its supervisor, and the tape's controls if there is a tape.

    ``fed_then``, ``macro_then``: what was known of the Fed and the causes at an instant, of a tape that does
    not bring that itself; the latter of a desk without any feed too.
    ``live``: feeds of the present, left aside where a tape is played: it shows another time.
    ``stays``: whether somebody may look for longer than the feeds last; False for a script.
    """
    if wanted.tape is None:
        return _of_present(wanted, desk, live, macro_then, now_ns=now_ns, stays=stays), None
    from feeds.tapes.player import TapeFeed  # noqa: PLC0415

    mode = wanted.origin.mode or REPLAY
    feed = TapeFeed(
        wanted.tape,
        name="demo" if wanted.is_demo else "tape",
        mode=mode,
        speed=speed,
        start_ns=wanted.starts_ns if start is None else start_ns(start),
        stays=stays,
    )
    began_ns = int(wanted.tape["at_ns"][0]) if "at_ns" in wanted.tape.columns else 0
    market = _market(wanted, desk, began_ns)
    feeds: list[Feed] = [feed]
    if wanted.is_demo and wanted.starts_ns:
        from feeds.demo.fed import fed_feed  # noqa: PLC0415
        from feeds.demo.macro import macro_feed  # noqa: PLC0415

        feeds = [feed, fed_feed(wanted.starts_ns), macro_feed(wanted.starts_ns)]
    elif fed_then is not None or macro_then is not None:
        from feeds.fed.then.replayed import WithThen, nothing  # noqa: PLC0415

        feeds = [WithThen(feed, fed_then or nothing, macro_then or nothing)]
    return Supervisor(market, feeds), feed


def _of_present(
    wanted: Source,
    desk: Desk,
    live: Sequence[Feed],
    macro_then: Callable[[int], Macro | None] | None,
    *,
    now_ns: int,
    stays: bool,
) -> Supervisor:
    """A desk of now; see ``supervise``."""
    market = _market(wanted, desk, now_ns)
    causes = macro_then(now_ns) if macro_then is not None and not live else None
    if causes is not None:
        market.take_macro(causes)
    clocks = [feed.hub_clock_ns for feed in live if isinstance(feed, _KeepsTime)]
    supervisor = (
        Supervisor(market, live, clock_ns=clocks[0], stays=stays)
        if clocks
        else Supervisor(market, live, stays=stays)
    )
    attend(supervisor, live, wanted.membership)
    return supervisor


def attend(supervisor: Supervisor, live: Sequence[Feed], membership: tuple[Membership, ...]) -> None:
    """Have these feeds told what the supervisor and each other notice. ``membership``: what is held now."""
    updaters = [feed for feed in live if isinstance(feed, _AsksHistory)]

    def ask_again(symbol: str) -> None:
        for updater in updaters:
            updater.ask_again(symbol)

    supervisor.on_unadjusted = ask_again
    follow_members(supervisor, live, membership)


def follow_members(supervisor: Supervisor, live: Sequence[Feed], membership: tuple[Membership, ...]) -> None:
    """Whoever is a member from now on is priced and gets closes, too. ``membership``: what is held now."""
    followers = [feed for feed in live if isinstance(feed, _FollowsMembers)]

    async def take_members(membership: tuple[Membership, ...]) -> None:
        try:
            await supervisor.take_members(membership)
        finally:
            _tell(followers, membership)

    for follower in followers:
        if membership:
            follower.take_members(membership)
    for feed in live:
        if isinstance(feed, _ComparesCloses):
            feed.history = lambda: supervisor.history
        if isinstance(feed, _BringsMembers):
            feed.on_members = take_members


def _tell(followers: Sequence[_FollowsMembers], membership: tuple[Membership, ...]) -> None:
    """All take it, whatever becomes of one; its error is logged, and the first is raised at the end."""
    errors = list[Exception]()
    for follower in followers:
        try:
            follower.take_members(membership)
        except Exception as error:
            log.exception("members: %s cannot take a newer list", follower.name)
            errors.append(error)
    if errors:
        raise errors[0]


def _market(wanted: Source, desk: Desk, as_of_ns: int) -> Market:
    return Market(
        wanted.history,
        desk,
        as_of_ns=as_of_ns,
        origin=wanted.origin,
        membership=wanted.membership,
        look=wanted.look,
    )


def start_ns(text: str) -> int:
    """Where ``--from`` begins; a session's date means its opening bell. Raises InputError."""
    try:
        at = parse(text)
        return open_ns(at) if isinstance(at, date) else at
    except ValueError as error:
        raise InputError(f"--from: {error}") from error


def snapshot_at(
    wanted: Source,
    desk: Desk,
    *,
    at: str | None,
    now_ns: int,
    now: Now | None = None,
    option: str = "--at",
    past_fed: Callable[[int], Fed | None] = lambda _: None,
    past_macro: Callable[[int], Macro | None] = lambda _: None,
) -> Snapshot:
    """As ``market_at``: its Snapshot, with everything that a market makes."""
    return market_at(
        wanted,
        desk,
        at=at,
        now_ns=now_ns,
        now=now,
        option=option,
        past_fed=past_fed,
        past_macro=past_macro,
    )[1]


def market_at(
    wanted: Source,
    desk: Desk,
    *,
    at: str | None,
    now_ns: int,
    now: Now | None = None,
    option: str = "--at",
    past_fed: Callable[[int], Fed | None] = lambda _: None,
    past_macro: Callable[[int], Macro | None] = lambda _: None,
    asked: Wants = MADE,
) -> tuple[Market, Snapshot]:
    """The market at an instant or after a session's close; without one, at the tape's end or now.

    ``asked``: what its Snapshot has.
    ``now``: what the live sources say, where this is asked for now; ``past_fed`` knows the Fed of an instant
    that was named, ``past_macro`` what is kept of yields, prices and jobs at any.
    """
    tape = wanted.tape
    if at is not None:
        as_of_ns = as_of(wanted.history, at, now_ns, option)
    elif tape is not None and tape.height:
        as_of_ns = wanted.starts_ns or int(tape["at_ns" if "at_ns" in tape.columns else "ts_ns"][-1])
    else:
        as_of_ns = now_ns
    market = _market(wanted, desk, as_of_ns)
    market.want(asked)
    now = now or Now()
    known = now.fed
    causes = now.macro
    if wanted.is_demo:
        from feeds.demo.fed import demo_fed  # noqa: PLC0415
        from feeds.demo.macro import demo_macro  # noqa: PLC0415

        known, causes = demo_fed(as_of_ns), demo_macro(as_of_ns)
    elif at is not None:
        known = past_fed(as_of_ns)
    if known is not None:
        market.take_fed(known)
    if causes is None and not wanted.is_demo:
        causes = past_macro(as_of_ns)
    if causes is not None:
        market.take_macro(causes)
    market.set_provenance(now.provenance)
    _take_scale(market, now.scale)
    if tape is None:
        return market, market.apply(now.quotes, as_of_ns=as_of_ns)
    taken, held = _played(market, tape, as_of_ns)
    mode = wanted.origin.mode or REPLAY
    feed = FeedHealth(wanted.origin.source, mode_word(mode), "", held, 1, kind=mode.kind)
    return market, msgspec.structs.replace(taken, health=msgspec.structs.replace(taken.health, feeds=(feed,)))


def _take_scale(market: Market, known: Sequence[ListedSplits | PreviousCloses]) -> None:
    for event in known:
        if isinstance(event, PreviousCloses):
            market.take_previous_closes(event.session, event.by_symbol)
        else:
            market.take_listed_splits(event.ex_dates, event.ratios, event.symbols)


def _played(market: Market, tape: pl.DataFrame, as_of_ns: int) -> tuple[Snapshot, int]:
    """The snapshot after everything on a tape up to then, and how many quotes that was."""
    from feeds.tapes.player import until  # noqa: PLC0415
    from feeds.tapes.recording import events_as_of  # noqa: PLC0415

    if "at_ns" not in tape.columns:
        given = until(tape, as_of_ns)
        return market.apply(given, as_of_ns=as_of_ns), len(given)
    held, taken = 0, None
    events = events_as_of(tape, as_of_ns)
    for event in sorted(events, key=lambda event: not isinstance(event, FedNews | MacroNews)):
        if isinstance(event, FedNews):
            if event.fed is not None:  # what is known from elsewhere stays
                market.take_fed(event.fed)
        elif isinstance(event, MacroNews):
            if event.macro is not None:
                market.take_macro(event.macro)
        elif isinstance(event, BidAsks):
            market.take_bid_asks(event.by_symbol)
            taken = market.apply((), as_of_ns=event.as_of_ns or as_of_ns)
        elif isinstance(event, Batch | Rewind | PrintsReplaced):
            if isinstance(event, PrintsReplaced):
                market.forget(event.symbols)
            taken = market.apply(event.quotes, as_of_ns=event.as_of_ns or as_of_ns)
            held += len(event.quotes)
    assert taken is not None, "a Rewind stands at the beginning"
    return taken, held


def as_of(history: History, text: str, now_ns: int, option: str = "--at") -> int:
    """The instant that ``option`` names; a session's date means after its close. Raises InputError."""
    try:
        at = parse(text)
        as_of_ns = after_close(at) if isinstance(at, date) else at
    except ValueError as error:
        raise InputError(f"{option}: {error}") from error
    if as_of_ns < EARLIEST_NS:
        raise InputError(f"{option}: {text} is before {from_ns(EARLIEST_NS):%Y}; name a later one")
    if as_of_ns > now_ns:
        raise InputError(
            f"{option}: {text} is in the future (it is {from_ns(now_ns):%Y-%m-%d %H:%M} UTC now)"
        )
    if isinstance(at, date) and history.symbols and history.on(at).is_empty():
        raise InputError(
            f"{option}: history has no close for {at}; it runs from {history.first} to {history.last()}"
        )
    return as_of_ns
