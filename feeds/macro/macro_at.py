"""Macro figures and release days at a past instant, by what is kept: nothing is asked.

A start without the network needs this, so it brings no client.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from feeds.macro.calendar_store import CalendarStore, calendar_then, decisions_then
from feeds.macro.edgar import GROUPS
from feeds.macro.minutes.store import BarStore
from feeds.macro.release_days import Kept, published, release_days
from feeds.macro.store import FactStore, MacroStore
from rotation.macro.assemble import macro
from rotation.macro.banks import bank_incomes
from rotation.macro.release_views import LOOKED_AT, views_of
from rotation.sessions import from_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rotation.macro.figures import Macro
    from rotation.macro.release_days import ReleaseDays

PAIR = ("IWM", "QQQ")
FED = "fed"
"""Folder of the Fed's log, beside that of macro figures."""


def macro_then(folder: Path, pair: tuple[str, str] = PAIR) -> Callable[[int], Macro | None]:
    """What was known at any instant, by what is kept; files are read once, when they are first asked for."""
    held, facts = cache(MacroStore(folder).load), cache(FactStore(folder).load)
    pages = cache(CalendarStore(folder).load)
    kept = Kept(folder.parent / FED, pair, bars=BarStore(folder))

    def known(now_ns: int) -> Macro | None:
        now, calendar = from_ns(now_ns), calendar_then(pages(), now_ns)
        decisions = decisions_then(pages(), now_ns)
        times = published(calendar, decisions)
        days = kept.usable_days(times, now_ns, newest=LOOKED_AT + 1)
        return macro(
            held(),
            decisions,
            now,
            banks=lambda day: bank_incomes(facts(), GROUPS, day),
            calendar=calendar,
            release_days=views_of(days, times, pair, now),
        )

    return known


def macro_at(folder: Path, now_ns: int, pair: tuple[str, str] = PAIR) -> Macro | None:
    """What was known at an instant, by what is kept: nothing is asked. None where nothing is of use."""
    return macro_then(folder, pair)(now_ns)


def releases_kept(folder: Path, tapes: Sequence[Path], pair: tuple[str, str], now_ns: int) -> ReleaseDays:
    """Paths around every publication by then, of tapes, kept bars and the log. Raises InputError.

    ``folder``: of the store.
    """
    pages = CalendarStore(folder).load()
    times = published(calendar_then(pages, now_ns), decisions_then(pages, now_ns))
    return release_days(folder.parent / FED, tapes, pair, now_ns, bars=BarStore(folder), times=times)
