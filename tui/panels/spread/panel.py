"""Spread: the pair's difference over every window, how unusual it is, and how rare the runs are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.desk import pair_prefix
from rotation.status import BAD
from rotation.text import day, percentile, short_day
from tui.panels.base import about, pair_note, status_role
from tui.panels.fed.figures import share
from tui.panels.ratio.points import today_pct
from tui.panels.ribbon import run
from tui.panels.spread import story, years
from tui.view.draw import UNKNOWN, Row, Span, arrow, change, column, flowed, number, toned
from tui.view.marks import marker
from tui.view.tracks import track
from tui.view.view_state import more_windows, options_of

if TYPE_CHECKING:
    from rotation.snapshot import BaseRate, SincePp, Snapshot, SpreadWindow
    from tui.view.marks import Mark
    from tui.view.view_state import ViewState

LONGEST = len("27 May 2020 (+10.34)")
NARROW, COUNTED = 46, 75
"""Below the first there is no z, below the second no count: a date and the track are worth more."""
TRACKED = 64
"""From here on every window has its track; below, the chosen one has a line of its own."""
TRACKS = ((100, 27), (88, 21), (82, 15), (COUNTED, 9), (TRACKED, 11))
"""Width of a panel → cells of a track, the widest first."""
MEDIAN = "┊ median"
"""Of all settled values, which need not be 0: a gap may stand on the lead's side of it."""
CRAMPED = 7
"""Lines in a terminal of 24 rows."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """A line per window, the relative streak, then base rates as room allows; zoomed the story below.

    With so little height neither the ratio nor the Fed has a place: a line of both stands for them.
    """
    spread, mark = snapshot.spread, marker(view, "spread")
    own, p = options_of(view), pair_prefix(view.pair)
    chosen = spread.windows.get(str(view.window))
    lines = [_head(width)]
    if width < TRACKED and chosen is not None:
        lines.append(_track_line(chosen, view, width, mark))
    shown = ((k, spread.windows.get(str(k))) for k in view.windows)
    lines += [_line(k, window, view, width, mark) for k, window in shown if window is not None]
    if why := pair_note(snapshot):
        lines.append(((why, "warn"),))
    lines += [
        _beside(snapshot, width, p, mark)
        if height <= CRAMPED + more_windows(view) and not view.zoomed
        else (),
        *flowed(
            (
                *((((f"{own.title}: ", "strong"),),) if own and own.title else ()),
                ((f"{spread.base} against {spread.against} ", "muted"),),
                (
                    ("relative streak ", "muted"),
                    (run(spread.relative_streak), mark("strong", f"{p}relative_streak.with_today")),
                ),
            ),
            width,
        ),
    ]
    lines += _rarity("spread", spread.base_rate, width, f"{p}relative_streak.run", mark)
    leg = snapshot.legs.get(spread.base)
    if leg:
        lines += _rarity(spread.base, leg.base_rate, width, f"{spread.base.lower()}.run", mark)
    lines += _either_way(view, chosen, width, mark)
    if view.zoomed and view.focus == "spread":
        lines += [(), *years.rows(snapshot, view, width, height), *story.rows(snapshot, view, width)]
    return lines


def _beside(snapshot: Snapshot, width: int, p: str, mark: Mark) -> Row:
    """The ratio with its change today, and P(cut) at the next meeting where it fits; as they are worth."""
    ratio, fed = snapshot.ratio, snapshot.fed
    spans: list[Span] = [
        (f"{ratio.base}/{ratio.against} ", "muted"),
        (about(ratio.value, ratio.status) + number(ratio.value), mark("accent", f"{p}ratio")),
    ]
    if (pct := today_pct(ratio, snapshot.session)) is not None:
        spans += [(", today ", "muted"), (f"{about(pct, ratio.status)}{change(pct)} %", toned(pct))]
    if fed is None:
        return tuple(spans)
    odds: list[Span] = [
        (f"   cut on {short_day(fed.meeting)} ", "muted"),
        (UNKNOWN, mark("muted", "fed.next.cut"))
        if fed.cut is None
        else (f"{share(fed.cut)} %", mark("accent", "fed.next.cut")),
    ]
    if fed.status is not None and fed.status.kind in BAD:
        odds.append((f" {fed.state}", status_role(fed.status)))
    used = sum(len(text) for text, _ in (*spans, *odds))
    return (*spans, *odds) if used <= width else tuple(spans)


class _Widths(NamedTuple):
    """Cells of the columns before the track."""

    pp: int
    z: int
    percentile: int

    @classmethod
    def of(cls, width: int) -> _Widths:
        """Those of a panel so wide; no z in a narrow one."""
        if width >= COUNTED:
            return cls(11, 7, 7)
        return cls(9, 6 if width >= NARROW else 0, 6)


def _head(width: int) -> Row:
    cells = _Widths.of(width)
    names = [column("", 5), column("spread pp", cells.pp)]
    names += [column("z", cells.z)] if cells.z else []
    names += [column("pctile", cells.percentile)]
    names += [column("n / k", 7)] if width >= COUNTED else []
    if size := _track_cells(width):
        names.append(f"  {_track_head(size)}")
    head = " lead/gap since" if cells.z and _room(width) >= LONGEST else " since"
    return ((" ".join([*names, head]), "faint"),)


def _track_head(size: int) -> str:
    """What the ends of a track are, and its mark halfway where that has room."""
    before = 1 + (size - 2) // 2
    middle = f"{'gap':<{before}}{MEDIAN}"
    ends = f"{'gap':<{size - 4}}lead"
    return f"{middle:<{size - 4}}lead" if len(middle) + 1 + len("lead") <= size else ends


def _track_cells(width: int) -> int:
    """Cells of a window's track; 0 where there is no room for it on its line."""
    return next((cells for least, cells in TRACKS if width >= least), 0)


