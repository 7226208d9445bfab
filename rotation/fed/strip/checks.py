"""Whether a strip makes sense: every refusal names the contract in one line and says what to do."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

from rotation.errors import InputError
from rotation.fed.strip.chain import index, is_anchor, month_of
from rotation.fed.strip.contracts import name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from rotation.fed.strip.chain import Chain, StripCase
    from rotation.fed.strip.contracts import Month

LOWEST_PRICE = 90.0
NEGATIVE_RATE = 100.0
MOST_STEPS = 4.0
"""A meeting priced to move by more than 100 bp is a wrong price, not a forecast."""


def check(case: StripCase) -> tuple[str, ...]:
    """Refuse a strip that cannot be right; what is left to flag, one line each.

    Raises InputError: range upside down or not 25 bp wide, no coming meeting, two decisions in one month,
    no price at all, a price that is not a number or below 90.
    """
    _check_range(case.target_range_bp)
    _check_meetings(case)
    if not case.prices:
        raise InputError(
            'no contract has a price; fill "prices" with month and price, as in "2026-09": 96.36'
        )
    return tuple(flag for month in sorted(case.prices) if (flag := check_price(month, case.prices[month])))


def check_price(month: Month, price: float) -> str:
    """A flag, or "". Raises InputError for NaN, infinity and prices below 90."""
    if not isfinite(price):
        raise InputError(
            f"{name(month)}: price {price} is not a number; give its last settlement or leave it out"
        )
    if price < LOWEST_PRICE:
        raise InputError(
            f"{name(month)}: price {price:g} is below 90 (a rate above 10 %); check symbol and scale"
        )
    if price > NEGATIVE_RATE:
        return f"{name(month)}: price {price:g} is above 100, a negative rate"
    return ""


def check_chain(case: StripCase, chain: Chain) -> None:
    """Refuse what the chain shows to be wrong.

    Raises InputError: the next meeting has no solution (names the missing contracts), or a meeting moves by
    more than 100 bp (names the contracts it rests on). A chain that stops later is an answer, with its mark.
    """
    if chain.meetings and chain.meetings[0].x is None:
        raise InputError(_unsolved(case, chain.meetings[0].date))
    for meeting in chain.solved:
        if meeting.x is not None and abs(meeting.x) > MOST_STEPS:
            raise InputError(
                f"{_joined(meeting.contracts, 'and')} put the decision of {meeting.date} at "
                f"{meeting.move_bp:+.0f} bp, beyond ±100; check these prices"
            )


def check_ages(chain: Chain, ages_s: Mapping[Month, float], limit_s: float) -> None:
    """Refuse prices of different times in one calculation.

    ``ages_s``: contract → seconds since its price was made; leave out settlements, which do not age. Raises
    InputError where the contracts that one meeting rests on differ by more than ``limit_s``.
    """
    for meeting in chain.solved:
        aged = sorted((ages_s[month], month) for month in meeting.contracts if month in ages_s)
        if not aged:
            continue
        (newest_s, newest), (oldest_s, oldest) = aged[0], aged[-1]
        if not oldest_s - newest_s <= limit_s:
            raise InputError(
                f"{name(oldest)} is {oldest_s - newest_s:.0f} s older than {name(newest)}: the decision of "
                f"{meeting.date} allows {limit_s:.0f} s; wait for a newer price or use settlements for both"
            )


def _check_range(target_range_bp: tuple[int, int]) -> None:
    low, high = target_range_bp
    if low >= high:
        raise InputError(f"the target range {low}-{high} bp is upside down; write the lower bound first")
    if high - low != 25:
        raise InputError(f"the target range {low}-{high} bp is {high - low} bp wide; a range is 25 bp wide")


def _check_meetings(case: StripCase) -> None:
    days = sorted(set(case.fomc_dates))
    if not days or days[-1] < case.watch_date:
        raise InputError(
            f"no FOMC decision on or after {case.watch_date}; add the coming decision days to fomc_dates"
        )
    for day, after in pairwise(days):
        if (day.year, day.month) == (after.year, after.month):
            month = name((day.year, day.month))
            raise InputError(
                f"{month}: two decisions, {day} and {after}; keep the scheduled one in fomc_dates"
            )


def _unsolved(case: StripCase, day: date) -> str:
    """Why a meeting has no solution: the block of meeting months around it and the months at its ends."""
    held = {index((d.year, d.month)): d for d in case.fomc_dates}
    first = last = index((day.year, day.month))
    while first - 1 in held:
        first -= 1
    while last + 1 in held:
        last += 1
    absent = [
        month_of(i)
        for i in range(first - 1, last + 2)
        if month_of(i) not in case.prices and (i in held or is_anchor(i, held))
    ]
    if not absent:
        return (
            f"{name(month_of(last + 1))} lies beyond the published FOMC dates; add later ones to fomc_dates"
        )
    return (
        f"no price for {_joined(absent, 'and')}: the decision of {day} has no month without a meeting "
        "to rest on; add the missing contract, an expired one at its last settlement"
    )


def _joined(months: tuple[Month, ...] | list[Month], word: str) -> str:
    *head, tail = (name(month) for month in months)
    return f"{', '.join(head)} {word} {tail}" if head else tail
