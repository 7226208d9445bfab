"""Commands: what is typed, and below it what fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.view.ascii import plain_keys
from tui.view.draw import Row, cells, column, wrap
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


def rows(snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> list[Row]:
    """The commands around the chosen one, as many as there is room for; what that one does in full."""
    del snapshot
    is_narrow = width < SAYS_FROM
    fitting = matching(view)
    head: Row = ((f": {view.filter}▏", "accent"),)
    if not fitting:
        return [head, ((NONE, "muted"),)]
    at = min(view.choice, len(fitting) - 1)
    beside = width - 2 - NAME - 1 - KEYS - 1
    is_cut = is_narrow or cells(fitting[at].says) > beside
    says = wrap(fitting[at].says, width - 4, 4) if is_cut else []
    room = max(height - 1 - len(says), 1)
    first = max(at - room + 1, 0)
    lines: list[Row] = [head]
    for number, entry in enumerate(fitting[first : first + room], first):
        keys = plain_keys(entry.keys) if view.ascii else entry.keys
        is_chosen = number == at
        shown = "" if is_narrow or (is_chosen and is_cut) else f" {_short(entry.says, beside)}"
        lines.append(
            (
                ("▸ " if is_chosen else "  ", "accent"),
                (
                    column(entry.name, NAME_NARROW if is_narrow else NAME, right=False),
                    "strong" if is_chosen else "text",
                ),
                (" " + (keys if is_narrow else column(keys, KEYS, right=False)), "key"),
                (shown, "muted"),
            )
        )
        if is_chosen:
            lines += [((f"    {line}", "muted"),) for line in says]
    return lines


def _short(text: str, width: int) -> str:
    return text if cells(text) <= width else column(text, width)
