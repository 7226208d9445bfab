"""Whether a strip makes sense: every refusal is a StripError that names the contract and says what to do."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from rotation.fed.strip.chain import index, is_anchor, month_of, months_held
from rotation.fed.strip.contracts import name
from rotation.fed.strip.errors import (
    CalendarError,
    ImplausibleMoveError,
    MixedTimesError,
    PriceError,
    UnsolvedError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from rotation.fed.strip.chain import Chain, StripCase
    from rotation.fed.strip.contracts import Month

LOWEST_PRICE = 90.0
NEGATIVE_RATE = 100.0
MOST_STEPS = 4.0
"""A meeting priced to move by more than 100 bp is a wrong price, not a forecast."""
MOST_DECISIONS = 2
"""Decisions of one month that its own price can separate, when the months on both sides are known."""


def check(case: StripCase) -> tuple[str, ...]:
    """Refuse a strip that cannot be right; returns what is left to flag, one line each.

    Raises CalendarError for a range that is reversed or not 25 bp wide, for no coming meeting and for more
    than two decisions in one month; PriceError for no price at all and for a price that cannot be one.
    """
    _check_range(case.target_range_bp)
    _check_meetings(case)
    if not case.prices:
        raise PriceError(
            'no contract has a price; fill "prices" with month and price, as in "2026-09": 96.36'
        )
    prices = [flag for month in sorted(case.prices) if (flag := check_price(month, case.prices[month]))]
    return (*prices, *_unseen_past(case))


def check_price(month: Month, price: float) -> str:
    """A flag, or "". Raises PriceError for NaN, infinity and prices below 90."""
    if not isfinite(price):
        raise PriceError(
            f"{name(month)}: price {price} is not a number; give its last settlement or leave it out",
            contracts=(month,),
        )
    if price < LOWEST_PRICE:
        raise PriceError(
            f"{name(month)}: price {price:g} is below 90 (a rate above 10 %); check symbol and scale",
            contracts=(month,),
        )
    if price > NEGATIVE_RATE:
        return f"{name(month)}: price {price:g} is above 100, a negative rate"
    return ""


def check_chain(case: StripCase, chain: Chain) -> None:
    """Refuse what the chain shows to be wrong.

    Raises UnsolvedError where the next meeting has no solution (names the missing contracts), and
    ImplausibleMoveError where a meeting moves by more than 100 bp (names the contracts it rests on). A chain
    that stops later is an answer, with its mark.
    """
    if chain.meetings and chain.meetings[0].x is None:
        raise _unsolved(case, chain.meetings[0].date)
    for meeting in chain.solved:
        if meeting.x is not None and abs(meeting.x) > MOST_STEPS:
            raise ImplausibleMoveError(
                f"{_joined(meeting.contracts)} put the decision of {meeting.date} at "
                f"{meeting.move_bp:+.0f} bp, beyond ±100; check these prices",
                contracts=meeting.contracts,
            )


def check_ages(chain: Chain, ages_s: Mapping[Month, float], limit_s: float) -> None:
    """Refuse prices of different times in one calculation.

    ``ages_s``: contract → seconds since its price was made; leave out settlements, which do not age. Raises
    MixedTimesError where the contracts that one meeting rests on differ by more than ``limit_s``.
    """
    for meeting in chain.solved:
        aged = sorted((ages_s[month], month) for month in meeting.contracts if month in ages_s)
        if not aged:
            continue
        (newest_s, newest), (oldest_s, oldest) = aged[0], aged[-1]
        if not oldest_s - newest_s <= limit_s:
            raise MixedTimesError(
                f"{name(oldest)} is {oldest_s - newest_s:.0f} s older than {name(newest)}: the decision of "
                f"{meeting.date} allows {limit_s:.0f} s",
                contracts=(oldest, newest),
            )


def _check_range(target_range_bp: tuple[int, int]) -> None:
    low, high = target_range_bp
    if low >= high:
        raise CalendarError(f"the target range {low}-{high} bp is reversed; write the lower bound first")
    if high - low != 25:
        raise CalendarError(
            f"the target range {low}-{high} bp is {high - low} bp wide; a range is 25 bp wide"
        )


def _check_meetings(case: StripCase) -> None:
    days = sorted(set(case.fomc_dates))
    if not days or days[-1] < case.watch_date:
        raise CalendarError(
            f"no FOMC decision on or after {case.watch_date}; add the coming decision days to fomc_dates"
        )
    for i, held in months_held(days).items():
        if len(held) > MOST_DECISIONS:
            month = month_of(i)
            raise CalendarError(
                f"{name(month)}: {len(held)} decisions, {', '.join(map(str, held))}; one price cannot "
                "separate more than two, keep two of them in fomc_dates",
                contracts=(month,),
            )


def _unseen_past(case: StripCase) -> list[str]:
    """The priced month just before the first known decision, which may have had one of its own."""
    first = min(case.fomc_dates)
    before = month_of(index((first.year, first.month)) - 1)
    if before not in case.prices or first < case.watch_date:
        return []
    return [
        (
            f"{name(before)} is taken as a month without a decision, but fomc_dates begins on {first}; "
            "add the last decision held"
        )
    ]


def _unsolved(case: StripCase, day: date) -> UnsolvedError:
    """Why a meeting has no solution: the block of meeting months around it and the months at its ends."""
    held = months_held(case.fomc_dates)
    first = last = index((day.year, day.month))
    while first - 1 in held:
        first -= 1
    while last + 1 in held:
        last += 1
    absent = tuple(
        month_of(i)
        for i in range(first - 1, last + 2)
        if month_of(i) not in case.prices and (i in held or is_anchor(i, held))
    )
    if absent:
        return UnsolvedError(
            f"no price for {_joined(absent)}: the decision of {day} has no month without a meeting "
            "to rest on; add the missing contract, an expired one at its last settlement",
            contracts=absent,
        )
    after = month_of(last + 1)
    return UnsolvedError(
        f"{name(after)} lies beyond the published FOMC dates; add later ones to fomc_dates",
        contracts=(after,),
    )


def _joined(months: tuple[Month, ...]) -> str:
    *head, tail = (name(month) for month in months)
    return f"{', '.join(head)} and {tail}" if head else tail
