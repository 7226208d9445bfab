"""ViewState: everything that a viewer chose, frozen; it changes only by ``reduce(view, key)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.desk import WINDOWS, PairOptions, pair_name, pair_prefix
from tui.view.keymap import DEFAULT_KEYS, SCOPES, Keymap, Scope
from tui.view.places import PanelLists

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rotation.desk import LegList

PANELS = ("legs", "spread", "ratio", "fed", "health", "breadth", "events", "graph", "macro")
"""In the order of their numbers."""
PAGES = frozenset({"breadth", "events", "graph", "macro"})
"""Panels that have the room of all others while they are in focus, and none else, unless a person's own lists
have them."""
WHOLE = ("desk", "fed", "breadth", "graph", "macro", "health", "events")
"""The pages, in the order of their keys: the desk of several panels, then one panel with all of the room."""
CHARTS = ("both", "daily", "today")
FILTERED = frozenset({"legs", "events"})
"""Panels of which ``/`` shows only the lines with a text; elsewhere it opens help."""
SORTS = ("", "symbol", "day", "window", "streak")
"""What the legs can be sorted by: "" is the desk's own order, window the return over the one chosen."""
CHARTED = frozenset({"ratio", "spread", "fed"})
"""Panels of which the zoom has a chart with a crosshair."""
FIGURELESS = frozenset({"health", "events"})
"""Panels without a figure that could be chosen."""
FILTER_MAX = 40
ELSEWHERE = ("focus", "help", "palette", "pair", "zoomed", "releases")
"""Fields that decide which figures stand where: a change of them ends the choice of one."""
Enters = Literal["zoom", "figures", "nothing"]
"""Where Enter leads from a panel: over the whole screen, to a figure of it, or nowhere."""
FIRST = "first"
"""In the place of a figure's id: the first in sight, until the screen has said which that is."""
FAR = 10
"""Points of a long step of the crosshair."""
BOTTOM = 1_000_000
"""A scroll past every end; drawing clamps it."""


