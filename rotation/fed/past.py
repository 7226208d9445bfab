"""What P(cut) was: its change since the session, the week and the month before, from our own log. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from rotation.fed.figures import FedPast
from rotation.fed.odds import lower_bound
from rotation.moves import SLACK, month_earlier
from rotation.sessions import from_ns, new_york_day, previous_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.fed.inputs import PastCut

HISTORY_POINTS = 240
"""Points of the panel's line."""


def rebased(past: Sequence[PastCut], lower_bp: int | None, decided: date | None) -> tuple[PastCut, ...]:
    """The same rows against today's target range, so that a decision by itself changes nothing.

    ``lower_bp``: lower bound of today's range in bp, None where it is not known. ``decided``: day of the last
    decision held, None where there was none. A row logged up to that day is P(below the range of then): it
    becomes P(below today's) by its stored outcomes, or is left out where they or the range are not known.
    """
    if decided is None:
        return tuple(past)
    kept: list[PastCut] = []
    for row in past:
        if new_york_day(row.ts_ns) > decided:
            kept.append(row)
        elif lower_bp is not None and row.outcomes:
            cut = sum((p for name, p in row.outcomes.items() if lower_bound(name) < lower_bp), 0.0)
            kept.append(msgspec.structs.replace(row, cut=round(min(cut, 1.0), 9)))
    return tuple(kept)


def changes(past: Sequence[PastCut], cut: float | None, at_ns: int) -> dict[str, float | None]:
    """P(cut) at ``at_ns`` minus P(cut) by the settlement of the session, the week and the month before.

    Days are New York's. What was logged while trading went on does not count, so that a Tuesday is always
    compared with Monday's settlement. None where that settlement is not known.
    """
    today = new_york_day(at_ns)
    settles = {new_york_day(row.ts_ns): row.cut for row in past if row.settled}
    before = {
        "1d": previous_session(today),
        "1w": today - timedelta(days=7),
        "1m": month_earlier(today),
    }
    changed: dict[str, float | None] = {}
    for word, then in before.items():
        # For a day's change only the session before counts.
        first = then - SLACK.get(word, timedelta(0))
        newest = max((day for day in settles if first <= day <= then), default=None)
        changed[word] = None if cut is None or newest is None else round(cut - settles[newest], 9)
    return changed


def line(past: Sequence[PastCut], cut: float | None, at_ns: int, *, settled: bool) -> tuple[FedPast, ...]:
    """The history's line up to now: every settlement, and as many of the others as fit, evenly taken.

    ``settled``: True where what is known now is by settlements.
    """
    before = [row for row in past if row.ts_ns < at_ns]
    settles = [row for row in before if row.settled][-HISTORY_POINTS:]
    others = [row for row in before if not row.settled]
    room = HISTORY_POINTS - len(settles)
    if len(others) > room:
        step = len(others) / room if room else 1
        others = [others[int((i + 1) * step) - 1] for i in range(room)]
    kept = sorted([*settles, *others], key=lambda row: row.ts_ns)
    points = tuple(FedPast(from_ns(row.ts_ns), row.cut, row.settled) for row in kept)
    return points if cut is None else (*points, FedPast(from_ns(at_ns), cut, settled))
