"""``members``: who was in a fund, by its holdings files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.compose import places

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from rotation.desk import Universe


def import_file(path: Path, *, fund: str, day: date | None) -> list[str]:
    """Keep a fund's holdings file and return lines for the person. Raises InputError."""
    from feeds.members import holdings  # noqa: PLC0415
    from rotation.sessions import new_york_day  # noqa: PLC0415

    return holdings.import_file(places.member_store(), path, fund, day, new_york_day(places.wall_ns()))


def sync(funds: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Download holdings and return lines on what was stored and what failed. Raises InputError."""
    from feeds.members import sync  # noqa: PLC0415
    from rotation.sessions import new_york_day  # noqa: PLC0415

    return sync.run(places.member_store(), funds, new_york_day(places.wall_ns()))


def check_universe(universe: Universe) -> str:
    """Return a line on a universe's file. Raises InputError for one that cannot be read."""
    from feeds.members import holdings  # noqa: PLC0415
    from feeds.members.universes import load_universe  # noqa: PLC0415
    from rotation.sessions import new_york_day  # noqa: PLC0415

    return holdings.line(load_universe(universe, new_york_day(places.wall_ns())))


def lines() -> list[str]:
    """Return the stored membership files, one line each."""
    from feeds.members import holdings  # noqa: PLC0415

    return [holdings.line(each) for fund in places.member_store().load() for each in fund.lists]