class ViewState(msgspec.Struct, frozen=True):
    """One viewer's choices. Viewers with equal ViewStates see the same screen."""

    theme: str = "midnight"
    themes: tuple[str, ...] = ("midnight",)
    """The themes that ``t`` goes through."""
    focus: str = "legs"
    zoomed: bool = False
    releases: bool = False
    """Whether the macro page, with all of the room, shows release days in the place of yields and prices."""
    window: int = 5
    """In sessions; one of ``windows``."""
    windows: tuple[int, ...] = WINDOWS
    """What ``[`` and ``]`` go through, the shortest first."""
    returns: tuple[int, ...] = ()
    """The windows that legs have a column of; none: all of ``windows``."""
    chart: str = "both"
    trail: int = 0
    """Which trails the graph draws: 0 all, 1 … n only that of the nth leg, n + 1 none; and so on."""
    panels: PanelLists = PanelLists()
    """Which panels share the screen, and where."""
    paused: bool = False
    help: bool = False
    palette: bool = False
    """Whether the list of commands is open; ``filter`` is what is looked for."""
    choice: int = 0
    """Which of the commands found is chosen."""
    filter: str = ""
    """The focused panel, or help, shows only the lines with this text; "" shows all."""
    typing: bool = False
    """Whether keys are typed into ``filter``."""
    sort: str = ""
    """Of SORTS."""
    is_rising: bool = False
    """Whether the smallest comes first."""
    order: tuple[str, ...] = ()
    """The symbols as they were sorted when the legs came into focus: a list that is read stands still."""
    scroll: int = 0
    """The first visible line of the focused panel, or of help."""
    beside: tuple[tuple[str, int], ...] = ()
    """Panels out of focus that the wheel has scrolled, by name, and the first visible line of each."""
    figure: str = ""
    """The id of the figure under the cursor; "" while none is being chosen."""
    explains: bool = False
    """Whether what that figure rests on is shown, in the place of all panels."""
    scroll_below: int = 0
    """The scroll of the panel below that, for when it is closed."""
    crosshair: str = ""
    """The moment of the point under the crosshair of the zoomed chart, in ISO 8601; "" without one. It is
    the last point until then, so it stays where it is when newer ones come."""
    step: int = 0
    """Points that a key has asked the crosshair to move by: where they are only the screen knows."""
    pair: str = ""
    """The pair shown, as "IWN/IVW"; "" is the desk's first."""
    pairs: tuple[str, ...] = ()
    """The more pairs that ``p`` goes through after the first."""
    pair_options: tuple[PairOptions, ...] = ()
    """What some of them have of their own."""
    list: str = ""
    """The watch list that the legs panel shows; "" is the desk's own legs and groups."""
    lists: tuple[str, ...] = ()
    """The watch lists that ``w`` goes through."""
    motion: bool = True
    """Whether ages and the clock tick; without it nothing moves but values."""
    ascii: bool = False
    """Whether the screen is drawn in ASCII alone."""
    keys: Keymap = DEFAULT_KEYS
    """Which key does what for this viewer."""
    scopes: frozenset[Scope] = SCOPES
    """Who can act for this viewer, as in ``tui.view.keymap.Action``; the list of commands has these alone."""
    message: str = ""
    """Stands in the place of the footer until the next key: an alert, or the answer to a key."""
    is_urgent: bool = False
    """Whether the message is an alert or an error."""

    @property
    def marked(self) -> str:
        """The panel in which a figure is being chosen; "" for none."""
        return self.focus if self.figure else ""

    @property
    def is_single(self) -> bool:
        """Whether one panel has the room of all, of panels that a screen of some width shares."""
        return self.zoomed or (self.focus in PAGES and not self.panels.has(self.focus))

    @property
    def enters(self) -> Enters:
        """What Enter does in the panel in focus, while no figure is chosen."""
        if not self.is_single:
            return "zoom"
        return "nothing" if self.focus in FIGURELESS else "figures"

    @property
    def has_chart(self) -> bool:
        """Whether the panel that keys act on is a zoomed chart."""
        return self.zoomed and self.focus in CHARTED and keyed(self) == self.focus

    @property
    def crosshair_shown(self) -> str:
        """The moment of the crosshair where one is on screen; "" where none is."""
        return self.crosshair if self.has_chart else ""

    @property
    def whole(self) -> str:
        """The panel that is zoomed; "" for none."""
        return self.focus if self.zoomed else ""


