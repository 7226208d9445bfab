"""Yields, prices, jobs and banks as text and JSON."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from rotation.figures.causes.banks import led, led_status
from rotation.history import History
from rotation.macro.figures import Macro
from rotation.macro.release_days import MARKS
from rotation.market.market import Market
from rotation.sessions import NEW_YORK, to_ns
from rotation.snapshot import ValueGrowth
from rotation.status import DerivedStatus
from rotation.text import counted, day
from tui.panels.macro import rows
from tui.view.draw import change, clean, column
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.macro.release_days import ReleaseDays
    from rotation.snapshot import Snapshot

WIDTH = 100


class MacroReport(msgspec.Struct, frozen=True):
    """``rotation-tui macro --format json`` is this."""

    as_of: datetime
    macro: Macro | None
    """None where nothing is kept, and no source answered."""
    banks: dict[str, dict[str, float | None]]
    """KRE and KBE minus the base leg over each window, in pp; empty without closes of them."""
    value_growth: ValueGrowth | None
    bank_status: dict[str, DerivedStatus] = {}
    """What each of ``banks`` is worth: as much as the worse of its price and the base leg's."""


def report(known: Macro | None, at: datetime, closes: Snapshot | None, form: str) -> str:
    """``closes``: what is settled at that instant; None where no closes are held."""
    snapshot = closes or _nothing(at)
    if form == "json":
        made = MacroReport(at, known, led(snapshot), snapshot.value_growth, led_status(snapshot))
        return msgspec.json.encode(made).decode() + "\n"
    shown = msgspec.structs.replace(snapshot, as_of=at, macro=known)
    lines = ["".join(text for text, _ in row) for row in rows(shown, ViewState(), WIDTH, 60)]
    return "".join(f"{clean(line).rstrip()}\n" for line in lines)


def _nothing(at: datetime) -> Snapshot:
    return Market(History.empty(), as_of_ns=to_ns(at)).apply((), as_of_ns=to_ns(at))


def of_releases(made: ReleaseDays, form: str) -> str:
    """Release days as JSON, or a line a day and how the newest of each kind stands among the others."""
    if form == "json":
        return msgspec.json.encode(made).decode() + "\n"
    if not made.days:
        return (
            "no minutes of a release day are kept: a running desk and rotation-tui macro download them, "
            "and tapes that hold one may be named\n"
        )
    heads = "".join(column(f"{minute} min", 9) for minute in MARKS)
    lines = [
        f"{'':26}{column('spread pp after', 36)}{column('P(cut) pp after', 36)}",
        f"{'':26}{heads}{heads}",
    ]
    for each in made.days:
        local = each.at.astimezone(NEW_YORK)
        shown = (change(dict(line).get(minute)) for line in (each.spread_pp, each.cut_pp) for minute in MARKS)
        name = column(f"{each.kind.value:<6}{day(local.date())} {local:%H:%M}", 26, right=False)
        lines.append(name + "".join(column(text, 9) for text in shown))
    by = Counter(
        f"{each.source}, {each.step_min} min bars" if each.step_min else each.source
        for each in made.days
        if each.spread_pp
    )
    if by:
        days = "; ".join(f"{name} ({counted(n, 'day')})" for name, n in sorted(by.items()))
        lines += ["", f"spread by {days}"]
    if any(each.cut_pp for each in made.days):
        lines += [
            *([""] if not by else []),
            "P(cut) by the times of our log; Yahoo's futures, the default, are ten minutes late",
        ]
    for kind, by_name in made.newest.items():
        for name, marks in by_name.items():
            what = "P(cut)" if name == "cut" else "spread"
            lines.append("")
            for minute, mark in marks.items():
                median = (
                    "too few to compare" if mark.median_pp is None else f"median {change(mark.median_pp)}"
                )
                lines.append(
                    f"newest {kind}, {what} after {minute} min: {change(mark.value_pp)} pp; "
                    f"{counted(mark.n, 'earlier day')}, {median}"
                )
    return "".join(f"{clean(line).rstrip()}\n" for line in lines)
