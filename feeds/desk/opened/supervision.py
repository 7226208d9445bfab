"""A market under its supervisor, and who of its feeds is told what."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from feeds.desk.opened.instants import start_ns
from feeds.desk.opened.sources import Source, market_of
from feeds.supervisor import Supervisor
from rotation.status import REPLAY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from feeds.events import Feed
    from feeds.tapes.player import TapeFeed
    from rotation.breadth.members import Membership
    from rotation.desk import Desk
    from rotation.fed.figures import Fed
    from rotation.history import History
    from rotation.macro.figures import Macro

log = logging.getLogger(__name__)


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
    market = market_of(wanted, desk, began_ns)
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
    market = market_of(wanted, desk, now_ns)
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
