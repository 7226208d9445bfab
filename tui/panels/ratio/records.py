"""Below the ratio's charts: the records of the year shown, and value against growth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.text import day, percentile
from tui.view.draw import Row, Span, change, flowed, number, whole, wrap

if TYPE_CHECKING:
    from rotation.snapshot import Extreme, Ratio, ValueGrowth
    from tui.view.marks import Mark

WHOLE_FROM = 58
"""Cells that the head of the records takes with the longer of them."""
PROXY = "in a year; adjusted closes: a price proxy"


def records(ratio: Ratio, width: int) -> list[Row]:
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


def value_growth(vg: ValueGrowth | None, width: int, mark: Mark) -> list[Row]:
    """Its level with its place among all, and the ends of the year; nothing without it."""
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
