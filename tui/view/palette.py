"""The commands: actions by id; panels, windows, themes, pairs and lists by name. Found as one types."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tui.view.keymap import spelled
from tui.view.view_state import (
    PANELS,
    SORTS,
    WHOLE,
    act,
    focused,
    reduce,
    with_list,
    with_page,
    with_pair,
    with_window,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tui.view.view_state import ViewState

HIDDEN = frozenset({"focus", "page", "palette", "filter"})
"""Actions that are here under other names, or make no sense from here."""
STEPS = {"down": 1, "tab": 1, "up": -1, "shift+tab": -1}
SORTED = {"": "in the desk's order", "window": "by the window's return", "day": "by the day's return"}


NAMED: dict[str, Callable[[ViewState, str], ViewState]] = {
    "focus": focused,
    "page": with_page,
    "pair": with_pair,
    "list": with_list,
}
"""What sets a field that more depends on."""


class Entry(NamedTuple):
    """One command."""

    name: str
    """``theme paper``, ``zoom``: what is typed."""
    says: str
    keys: str = ""
    """As shown to a person; empty where it has none."""
    action: str = ""
    """Id of the action that it is; empty for a value that is set."""
    scope: str = "view"
    """Who acts, as in ``tui.view.keymap.Action``."""
    sets: tuple[str, str | int] | None = None
    """Field of the view and its value."""


def entries(view: ViewState) -> Iterator[Entry]:
    """All commands that can be run here, in the order of the key table, then values by kind."""
    for action in view.keys.actions:
        if action.id not in HIDDEN and action.scope in view.scopes:
            yield Entry(action.id, action.says, action.shown, action.id, action.scope)
    for panel in PANELS:
        yield Entry(f"panel {panel}", f"go to {panel}", sets=("focus", panel))
    pages = next(action.keys for action in view.keys.actions if action.id == "page")
    for page, key in zip_longest(WHOLE, pages, fillvalue=""):
        says = "the desk of several panels" if page == "desk" else f"only {page}, on the whole screen"
        yield Entry(f"page {page}", says, spelled(key) if key else "", sets=("page", page))
    for window in view.windows:
        yield Entry(f"window {window}", f"look at {window} sessions", sets=("window", window))
    for theme in view.themes:
        yield Entry(f"theme {theme}", "colours", sets=("theme", theme))
    titles = {each.pair: each.title for each in view.pair_options}
    for pair in ("", *view.pairs) if view.pairs else ():
        says = titles.get(pair) or "show this pair"
        yield Entry(f"pair {pair or 'first'}", says, sets=("pair", pair))
    for name in ("", *view.lists) if view.lists else ():
        yield Entry(f"list {name or 'desk'}", "show these legs", sets=("list", name))
    for sort in SORTS:
        says = f"sort the legs {SORTED.get(sort, f'by {sort}')}"
        yield Entry(f"sort {sort or 'desk'}", says, sets=("sort", sort))


def matching(view: ViewState) -> list[Entry]:
    """The commands that fit what is typed, the best first."""
    wanted = " ".join(view.filter.casefold().split())
    ranked = [(rank, entry) for entry in entries(view) if (rank := _rank(wanted, entry)) is not None]
    return [entry for _, entry in sorted(ranked, key=lambda each: each[0])]


def chosen(view: ViewState) -> Entry | None:
    """The command that Enter runs; None where nothing fits."""
    fitting = matching(view)
    return fitting[min(view.choice, len(fitting) - 1)] if fitting else None


def pressed(view: ViewState, key: str) -> ViewState:
    """The view after a key, whether the commands are open or not; Enter only runs what changes the view."""
    if not view.palette:
        return reduce(view, key)
    if key in STEPS:
        last = max(len(matching(view)) - 1, 0)
        choice = min(max(min(view.choice, last) + STEPS[key], 0), last)
        return msgspec.structs.replace(view, choice=choice)
    entry = chosen(view) if key == "enter" else None
    closed = reduce(view, key)
    return run(closed, entry) if entry is not None else closed


def run(view: ViewState, entry: Entry) -> ViewState:
    """The view after a command; the same object for one that the program has to act on."""
    if entry.sets is None:
        return act(view, entry.action) if entry.scope == "view" else view
    field, value = entry.sets
    if field in NAMED:
        return NAMED[field](view, str(value))
    if field == "window":
        return with_window(view, int(value))
    changes = {field: value, **({"order": ()} if field == "sort" else {})}
    return msgspec.structs.replace(view, **changes)


def _rank(wanted: str, entry: Entry) -> int | None:
    """The smaller the better; None where it does not fit."""
    name, says = entry.name.casefold(), entry.says.casefold()
    if name.startswith(wanted):
        return 0
    if wanted in name:
        return 1
    if all(word in f"{name} {says}" for word in wanted.split()):
        return 2
    return 3 if _in_order(wanted.replace(" ", ""), name) else None


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
