"""What a configuration file that was read again changes on a running screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from rotation.alerts.target import AlertSettings
from rotation.desk import Desk, DeskChange, PairOptions, pair_name, pair_prefix, with_usual
from rotation.errors import InputError
from tui.desk import ChangingDesk, DeskError, PairsDesk, ReopeningDesk
from tui.view.keymap import Keymap
from tui.view.places import PanelLists
from tui.view.view_state import (
    ViewState,
    closed_figure,
    pair_names,
    watchlists,
    with_list,
    with_panels,
    with_window,
    with_windows,
)
from tui.wanted import Wanted


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


class Reopening(msgspec.Struct, frozen=True):
    """What a changed file makes another desk of."""

    names: tuple[str, ...]
    """The settings that do; none: the desk stays, unless a pair needs symbols that are not on it."""
    wanted: Callable[[Wanted], Wanted]
    """What the file asks for, given what is shown."""
    blame: Callable[[tuple[str, ...], str, str], str]
    """Given ``names``, the setting in the way and why: one line with the file, the line and the key."""
    file: str
    """Its name."""

    def done(self, lacking: tuple[str, ...]) -> str:
        """What to say once the desk is another one. ``lacking``: symbols that its hub does not bring."""
        message = f"{self.file}: applied {', '.join(self.names)}"
        return f"{message}; the hub does not bring {', '.join(lacking)}" if lacking else message

    def on(self, view: ViewState, wanted: Wanted) -> ViewState:
        """The view of the desk that is shown now: no pair, list or figure stays chosen that it has not."""
        pairs, lists = pair_names(wanted.pair, wanted.pairs), watchlists(wanted.lists)
        view = msgspec.structs.replace(view, pairs=pairs, lists=lists, pair_options=wanted.pair_options)
        if view.pair not in pairs:
            view = msgspec.structs.replace(view, pair="")
        if view.list not in lists:
            view = with_list(view, "")
        return view


class Reopened(msgspec.Struct, frozen=True):
    """What has come of it."""

    message: str
    is_error: bool
    """The desk stays as it was."""
    before: Wanted
    """What was shown before."""


async def reopen(desk: ReopeningDesk, reopening: Reopening) -> Reopened | None:
    """Have a running desk become another one; None where a later change took its place."""
    before = desk.wanted
    try:
        lacking = await desk.reopen(reopening.wanted(before))
    except DeskError as error:
        return Reopened(
            reopening.blame(reopening.names, error.setting, str(error)), is_error=True, before=before
        )
    if lacking is None:
        return None
    return Reopened(reopening.done(lacking), is_error=False, before=before)


def without_figures_of(view: ViewState, before: Wanted, now: Wanted) -> ViewState:
    """The view without a sheet that nobody would ever fill: of a universe, a pair or a leg that has gone."""
    gone = [f"breadth.{each.name.lower()}." for each in before.universes if each not in now.universes]
    gone += [pair_prefix(pair_name(pair)) for pair in before.pairs if pair not in now.pairs]
    symbols = {*_symbols(before)} - {*_symbols(now)}
    gone += [f"{symbol.lower()}." for symbol in symbols]
    return closed_figure(view) if any(view.figure.startswith(prefix) for prefix in gone) else view


def _symbols(wanted: Wanted) -> Iterator[str]:
    """All that certainly are legs."""
    yield from (*wanted.pair, *(wanted.legs or Desk().legs))
    yield from (symbol for each in wanted.lists for symbol in each.symbols)
    yield from (symbol for pair in wanted.pairs for symbol in pair)
    yield from () if wanted.benchmark is None else (wanted.benchmark,)


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
    reopening: Reopening | None = None
    """None of a file that cannot be used."""

    def reopens(self, desk: object) -> bool:
        """Whether this desk is to become another one."""
        is_asked = self.reopening is not None and bool(self.reopening.names)
        return is_asked and isinstance(desk, ReopeningDesk)

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
    kept = msgspec.structs.replace(change, pairs=tuple(pair for pair in change.pairs if pair not in left))
    names, reopening = ", ".join(map(pair_name, left)), applied.reopening
    if reopening is not None and isinstance(desk, ReopeningDesk):
        if not reopening.names:
            reopening = msgspec.structs.replace(reopening, names=("desk.pairs",))
        verb, them = ("follows", "it") if len(left) == 1 else ("follow", "they")
        wait = f"{names} {verb} once {them} can be shown"
    else:
        verb, whose = ("waits", "its") if len(left) == 1 else ("wait", "their")
        wait = f"{names} {verb} for the next start: {whose} symbols are not on this desk"
    message = f"{applied.message}; {wait}"
    return msgspec.structs.replace(applied, message=message, pairs=kept, reopening=reopening)
