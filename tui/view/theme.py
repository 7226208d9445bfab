"""Themes: TOML files in ``themes/`` that give every role a style."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from rich.color import ColorParseError
from rich.errors import StyleSyntaxError
from rich.style import Style

from rotation.errors import InputError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

DEFAULT = "midnight"

ROLES = (
    "text", "muted", "faint", "strong", "brand", "badge", "alert", "warn", "accent",
    "border", "focus", "title", "title-focus", "up", "down", "up-strong", "down-strong", "line", "key",
)  # fmt: skip


class Theme:
    """A style for each role, all on the theme's background."""

    def __init__(self, name: str, title: str, background: str, styles: dict[str, Style]) -> None:
        self.name = name
        self.title = title
        self.background = background
        self._styles = styles

    def style(self, role: str) -> Style:
        """Return the style of a role."""
        return self._styles[role]


@cache
def names() -> tuple[str, ...]:
    """Return the names of all themes, the default first."""
    others = sorted(
        f.name.removesuffix(".toml") for f in files("themes").iterdir() if f.name.endswith(".toml")
    )
    return (DEFAULT, *(name for name in others if name != DEFAULT))


@cache
def load(name: str) -> Theme:
    """Return a theme by its name. Raises InputError if it does not exist or cannot be used."""
    if name not in names():
        raise InputError(f"unknown theme {name!r}; choose one of {', '.join(names())}")
    return parse(name, files("themes") / f"{name}.toml")


def parse(name: str, file: Traversable) -> Theme:
    """Return a theme from its TOML file, which must have every role. Raises InputError."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file.name}: {error}") from error
    background, given = table.get("background"), table.get("styles", {})
    if not isinstance(background, str):
        raise InputError(f'{file.name}: background is missing; give a colour such as "#101418" or "default"')
    missing = [role for role in ROLES if role not in given]
    unknown = [role for role in given if role not in ROLES]
    if missing or unknown:
        what = f"is missing {', '.join(missing)}" if missing else f"has unknown roles: {', '.join(unknown)}"
        raise InputError(f"{file.name}: [styles] {what}")
    styles = {}
    for role, text in given.items():
        try:
            styles[role] = Style.parse(f"on {background}") + Style.parse(text)
        except (StyleSyntaxError, ColorParseError) as error:
            raise InputError(f"{file.name}: style {role} = {text!r}: {error}") from error
    return Theme(name, str(table.get("title", name)), background, styles)
