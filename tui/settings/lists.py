"""``[groups]`` and ``[watchlists]`` of the configuration file, checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rotation.desk import LegList
from tui.settings.values import shown, symbol

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.errors import InputError

    Fail = Callable[[str, str], InputError]
    """Makes the error of a place in the file, such as groups.banks, and a message."""

GROUPS, WATCHLISTS = "groups", "watchlists"
LISTS_MAX = 20
SYMBOLS_MAX = 100
"""Of all lists together: each is a leg of the desk, asked for and computed."""
NAME = re.compile(r"[\w .&+-]{1,30}")


def lists(tables: dict[str, Any], fail: Fail) -> tuple[LegList, ...]:
    """The groups, then the watch lists, of a file. Raises by ``fail``."""
    made: dict[str, LegList] = {}
    for table in (GROUPS, WATCHLISTS):
        given = tables.get(table, {})
        if not isinstance(given, dict):
            raise fail(table, f"{table} is a table; write [{table}]")
        for name, value in given.items():
            place = f"{table}.{name}"
            if not NAME.fullmatch(name) or name != name.strip():
                raise fail(
                    place, f"{shown(name)} cannot be the name of a list (1 to 30 letters, digits, spaces)"
                )
            if name in made:
                raise fail(place, f"{name!r} is the name of a group and of a watch list")
            made[name] = LegList(name, _symbols(value, place, fail), is_watchlist=table == WATCHLISTS)
    if len(made) > LISTS_MAX:
        raise fail(GROUPS, f"at most {LISTS_MAX} groups and watch lists; {len(made)} are listed")
    number = len({symbol for each in made.values() for symbol in each.symbols})
    if number > SYMBOLS_MAX:
        raise fail(
            WATCHLISTS, f"at most {SYMBOLS_MAX} symbols in all groups and watch lists; {number} are listed"
        )
    return tuple(made.values())


def _symbols(value: object, place: str, fail: Fail) -> tuple[str, ...]:
    """``["KRE", "KBE"]``, or a table with them as ``symbols``, as ``lists import`` writes it."""
    if isinstance(value, dict) and set(value) == {"symbols"}:
        value = value["symbols"]
    if not isinstance(value, list) or not value:
        raise fail(place, f'{place}: expected a list of symbols, such as ["KRE", "KBE"], got {shown(value)}')
    try:
        return tuple(dict.fromkeys(symbol(item) for item in value))
    except ValueError as error:
        raise fail(place, f"{place}: {error}") from error