def pair_names(first: tuple[str, str], more: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The names of more pairs as a view holds them: the first is not among them."""
    return tuple(dict.fromkeys(pair_name(pair) for pair in more if pair != first))


def watchlists(lists: Iterable[LegList]) -> tuple[str, ...]:
    """The names of the watch lists as a view holds them."""
    return tuple(each.name for each in lists if each.is_watchlist)


def with_message(view: ViewState, message: str, *, urgent: bool = False) -> ViewState:
    """Return the view with a line in the place of its footer; "" takes it away."""
    return _with(view, message=message, is_urgent=urgent and bool(message))


def line_of(view: ViewState) -> str:
    """The id of the spread whose line the zoomed panel shows."""
    return f"{pair_prefix(view.pair)}spread.{view.window}.pp"


def reduce(view: ViewState, key: str) -> ViewState:
    """Return the view after a key; the same object if the key changes nothing."""
    if view.message:
        view = with_message(view, "")
    if view.typing:
        return _typed(view, key)
    action = view.keys.action_of(key)
    change = _CHANGES.get(action.id) if action else None
    return tidied(view, change(view, key)) if change else view


def act(view: ViewState, action: str) -> ViewState:
    """Return the view after an action, by its id; the same object for one that changes no view."""
    change = _CHANGES.get(action)
    return tidied(view, change(view, "")) if change else view


def tidied(before: ViewState, after: ViewState) -> ViewState:
    """The view after a change; no figure is chosen any more where it leads to other figures.

    Nor has another panel the crosshair of the one before.
    """
    if after.crosshair and (before.focus, before.zoomed) != (after.focus, after.zoomed):
        after = _with(after, crosshair="")
    if not before.figure or after is before or not after.figure:
        return after
    if all(getattr(before, name) == getattr(after, name) for name in ELSEWHERE):
        return after
    scroll = 0 if before.explains else after.scroll
    return _with(after, figure="", explains=False, scroll=scroll, scroll_below=0)


def closed_figure(view: ViewState) -> ViewState:
    """The view without a figure that is chosen or explained."""
    scroll = view.scroll_below if view.explains else view.scroll
    return _with(view, figure="", explains=False, scroll=scroll, scroll_below=0)


def keyed(view: ViewState) -> str:
    """The panel that keys act on."""
    return "explained" if view.explains and not (view.palette or view.help) else _open(view)


def _open(view: ViewState) -> str:
    return "palette" if view.palette else "help" if view.help else view.focus


def filter_of(view: ViewState, panel: str) -> str:
    """What a panel's lines must have in them, in small letters; "" is all lines."""
    return view.filter.casefold() if _open(view) == panel else ""


def clamp_scroll(view: ViewState, most: int) -> ViewState:
    """Return the view with its scroll limited to ``most`` lines."""
    return _with(view, scroll=most) if view.scroll > most else view


def scroll_of(view: ViewState, panel: str) -> int:
    """The first visible line of a panel, in focus or not; past the end where fewer lines have come since."""
    return view.scroll if keyed(view) == panel else next((n for name, n in view.beside if name == panel), 0)


def wheeled(view: ViewState, panel: str, step: int, most: int) -> ViewState:
    """Return the view with a panel moved by lines, in focus or not. ``most``: lines by which it can move."""
    if keyed(view) == panel:
        return scrolled(view, step)
    line = min(max(min(scroll_of(view, panel), most) + step, 0), most)
    others = tuple(each for each in view.beside if each[0] != panel)
    return _with(view, beside=tuple(sorted((*others, (panel, line)) if line else others)))


def _with(view: ViewState, **changes: object) -> ViewState:
    return msgspec.structs.replace(view, **changes)


def _typed(view: ViewState, key: str) -> ViewState:
    if key == "escape" or (key == "enter" and view.palette):
        return _with(view, typing=False, filter="", scroll=0, palette=False, choice=0)
    if key == "enter":
        return _with(view, typing=False)
    if key == "backspace":
        return _with(view, filter=view.filter[:-1], scroll=0, choice=0)
    typed = " " if key == "space" else key
    if len(typed) == 1 and typed.isprintable() and len(view.filter) < FILTER_MAX:
        return _with(view, filter=view.filter + typed, scroll=0, choice=0)
    return view


def _focus(view: ViewState, key: str) -> ViewState:
    action = view.keys.action_of(key)
    return focused(view, PANELS[action.keys.index(key)]) if action else view


def focused(view: ViewState, panel: str) -> ViewState:
    """Return the view with the focus on a panel, as after a click on it."""
    if panel == view.focus and not view.help:
        return view
    scroll = 0 if panel != view.focus else view.scroll
    return _in_focus(_with(view, releases=False, help=False, filter="", scroll=scroll), panel)


def _in_focus(view: ViewState, panel: str) -> ViewState:
    """The view with the focus on a panel, which stays where the wheel has scrolled it."""
    line = next((n for name, n in view.beside if name == panel), view.scroll)
    return _with(
        view, focus=panel, scroll=line, beside=tuple(each for each in view.beside if each[0] != panel)
    )


def with_page(view: ViewState, page: str) -> ViewState:
    """Return the view with one of WHOLE; the desk keeps the panel in focus that it has."""
    if page == "desk":
        home = view.panels.home
        panel = home if home and not view.panels.has_everywhere(view.focus) else view.focus
        panel = "legs" if panel in PAGES and not view.panels.has(panel) else panel
        return _with(focused(view, panel), zoomed=False, releases=False)
    return _with(focused(view, page), zoomed=page not in PAGES or view.panels.has(page), releases=False)


def _page(view: ViewState, key: str) -> ViewState:
    action = view.keys.action_of(key)
    return with_page(view, WHOLE[action.keys.index(key)]) if action else view


def _step_focus(step: int) -> Callable[[ViewState, str], ViewState]:
    def change(view: ViewState, _key: str) -> ViewState:
        panel = PANELS[(PANELS.index(view.focus) + step) % len(PANELS)]
        return _in_focus(_with(view, releases=False, help=False, filter="", scroll=0), panel)

    return change


def _step_window(step: int) -> Callable[[ViewState, str], ViewState]:
    def change(view: ViewState, _key: str) -> ViewState:
        at = min(max(view.windows.index(view.window) + step, 0), len(view.windows) - 1)
        return with_window(view, view.windows[at])

    return change


def with_window(view: ViewState, window: int) -> ViewState:
    """Return the view over another window; legs that are sorted by it are sorted anew.

    Of one that the view does not have the nearest is taken.
    """
    window = min(view.windows, key=lambda each: abs(each - window))
    if window == view.window:
        return view
    return _with(view, window=window, order=() if view.sort == "window" else view.order)


def with_windows(view: ViewState, windows: tuple[int, ...], returns: tuple[int, ...] = ()) -> ViewState:
    """Return the view with these windows and columns of returns; () are the usual ones, and all of them."""
    return with_window(_with(view, windows=windows or WINDOWS, returns=returns), view.window)


def with_panels(view: ViewState, panels: PanelLists) -> ViewState:
    """Return the view with these panels; the focus is on one of them, on a page, or on what is zoomed."""
    after = _with(view, panels=panels)
    is_alone = view.zoomed or view.focus in PAGES
    if not panels.home or is_alone or panels.has_everywhere(view.focus):
        return after
    return tidied(view, _with(after, focus=panels.home, scroll=0))


def more_windows(view: ViewState) -> int:
    """How many windows there are beyond the usual number."""
    return max(0, len(view.windows) - len(WINDOWS))


def scrolled(view: ViewState, step: int) -> ViewState:
    """Return the view moved by lines, as by the wheel."""
    return _with(view, scroll=max(0, view.scroll + step))


def _step_scroll(step: int) -> Callable[[ViewState, str], ViewState]:
    return lambda view, _key: scrolled(view, step)


def _step_crosshair(step: int) -> Callable[[ViewState, str], ViewState]:
    return lambda view, _key: _with(view, step=step)


def _chart(view: ViewState, _key: str) -> ViewState:
    if view.focus == "graph":  # weekly or daily, nothing else
        return _with(view, chart="both" if view.chart == "daily" else "daily")
    return _with(view, chart=CHARTS[(CHARTS.index(view.chart) + 1) % len(CHARTS)])


def _trail(view: ViewState, _key: str) -> ViewState:
    return _with(view, trail=view.trail + 1)


def _toggle(field: str) -> Callable[[ViewState, str], ViewState]:
    return lambda view, _key: _with(view, **{field: not getattr(view, field)})


def _theme(view: ViewState, _key: str) -> ViewState:
    at = view.themes.index(view.theme) if view.theme in view.themes else -1
    return _with(view, theme=view.themes[(at + 1) % len(view.themes)])


def _step_pair(step: int) -> Callable[[ViewState, str], ViewState]:
    def change(view: ViewState, _key: str) -> ViewState:
        return with_pair(view, _beside(view.pair, view.pairs, step))

    return change


def with_pair(view: ViewState, name: str) -> ViewState:
    """Return the view with this pair, its window and what it is called; "" is the desk's first."""
    view = _with(view, pair=name)
    own = options_of(view)
    if own is None:
        return view
    view = with_window(view, own.window or view.window)
    return with_message(view, f"{name}: {own.title}") if own.title else view


def options_of(view: ViewState) -> PairOptions | None:
    """What the pair shown has of its own; None where the file says nothing of it."""
    return next((each for each in view.pair_options if each.pair == view.pair), None)


def _step_list(step: int) -> Callable[[ViewState, str], ViewState]:
    def change(view: ViewState, _key: str) -> ViewState:
        return with_list(view, _beside(view.list, view.lists, step))

    return change


def _beside(name: str, names: tuple[str, ...], step: int) -> str:
    """The name so many steps on, round and round; before the names stands "", as for one that is gone."""
    among = ("", *names)
    at = among.index(name) if name in among else 0
    return among[(at + step) % len(among)]


def with_list(view: ViewState, name: str) -> ViewState:
    """Return the view with this watch list, sorted anew, from its top; "" is the desk's own legs."""
    return _with(view, list=name, order=(), scroll=0)


def _zoom(view: ViewState, key: str) -> ViewState:
    """Enter goes deeper: from the desk to a panel, a figure of it, what that rests on; then back."""
    if key != "enter":
        return _zoomed(view)
    if view.figure:
        return _explained(view)
    if view.is_single:
        return _with(view, figure=FIRST)
    return _with(view, zoomed=True)


def _zoomed(view: ViewState) -> ViewState:
    """There and back; the macro page has release days as a level of its own behind it."""
    if view.focus != "macro" or not view.is_single:
        return _with(view, zoomed=not view.zoomed)
    if not view.releases:
        return _with(view, releases=True, scroll=0)
    is_page = not view.panels.has("macro")
    return _with(view, releases=False, zoomed=view.zoomed and is_page, scroll=0)


def _choose(view: ViewState, _key: str) -> ViewState:
    return closed_figure(view) if view.figure else _with(view, figure=FIRST, help=False)


def _explained(view: ViewState) -> ViewState:
    """What the figure rests on, or the panel again as it was."""
    if view.explains:
        return _with(view, explains=False, scroll=view.scroll_below, scroll_below=0)
    return _with(view, explains=True, scroll=0, scroll_below=view.scroll)


def _help(view: ViewState, _key: str) -> ViewState:
    return _with(view, help=not view.help, filter="", scroll=0)


def _filter(view: ViewState, _key: str) -> ViewState:
    in_help = view.help or view.explains or view.focus not in FILTERED
    return _with(view, help=in_help, typing=True, scroll=0)


def _palette(view: ViewState, _key: str) -> ViewState:
    return _with(view, palette=True, typing=True, help=False, filter="", choice=0, scroll=0)


def _sort(view: ViewState, _key: str) -> ViewState:
    return _with(view, sort=SORTS[(SORTS.index(view.sort) + 1) % len(SORTS)], order=(), scroll=0)


def _sort_back(view: ViewState, _key: str) -> ViewState:
    return _with(view, is_rising=not view.is_rising, order=(), scroll=0)


def _back(view: ViewState, _key: str) -> ViewState:
    """One step out of whatever is open, the innermost first."""
    if view.filter and not view.explains:
        return _with(view, filter="", scroll=0)
    if view.help:
        return _with(view, help=False, scroll=0)
    if view.explains:
        return _explained(view)
    if view.figure:
        return closed_figure(view)
    if view.releases:
        return _with(view, releases=False, scroll=0)
    return _with(view, crosshair="") if view.crosshair else _with(view, zoomed=False, scroll=0)


_CHANGES: dict[str, Callable[[ViewState, str], ViewState]] = {
    "focus": _focus,
    "page": _page,
    "next": _step_focus(1),
    "previous": _step_focus(-1),
    "zoom": _zoom,
    "explain": _choose,
    "back": _back,
    "shorter": _step_window(-1),
    "longer": _step_window(1),
    "chart": _chart,
    "trail": _trail,
    "point-back": _step_crosshair(-1),
    "point-on": _step_crosshair(1),
    "far-back": _step_crosshair(-FAR),
    "far-on": _step_crosshair(FAR),
    "filter": _filter,
    "palette": _palette,
    "sort": _sort,
    "sort-back": _sort_back,
    "pause": _toggle("paused"),
    "theme": _theme,
    "list": _step_list(1),
    "list-back": _step_list(-1),
    "pair": _step_pair(1),
    "pair-back": _step_pair(-1),
    "help": _help,
    "down": _step_scroll(1),
    "up": _step_scroll(-1),
    "half-down": _step_scroll(8),
    "half-up": _step_scroll(-8),
    "bottom": _step_scroll(BOTTOM),
    "top": _step_scroll(-BOTTOM),
}
