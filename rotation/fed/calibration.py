"""How good the odds were: what was said before decisions that are held by now, scored by Brier. Pure.

A forecast is P(cut at one meeting) as it was known at the end of the day, New York, 1, 7 or 30 days before
its decision; it came true where the target range was lowered. A Brier score is the mean of (P - outcome)
squared (Brier, Verification of forecasts expressed in terms of probability, 1950): 0 is perfect, 0.25 is what
a steady one half gets.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.sessions import NEW_YORK, to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rotation.fed.odds import TargetRange

HORIZONS = (1, 7, 30)
"""Days before the decision."""
LEAST_N = 10
"""With fewer decisions a score says more about luck than about odds."""
OLDEST = dt.timedelta(days=4)
"""A forecast that was older than this by then is none, unless rows of other meetings show that somebody was
looking: only changes are logged."""
EFFECTIVE = dt.timedelta(days=6)
"""A new range is published for a day at most so long after its decision."""
By = Literal["log", "settlements"]
"""A row that our log wrote live, or odds by settlements: a row that the log made of them, perhaps later for a
day offline, or computed now from those stored."""


class Absent(StrEnum):
    """Why a decision has no forecast of an engine so many days before."""

    NOT_LOGGED = "nothing was logged by then"
    OLD = "what was logged by then was over four days old"
    NO_SETTLEMENT = "nothing was logged by then, and no settlement of the meeting's contracts is stored"
    RANGE_CHANGED = "the target range changed in between"


class Forecast(msgspec.Struct, frozen=True):
    """P(cut) of one meeting by one engine, so many days before its decision."""

    engine: str
    days: int
    cut: float
    at: dt.datetime
    """When it was known."""
    by: By


class Decided(msgspec.Struct, frozen=True):
    """A decision that has been held, and what was said before it."""

    date: dt.date
    move_bp: int
    """Of the target range; a cut is negative."""
    forecasts: tuple[Forecast, ...] = ()
    absent: dict[str, dict[str, Absent]] = {}
    """Engine → days before → why there is no forecast."""

    @property
    def is_cut(self) -> bool:
        """Whether the range was lowered."""
        return self.move_bp < 0


class Score(msgspec.Struct, frozen=True):
    """How good the forecasts of one engine were, so many days before; below 10 only the counts are known."""

    n: int
    """Decisions with a forecast."""
    by_settlements: int
    """Of them those by settlements; the others are live rows of our log."""
    brier: float | None
    mean_cut: float | None
    """Mean of the forecasts, a share of 1."""
    share_cut: float | None
    """Share of the decisions that were cuts."""


Calibration = dict[str, dict[str, Score]]
"""Engine → days before the decision ("1", "7", "30") → score; without those that have no forecast."""


class CalibrationReport(msgspec.Struct, frozen=True):
    """``rotation-tui fed calibration --format json`` is this."""

    as_of: dt.datetime
    least_n: int
    """No score is given with fewer decisions."""
    scores: Calibration
    decisions: tuple[Decided, ...]
    """Those held before the day of ``as_of`` whose outcome is known, oldest first."""
    left_out: int = 0
    """Others of which odds were logged: their outcome is not shipped, and no row of the log shows it."""
    absent: dict[str, dict[str, dict[Absent, int]]] = {}
    """Engine → days before → why decisions have no forecast → how many of ``decisions``."""


def asked_ns(meeting: dt.date, days: int) -> int:
    """The instant whose forecast counts, UTC ns: the last of the day so many days before the decision."""
    after = meeting - dt.timedelta(days=days - 1)
    return to_ns(dt.datetime(after.year, after.month, after.day, tzinfo=NEW_YORK)) - 1


def move_bp(meeting: dt.date, ranges: Sequence[TargetRange]) -> int | None:
    """What a decision did, by the ranges published for its day and for the next one that has any.

    ``ranges``: oldest first. None where either is not known.
    """
    old = next((each for each in ranges if each.first <= meeting <= each.last), None)
    new = next((each for each in ranges if each.last > meeting), None)
    if old is None or new is None or new.first > meeting + EFFECTIVE:
        return None
    return new.lower_bp - old.lower_bp


def scores(decided: Iterable[Decided], today: dt.date) -> Calibration:
    """The scores of every engine by the decisions held before ``today``, New York."""
    pairs: dict[tuple[str, int], list[tuple[Forecast, bool]]] = {}
    for each in decided:
        if each.date < today:
            for forecast in each.forecasts:
                pairs.setdefault((forecast.engine, forecast.days), []).append((forecast, each.is_cut))
    made: Calibration = {}
    for (engine, days), known in sorted(pairs.items()):
        made.setdefault(engine, {})[str(days)] = _score(known)
    return made


def absences(decided: Iterable[Decided], today: dt.date) -> dict[str, dict[str, dict[Absent, int]]]:
    """Why the decisions held before ``today``, New York, have no forecast, counted: see CalibrationReport."""
    counts: Counter[tuple[str, str, Absent]] = Counter()
    for each in decided:
        if each.date < today:
            counts.update(
                (engine, days, why) for engine, by in each.absent.items() for days, why in by.items()
            )
    made: dict[str, dict[str, dict[Absent, int]]] = {}
    for (engine, days, why), n in sorted(counts.items()):
        made.setdefault(engine, {}).setdefault(days, {})[why] = n
    return made


def _score(known: Sequence[tuple[Forecast, bool]]) -> Score:
    n = len(known)
    by_settlements = sum(forecast.by == "settlements" for forecast, _ in known)
    if n < LEAST_N:
        return Score(n, by_settlements, None, None, None)
    return Score(
        n=n,
        by_settlements=by_settlements,
        brier=sum((forecast.cut - is_cut) ** 2 for forecast, is_cut in known) / n,
        mean_cut=sum(forecast.cut for forecast, _ in known) / n,
        share_cut=sum(is_cut for _, is_cut in known) / n,
    )
