"""What a figure of the causes is worth: whether a newer one should be known by now. Pure."""

from __future__ import annotations

from datetime import datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

from rotation.macro.figures import ReleaseKind
from rotation.macro.releases import SHIPPED, newest_month
from rotation.macro.stated import TENORS
from rotation.sessions import NEW_YORK, previous_session
from rotation.status import Kind, PriceStatus

if TYPE_CHECKING:
    from datetime import date

    from rotation.macro.figures import Macro

FRED = "FRED"
YIELDS_BY = ("Treasury", FRED)
"""The Treasury publishes its par yields, and FRED has them from it; all other series are FRED's."""
MONTHLY = {
    "cpi": ReleaseKind.CPI,
    "core_cpi": ReleaseKind.CPI,
    "payrolls": ReleaseKind.JOBS,
    "unemployment": ReleaseKind.JOBS,
}
"""First part of a figure's id -> with what it is published; all others are of days."""


def worth(known: Macro, key: str, now: datetime) -> PriceStatus | None:
    """CLOSED for the newest that is due, STALE once a newer one should be out; None where it is not known.

    ``key``: the figure's id without its ``macro.``. Age: whole days from the day or month that it is of.
    """
    figure = known.stated.get(key)
    if figure is None:
        return None
    of = figure.inputs[0].date
    today = now.astimezone(NEW_YORK).date()
    kind = MONTHLY.get(key.partition(".")[0])
    is_due = (
        is_old_day(of, today)
        if kind is None
        else of
        < _newest(kind, now.replace(second=0, microsecond=0), tuple((known.calendar or SHIPPED).items()))
    )
    is_demo = any(each.kind is Kind.DEMO for each in known.sources.values())
    return PriceStatus(
        kind=Kind.DEMO if is_demo else Kind.STALE if is_due else Kind.CLOSED,
        as_of=datetime.combine(of, time(), NEW_YORK),
        age_s=86_400.0 * max(0, (today - of).days),
        source=source_of(known, figure.inputs[0].series),
    )


def source_of(known: Macro, series: str) -> str:
    """Who of those that were asked publishes a series; "stored observations" where none of them was."""
    publishers = YIELDS_BY if series in TENORS.values() else (FRED,)
    asked = [name for name, each in known.sources.items() if name in publishers or each.kind is Kind.DEMO]
    return " or ".join(asked) or "stored observations"


def is_old_day(of: date, today: date) -> bool:
    """Whether the yields of this day are two sessions behind."""
    return of < previous_session(previous_session(today))


@lru_cache(maxsize=8)
def _newest(
    kind: ReleaseKind, minute: datetime, days: tuple[tuple[ReleaseKind, tuple[date, ...]], ...]
) -> date:
    return newest_month(kind, minute, dict(days))
