"""The demo's yields, prices, jobs and banks: they end near those of July 2024; all before is generated."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

from feeds.demo.fed import SESSION
from feeds.demo.news import DemoNews
from feeds.demo.release_days import demo_release_days
from feeds.events import MacroNews
from feeds.fed.calendar import SHIPPED
from feeds.macro.edgar import GROUPS
from rotation.macro.assemble import macro
from rotation.macro.figures import BankIncome, MacroSource
from rotation.macro.releases import months_before
from rotation.macro.stated import CORE, CPI, CPI_UNADJUSTED, PAYROLLS, TENORS, UNEMPLOYMENT
from rotation.sessions import from_ns, previous_session, sessions_between
from rotation.status import Kind

if TYPE_CHECKING:
    from rotation.macro.figures import Macro

SEED = 20240716
YIELDS = {"3M": 5.48, "2Y": 4.46, "5Y": 4.13, "10Y": 4.23, "30Y": 4.46}
"""Where each ends, the day before."""
FIRST = date(2022, 7, 1)
MONTHS = 26
JUNE = date(2024, 6, 1)
_SOURCES = {"demo": MacroSource(Kind.DEMO, None, None)}


def demo_macro(now_ns: int) -> Macro | None:
    """What the demo knows of the causes at this instant of its tape."""
    days = demo_release_days(now_ns)
    return macro(_observations(), SHIPPED, from_ns(now_ns), _SOURCES, _banks, release_days=days)


def _observations() -> dict[str, dict[date, float]]:
    random = Random(SEED)  # noqa: S311 - a picture, not a secret
    days = sessions_between(FIRST, previous_session(SESSION))
    made: dict[str, dict[date, float]] = {}
    shared = [random.gauss(0.0, 0.05) for _ in days]
    for tenor, last in YIELDS.items():
        calm = 0.2 if tenor == "3M" else 1.0
        line, pct = {}, last
        for day, move in zip(reversed(days), shared, strict=True):
            line[day] = round(pct, 2)
            pct = max(0.5, pct - calm * (move + random.gauss(0.0, 0.015)))
        made[TENORS[tenor]] = dict(sorted(line.items()))
    for name, last, monthly in (
        (CPI, 313.05, 0.0025),
        (CPI_UNADJUSTED, 314.18, 0.0025),
        (CORE, 318.35, 0.0028),
    ):
        made[name] = _months(random, last, monthly)
    jobs = 158_600.0
    made[PAYROLLS], made[UNEMPLOYMENT] = {}, {}
    for back in range(MONTHS):
        month = months_before(JUNE, back)
        made[PAYROLLS][month] = jobs
        made[UNEMPLOYMENT][month] = round(max(3.4, 4.1 - 0.05 * back), 1)
        jobs -= random.randint(120, 300)
    return made


def _months(random: Random, last: float, monthly: float) -> dict[date, float]:
    """An index backwards from June 2024."""
    made, value = {}, last
    for back in range(MONTHS):
        made[months_before(JUNE, back)] = round(value, 3)
        value /= 1 + random.gauss(monthly, 0.0008)
    return made


def _banks(day: date) -> tuple[BankIncome, ...]:
    """One quarter of every bank, as of May."""
    random = Random(SEED)  # noqa: S311
    filed, end = date(2024, 5, 2), date(2024, 3, 31)
    return tuple(
        BankIncome(
            ticker=ticker,
            group=group,
            quarter="Q1 2024",
            end=end,
            value_usd=round(random.uniform(1e9, 2e10), -6),
            year_pct=round(random.gauss(-6, 6), 1),
            filed=filed,
            is_after_provision=False,
            is_derived=False,
        )
        for ticker, group in GROUPS.items()
        if filed <= day
    )


def macro_feed(now_ns: int) -> DemoNews:
    """The demo's causes as a feed, as known at this instant of the tape."""

    def news() -> MacroNews | None:
        known = demo_macro(now_ns)
        return None if known is None else MacroNews(known)

    return DemoNews("macro", "invented for the demo", news)
