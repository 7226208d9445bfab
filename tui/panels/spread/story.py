"""The zoom of the spread: the prices at which its statements turn, and what followed readings like it."""

from __future__ import annotations

from datetime import date
from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.desk import pair_prefix
from rotation.text import day, percent
from tui.view.draw import UNKNOWN, Row, Span, change, column, fit, number, toned, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.context.figures import Episodes, Level, Outcomes, Story
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

BESIDE_FROM = 130
"""Cells from which levels and episodes stand side by side."""
SPOKEN = {
    "leader": "who leads",
    "percentile": "percentile",
    "relative_streak": "days ahead",
    "streak": "streak",
    "z": "z",
}
"""Part of a figure's id → what turns there; a date has words of its own."""
COMPUTING = "computing levels and what followed…"
PAUSED = "paused: levels and what followed are shown once the screen resumes"
LISTED = 12
"""Episodes listed, the newest first."""


def rows(snapshot: Snapshot, view: ViewState, width: int) -> list[Row]:
    """Levels of the window chosen and what followed, side by side where there is room."""
    story = snapshot.story
    if story is None:
        return [((PAUSED if view.paused else COMPUTING, "muted"),)]
    if width < BESIDE_FROM:
        return [(), *_levels(snapshot, story, view, width), (), *_followed(story, view, width)]
    half = (width - 3) // 2
    left = _levels(snapshot, story, view, half)
    right = _followed(story, view, width - half - 3)
    pairs = zip_longest(left, right, fillvalue=())
    return [(), *((*fit(own, half), ("   ", "text"), *beside) for own, beside in pairs)]


def _levels(snapshot: Snapshot, story: Story, view: ViewState, width: int) -> list[Row]:
    """By price, the highest first, with the price now among them; those of a contract below."""
    base = snapshot.spread.base
    leg = snapshot.legs.get(base)
    head: Row = ((f"{base} at which a {view.window}d statement turns", "strong"),)
    if leg is None or leg.last is None or not story.levels:
        return [head, ((f"none: {base} has no price of the session shown", "muted"),)]
    last = leg.last
    own = sorted(
        (level for level in story.levels if level.leg == base and _is_of(level, base, view)),
        key=lambda level: -level.price,
    )
    lines = [head, ((f"{'':22}{'price':>10}{'from now':>10}  from there on, below", "faint"),)]
    is_above = True
    for level in own:
        if is_above and level.price <= last:
            is_above = False
            lines.append(_now(last))
        lines.append(_level(level, _parts(level, view), width))
    if is_above:
        lines.append(_now(last))
    of_cut = [level for level in story.levels if level.leg != base]
    if of_cut:
        lines += [(), (("P(cut at the next meeting) turns, the other contracts as now", "strong"),)]
        lines += [_cut(level) for level in of_cut]
    return lines


def _is_of(level: Level, base: str, view: ViewState) -> bool:
    """Whether it is of the window chosen, or of a streak, which has none."""
    parts = _parts(level, view)
    if "streak" in parts or parts[0] == "relative_streak":
        return True
    return str(view.window) in parts and parts[0] in ("spread", base.lower())


def _parts(level: Level, view: ViewState) -> list[str]:
    """The parts of its figure's id, without the pair that it is of."""
    return level.figure.removeprefix(pair_prefix(view.pair)).split(".")


def _now(last: float) -> Row:
    return (("now ", "accent"), ("┄" * 18, "faint"), (column(number(last), 10), "accent"))


def _level(level: Level, parts: list[str], width: int) -> Row:
    turn = f"{_shown(level.at_or_above)}, {_shown(level.below)}"
    spans: list[Span] = [
        (column(_name(level, parts), 22, right=False), "muted"),
        (column(number(level.price), 10), "text"),
        (column(f"{change(level.change_pct)} %", 10), toned(level.change_pct)),
        (f"  {turn}", "text"),
    ]
    return fit(spans, width)


