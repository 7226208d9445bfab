"""What P(cut) was: its change against a day, a week and a month ago, from our own log. Pure."""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rotation.fed.figures import FedPast
from rotation.sessions import NEW_YORK, from_ns, to_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.fed.inputs import PastCut

HISTORY_POINTS = 240
"""Of the panel's line."""
SLACK = {"1d": timedelta(days=4), "1w": timedelta(days=4), "1m": timedelta(days=7)}
"""How much older than its name a value may be: a long weekend, not a month in which nobody listened."""


def changes(past: Sequence[PastCut], cut: float | None, at_ns: int) -> dict[str, float | None]:
    """P(cut) at ``at_ns`` minus the newest logged one at least a day, a week, a month older.

    Calendar days on New York's clock: Tuesday's settlement is compared with Monday's. None where the log
    holds nothing of that time.
    """
    found: dict[str, float | None] = {}
    times = [one.ts_ns for one in past]
    now = from_ns(at_ns).astimezone(NEW_YORK)
    for word, then in (
        ("1d", now - timedelta(days=1)),
        ("1w", now - timedelta(days=7)),
        ("1m", _month_before(now)),
    ):
        at = bisect_right(times, to_ns(then)) - 1
        known = cut is not None and at >= 0 and times[at] >= to_ns(then - SLACK[word])
        found[word] = round(cut - past[at].cut, 9) if known and cut is not None else None
    return found


def _month_before(moment: datetime) -> datetime:
    """The same day of the month before, or that month's last."""
    year, month = (moment.year, moment.month - 1) if moment.month > 1 else (moment.year - 1, 12)
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def line(past: Sequence[PastCut], cut: float | None, at_ns: int, *, settled: bool) -> tuple[FedPast, ...]:
    """The history's line up to now: every settlement, and as many of the others as fit, evenly taken.

    ``settled``: what is known now is by settlements.
    """
    before = [one for one in past if one.ts_ns < at_ns]
    settles = [one for one in before if one.settled][-HISTORY_POINTS:]
    others = [one for one in before if not one.settled]
    room = HISTORY_POINTS - len(settles)
    if len(others) > room:
        step = len(others) / room if room else 1
        others = [others[int((i + 1) * step) - 1] for i in range(room)]
    kept = sorted([*settles, *others], key=lambda one: one.ts_ns)
    told = [FedPast(from_ns(one.ts_ns), one.cut, one.settled) for one in kept]
    return (*told, FedPast(from_ns(at_ns), cut, settled)) if cut is not None else tuple(told)
