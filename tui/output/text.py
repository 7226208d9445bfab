"""The snapshot as plain text, for pipes and for people without the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.text import day, percentile
from rotation.wording import PHASES, connection_words, source_with_venue, word_with_venue
from tui.output import text_fed as report_fed
from tui.panels.base import about, pair_note
from tui.panels.explained import reason, valued
from tui.panels.ribbon import NEW_YORK, run
from tui.view.draw import UNKNOWN, cells, change, clean, column, number, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.context.explanation import Explained, Input, Whole
    from rotation.snapshot import SincePct, SincePp, Snapshot


WIDTH = 100
"""Columns of the text snapshot; the headline alone is one line however long."""
MOST_ROWS = 12
"""Inputs that a text shows; JSON has all."""
WRITTEN_S = 30.0
"""A copied sentence with prices older than this also says when it was written."""


def text(snapshot: Snapshot) -> str:
    """Connection, time, headline, legs, spread and value against growth, at most 100 columns wide."""
    when = snapshot.as_of.astimezone(NEW_YORK)
    words = connection_words(snapshot.connection, snapshot.as_of)
    mark = "".join(f"{mark}  " for mark in (snapshot.mode, words) if mark)
    session = f"session {snapshot.session}" if snapshot.session else "no session"
    lines = [
        f"{mark}{when:%a %d %b %Y %H:%M:%S %Z}  {PHASES[snapshot.phase]}  {session}",
        snapshot.headline,
        "",
    ]
    lines += _legs(snapshot) + _spread(snapshot) + _value_growth(snapshot)
    lines += report_fed.text(snapshot.fed, snapshot.as_of)
    return "\n".join(clean(line).rstrip() for line in lines) + "\n"


class _Column(NamedTuple):
    """A head and a cell a leg, as wide as the widest of them."""

    head: str
    cells: list[str]
    right: bool = True
    least: int = 0

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return max(self.least, *map(cells, (self.head, *self.cells)))

    def lines(self) -> list[str]:
        """Head and cells, each as wide as the column."""
        return [column(each, self.width, right=self.right) for each in (self.head, *self.cells)]


def _legs(snapshot: Snapshot) -> list[str]:
    """A line a leg. Columns that have no room beside the others follow in a table of their own."""
    legs = snapshot.legs.values()
    since = [leg.since["5"] for leg in legs]
    columns = [
        _Column("last", [number(leg.last) for leg in legs], least=9),
        *(
            _Column("day %" if k == "1" else f"{k}d %", [change(leg.return_pct[k]) for leg in legs], least=8)
            for k in snapshot.spread.windows
        ),
        _Column("streak", [run(leg.streak) for leg in legs], least=9),
        _Column(" state", [f" {word_with_venue(leg.status)}" for leg in legs], right=False),
    ]
    days = ["" if each is None else day(each.date) if each.date else "record" for each in since]
    figures = ["" if each is None else _since(each, each.value_pct, "%") for each in since]
    name = _Column("", list(snapshot.legs), right=False, least=5)
    for last in (figures, days):
        tables = _tables(name, [*columns, _Column(" 5d since", [f" {each}" for each in last], right=False)])
        if len(tables) == 1:
            break
    blank = [""]
    return [line for n, table in enumerate(tables) for line in (blank * (n > 0) + table)]


def _tables(name: _Column, columns: Sequence[_Column]) -> list[list[str]]:
    """The columns from left to right in as few tables of at most WIDTH columns as hold them."""
    tables: list[list[_Column]] = [[name]]
    for each in columns:
        if sum(column.width + 1 for column in tables[-1]) + each.width > WIDTH and len(tables[-1]) > 1:
            tables.append([name])
        tables[-1].append(each)
    return [
        [" ".join(line) for line in zip(*(column.lines() for column in table), strict=True)]
        for table in tables
    ]


def _spread(snapshot: Snapshot) -> list[str]:
    spread = snapshot.spread
    lines = ["", f"{spread.base} − {spread.against}, relative streak {run(spread.relative_streak)}"]
    for k, window in spread.windows.items():
        is_claimed = window.since is not None and not (window.status and window.status.apart)
        since = _claim(window.since, window.since.value_pp, "pp") if window.since and is_claimed else UNKNOWN
        figure = about(window.pp, window.status) + change(window.pp)
        lines.append(
            f"{k:>5}d {column(figure, 8)} pp  z {column(change(window.z), 6)}"
            f"  pctile {column(percentile(window.percentile), 5)} of {window.n:,}  {since}"
        )
    why = pair_note(snapshot)
    return [*lines, *wrap(why, WIDTH, 3)] if why else lines


def _claim(since: SincePp, value: float | None, unit: str) -> str:
    return _since(since, value, unit) if since.date is None else f"since {_since(since, value, unit)}"


def _since(since: SincePct | SincePp, value: float | None, unit: str) -> str:
    """``27 May 2020 (+10.02 %)``, ``record since 26 May 2000``."""
    if since.date is None:
        return f"record since {day(since.first_date)}" if since.first_date else "record"
    return f"{day(since.date)} ({change(value)} {unit})"


def _value_growth(snapshot: Snapshot) -> list[str]:
    vg = snapshot.value_growth
    if vg is None:
        return []
    low = f"since {day(vg.low.since)}" if vg.low.since else f"on record, since {day(vg.first_date)}"
    return [
        "",
        f"{vg.base}/{vg.against} {vg.value:.2f} at close of {day(vg.session)} (100 = {day(vg.first_date)})",
        f"year's low {vg.low.value:.2f} on {day(vg.low.date)}, lowest {low}",
        *wrap(vg.note, WIDTH, 3),
    ]


def quotation(snapshot: Snapshot) -> str:
    """The headline as one would paste it: with what it rests on, and of when that is.

    The time is the prices', not the clock's; the clock's stands beside it once they differ.
    """
    source = ", ".join(sorted({source_with_venue(leg.status) for leg in snapshot.legs.values()} - {""}))
    mark = f"{snapshot.mode}: " if snapshot.mode else ""
    return f"{mark}{snapshot.headline} [{source}; {_of_when(snapshot)}; rotation-tui]"


def _of_when(snapshot: Snapshot) -> str:
    """``as of 2026-08-21 14:40:45 UTC``; of older prices also when this was written."""
    made, connection = snapshot.data_as_of, snapshot.connection
    written = f"written {snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC"
    if made is None:
        return f"no price, {written}"
    settled = connection.settled if connection else None
    when = f"close of {settled}" if settled else f"as of {made:%Y-%m-%d %H:%M:%S} UTC"
    return f"{when}, {written}" if (snapshot.as_of - made).total_seconds() > WRITTEN_S else when


def explanation(known: Explained | Whole) -> list[str]:
    """Value and worth, why it is unknown, definition and formula; then the first and the last inputs."""
    worth = f"  {word_with_venue(known.status)}" if known.status else ""
    lines = [f"{known.id} {valued(known.value, known.unit, is_level=known.is_level)}{worth}"]
    if why := reason(known):
        lines.append(why)
    lines += [known.definition, known.formula]
    if not known.inputs:
        return lines
    shown = list(known.inputs)
    if len(shown) + known.left_out <= MOST_ROWS:
        return [*lines, "", *map(_row, shown)]
    half = MOST_ROWS // 2
    skipped = f"… {len(shown) + known.left_out - 2 * half:,} more: --format json has them all"
    return [*lines, "", *map(_row, shown[:half]), skipped, *map(_row, shown[-half:])]


def quoted_explanation(known: Explained | Whole) -> str:
    """The same for the clipboard, with the instant it is of."""
    of = "" if known.as_of is None else f"as of {known.as_of:%Y-%m-%d %H:%M:%S} UTC; "
    when = f"[{of}rotation-tui explain {known.id}]"
    return "\n".join([*explanation(known), when])


def _row(row: Input) -> str:
    number = UNKNOWN if row.value is None else f"{row.value:,.7g}"
    when = f" {row.at:%H:%M:%S} UTC" if row.at else ""
    return f"{row.symbol:<8} {row.date}{when}  {number:>10}  {row.source}"
