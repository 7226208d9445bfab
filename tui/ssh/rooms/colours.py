"""Colours of a terminal: what its TERM says about them, and a theme's roles as escape sequences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from rich.color import ColorSystem

from rotation.errors import InputError
from tui.view import theme as themes
from tui.view.theme import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style

Colours = Literal["true", "256", "16", "none"]
DEPTHS: tuple[Colours, ...] = get_args(Colours)
_SYSTEMS = {"true": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}
_TRUE = ("kitty", "ghostty", "alacritty", "foot", "wezterm", "contour", "iterm", "direct", "truecolor")
"""Terminals with true colour that say so, or who they are, in TERM."""
_PLAIN = ("vt", "ansi-m", "mono")
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}")


def term(claimed: str) -> str:
    """Return the client's TERM; "" if it is not a valid terminal name, so that it is safe to log."""
    return claimed if _TERM.fullmatch(claimed) else ""


def colours_of(term: str, environment: Mapping[str, str]) -> Colours:
    """Return how many colours the terminal has, as far as its environment says.

    ssh rarely forwards COLORTERM, so a terminal that calls itself ``xterm-256color`` gets 256 colours,
    and the viewer can choose more.
    """
    if environment.get("NO_COLOR"):
        return "none"
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return "true"
    if any(name in term for name in _TRUE):
        return "true"
    if "256color" in term:
        return "256"
    return "none" if term.startswith(_PLAIN) else "16"


def next_of(colours: Colours) -> Colours:
    """Return the next depth of colours, the first one after the last."""
    return DEPTHS[(DEPTHS.index(colours) + 1) % len(DEPTHS)]


class Ink:
    """A theme at a depth of colours: the escape sequences that switch its roles on."""

    def __init__(self, theme: str, colours: Colours) -> None:
        self.theme = theme
        self.colours = colours
        try:
            look = themes.load(theme)
        except InputError:  # the operator's own file, broken or gone
            look = themes.load(themes.DEFAULT)
        self.look = look
        """The theme as it was read."""
        pens = {role: _pen(look.style(role), colours) for role in ROLES}
        self.on = {role: _sgr("0", *pen.switches, *pen.colour, *pen.ground) for role, pen in pens.items()}
        """By role: switches it on and everything else off."""
        self.turn = {(old, new): _turn(pens[old], pens[new], self.on[new]) for old in ROLES for new in ROLES}
        """By the role that is on and the next one: usually only another colour on the same background."""


class _Pen(NamedTuple):
    """SGR codes of a style; a colour that the style does not set is the terminal's own."""

    switches: tuple[str, ...]
    colour: tuple[str, ...]
    ground: tuple[str, ...]


_inks: dict[tuple[str, Colours], Ink] = {}


def ink(theme: str, colours: Colours) -> Ink:
    """Return the ink of a theme at a depth, one object per pair."""
    made = _inks.get((theme, colours))
    if made is None:
        made = _inks[theme, colours] = Ink(theme, colours)
    return made


def mix_anew() -> bool:
    """Forget the inks of themes that have been read again since; whether there are any."""
    old = []
    for key, made in _inks.items():
        try:
            is_old = themes.load(made.theme) is not made.look
        except InputError:  # its file is gone: the screen stays as it is
            continue
        if is_old:
            old.append(key)
    for key in old:
        del _inks[key]
    return bool(old)


def _pen(style: Style, colours: Colours) -> _Pen:
    switches = ((style.bold, "1"), (style.dim, "2"), (style.italic, "3"), (style.underline, "4"))
    on = tuple(code for is_on, code in (*switches, (style.reverse, "7")) if is_on)
    if colours == "none":
        return _Pen(on, (), ())
    system = _SYSTEMS[colours]
    colour = style.color.downgrade(system).get_ansi_codes() if style.color else ("39",)
    ground = style.bgcolor.downgrade(system).get_ansi_codes(foreground=False) if style.bgcolor else ("49",)
    return _Pen(on, colour, ground)


def _turn(old: _Pen, new: _Pen, anew: bytes) -> bytes:
    """Return the codes from one pen to the other; ``anew`` where switches have to go off."""
    if old.switches != new.switches:
        return anew
    colour = new.colour if new.colour != old.colour else ()
    ground = new.ground if new.ground != old.ground else ()
    return _sgr(*colour, *ground) if colour or ground else b""


def _sgr(*codes: str) -> bytes:
    return f"\x1b[{';'.join(codes)}m".encode()
