"""The footer: the keys that can be pressed now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.view.ascii import plain_keys
from tui.view.view_state import has_chart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.snapshot import Snapshot
    from tui.view.draw import Row, Span
    from tui.view.keymap import Action
    from tui.view.view_state import ViewState


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Return one line; hints that do not fit are left out, the last first, but help and quit stay."""
    del height
    if view.message:
        return [((f" {view.message}", "alert" if view.is_urgent else "accent"),)]
    # A viewer of a host cannot move its tape.
    tape = snapshot.health.tape is not None and not snapshot.health.host
    bound = {action.id: action for action in view.keys.actions if action.keys}
    hints = [
        (_first(a, view) if a.id != "focus" else _range(a, view), _hint(a, view))
        for a in bound.values()
        if a.hint and (a.scope != "tape" or tape)
    ]
    hints[1:1] = _both(bound, "shorter", "longer", f"window {view.window}", view)
    if has_chart(view):
        hints[1:1] = [("← →", "crosshair")]
    if tape:
        hints[-3:-3] = [
            *_both(bound, "slower", "faster", "speed", view),
            *_both(bound, "earlier", "later", "seek", view),
        ]
    hints[3:3] = [
        *_among(bound, "pair", view.pair, view.pairs, view),
        *_among(bound, "list", view.list, view.lists, view),
    ]
    hints = _of_open(view, hints[-1:]) or [hint for hint in hints if hint[1]]
    if view.ascii:
        hints = [(plain_keys(key), says) for key, says in hints]
    while sum(len(key) + len(says) + 3 for key, says in hints) > width and len(hints) > 2:
        hints.pop(-3 if len(hints) > 3 else 0)
    spans: list[Span] = []
    for key, says in hints:
        spans += [(f" {key}", "key"), (f" {says} ", "muted")]
    return [tuple(spans)]


def _hint(action: Action, view: ViewState) -> str:
    """What the key does now: in a panel with all of the room Enter chooses a figure, if it has any."""
    if action.id != "zoom" or action.keys[:1] != ("enter",):
        return action.hint
    return {"zoom": action.hint, "figures": "figures", "nothing": ""}[view.enters]


def _of_open(view: ViewState, last: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The keys of what is open in front of the panels; none where nothing is. ``last``: the hint to quit."""
    if view.palette:
        return [("Enter", "run"), ("↑ ↓", "choose"), ("Esc", "close")]
    if view.help:
        return [("Esc", "close"), ("/", "find"), ("↑ ↓", "scroll"), *last]
    if view.explains:
        return [("Esc", "close"), ("↑ ↓", "scroll"), ("y", "copy"), *last]
    if view.typing:
        return [("Enter", "keep"), ("Esc", "clear")]
    return [("Enter", "explain"), ("↑ ↓ ← →", "choose"), ("Esc", "back"), *last] if view.figure else []


def _first(action: Action, view: ViewState) -> str:
    """The first of its keys, in ASCII the first that ASCII can name."""
    return (plain_keys(action.shown) if view.ascii else action.shown).split(" ")[0]


def _range(action: Action, view: ViewState) -> str:
    """``1-9``."""
    ends = (action.keys[0], action.keys[-1])
    return "-".join(map(plain_keys, ends) if view.ascii else ends)


def _among(
    bound: Mapping[str, Action], action: str, chosen: str, names: tuple[str, ...], view: ViewState
) -> list[tuple[str, str]]:
    """``p pair 2/3``: which is shown, and the key for the next; none without others or a key."""
    if action not in bound or not names:
        return []
    at = names.index(chosen) + 2 if chosen in names else 1
    return [(_first(bound[action], view), f"{action} {at}/{len(names) + 1}")]


def _both(
    bound: Mapping[str, Action], back: str, forth: str, says: str, view: ViewState
) -> list[tuple[str, str]]:
    """One hint for two actions; none where a person has unbound one of them."""
    if back not in bound or forth not in bound:
        return []
    return [(f"{_first(bound[back], view)} {_first(bound[forth], view)}", says)]
