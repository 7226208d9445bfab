"""What a figure rests on: value and worth, definition and formula, inputs with dates and sources."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from math import isclose
from typing import TYPE_CHECKING

from rotation.sessions import NEW_YORK
from rotation.text import day, signed, spelled_duration
from rotation.wording import source_with_venue, word_with_venue
from tui.panels.base import kind_role
from tui.view.draw import UNKNOWN, Row, cells, column, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.context.explanation import Explained, Input, Whole
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

SIGNED = frozenset({"%", "pp", "bp", "sd", "sessions"})
"""Units whose sign is part of the statement."""
BARE = frozenset({"", "price", "index", "share", "percentile", "date"})
"""Units that are not written behind the value."""
COMPUTING = "computing what {} rests on…"
PAUSED = "paused: what {} rests on is shown once the screen resumes"
NOT_COPIED = "nothing copied: still computing what {} rests on"
NOT_COPIED_PAUSED = "nothing copied: what {} rests on is shown once the screen resumes"
SYMBOL, DATE, VALUE = 10, 12, 11
"""Cells of the inputs' columns; the source has the rest."""
NAMED_FROM = 60
"""Cells of a panel from which names of inputs are never cut."""
BESIDE = 3
"""Symbols that stand side by side at most."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """The answer to Enter on a figure; what does not fit is scrolled to."""
    del height
    known = snapshot.explained.get(view.figure)
    if known is None:
        why = (PAUSED if view.paused else COMPUTING).format(view.figure)
        return [((line, "muted"),) for line in wrap(why, width, 3)]
    lines = [*_head(known, width), *_worth(known, snapshot, view, width), ()]
    lines += [((line, "text"),) for line in wrap(known.definition, width, 6)]
    lines += [((line, "muted"),) for line in wrap(f"= {known.formula}", width, 6)]
    if known.inputs:
        lines += [(), *_inputs(known, width)]
    return lines


def copied(known: Explained | None) -> str:
    """The answer to a copy of this sheet; None: of the headline."""
    return (
        "copied the headline with its source and time"
        if known is None
        else f"copied what {known.id} rests on"
    )


def not_copied(view: ViewState) -> str:
    """The answer to a copy of a sheet that is not there yet."""
    return (NOT_COPIED_PAUSED if view.paused else NOT_COPIED).format(view.figure)


def valued(value: object, unit: str, *, is_level: bool = False) -> str:
    """A value with its unit, ``—`` where it is unknown. ``is_level``: as of Figure."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return str(value).lower()
    is_signed = unit in SIGNED and not is_level
    if isinstance(value, int):
        text = signed(value, 0) if is_signed else f"{value:,}"
    elif isinstance(value, float):
        text = (
            signed(value, 2) if is_signed else f"{value:,.{3 if unit == 'share' else 2}f}".replace("-", "−")
        )
    else:
        return str(value)
    return text if unit in BARE else f"{text} {unit}"


