"""A desk to which a hub brings everything, and the tape that it has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import EventKind
from rotation.errors import InputError
from tui.compose import places
from tui.compose.desk.watching import watched
from tui.compose.desk.wishes import access_of, desk_on

if TYPE_CHECKING:
    from feeds.desk.live import Lineup
    from feeds.desk.opened.sources import Source
    from feeds.hub.broker.connection import Access
    from feeds.hub.broker.viewer import HubFeed
    from rotation.desk import Desk
    from rotation.figures.basis import Basis
    from rotation.history import History
    from tui.compose.desk.swap import Opened
    from tui.wanted import Wanted


def lineup_of_hub(access: Access, history: History, desk: Desk, wanted: Wanted) -> Lineup:
    """A hub brings all of a desk; what it lets in are the symbols that the desk has at its start."""
    from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415

    symbols, named = tuple(sorted({*history.symbols, *desk.legs})), frozenset(wanted.named())
    return {("hub", access, symbols, named): lambda: [HubFeed(access, named=named)]}


def of_hub(wanted: Wanted) -> tuple[Opened, HubFeed]:
    """A desk to which a hub brings everything, its history too. Raises InputError."""
    from feeds.desk.change.cast import Cast, feeds_of  # noqa: PLC0415
    from feeds.desk.opened import sources, supervision  # noqa: PLC0415
    from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415
    from feeds.hub.viewing import look  # noqa: PLC0415
    from rotation.market.status import Provenance  # noqa: PLC0415

    access = access_of(wanted)
    known = look(access)
    source = sources.Source(known.history, None, Provenance(), membership=known.membership)
    desk = desk_on(source.history, wanted)
    cast = Cast()
    roles = cast.plan(lineup_of_hub(access, known.history, desk, wanted))
    (feed,) = feeds_of(roles)
    assert isinstance(feed, HubFeed)
    opened = supervision.supervise(
        source, desk, start=None, speed=1.0, stays=wanted.stays, now_ns=places.wall_ns(), live=[feed]
    )
    cast.take(roles)
    made = watched(wanted, desk, *opened, is_empty=False, cast=cast)
    feed.on_lacking = lambda lacking: made.watch.note(
        EventKind.CONFIG, "hub", f"the hub does not bring {', '.join(lacking)}"
    )
    return made, feed


def basis_of_hub(wanted: Wanted) -> Basis:
    """The first snapshot that is whole of what a hub brings; blocking. Raises InputError."""
    import asyncio  # noqa: PLC0415

    from feeds.hub.viewing import first_snapshot  # noqa: PLC0415
    from rotation.context.wants import MADE  # noqa: PLC0415
    from rotation.figures.basis import Basis  # noqa: PLC0415

    opened, feed = of_hub(msgspec.structs.replace(wanted, stays=False))
    opened.supervisor.want(MADE)
    taken = asyncio.run(first_snapshot(opened.supervisor, feed, places.SNAPSHOT_WAITS_S))
    return Basis(taken, opened.supervisor.history, desk_on(opened.supervisor.history, wanted), None)


def source_of_hub(wanted: Wanted) -> Source:
    """A day of the tape that a hub's server has, on the hub's history. Raises InputError."""
    from feeds.desk.opened import sources  # noqa: PLC0415
    from feeds.hub.tape_replaying import read_day  # noqa: PLC0415
    from feeds.hub.viewing import look  # noqa: PLC0415
    from rotation.market.status import Provenance  # noqa: PLC0415
    from rotation.status import REPLAY  # noqa: PLC0415

    if wanted.offline:
        raise InputError("the tape of a hub is on its NATS server: leave out --offline, or name a file")
    access = access_of(wanted)
    day, tape = read_day(access, wanted.hub_day)
    origin = Provenance(REPLAY, f"the hub's tape of {day}")
    if wanted.history is not None:
        named = sources.source(places.store(), history=wanted.history, tapes=(), now_ns=places.wall_ns())
        return msgspec.structs.replace(named, tape=tape, origin=origin)
    known = look(access)
    return sources.Source(known.history, tape, origin, membership=known.membership)
