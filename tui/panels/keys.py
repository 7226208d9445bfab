"""The footer: the keys that can be pressed now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.view.keymap import ACTIONS

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.draw import Row, Span
    from tui.view.view_state import ViewState


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Return one line; hints that do not fit are left out, the last first, but help and quit stay."""
    del height
    # A viewer of a host cannot move its tape.
    tape = snapshot.health.tape is not None and not snapshot.health.host
    hints = [
        (a.shown.split(" ")[0] if a.id != "focus" else "1-6", a.hint)
        for a in ACTIONS
        if a.hint and (a.scope != "tape" or tape)
    ]
    hints.insert(1, ("[ ]", f"window {view.window}"))
    if tape:
        hints.insert(-3, ("< >", "speed"))
        hints.insert(-3, (", .", "seek"))
    if view.help:
        hints = [("Esc", "close"), ("/", "find"), ("↑ ↓", "scroll"), *hints[-1:]]
    while sum(len(key) + len(says) + 3 for key, says in hints) > width and len(hints) > 2:
        hints.pop(-3 if len(hints) > 3 else 0)
    spans: list[Span] = []
    for key, says in hints:
        spans += [(f" {key}", "key"), (f" {says} ", "muted")]
    return [tuple(spans)]
