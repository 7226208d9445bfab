"""Banks' net interest income by quarter, from the facts of their filings. Pure.

A quarter is a fact of about 91 days, whatever the filing's own fiscal labels say (a filing repeats the year
before under its own); of several for one period the newest filing counts, so a restatement wins. A 10-K has
no fourth quarter: it is the year less the three quarters before.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from rotation.macro.figures import BankIncome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NET = "InterestIncomeExpenseNet"
AFTER_PROVISION = "InterestIncomeExpenseAfterProvisionForLoanLoss"
"""What some banks report in its place: it has loan losses taken off."""
TAGS = (NET, AFTER_PROVISION)
QUARTER_DAYS, YEAR_DAYS = (80, 100), (350, 380)
RECENT = timedelta(days=230)
"""A bank whose newest quarter under a tag ended longer ago reports under another one."""


class Fact(msgspec.Struct, frozen=True, array_like=True):
    """One value of one filing."""

    tag: str
    start: date
    end: date
    value: float
    """US dollars."""
    filed: date


class _Quarter(msgspec.Struct, frozen=True):
    value: float
    filed: date
    is_derived: bool = False


def bank_incomes(
    facts: Mapping[str, Sequence[Fact]], groups: Mapping[str, str], day: date
) -> tuple[BankIncome, ...]:
    """The newest quarter of each bank by filings through ``day``.

    ``groups``: ticker → group, in the order wanted. A bank without a recent quarter is left out.
    """
    made = (_income(ticker, group, facts.get(ticker, ()), day) for ticker, group in groups.items())
    return tuple(each for each in made if each is not None)


def _income(ticker: str, group: str, facts: Iterable[Fact], day: date) -> BankIncome | None:
    filed = [fact for fact in facts if fact.filed <= day]
    for tag in TAGS:
        quarters = quarters_of(fact for fact in filed if fact.tag == tag)
        end = max(quarters, default=None)
        if end is None or day - end > RECENT:
            continue
        newest, year = quarters[end], (end.year - 1, end.month)
        before = next((each for was, each in quarters.items() if (was.year, was.month) == year), None)
        is_known = before is not None and before.value > 0
        return BankIncome(
            ticker=ticker,
            group=group,
            quarter=f"Q{(end.month - 1) // 3 + 1} {end.year}",
            end=end,
            value_usd=newest.value,
            year_pct=(newest.value / before.value - 1) * 100 if before and is_known else None,
            filed=newest.filed,
            is_after_provision=tag == AFTER_PROVISION,
            is_derived=newest.is_derived or (before is not None and before.is_derived),
        )
    return None


def quarters_of(facts: Iterable[Fact]) -> dict[date, _Quarter]:
    """End of the quarter → its value, of one tag; fourth quarters by subtraction."""
    held: dict[tuple[date, date], Fact] = {}
    for fact in sorted(facts, key=lambda each: each.filed):
        held[fact.start, fact.end] = fact
    quarters = {
        fact.end: _Quarter(fact.value, fact.filed) for fact in held.values() if _lasts(fact, QUARTER_DAYS)
    }
    for year in [fact for fact in held.values() if _lasts(fact, YEAR_DAYS)]:
        if year.end in quarters:
            continue
        inside = [end for end in quarters if year.start < end < year.end]
        if len(inside) == 3:
            rest = year.value - sum(quarters[end].value for end in inside)
            quarters[year.end] = _Quarter(rest, year.filed, is_derived=True)
    return quarters


def _lasts(fact: Fact, days: tuple[int, int]) -> bool:
    return days[0] <= (fact.end - fact.start).days <= days[1]
