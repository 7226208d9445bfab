"""What a desk begins with: history, tape, members, and who brings what to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.errors import NothingToShowError
from tui.compose import places
from tui.compose.desk.hub import source_of_hub
from tui.compose.desk.wishes import is_demo_next

if TYPE_CHECKING:
    from feeds.desk.change.cast import Cast
    from feeds.desk.live import Lineup
    from feeds.desk.opened.snapshots import Now
    from feeds.desk.opened.sources import Source
    from rotation.breadth.members import Membership
    from rotation.desk import Desk
    from tui.wanted import Wanted


def lineup(wanted: Wanted, source: Source, desk: Desk, cast: Cast) -> Lineup:
    """Who brings what to a desk of the present; nobody where the network is left alone.

    Raises InputError.
    """
    if wanted.offline or is_demo_next(wanted):
        return {}
    from feeds.desk import live  # noqa: PLC0415

    return live.lineup(
        desk,
        source.history,
        None if wanted.history else places.store(),
        choice=wanted.feed,
        data=places.folder(""),
        cache=places.cache(),
        members=source.members(),
        priced=priced(source, wanted),
        holdings=places.member_store(),
        universes=wanted.universes,
        shared=cast.shared,
    )


def membership_of(wanted: Wanted) -> tuple[Membership, ...]:
    """The funds' lists and the person's own universes. Raises InputError and StorageError."""
    from feeds.desk.members.membership import load_membership  # noqa: PLC0415
    from rotation.sessions import new_york_day  # noqa: PLC0415

    today = new_york_day(places.wall_ns())
    return load_membership(places.member_store(), places.store().folder, today, wanted.universes)


def source_of(wanted: Wanted, membership: tuple[Membership, ...] | None = None) -> Source:
    """History, and the tape to play on it. ``membership``: None: as ``membership_of`` has it."""
    from feeds.desk.opened import desk_legs, instants, sources  # noqa: PLC0415
    from rotation.history import History  # noqa: PLC0415 - brings polars

    if wanted.demo:
        return sources.demo()
    if wanted.hub_tape:
        return source_of_hub(wanted)
    membership = membership_of(wanted) if membership is None else membership
    source = sources.source(
        places.store(),
        history=wanted.history,
        tapes=wanted.tapes,
        now_ns=places.wall_ns(),
        own={
            *desk_legs.legs_of(wanted.pair, wanted.legs, wanted.pairs, wanted.benchmark),
            *wanted.value_growth,
            *(symbol for each in wanted.lists for symbol in each.symbols),
        },
        members={symbol for fund in membership for symbol in fund.symbols()},
        demo_instead=wanted.offline,
        reach_ns=instants.as_of(History.empty(), wanted.at, places.wall_ns(), wanted.at_option)
        if wanted.at
        else None,
    )
    if source.is_demo and not wanted.unasked_demo:
        raise NothingToShowError(
            "nothing to show: run rotation-tui history sync (or history import), or name a --tape"
        )
    if source.is_demo:
        return source
    return msgspec.structs.replace(source, membership=membership)


def asked(source: Source, desk: Desk, wanted: Wanted) -> Now | None:
    """What the live sources say; None where another time is shown, or without network."""
    if wanted.offline or source.tape is not None or wanted.at is not None:
        return None
    import asyncio  # noqa: PLC0415

    from feeds.desk import live  # noqa: PLC0415

    return asyncio.run(
        live.once(
            desk,
            choice=wanted.feed,
            data=places.folder(""),
            cache=places.cache(),
            limit_s=places.SNAPSHOT_WAITS_S,
            history=source.history,
            priced=priced(source, wanted),
        )
    )


def priced(source: Source, wanted: Wanted) -> frozenset[str]:
    """The members whose prices were asked for. Raises InputError where no file says who they are."""
    from rotation.sessions import new_york_day  # noqa: PLC0415

    return source.priced(new_york_day(places.wall_ns())) if wanted.ask_members else frozenset()
