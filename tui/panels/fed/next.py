"""The next meeting: when, what the figures are worth, and how cut, hold and hike stand."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.status import Kind
from rotation.text import day, duration
from tui.panels.base import status_role
from tui.panels.fed.figures import lower_bp, rate_role, share, target
from tui.panels.ribbon import NEW_YORK
from tui.view.draw import UNKNOWN, Row, Span, arrow, bar, change, clean, column, number, wrap

if TYPE_CHECKING:
    from datetime import datetime

    from rotation.fed.figures import Fed
    from tui.view.marks import Mark

WAYS = (("cut", "accent", "accent"), ("hold", "text", "muted"), ("hike", "warn", "warn"))
"""What can happen, the role of its figure and of its bar; the word always stands beside the colour."""
PAST = ("1d", "1w", "1m")
BESIDE_FROM = 56
"""Cells from which the ranges stand beside cut, hold and hike."""
UNDER_FROM = 26
"""Lines from which a narrow panel gives every range a line."""
RANGES = 5
"""Target ranges shown at most, the likeliest; the tree has them all."""


def top(fed: Fed, as_of: datetime, width: int, height: int, mark: Mark) -> list[Row]:
    """Warnings first, then the meeting, its odds, and how they have changed."""
    lines = warnings(fed, width, max(height // 5, 2))
    lines += head(fed, as_of, width)
    if height - len(lines) < len(WAYS):
        lines.append(_terse(fed, mark))
    else:
        lines += _bars(fed, width, height, mark)
    return [*lines, past(fed, width, mark)]


def countdown(decides: datetime, as_of: datetime) -> tuple[str, ...]:
    """Until the decision, in words, the fullest first and shorter ones for less room."""
    left = int((decides - as_of).total_seconds())
    if left <= 0:
        return ("decided",)
    hours, minutes = left // 3600, left % 3600 // 60
    if left >= 86_400:
        return (f"in {left // 86_400} d {left % 86_400 // 3600} h",)
    short = f"in {hours} h {minutes} min" if hours else f"in {minutes} min" if minutes else "in seconds"
    here = decides.astimezone(NEW_YORK)
    if here.date() != as_of.astimezone(NEW_YORK).date():
        return (short,)
    return (f"today {here:%H:%M} New York, {short}", f"today, {short}", short)


def warnings(fed: Fed, width: int, most: int) -> list[Row]:
    """What a reader must know, wrapped over at most ``most`` lines."""
    lines: list[str] = []
    for text in fed.warnings:
        first, *more = wrap(clean(text), max(width - 2, 1), most)
        lines += [f"! {first}", *(f"  {line}" for line in more)]
    if len(lines) > most:
        lines = [*lines[: most - 1], column(lines[most - 1] + " … more", width, right=False)]
    return [((line, "warn"),) for line in lines]


def head(fed: Fed, as_of: datetime, width: int) -> list[Row]:
    """The meeting with its countdown and the range now; then what the figures are worth."""
    when = day(fed.meeting)
    forms = countdown(fed.decides, as_of)
    left = next((form for form in forms if len(when) + 2 + len(form) <= width), forms[-1])
    first: list[Span] = [(when, "strong"), ("  ", "text"), (left, "accent")]
    if fed.target_range_bp:
        now = target("{}-{}".format(*fed.target_range_bp))
        long = (("  range now ", "muted"), (f"{now} bp", "text"))
        _extend(first, width, long, (("  now ", "muted"), (now, "text")), (("  ", "text"), (now, "text")))
    if fed.effr_pct is not None:
        _extend(first, width, (("  EFFR ", "muted"), (f"{number(fed.effr_pct)} %", "text")))
    futures = fed.engines.get("futures")
    second: list[Span] = [(fed.state, status_role(fed.status))]
    is_stale = fed.status is not None and fed.status.kind is Kind.STALE
    if futures and futures.age_s is not None and not is_stale:
        second.append((f", {duration(futures.age_s)} old", "muted"))
    kind = futures.kind if futures and futures.kind not in fed.source else ""
    source = "  ".join(part for part in (kind, fed.source) if part)
    return [tuple(first), (*second, (f"  {source}", "faint"))]


def _extend(spans: list[Span], width: int, *choices: tuple[Span, ...]) -> None:
    """Add the first choice that still fits."""
    room = width - sum(len(text) for text, _ in spans)
    for choice in choices:
        if sum(len(text) for text, _ in choice) <= room:
            spans.extend(choice)
            return


def past(fed: Fed, width: int, mark: Mark) -> Row:
    """P(cut) now against a day, a week and a month ago, in percentage points."""
    spans: list[Span] = [("P(cut) change ", "muted")] if width >= 54 else []
    for key in PAST:
        moved = fed.change.get(key)
        pp = None if moved is None else round(100 * moved, 1)
        spans.append((f"{key[0]} {key[1]} ", "muted"))
        moved_pp = column(f"{arrow(pp)}{change(pp, 1)}".strip(), 7, right=False)
        spans.append((moved_pp, mark(rate_role(pp), f"fed.next.cut.change.{key}")))
    return (*spans, ("pp", "muted"))


def _odds(fed: Fed) -> tuple[float | None, ...]:
    return fed.cut, fed.hold, fed.hike


def _terse(fed: Fed, mark: Mark) -> Row:
    """Without bars, for the smallest terminal."""
    return tuple(
        span
        for (way, role, _), p in zip(WAYS, _odds(fed), strict=True)
        for span in (
            (f"{way} ", "muted"),
            (column(share(p), 5) + " ", mark(role if p else "muted", f"fed.next.{way}")),
        )
    )


def _bars(fed: Fed, width: int, height: int, mark: Mark) -> list[Row]:
    """Cut, hold and hike, and how they fall on target ranges."""
    if width >= BESIDE_FROM:
        half = (width - 3) // 2
        pairs = zip_longest(_ways(fed, half, mark), _ranges(fed, width - half - 3))
        blank: Row = ((" " * half, "text"),)
        return [(*(left or blank), ("   ", "text"), *(right or ())) for left, right in pairs]
    ways, ranges = _ways(fed, width, mark), _ranges(fed, width)
    if height >= UNDER_FROM:
        return [*ways, *ranges]
    return [*ways, tuple(span for row in ranges for span in (*row[:-1], (" ", "text")))] if ranges else ways


def _ways(fed: Fed, width: int, mark: Mark) -> list[Row]:
    best = max((p for p in _odds(fed) if p is not None), default=None)
    rows: list[Row] = []
    for (way, role, filled), p in zip(WAYS, _odds(fed), strict=True):
        name: Span = (column(way, 5, right=False), "muted" if p is None or p != best else "strong")
        if p is None:
            unknown: Span = (column(UNKNOWN, 5) + " " * (width - 10), mark("muted", f"fed.next.{way}"))
            rows.append((name, unknown))
        else:
            figure: Span = (f"{column(share(p), 5)} % ", mark(role if p else "muted", f"fed.next.{way}"))
            rows.append((name, figure, (bar(p, max(width - 13, 0)), filled)))
    return rows


def _ranges(fed: Fed, width: int) -> list[Row]:
    """The likeliest ranges from the lowest up; ▸ the one now, ◂ the likeliest."""
    if not fed.outcomes:
        return []
    now = "{}-{}".format(*fed.target_range_bp) if fed.target_range_bp else ""
    shown = {**({now: 0.0} if now else {}), **fed.outcomes}
    best = max(shown, key=shown.__getitem__)
    kept = sorted(shown, key=lambda name: (name != now, -shown[name]))[:RANGES]
    rows: list[Row] = []
    for name in sorted(kept, key=lower_bp):
        role = "strong" if name == best else "text"
        rows.append(
            (
                ("▸" if name == now else " ", "accent"),
                (column(target(name), 8, right=False), role),
                (f"{column(share(shown[name]), 5)} %", role),
                ("◂" if name == best else " ", "accent"),
                (bar(shown[name], max(width - 17, 0)), "line"),
            )
        )
    return rows
