"""What a figure is made of: its inputs with dates and sources, so that anyone can compute it again."""

from __future__ import annotations

import datetime as dt
from math import inf
from typing import TYPE_CHECKING

from rotation.context.explanation import Explained, Explanation, Input, Whole
from rotation.figures.causes import macro, members
from rotation.figures.fed import meeting_of
from rotation.figures.figure import own_parts, plain
from rotation.figures.legs import is_official
from rotation.figures.lines import Lines
from rotation.figures.more_pairs import of_first
from rotation.figures.registry import figures, lookup
from rotation.figures.settled import SettledFigures
from rotation.figures.unknown import why
from rotation.macro.worth import source_of
from rotation.market.records import TRAILING
from rotation.sessions import NEW_YORK
from rotation.status import PriceStatus, derive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.fed.figures import Fed
    from rotation.figures.basis import Basis
    from rotation.figures.figure import Figure, Value
    from rotation.snapshot import Snapshot

WHOLE = frozenset({"percentile", "n", "times", "expected"})
"""Last parts of the ids of figures that rest on all of history."""
OF_NOW = frozenset({"last", "high", "low", "volume", "extended", "on_pace", "status", "age_s"})
"""Last parts of the ids of figures that today's price alone decides."""
OF_SESSION = frozenset({"high", "low", "volume", "extended"})
"""Of these, the ones that the session has a number of its own for, which no other input gives."""
QUOTED = frozenset({"bid", "ask", "mid", "quote_age_s"})
"""Last parts of the ids of figures that the newest bid and ask decide."""

ON_SCREEN = 120
"""Inputs of an explanation on a screen: of more, those at both ends."""


def explain(name: str, basis: Basis) -> Whole:
    """Take a figure apart. Raises InputError for an unknown id."""
    asked = lookup(name, figures(basis.desk))
    value, status = asked.read(basis.snapshot), asked.status(basis.snapshot)
    unknown = why(asked, basis.snapshot) if value is None else None
    figure, basis = of_first(asked, basis) if asked.pair else (asked, basis)
    inputs, again = _taken_apart(figure, value, basis)
    return Explanation(
        id=asked.id,
        value=plain(value),
        status=status,
        definition=asked.definition,
        formula=asked.formula,
        inputs=tuple(inputs),
        result=None if value is None else plain(again),
        unit=figure.unit,
        is_level=figure.is_level,
        unknown=unknown.reason if unknown else None,
        lacking=unknown.symbols if unknown else (),
        as_of=basis.snapshot.as_of,
    )


def _taken_apart(figure: Figure, value: Value, basis: Basis) -> tuple[list[Input], Value]:
    """The inputs, and the figure computed from them once more; None where nothing computes it again."""
    if figure.reads == "fed":
        return _fed_inputs(figure.id, basis.snapshot.fed), None
    if figure.reads == "macro":
        return _macro_inputs(figure.id, basis.snapshot)
    if figure.reads == "members":
        return _members_inputs(figure.id, basis.snapshot)
    if figure.id.startswith("value_growth"):
        return _value_growth_inputs(figure, basis), _value_growth_again(figure, basis)
    lines = Lines(basis)
    inputs = [row for symbol in figure.symbols for row in _inputs(figure, value, lines, symbol, basis)]
    if _is_of_now(figure):
        return inputs, _observed_again(figure, inputs)
    return inputs, None if figure.kind == "state" else lines.again(figure)


