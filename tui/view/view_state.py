"""ViewState: everything that a viewer chose, frozen; it changes only by ``reduce(view, key)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import WINDOWS
from tui.view.keymap import DEFAULT_KEYS, Keymap

if TYPE_CHECKING:
    from collections.abc import Callable

PANELS = ("legs", "spread", "ratio", "fed", "health", "breadth", "events", "graph", "macro")
"""In the order of their numbers."""
PAGES = frozenset({"breadth", "events", "graph", "macro"})
"""Panels that have the room of all others while they are in focus, and none else."""
CHARTS = ("both", "daily", "today")
FILTER_MAX = 40
BOTTOM = 1_000_000
"""A scroll past every end; drawing clamps it."""


class ViewState(msgspec.Struct, frozen=True):
    """One viewer's choices. Viewers with equal ViewStates see the same screen."""

    theme: str = "midnight"
    themes: tuple[str, ...] = ("midnight",)
    """The themes that ``t`` goes through."""
    focus: str = "legs"
    zoomed: bool = False
    window: int = 5
    chart: str = "both"
    paused: bool = False
    help: bool = False
    filter: str = ""
    """Help shows only the lines with this text; "" shows all."""
    typing: bool = False
    """Whether keys are typed into ``filter``."""
    scroll: int = 0
    """The first visible line of the focused panel, or of help."""
    keys: Keymap = DEFAULT_KEYS
    """Which key does what for this viewer."""
    message: str = ""
    """Stands in the place of the footer until the next key: an alert, or the answer to a key."""
    is_urgent: bool = False
    """Whether the message is an alert or an error."""


def with_message(view: ViewState, message: str, *, urgent: bool = False) -> ViewState:
    """Return the view with a line in the place of its footer; "" takes it away."""
    return _with(view, message=message, is_urgent=urgent and bool(message))


def parts_of(view: ViewState) -> frozenset[str]:
    """Return what only this view shows of a Snapshot, and what is not made unless it is asked for."""
    has_story = view.zoomed and view.focus == "spread" and not view.help
    return frozenset({"story"}) if has_story else frozenset()


def reduce(view: ViewState, key: str) -> ViewState:
    """Return the view after a key; the same object if the key changes nothing."""
    if view.message:
        view = with_message(view, "")
    if view.typing:
        return _typed(view, key)
    action = view.keys.action_of(key)
    change = _CHANGES.get(action.id) if action else None
    return change(view, key) if change else view


def clamp_scroll(view: ViewState, most: int) -> ViewState:
    """Return the view with its scroll limited to ``most`` lines."""
    return _with(view, scroll=most) if view.scroll > most else view


def _with(view: ViewState, **changes: object) -> ViewState:
    return msgspec.structs.replace(view, **changes)


def _typed(view: ViewState, key: str) -> ViewState:
    if key == "escape":
        return _with(view, typing=False, filter="", scroll=0)
    if key == "enter":
        return _with(view, typing=False)
    if key == "backspace":
        return _with(view, filter=view.filter[:-1], scroll=0)
    typed = " " if key == "space" else key
    if len(typed) == 1 and typed.isprintable() and len(view.filter) < FILTER_MAX:
        return _with(view, filter=view.filter + typed, scroll=0)
    return view


def _focus(view: ViewState, key: str) -> ViewState:
    action = view.keys.action_of(key)
    return focused(view, PANELS[action.keys.index(key)]) if action else view


def focused(view: ViewState, panel: str) -> ViewState:
    """Return the view with the focus on a panel, as after a click on it."""
    return _with(view, focus=panel, help=False, scroll=0 if panel != view.focus else view.scroll)


def _step_focus(step: int) -> Callable[[ViewState, str], ViewState]:
    def change(view: ViewState, _key: str) -> ViewState:
        panel = PANELS[(PANELS.index(view.focus) + step) % len(PANELS)]
        return _with(view, focus=panel, help=False, scroll=0)

    return change


def _step_window(step: int) -> Callable[[ViewState, str], ViewState]:
    def change(view: ViewState, _key: str) -> ViewState:
        at = min(max(WINDOWS.index(view.window) + step, 0), len(WINDOWS) - 1)
        return _with(view, window=WINDOWS[at])

    return change


def scrolled(view: ViewState, step: int) -> ViewState:
    """Return the view moved by lines, as by the wheel."""
    return _with(view, scroll=max(0, view.scroll + step))


def _step_scroll(step: int) -> Callable[[ViewState, str], ViewState]:
    return lambda view, _key: scrolled(view, step)


def _chart(view: ViewState, _key: str) -> ViewState:
    if view.focus == "graph":  # weekly or daily, nothing else
        return _with(view, chart="both" if view.chart == "daily" else "daily")
    return _with(view, chart=CHARTS[(CHARTS.index(view.chart) + 1) % len(CHARTS)])


def _toggle(field: str) -> Callable[[ViewState, str], ViewState]:
    return lambda view, _key: _with(view, **{field: not getattr(view, field)})


def _theme(view: ViewState, _key: str) -> ViewState:
    at = view.themes.index(view.theme) if view.theme in view.themes else -1
    return _with(view, theme=view.themes[(at + 1) % len(view.themes)])


def _help(view: ViewState, _key: str) -> ViewState:
    return _with(view, help=not view.help, filter="", scroll=0)


def _filter(view: ViewState, _key: str) -> ViewState:
    return _with(view, help=True, typing=True, scroll=0)


def _back(view: ViewState, _key: str) -> ViewState:
    """One step out of whatever is open, the innermost first."""
    if view.filter:
        return _with(view, filter="", scroll=0)
    if view.help:
        return _with(view, help=False, scroll=0)
    return _with(view, zoomed=False, scroll=0)


_CHANGES: dict[str, Callable[[ViewState, str], ViewState]] = {
    "focus": _focus,
    "next": _step_focus(1),
    "previous": _step_focus(-1),
    "zoom": _toggle("zoomed"),
    "back": _back,
    "shorter": _step_window(-1),
    "longer": _step_window(1),
    "chart": _chart,
    "filter": _filter,
    "pause": _toggle("paused"),
    "theme": _theme,
    "help": _help,
    "down": _step_scroll(1),
    "up": _step_scroll(-1),
    "half-down": _step_scroll(8),
    "half-up": _step_scroll(-8),
    "bottom": _step_scroll(BOTTOM),
    "top": _step_scroll(-BOTTOM),
}
