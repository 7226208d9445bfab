"""A second engine for diagnosis: one rate path fitted to the whole strip, residuals and disagreement in bp.

The chain is exact in a few contracts and blind to the rest; the fit uses every contract and shows which of
them do not belong together. A wrong contract between two anchors stands out by its own residual. A wrong
anchor does not: the steps on its two sides absorb it, and the residual shows on the meeting month beside it.
"""

from __future__ import annotations

from datetime import date
from math import fsum, sqrt
from typing import TYPE_CHECKING

import msgspec

from rotation.fed.strip.chain import day_count, index, month_of, solve
from rotation.fed.strip.contracts import Month

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.fed.strip.chain import StripCase

HUBER_BP = 0.5
"""One tick: residuals beyond it lose weight (Huber, 1964, Robust Estimation of a Location Parameter)."""
ROUNDS = 50
SETTLED_BP = 1e-9
MOST_RATE_PCT = 1e6
"""No strip has such a rate, and sums of its square may be infinite."""
PIVOT = 1e-9


class StripFit(msgspec.Struct, frozen=True):
    """The path that comes closest to every contract."""

    first_rate_pct: float
    """Before the first meeting of the strip."""
    step_bp: dict[date, float]
    """Decision day → fitted move, held meetings of the strip too."""
    residual_bp: dict[Month, float]
    """Contract → its rate minus the fitted month average."""
    rms_bp: float
    """Root of the squared residuals' sum over the spare contracts; 0 where none is spare."""
    spare: int
    """Contracts beyond the number of unknowns; with 0 every residual is 0 and says nothing."""
    disagreement_bp: dict[date, float]
    """Coming meeting → fitted move minus the chain's, where both have one."""


def fit(
    case: StripCase, *, weights: Mapping[Month, float] | None = None, legacy: bool = False
) -> StripFit | None:
    """Least squares with Huber weights, iterated; None where the strip does not determine a path.

    ``weights``: contract → weight above 0, 1 where absent (volume, say). Months after the last known
    meeting's next are left out: what is decided there is unknown.
    """
    legacy = legacy or case.legacy
    days = sorted(set(case.fomc_dates))
    last = max(map(_month_index, days), default=0) + 1
    months = sorted(i for i in map(index, case.prices) if i <= last)
    if not months:
        return None
    inside = [day for day in days if _within(day, months, legacy=legacy)]
    shares = [[1.0, *(_share(i, day, legacy=legacy) for day in inside)] for i in months]
    rates = [100 - case.prices[month_of(i)] for i in months]
    if max(map(abs, rates)) > MOST_RATE_PCT:
        return None
    given = [(weights or {}).get(month_of(i), 1.0) for i in months]
    solution = _huber(shares, rates, given)
    if solution is None:
        return None
    residuals = [100 * r for r in _residuals(shares, rates, solution)]
    steps = {day: 100 * step for day, step in zip(inside, solution[1:], strict=True)}
    chain = {row.date: row.move_bp for row in solve(case, legacy=legacy).solved if row.move_bp is not None}
    spare = len(months) - len(solution)
    return StripFit(
        first_rate_pct=solution[0],
        step_bp=steps,
        residual_bp={month_of(i): r for i, r in zip(months, residuals, strict=True)},
        rms_bp=sqrt(fsum(r * r for r in residuals) / spare) if spare else 0.0,
        spare=spare,
        disagreement_bp={day: steps[day] - move for day, move in chain.items() if day in steps},
    )


def _month_index(day: date) -> int:
    return index((day.year, day.month))


def _within(decision: date, months: list[int], *, legacy: bool) -> bool:
    """True where some day is priced before the decision and some after it: its step is determined."""
    before, after = day_count(decision, legacy=legacy)
    first, last = months[0] + (not before), months[-1] - (not after)
    return first <= _month_index(decision) <= last


def _share(month: int, decision: date, *, legacy: bool) -> float:
    """The share of a month that carries the step of a decision."""
    meeting = _month_index(decision)
    if month != meeting:
        return float(month > meeting)
    before, after = day_count(decision, legacy=legacy)
    return after / (before + after)


def _residuals(shares: list[list[float]], rates: list[float], solution: list[float]) -> list[float]:
    return [
        rate - fsum(share * part for share, part in zip(row, solution, strict=True))
        for row, rate in zip(shares, rates, strict=True)
    ]


def _huber(shares: list[list[float]], rates: list[float], given: list[float]) -> list[float] | None:
    """Iteratively reweighted least squares, from the plain solution."""
    weights, solution = given, _least_squares(shares, rates, given)
    for _ in range(ROUNDS):
        if solution is None:
            return None
        sizes = [100 * abs(r) for r in _residuals(shares, rates, solution)]
        if max(sizes) <= HUBER_BP and weights is given:
            break
        weights = [w * min(1.0, HUBER_BP / s) if s else w for w, s in zip(given, sizes, strict=True)]
        before, solution = solution, _least_squares(shares, rates, weights)
        if solution and 100 * max(abs(a - b) for a, b in zip(solution, before, strict=True)) < SETTLED_BP:
            break
    return solution


def _least_squares(shares: list[list[float]], rates: list[float], weights: list[float]) -> list[float] | None:
    """The normal equations by elimination with pivots; None where they are singular."""
    n = len(shares[0])
    table = [[0.0] * (n + 1) for _ in range(n)]
    for row, rate, weight in zip(shares, rates, weights, strict=True):
        for i in range(n):
            part = weight * row[i]
            if not part:
                continue
            line = table[i]
            for j in range(n):
                line[j] += part * row[j]
            line[n] += part * rate
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(table[k][i]))
        if abs(table[pivot][i]) < PIVOT:
            return None
        table[i], table[pivot] = table[pivot], table[i]
        for k in range(i + 1, n):
            ratio = table[k][i] / table[i][i]
            if ratio:
                table[k] = [a - ratio * b for a, b in zip(table[k], table[i], strict=True)]
    solution = [0.0] * n
    for i in reversed(range(n)):
        rest = fsum(table[i][j] * solution[j] for j in range(i + 1, n))
        solution[i] = (table[i][n] - rest) / table[i][i]
    return solution