def for_a_screen(whole: Whole) -> Explained:
    """The same without the inputs in the middle of each symbol where there are too many to look at."""
    by_symbol: dict[str, list[Input]] = {}
    for row in whole.inputs:
        by_symbol.setdefault(row.symbol, []).append(row)
    most = max(ON_SCREEN // max(len(by_symbol), 1), 2)
    kept = [row for rows in by_symbol.values() for row in _ends(rows, most)]
    status = whole.status
    if isinstance(status, PriceStatus):
        status = derive({next(iter(by_symbol), whole.id): status}, limit_s=inf)
    fields = {name: getattr(whole, name) for name in whole.__struct_fields__}
    left_out = len(whole.inputs) - len(kept)
    return Explained(**fields | {"status": status, "inputs": tuple(kept), "left_out": left_out})


def _ends(rows: list[Input], most: int) -> list[Input]:
    return rows if len(rows) <= most else [*rows[: most // 2], *rows[-(most // 2) :]]


def _is_of_now(figure: Figure) -> bool:
    return figure.id.rpartition(".")[2] in OF_NOW | QUOTED


def _inputs(  # noqa: PLR0911 - a table of ids
    figure: Figure, value: Value, lines: Lines, symbol: str, basis: Basis
) -> list[Input]:
    """The rows of one symbol that the figure rests on, oldest first."""
    if figure.id.rpartition(".")[2] in QUOTED:
        return _bid_and_ask(symbol, basis.snapshot)
    if _is_of_now(figure):
        return _observed(figure, symbol, basis)
    if figure.id == "ratio":
        return _first_common(basis, lines, symbol) + lines.today(symbol)
    official = all(is_official(basis.snapshot, each) for each in figure.symbols)
    rows = lines.whole(symbol) if figure.reads != "settled" or official else lines.settled(symbol)
    parts = own_parts(figure.id, figure.symbols)
    if parts[0] == "graph":
        return rows
    if "streak" in parts or (parts[0] == "relative_streak" and "run" not in parts):
        return rows[-(abs(value) + 2) :] if isinstance(value, int) else rows
    windows = [int(part) for part in parts if part.isdigit()]
    k = windows[-1] if windows else 1
    if parts[-1] in WHOLE or "run" in parts:
        return rows
    if "since" in parts or "since_either_way" in parts or "record" in parts:
        return rows[_start_of_since(value, rows, k) :]
    if parts[-1] == "z":
        missing = sum(row.value is None for each in figure.symbols for row in lines.settled(each))
        return rows[-(TRAILING + k + 1 + missing * (k + 1)) :]
    return [rows[-k - 1], rows[-1]] if len(rows) > k else rows


def _observed(figure: Figure, symbol: str, basis: Basis) -> list[Input]:
    """What was observed: the session's own high, low, volume or late price, else the last price."""
    leg = basis.snapshot.legs.get(symbol)
    if leg is None or leg.session is None:
        return []
    source = leg.source or basis.history.source
    what = figure.id.rpartition(".")[2]
    if what in OF_SESSION:
        number = figure.read(basis.snapshot)
        kept = float(number) if isinstance(number, int | float) else None
        return [] if kept is None else [Input(symbol, leg.session, kept, f"{source} {what}".strip())]
    at = None if leg.settled_session == leg.session else leg.status.as_of
    return [] if leg.last is None else [Input(symbol, leg.session, leg.last, source, at)]


def _observed_again(figure: Figure, inputs: Sequence[Input]) -> Value:
    """The last price, bid, ask or middle from its inputs; None of what is only observed."""
    what = figure.id.rpartition(".")[2]
    values = [row.value for row in inputs if row.value is not None]
    if what == "last" and values:
        return values[0]
    if what in ("bid", "ask", "mid") and len(values) == len(("bid", "ask")):
        bid, ask = values
        return {"bid": bid, "ask": ask, "mid": (bid + ask) / 2}[what]
    return None


def _bid_and_ask(symbol: str, snapshot: Snapshot) -> list[Input]:
    leg = snapshot.legs.get(symbol)
    if leg is None or leg.session is None or leg.quote_age_s is None:
        return []
    at = snapshot.as_of - dt.timedelta(seconds=leg.quote_age_s)
    day = at.astimezone(NEW_YORK).date()
    sides = (("bid", leg.bid), ("ask", leg.ask))
    return [Input(symbol, day, value, f"{leg.source} {side}".strip(), at) for side, value in sides]


def _start_of_since(value: Value, rows: Sequence[Input], k: int) -> int:
    """K sessions before the one that the figure names; the beginning where it names none."""
    if not isinstance(value, dt.date):
        return 0
    return next((max(0, place - k) for place, row in enumerate(rows) if row.date >= value), 0)


def _first_common(basis: Basis, lines: Lines, symbol: str) -> list[Input]:
    first = basis.snapshot.ratio.first_date
    return [row for row in lines.settled(symbol) if row.date == first]


def _value_growth_inputs(figure: Figure, basis: Basis) -> list[Input]:
    shown = basis.snapshot.value_growth
    if shown is None:
        return []
    rows = basis.history.through(shown.session).drop_nulls("adj_close")
    by_symbol = {
        symbol: {
            day: adjusted
            for name, day, _, adjusted in rows.iter_rows()
            if name == symbol
        }
        for symbol in figure.symbols
    }  # fmt: skip
    common = sorted(set.intersection(*(set(line) for line in by_symbol.values())))
    days = [common[0], common[-1]] if figure.id == "value_growth" and common else common
    return [
        Input(symbol, day, by_symbol[symbol][day], basis.history.source)
        for symbol in figure.symbols
        for day in days
    ]


def _value_growth_again(figure: Figure, basis: Basis) -> Value:
    """The figure from the settled closes up to the session that it is of."""
    shown = basis.snapshot.value_growth
    if shown is None:
        return None
    column = SettledFigures(basis.history, basis.desk, shown.session).column(figure)
    return column[-1] if column else None


def _macro_inputs(name: str, snapshot: Snapshot) -> tuple[list[Input], Value]:
    """The observations behind a figure, the newest first, and what they give."""
    known = snapshot.macro
    figure = known.stated.get(macro.key_of(name)) if known else None
    if known is None or figure is None:
        return [], None
    inputs = [
        Input(each.series, each.date, each.value, source_of(known, each.series)) for each in figure.inputs
    ]
    return inputs, macro.again(name, figure.inputs)


def _members_inputs(name: str, snapshot: Snapshot) -> tuple[list[Input], Value]:
    """The advances of every sector and the members counted in it."""
    index = members.index_of(name, snapshot)
    if index is None or index.now is None:
        return [], None
    source = f"members of {index.now.membership_date}"
    inputs = [
        Input(f"{each.sector or 'no sector'}: {what}", index.now.session, number, source)
        for each in index.sectors
        for what, number in (("advances", each.advances), ("counted", each.counted), ("total", each.total))
    ]
    return inputs, members.again(name, index)


def _fed_inputs(name: str, fed: Fed | None) -> list[Input]:
    """The contracts behind a meeting and every meeting up to it; past or venue odds where those are asked."""
    if fed is None:
        return []
    parts = name.split(".")
    if "change" in parts:
        return _cuts(fed)
    venue = next((each for each in fed.engines if each.lower() in parts), None)
    if venue is not None:
        moves = fed.engines[venue].moves.items()
        return [
            Input(f"{move} bp", fed.meeting, share, venue, fed.engines[venue].at) for move, share in moves
        ]
    place = meeting_of(parts[1])
    meetings = fed.meetings[: 1 + (place or 0)]
    needed = {symbol for meeting in meetings for symbol in meeting.contracts}
    contracts = [
        Input(each.symbol, _day_of(each.at, each.settle_date), each.price, each.source, each.at, each.month)
        for each in fed.contracts
        if each.symbol in needed
    ]
    months = {each.month for each in contracts}
    calendar = [
        Input("FOMC", each.date, None, "FOMC calendar", month=f"{each.date:%Y-%m}")
        for each in fed.meetings
        if each in meetings or f"{each.date:%Y-%m}" in months
    ]
    return contracts + calendar


def _cuts(fed: Fed) -> list[Input]:
    """P(cut) after each settlement, and now."""
    past = [
        Input("P(cut)", point.at.astimezone(NEW_YORK).date(), point.cut, "our log of settlements", point.at)
        for point in fed.history
        if point.settled
    ]
    now = fed.history[-1].at if fed.history else None
    current = [
        Input("P(cut) now", _day_of(now, fed.meeting), meeting.cut, "the futures", now)
        for meeting in fed.meetings[:1]
    ]
    return past + current


def _day_of(at: dt.datetime | None, settled: dt.date | None) -> dt.date:
    if at is not None:
        return at.astimezone(NEW_YORK).date()
    return settled or dt.date.min
