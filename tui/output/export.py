"""What a panel shows as the rows of a table, and such a table as the bytes of a file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from rotation.sessions import NEW_YORK
from tui.panels.legs.lists import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from rotation.snapshot import Snapshot
    from rotation.status import DerivedStatus
    from tui.view.view_state import ViewState

Row = dict[str, Any]
Form = Literal["csv", "json", "parquet"]


def name_of(what: str, snapshot: Snapshot, ending: str) -> str:
    """``legs-2024-07-16-104000.csv``: New York's time of the figures; a demo's or tape's are marked."""
    at = snapshot.as_of.astimezone(NEW_YORK)
    mark = f"-{snapshot.mode.lower()}" if snapshot.mode else ""
    return f"{what}-{at:%Y-%m-%d-%H%M%S}{mark}.{ending}"


def table(panel: str, snapshot: Snapshot, view: ViewState) -> list[Row]:
    """The figures of a panel, plain values by column; a row says of when it is, and whether of a demo."""
    head = {"as_of": snapshot.as_of.isoformat(), "mode": snapshot.mode}
    return [head | _flat(row) for row in _TABLES[panel](snapshot, view)]


def encode(rows: list[Row], form: Form) -> bytes:
    """The table as a file. CSV leaves unknown cells empty; all have the same columns in every row."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    whole = [{name: row.get(name) for name in columns} for row in rows]
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(whole)
        return text.getvalue().encode()
    import polars as pl  # noqa: PLC0415 - half a second, for one of three forms

    data = io.BytesIO()
    pl.DataFrame(whole, infer_schema_length=None).write_parquet(data)
    return data.getvalue()


def _flat(value: Row, prefix: str = "") -> Row:
    """Nested values under joined names; a list that is left is JSON."""
    flat: Row = {}
    for name, item in value.items():
        if isinstance(item, dict):
            flat |= _flat(item, f"{prefix}{name}.")
        elif isinstance(item, list):
            flat[f"{prefix}{name}"] = msgspec.json.encode(item).decode()
        else:
            flat[f"{prefix}{name}"] = item
    return flat


def _plain(value: object) -> Row:
    plain: Row = msgspec.to_builtins(value)
    return plain


def _status(status: DerivedStatus | None) -> Row:
    """No columns where it is not known: ``encode`` leaves those cells empty."""
    return {} if status is None else {"status": _plain(status)}


def _legs(snapshot: Snapshot, view: ViewState) -> Iterator[Row]:
    for block in blocks(snapshot, view):
        for symbol, leg in block.legs.items():
            yield {"symbol": symbol, **({"list": block.name} if snapshot.lists else {}), **_plain(leg)}


def _spread(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    spread = snapshot.spread
    for window, figures in spread.windows.items():
        yield {"base": spread.base, "against": spread.against, "window": int(window), **_plain(figures)}


def _ratio(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    """The settled line, then today's, by the minute since the open; today's alone rests on prints."""
    ratio = snapshot.ratio
    pair = {"base": ratio.base, "against": ratio.against}
    for day, value in ratio.daily:
        yield {**pair, "session": day.isoformat(), "minute": None, "value": value}
    for minute, value in ratio.intraday:
        session = snapshot.session.isoformat() if snapshot.session else None
        yield {**pair, "session": session, "minute": minute, "value": value, **_status(ratio.status)}


def _fed(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    for meeting in snapshot.fed.meetings if snapshot.fed else ():
        yield _plain(meeting)


def _health(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    return map(_plain, snapshot.health.feeds)


def _breadth(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    for index in snapshot.breadth.indices.values() if snapshot.breadth else ():
        figures = index.now or index.settled
        if figures is not None:
            head = {"fund": index.fund, "is_settled": index.now is None}
            yield {**head, **_plain(figures), **_status(index.status)}


def _events(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    return map(_plain, snapshot.events)


def _graph(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    """Every point of every trail; the head is not settled."""
    graph = snapshot.graph
    for step in ("weekly", "daily") if graph else ():
        for symbol, trail in getattr(graph, step).items():
            for point in (*trail.tail, *((trail.head,) if trail.head else ())):
                yield {
                    "symbol": symbol,
                    "step": step,
                    "is_head": point is trail.head,
                    **_plain(point),
                }


def _macro(snapshot: Snapshot, _view: ViewState) -> Iterator[Row]:
    """Yields and the curve, then inflation and jobs: ``date`` is the day, or the first day of the month."""
    known = snapshot.macro
    if known is None:
        return
    for each in known.yields:
        yield _figure(each.tenor, each.pct, "%", each.date) | {"change_bp": each.change_bp}
    if known.curve is not None:
        curve = known.curve
        yield _figure("10Y-2Y", curve.bp, "bp", curve.date) | {"change_bp": curve.change_bp}
    for index in known.inflation:
        yield _figure(f"{index.name}, month", index.month_pct, "%", index.month)
        yield _figure(f"{index.name}, year", index.year_pct, "%", index.month)
    if known.jobs is not None:
        yield _figure("payrolls", known.jobs.payrolls_change, "thousand", known.jobs.month)
        yield _figure("unemployment", known.jobs.unemployment_pct, "%", known.jobs.month)


def _figure(series: str, value: float | None, unit: str, day: date) -> Row:
    return {"series": series, "value": value, "unit": unit, "date": day.isoformat()}


_TABLES = {
    "legs": _legs,
    "spread": _spread,
    "ratio": _ratio,
    "fed": _fed,
    "health": _health,
    "breadth": _breadth,
    "events": _events,
    "graph": _graph,
    "macro": _macro,
}
