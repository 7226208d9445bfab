"""Release days: today's minutes around CPI, jobs and FOMC times against the earlier ones, as charts."""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.macro.release_days import AFTER, BEFORE, LEAST_N
from rotation.sessions import NEW_YORK
from rotation.status import Kind
from rotation.text import WEEKDAYS, counted, day, spelled_duration
from rotation.wording import state_word
from tui.panels.base import kind_role
from tui.view.draw import Row, Span, braille, change, column, fit, flowed, toned, wrap
from tui.view.plane import joined

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
SHORT = 10
"""Lines of a page below which it has no title, and smaller plots."""
TITLE = "Minutes around publications"
NONE = (
    "No minutes around a CPI, jobs or FOMC time are kept yet. While the desk is online it downloads the "
    "pair's minute bars; rotation-tui macro releases TAPE… reads tapes."
)
CUT = "P(cut)"
"""A rate: its direction is no profit or loss, and has no colour of its own."""
LATE = "by our log; Yahoo's futures lag 10 min"


def rows(known: Macro | None, now: dt.datetime, width: int, height: int) -> list[Row]:
    """Every kind, today's first, then the newest; behind the macro page."""
    views = known.release_days if known is not None else ()
    head = flowed((((TITLE, "strong"),), (("  z: yields, prices, banks", "faint"),)), width)
    if not views:
        return [*head, *(((line, "muted"),) for line in wrap(NONE, width, 5))]
    ordered = sorted(views, key=lambda each: (not is_today(each, now), -each.at.timestamp()))
    room = (height - 1) // min(len(ordered), 3) - 6
    lines: list[Row] = [] if height < SHORT else head
    for view in ordered:
        plot = _plot_of(height) if height < SHORT else max(FEW, min(MANY, room))
        lines += [*([()] if len(lines) > 1 else []), *_block(view, now, width, plot)]
    return lines


def today(known: Macro, now: dt.datetime, width: int, height: int) -> list[Row]:
    """The publications of today; nothing on any other day."""
    lines: list[Row] = []
    for view in known.release_days:
        if is_today(view, now):
            lines += [*_block(view, now, width, _plot_of(height)), ()]
    return lines


def _plot_of(height: int) -> int:
    """Lines of a plot on a page so high: what a head, a line of words and the axis leave of a small one."""
    return max(LEAST_HEIGHT, min(FEW, height - 3))


def is_today(view: ReleaseView, now: dt.datetime) -> bool:
    """Whether it is published today, New York."""
    return view.at.astimezone(NEW_YORK).date() == now.astimezone(NEW_YORK).date()


def _block(view: ReleaseView, now: dt.datetime, width: int, plot: int) -> list[Row]:
    head = _head(view, now, width)
    why = _missing(view)
    notes = [((line, "warn"),) for line in wrap(why, width, 2)] if why else []
    name = f"{view.base} − {view.against}"
    has_cut = bool(view.cut.line or view.cut.n)
    if width >= BESIDE_FROM and has_cut:
        half = (width - GAP) // 2
        left = _words(view.spread, name, "", half)
        right = _words(view.cut, CUT, LATE, width - half - GAP)
        high = max(len(left), len(right))
        left += [*[()] * (high - len(left)), *_chart(view.at, view.spread, half, plot)]
        right += [*[()] * (high - len(right)), *_chart(view.at, view.cut, width - half - GAP, plot)]
        pairs = zip_longest(left, right, fillvalue=())
        beside = ((*fit(own, half), (" " * GAP, "text"), *other) for own, other in pairs)
        return [head, *beside, *notes]
    spread = _part(view.at, view.spread, _words(view.spread, name, "", width), width, plot)
    cut = _part(view.at, view.cut, _words(view.cut, CUT, LATE, width), width, plot) if has_cut else []
    return [head, *spread, *cut, *notes]


def _part(at: dt.datetime, path: ReleasePath, words: list[Row], width: int, plot: int) -> list[Row]:
    """Words above the chart; where that is low only the first line, so that the chart is in sight."""
    drawn = _chart(at, path, width, plot)
    above = 1 if plot < FEW else len(words)
    return [*words[:above], *drawn, *words[above:]]


