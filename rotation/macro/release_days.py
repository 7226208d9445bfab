"""Minute paths around publications: of the spread by prices, of P(cut) by our log; one day against others.

Pure. A path is measured from the last value before the publication; no value of after a minute enters it.
P(cut) has the times of our log, so it lags by the delay of the vendor of the futures.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from rotation.macro.figures import ReleaseKind, ReleaseView
from rotation.quote import MINUTE_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BEFORE, AFTER = 30, 120
"""Minutes shown before and after."""
MARKS = (5, 30, 60, 120)
"""Minutes after at which days are compared."""
OLDEST_NS = 10 * MINUTE_NS
"""A price that is older than this is not the value of a minute; so is a row unless the log was running."""
QUIET_NS = 30 * MINUTE_NS
"""A log whose rows around a minute are further apart may not have run in it."""
LEAST_N = 5
"""Earlier days below which no median is given."""

Line = tuple[tuple[int, float], ...]
"""(minute after the publication, change since just before it), oldest first."""


class ReleaseDay(msgspec.Struct, frozen=True):
    """What happened around one publication; both lines in percentage points, empty where nothing is kept."""

    kind: ReleaseKind
    at: dt.datetime
    spread_pp: Line
    """Base return minus against return since the last prices before it."""
    cut_pp: Line
    """Change of P(cut at the next meeting), futures."""
    source: str = ""
    """Whose prices the spread is made of: "tape", or a vendor; empty without any."""
    step_min: int = 0
    """Minutes of one of the vendor's bars; 0 of a tape."""
    known_to: dt.datetime | None = None
    """The newest price of the leg whose newest is older; None without any."""


class Compared(msgspec.Struct, frozen=True):
    """The newest day of a kind at one minute, and those before it."""

    value_pp: float
    n: int
    """Earlier days that have that minute."""
    median_pp: float | None
    """None with fewer than five."""
    share_higher: float | None
    """Share of the earlier days that stood higher; None with fewer than five."""


class ReleaseDays(msgspec.Struct, frozen=True):
    """``rotation-tui macro releases --format json`` is this."""

    as_of: dt.datetime
    base: str
    against: str
    days: tuple[ReleaseDay, ...]
    """Those with a path, oldest first."""
    newest: dict[str, dict[str, dict[str, Compared]]]
    """Kind → "spread" or "cut" → minutes after → the newest day against the earlier ones."""
    views: tuple[ReleaseView, ...] = ()
    """Of each kind the publication of today, else the newest: minute by minute against the earlier ones."""


class Values:
    """One series in order of time."""

    def __init__(self, times_ns: Sequence[int], values: Sequence[float]) -> None:
        self._times, self._values = times_ns, values

    def at(self, ns: int) -> float | None:
        """The last value at or before an instant; None where that is too old."""
        return self._value(bisect_right(self._times, ns) - 1, ns)

    def last_ns(self, ns: int) -> int | None:
        """When the last value at or before an instant was made; None where there is none."""
        place = bisect_right(self._times, ns) - 1
        return self._times[place] if place >= 0 else None

    def before(self, ns: int) -> float | None:
        """The same, strictly before it; a bar that ends at that instant is before it."""
        place = bisect_left(self._times, ns)
        ends = place < len(self._times) and self._times[place] == ns
        return self._value(place if ends else place - 1, ns)

    def _value(self, place: int, ns: int) -> float | None:
        return self._values[place] if place >= 0 and ns - self._times[place] <= OLDEST_NS else None


class Logged(Values):
    """What a log wrote of one day: it writes only changes, so the last one holds for as long as it ran."""

    def __init__(self, times_ns: Sequence[int], values: Sequence[float], ran_ns: Sequence[int]) -> None:
        """``ran_ns``: when it wrote a live row of that engine, in order of time, of other meetings too."""
        super().__init__(times_ns, values)
        self._ran = ran_ns

    def _value(self, place: int, ns: int) -> float | None:
        fresh = super()._value(place, ns)
        if fresh is not None or place < 0:
            return fresh
        after = bisect_left(self._ran, ns)
        ran = 0 < after < len(self._ran) and self._ran[after] - self._ran[after - 1] <= QUIET_NS
        return self._values[place] if ran else None


def spread_path(base: Values, against: Values, at_ns: int, until_ns: int, step_min: int = 0) -> Line:
    """Of the spread; empty where a leg has no price just before. ``until_ns``: no minute after it counts.

    ``step_min``: minutes of the coarser leg's bars; 0 of prints. Of longer bars only those minutes count at
    which one of each leg has ended: in between a leg's last close would be set against a newer price.
    """
    start = base.before(at_ns), against.before(at_ns)
    if start[0] is None or start[1] is None:
        return ()
    line = []
    for minute in _minutes(at_ns, until_ns):
        ns = at_ns + minute * MINUTE_NS
        if step_min > 1 and not base.last_ns(ns) == against.last_ns(ns) == ns:
            continue
        now = base.at(ns), against.at(ns)
        if now[0] is not None and now[1] is not None:
            line.append((minute, round(100 * (now[0] / start[0] - now[1] / start[1]), 6)))
    return tuple(line)


def cut_path(cuts: Values, at_ns: int, until_ns: int) -> Line:
    """Of P(cut), a share; empty where none was logged just before."""
    start = cuts.before(at_ns)
    if start is None:
        return ()
    values = ((minute, cuts.at(at_ns + minute * MINUTE_NS)) for minute in _minutes(at_ns, until_ns))
    return tuple((minute, round(100 * (cut - start), 6)) for minute, cut in values if cut is not None)


def _minutes(at_ns: int, until_ns: int) -> Iterable[int]:
    return range(-BEFORE, min(AFTER, (until_ns - at_ns) // MINUTE_NS) + 1)


def compared(days: Sequence[ReleaseDay]) -> dict[str, dict[str, dict[str, Compared]]]:
    """The newest day of each kind against the earlier ones. ``days``: oldest first."""
    made: dict[str, dict[str, dict[str, Compared]]] = {}
    for kind in ReleaseKind:
        own = [day for day in days if day.kind is kind]
        for name, lines in (
            ("spread", [dict(day.spread_pp) for day in own]),
            ("cut", [dict(day.cut_pp) for day in own]),
        ):
            known = [line for line in lines if line]
            marks = _marks(known[-1], known[:-1]) if known else {}
            if marks:
                made.setdefault(kind.value, {})[name] = marks
    return made


def _marks(newest: dict[int, float], earlier: Sequence[dict[int, float]]) -> dict[str, Compared]:
    made = {}
    for minute in MARKS:
        if minute not in newest:
            continue
        value, others = newest[minute], [line[minute] for line in earlier if minute in line]
        is_enough = len(others) >= LEAST_N
        made[str(minute)] = Compared(
            value_pp=value,
            n=len(others),
            median_pp=median(others) if is_enough else None,
            share_higher=sum(other > value for other in others) / len(others) if is_enough else None,
        )
    return made
