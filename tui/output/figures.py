"""Figures, explanations, levels and episodes as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rotation.desk import Desk, with_usual
from rotation.figures.explain import explain
from rotation.figures.more_pairs import PAIR
from rotation.figures.registry import figures, lookup
from rotation.sessions import NEW_YORK
from rotation.story import episodes as story
from rotation.story.levels import levels as levels_of
from rotation.text import day as dated
from rotation.text import percent, signed
from rotation.wording import word_with_venue
from tui.output.text import explanation
from tui.panels.explained import valued as with_unit
from tui.view.draw import UNKNOWN, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.context.figures import Episodes, Level, Outcomes
    from rotation.figures.basis import Basis
    from rotation.figures.figure import Figure
    from rotation.snapshot import Snapshot

Pair = tuple[str, str]


class Own(NamedTuple):
    """What a person has added to the figures of every desk."""

    windows: tuple[int, ...] = ()
    universes: tuple[str, ...] = ()
    """In capitals."""
    legs: tuple[str, ...] = ()
    """In the place of the usual ones; none: these."""
    more: tuple[str, ...] = ()
    """Legs beside them, of groups and watch lists."""


NOTHING_OWN = Own()


def valued(value: object, figure: Figure) -> str:
    """A value with its unit, ``—`` where it is unknown."""
    return with_unit(value, figure.unit, is_level=figure.is_level)


def _lines(lines: list[str]) -> str:
    return "".join(f"{clean(line).rstrip()}\n" for line in lines)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode() + "\n"


def listing(pair: Pair, pairs: tuple[Pair, ...], form: str, own: Own = NOTHING_OWN) -> str:
    """Every figure of the desk with this pair and these more ones."""
    table = figures(_desk(pair, pairs, own)).values()
    if form == "json":
        return _json(
            [
                {"id": each.id, "definition": each.definition, "unit": each.unit, "formula": each.formula}
                for each in table
            ]
        )
    width = max(len(each.id) for each in table)
    return _lines([f"{each.id:<{width}}  {each.unit:<10}  {each.definition}" for each in table])


def _desk(pair: Pair, pairs: tuple[Pair, ...], own: Own) -> Desk:
    further = tuple(each for each in pairs if each != pair)
    legs = (*pair, *(own.legs or Desk().legs), *(symbol for each in further for symbol in each), *own.more)
    return Desk(
        base=pair[0],
        against=pair[1],
        legs=tuple(dict.fromkeys(legs)),
        pairs=further,
        windows=with_usual(own.windows),
        universes=own.universes,
    )


def check(name: str, pair: Pair, pairs: tuple[Pair, ...], own: Own = NOTHING_OWN) -> None:
    """Reject an unknown figure before anything is loaded, unless its symbol may be in history.

    Raises InputError.
    """
    table = figures(_desk(pair, pairs, own))
    first = name.partition(".")[0].lower()
    if first in {each.partition(".")[0] for each in table} or name.lower().startswith(PAIR):
        lookup(name, table)


def explained(name: str, basis: Basis, form: str) -> str:
    """What a figure rests on. Raises InputError."""
    answer = explain(name, basis)
    return _json(answer) if form == "json" else _lines(explanation(answer))


def _priced(snapshot: Snapshot, symbol: str) -> str:
    """``IWM 217.19 (CLOSED, 15 Jul)``: a price, what it is worth, and the day that it was made."""
    leg = snapshot.legs.get(symbol)
    if leg is None or leg.last is None:
        return f"{symbol} —"
    made = leg.status.as_of.astimezone(NEW_YORK).date() if leg.status.as_of else None
    when = f", {dated(made)}" if made else ""
    return f"{symbol} {leg.last:,.2f} ({word_with_venue(leg.status)}{when})"


def levels(basis: Basis, form: str) -> str:
    """Where the statements turn. Raises InputError where the base leg has no price."""
    stated = levels_of(basis)
    if form == "json":
        return _json(stated)
    if not stated:
        return _lines([f"No levels: {basis.desk.base} has no price of the session shown."])
    table = figures(basis.desk)
    prices = [_priced(basis.snapshot, symbol) for symbol in (basis.desk.base, basis.desk.against)]
    head = f"{', '.join(prices)}. At or above the price the first value holds; one tick below it, the second."
    return _lines([head, "", *(_level(each, table[each.figure]) for each in stated)])


def _level(level: Level, figure: Figure) -> str:
    change = "" if level.change_pct is None else f"{signed(level.change_pct, 2)} %"
    mark = f"  passes {level.mark:g}" if level.mark is not None else ""
    turn = f"{valued(level.at_or_above, figure)}, below {valued(level.below, figure)}"
    decimals = 2 if level.tick == 0.01 else 4
    return f"{level.figure:<24} {level.leg:<6} {level.price:>10.{decimals}f} {change:>9}  {turn}{mark}"


def episodes(name: str, basis: Basis, horizons: Sequence[int], form: str) -> str:
    """What followed. Raises InputError."""
    answer = story.episodes(basis, name, horizons)
    return _json(answer) if form == "json" else _lines(_story(answer, basis))


def _story(answer: Episodes, basis: Basis) -> list[str]:
    if answer.value is None:
        return [f"{answer.figure} {UNKNOWN}: no value, so nothing to compare with."]
    of = figures(basis.desk).get(f"{answer.figure}.pp")
    pair = tuple(of.pair.split("/")) if of and of.pair else (basis.desk.base, basis.desk.against)
    base, against = pair
    lines = [f"{answer.figure} {signed(answer.value, 2)}: {answer.n} earlier episodes at least as extreme"]
    lines += [
        f"  {each.date}  {signed(each.value, 2):>7}  "
        + "  ".join(
            f"{h} sessions later {UNKNOWN if pp is None else signed(pp, 2) + ' pp':>9}"
            for h, pp in each.after.items()
        )
        + ("" if each.cut is None else f"  cut then {percent(each.cut)} %")
        for each in answer.episodes
    ]
    if answer.note:
        return [*lines, f"What followed is not shown ({answer.note})."]
    lines.append(f"{base} minus {against} afterwards, in pp: history, not a forecast")
    return lines + [_outcome(h, each) for h, each in answer.after.items()]


def _outcome(horizon: str, each: Outcomes) -> str:
    everywhere = (
        f"all sessions: median {signed(each.all_median, 2)} (n {each.all_n:,})"
        if each.all_median is not None
        else ""
    )
    if each.median is None or each.q1 is None or each.q3 is None or each.share_positive is None:
        return f"  {horizon:>3} sessions: n = {each.n}, too few; {everywhere}"
    return (
        f"  {horizon:>3} sessions: median {signed(each.median, 2)}, quartiles {signed(each.q1, 2)} … "
        f"{signed(each.q3, 2)}, {100 * each.share_positive:.0f} % above 0 (n {each.n}); {everywhere}"
    )
