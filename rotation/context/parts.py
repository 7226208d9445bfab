"""Parts of a Snapshot that are made only while somebody looks at them, by name.

A name is a kind, and what it is of: ``story``, ``story IWN/IVW``, ``line spread.5.pp``, ``legs``,
``figure iwm.since.5``. A view says which it shows, a desk makes these and no others.
"""

from __future__ import annotations

STORY = "story"
"""Levels and episodes of a pair: of the first without more, else of the one that is named."""
LINE = "line"
"""The settled values of a figure, over all of history."""
LEGS = "legs"
"""A year of closes of every leg."""
FIGURE = "figure"
"""What a figure rests on."""


def named(kind: str, of: str = "") -> str:
    """The name of a part."""
    return f"{kind} {of}" if of else kind


def split(name: str) -> tuple[str, str]:
    """The kind of a part, and what it is of; the second is empty where it is of nothing in particular."""
    kind, _, of = name.partition(" ")
    return kind, of
