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
    """Levels and episodes of a pair: of the first, or of one by its name."""
    LINE = "line"
    """The settled values of a spread over all of history, by the id of its figure."""
    LEGS = "legs"
    """A year of closes of every leg."""
    FIGURE = "figure"
    """What a figure rests on, by its id."""


class Want(msgspec.Struct, frozen=True):
    """One of them."""

    part: Part
    of: str = ""
    """Of PAIRS the one that is wanted, as IWN/IVW; empty: all of them. Of STORY one of these; empty: the
    first pair. Of LINE and FIGURE the id of the figure. Empty of every other part."""

    @property
    def name(self) -> str:
        """``line spread.5.pp``, ``legs``: for the log, and to put several in order."""
        return f"{self.part} {self.of}".strip()


Wants = frozenset[Want]

NOTHING: Wants = frozenset()
ON_DEMAND = frozenset({Part.STORY, Part.LINE, Part.LEGS, Part.FIGURE})
"""Parts that take too long for every tick: they are made beside the desk."""
MADE: Wants = frozenset(Want(part) for part in Part if part not in ON_DEMAND)
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
    "lines": Part.LINE,
    "explained": Part.FIGURE,
}
"""Field of the Snapshot, and of an index of its breadth → the part that it is of; a field that is not here
is always made. LEGS come into ``lines`` too."""
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
    of_pairs = {pair_wanted(each.of) for each in asked if each.part is Part.STORY and each.of}
    return asked | of_pairs | {Want(part) for each in asked for part in _WITH.get(each.part, ())}


def pairs_in(asked: Wants, names: Iterable[str]) -> frozenset[str]:
    """Return which of these pairs, by name, are wanted."""
    if Want(Part.PAIRS) in asked:
        return frozenset(names)
    return frozenset(names) & {each.of for each in asked if each.part is Part.PAIRS}
