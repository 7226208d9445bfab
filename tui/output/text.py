"""The snapshot as plain text, for pipes and for people without the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.text import day, percentile
from rotation.wording import connection_words, source_with_venue, word_with_venue
from tui.output import text_fed as report_fed
from tui.panels.base import about, pair_note
from tui.panels.explained import reason, valued
from tui.panels.ribbon import NEW_YORK, run
from tui.view.draw import UNKNOWN, change, clean, column, number

if TYPE_CHECKING:
    from rotation.context.explanation import Explained, Input, Whole
    from rotation.snapshot import SincePct, SincePp, Snapshot


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
    lines = [f"{mark}{when:%a %d %b %Y %H:%M:%S %Z}  {snapshot.phase}  {session}", snapshot.headline, ""]
    lines += _legs(snapshot) + _spread(snapshot) + _value_growth(snapshot)
    lines += report_fed.text(snapshot.fed, snapshot.as_of)
    return "\n".join(clean(line).rstrip() for line in lines) + "\n"


def _legs(snapshot: Snapshot) -> list[str]:
    windows = snapshot.spread.windows
    heads = "".join(column("day %" if k == "1" else f"{k}d %", 9) for k in windows)
    lines = [column("", 6) + column("last", 10) + heads + column("streak", 10) + "  state"]
    for symbol, leg in snapshot.legs.items():
        returns = "".join(column(change(leg.return_pct[k]), 9) for k in windows)
        since = leg.since["5"]
        lines.append(
            column(symbol, 6, right=False)
            + column(number(leg.last), 10)
            + returns
            + column(run(leg.streak), 10)
            + f"  {word_with_venue(leg.status)}"
            + (f", 5d: {_since(since, since.value_pct, '%')}" if since else "")
        )
    return lines


def _spread(snapshot: Snapshot) -> list[str]:
    spread = snapshot.spread
    lines = ["", f"{spread.base} − {spread.against}, relative streak {run(spread.relative_streak)}"]
    for k, window in spread.windows.items():
        is_claimed = window.since is not None and not (window.status and window.status.apart)
        since = _since(window.since, window.since.value_pp, "pp") if window.since and is_claimed else UNKNOWN
        figure = about(window.pp, window.status) + change(window.pp)
        lines.append(
            f"{k:>5}d {column(figure, 8)} pp  z {column(change(window.z), 6)}"
            f"  pctile {column(percentile(window.percentile), 5)} of {window.n:,}  {since}"
        )
    why = pair_note(snapshot)
    return [*lines, why] if why else lines


def _since(since: SincePct | SincePp, value: float | None, unit: str) -> str:
    if since.date is None:
        return f"record since {day(since.first_date)}" if since.first_date else "record"
    return f"since {day(since.date)} ({change(value)} {unit})"


def _value_growth(snapshot: Snapshot) -> list[str]:
    vg = snapshot.value_growth
    if vg is None:
        return []
    low = f"since {day(vg.low.since)}" if vg.low.since else f"on record, since {day(vg.first_date)}"
    return [
        "",
        f"{vg.base}/{vg.against} {vg.value:.2f} at close of {day(vg.session)} (100 = {day(vg.first_date)})",
        f"year's low {vg.low.value:.2f} on {day(vg.low.date)}, lowest {low}",
        vg.note,
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
