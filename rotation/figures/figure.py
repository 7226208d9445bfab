"""A figure: one value of the Snapshot with an id that does not change, and what the value is worth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Literal

import msgspec

from rotation.context.wants import NOTHING, Wants
from rotation.fed.figures import Fed
from rotation.snapshot import Snapshot
from rotation.status import DerivedStatus, PriceStatus

Value = float | int | str | bool | dt.date | None
"""None is unknown. A date figure that is a record has the value RECORD."""
Status = PriceStatus | DerivedStatus | None
FigureKind = Literal["number", "date", "flag", "word", "state"]
"""``state``: the kind of a PriceStatus, as LIVE. ``word``: one of ``Figure.words``."""
Reads = Literal["today", "settled", "fed", "macro", "members"]
"""What a figure rests on: today's price of its symbols, settled closes alone, the Fed's sources, what was
published of the causes, or the members' prices."""

GRAPH = "graph."
"""How the ids of the rotation graph's figures begin, before the symbol."""
RECORD = "record"
"""The value of a "since" figure that no earlier session reached: older than any date."""


class Figure(msgspec.Struct, frozen=True):
    """One figure. ``read`` and ``status`` are functions of the Snapshot alone."""

    id: str
    unit: str
    """%, pp, sessions, date, …; empty of a flag or a word."""
    definition: str
    formula: str
    read: Callable[[Snapshot], Value]
    """The value, None where it is not known."""
    status: Callable[[Snapshot], Status]
    """What the value is worth; None where a price that it rests on is missing."""
    kind: FigureKind = "number"
    symbols: tuple[str, ...] = ()
    """The legs that it rests on."""
    reads: Reads = "today"
    of_fed: Callable[[Fed], Value] | None = None
    """As ``read``, of the Fed alone, for figures that rest on nothing else; None of the others."""
    words: tuple[str, ...] = ()
    """The values that a ``word`` or ``state`` figure may have."""
    wants: Wants = NOTHING
    """What a desk must be asked for, or the figure is unknown."""
    is_level: bool = False
    """A level or a count: a plus sign before it would say that it is a change."""
    pair: str = ""
    """Which of the desk's more pairs it is of, as IWN/IVW; empty of all other figures."""


def own_parts(name: str, symbols: tuple[str, ...]) -> list[str]:
    """The parts of an id without its first symbol, which may be a number or one of our words: 700, RUN."""
    own = f"{symbols[0].lower()}." if symbols else ""
    start = GRAPH if name.startswith(f"{GRAPH}{own}") else ""
    return f"{start}{name.removeprefix(start).removeprefix(own)}".split(".")


def plain(value: Value) -> float | int | str | bool | None:
    """The value as JSON has it: a date as ``2001-04-03``."""
    return value.isoformat() if isinstance(value, dt.date) else value
