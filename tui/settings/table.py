"""One table of the configuration file, and its values by kind."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from tui.settings.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rotation.errors import InputError

    Fail = Callable[[str, str], InputError]
    """Makes the error of a place in the file, such as alerts#0.when, and a message."""


class Table:
    """One table of the file, and its values by kind; a wrong one raises what ``fail`` makes."""

    def __init__(self, values: dict[str, Any], place: str, known: Sequence[str], fail: Fail) -> None:
        self.values = values
        self.place = place
        self.fail = fail
        for key in values:
            if key not in known:
                from difflib import get_close_matches  # noqa: PLC0415 - for what is misspelt

                close = get_close_matches(key, known, 1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
                raise fail(f"{place}.{key}", f"unknown key {key!r}{hint}")

    def error(self, key: str, message: str) -> InputError:
        """The error of one key."""
        table = re.sub(r"#\d+", "", self.place)
        return self.fail(f"{self.place}.{key}", f"{table}.{key}: {message}")

    def text(self, key: str, default: str) -> str:
        """Its text."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.error(key, f"expected text, got {shown(value)}")
        return value

    def texts(self, key: str, default: Sequence[str]) -> tuple[str, ...]:
        """Its list of texts."""
        value = self.values.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.error(key, f"expected a list of texts, got {shown(value)}")
        return tuple(value)

    def choice(self, key: str, allowed: Sequence[str], default: str) -> Any:
        """Its value, one of those allowed."""
        value = self.values.get(key, default)
        if value not in allowed:
            raise self.error(key, f"expected one of {', '.join(allowed)}, got {shown(value)}")
        return value

    def flag(self, key: str) -> bool:
        """Its flag; false without one."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, f"expected true or false, got {shown(value)}")
        return value

    def number(self, key: str, default: float, most: float | None = None) -> float:
        """Its number, from 0 to ``most``."""
        value = self.values.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not is_number or value < 0 or (most is not None and value > most):
            limit = "0 or more" if most is None else f"0 to {most:g}"
            raise self.error(key, f"expected a number, {limit}, got {shown(value)}")
        return float(value)
