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
    from collections.abc import Iterable, Iterator, Mapping

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
    legacy: bool = False
    """Days are counted as CME did before about August 2024 (``day_count``)."""


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


def months_held(fomc_dates: Iterable[date]) -> dict[int, tuple[date, ...]]:
    """Month index → its decision days in order; two where a decision outside the calendar joined another."""
    held: dict[int, tuple[date, ...]] = {}
    for day in sorted(set(fomc_dates)):
        i = index((day.year, day.month))
        held[i] = (*held.get(i, ()), day)
    return held


def is_anchor(month_index: int, held: Mapping[int, object]) -> bool:
    """True for a month known to have no meeting, within the published horizon.

    ``held``: month index → anything, for every month with a decision. The calendar is published by years: the
    month after the last known meeting is known to be free of one, unless it begins a year of which no date is
    known. A month before the first known meeting is taken to be free; ``checks.check`` flags one that counts.
    """
    last = max(held, default=-1)
    return month_index not in held and month_index <= last + 1 and month_index // 12 <= last // 12


class _Rates(msgspec.Struct):
    """The rates before and after each meeting month's decisions, as far as they have been worked out."""

    held: dict[int, tuple[date, ...]]
    """Month index → its decision days."""
    rates: dict[int, float]
    """Month index → the average rate its contract implies, in percent."""
    base: int
    legacy: bool
    start: dict[int, _Rate] = {}
    end: dict[int, _Rate] = {}
    degraded: set[int] = set()

    def own(self, i: int) -> int:
        """The bit of the month's own contract."""
        return 1 << (i - self.base)


def solve(case: StripCase, *, legacy: bool = False) -> Chain:
    """The chain of the "Conditional" view: anchors, backward through adjacent meetings, forward last.

    A month with two decisions is solved from its own contract where the months on both sides give the rate
    before the first and after the second. Computes whatever it is given; ``rotation.fed.strip.checks`` says
    whether a strip makes sense. Source: CME Group, FedWatch Tool methodology, with the day count recovered
    from CME's exports of 2024 and 2026.
    """
    rates = {index(month): 100 - price for month, price in case.prices.items()}
    known = _Rates(months_held(case.fomc_dates), rates, min(rates, default=0), legacy or case.legacy)
    _anchored(known)
    _backward(known)
    _forward(known)

    meetings: list[MeetingMove] = []
    stopped_at: date | None = None
    for i in sorted(known.held):
        for day, start, end in _steps(known, i):
            if day < case.watch_date:
                continue
            if stopped_at is None and (start is None or end is None):
                stopped_at = day
            if stopped_at is not None or start is None or end is None:
                meetings.append(MeetingMove(day, None, None, rates.get(i), None, None, "unsolved", ()))
                continue
            (before, left), (after, right) = start, end
            x = (after - before) / STEP_PCT
            x = float(round(x)) if isfinite(x) and abs(x - round(x)) < SNAP else x
            state: State = "degraded" if i in known.degraded else "ok"
            contracts = _contracts(left | right, known.base)
            meetings.append(MeetingMove(day, before, after, rates.get(i), 25 * x, x, state, contracts))
    return Chain(tuple(meetings), stopped_at)


def _steps(known: _Rates, i: int) -> Iterator[tuple[date, _Rate | None, _Rate | None]]:
    """Every decision of a month with the rates before and after it."""
    days = known.held[i]
    start, end = known.start.get(i), known.end.get(i)
    if len(days) == 1:
        yield days[0], start, end
        return
    between = _between(known, i, start, end) if len(days) == 2 else None
    inner = [between] * (len(days) - 1)
    yield from zip(days, [start, *inner], [*inner, end], strict=True)


def _between(known: _Rates, i: int, start: _Rate | None, end: _Rate | None) -> _Rate | None:
    """The rate between two decisions of one month: what its average leaves, given the rates around it."""
    if start is None or end is None or i not in known.rates:
        return None
    first, second = (day_count(day, legacy=known.legacy) for day in known.held[i])
    inside = second[0] - first[0]
    whole = (first[0] + first[1]) * known.rates[i]
    rate = (whole - first[0] * start[0] - second[1] * end[0]) / inside
    return rate, start[1] | end[1] | known.own(i)


def _anchored(known: _Rates) -> None:
    """Start and end rates that a neighbouring month without a meeting gives."""
    for i in known.held:
        for side, neighbour in ((known.start, i - 1), (known.end, i + 1)):
            if neighbour in known.rates and is_anchor(neighbour, known.held):
                side[i] = known.rates[neighbour], known.own(neighbour)


def _backward(known: _Rates) -> None:
    start, end = known.start, known.end
    for i in sorted(known.held, reverse=True):
        if i not in end and i + 1 in start:
            end[i] = start[i + 1]
        elif i not in end and _begins_well(known, i + 2) and i + 1 not in known.rates:
            # The month between has no decision: its rate is the one with which the next meeting month begins.
            end[i] = start[i + 2]
        if i in start or i not in known.rates or len(known.held[i]) > 1:
            continue
        before, after = day_count(known.held[i][0], legacy=known.legacy)
        if not after:  # decided on the last day: the whole month is the old rate, whatever follows
            start[i] = known.rates[i], known.own(i)
        elif before and i in end:
            rate, basis = end[i]
            average = known.rates[i]
            start[i] = ((before + after) * average - after * rate) / before, basis | known.own(i)


def _begins_well(known: _Rates, i: int) -> bool:
    """Whether the rate before a month's decision rests on days enough, and the month before has none."""
    if i not in known.start or not is_anchor(i - 1, known.held):
        return False
    return day_count(known.held[i][0], legacy=known.legacy)[0] >= LEAST_DAYS_AFTER


def _forward(known: _Rates) -> None:
    """Fill what is still missing, and mark the months that needed it."""
    start, end = known.start, known.end
    for i in sorted(known.held):
        if i not in start and i - 1 in end:
            start[i] = end[i - 1]
            known.degraded.add(i)
        if i in end or i not in start or i not in known.rates or len(known.held[i]) > 1:
            continue
        before, after = day_count(known.held[i][0], legacy=known.legacy)
        if after >= LEAST_DAYS_AFTER:
            rate, basis = start[i] if before else (0.0, 0)
            average = known.rates[i]
            end[i] = ((before + after) * average - before * rate) / after, basis | known.own(i)
            known.degraded.add(i)


def _contracts(basis: int, base: int) -> tuple[Month, ...]:
    return tuple(month_of(base + bit) for bit in range(basis.bit_length()) if basis >> bit & 1)
