"""Figures as of one instant, and what follows from them: snapshot, settled figures, contributions, alerts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rotation.errors import NothingToShowError
from tui.compose import fed, macro, places
from tui.compose.desk.hub import basis_of_hub
from tui.compose.desk.source import asked, source_of
from tui.compose.desk.wishes import desk_on, is_viewer

if TYPE_CHECKING:
    from rotation.alerts.rule import AlertState, Fired, Rule
    from rotation.breadth.figures import ContributionsReport
    from rotation.desk import Desk
    from rotation.figures.basis import Basis
    from rotation.history import History
    from rotation.snapshot import Snapshot
    from tui.wanted import Wanted


def alerts_on_tape(wanted: Wanted, rules: tuple[Rule, ...]) -> tuple[list[Fired], Desk]:
    """Return the calls that these alerts make on the tapes, and the desk; blocking. Raises InputError."""
    from feeds.desk import alert_replay  # noqa: PLC0415

    source = source_of(wanted)
    desk = desk_on(source.history, wanted)
    fed_then = fed.of_tape(source)
    return [call.fired for call in alert_replay.calls_on(source, desk, rules, fed_then)], desk


def remembered_alerts() -> tuple[dict[str, AlertState], tuple[Fired, ...]]:
    """Return what alerts remember, by name, and their newest calls. Raises UnavailableError."""
    kept = places.alert_file().peek()
    return kept.states, kept.calls


def snapshot(wanted: Wanted) -> Snapshot:
    """Return the snapshot at ``wanted.at``; blocking. Raises InputError."""
    rests_on = basis(wanted)
    if not wanted.story and not wanted.lines:
        return rests_on.snapshot
    from rotation.context.wants import Part  # noqa: PLC0415
    from rotation.story.parts import Parts, all_of, with_parts  # noqa: PLC0415

    parts = [Part.STORY] * wanted.story + [Part.LINE, Part.LEGS] * wanted.lines
    maker = Parts()
    made = {want: maker.make(want, rests_on) for want in all_of(parts, rests_on.snapshot)}
    known = {want: each for want, each in made.items() if each is not None}
    return with_parts(rests_on.snapshot, known)


def settled(wanted: Wanted) -> tuple[History, Desk]:
    """Return the settled history and the desk on it; blocking. Raises InputError."""
    source = source_of(msgspec.structs.replace(wanted, offline=True))
    return source.history, desk_on(source.history, wanted)


def basis(wanted: Wanted) -> Basis:
    """Return the snapshot at ``wanted.at`` and what it rests on; blocking. Raises InputError."""
    from feeds.desk.opened import instants, snapshots  # noqa: PLC0415
    from rotation.figures.basis import Basis  # noqa: PLC0415
    from rotation.history import History  # noqa: PLC0415 - brings polars

    if is_viewer(wanted):
        return basis_of_hub(wanted)
    if wanted.at is not None:
        instants.as_of(History.empty(), wanted.at, places.wall_ns(), wanted.at_option)  # as in supervised
    source = source_of(wanted)
    desk = desk_on(source.history, wanted)
    now = asked(source, desk, wanted)
    if source.tape is None and not source.history.symbols and not (now and now.quotes):
        if wanted.unasked_demo:
            return basis(msgspec.structs.replace(wanted, demo=True))
        raise NothingToShowError(
            "nothing to show: no daily closes are stored and no source of quotes answered"
        )
    taken = snapshots.snapshot_at(
        source,
        desk,
        at=wanted.at,
        now_ns=places.wall_ns(),
        now=now,
        option=wanted.at_option,
        past_fed=fed.past,
        past_macro=partial(macro.past, pair=wanted.pair),
    )
    if source.tape is not None or wanted.at is not None:
        return Basis(taken, source.history, desk, fed.cut_then(wanted))
    from feeds.supervisor import clock_health  # noqa: PLC0415

    health = msgspec.structs.replace(taken.health, feeds=(*taken.health.feeds, *clock_health()))
    with_clock = msgspec.structs.replace(taken, health=health)
    return Basis(with_clock, source.history, desk, fed.cut_then(wanted))


def contributions(fund: str, wanted: Wanted) -> ContributionsReport:
    """Return who makes a fund's move in the session at ``wanted.at``. Raises InputError."""
    from feeds.desk import contributed  # noqa: PLC0415
    from feeds.desk.opened import snapshots  # noqa: PLC0415
    from rotation.context.wants import Part, wants  # noqa: PLC0415

    source = source_of(wanted)
    desk = desk_on(source.history, wanted)
    market, taken = snapshots.market_at(
        source,
        desk,
        at=wanted.at,
        now_ns=places.wall_ns(),
        now=asked(source, desk, wanted),
        asked=wants(Part.BREADTH),
    )
    indices = {each.fund: each.index for each in wanted.universes}
    return contributed.report(source, fund, market, taken, indices=indices)
