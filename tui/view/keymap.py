"""The table of keys: bindings, footer and help all come from it."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple


class Action(NamedTuple):
    """What a key does."""

    id: str
    keys: tuple[str, ...]
    """Names as ``key_name`` gives them."""
    shown: str
    """The keys as shown to a person."""
    says: str
    """What the key does, for help."""
    hint: str
    """Two words for the footer; "" keeps it out."""
    scope: Literal["view", "app", "tape", "local", "host"]
    """Who acts: the view's ``reduce``, the program, the tape being played, the program in a terminal of its
    own, or a host of many viewers."""


ACTIONS = (
    Action(
        "focus", ("1", "2", "3", "4", "5", "6"), "1 … 6", "go to the panel with that number", "panel", "view"
    ),
    Action("next", ("tab",), "Tab", "next panel", "", "view"),
    Action("previous", ("shift+tab",), "Shift+Tab", "previous panel", "", "view"),
    Action("zoom", ("enter", "z"), "Enter z", "zoom the panel to the whole screen, and back", "zoom", "view"),
    Action("back", ("escape",), "Esc", "clear the search, close help, leave zoom", "", "view"),
    Action("shorter", ("[",), "[", "shorter window (1, 5, 20, 60, 252 sessions)", "", "view"),
    Action("longer", ("]",), "]", "longer window", "", "view"),
    Action("chart", ("c",), "c", "ratio chart: both, daily, today", "chart", "view"),
    Action("filter", ("/",), "/", "find in this help; Esc clears", "", "view"),
    Action("down", ("down", "j"), "↓ j", "scroll down", "", "view"),
    Action("up", ("up", "k"), "↑ k", "scroll up", "", "view"),
    Action("half-down", ("ctrl+d", "pagedown"), "Ctrl+d PgDn", "half a page down", "", "view"),
    Action("half-up", ("ctrl+u", "pageup"), "Ctrl+u PgUp", "half a page up", "", "view"),
    Action("top", ("g", "home"), "g Home", "to the top", "", "view"),
    Action("bottom", ("G", "end"), "G End", "to the bottom", "", "view"),
    Action("pause", ("space",), "Space", "pause the screen; data keeps coming", "pause", "view"),
    Action("hold", ("p",), "p", "hold or resume the tape", "hold", "tape"),
    Action("slower", ("<", "-"), "< -", "tape slower", "", "tape"),
    Action("faster", (">", "+", "="), "> +", "tape faster", "", "tape"),
    Action("earlier", (",", "left"), ", ←", "tape back 5 minutes", "", "tape"),
    Action("later", (".", "right"), ". →", "tape forward 5 minutes", "", "tape"),
    Action("rewind", ("0",), "0", "tape back to its start", "", "tape"),
    Action("copy", ("y",), "y", "copy the headline with source and time (OSC 52)", "", "app"),
    Action("theme", ("t",), "t", "next theme", "theme", "view"),
    Action("colours", ("C",), "C", "more or fewer colours", "", "host"),
    Action("help", ("?",), "?", "this help", "help", "view"),
    Action("suspend", ("ctrl+z",), "Ctrl+Z", "back to the shell; fg returns here", "", "local"),
    Action("quit", ("q", "ctrl+c"), "q Ctrl+C", "quit", "quit", "app"),
)


@cache
def _by_key() -> dict[str, Action]:
    return {key: action for action in ACTIONS for key in action.keys}


def action_of(key: str) -> Action | None:
    """Return the action of a key, by its name; None if the key is not bound."""
    return _by_key().get(key)


def key_name(key: str, character: str | None) -> str:
    """Return one name per key, whatever the terminal calls it: its printable character, else the key."""
    if character is not None and character.isprintable() and character != " ":
        return character
    return key
