"""The table of keys: bindings, footer and help all come from it, with a person's own keys merged in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


Scope = Literal["view", "app", "tape", "local", "host"]
SCOPES: frozenset[Scope] = frozenset(get_args(Scope))


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
    scope: Scope
    """Who acts: the view's ``reduce``, the program, the tape being played, the program in a terminal of its
    own, or a host of many viewers."""


ACTIONS = (
    Action(
        "focus",
        tuple("123456789"),
        "1 … 9",
        "go to the panel with that number",
        "panel",
        "view",
    ),
    Action(
        "page",
        tuple(f"f{number}" for number in range(2, 9)),
        "F2 … F8",
        "pages: desk, Fed, breadth, graph, macro, health, events",
        "",
        "view",
    ),
    Action("next", ("tab",), "Tab", "next panel", "", "view"),
    Action("previous", ("shift+tab",), "Shift+Tab", "previous panel", "", "view"),
    Action(
        "zoom",
        ("enter", "z"),
        "Enter z",
        "zoom the panel to the whole screen; Enter once more chooses a figure, z goes back",
        "zoom",
        "view",
    ),
    Action(
        "explain", ("e",), "e", "choose a figure with the arrows; Enter says what it rests on", "", "view"
    ),
    Action(
        "back", ("escape",), "Esc", "clear the search, close help, leave a figure, leave zoom", "", "view"
    ),
    Action("shorter", ("[",), "[", "shorter window (1, 5, 20, 60, 252 sessions, or your own)", "", "view"),
    Action("longer", ("]",), "]", "longer window", "", "view"),
    Action("chart", ("c",), "c", "ratio chart: both, daily, today; graph: weekly, daily", "chart", "view"),
    Action("trail", ("o",), "o", "graph: every trail, only one of them, none", "", "view"),
    Action(
        "point-back", ("h",), "h", "crosshair of a zoomed chart: the point before, as ← there", "", "view"
    ),
    Action("point-on", ("l",), "l", "the next point, as → there; Esc takes the crosshair away", "", "view"),
    Action("far-back", ("{",), "{", "crosshair ten points back", "", "view"),
    Action("far-on", ("}",), "}", "crosshair ten points on", "", "view"),
    Action("filter", ("/",), "/", "find in legs, events or this help; Esc clears", "", "view"),
    Action("sort", ("s",), "s", "sort the legs by the next column", "", "view"),
    Action("sort-back", ("S",), "S", "the other way round", "", "view"),
    Action("palette", (":", "ctrl+p"), ": Ctrl+P", "commands: type to find one, Enter runs it", "", "view"),
    Action("down", ("down", "j"), "↓ j", "scroll down", "", "view"),
    Action("up", ("up", "k"), "↑ k", "scroll up", "", "view"),
    Action("half-down", ("ctrl+d", "pagedown"), "Ctrl+d PgDn", "half a page down", "", "view"),
    Action("half-up", ("ctrl+u", "pageup"), "Ctrl+u PgUp", "half a page up", "", "view"),
    Action("top", ("g", "home"), "g Home", "to the top", "", "view"),
    Action("bottom", ("G", "end"), "G End", "to the bottom", "", "view"),
    Action("pause", ("space",), "Space", "pause the screen; data keeps coming", "pause", "view"),
    Action("pair", ("p",), "p", "next pair of the configuration", "", "view"),
    Action("pair-back", ("P",), "P", "previous pair", "", "view"),
    Action("list", ("w",), "w", "next watch list in the legs", "", "view"),
    Action("list-back", ("W",), "W", "previous watch list", "", "view"),
    Action("hold", ("H",), "H", "hold or resume the tape", "hold", "tape"),
    Action("slower", ("<", "-"), "< -", "tape slower", "", "tape"),
    Action("faster", (">", "+", "="), "> +", "tape faster", "", "tape"),
    Action("earlier", (",", "left"), ", ←", "tape back 5 minutes", "", "tape"),
    Action("later", (".", "right"), ". →", "tape forward 5 minutes", "", "tape"),
    Action("rewind", ("0",), "0", "tape back to its start", "", "tape"),
    Action(
        "copy",
        ("y",),
        "y",
        "copy the headline, or what a figure rests on, with source and time (OSC 52)",
        "",
        "app",
    ),
    Action("export", ("E",), "E", "write the panel, or the screen, to a file", "", "app"),
    Action("theme", ("t",), "t", "next theme", "theme", "view"),
    Action("colours", ("C",), "C", "more or fewer colours", "", "host"),
    Action("help", ("?",), "?", "this help", "help", "view"),
    Action("suspend", ("ctrl+z",), "Ctrl+Z", "back to the shell; fg returns here", "", "local"),
    Action("quit", ("q", "ctrl+c"), "q Ctrl+C", "quit", "quit", "app"),
)


_KEY_NAME = re.compile(
    r"tab|shift\+tab|enter|escape|space|backspace|delete|insert|up|down|left|right|home|end|pageup|pagedown"
    r"|f([1-9]|1[0-9]|2[0-4])|ctrl\+[a-z]"
)
_SPELLED = {
    "space": "Space", "enter": "Enter", "escape": "Esc", "tab": "Tab", "shift+tab": "Shift+Tab",
    "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
}  # fmt: skip
NUMBERED = {action.id: len(action.keys) for action in ACTIONS if action.id in ("focus", "page")}
"""Actions of which each key has a meaning of its own, by its place: how many there are."""
ALWAYS_QUITS = "ctrl+c"
"""No key of a person's own takes it away: there is always a way out."""
PRESETS: dict[str, dict[str, tuple[str, ...]]] = {
    "qwerty": {},
    "qwertz": {"shorter": ("ö", "["), "longer": ("ä", "]")},
    "azerty": {
        "focus": ("&", "é", '"', "'", "(", "-", "è", "_", "ç"),
        "slower": ("<",),
        "shorter": ("ù", "["),
        "longer": ("*", "]"),
    },
}
"""Layouts on which ``[`` and ``]`` (and the digits) need a modifier → keys that do not."""


