"""The macro feed of this machine, and files of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.fed.calendar import CalendarFed
from feeds.http.cached import CachedClient
from feeds.http.client import TRIES
from feeds.keys import keys
from feeds.macro.calendar_store import CalendarStore
from feeds.macro.feed import MacroFeed
from feeds.macro.indices import YieldIndices
from feeds.macro.macro_at import FED, PAIR
from feeds.macro.minutes.store import BarStore
from feeds.macro.minutes.vendors import AlpacaBars, YahooBars
from feeds.macro.release_minutes import ReleaseMinutes
from feeds.macro.sources import MacroSources
from feeds.macro.store import FactStore, MacroStore, read_files
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.rest import AlpacaRest
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from feeds.clock import Pace
    from feeds.macro.minutes.vendors import BarVendor


def live(
    folder: Path,
    cache: Path,
    *,
    pair: tuple[str, str] = PAIR,
    tries: int = TRIES,
    refusals: Pace | None = None,
    once: bool = False,
    environ: Mapping[str, str] | None = None,
) -> MacroFeed:
    """``folder``: of the store, with that of the Fed beside it; ``pair``: whose minutes release days have.

    ``refusals`` and ``once``: see CachedClient. Raises InputError where an environment variable holds no
    usable address, or a key is none.
    """
    http = CachedClient(cache, tries=tries, refusals=refusals, once=once)
    minutes = ReleaseMinutes(
        BarStore(folder), _bar_vendors(http, environ), folder.parent / FED, pair, clock_ns=wall_ns
    )
    sources = MacroSources(
        http,
        MacroStore(folder),
        FactStore(folder),
        pages=CalendarStore(folder),
        minutes=minutes,
        indices=YieldIndices(http),
        decisions=CalendarFed(http),
    )
    return MacroFeed(http, sources)


def _bar_vendors(http: CachedClient, environ: Mapping[str, str] | None) -> list[BarVendor]:
    """Alpaca where there is a key, and Yahoo, whose bars are sooner but are not kept for long."""
    yahoo = YahooBars(http)
    key = keys.find("alpaca", environ=environ)
    if key is None:
        return [yahoo]
    return [AlpacaBars(AlpacaRest(AlpacaKeys(key.key, key.secret), http.client, feed="delayed_sip")), yahoo]


def import_files(folder: Path, paths: tuple[Path, ...]) -> list[str]:
    """Keep FRED's files; a line for each series. Raises InputError and StorageError."""
    fresh, notes = read_files(paths)
    MacroStore(folder).add(fresh)
    lines = [
        f"{name:<9} {counted(len(values), 'observation'):<18} {min(values)} to {max(values)}"
        for name, values in fresh.items()
    ]
    return [*lines, *notes]
