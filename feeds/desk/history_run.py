"""``rotation-tui history sync``: from what a person asked for to a report."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.desk.history_sources import Choice, open_sources
from feeds.errors import InputError
from feeds.files.names import SYMBOL, shown
from feeds.history.renames import FILE, read_renames
from feeds.history.sync import HistorySync
from feeds.history.universe import read_universe
from rotation.desk import Desk
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from feeds.history.store import HistoryStore
    from rotation.sync_report import SyncProgress, SyncReport

EARLIEST = date(1970, 1, 2)
"""No source dates a bar before it."""


def run(
    store: HistoryStore,
    symbols: Sequence[str],
    *,
    universe: Path | None,
    choice: Choice,
    since: date,
    on_progress: Callable[[SyncProgress], None],
    environ: Mapping[str, str] | None = None,
) -> SyncReport:
    """Bring these symbols and the universe's up to date; without any, the desk's and all that are held.

    Blocking. Raises InputError, and StorageError where the history cannot be kept.
    """
    today = new_york_day(wall_ns())
    if not EARLIEST <= since < today:
        raise InputError(f"--since: {since} is not between {EARLIEST} and {today} — choose another day")
    wanted = [_symbol(text) for text in symbols]
    if universe is not None:
        wanted += read_universe(universe)
    if not wanted:
        wanted = list(dict.fromkeys([*Desk().legs, *store.symbols()]))
    renames = read_renames(store.folder / FILE)

    async def synced() -> SyncReport:
        async with open_sources(choice, symbols=len(wanted), since=since, environ=environ) as sources:
            sync = HistorySync(store, sources, renames=renames)
            return await sync.run(wanted, since=since, on_progress=on_progress)

    return asyncio.run(synced())


def _symbol(text: str) -> str:
    symbol = text.strip().upper()
    if not re.fullmatch(SYMBOL, symbol):
        raise InputError(
            f"{shown(text)!r} is not a valid symbol (1 to 15 of A-Z 0-9 . ^ = -) — write one like IWM"
        )
    return symbol
