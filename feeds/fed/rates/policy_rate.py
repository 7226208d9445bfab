"""The policy rate and its target range, whichever source gave them: New York Fed first, then FRED."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from feeds.http.fetched import Fetched, dated
from rotation.fed.odds import TargetRange
from rotation.sessions import NEW_YORK, to_ns
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FRESH_S = 6 * 3600.0
"""Both sources publish once a day."""
DATA_FRESH_S = 5 * 86_400.0
"""A long weekend lies between two figures, and the day they are for ends before they are published."""
RATE_MAX_BP = 3_000.0


class PolicyRate(msgspec.Struct, frozen=True):
    """The published rate of one day; None for what the source does not give."""

    date: date
    effr_bp: float | None
    """Effective federal funds rate, basis points."""
    lower_bp: float | None
    upper_bp: float | None
    """Target range, basis points; both or neither."""
    source: str
    ranges: tuple[TargetRange, ...] = ()
    """Target ranges up to this day in order of time, as far back as the answer reaches."""


def rate_bp(percent: float | None) -> float | None:
    """Per cent to basis points, to a hundredth; None beyond any rate there ever was."""
    if percent is None or abs(percent) * 100 > RATE_MAX_BP:
        return None
    return round(percent * 100, 2)


def target_range_bp(lower: float | None, upper: float | None) -> tuple[float, float] | tuple[None, None]:
    """The range from per cents; neither bound if one is unknown or they are reversed."""
    low, high = rate_bp(lower), rate_bp(upper)
    return (None, None) if low is None or high is None or low >= high else (low, high)


def target_ranges(days: Iterable[tuple[date, float | None, float | None]]) -> tuple[TargetRange, ...]:
    """(day, lower bp, upper bp) as published → runs of days with the same range, oldest first."""
    runs: list[TargetRange] = []
    for day, lower_bp, upper_bp in sorted(days, key=lambda row: row[0]):
        if lower_bp is None or upper_bp is None:
            continue
        bounds = round(lower_bp), round(upper_bp)
        if runs and runs[-1].bounds == bounds:
            runs[-1] = msgspec.structs.replace(runs[-1], last=day)
        else:
            runs.append(TargetRange(day, day, *bounds))
    return tuple(runs)


def published(fetched: Fetched[list[PolicyRate]], now_ns: int) -> Fetched[PolicyRate]:
    """The newest day of an answer; STALE when that day is long past."""
    if not fetched.value:
        return Fetched(None, None, None, None, Kind.OFFLINE, fetched.error)
    newest = max(fetched.value, key=lambda rate: rate.date)
    ranges = target_ranges((rate.date, rate.lower_bp, rate.upper_bp) for rate in fetched.value)
    newest = msgspec.structs.replace(newest, ranges=newest.ranges or ranges)
    midnight = datetime.combine(newest.date + timedelta(days=1), datetime.min.time(), NEW_YORK)
    latest: Fetched[PolicyRate] = Fetched(
        newest, fetched.fetched_at_ns, fetched.changed_at_ns, fetched.age_s, fetched.kind, fetched.error
    )
    return dated(latest, to_ns(midnight), now_ns=now_ns, fresh_s=DATA_FRESH_S)


class RateSource(Protocol):
    """What gives a PolicyRate."""

    name: str

    async def refresh(self) -> Fetched[PolicyRate]:
        """Ask; never raises for what the source does."""
        ...


class PolicyRates:
    """Sources in order of preference: the first that is live and whole, else the newest there is."""

    name = "policy rate"

    def __init__(self, sources: Sequence[RateSource]) -> None:
        self._sources = tuple(sources)

    async def refresh(self, after: date | None = None) -> Fetched[PolicyRate]:
        """Ask until one source is live and knows the range; errors of those before it are kept.

        ``after``: the last decision held. On its own day the old range still holds, so a range of that day or
        before is not enough: one source publishes the new one a day or two after another.
        """
        errors: list[str] = []
        answers: list[Fetched[PolicyRate]] = []
        for source in self._sources:
            got = await source.refresh()
            if got.error or got.value is None:
                errors.append(f"{source.name}: {got.error or got.state}")
            if got.value is None:
                continue
            answers.append(got)
            if all(_worth(got, after)[:3]):
                break
        if not answers:
            return Fetched(None, None, None, None, Kind.OFFLINE, "; ".join(errors))
        best = max(answers, key=lambda got: _worth(got, after))
        return msgspec.structs.replace(best, error="; ".join(errors))


def _worth(fetched: Fetched[PolicyRate], after: date | None) -> tuple[bool, bool, bool, date]:
    """How good an answer is: knows the range, is of a day after the decision, is live, and of which day."""
    rate = fetched.value
    assert rate is not None
    since = after is None or rate.date > after
    return rate.upper_bp is not None, since, fetched.kind is Kind.LIVE, rate.date