def _room(width: int) -> int:
    """Cells for the date at the end of a line."""
    cells, size = _Widths.of(width), _track_cells(width)
    fixed = 5 + sum(each + 1 for each in cells if each) + 2
    return width - fixed - (8 if width >= COUNTED else 0) - (size + 3 if size else 0)


def _line(k: int, window: SpreadWindow, view: ViewState, width: int, mark: Mark) -> Row:
    chosen = k == view.window
    role, p = toned(window.pp), f"{pair_prefix(view.pair)}spread.{k}"
    figure = f"{about(window.pp, window.status)}{arrow(window.pp)}{change(window.pp)}"
    widths = _Widths.of(width)
    spans: list[Span] = [
        (column(f"{'▸' if chosen else ' '}{k}d", 5, right=False), "accent" if chosen else "text"),
        (
            " " + column(figure, widths.pp),
            mark(f"{role}-strong" if chosen and role != "muted" else role, f"{p}.pp"),
        ),
    ]
    if widths.z:
        z = "few" if window.is_few else change(window.z)
        spans.append((" " + column(z, widths.z), mark("faint" if window.is_few else "text", f"{p}.z")))
    rank = percentile(window.percentile)
    spans.append((" " + column(rank, widths.percentile), mark("text", f"{p}.percentile")))
    if width >= COUNTED:
        spans.append((" " + column(f"{window.n_effective:,.0f}", 7), mark("muted", f"{p}.n")))
    if cells := _track_cells(width):
        spans += [("   ", "text"), _track(window, cells, chosen=chosen)]
    since = UNKNOWN if _apart(window) else _fitting(window.since, width)
    spans += [("  ", "text"), (since, mark("text" if chosen else "muted", f"{p}.since"))]
    return tuple(spans)


def _track(window: SpreadWindow, cells: int, *, chosen: bool) -> Span:
    """Its place among all settled values, from the widest gap over the median to the widest lead."""
    share = None if window.percentile is None else window.percentile / 100
    return track(share, cells, middle=True), "accent" if chosen else "muted"


def _track_line(window: SpreadWindow, view: ViewState, width: int, mark: Mark) -> Row:
    """The track of the window chosen, where no line has room for one."""
    rank = percentile(window.percentile)
    p = f"{pair_prefix(view.pair)}spread.{view.window}"
    return (
        (f"{view.window}d gap ", "muted"),
        _track(window, max(width - len(f"{view.window}d gap  lead ") - 6, 7), chosen=True),
        (" lead ", "muted"),
        (column(rank, 5), mark("text", f"{p}.percentile")),
    )


def _apart(window: SpreadWindow) -> bool:
    """Whether the legs' prices are too far apart in time for a record to be claimed."""
    return window.status is not None and window.status.apart


def _either_way(view: ViewState, window: SpreadWindow | None, width: int, mark: Mark) -> list[Row]:
    """The absolute record: a lead is not the widest spread if a gap behind was wider."""
    if window is None or window.since_either_way is None or _apart(window):
        return []
    words = _since(window.since_either_way)
    figure = f"{pair_prefix(view.pair)}spread.{view.window}.since_either_way"
    what: Row = ((f"{view.window}d, lead or gap: ", "muted"),)
    return flowed((what, (("widest since ", "muted"), (words, mark("text", figure)))), width)


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


def _rarity(what: str, rate: BaseRate | None, width: int, figure: str, mark: Mark) -> list[Row]:
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
    return [
        (
            (run, "muted"),
            (runs, mark("text", f"{figure}.times")),
            (among, "muted"),
            (expected, mark("text", f"{figure}.expected")),
            (last, "muted"),
        )
    ]
