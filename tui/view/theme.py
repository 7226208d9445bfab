"""Themes: TOML files in ``themes/`` that give every role a style."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING

from rich.color import ColorParseError
from rich.errors import StyleSyntaxError
from rich.style import Style

from rotation.errors import InputError
from themes import FOLDER
from tui.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = "midnight"
SIZE_MAX = 1_000_000

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


class _Own:
    """The themes of a person's own, and what has been read of them."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.loaded: dict[str, Theme] = {}
        self.stamps: dict[str, int] = {}
        """By name, when the file was last written, as of the last look."""

    def files(self) -> dict[str, Path]:
        """By name; a name that is shipped stays what it is."""
        if self.folder is None or not self.folder.is_dir():
            return {}
        themes = {
            path.stem: path for path in sorted(self.folder.glob("*.toml")) if _NAME.fullmatch(path.stem)
        }
        return {name: path for name, path in themes.items() if name not in _shipped()}


_NAME = re.compile(r"[\w-]{1,30}")
_own = _Own()


def use_folder(folder: Path | None) -> None:
    """Offer the themes in this folder beside the shipped ones."""
    _own.folder = folder
    _own.loaded.clear()
    _own.stamps.clear()


def own_folder() -> Path | None:
    """Return the folder of the themes offered beside the shipped ones; None without one."""
    return _own.folder


@cache
def _shipped() -> tuple[str, ...]:
    others = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return (DEFAULT, *(name for name in others if name != DEFAULT))


def names() -> tuple[str, ...]:
    """Return the names of all themes, the default first, a person's own last."""
    return (*_shipped(), *_own.files()) if _own.folder is not None else _shipped()


def load(name: str) -> Theme:
    """Return a theme by its name. Raises InputError if it does not exist or cannot be used."""
    if name in _shipped():
        return _of_package(name)
    if name not in _own.loaded:
        path = _own.files().get(name)
        if path is None:
            raise InputError(f"unknown theme {name!r}; choose one of {', '.join(names())}")
        _own.stamps[name] = path.stat().st_mtime_ns
        _own.loaded[name] = parse(name, path)
    return _own.loaded[name]


@cache
def _of_package(name: str) -> Theme:
    return parse(name, FOLDER / f"{name}.toml")


def reload() -> tuple[str, bool] | None:
    """Read a person's themes again that are in use and have changed; what to say, and whether it is an error.

    A file that cannot be used leaves the theme as it was. None where nothing has changed.
    """
    result = None
    for name in list(_own.loaded):
        path = _own.files().get(name)
        try:
            stamp = path.stat().st_mtime_ns if path else None
        except OSError:
            stamp = None
        if path is None or stamp is None or stamp == _own.stamps.get(name):
            continue
        _own.stamps[name] = stamp
        try:
            _own.loaded[name] = parse(name, path)
            result = (f"theme {name} reloaded", False)
        except InputError as error:
            result = (f"{error}; the previous theme stays in use", True)
    return result


def parse(name: str, file: Path) -> Theme:
    """Return a theme from its TOML file, which must have every role. Raises InputError."""
    try:
        raw, _ = read_regular(file, SIZE_MAX + 1)
        if len(raw) > SIZE_MAX:
            raise InputError(f"{file.name}: larger than 1 MB; this is not a theme")
        text = raw.decode()
        table = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file.name}: {error}") from error
    background, given = table.get("background"), table.get("styles", {})
    if not isinstance(background, str):
        raise InputError(f'{file.name}: background is missing; give a colour such as "#101418" or "default"')
    missing = [role for role in ROLES if role not in given]
    unknown = [role for role in given if role not in ROLES]
    if missing or unknown:
        what = f"is missing {', '.join(missing)}" if missing else f"has unknown roles: {', '.join(unknown)}"
        where = "" if missing else _line(text, unknown[0])
        raise InputError(f"{file.name}{where}: [styles] {what}")
    styles = {}
    for role, style in given.items():
        try:
            styles[role] = Style.parse(f"on {background}") + Style.parse(style)
        except (StyleSyntaxError, ColorParseError, AttributeError, TypeError) as error:
            where = f"{file.name}{_line(text, role)}"
            raise InputError(f"{where}: style {role} = {style!r}: {error}") from error
    return Theme(name, str(table.get("title", name)), background, styles)


def _line(text: str, key: str) -> str:
    """``, line 5`` of a key; empty where it stands on none of its own."""
    wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    numbers = [number for number, line in enumerate(text.splitlines(), 1) if wanted.match(line)]
    return f", line {numbers[-1]}" if numbers else ""
