"""Yields, prices, jobs and banks as text and JSON."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from rotation.figures.causes.banks import led, led_status
from rotation.history import History
from rotation.macro.figures import Macro
from rotation.market.market import Market
from rotation.sessions import to_ns
from rotation.snapshot import ValueGrowth
from rotation.status import DerivedStatus
from tui.panels.macro import rows
from tui.view.draw import clean
from tui.view.view_state import ViewState

if TYPE_CHECKING:
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