def spelled(value: object, unit: str, *, is_level: bool = False) -> str:
    """The same as a reader of the screen has it: ``14 Nov 2016``, ``yes``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if unit == "date" and isinstance(value, str) and value[:1].isdigit():
        return day(dt.date.fromisoformat(value))
    return valued(value, unit, is_level=is_level)


def reason(known: Explained | Whole) -> str:
    """``unknown: no price of the session shown (IWM)``; empty where there is a value."""
    if known.unknown is None:
        return ""
    about = f" ({', '.join(known.lacking)})" if known.lacking else ""
    return f"unknown: {known.unknown.value}{about}"


def _head(known: Explained | Whole, width: int) -> list[Row]:
    value = spelled(known.value, known.unit, is_level=known.is_level)
    if len(known.id) + 2 + len(value) <= width:
        return [((known.id, "accent"), ("  ", "text"), (value, "strong"))]
    return [((known.id, "accent"),), ((value, "strong"),)]


def _worth(known: Explained | Whole, snapshot: Snapshot, view: ViewState, width: int) -> list[Row]:
    """Its state, age and source, why it is unknown, and whether the inputs give the same, if computed.

    Without motion its own age is taken, which is in whole minutes, and rounded up.
    """
    lines: list[Row] = []
    status = known.status
    if status is not None:
        parts = [word_with_venue(status)]
        if status.as_of is not None:
            made = status.as_of.astimezone(NEW_YORK)
            clock = f"{made:%H:%M:%S}" if view.motion else f"{made:%H:%M}"
            parts.append(f"made {clock} New York {day(made.date())}")
            age_s = (snapshot.as_of - status.as_of).total_seconds() if view.motion else status.age_s or 0.0
            parts.append(f"{spelled_duration(max(age_s, 0.0))} ago")
        if source := source_with_venue(status):
            parts.append(source)
        lines += [((line, kind_role(status.kind)),) for line in wrap(", ".join(parts), width, 3)]
    if why := reason(known):
        lines += [((line, "warn"),) for line in wrap(why, width, 4)]
    elif known.inputs and known.result is not None:
        same = "the inputs below give the same" if _is_same(known) else _other(known)
        lines += [((line, "faint"),) for line in wrap(same, width, 2)]
    return lines


def _is_same(known: Explained | Whole) -> bool:
    value, result = known.value, known.result
    if isinstance(value, float) and isinstance(result, float):
        return isclose(value, result, rel_tol=1e-9, abs_tol=1e-9)
    return value == result


def _other(known: Explained | Whole) -> str:
    return f"from the inputs below: {spelled(known.result, known.unit, is_level=known.is_level)}"


def _inputs(known: Explained | Whole, width: int) -> list[Row]:
    """Closes and prices by session, the newest first, a column a symbol; all else as it stands."""
    symbols = list(dict.fromkeys(each.symbol for each in known.inputs))
    room = DATE + VALUE * len(symbols)
    days = len({(each.symbol, each.date) for each in known.inputs})
    is_dated = days == len(known.inputs) and not any(each.month for each in known.inputs)
    if is_dated and room <= width and len(symbols) <= BESIDE:
        return _by_session(known, symbols, width)
    return _listed(known, width)


def _by_session(known: Explained | Whole, symbols: list[str], width: int) -> list[Row]:
    head = column("session", DATE, right=False) + "".join(column(symbol, VALUE) for symbol in symbols)
    by_day: dict[dt.date, dict[str, Input]] = {}
    for each in known.inputs:
        by_day.setdefault(each.date, {})[each.symbol] = each
    days = sorted(by_day, reverse=True)
    sources = [_source(by_day[when].values()) for when in days]
    is_beside = len(head) + 2 + max(map(cells, sources)) <= width
    shown: list[Row] = [
        (
            (column(day(when), DATE, right=False), "muted"),
            ("".join(column(_number(own[s].value) if s in own else "", VALUE) for s in symbols), "text"),
            (f"  {source}" if is_beside else "", "muted"),
        )
        for when, source in zip(days, sources, strict=True)
        for own in (by_day[when],)
    ]
    below = [] if is_beside else _sources(days, sources, width)
    return [((head + "  source" * is_beside, "faint"),), *_with_gap(known, shown, width), *below]


def _sources(days: list[dt.date], sources: list[str], width: int) -> list[Row]:
    """Which source each stretch of days is from, where no line has room for it."""
    lines: list[Row] = [()]
    for source, group in groupby(zip(days, sources, strict=True), key=lambda each: each[1]):
        own = [when for when, _ in group]
        when = day(own[0]) if len(own) == 1 else f"{day(own[-1])} to {day(own[0])}"
        lines += [((line, "muted"),) for line in wrap(f"{when}: {source or 'no source'}", width, 3)]
    return lines


def _listed(known: Explained | Whole, width: int) -> list[Row]:
    named = max(SYMBOL, *(len(each.symbol) + 1 for each in known.inputs)) if width >= NAMED_FROM else SYMBOL
    head = column("", named, right=False) + column("date", DATE, right=False) + column("value", VALUE)
    shown: list[Row] = []
    for each in known.inputs:
        source = f"{f'{each.month} ' if each.month else ''}{_source([each])}"
        row: Row = (
            (column(each.symbol, named, right=False), "strong"),
            (column(day(each.date), DATE, right=False), "muted"),
            (column(_number(each.value), VALUE), "text"),
        )
        room = width - named - DATE - VALUE - 2
        shown.append((*row, (f"  {source}", "muted")) if cells(source) <= room else row)
        if cells(source) > room:
            shown += [((f"  {line}", "muted"),) for line in wrap(source, width - 2, 3)]
    return [((head, "faint"),), *_with_gap(known, shown, width)]


def _with_gap(known: Explained | Whole, shown: list[Row], width: int) -> list[Row]:
    """The rows, and between the two halves that are left how many are not."""
    if not known.left_out:
        return shown
    half = len(shown) // 2
    text = f"… {known.left_out:,} more: rotation-tui explain {known.id} --format json"
    return [*shown[:half], *(((line, "faint"),) for line in wrap(text, width, 2)), *shown[half:]]


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.7g}".replace("-", "−")


def _source(inputs: Iterable[Input]) -> str:
    """Where they are from, and when prices of today were made."""
    rows = list(inputs)
    times = dict.fromkeys(_time(each.at) for each in rows if each.at is not None)
    sources = ", ".join(dict.fromkeys(each.source for each in rows if each.source))
    return f"{sources} {' / '.join(times)}{' New York' if times else ''}".strip()


def _time(at: dt.datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%H:%M:%S}"
