"""Desks opened for the screen, for a recording and for a hub."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rotation.desk import EventKind
from rotation.errors import InputError
from tui.compose import fed, macro, places
from tui.compose.desk.desks import HubTapeDesk, LocalDesk, LocalFallbackDesk, LocalRecordingDesk
from tui.compose.desk.hub import of_hub
from tui.compose.desk.replan import plan
from tui.compose.desk.source import lineup, source_of
from tui.compose.desk.swap import DeskSwap, Opened
from tui.compose.desk.watching import watched
from tui.compose.desk.wishes import access_of, desk_on, is_demo_next, is_viewer, why_demo, with_network

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from feeds.supervisor import Supervisor
    from feeds.tapes.player import TapeFeed
    from tui.wanted import Wanted


def open_desk(wanted: Wanted) -> LocalDesk:
    """Open what was asked for; blocking. Raises InputError."""
    opened = supervised(wanted, may_stand_behind=wanted.stays and wanted.at is None)
    planned = partial(plan, opened)
    is_next = is_demo_next(wanted) or (wanted.offline and opened.is_empty)
    may_play = wanted.unasked_demo or opened.is_empty or is_next
    if opened.tape is not None or not wanted.stays or not may_play:
        change = DeskSwap(wanted, opened, planned, None)
        return LocalDesk(opened.supervisor, opened.tape, opened.watch, change)
    from feeds.desk.demo_fallback import DemoFallback  # noqa: PLC0415

    def make_demo() -> tuple[Supervisor, TapeFeed | None]:
        made = supervised(msgspec.structs.replace(desk.wanted, demo=True, at=None))
        made.watch.number_with(opened.watch)
        desk.add_demo(made.watch)
        if why := why_demo(desk.wanted):
            made.watch.note(EventKind.CONFIG, "feeds", f"{why}: the demo is next in the list of feeds")
        return made.supervisor, made.tape

    fallback = DemoFallback(
        opened.supervisor,
        make_demo,
        is_allowed=wanted.unasked_demo and opened.is_empty,
        is_next=is_next,
    )
    change = DeskSwap(wanted, opened, planned, fallback)
    desk = LocalFallbackDesk(fallback, opened.watch, change)
    return desk


def record(wanted: Wanted, path: Path, report: Callable[[str], None]) -> LocalRecordingDesk | HubTapeDesk:
    """Open what was asked for, with a recorder to this path; blocking. Raises InputError."""
    if is_viewer(wanted):
        from feeds.hub.tape_following import TapeFollower  # noqa: PLC0415

        return HubTapeDesk(TapeFollower(access_of(wanted), path, report, from_start=wanted.from_start))
    from feeds.tapes.recorder import Recorder  # noqa: PLC0415

    recorder = Recorder(path)
    opened = supervised(wanted)
    return LocalRecordingDesk(opened.supervisor, opened.tape, opened.watch, recorder)


def supervised(wanted: Wanted, *, may_stand_behind: bool = False) -> Opened:
    """Open what was asked for, with its alerts; blocking. Raises InputError.

    ``may_stand_behind``: without the network and with nothing stored a desk of the present is made, before
    which the demo is put; else the demo itself.
    """
    from feeds.desk.opened import instants, supervision  # noqa: PLC0415

    if is_viewer(wanted):
        return of_hub(wanted)[0]
    if wanted.at is not None:
        instants.start_ns(wanted.at)  # bad input is told first, whatever there is to show
    source = source_of(wanted)
    stands_behind = may_stand_behind and source.is_demo and not wanted.demo
    if stands_behind:
        source = source_of(with_network(wanted))
    desk = desk_on(source.history, wanted)
    supervise = partial(
        supervision.supervise,
        start=wanted.at,
        speed=wanted.speed,
        stays=wanted.stays,
        now_ns=places.wall_ns(),
        fed_then=fed.of_tape(source),
        macro_then=macro.then(source, wanted.pair),
    )
    if source.tape is not None:
        played = supervise(source, desk)
        return watched(wanted, desk, *played, is_empty=False, source=source)
    from feeds.desk.change.cast import Cast, feeds_of  # noqa: PLC0415

    cast = Cast()
    roles = cast.plan(lineup(wanted, source, desk, cast))
    cast.take(roles)
    opened = supervise(source, desk, live=feeds_of(roles))
    is_empty = (stands_behind or not wanted.offline) and not source.history.symbols
    return watched(wanted, desk, *opened, is_empty=is_empty, cast=cast)


def hub(
    wanted: Wanted,
    *,
    replicas: int,
    tape_days: float,
    tape_mb: int,
    report: Callable[[str], None],
) -> Coroutine[None, None, None]:
    """Return what publishes the vendors' data to ``wanted.nats`` until cancelled. Raises InputError."""
    from feeds.hub.broker.serve import Hub  # noqa: PLC0415
    from feeds.hub.broker.tape_stream import Limits  # noqa: PLC0415

    if wanted.feed == "nats":
        raise InputError("a hub reads the vendors itself: choose another --feed than nats")
    if wanted.offline:
        raise InputError("a hub reads the vendors: leave out --offline")

    def make() -> tuple[Supervisor, tuple[str, ...]]:
        supervisor = supervised(wanted).supervisor
        return supervisor, supervisor.legs

    tape = Limits(tape_days, tape_mb * 2**20) if tape_days else None
    return Hub(access_of(wanted), make, report, replicas=replicas, tape=tape).run()
