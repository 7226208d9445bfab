"""The footer: the keys that can be pressed now, each of which can be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tui.view.ascii import plain_keys
from tui.view.draw import cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.snapshot import Snapshot
    from tui.view.draw import Row
    from tui.view.keymap import Action
    from tui.view.view_state import ViewState

CLOSES, ENTERS, UP, DOWN = ("Esc", "escape"), ("Enter", "enter"), ("↑", "up"), ("↓", "down")
"""Keys that are what they are whatever a person has bound: as shown, and by name."""


class Hint(NamedTuple):
    """One cell of the footer."""

    shown: str
    """Its key, or keys with blanks between."""
    says: str
    keys: tuple[str, ...] = ()
    """The names of the keys that a click presses, one for each shown; one alone has the whole cell."""

    @property
    def cells(self) -> int:
        """How wide it is, the blanks around it included."""
        return cells(self.shown) + cells(self.says) + 3


def rows(snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> list[Row]:
    """Return one line; hints that do not fit are left out, the last first, but help and quit stay."""
    del height
    if view.message:
        return [((f" {view.message}", "alert" if view.is_urgent else "accent"),)]
    shown = hints(snapshot, view, width)
    return [
        tuple(span for hint in shown for span in ((f" {hint.shown}", "key"), (f" {hint.says} ", "muted")))
    ]


def clicked(snapshot: Snapshot | None, view: ViewState, width: int, x: int) -> str:
    """The name of the key that a click on this column (from 0) presses; empty where there is none.

    Of ``[ ] window 5`` the first key has its own cells and the last all the rest.
    """
    if view.message:
        return ""
    for hint in hints(snapshot, view, width):
        if x >= hint.cells:
            x -= hint.cells
            continue
        ends = [1 + cells(" ".join(hint.shown.split(" ")[: n + 1])) for n in range(len(hint.keys) - 1)]
        at = next((n for n, end in enumerate(ends) if x < end), len(hint.keys) - 1)
        return hint.keys[at] if hint.keys else ""
    return ""


def hints(snapshot: Snapshot | None, view: ViewState, width: int) -> list[Hint]:
    """The cells that have room, from left to right. ``snapshot``: None before the first."""
    # A viewer of a host cannot move its tape.
    tape = snapshot is not None and snapshot.health.tape is not None and not snapshot.health.host
    bound = {action.id: action for action in view.keys.actions if action.keys}
    made = [
        _focus(a, bound, view) if a.id == "focus" else Hint(_first(a, view), _hint(a, view), a.keys[:1])
        for a in bound.values()
        if a.hint and (a.scope != "tape" or tape)
    ]
    made[1:1] = _both(bound, "shorter", "longer", f"window {view.window}", view)
    if view.has_chart:
        made[1:1] = [Hint("← →", "crosshair", ("left", "right"))]
    if tape:
        made[-3:-3] = [
            *_both(bound, "slower", "faster", "speed", view),
            *_both(bound, "earlier", "later", "seek", view),
        ]
    made[3:3] = [
        *_among(bound, "pair", view.pair, view.pairs, view),
        *_among(bound, "list", view.list, view.lists, view),
    ]
    made = _of_open(view, made[-1:]) or [hint for hint in made if hint.says]
    if view.ascii:
        made = [hint._replace(shown=plain_keys(hint.shown)) for hint in made]
    while sum(hint.cells for hint in made) > width and len(made) > 2:
        made.pop(-3 if len(made) > 3 else 0)
    return made


def _hint(action: Action, view: ViewState) -> str:
    """What the key does now: in a panel with all of the room Enter chooses a figure, if it has any."""
    if action.id != "zoom" or action.keys[:1] != ("enter",):
        return action.hint
    return {"zoom": action.hint, "figures": "figures", "nothing": ""}[view.enters]


def _of_open(view: ViewState, last: list[Hint]) -> list[Hint]:
    """The keys of what is open in front of the panels; none where nothing is. ``last``: the hint to quit."""
    close, choose = Hint(CLOSES[0], "close", CLOSES[1:]), Hint("↑ ↓", "choose", (UP[1], DOWN[1]))
    scroll = choose._replace(says="scroll")
    if view.palette:
        return [Hint(ENTERS[0], "run", ENTERS[1:]), choose, close]
    if view.typing:
        return [Hint(ENTERS[0], "keep", ENTERS[1:]), Hint(CLOSES[0], "clear", CLOSES[1:])]
    if view.help:
        return [close, Hint("/", "find", ("/",)), scroll, *last]
    if view.explains:
        return [close, scroll, Hint("y", "copy", ("y",)), *last]
    if not view.figure:
        return []
    across = Hint("↑ ↓ ← →", "choose", (UP[1], DOWN[1], "left", "right"))
    return [Hint(ENTERS[0], "explain", ENTERS[1:]), across, Hint(CLOSES[0], "back", CLOSES[1:]), *last]


def _first(action: Action, view: ViewState) -> str:
    """The first of its keys, in ASCII the first that ASCII can name."""
    return (plain_keys(action.shown) if view.ascii else action.shown).split(" ")[0]


def _focus(action: Action, bound: Mapping[str, Action], view: ViewState) -> Hint:
    """``1-9 panel``; a click on it goes to the next one, as no single number stands there."""
    ends = (action.keys[0], action.keys[-1])
    following = bound["next"].keys[:1] if "next" in bound else ()
    return Hint("-".join(map(plain_keys, ends) if view.ascii else ends), action.hint, following)


def _among(
    bound: Mapping[str, Action], action: str, chosen: str, names: tuple[str, ...], view: ViewState
) -> list[Hint]:
    """``p pair 2/3``: which is shown, and the key for the next; none without others or a key."""
    if action not in bound or not names:
        return []
    at = names.index(chosen) + 2 if chosen in names else 1
    return [Hint(_first(bound[action], view), f"{action} {at}/{len(names) + 1}", bound[action].keys[:1])]


def _both(bound: Mapping[str, Action], back: str, forth: str, says: str, view: ViewState) -> list[Hint]:
    """One hint for two actions; none where a person has unbound one of them."""
    if back not in bound or forth not in bound:
        return []
    two = bound[back], bound[forth]
    return [Hint(" ".join(_first(each, view) for each in two), says, tuple(each.keys[0] for each in two))]
