"""``[universes.NAME]`` of the configuration file, checked; the files that it names are read by the desk."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rotation.desk import Universe
from tui.settings.table import Table
from tui.settings.values import shown, symbol

if TYPE_CHECKING:
    from tui.settings.table import Fail

UNIVERSES = "universes"
UNIVERSE_KEYS = ("holdings", "index", "weights", "sectors", "date")
UNIVERSES_MAX = 8
NAME = re.compile(r"[A-Za-z0-9]{1,10}")


def universes(tables: dict[str, Any], folder: Path, fail: Fail) -> tuple[Universe, ...]:
    """The universes of a file, in their order. ``folder``: what paths begin at. Raises by ``fail``."""
    given = tables.get(UNIVERSES, {})
    if not isinstance(given, dict):
        raise fail(UNIVERSES, f"write [{UNIVERSES}.NAME] for each universe")
    if len(given) > UNIVERSES_MAX:
        ninth = list(given)[UNIVERSES_MAX]
        raise fail(f"{UNIVERSES}.{ninth}", f"at most {UNIVERSES_MAX} universes; {len(given)} are listed")
    made: dict[str, Universe] = {}
    for name, values in given.items():
        place = f"{UNIVERSES}.{name}"
        if not NAME.fullmatch(name):
            why = "1 to 10 letters and digits: its figures are breadth.NAME.share_up and so on"
            raise fail(place, f"{shown(name)} cannot be the name of a universe ({why})")
        if not isinstance(values, dict):
            raise fail(place, f"{place} is a table; write [{place}]")
        universe = _universe(name, Table(values, place, UNIVERSE_KEYS, fail), folder)
        if universe.fund in made:
            raise fail(
                place, f"{name!r} and {made[universe.fund].name!r} are one name: capitals do not count"
            )
        made[universe.fund] = universe
    return tuple(made.values())


def _universe(name: str, table: Table, folder: Path) -> Universe:
    holdings = table.text("holdings", "")
    if not holdings.strip() or "\0" in holdings:
        raise table.error(
            "holdings", f'expected the path of a file, such as "r2k.csv", got {shown(holdings)}'
        )
    try:
        path = folder / Path(holdings).expanduser()
    except RuntimeError as error:  # ``~name`` of somebody who is not known
        raise table.error("holdings", str(error)) from error
    try:
        index = symbol(table.values["index"]) if "index" in table.values else ""
    except ValueError as error:
        raise table.error("index", str(error)) from error
    day = table.values.get("date")
    if day is not None and type(day) is not dt.date:
        raise table.error("date", f"expected a day, such as 2026-11-20, got {shown(day)}")
    headings = {key: _heading(table, key) for key in ("weights", "sectors")}
    return Universe(name, str(path), index, date=day, **headings)


def _heading(table: Table, key: str) -> str:
    heading = table.text(key, "")
    if key in table.values and not heading.strip():
        raise table.error(
            key, f'expected the heading of a column, such as "Weight (%)", got {shown(heading)}'
        )
    return heading.strip()