class KeymapError(ValueError):
    """Keys that cannot be bound like this; ``action`` is the binding at fault."""

    def __init__(self, action: str, message: str, *, other: str = "") -> None:
        """``other``: the action that has the key, too."""
        super().__init__(message)
        self.action = action
        self.other = other


class Keymap:
    """Which key does what. Two of them are equal only if they are the same object."""

    def __init__(self, actions: tuple[Action, ...], named: Collection[str] = ()) -> None:
        """Take the actions with their keys. Raises KeymapError where a key has two.

        ``named``: ids of those whose keys a person has chosen: the other one may give way.
        """
        self.actions = actions
        self._by_key: dict[str, Action] = {}
        for action in actions:
            for key in action.keys:
                other = self._by_key.setdefault(key, action)
                if other is not action:
                    usual = action if other.id in named and action.id not in named else other
                    raise KeymapError(
                        action.id,
                        f"key {key!r} is bound to both {other.id} and {action.id}; "
                        f'give one of them another key, or unbind it with {usual.id} = "none"',
                        other=other.id,
                    )

    def action_of(self, key: str) -> Action | None:
        """Return the action of a key, by its name; None if the key is not bound."""
        return self._by_key.get(key)

    def rebound(self, keys: Mapping[str, tuple[str, ...]]) -> Keymap:
        """Return the keymap with other keys for these actions (by id; none: unbound). Raises KeymapError."""
        for action, names in keys.items():
            for name in names:
                if not is_key(name):
                    raise KeymapError(
                        action,
                        f"{name!r} is not a key; write one character, or a name such as space, enter, "
                        "pageup, f5 or ctrl+x",
                    )
                if name == ALWAYS_QUITS and action != "quit":
                    raise KeymapError(action, f"{ALWAYS_QUITS} always quits")
            if action in NUMBERED and len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise KeymapError(
                    action, f"key {twice!r} is in the list twice: each key has its own {_of(action)}"
                )
            most = NUMBERED.get(action, len(names))
            if len(names) > most:
                raise KeymapError(
                    action, f"expected at most {most} keys, one for each {_of(action)}, got {len(names)}"
                )
        return Keymap(tuple(_rebound(action, keys) for action in self.actions), keys)


def _of(action: str) -> str:
    """What each key of a numbered action goes to."""
    return "panel" if action == "focus" else "page"


def _rebound(action: Action, keys: Mapping[str, tuple[str, ...]]) -> Action:
    names = keys.get(action.id, action.keys)
    if action.id == "quit" and ALWAYS_QUITS not in names:
        names = (*names, ALWAYS_QUITS)
    if names == action.keys:
        return action
    words = [spelled(name) for name in names]
    shown = f"{words[0]} … {words[-1]}" if action.id in NUMBERED and words else " ".join(words)
    return action._replace(keys=names, shown=shown or "unbound")


def spelled(key: str) -> str:
    """A key as shown to a person."""
    if key.startswith("ctrl+"):
        return f"Ctrl+{key[5:]}"
    return _SPELLED.get(key, key.upper() if re.fullmatch(r"f\d+", key) else key)


def is_key(name: str) -> bool:
    """Return whether ``key_name`` can give this name."""
    return (len(name) == 1 and name.isprintable() and name != " ") or _KEY_NAME.fullmatch(name) is not None


DEFAULT_KEYS = Keymap(ACTIONS)


def key_name(key: str, character: str | None) -> str:
    """Return one name per key, whatever the terminal calls it: its printable character, else the key."""
    if character is not None and character.isprintable() and character != " ":
        return character
    return key
