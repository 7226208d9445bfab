"""What a configuration file that was read again changes on a running screen."""

from __future__ import annotations

import msgspec

from rotation.alerts.target import AlertSettings
from rotation.desk import DeskChange, PairOptions, pair_name, with_usual
from rotation.errors import InputError
from tui.backend import ChangingDesk, PairsDesk
from tui.view.keymap import Keymap
from tui.view.places import PanelLists
from tui.view.view_state import ViewState, closed_figure, with_panels, with_window, with_windows


class PairsChange(msgspec.Struct, frozen=True):
    """The desk's more pairs as the file has them now."""

    pairs: tuple[tuple[str, str], ...] | None
    """None: an option or the environment has set them, and they stay."""
    options: tuple[PairOptions, ...]

    def of(self, view: ViewState) -> ViewState:
        """The view with their names."""
        names = view.pairs if self.pairs is None else tuple(map(pair_name, self.pairs))
        return msgspec.structs.replace(view, pairs=names)


class WindowsChange(msgspec.Struct, frozen=True):
    """The windows that are shown, as the file has them now."""

    windows: tuple[int, ...] | None
    """() are the usual ones. None: an option or the environment has set them, and they stay."""
    returns: tuple[int, ...]
    """The columns of legs; () is one for each window."""

    def of(self, view: ViewState) -> ViewState:
        """The view with them."""
        return with_windows(view, view.windows if self.windows is None else self.windows, self.returns)


class Applied(msgspec.Struct, frozen=True):
    """What to do, and what to say of it; None of what stays as it is."""

    message: str
    is_error: bool = False
    """The file cannot be used: the configuration before stays."""
    fault: InputError | None = None
    """What is wrong with the file; None where nothing is, and for a theme."""
    is_theme: bool = False
    """Not the file but a theme of a person's own was read again."""
    keys: Keymap | None = None
    theme: str | None = None
    alerts: AlertSettings | None = None
    pairs: PairsChange | None = None
    desk: DeskChange | None = None
    windows: WindowsChange | None = None
    panels: PanelLists | None = None
    motion: bool | None = None
    ascii: bool | None = None
    """For this program's own terminal."""
    glyphs: str | None = None
    """``screen.glyphs``, for terminals of others."""
    window: int | None = None
    folder: str | None = None
    """Where exports are written; "" is the usual folder."""

    def on(self, view: ViewState) -> ViewState:
        """The view with what changes it; pairs depend on the desk, too.

        No figure stays chosen whose window has gone: nobody would ever say what it rests on.
        """
        plain = {name: getattr(self, name) for name in ("keys", "theme", "motion", "ascii")}
        given = {name: value for name, value in plain.items() if value is not None}
        before, view = view, msgspec.structs.replace(view, **given)
        view = view if self.panels is None else with_panels(view, self.panels)
        view = view if self.windows is None else self.windows.of(view)
        view = view if self.window is None else with_window(view, self.window)
        return (
            closed_figure(view) if _windows_of(before) & _numbers(view.figure) - _windows_of(view) else view
        )


def _windows_of(view: ViewState) -> frozenset[int]:
    """All that the desk has figures of."""
    return frozenset(with_usual((*view.windows, *view.returns)))


def _numbers(figure: str) -> frozenset[int]:
    return frozenset(int(part) for part in figure.split(".") if part.isdecimal())


async def change_desk(desk: object, applied: Applied, view: ViewState) -> None:
    """Give a running desk the windows and limits of a changed file. ``view``: before that."""
    change = applied.desk or DeskChange()
    if applied.windows is not None:
        view = applied.windows.of(view)
        change = msgspec.structs.replace(change, windows=with_usual((*view.windows, *view.returns)))
    if change != DeskChange() and isinstance(desk, ChangingDesk):
        await desk.change_desk(change)


def _pairs_of(view: ViewState) -> tuple[tuple[str, str], ...]:
    parts = (name.partition("/") for name in view.pairs)
    return tuple((base, against) for base, _, against in parts)


async def with_pairs(desk: object, applied: Applied, view: ViewState) -> Applied:
    """Give a running desk the pairs of a changed file. What it cannot have is in the message then.

    ``view``: that with the present pairs, which stay where an option or the environment has set them.
    """
    change = applied.pairs
    if change is None or not isinstance(desk, PairsDesk):
        return applied
    if change.pairs is None:
        await desk.set_pairs(_pairs_of(view), change.options)
        return applied
    left = await desk.set_pairs(change.pairs, change.options)
    if not left:
        return applied
    verb, whose = ("waits", "its") if len(left) == 1 else ("wait", "their")
    wait = (
        f"{', '.join(map(pair_name, left))} {verb} for the next start: {whose} symbols are not on this desk"
    )
    kept = msgspec.structs.replace(change, pairs=tuple(pair for pair in change.pairs if pair not in left))
    return msgspec.structs.replace(applied, message=f"{applied.message}; {wait}", pairs=kept)
