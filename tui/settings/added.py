"""What commands add to the configuration file: a table at its end, so that every line and comment stays."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import msgspec

from rotation.errors import InputError
from tui.settings.file import read
from tui.settings.lists import WATCHLISTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rotation.alerts.rule import Rule
    from tui.settings.file import Config


def add_alert(path: Path, given: dict[str, Any]) -> Rule:
    """Append ``[[alerts]]`` with these keys, once the file with it has been checked; the alert as it is read.

    Raises InputError; the file is then as it was.
    """
    return _append(path, "[[alerts]]", given).alerts.rules[-1]


def add_watchlist(path: Path, name: str, symbols: Sequence[str]) -> None:
    """Append a watch list, once the file with it has been checked.

    Raises InputError; the file is then as it was.
    """
    table = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _written(name)
    _append(path, f"[{WATCHLISTS}.{table}]", {"symbols": list(symbols)})


def _append(path: Path, table: str, given: dict[str, Any]) -> Config:
    """The file with this table at its end, as it is read then."""
    before = ""
    if path.exists():
        read(path)  # a mistake that is there already is told as such
        before = path.read_text("utf-8")
    lines = [table, *(f"{key} = {_written(value)}" for key, value in given.items())]
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_text(f"{before}{gap}" + "\n".join(lines) + "\n", "utf-8")
        if path.exists():
            aside.chmod(path.stat().st_mode & 0o777)
        try:
            config = read(aside)
        except InputError as error:
            raise InputError(str(error).replace(f"{aside}", f"{path}, not changed")) from error
        aside.replace(path.resolve())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        aside.unlink(missing_ok=True)
    return config


def _written(value: Any) -> str:
    """As TOML has it; of text, whole numbers, flags and lists of text JSON writes the same."""
    if isinstance(value, float):
        return repr(value)
    return msgspec.json.encode(value).decode()
