"""What an alert looks at in one moment: figures and what they are worth, live or of settled history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.figures.figure import Figure, Value
from rotation.figures.legs import is_official
from rotation.sessions import NEW_YORK, Phase, close_ns, from_ns, previous_session
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from rotation.alerts.rule import Plain
    from rotation.fed.figures import Fed
    from rotation.figures.settled import SettledFigures
    from rotation.snapshot import Snapshot

Qualifier = Literal["", "settled", "provisional"]


class Observed(msgspec.Struct, frozen=True):
    """One figure in one moment."""

    value: Value
    kind: Kind | None
    """What it is worth; None where a price is missing."""
    session: dt.date
    """The session that it belongs to."""
    settled: bool
    """It rests on official closes of that session, and they are the latest there can be."""


class Reading(msgspec.Struct, frozen=True):
    """All that one step of an alert needs."""

    at: dt.datetime
    session: dt.date
    phase: Phase
    observed: Mapping[str, Observed]


class Terms:
    """A reading under the terms of one rule: a figure that is not good enough is unknown."""

    def __init__(
        self, reading: Reading, kinds: Collection[Kind], before: Mapping[str, Plain], *, any_hour: bool
    ) -> None:
        """``kinds``: what today's figures must be worth. ``before``: last known values by id, as JSON."""
        self._reading = reading
        self._kinds = kinds
        self._before = before
        self._open = any_hour or reading.phase == "REGULAR"

    def value(self, figure: Figure, qualifier: Qualifier) -> Value:
        """The figure's value; None while it is unknown, or may not fire this alert."""
        observed = self._reading.observed[figure.id]
        if qualifier and observed.settled is not (qualifier == "settled"):
            return None
        if observed.settled:
            return observed.value
        is_good = figure.kind == "state" or observed.kind in self._kinds
        return observed.value if self._open and is_good else None

    def before(self, figure: Figure) -> Plain:
        """The last value that was known of a figure; None where none was. As JSON has it."""
        return self._before.get(figure.id)


def of_snapshot(snapshot: Snapshot, figures: Iterable[Figure]) -> Reading:
    """These figures of a Snapshot."""
    session = snapshot.session or snapshot.as_of.astimezone(NEW_YORK).date()
    observed = {figure.id: _observed(snapshot, figure, session) for figure in figures}
    return Reading(snapshot.as_of, session, snapshot.phase, observed)


def _observed(snapshot: Snapshot, figure: Figure, session: dt.date) -> Observed:
    status = figure.status(snapshot)
    kind = status.kind if status else None
    official = bool(figure.symbols) and all(is_official(snapshot, symbol) for symbol in figure.symbols)
    if figure.reads == "settled":
        if figure.id.startswith("value_growth"):
            session = snapshot.value_growth.session if snapshot.value_growth else session
        elif not official:
            session = previous_session(session)
        official = True
    is_whole = official or figure.reads in ("fed", "macro", "members")
    settled = kind is Kind.CLOSED and is_whole and figure.kind != "state"
    return Observed(figure.read(snapshot), kind, session, settled)


def of_history(
    settled: SettledFigures,
    figures: Iterable[Figure],
    since: dt.date,
    until: dt.date | None,
    fed_then: Callable[[dt.date], Fed | None] | None = None,
) -> Iterator[Reading]:
    """These figures at the official close of every session from ``since`` through ``until``, in order.

    ``fed_then``: what was known of the Fed then; None where nobody keeps it, and its figures are unknown.
    """
    figures = list(figures)
    columns = {figure.id: settled.column(figure) for figure in figures}
    of_fed = {figure.id: figure.of_fed for figure in figures if figure.of_fed is not None}
    for row, session in enumerate(settled.sessions):
        if session < since or (until is not None and session > until):
            continue
        observed = {
            name: Observed(column[row], Kind.CLOSED, session, settled=True)
            for name, column in columns.items()
        }
        known = fed_then(session) if of_fed and fed_then is not None else None
        if known is not None:
            for name, read in of_fed.items():
                observed[name] = Observed(read(known), Kind.CLOSED, session, settled=True)
        yield Reading(from_ns(close_ns(session)), session, "REGULAR", observed)
