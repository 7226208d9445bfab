"""What somebody looks at: the parts of a Snapshot that are made only while they are wanted.

A viewer's screen, an alert and a script each want a set of them; a desk makes what any of them wants. All
other fields of the Snapshot are the desk itself, and always there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Part(StrEnum):
    """A part of the Snapshot that costs something at every tick."""

    PAIRS = "pairs"
    """The more pairs of the desk: all of them, or one by its name."""
    GRAPH = "graph"
    """The rotation graph."""
    BREADTH = "breadth"
    """The members of each index, counted."""
    SECTORS = "sectors"
    """Breadth by sector; with BREADTH."""
    MOVERS = "movers"
    """The members that have moved furthest; with BREADTH."""
    BANKS = "banks"
    """The bank funds against the base leg, ranked."""
    MACRO = "macro"
    """Yields, inflation and jobs, with the ages of their sources."""
    CLAUSES = "clauses"
    """What the headline has grown by; with all that a clause may speak of."""
    STORY = "story"
    """Levels and episodes, made beside the desk."""


class Want(msgspec.Struct, frozen=True):
    """One of them."""

    part: Part
    pair: str = ""
    """The one pair of PAIRS that is wanted, as IWN/IVW; empty: all of them. Empty of every other part."""


Wants = frozenset[Want]

NOTHING: Wants = frozenset()
MADE: Wants = frozenset(Want(part) for part in Part if part is not Part.STORY)
"""All that a market makes."""

FIELDS: dict[str, Part] = {
    "graph": Part.GRAPH,
    "breadth": Part.BREADTH,
    "breadth.sectors": Part.SECTORS,
    "breadth.top": Part.MOVERS,
    "breadth.bottom": Part.MOVERS,
    "banks": Part.BANKS,
    "macro": Part.MACRO,
    "clauses": Part.CLAUSES,
    "pairs": Part.PAIRS,
    "story": Part.STORY,
}
"""Field of the Snapshot, and of an index of its breadth → the part that it is of; a field that is not here
is always made."""
_WITH = {
    Part.SECTORS: (Part.BREADTH,),
    Part.MOVERS: (Part.BREADTH,),
    Part.CLAUSES: (Part.BREADTH, Part.BANKS, Part.MACRO),
}
"""Part → what it is made of."""


def wants(*parts: Part) -> Wants:
    """Return these parts as a set of wants."""
    return frozenset(map(Want, parts))


def pair_wanted(name: str) -> Want:
    """Return the want of one more pair, by its name."""
    return Want(Part.PAIRS, name)


def complete(asked: Wants) -> Wants:
    """Return these wants with all that they are made of."""
    return asked | {Want(part) for each in asked for part in _WITH.get(each.part, ())}


def pairs_in(asked: Wants, names: Iterable[str]) -> frozenset[str]:
    """Return which of these pairs, by name, are wanted."""
    if Want(Part.PAIRS) in asked:
        return frozenset(names)
    return frozenset(names) & {each.pair for each in asked if each.part is Part.PAIRS}
