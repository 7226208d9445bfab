"""Spread: the pair's difference over every window, how unusual it is, and how rare the runs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.status import BAD
from rotation.text import day, percentile, short_day
from tui.panels import story
from tui.panels.base import about, pair_note, status_role
from tui.panels.fed.figures import share
from tui.panels.ratio import today_pct
from tui.panels.ribbon import run
from tui.view.draw import UNKNOWN, Row, Span, arrow, bar, change, column, number, toned
from tui.view.view_state import more_windows, options_of

if TYPE_CHECKING:
    from rotation.snapshot import BaseRate, SincePp, Snapshot, SpreadWindow
    from tui.view.view_state import ViewState

LONGEST = len("27 May 2020 (+10.34)")
NARROW, COUNTED = 46, 54
"""Below the first there is no z, below the second no count: a date is worth more than either."""
CRAMPED = 7
"""Lines in a terminal of 24 rows."""
WIDE = 70
"""From here on a bar for the percentile fits beside the figures."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """A line per window, the relative streak, then base rates as room allows; zoomed the story below.

    With so little height neither the ratio nor the Fed has a place: a line of both stands for them.
    """
    spread = snapshot.spread
    own = options_of(view)
    lines = [_head(width)]
    lines += [_line(k, spread.windows[str(k)], view, width) for k in view.windows if str(k) in spread.windows]
    if why := pair_note(snapshot):
        lines.append(((why, "warn"),))
    lines += [
        _beside(snapshot, width) if height <= CRAMPED + more_windows(view) and not view.zoomed else (),
        (
            *(((f"{own.title}: ", "strong"),) if own and own.title else ()),
            (f"{spread.base} against {spread.against} ", "muted"),
            ("relative streak ", "muted"),
            (run(spread.relative_streak), "strong"),
        ),
    ]
    lines += _rarity("spread", spread.base_rate, width)
    leg = snapshot.legs.get(spread.base)
    if leg:
        lines += _rarity(spread.base, leg.base_rate, width)
    lines += _either_way(view, spread.windows.get(str(view.window)))
    if view.zoomed and view.focus == "spread":
        lines += story.rows(snapshot, view, width)
    return lines


def _beside(snapshot: Snapshot, width: int) -> Row:
    """The ratio with its change today, and P(cut) at the next meeting where it fits; as they are worth."""
    ratio, fed = snapshot.ratio, snapshot.fed
    spans: list[Span] = [
        (f"{ratio.base}/{ratio.against} ", "muted"),
        (about(ratio.value, ratio.status) + number(ratio.value), "accent"),
    ]
    if (pct := today_pct(ratio)) is not None:
        spans += [(", today ", "muted"), (f"{about(pct, ratio.status)}{change(pct)} %", toned(pct))]
    if fed is None:
        return tuple(spans)
    odds: list[Span] = [
        (f"   cut on {short_day(fed.meeting)} ", "muted"),
        (UNKNOWN, "muted") if fed.cut is None else (f"{share(fed.cut)} %", "accent"),
    ]
    if fed.status is not None and fed.status.kind in BAD:
        odds.append((f" {fed.state}", status_role(fed.status)))
    used = sum(len(text) for text, _ in (*spans, *odds))
    return (*spans, *odds) if used <= width else tuple(spans)


def _head(width: int) -> Row:
    if width < NARROW:
        return ((" ".join([column("", 5), column("spread pp", 9), column("pctile", 6), " since"]), "faint"),)
    names = [column("", 5), column("spread pp", 11), column("z", 7), column("pctile", 7)]
    names += [column("n / k", 7)] if width >= COUNTED else []
    if width >= WIDE:
        names.append("  rank      ")
    head = " lead/gap since" if _room(width) >= LONGEST else " since"
    return ((" ".join([*names, head]), "faint"),)


def _room(width: int) -> int:
    """Cells for the date at the end of a line."""
    if width < NARROW:
        return width - 24
    return width - 35 - (8 if width >= COUNTED else 0) - (13 if width >= WIDE else 0)


def _line(k: int, window: SpreadWindow, view: ViewState, width: int) -> Row:
    chosen = k == view.window
    role = toned(window.pp)
    figure = f"{about(window.pp, window.status)}{arrow(window.pp)}{change(window.pp)}"
    is_narrow = width < NARROW
    spans: list[Span] = [
        (column(f"{'▸' if chosen else ' '}{k}d", 5, right=False), "accent" if chosen else "text"),
        (
            " " + column(figure, 9 if is_narrow else 11),
            f"{role}-strong" if chosen and role != "muted" else role,
        ),
    ]
    if not is_narrow:
        z = "few" if window.is_few else change(window.z)
        spans.append((" " + column(z, 7), "faint" if window.is_few else "text"))
    spans.append((" " + column(percentile(window.percentile), 6 if is_narrow else 7), "text"))
    if width >= COUNTED:
        spans.append((" " + column(f"{window.n_effective:,.0f}", 7), "muted"))
    if width >= WIDE:
        share = (window.percentile or 0) / 100
        spans += [("   ", "text"), (bar(share, 10), "accent" if chosen else "faint")]
    spans.append(
        ("  " + (UNKNOWN if _apart(window) else _fitting(window.since, width)), "text" if chosen else "muted")
    )
    return tuple(spans)


def _apart(window: SpreadWindow) -> bool:
    """Whether the legs' prices are too far apart in time for a record to be claimed."""
    return window.status is not None and window.status.apart


def _either_way(view: ViewState, window: SpreadWindow | None) -> list[Row]:
    """The absolute record: a lead is not the widest spread if a gap behind was wider."""
    if window is None or window.since_either_way is None or _apart(window):
        return []
    words = _since(window.since_either_way)
    return [((f"{view.window}d, lead or gap: widest since ", "muted"), (words, "text"))]


def _count(expected: float) -> str:
    """``126``, ``3.4`` or ``0.02``."""
    return f"{expected:,.0f}" if expected >= 10 else f"{expected:.1f}" if expected >= 1 else f"{expected:.2g}"


def _fitting(since: SincePp | None, width: int) -> str:
    """A date is shown in full or not at all: if space is short, the value beside it is dropped first."""
    words, room = _since(since), _room(width)
    if len(words) <= room or since is None:
        return words
    return "record" if since.date is None else day(since.date)


def _since(since: SincePp | None) -> str:
    if since is None:
        return UNKNOWN
    if since.date is None:
        return f"record since {day(since.first_date)}" if since.first_date else "record"
    return f"{day(since.date)} ({change(since.value_pp)})"


def _rarity(what: str, rate: BaseRate | None, width: int) -> list[Row]:
    """``IWM run ▲5: 107 times in 6,069 sessions, 126 expected by chance``; fewer words where it is narrow."""
    if rate is None:
        return []
    run, runs, expected = (
        f"{what} run {arrow(rate.length)}{abs(rate.length)}: ",
        f"{rate.runs:,}",
        _count(rate.expected),
    )
    forms = (
        (f" times in {rate.n:,} sessions, ", " expected by chance"),
        (f" in {rate.n:,} sessions, ", " by chance"),
        (f" of {rate.n:,}, ", " by chance"),
        (", ", " by chance"),
    )
    fixed = len(run + runs + expected)
    among, last = next((form for form in forms if fixed + len("".join(form)) <= width), forms[-1])
    return [((run, "muted"), (runs, "text"), (among, "muted"), (expected, "text"), (last, "muted"))]
