"""What viewers begin with and can go through, by the host's settings; these may change while they look."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from rotation.desk import PairOptions
from tui.view.applied import Applied, WindowsChange
from tui.view.keymap import DEFAULT_KEYS, Keymap, Scope
from tui.view.places import PanelLists
from tui.view.view_state import (
    ViewState,
    closed_figure,
    pair_names,
    tidied,
    watchlists,
    with_panels,
    with_window,
    with_windows,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from tui.wanted import Wanted

SCOPES = frozenset[Scope]({"view", "app", "host"})
"""A viewer can move no tape, which all share, and has no shell on the host."""
OWN = ("theme", "window")
"""Fields of a view that a viewer chooses with a key, and then keeps whatever the host's settings become."""


class Notice(msgspec.Struct, frozen=True):
    """What administrators at the screen read of a changed configuration; it names no folder of the host."""

    text: str
    is_error: bool = False


class ViewDefaults(msgspec.Struct, frozen=True):
    """The part of every viewer's view that is the host's."""

    theme: str = "midnight"
    window: int = ViewState().window
    """In sessions; where it is not among the windows, the nearest of them."""
    windows: tuple[int, ...] = ()
    """What viewers go through; none: the usual ones."""
    returns: tuple[int, ...] = ()
    """The windows of which legs have a column; none: all."""
    pairs: tuple[str, ...] = ()
    """The more pairs that they go through."""
    pair_options: tuple[PairOptions, ...] = ()
    lists: tuple[str, ...] = ()
    """The watch lists that they go through."""
    panels: PanelLists = PanelLists()
    """Which panels share a screen, and where."""
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Ids of the actions with keys of the host's own, and these keys; the others have the usual ones."""
    ascii: bool = False
    """Whether all screens are in ASCII; else each viewer's terminal decides."""
    desk: int = 0
    """How often the desk has become another one: no figure of the one before stays chosen."""

    def after(self, applied: Applied, first: tuple[str, str]) -> ViewDefaults:
        """The same with what a changed file changes. ``first``: the desk's first pair."""
        windows, pairs = applied.windows, applied.pairs
        changes: dict[str, object] = {
            name: value
            for name in ("theme", "window", "panels")
            if (value := getattr(applied, name)) is not None
        }
        if windows is not None:
            changes["returns"] = windows.returns
            changes |= {} if windows.windows is None else {"windows": windows.windows}
        if pairs is not None:
            changes["pair_options"] = pairs.options
            changes |= {} if pairs.pairs is None else {"pairs": pair_names(first, pairs.pairs)}
        if applied.keys is not None:
            changes["keys"] = bindings(applied.keys)
        if applied.glyphs is not None:
            changes["ascii"] = applied.glyphs == "ascii"
        return msgspec.structs.replace(self, **changes)

    def of_desk(self, wanted: Wanted, number: int) -> ViewDefaults:
        """The same on a desk that has become this one."""
        return msgspec.structs.replace(
            self,
            pairs=pair_names(wanted.pair, wanted.pairs),
            pair_options=wanted.pair_options,
            lists=watchlists(wanted.lists),
            desk=number,
        )


def bindings(keys: Keymap) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The actions of which the keys are not the usual ones, and these keys."""
    usual = {action.id: action.keys for action in DEFAULT_KEYS.actions}
    return tuple((each.id, each.keys) for each in keys.actions if each.keys != usual[each.id])


@lru_cache(maxsize=8)
def _keymap(keys: tuple[tuple[str, tuple[str, ...]], ...]) -> Keymap:
    """One object for all viewers, since views with different ones are different views."""
    return DEFAULT_KEYS.rebound(dict(keys)) if keys else DEFAULT_KEYS


def first_view(
    defaults: ViewDefaults,
    themes: tuple[str, ...],
    *,
    theme: str = "",
    focus: str | None = None,
    plain: bool = False,
) -> ViewState:
    """Return the view that a session begins with; an unknown theme is replaced by the default.

    ``theme``, ``focus``: the viewer's own choices. ``plain``: whether the terminal has ASCII alone.
    """
    wanted = theme or defaults.theme
    view = ViewState(
        theme=wanted if wanted in themes else themes[0],
        themes=themes,
        pairs=defaults.pairs,
        pair_options=defaults.pair_options,
        lists=defaults.lists,
        scopes=SCOPES,
        keys=_keymap(defaults.keys),
        ascii=plain or defaults.ascii,
    )
    view = with_windows(view, defaults.windows, defaults.returns)
    view = msgspec.structs.replace(with_window(view, defaults.window), focus=focus or view.focus)
    return with_panels(view, defaults.panels)


def adopted(
    view: ViewState,
    before: ViewDefaults,
    now: ViewDefaults,
    own: Collection[str] = (),
    *,
    plain: bool = False,
) -> ViewState:
    """Return a viewer's view under other defaults; the same object where it is not concerned.

    ``own``: what of OWN the viewer has chosen; this stays, as all that no setting of the host's is about.
    ``plain``: whether the terminal has ASCII alone.
    """
    has_windows = (now.windows, now.returns) != (before.windows, before.returns)
    has_theme = now.theme != before.theme and "theme" not in own and now.theme in view.themes
    changed = Applied(
        "",
        keys=_keymap(now.keys) if now.keys != before.keys else None,
        theme=now.theme if has_theme else None,
        windows=WindowsChange(now.windows, now.returns) if has_windows else None,
        window=None if "window" in own else now.window,
        panels=now.panels if now.panels != before.panels else None,
        ascii=plain or now.ascii,
    )
    after = msgspec.structs.replace(
        changed.on(view),
        pairs=now.pairs,
        pair=view.pair if view.pair in now.pairs else "",
        pair_options=now.pair_options,
        lists=now.lists,
        list=view.list if view.list in now.lists else "",
    )
    if now.desk != before.desk:
        after = closed_figure(after)
    return view if after == view else tidied(view, after)
