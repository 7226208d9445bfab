"""CME's FedWatch chain: from ZQ prices to the expected move of every coming FOMC meeting.

Rates are in percent, months are (year, month), a move ``x`` counts steps of 25 bp (a cut is negative).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.fed.strip.contracts import Month

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["ok", "degraded", "unsolved"]

STEP_PCT = 0.25
LEAST_DAYS_AFTER = 8
"""Fewer days of a month after its decision multiply a price's error by more than four: not solved forward."""
SNAP = 1e-9
"""A move this close to a whole number is that number: rounding must not split a certain outcome."""

_Rate = tuple[float, int]
"""A rate in percent, and the contracts it rests on: bit i for the i-th month since ``base``."""


class StripCase(msgspec.Struct, frozen=True):
    """All that the chain needs, on one day."""

    watch_date: date
    """The meeting of this very day still counts as coming."""
    target_range_bp: tuple[int, int]
    """Lower and upper bound of the current range; it labels outcomes and enters no arithmetic."""
    fomc_dates: tuple[date, ...]
    """Decision days, past ones too: a month whose meeting was held stays a meeting month."""
    prices: dict[Month, float]
    """Contract month → price; an expired month without a meeting at its last daily settlement."""


class MeetingMove(msgspec.Struct, frozen=True):
    """What the strip says of one meeting. Figures are None where the state is unsolved."""

    date: date
    start_pct: float | None
    """Rate before the decision."""
    end_pct: float | None
    """Rate after it."""
    implied_pct: float | None
    """100 - price of the month's own contract; None where it has no price."""
    move_bp: float | None
    x: float | None
    """The move in steps of 25 bp."""
    state: State
    """degraded: filled forward, from the month's own contract and the meeting before."""
    contracts: tuple[Month, ...]
    """The contracts that the move rests on."""


class Chain(msgspec.Struct, frozen=True):
    """The coming meetings in order; nothing is solved from ``stopped_at`` on."""

    meetings: tuple[MeetingMove, ...]
    stopped_at: date | None

    @property
    def solved(self) -> tuple[MeetingMove, ...]:
        """The meetings up to the one where the chain stopped."""
        return tuple(meeting for meeting in self.meetings if meeting.x is not None)

    @property
    def moves(self) -> tuple[float, ...]:
        """Steps of 25 bp of the solved meetings."""
        return tuple(meeting.x for meeting in self.meetings if meeting.x is not None)


def index(month: Month) -> int:
    """Months since the year 0, so that neighbours differ by one."""
    return month[0] * 12 + month[1] - 1


def month_of(month_index: int) -> Month:
    """The inverse of ``index``."""
    return month_index // 12, month_index % 12 + 1


def day_count(decision: date, *, legacy: bool = False) -> tuple[int, int]:
    """(N, M): days of the month at the old rate and at the new.

    The decision day carries the old rate; ``legacy`` (before about August 2024) gives it the new one.
    """
    days = monthrange(decision.year, decision.month)[1]
    before = decision.day - 1 if legacy else decision.day
    return before, days - before


def is_anchor(month_index: int, meeting_months: Mapping[int, date]) -> bool:
    """True for a month known to have no meeting, within the published horizon.

    The calendar is published by years: the month after the last known meeting is known to be free of one,
    unless it begins a year of which no date is known.
    """
    last = max(meeting_months, default=-1)
    return month_index not in meeting_months and month_index <= last + 1 and month_index // 12 <= last // 12


def solve(case: StripCase, *, legacy: bool = False) -> Chain:
    """The chain of the "Conditional" view: anchors, backward through adjacent meetings, forward last.

    Computes whatever it is given; ``strip_check`` says whether a strip makes sense. Source: CME Group,
    FedWatch Tool methodology, with the day count recovered from CME's exports of 2024 and 2026.
    """
    held = {index((day.year, day.month)): day for day in sorted(case.fomc_dates)}
    rates = {index(month): 100 - price for month, price in case.prices.items()}
    base = min(rates, default=0)
    start, end = _anchored(held, rates, base)
    order = sorted(held)
    _backward(order, held, rates, base, (start, end), legacy=legacy)
    degraded = _forward(order, held, rates, base, (start, end), legacy=legacy)

    meetings: list[MeetingMove] = []
    stopped_at: date | None = None
    for i in order:
        day = held[i]
        if day < case.watch_date:
            continue
        if stopped_at is None and not (i in start and i in end):
            stopped_at = day
        if stopped_at is not None:
            meetings.append(MeetingMove(day, None, None, rates.get(i), None, None, "unsolved", ()))
            continue
        (before, left), (after, right) = start[i], end[i]
        x = (after - before) / STEP_PCT
        x = float(round(x)) if isfinite(x) and abs(x - round(x)) < SNAP else x
        state: State = "degraded" if i in degraded else "ok"
        contracts = _contracts(left | right, base)
        meetings.append(MeetingMove(day, before, after, rates.get(i), 25 * x, x, state, contracts))
    return Chain(tuple(meetings), stopped_at)


def _anchored(
    held: dict[int, date], rates: dict[int, float], base: int
) -> tuple[dict[int, _Rate], dict[int, _Rate]]:
    """Start and end rates that a neighbouring month without a meeting gives."""
    start: dict[int, _Rate] = {}
    end: dict[int, _Rate] = {}
    for i in held:
        for side, neighbour in ((start, i - 1), (end, i + 1)):
            if neighbour in rates and is_anchor(neighbour, held):
                side[i] = rates[neighbour], 1 << (neighbour - base)
    return start, end


def _backward(
    order: list[int],
    held: dict[int, date],
    rates: dict[int, float],
    base: int,
    known: tuple[dict[int, _Rate], dict[int, _Rate]],
    *,
    legacy: bool,
) -> None:
    start, end = known
    for i in reversed(order):
        if i not in end and i + 1 in start:
            end[i] = start[i + 1]
        if i in start or i not in rates:
            continue
        before, after = day_count(held[i], legacy=legacy)
        if not after:  # decided on the last day: the whole month is the old rate, whatever follows
            start[i] = rates[i], 1 << (i - base)
        elif before and i in end:
            rate, basis = end[i]
            start[i] = ((before + after) * rates[i] - after * rate) / before, basis | 1 << (i - base)


def _forward(
    order: list[int],
    held: dict[int, date],
    rates: dict[int, float],
    base: int,
    known: tuple[dict[int, _Rate], dict[int, _Rate]],
    *,
    legacy: bool,
) -> set[int]:
    """Fill what is still missing; the months that needed it."""
    start, end = known
    filled: set[int] = set()
    for i in order:
        if i not in start and i - 1 in end:
            start[i] = end[i - 1]
            filled.add(i)
        if i in end or i not in start or i not in rates:
            continue
        before, after = day_count(held[i], legacy=legacy)
        if after >= LEAST_DAYS_AFTER:
            rate, basis = start[i] if before else (0.0, 0)
            end[i] = ((before + after) * rates[i] - before * rate) / after, basis | 1 << (i - base)
            filled.add(i)
    return filled


def _contracts(basis: int, base: int) -> tuple[Month, ...]:
    return tuple(month_of(base + bit) for bit in range(basis.bit_length()) if basis >> bit & 1)
