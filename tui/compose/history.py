"""``history``: daily closes kept on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rotation.errors import InputError
from rotation.text import counted
from tui.compose import places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from rotation.sync_report import SyncProgress, SyncReport


def import_files(paths: tuple[Path, ...], *, replace: bool, raw: bool = False) -> list[str]:
    """Import daily closes and return lines for the person. Raises InputError."""
    from feeds.history.importing import read_each  # noqa: PLC0415
    from feeds.history.store import Series  # noqa: PLC0415

    now_ns, notes, imported = places.wall_ns(), list[str](), set[str]()

    def series() -> Iterator[Series]:
        for file, frame in read_each(paths, notes, now_ns=now_ns, raw=raw):
            imported.add(str(frame["symbol"][0]))
            yield Series(frame, file.name)

    places.store().replace_each(series(), allow_shrink=replace, now_ns=now_ns)
    return [*notes, *(line for line in lines() if line.split()[0] in imported)]


def remove(symbols: tuple[str, ...]) -> list[str]:
    """Remove these stored series and return lines for the person. Raises InputError."""
    removed = places.store().remove(symbol.upper() for symbol in symbols)
    return [f"removed {symbol}: {counted(entry.rows, 'session')}" for symbol, entry in removed.items()]


def sync(
    symbols: tuple[str, ...],
    *,
    source: Literal["auto", "alpaca", "yahoo", "tiingo", "stooq"],
    universe: Path | None,
    since: date,
    tell: Callable[[SyncProgress], None],
) -> SyncReport:
    """Download daily closes; ``tell`` gets the progress. Blocking. Raises InputError."""
    from feeds.desk import history_run  # noqa: PLC0415
    from feeds.members import holdings  # noqa: PLC0415

    if universe is not None and not universe.exists():
        members = holdings.universe(places.member_store(), universe.name)
        if members is not None:
            symbols, universe = (*symbols, *members), None
        elif str(universe).isalnum():  # a name, hardly that of a file
            name = str(universe)
            raise InputError(
                f"no holdings file for {name.upper()} is stored, and no file {name} is here — "
                "run: rotation-tui members sync (or members import)"
            )
    return history_run.run(
        places.store(), symbols, universe=universe, choice=source, since=since, on_progress=tell
    )


def lines() -> list[str]:
    """Return the stored series, one line per symbol."""
    held = places.store().symbols()
    return [
        f"{symbol:<8} {entry.rows:>7,} sessions  {entry.first} to {entry.last}  {entry.source}, "
        f"stored {entry.imported_at:%Y-%m-%d}"
        for symbol, entry in held.items()
    ]
