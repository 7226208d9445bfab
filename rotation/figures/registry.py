"""All figures of a desk by id. A part of the Snapshot that comes later adds its own list here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from rotation.context.wants import NOTHING, Part, wants
from rotation.desk import SYMBOL
from rotation.errors import InputError
from rotation.figures.causes.banks import bank_figures
from rotation.figures.causes.macro import macro_figures
from rotation.figures.causes.members import breadth_figures
from rotation.figures.fed import fed_figures
from rotation.figures.figure import GRAPH
from rotation.figures.graph import graph_figures
from rotation.figures.legs import leg_figures, prefix
from rotation.figures.more_pairs import PAIR, more_pair_figures
from rotation.figures.pair import pair_figures, value_growth_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rotation.context.wants import Wants
    from rotation.desk import Desk
    from rotation.figures.figure import Figure

PARTS: list[Callable[[Desk], list[Figure]]] = [
    pair_figures,
    lambda desk: [figure for symbol in legs_of(desk) for figure in leg_figures(symbol, desk.windows)],
    value_growth_figures,
    more_pair_figures,
    graph_figures,
    bank_figures,
    breadth_figures,
    lambda _: fed_figures(),
    lambda _: macro_figures(),
]
"""Each gives the figures of one part of the Snapshot."""
SOME = "ZZZZZ"
"""Stands for any symbol."""
NEAR = 3
"""Ids offered in the place of an unknown one."""


def legs_of(desk: Desk) -> tuple[str, ...]:
    """The pair first, then the desk's other legs, each once."""
    return tuple(dict.fromkeys((desk.base, desk.against, *desk.legs)))


def figures(desk: Desk) -> dict[str, Figure]:
    """Every figure of this desk, in the order in which ``rotation-tui figures`` lists them."""
    return {figure.id: figure for part in PARTS for figure in part(desk)}


def with_figures(asked: Wants, desk: Desk) -> Wants:
    """These wants with what lines and explanations rest on; unknown ids are passed over.

    A figure of breadth is explained by its index's sectors.
    """
    names = {each.of for each in asked if each.part in (Part.LINE, Part.FIGURE)}
    if not names:
        return asked
    table = figures(desk)
    known = [table[name] for name in names if name in table]
    sectors = wants(Part.SECTORS) if any(figure.reads == "members" for figure in known) else NOTHING
    return asked.union(sectors, *(figure.wants for figure in known))


def may_be_stored(name: str, desk: Desk) -> bool:
    """Whether a desk that has closes of another symbol has a figure of this id: those get a leg unasked."""
    own = figures(msgspec.structs.replace(desk, legs=(*desk.legs, SOME)))
    for start in (f"{prefix(SOME)}.", f"{GRAPH}{prefix(SOME)}."):
        for last in (each.removeprefix(start) for each in own if each.startswith(start)):
            head = start.removesuffix(f"{prefix(SOME)}.")
            symbol = name.removeprefix(head).removesuffix(f".{last}").upper()
            if name == f"{head}{symbol.lower()}.{last}" and re.fullmatch(SYMBOL, symbol):
                return True
    return False


def near(name: str, table: Mapping[str, Figure]) -> str:
    """`` (did you mean …?)`` with the ids that look like it; empty where none does."""
    pair = name.removeprefix(PAIR).partition(".")[0] if name.startswith(PAIR) else ""
    if "/" in pair and not any(each.startswith(f"{PAIR}{pair}.") for each in table):
        return f" ({pair.upper()} is not one of the desk's pairs: desk.pairs, or --pairs, lists them)"
    from difflib import get_close_matches  # noqa: PLC0415 - for what is misspelt

    close = get_close_matches(name, table, n=NEAR, cutoff=0.6)
    inside = [each for each in table if name and (each.startswith(name) or name in each)][:NEAR]
    offered = list(dict.fromkeys((*close, *inside)))[:NEAR]
    return f" (did you mean {' or '.join(offered)}?)" if offered else ""


def lookup(name: str, table: Mapping[str, Figure]) -> Figure:
    """The figure of this id, whatever the case. Raises InputError that offers ids near to it."""
    figure = table.get(name.lower())
    if figure is None:
        raise InputError(
            f"unknown figure {name!r}{near(name.lower(), table)}; rotation-tui figures lists them"
        )
    return figure
