"""Colours of the visitor's terminal: what TERM tells of it, and a theme's roles as the bytes it obeys."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from rich.color import ColorSystem

from tui.view import theme as themes
from tui.view.theme import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style

Colours = Literal["true", "256", "16", "none"]
DEPTHS: tuple[Colours, ...] = get_args(Colours)
_SYSTEMS = {"true": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}
_TRUE = ("kitty", "ghostty", "alacritty", "foot", "wezterm", "contour", "iterm", "direct", "truecolor")
"""Terminals that name themselves in TERM and have all colours."""
_PLAIN = ("vt", "ansi-m", "mono")
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}")


def term(claimed: str) -> str:
    """TERM as it may be logged and looked at; "" if it is no terminal's name."""
    return claimed if _TERM.fullmatch(claimed) else ""


def colours_of(term: str, environment: Mapping[str, str]) -> Colours:
    """What the terminal shows, as far as one can know from here.

    COLORTERM rarely travels (sshd and ssh both have to be told), so a terminal that calls itself
    ``xterm-256color`` gets 256 colours, and the visitor can ask for more.
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
    """The next depth, around."""
    return DEPTHS[(DEPTHS.index(colours) + 1) % len(DEPTHS)]


class Ink:
    """A theme at a depth of colours: the sequences that turn its roles on."""

    def __init__(self, theme: str, colours: Colours) -> None:
        self.theme = theme
        self.colours = colours
        look = themes.load(theme)
        pens = {role: _pen(look.style(role), colours) for role in ROLES}
        self.on = {role: _sgr("0", *pen.switches, *pen.colour, *pen.ground) for role, pen in pens.items()}
        """By role: the role and nothing else, whatever was on before."""
        self.turn = {(old, new): _turn(pens[old], pens[new], self.on[new]) for old in ROLES for new in ROLES}
        """By the role that is on and the one to be: mostly another colour on the same ground."""


class _Pen(NamedTuple):
    """SGR codes of a style; colours that a style leaves alone are the terminal's own."""

    switches: tuple[str, ...]
    colour: tuple[str, ...]
    ground: tuple[str, ...]


@cache
def ink(theme: str, colours: Colours) -> Ink:
    """One object for each of the few pairs. Raises InputError for an unknown theme."""
    return Ink(theme, colours)


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
    """From one pen to the other; ``anew`` where switches have to go off."""
    if old.switches != new.switches:
        return anew
    colour = new.colour if new.colour != old.colour else ()
    ground = new.ground if new.ground != old.ground else ()
    return _sgr(*colour, *ground) if colour or ground else b""


def _sgr(*codes: str) -> bytes:
    return f"\x1b[{';'.join(codes)}m".encode()
