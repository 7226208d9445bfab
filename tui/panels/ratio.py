"""Ratio: base / against as a line, over the past year and today; value against growth below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.desk import pair_prefix
from rotation.text import day, percentile
from tui.panels.base import about
from tui.view.draw import Row, Span, braille, change, column, flowed, number, toned, whole, wrap
from tui.view.marks import marker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.snapshot import Extreme, Ratio, Snapshot, ValueGrowth
    from tui.view.marks import Mark
    from tui.view.view_state import ViewState

AXIS = 8
"""Cells for the labels left of a chart."""
CURRENT = "accent"
WHOLE_FROM = 58
"""Cells that the head of the records takes with the longer of them."""
BOTH_FROM = 12
"""Lines that two charts need."""
PROXY = "of a year; adjusted closes: a price proxy"
NO_PRICES = "no prices for both legs in this session yet"
NO_HISTORY = "no daily closes for both legs: run rotation-tui history sync"


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """One or two charts filling the height, with the value-growth lines where there is room."""
    mark = marker(view, "ratio")
    foot = _value_growth(snapshot.value_growth, width, mark) if height >= BOTH_FROM else []
    if view.whole == "ratio" and snapshot.ratio.daily:
        foot = [*_records(snapshot.ratio, width), *foot]
    room = height - len(foot)
    role = mark(CURRENT, f"{pair_prefix(view.pair)}ratio")
    daily, today = _daily(snapshot.ratio, role), _today(snapshot.ratio)
    charts = [daily] if view.chart == "daily" else [today] if view.chart == "today" else [daily, today]
    if len(charts) == 2 and room < BOTH_FROM:
        charts = [today] if snapshot.ratio.intraday else [daily]
    if charts == [today]:
        title, points, ends = today
        today = [title[0], _value(snapshot.ratio, role)[1], *title[1:]], points, ends
        charts = [today]
    lines: list[Row] = []
    for i, (title, points, span) in enumerate(charts):
        share = room // len(charts) + (room % len(charts) if i == 0 else 0)
        absent = NO_PRICES if charts[i] is today else NO_HISTORY
        lines += _chart(title, points, span, width, share, absent)
    return lines + foot


Chart = tuple[list["Span"], list[tuple[float, float]], tuple[str, str]]
"""Title, (x in 0…1, value) points, and the labels at the ends of the x axis."""


def _daily(ratio: Ratio, role: str = CURRENT) -> Chart:
    """``role``: of the value now."""
    title = _value(ratio, role)
    if ratio.first_date:
        title.append((f"100 = {day(ratio.first_date)}", "faint"))
    line = [value for _, value in ratio.daily]
    if ratio.value is not None and ratio.intraday:
        line.append(ratio.value)
    ends = ("", "")
    if ratio.daily:
        ends = (day(ratio.daily[0][0]), "now" if ratio.intraday else day(ratio.daily[-1][0]))
    last = max(len(line) - 1, 1)
    return title, [(i / last, value) for i, value in enumerate(line)], ends


def _value(ratio: Ratio, role: str) -> list[Span]:
    return [
        (f"{ratio.base}/{ratio.against} ", "strong"),
        (f"{about(ratio.value, ratio.status)}{number(ratio.value)}  ", role),
    ]


def today_pct(ratio: Ratio) -> float | None:
    """Change of the ratio since the last close in percent; None without prints of both legs, or a close."""
    if not ratio.intraday or not ratio.daily:
        return None
    return (ratio.intraday[-1][1] / ratio.daily[-1][1] - 1) * 100


def _today(ratio: Ratio) -> Chart:
    title: list[Span] = [("today ", "strong")]
    if ratio.intraday:
        pct = today_pct(ratio)
        title += [
            (f"{about(pct, ratio.status)}{change(pct)} %", toned(pct)),
            (" since the last close", "faint"),
        ]
    points = [(min(minute / ratio.minutes, 1.0), value) for minute, value in ratio.intraday]
    hours, minutes = divmod(9 * 60 + 30 + ratio.minutes, 60)
    return title, points, ("09:30", f"{hours}:{minutes:02d} New York")


def _chart(  # noqa: PLR0917 - a chart, its size and its words
    title: Sequence[Span],
    points: list[tuple[float, float]],
    ends: tuple[str, str],
    width: int,
    height: int,
    absent: str,
) -> list[Row]:
    """Title line, the line itself with its highest and lowest value, and the ends of its axis."""
    plot, inner = max(height - 2, 1), max(width - AXIS - 1, 4)
    if not points:
        return [tuple(title), ((absent, "muted"),), *[()] * (height - 2)][:height]
    values = [value for _, value in points]
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    drawn = braille([(x, (value - low) / spread if high > low else 0.5) for x, value in points], inner, plot)
    labels = {0: number(high), plot - 1: number(low)}
    lines: list[Row] = [whole(tuple(title), width)]
    for y, line in enumerate(drawn):
        lines.append(((column(labels.get(y, ""), AXIS) + "┤", "faint"), (line, "line")))
    left, right = ends
    gap = " " * max(inner - len(left) - len(right), 1)
    lines.append(((" " * (AXIS + 1) + left + gap + right, "faint"),))
    return lines[:height]


def _records(ratio: Ratio, width: int) -> list[Row]:
    """The highest and the lowest close of the line with their days, and how far from each it is now."""
    ends = (
        ("high", max(reversed(ratio.daily), key=lambda point: point[1])),
        ("low", min(reversed(ratio.daily), key=lambda point: point[1])),
    )
    parts: list[list[Span]] = []
    for word, (when, value) in ends:
        spans: list[Span] = [(f"{word} ", "muted"), (number(value), "text"), (f" on {day(when)}", "muted")]
        if ratio.value is not None:
            pct = (ratio.value / value - 1) * 100
            beyond = pct > 0 if word == "high" else pct < 0
            spans.append((f", now {change(pct, 1)} %", "accent" if beyond else "muted"))
        parts.append(spans)
    head: Span = (f"of {len(ratio.daily)} closes: ", "faint")
    one_line = (head, *parts[0], ("   ", "text"), *parts[1])
    if sum(len(text) for text, _ in one_line) <= width:
        return [one_line]
    return (
        [(head,), *(whole(tuple(spans), width) for spans in parts)]
        if width < WHOLE_FROM
        else [(head, *parts[0]), tuple(parts[1])]
    )


def _value_growth(vg: ValueGrowth | None, width: int, mark: Mark) -> list[Row]:
    if vg is None:
        return []
    now: tuple[Row, ...] = (
        ((f"{vg.base}/{vg.against} ", "strong"), (number(vg.value), mark("accent", "value_growth"))),
        ((f" {day(vg.session)}", "muted"),),
        ((", pctile ", "muted"), (percentile(vg.percentile), mark("muted", "value_growth.percentile"))),
    )
    low = _extreme(vg.low, "low", "lowest", mark)
    high = _extreme(vg.high, "high", "highest", mark)
    lines = [line for row in (now, low, high) for line in flowed(row, width)]
    return [(), *lines, *(((line, "faint"),) for line in wrap(PROXY, width, 2))]


def _extreme(extreme: Extreme, side: str, word: str, mark: Mark) -> tuple[Row, ...]:
    """The value with its day, and since when there was none like it."""
    if extreme.since:
        rank = f"{word} since {day(extreme.since)}"
    else:
        first = extreme.first_date
        rank = f"all-time {side} (data from {first.year})" if first else "under a year of history"
    return (
        (
            (f"{side} ", "muted"),
            (f"{number(extreme.value)} ", mark("text", f"value_growth.{side}")),
            (day(extreme.date), mark("muted", f"value_growth.{side}.date")),
        ),
        ((", ", "muted"), (rank, mark("muted", f"value_growth.{side}.since"))),
    )
