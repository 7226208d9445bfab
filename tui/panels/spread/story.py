"""The zoom of the spread: the prices at which its statements turn, and what followed readings like it."""

from __future__ import annotations

from datetime import date
from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.desk import pair_prefix
from rotation.text import day, percent
from tui.view.draw import UNKNOWN, Row, Span, change, column, fit, flowed, number, toned, wrap
from tui.view.table import folded

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
OUTCOMES = (8, 9, 17, 9, 6, 7)
"""Cells of the columns of what followed."""
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
    title = f"{base} prices at which a {view.window}d statement changes"
    head: list[Row] = [((line, "strong"),) for line in wrap(title, width, 3)]
    if leg is None or leg.last is None or not story.levels:
        none = f"none: {base} has no price of the session shown"
        return [*head, *(((line, "muted"),) for line in wrap(none, width, 3))]
    last = leg.last
    own = sorted(
        (level for level in story.levels if level.leg == base and _is_of(level, base, view)),
        key=lambda level: -level.price,
    )
    table: list[Row] = [
        tuple((head, "faint") for head in (" " * 22, "     price", "  from now", "  at or above, below"))
    ]
    is_above = True
    for level in own:
        if is_above and level.price <= last:
            is_above = False
            table.append(_now(last))
        table.append(_level(level, _parts(level, view)))
    if is_above:
        table.append(_now(last))
    lines = [*head, *folded(table, width)]
    of_cut = [level for level in story.levels if level.leg != base]
    if of_cut:
        title = "P(cut) at the next meeting changes, with the other contracts as now"
        lines += [(), *(((line, "strong"),) for line in wrap(title, width, 3))]
        lines += folded([_cut(level) for level in of_cut], width)
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
    return (("now " + "┄" * 18, "accent"), (column(number(last), 10), "accent"))


def _level(level: Level, parts: list[str]) -> Row:
    turn = f"{_shown(level.at_or_above)}, {_shown(level.below)}"
    return (
        (column(_name(level, parts), 22, right=False), "muted"),
        (column(number(level.price), 10), "text"),
        (column(f"{change(level.change_pct)} %", 10), toned(level.change_pct)),
        (f"  {turn}", "text"),
    )


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
    title = f"What followed {view.window}d readings like this"
    head = flowed((((title, "strong"),), (("  history, not a forecast", "faint"),)), width)
    if known is None or known.value is None:
        return [*head, (("no reading of the session shown", "muted"),)]
    way = "or more" if known.value >= 0 else "or less"
    what = f"{change(known.value)} pp {way}: {known.n:,} earlier, each a window apart"
    lines = [*head, *(((line, "text"),) for line in wrap(what, width, 3))]
    if known.note:
        note = f"What followed is not shown ({known.note})."
        lines += [((line, "muted"),) for line in wrap(note, width, 4)]
    else:
        heads = zip(("sessions", "median", "quartiles", "above 0", "n", "all"), OUTCOMES, strict=True)
        table = [tuple((column(name, size), "faint") for name, size in heads)]
        table += [_outcome(horizon, each) for horizon, each in known.after.items()]
        lines += folded(table, width)
    return [*lines, *_list(known, width)]


def _outcome(horizon: str, each: Outcomes) -> Row:
    if each.median is None or each.share_positive is None:
        first, second, *rest = OUTCOMES[1:-1]
        few = column(f"   n = {each.n}, too few", first + second, right=False)
        blank = (" " * size for size in rest)
        spans = (f"{horizon:>8}", few[:first], few[first:], *blank)
        return (*((text, "muted") for text in spans), *_all(each, OUTCOMES[-1]))
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
    while 20 + 9 * len(horizons) > width and horizons:
        horizons.pop()
    head = f"{'':12}{'then':>8}" + "".join(f"{f'+{h}':>9}" for h in horizons)
    room = width - len(head)
    has_cut = room >= len("  cut then") and any(each.cut is not None for each in known.episodes)
    lines: list[Row] = [(), ((head + ("  cut then" if has_cut else ""), "faint"),)]
    for each in reversed(known.episodes[-LISTED:]):
        spans: list[Span] = [
            (column(day(each.date), 12, right=False), "text"),
            (column(change(each.value), 8), toned(each.value)),
            *((column(change(each.after[h]), 9), toned(each.after[h])) for h in horizons),
        ]
        if has_cut and each.cut is not None:
            spans.append((f"  {percent(each.cut)} %", "muted"))
        lines.append(tuple(spans))
    if len(known.episodes) > LISTED:
        rest = f"… {len(known.episodes) - LISTED:,} earlier: rotation-tui episodes {known.figure}"
        lines += [((line, "faint"),) for line in wrap(rest, width, 2)]
    return lines
