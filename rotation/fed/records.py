"""What the sources answered and what our history holds, each a frozen record; the inputs of both. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from rotation.fed.calibration import Calibration
from rotation.fed.inputs import FedInputs, OutcomeQuote, PastCut, Sourced, StripQuote
from rotation.fed.odds import TargetRange
from rotation.fed.past import rebased
from rotation.sessions import new_york_day
from rotation.status import LIVE, Mode
from rotation.text import day as day_text

if TYPE_CHECKING:
    from collections.abc import Iterable

WARNED_DAYS = 45
"""A change outside the calendar is worth a warning while its month, or the next, carries the next meeting."""


class SourcesRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the Fed's sources have answered so far; any part may be missing."""

    strip: tuple[StripQuote, ...] = ()
    outcomes: tuple[OutcomeQuote, ...] = ()
    scheduled: tuple[date, ...] = ()
    """Decision days of the published calendar."""
    calendar_warning: str = ""
    ranges: tuple[TargetRange, ...] = ()
    """Target ranges in order of time, as far back as the source goes; the last is the newest published."""
    range_day: date | None = None
    """The newest day for which a rate is published."""
    effr_pct: float | None = None
    states: dict[str, Sourced] = {}
    """By source: "Yahoo", "policy rate", "FOMC calendar", "Kalshi", "Polymarket"."""
    age_gap_s: float = 300.0
    strip_mode: Mode = LIVE


class HistoryRecord(msgspec.Struct, frozen=True):
    """What our own history holds for the current figures."""

    expired: tuple[StripQuote, ...] = ()
    """Contracts of months that are over, at their last settlement."""
    past: dict[date, tuple[PastCut, ...]] = {}
    """Meeting → P(cut) as it was logged, each row against the range of its own time."""
    error: str = ""
    """Why the history cannot be read or written; empty where it can."""
    calibration: Calibration = {}
    """How good the odds were before decisions that are held."""


def unscheduled(ranges: Iterable[TargetRange], scheduled: Iterable[date]) -> tuple[date, ...]:
    """Days of decisions outside the calendar: the last day of a range that no scheduled decision ended.

    A change shows in the published ranges alone: the old range up to ``last``, the new one from ``first`` on.
    The day before the new range counts as the decision, since the old rate holds until then.
    """
    days = tuple(scheduled)
    return tuple(
        new.first - timedelta(days=1)
        for old, new in pairwise(ranges)
        if not any(old.last <= day < new.first for day in days)
    )


def range_on(record: SourcesRecord, day: date) -> tuple[int, int] | None:
    """The target range that labels outcomes on a day; the old one still on the day of a decision.

    None where a decision lies between that day and the published ranges, before or after them.
    """
    if not record.ranges:
        return None
    begun = [known for known in record.ranges if known.first <= day]
    known = begun[-1] if begun else record.ranges[0]
    earliest, newest = known is record.ranges[0], known is record.ranges[-1]
    if earliest and any(day <= decision < known.first for decision in record.scheduled):
        return None
    if newest and any(known.last <= decision < day for decision in record.scheduled):
        return None
    return known.bounds


def combine(
    sources: SourcesRecord, history: HistoryRecord, now_ns: int, *, legacy: bool = False
) -> FedInputs:
    """The inputs of the figures from what the sources and our own history say, at one instant.

    ``legacy``: by the day count of before August 2024.
    """
    today = new_york_day(now_ns)
    extra = unscheduled(sources.ranges, sources.scheduled)
    dates = tuple(sorted({*sources.scheduled, *extra}))
    decided = max((day for day in dates if day < today), default=None)
    bounds = sources.ranges[-1].bounds if sources.ranges else None
    overdue = _overdue(sources, today)
    lower_bp = None if bounds is None or overdue is not None else bounds[0]
    warnings = (
        sources.calendar_warning,
        *(_unscheduled_text(day) for day in extra if today - day <= timedelta(days=WARNED_DAYS)),
        _overdue_text(sources, overdue),
        history.error,
    )
    return FedInputs(
        strip=sources.strip,
        expired=history.expired,
        fomc_dates=dates,
        target_range_bp=bounds,
        range_overdue=overdue is not None,
        effr_pct=sources.effr_pct,
        outcomes=sources.outcomes,
        sources=sources.states,
        past={meeting: rebased(rows, lower_bp, decided) for meeting, rows in history.past.items()},
        warnings=tuple(text for text in warnings if text),
        age_gap_s=sources.age_gap_s,
        strip_mode=sources.strip_mode,
        legacy=legacy,
        calibration=history.calibration,
    )


def _overdue(sources: SourcesRecord, today: date) -> date | None:
    """The last scheduled decision whose range is not published yet; None without one."""
    if sources.range_day is None:
        return None
    return max((day for day in sources.scheduled if sources.range_day <= day < today), default=None)


def _overdue_text(sources: SourcesRecord, overdue: date | None) -> str:
    """After a decision every label is off by the move, until the new range is published."""
    if overdue is None or sources.range_day is None:
        return ""
    return (
        f"target range as of {day_text(sources.range_day)}, before the decision of {day_text(overdue)} took "
        "effect: range labels may be off"
    )


def _unscheduled_text(day: date) -> str:
    return (
        f"unscheduled change of the target range after {day_text(day)}: "
        "its month is solved from the months on either side"
    )
