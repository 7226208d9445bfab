"""How a running desk becomes another one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tui.compose.desk.wishes import desk_on, is_demo_next, is_viewer
from tui.desk import DeskError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feeds.alerts.watch import AlertWatch
    from feeds.desk.change.cast import Cast, Roles
    from feeds.desk.demo_fallback import DemoFallback
    from feeds.desk.opened.sources import Source
    from feeds.supervisor import Supervisor, Watched
    from feeds.tapes.player import TapeFeed
    from rotation.breadth.members import Membership
    from tui.wanted import Wanted


class Opened(NamedTuple):
    """A desk that can run, and what another one in its place is planned by."""

    supervisor: Supervisor
    tape: TapeFeed | None
    is_empty: bool
    """Whether this is a live desk without any history."""
    watch: AlertWatch
    cast: Cast | None = None
    """Of a desk of the present, its feeds; None of a tape."""
    source: Source | None = None
    """Of a tape, what is played."""


class Plan(NamedTuple):
    """What a running desk is to become."""

    wanted: Wanted
    watched: Watched
    roles: Roles
    """Its feeds; empty of a tape, which has the one that it has."""
    membership: tuple[Membership, ...] = ()
    is_demo_next: bool = False
    """Whether the demo is to be in front of it: its list of feeds has come to it, or nothing is stored."""


class Planner(Protocol):
    """See ``tui.compose.desk.replan.plan``."""

    def __call__(self, wanted: Wanted, *, plays_demo: bool) -> Plan:
        """What a running desk is to become."""
        ...


class DeskSwap:
    """How a running desk becomes another one; one change at a time, and the last one counts."""

    def __init__(self, wanted: Wanted, opened: Opened, plan: Planner, fallback: DemoFallback | None) -> None:
        """``plan``: what another wish amounts to; blocking, raises DeskError."""
        import asyncio  # noqa: PLC0415 - one snapshot need not wait for it

        self.wanted = wanted
        self._opened = opened
        self._plan = plan
        self._fallback = fallback
        self._turn = asyncio.Lock()
        self._work: asyncio.Task[tuple[str, ...]] | None = None

    async def to(self, wanted: Wanted) -> tuple[str, ...] | None:
        """Become this; see ``tui.desk.ReopeningDesk.reopen``. Raises DeskError."""
        import asyncio  # noqa: PLC0415

        if self._work is not None:
            self._work.cancel()
        work = self._work = asyncio.create_task(self._become(wanted), name="another desk")
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work])
            raise
        if work.cancelled():
            return None
        return work.result()

    async def _become(self, wanted: Wanted) -> tuple[str, ...]:
        import asyncio  # noqa: PLC0415

        async with self._turn:
            if self._fallback is None and is_demo_next(wanted):
                raise DeskError(
                    "no other feed has its key, and the demo waits for the next start", "feeds.feed"
                )
            if wanted.offline and not wanted.stays:
                raise DeskError("without the network this command would end", "feeds.offline")
            plays_demo = self._fallback is not None and self._fallback.controls is not None
            plan = await asyncio.to_thread(self._plan, wanted, plays_demo=plays_demo)
            with _other_closures(wanted):
                await self._exchange(plan)
            if self._fallback is not None:
                await self._fallback.watch(lambda history: desk_on(history, wanted))
            return self._lacking(plan)

    def _lacking(self, plan: Plan) -> tuple[str, ...]:
        """Symbols that were named and that the hub does not bring; a vendor's feed says that of each leg."""
        if not is_viewer(plan.wanted) or self._opened.cast is None:
            return ()
        from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415

        hubs = (feed for feed in plan.watched.feeds if isinstance(feed, HubFeed))
        return tuple(symbol for hub in hubs for symbol in hub.receiver.lacking)

    async def _exchange(self, plan: Plan) -> None:
        from feeds.desk.change.exchange import RefusedError, exchange  # noqa: PLC0415
        from feeds.desk.opened.supervision import attend  # noqa: PLC0415

        opened = self._opened

        def swapped() -> None:
            self.wanted = plan.wanted
            if opened.cast is not None:
                opened.cast.take(plan.roles)
                attend(opened.supervisor, plan.watched.feeds, plan.membership)
            if self._fallback is not None:
                allowed = plan.wanted.unasked_demo and opened.is_empty
                self._fallback.allow(is_allowed=allowed, is_next=plan.is_demo_next)

        try:
            await exchange(opened.supervisor, plan.watched, swapped=swapped)
        except RefusedError as error:
            setting = "feeds.nats" if is_viewer(plan.wanted) else "feeds.feed"
            raise DeskError(str(error), setting) from error
        if opened.tape is not None:
            opened.tape.seek(0.0)  # with the prints of legs that were none


@contextmanager
def _other_closures(wanted: Wanted) -> Iterator[None]:
    """Count other days as closures; those of before again where the desk does not become another one."""
    if wanted.closures is None:
        yield
        return
    from rotation.sessions import closures_added, set_closures  # noqa: PLC0415

    before = closures_added()
    set_closures(wanted.closures)
    try:
        yield
    except BaseException:
        set_closures(before)
        raise
