"""The demo's minutes around publications: random walks that jump at the release, the same on every run."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from msgspec.structs import replace

from feeds.macro.release_days import published
from rotation.macro.figures import ReleaseKind
from rotation.macro.release_days import AFTER, BEFORE, ReleaseDay
from rotation.macro.release_views import LOOKED_AT, views_of
from rotation.sessions import from_ns
from rotation.status import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from rotation.macro.figures import ReleaseView

PAIR = ("IWM", "QQQ")
SOURCE = "demo"
JUMPS = {ReleaseKind.CPI: (0.5, 8.0), ReleaseKind.JOBS: (0.4, 6.0), ReleaseKind.FOMC: (0.3, 4.0)}
"""Kind → typical size of what the spread, and P(cut), do at once, in pp."""
CALM, BUSY = 0.02, 0.06
"""What the spread does in a minute before and after it, in pp."""


def demo_release_days(now_ns: int) -> tuple[ReleaseView, ...]:
    """What the demo has of them at this instant of its tape."""
    now = from_ns(now_ns)
    times = published()
    days = [
        _day(kind, at)
        for kind, all_ in times.items()
        for at in [each for each in all_ if each + timedelta(minutes=AFTER) <= now][-LOOKED_AT - 1 :]
    ]
    days.sort(key=lambda each: each.at)
    return tuple(
        replace(each, worth=Kind.DEMO) for each in views_of(days, times, PAIR, now) if each.spread.line
    )


@cache
def _day(kind: ReleaseKind, at: datetime) -> ReleaseDay:
    random = Random(f"{kind} {at:%Y-%m-%d}")  # noqa: S311 - a picture, not a secret
    spread, cut = (_line(random, size) for size in JUMPS[kind])
    return ReleaseDay(kind, at, spread, cut, SOURCE, 1, at + timedelta(minutes=AFTER))


def _line(random: Random, jump: float) -> tuple[tuple[int, float], ...]:
    """A walk that is 0 at the publication."""
    unit = jump / 0.5
    before, value = [], 0.0
    for minute in range(-1, -BEFORE - 1, -1):
        value -= random.gauss(0.0, CALM * unit)
        before.append((minute, round(value, 4)))
    after, value = [(0, 0.0)], random.gauss(0.0, jump)
    for minute in range(1, AFTER + 1):
        after.append((minute, round(value, 4)))
        value += random.gauss(0.0, BUSY * unit)
    return (*reversed(before), *after)
