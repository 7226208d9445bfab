"""``rotation-tui fed``: the rate-cut table of a strip, as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

from rotation.errors import InputError
from rotation.fed_table import checked_table
from rotation.headline import day
from rotation.strip_file import parse_strip
from tui.draw import UNKNOWN, change, clean, column

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rotation.fed_table import FedRow, FedTable
    from rotation.fedwatch import StripCase
    from rotation.odds import View


def report(strip: Path, view: View, form: str, *, legacy: bool) -> str:
    """The table of the strip in a file. Raises InputError for a file or a strip that makes no sense."""
    try:
        data = strip.read_bytes()
    except OSError as error:
        raise InputError(f"{strip.name}: cannot be read ({error.strerror}); check the path") from error
    try:
        case = parse_strip(data)
        table, flags = checked_table(case, view, legacy=legacy)
    except InputError as error:
        raise InputError(f"{strip.name}: {error}") from error
    return _FORMS[form](case, table, flags)


def _text(case: StripCase, table: FedTable, flags: tuple[str, ...]) -> str:
    low, high = case.target_range_bp
    lines = [
        f"{day(table.watch_date)}, target range {low}-{high} bp, {table.view} view",
        "",
        "meeting      move bp    cut %   hold %   hike %  ranges, likeliest first",
        *(_line(row) for row in table.meetings),
    ]
    if table.stopped_at:
        lines.append(
            f"{column(day(table.stopped_at), 11, right=False)}{column(UNKNOWN, 9)}  the chain stops here"
        )
    lines += [f"note: {flag}" for flag in flags]
    return "\n".join(clean(line).rstrip() for line in lines) + "\n"


def _line(row: FedRow) -> str:
    likely = sorted(row.outcomes.items(), key=lambda item: -item[1])[:3]
    return (
        column(day(row.date), 11, right=False)
        + column(change(25 * row.move, 1), 9)
        + "".join(column(f"{100 * p:.1f}", 9) for p in (row.cut, row.hold, row.hike))
        + "  "
        + ", ".join(f"{name} {100 * p:.1f} %" for name, p in likely)
        + ("" if row.state == "ok" else f"  [{row.state}]")
    )


def _json(_case: StripCase, table: FedTable, _flags: tuple[str, ...]) -> str:
    return msgspec.json.encode(table).decode() + "\n"


def _csv(_case: StripCase, table: FedTable, _flags: tuple[str, ...]) -> str:
    """A line per meeting, a column per target range; a range a meeting cannot reach is 0."""
    ranges = sorted({name for row in table.meetings for name in row.outcomes}, key=_lower_bp)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["meeting", "move", "cut", "hold", "hike", "state", *ranges])
    for row in table.meetings:
        shares = [row.outcomes.get(name, 0.0) for name in ranges]
        lines.writerow([row.date, row.move, row.cut, row.hold, row.hike, row.state, *shares])
    return out.getvalue()


def _lower_bp(name: str) -> int:
    """``475-500`` → 475; a range below zero begins with a minus."""
    return int(name[: name.index("-", 1)])


_FORMS: dict[str, Callable[[StripCase, FedTable, tuple[str, ...]], str]] = {
    "table": _text,
    "json": _json,
    "csv": _csv,
}
