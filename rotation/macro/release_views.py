"""The publication of today, else the newest of each kind, minute by minute against the earlier ones. Pure."""

from __future__ import annotations

import datetime as dt
from statistics import median
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.macro.figures import Band, ReleasePath, ReleaseView
from rotation.macro.release_days import AFTER, LEAST_N
from rotation.sessions import NEW_YORK
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rotation.macro.figures import ReleaseKind
    from rotation.macro.release_days import Line, ReleaseDay

LATE = dt.timedelta(minutes=10)
"""A running path whose newest price is older has stopped."""
DIGITS = 4
"""Of a percentage point: less than a cent of either leg is seen in it."""
LOOKED_AT = 12
"""Earlier publications of a kind whose prices are looked for."""


def views_of(
    days: Sequence[ReleaseDay],
    published: Mapping[ReleaseKind, Sequence[dt.datetime]],
    pair: tuple[str, str],
    now: dt.datetime,
    errors: Mapping[dt.datetime, str] | None = None,
) -> tuple[ReleaseView, ...]:
    """Of each kind today's publication, else the newest, against the earlier days; none without any line.

    ``days``: those with a path, oldest first, none of after ``now``. ``published``: when each kind is
    published, oldest first. ``errors``: why prices of a publication are missing.
    """
    made = []
    for kind, times in published.items():
        at = _shown(times, now)
        own = [day for day in days if day.kind is kind]
        if at is None or not own:
            continue
        earlier = [day for day in own if day.at < at]
        looked_at = [each for each in times if each < at][-LOOKED_AT:]
        absent = [each for each in looked_at if not any(day.at == each and day.spread_pp for day in own)]
        known = errors or {}
        why = next((known[each] for each in (at, *reversed(absent)) if each in known), "")
        here = next((day for day in own if day.at == at), None)
        view = _view(kind, at, here, earlier, pair=pair, now=now, absent=len(absent), error=why)
        if view.spread.line or view.spread.n or view.cut.line or view.cut.n:
            made.append(view)
    return tuple(made)


def _shown(times: Sequence[dt.datetime], now: dt.datetime) -> dt.datetime | None:
    """Today's, to come or not, else the last one before ``now``."""
    today = now.astimezone(NEW_YORK).date()
    until = (each for each in times if each <= now or each.astimezone(NEW_YORK).date() == today)
    return max(until, default=None)


def _view(
    kind: ReleaseKind,
    at: dt.datetime,
    here: ReleaseDay | None,
    earlier: Sequence[ReleaseDay],
    *,
    pair: tuple[str, str],
    now: dt.datetime,
    absent: int,
    error: str,
) -> ReleaseView:
    with_prices = [day for day in earlier if day.spread_pp]
    known_to = here.known_to if here and here.spread_pp else None
    last = (known_to - at).total_seconds() / 60 if known_to else 0
    # A price is carried on for ten minutes; where newer ones may still come, that is no value yet.
    line = tuple(point for point in here.spread_pp if point[0] <= last) if here and known_to else ()
    known_to = known_to if line else None
    sources = [day.source for day in with_prices]
    return ReleaseView(
        kind=kind,
        at=at,
        base=pair[0],
        against=pair[1],
        spread=_path(line, [day.spread_pp for day in with_prices]),
        cut=_path(here.cut_pp if here else (), [day.cut_pp for day in earlier if day.cut_pp]),
        source=here.source if here and line else "",
        step_min=here.step_min if here and line else 0,
        known_to=known_to,
        worth=worth_of(at, known_to, now),
        sources={name: sources.count(name) for name in sorted({*sources})},
        absent=absent,
        error=error,
    )


def worth_of(at: dt.datetime, known_to: dt.datetime | None, now: dt.datetime) -> Kind:
    """What the prices of a line are worth that is known up to ``known_to``: see ReleaseView."""
    if known_to is None:
        return Kind.OFFLINE
    ends = at + dt.timedelta(minutes=AFTER)
    if min(now, ends) - known_to > LATE:
        return Kind.STALE
    return Kind.LIVE if now < ends else Kind.CLOSED


def runs(view: ReleaseView, now: dt.datetime) -> bool:
    """Whether minutes of it are still to come."""
    return now < view.at + dt.timedelta(minutes=AFTER)


def aged(view: ReleaseView, now: dt.datetime) -> ReleaseView:
    """The same a moment later: prices that no longer come are STALE."""
    kind = worth_of(view.at, view.known_to, now)
    return view if kind is view.worth or view.worth is Kind.DEMO else replace(view, worth=kind)


def _path(line: Line, earlier: Sequence[Line]) -> ReleasePath:
    by_minute: dict[int, list[float]] = {}
    for other in earlier:
        for minute, pp in other:
            by_minute.setdefault(minute, []).append(round(pp, DIGITS))
    band = tuple(
        Band(minute, len(values), min(values), round(median(values), DIGITS), max(values))
        for minute, values in sorted(by_minute.items())
        if len(values) >= LEAST_N
    )
    return ReleasePath(tuple((minute, round(pp, DIGITS)) for minute, pp in line), len(earlier), band)
