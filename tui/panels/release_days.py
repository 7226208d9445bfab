"""Release days: today's minutes around CPI, jobs and FOMC times against the earlier ones, as charts."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.macro.release_days import AFTER, BEFORE, LEAST_N
from rotation.sessions import NEW_YORK
from rotation.status import Kind
from rotation.text import counted, day, spelled_duration
from rotation.wording import state_word
from tui.panels.base import kind_role
from tui.view.draw import Row, Span, braille, change, column, fit, toned, wrap

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from rotation.macro.figures import Band, Macro, ReleasePath, ReleaseView

    Line = tuple[tuple[int, float], ...]

BESIDE_FROM = 100
"""Cells from which the spread and P(cut) stand side by side."""
GAP = 2
AXIS = 8
"""Cells for the labels left of a chart."""
LEAST_WIDTH, LEAST_HEIGHT = 12, 3
"""Of a plot: with less there are words alone."""
FEW, MANY = 6, 12
"""Lines of a plot: of a block among others, and where there is room."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TITLE = "Minutes around publications"
NONE = (
    "No minutes around a CPI, jobs or FOMC time are kept yet. While the desk is online it downloads the "
    "pair's minute bars; rotation-tui macro releases TAPE… reads tapes."
)
LATE = "by our log; Yahoo's futures are ten minutes late"


def rows(known: Macro | None, now: dt.datetime, width: int, height: int) -> list[Row]:
    """Every kind, today's first, then the newest; the zoom of the macro page."""
    views = known.release_days if known is not None else ()
    head: Row = ((TITLE, "strong"), ("  Enter: yields, prices, banks", "faint"))
    if not views:
        return [head, *(((line, "muted"),) for line in wrap(NONE, width, 5))]
    ordered = sorted(views, key=lambda each: (not is_today(each, now), -each.at.timestamp()))
    room = (height - 1) // min(len(ordered), 3) - 6
    plot = max(FEW, min(MANY, room))
    lines: list[Row] = [head]
    for view in ordered:
        lines += [*([()] if len(lines) > 1 else []), *_block(view, now, width, plot)]
    return lines


def today(known: Macro, now: dt.datetime, width: int, plot: int = FEW) -> list[Row]:
    """The publications of today; nothing on any other day."""
    lines: list[Row] = []
    for view in known.release_days:
        if is_today(view, now):
            lines += [*_block(view, now, width, plot), ()]
    return lines


def is_today(view: ReleaseView, now: dt.datetime) -> bool:
    """Whether it is published today, New York."""
    return view.at.astimezone(NEW_YORK).date() == now.astimezone(NEW_YORK).date()


def _block(view: ReleaseView, now: dt.datetime, width: int, plot: int) -> list[Row]:
    head = _head(view, now)
    notes = [((line, "warn"),) for line in wrap(_missing(view), width, 2)] if _missing(view) else []
    has_cut = bool(view.cut.line or view.cut.n)
    if width >= BESIDE_FROM and has_cut:
        half = (width - GAP) // 2
        left, right = _spread(view, now, half, plot), _cut(view, width - half - GAP, plot)
        pairs = zip_longest(left, right, fillvalue=())
        beside = ((*fit(own, half), (" " * GAP, "text"), *other) for own, other in pairs)
        return [head, *beside, *notes]
    return [head, *_spread(view, now, width, plot), *(_cut(view, width, plot) if has_cut else []), *notes]


def _head(view: ReleaseView, now: dt.datetime) -> Row:
    local = view.at.astimezone(NEW_YORK)
    left_s = (view.at - now).total_seconds()
    if is_today(view, now):
        when = f" today {local:%H:%M}"
        note = f", in {spelled_duration(left_s)}" if left_s > 0 else ""
    else:
        when, note = f" {WEEKDAYS[local.weekday()]} {day(local.date())} {local:%H:%M}", ""
    return ((view.kind.value, "title-focus"), (when, "strong"), (note, "accent"))


def _worth(view: ReleaseView, now: dt.datetime) -> Row:
    """What the day's own line is worth; nothing before its publication, and once it is whole."""
    if view.known_to is None:
        return () if now < view.at else (("no prices of this day", "warn"),)
    bars = f"{view.source}, {view.step_min} min bars" if view.step_min else view.source
    if view.worth is Kind.CLOSED:
        return ((bars, "faint"),)
    until = view.known_to.astimezone(NEW_YORK)
    return ((f"{state_word(view.worth)} to {until:%H:%M}", kind_role(view.worth)), (f"  {bars}", "faint"))


def _missing(view: ReleaseView) -> str:
    """Why earlier days, or this one, have no prices; empty where that is nothing to speak of."""
    if view.error and (view.known_to is None or view.absent):
        before = f"{counted(view.absent, 'earlier day')} without prices: " if view.absent else ""
        return f"{before}{view.error}"
    return ""


def _spread(view: ReleaseView, now: dt.datetime, width: int, plot: int) -> list[Row]:
    words = _now_row(view.spread, f"{view.base} − {view.against}", _worth(view, now), width)
    return [*words, *_chart(view, view.spread, width, plot)]


def _cut(view: ReleaseView, width: int, plot: int) -> list[Row]:
    return [
        *_now_row(view.cut, "P(cut)", ((LATE, "faint"),), width),
        *_chart(view, view.cut, width, plot),
    ]