def _head(view: ReleaseView, now: dt.datetime, width: int) -> Row:
    """What is published, when, and what the prices are worth; whose bars they are where there is room."""
    local = view.at.astimezone(NEW_YORK)
    left_s = (view.at - now).total_seconds()
    if is_today(view, now):
        when = f" today {local:%H:%M}"
        note = f", in {spelled_duration(left_s)}" if left_s > 0 else ""
    else:
        when, note = f" {WEEKDAYS[local.weekday()]} {day(local.date())} {local:%H:%M}", ""
    spans: list[Span] = [(view.kind.value, "title-focus"), (when, "strong"), (note, "accent")]
    for text, role in _worth(view, now):
        if sum(len(each) for each, _ in spans) + 2 + len(text) <= width:
            spans += [("  ", "text"), (text, role)]
    return tuple(spans)


def _worth(view: ReleaseView, now: dt.datetime) -> Row:
    """What the day's own line is worth; nothing before its publication."""
    if view.known_to is None:
        return () if now < view.at else (("no prices of this day", "warn"),)
    bars: Span = (f"{view.source}, {view.step_min} min bars" if view.step_min else view.source, "faint")
    if view.worth is Kind.CLOSED:
        return (bars,)
    until = view.known_to.astimezone(NEW_YORK)
    return ((f"{state_word(view.worth)} to {until:%H:%M}", kind_role(view.worth)), bars)


def _missing(view: ReleaseView) -> str:
    """Why earlier days, or this one, have no prices; empty where that is nothing to speak of."""
    if view.error and (view.known_to is None or view.absent or view.worth is Kind.STALE):
        before = f"{counted(view.absent, 'earlier day')} without prices: " if view.absent else ""
        return f"{before}{view.error}"
    return ""


def _words(path: ReleasePath, name: str, note: str, width: int) -> list[Row]:
    """Where the line stands, then how the earlier days stood then; on one line where all fits."""
    if path.line:
        minute, pp = path.line[-1]
        own: tuple[Span, ...] = (
            (f"{name} ", "text"),
            (f"{change(pp)} pp", "strong" if name == CUT else toned(pp)),
            (f" {_after(minute)}", "muted"),
        )
    else:
        minute, own = AFTER, ((name, "text"),)
    band = next((each for each in path.band if each.minute == minute), None)
    earlier = _earlier(path, band, minute, has_own=bool(path.line))
    lines: list[Row] = [own]
    for text, role in ((note, "faint"), (earlier, "muted")):
        if text and sum(len(each) for each, _ in lines[-1]) + 2 + len(text) <= width:
            lines[-1] = (*lines[-1], ("  ", "text"), (text, role))
        elif text:
            lines += [((line, role),) for line in wrap(text, width, 2)]
    return lines


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


@lru_cache(maxsize=32)
def _chart(at: dt.datetime, path: ReleasePath, width: int, plot: int) -> tuple[Row, ...]:
    """The range of earlier days shaded, their median, and the day's own line on top; then the time axis.

    Cached: a path changes once a minute, and the page is drawn four times a second.
    """
    inner = width - AXIS - 1
    values = [0.0, *(pp for _, pp in path.line)]
    values += [pp for each in path.band for pp in (each.low_pp, each.high_pp)]
    low, high = min(values), max(values)
    if inner < LEAST_WIDTH or plot < LEAST_HEIGHT or low == high:
        return ()

    def y(pp: float) -> float:
        return (pp - low) / (high - low)

    grid = _shaded(path.band, y, inner, plot)
    zero = min(plot - 1, int((1 - y(0.0)) * plot))
    middle = _column(0, inner)
    for x in range(inner):
        grid[zero][x] = ("┄", "faint")
    for line in grid:
        line[middle] = ("│", "faint")
    median = tuple((each.minute, each.median_pp) for each in path.band)
    for points, role in ((median, "muted"), (path.line, "accent")):
        _draw(grid, [(_x(minute), y(pp)) for minute, pp in points], role)
    labels = {0: change(high), plot - 1: change(low)}
    body: list[Row] = [
        ((column(labels.get(n, ""), AXIS) + "┤", "faint"), *joined(line)) for n, line in enumerate(grid)
    ]
    return (*body, _axis(at, inner))


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


def _axis(at: dt.datetime, inner: int) -> Row:
    """The publication's time under its line, and minutes around it as far as they fit."""
    cells = [" "] * inner
    local = at.astimezone(NEW_YORK)
    for minute, text in (
        (0, f"{local:%H:%M}"),
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
