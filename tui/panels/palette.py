"""Commands: what is typed, and below it what fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.view.ascii import plain_keys
from tui.view.draw import Row, column
from tui.view.palette import matching

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

NAME, KEYS = 24, 14
"""Cells of the name and of the keys."""
SAYS_FROM = 60
"""Below this width what a command does is left out, and its name is shorter."""
NAME_NARROW = 20
NONE = "no command fits; Esc closes"


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """The commands around the chosen one, as many as there is room for."""
    del snapshot
    is_narrow = width < SAYS_FROM
    fitting = matching(view)
    head: Row = ((f": {view.filter}▏", "accent"),)
    if not fitting:
        return [head, ((NONE, "muted"),)]
    room = max(height - 1, 1)
    at = min(view.choice, len(fitting) - 1)
    first = max(at - room + 1, 0)
    lines: list[Row] = [head]
    for number, entry in enumerate(fitting[first : first + room], first):
        keys = plain_keys(entry.keys) if view.ascii else entry.keys
        lines.append(
            (
                ("▸ " if number == at else "  ", "accent"),
                (
                    column(entry.name, NAME_NARROW if is_narrow else NAME, right=False),
                    "strong" if number == at else "text",
                ),
                (" " + (keys if is_narrow else column(keys, KEYS, right=False)), "key"),
                ("" if is_narrow else " " + entry.says, "muted"),
            )
        )
    return lines