def _now_row(path: ReleasePath, name: str, worth: Row, width: int) -> list[Row]:
    """Where the line stands, then how the earlier days stood then; on one line where both fit."""
    if path.line:
        minute, pp = path.line[-1]
        own: tuple[Span, ...] = (
            (f"{name} ", "text"),
            (f"{change(pp)} pp", toned(pp)),
            (f" {_after(minute)}  ", "muted"),
        )
    else:
        minute, own = AFTER, ((f"{name}  ", "text"),)
    band = next((each for each in path.band if each.minute == minute), None)
    earlier = _earlier(path, band, minute, has_own=bool(path.line))
    whole = (*own, *worth, ("  " if worth else "", "text"), (earlier, "muted"))
    if sum(len(text) for text, _ in whole) <= width:
        return [whole]
    first = (*own, *worth)
    lead = [first] if sum(len(text) for text, _ in first) <= width else [own, *_narrow(worth, width)]
    return [*lead, *(((line, "muted"),) for line in wrap(earlier, width, 2))]


def _narrow(worth: Row, width: int) -> list[Row]:
    """What a line is worth on a line of its own, wrapped; the role of its first part, which decides."""
    text = "".join(part for part, _ in worth)
    return [((line, worth[0][1]),) for line in wrap(text, width, 2)] if worth else []


def _after(minute: int) -> str:
    return f"{minute} min after" if minute >= 0 else f"{-minute} min before"


def _earlier(path: ReleasePath, band: Band | None, minute: int, *, has_own: bool) -> str:
    """The earlier days at that minute; with too few of them only how many there are."""
    if band is None:
        few = f"{counted(path.n, 'earlier day')}, {LEAST_N} needed to compare"
        return few if path.n < LEAST_N else f"{counted(path.n, 'earlier day')}, few at that minute"
    when = "" if has_own else f" {_after(minute)}"
    return (
        f"earlier{when}: median {change(band.median_pp)}, "
        f"{change(band.low_pp)} to {change(band.high_pp)}, n {band.n}"
    )


def _chart(view: ReleaseView, path: ReleasePath, width: int, plot: int) -> list[Row]:
    """The range of earlier days shaded, their median, and the day's own line on top; then the time axis."""
    inner = width - AXIS - 1
    values = [0.0, *(pp for _, pp in path.line)]
    values += [pp for each in path.band for pp in (each.low_pp, each.high_pp)]
    low, high = min(values), max(values)
    if inner < LEAST_WIDTH or plot < LEAST_HEIGHT or low == high:
        return []

    def y(pp: float) -> float:
        return (pp - low) / (high - low)

    grid = _shaded(path.band, y, inner, plot)
    zero = min(plot - 1, int((1 - y(0.0)) * plot))
    at = _column(0, inner)
    for x in range(inner):
        grid[zero][x] = ("┄", "faint")
    for line in grid:
        line[at] = ("│", "faint")
    median = tuple((each.minute, each.median_pp) for each in path.band)
    for points, role in ((median, "muted"), (path.line, "accent")):
        _draw(grid, [(_x(minute), y(pp)) for minute, pp in points], role)
    labels = {0: change(high), plot - 1: change(low)}
    body: list[Row] = [
        ((column(labels.get(n, ""), AXIS) + "┤", "faint"), *_joined(line)) for n, line in enumerate(grid)
    ]
    return [*body, _axis(view, inner)]


def _x(minute: int) -> float:
    return (minute + BEFORE) / (BEFORE + AFTER)


def _column(minute: int, inner: int) -> int:
    return min(inner - 1, int(_x(minute) * inner))


def _shaded(band: tuple[Band, ...], y: Callable[[float], float], inner: int, plot: int) -> list[list[Span]]:
    """Blank cells, those between the lowest and the highest of earlier days shaded."""
    grid: list[list[Span]] = [[(" ", "text")] * inner for _ in range(plot)]
    for each in band:
        x = _column(each.minute, inner)
        top, bottom = (min(plot - 1, int((1 - y(pp)) * plot)) for pp in (each.high_pp, each.low_pp))
        for row in range(top, bottom + 1):
            grid[row][x] = ("░", "faint")
    return grid


def _draw(grid: list[list[Span]], points: list[tuple[float, float]], role: str) -> None:
    if not points:
        return
    for row, text in zip(grid, braille(points, len(grid[0]), len(grid)), strict=True):
        for x, dots in enumerate(text):
            if dots != " ":
                row[x] = (dots, role)


def _joined(cells: list[Span]) -> Row:
    """Neighbours of one role as one span."""
    spans: list[Span] = []
    for text, role in cells:
        if spans and spans[-1][1] == role:
            spans[-1] = (spans[-1][0] + text, role)
        else:
            spans.append((text, role))
    return tuple(spans)


def _axis(view: ReleaseView, inner: int) -> Row:
    """The publication's time under its line, and minutes around it as far as they fit."""
    cells = [" "] * inner
    at = view.at.astimezone(NEW_YORK)
    for minute, text in (
        (0, f"{at:%H:%M}"),
        (AFTER, f"+{AFTER} min"),
        (-BEFORE, f"−{BEFORE}"),
        (60, "+60"),
        (30, "+30"),
        (90, "+90"),
    ):
        place = max(0, min(_column(minute, inner) - len(text) // 2, inner - len(text)))
        around = cells[max(0, place - 1) : place + len(text) + 1]
        if all(cell == " " for cell in around):
            cells[place : place + len(text)] = text
    return ((" " * (AXIS + 1) + "".join(cells), "faint"),)
