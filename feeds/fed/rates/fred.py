"""FRED's CSV graphs: target range and effective rate, the second source of both. Keyless.

The range changes there the day after the decision.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from feeds.clock import wall_ns
from feeds.errors import SourceError
from feeds.fed.rates.policy_rate import (
    FRESH_S,
    PolicyRate,
    published,
    rate_bp,
    target_range_bp,
    target_ranges,
)
from feeds.http.fetched import Fetched
from feeds.parsing.wire import address, number
from rotation.sessions import new_york_day
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.http.cached import CachedClient
    from rotation.fed.odds import TargetRange

HOME = "https://fred.stlouisfed.org"
PATH = "/graph/fredgraph.csv"
UPPER, LOWER, EFFECTIVE = "DFEDTARU", "DFEDTARL", "DFF"
DAYS = 120
"""How far back to ask: past ranges label past settlements, and show unscheduled decisions."""
ROWS_MAX = 50_000
_DATE_HEADS = ("observation_date", "DATE")


class Observation(msgspec.Struct, frozen=True):
    """One day of one series; per cent, None where FRED has a dot."""

    series: str
    date: date
    percent: float | None


def parse(data: bytes) -> list[Observation]:
    """All observations, in order of date. Raises SourceError if this is not such a CSV or it is empty."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeError, csv.Error) as error:
        raise SourceError("FRED: not valid CSV") from error
    if not rows or len(rows[0]) < 2 or rows[0][0] not in _DATE_HEADS:
        raise SourceError("FRED: unexpected CSV columns")
    names = [name.strip() for name in rows[0][1:]]
    if not all(name.isascii() and name.isalnum() and len(name) <= 40 for name in names):
        raise SourceError("FRED: unexpected CSV columns")
    observations = [
        Observation(name, day, number(cell.strip()))
        for row in rows[1:][-ROWS_MAX:]
        if len(row) == len(rows[0]) and (day := _day(row[0])) is not None
        for name, cell in zip(names, row[1:], strict=True)
    ]
    if not any(observation.percent is not None for observation in observations):
        raise SourceError("FRED: no figure in the answer")
    return sorted(observations, key=lambda observation: observation.date)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def policy_rates(observations: list[Observation]) -> list[PolicyRate]:
    """Series joined by day, for the newest day of each: the range runs a day or two ahead of DFF."""
    newest: dict[str, Observation] = {}
    for observation in sorted(observations, key=lambda observation: observation.date):
        if observation.percent is not None:
            newest[observation.series] = observation
    lower, upper = newest.get(LOWER), newest.get(UPPER)
    effective = newest.get(EFFECTIVE)
    low_bp, high_bp = (
        target_range_bp(lower.percent, upper.percent)
        if lower and upper and lower.date == upper.date
        else (None, None)
    )
    effr_bp = rate_bp(effective.percent) if effective else None
    if effr_bp is None and high_bp is None:
        return []
    day = upper.date if upper and high_bp is not None else effective.date if effective else None
    if day is None:
        return []
    return [PolicyRate(day, effr_bp, low_bp, high_bp, "FRED", _ranges(observations))]


def _ranges(observations: list[Observation]) -> tuple[TargetRange, ...]:
    """Both series joined by day, as runs."""
    lower, upper = (
        {point.date: point.percent for point in observations if point.series == series}
        for series in (LOWER, UPPER)
    )
    return target_ranges(
        (day, *target_range_bp(lower[day], upper[day])) for day in lower.keys() & upper.keys()
    )


class Fred:
    """``ROTATION_TUI_FRED_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "FRED"

    def __init__(self, http: CachedClient, *, clock_ns: Callable[[], int] = wall_ns) -> None:
        self._http = http
        self._clock_ns = clock_ns
        self._url = address("FRED", "REST", HOME) + PATH

    async def series(self, name: str) -> Fetched[list[Observation]]:
        """The last month of one series."""
        today = new_york_day(self._clock_ns())
        params = {"id": name, "cosd": str(today - timedelta(days=DAYS)), "coed": str(today)}
        return await self._http.get(
            self._url,
            parse=parse,
            params=params,
            passing=("cosd", "coed"),
            expect="csv",
            fresh_s=FRESH_S,
        )

    async def refresh(self) -> Fetched[PolicyRate]:
        """Ask for the three series, one after the other; never raises for what the source does."""
        got = [await self.series(name) for name in (UPPER, LOWER, EFFECTIVE)]
        errors = "; ".join(sorted({answer.error for answer in got if answer.error}))
        held = [answer for answer in got if answer.value is not None]
        rates = policy_rates([observation for answer in held for observation in answer.value or ()])
        if not rates:
            return Fetched(None, None, None, None, Kind.OFFLINE, errors or "no figure in the answers")
        oldest = max(held, key=lambda answer: answer.age_s or 0.0)
        joined = Fetched(rates, oldest.fetched_at_ns, oldest.changed_at_ns, oldest.age_s, oldest.kind, errors)
        return published(joined, self._clock_ns())