def _name(level: Level, parts: list[str]) -> str:
    if "since" in parts:
        return "spread, widest since" if parts[0] == "spread" else f"{parts[0].upper()}, most since"
    name = next((words for part, words in SPOKEN.items() if part in parts), parts[-1])
    return name if level.mark is None else f"{name} {level.mark:g}".replace("-", "−")


def _shown(value: object) -> str:
    """A date as a reader writes it, a number with two decimals, a count with its sign."""
    if value is None:
        return UNKNOWN
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return change(value, 0)
    text = str(value)
    parts = text.split("-")
    if len(parts) == 3 and all(part.isdecimal() for part in parts):
        return day(date.fromisoformat(text))
    return text


def _cut(level: Level) -> Row:
    mark = "" if level.mark is None else f"{100 * level.mark:.0f} %"
    at, below = (
        100 * value if isinstance(value, float) else None for value in (level.at_or_above, level.below)
    )
    return (
        (column(f"{level.leg} {mark}", 22, right=False), "muted"),
        (column(number(level.price, 4), 10), "text"),
        (column(f"{change(level.change_pct, 3)} %", 10), "muted"),
        (f"  {number(at, 1)} %, {number(below, 1)} %", "text"),
    )


def _followed(story: Story, view: ViewState, width: int) -> list[Row]:
    """What followed over each horizon beside all sessions, and the newest episodes."""
    known = story.episodes.get(f"spread.{view.window}")
    head: Row = (
        (f"What followed {view.window}d readings like this", "strong"),
        ("  history, not a forecast", "faint"),
    )
    if known is None or known.value is None:
        return [head, (("no reading of the session shown", "muted"),)]
    way = "or more" if known.value >= 0 else "or less"
    lines = [head, ((f"{change(known.value)} pp {way}: {known.n:,} earlier, a window apart each", "text"),)]
    if known.note:
        lines.append(((f"What followed is not shown ({known.note}).", "muted"),))
    else:
        lines.append(
            ((f"{'sessions':>8}{'median':>9}{'quartiles':>18}{'above 0':>9}{'n':>6}{'all':>8}", "faint"),)
        )
        lines += [_outcome(horizon, each) for horizon, each in known.after.items()]
    return [*lines, *_list(known, width)]


def _outcome(horizon: str, each: Outcomes) -> Row:
    if each.median is None or each.share_positive is None:
        return ((f"{horizon:>8}", "muted"), (f"   n = {each.n}, too few", "muted"), *_all(each, 22))
    quartiles = f"{change(each.q1)} … {change(each.q3)}"
    return (
        (f"{horizon:>8}", "muted"),
        (column(change(each.median), 9), toned(each.median)),
        (column(quartiles, 18), "text"),
        (column(f"{100 * each.share_positive:.0f} %", 9), "text"),
        (column(f"{each.n:,}", 6), "muted"),
        *_all(each, 8),
    )


def _all(each: Outcomes, width: int) -> Iterator[Span]:
    """The median of all sessions, which what followed is to be compared with."""
    yield (column(change(each.all_median), width), "muted")


def _list(known: Episodes, width: int) -> list[Row]:
    if not known.episodes:
        return []
    horizons = list(known.after)
    head = f"{'':12}{'then':>8}" + "".join(f"{f'+{h}':>9}" for h in horizons)
    has_cut = any(each.cut is not None for each in known.episodes)
    lines: list[Row] = [(), ((head + ("  cut then" if has_cut else ""), "faint"),)]
    for each in reversed(known.episodes[-LISTED:]):
        spans: list[Span] = [
            (column(day(each.date), 12, right=False), "text"),
            (column(change(each.value), 8), toned(each.value)),
            *((column(change(each.after[h]), 9), toned(each.after[h])) for h in horizons),
        ]
        if each.cut is not None:
            spans.append((f"  {percent(each.cut)} %", "muted"))
        lines.append(tuple(spans))
    if len(known.episodes) > LISTED:
        rest = f"… {len(known.episodes) - LISTED:,} earlier: rotation-tui episodes {known.figure}"
        lines += [((line, "faint"),) for line in wrap(rest, width, 2)]
    return lines
