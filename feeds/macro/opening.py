"""The macro feed of this machine, what was known at a past instant, and files of one's own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.fed.calendar import CalendarFed
from feeds.http.cached import CachedClient
from feeds.http.client import TRIES
from feeds.keys import keys
from feeds.macro.calendar_store import CalendarStore, calendar_then, decisions_then
from feeds.macro.edgar import GROUPS
from feeds.macro.feed import MacroFeed
from feeds.macro.indices import YieldIndices
from feeds.macro.minutes.store import BarStore
from feeds.macro.minutes.vendors import AlpacaBars, YahooBars
from feeds.macro.release_days import Kept, published, release_days
from feeds.macro.release_minutes import ReleaseMinutes
from feeds.macro.sources import MacroSources
from feeds.macro.store import FactStore, MacroStore, read_files
from feeds.vendors.alpaca.keys import AlpacaKeys
from feeds.vendors.alpaca.rest import AlpacaRest
from rotation.macro.assemble import macro
from rotation.macro.banks import bank_incomes
from rotation.macro.release_views import LOOKED_AT, views_of
from rotation.sessions import from_ns
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from feeds.clock import Pace
    from feeds.macro.minutes.vendors import BarVendor
    from rotation.macro.figures import Macro
    from rotation.macro.release_days import ReleaseDays

PAIR = ("IWM", "QQQ")
FED = "fed"
"""Folder of the Fed's log, beside that of macro figures."""


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


def macro_then(folder: Path, pair: tuple[str, str] = PAIR) -> Callable[[int], Macro | None]:
    """What was known at any instant, by what is kept; files are read once, when they are first asked for."""
    held, facts = cache(MacroStore(folder).load), cache(FactStore(folder).load)
    pages = cache(CalendarStore(folder).load)
    kept = Kept(folder.parent / FED, pair, bars=BarStore(folder))

    def known(now_ns: int) -> Macro | None:
        now, calendar = from_ns(now_ns), calendar_then(pages(), now_ns)
        decisions = decisions_then(pages(), now_ns)
        times = published(calendar, decisions)
        days = kept.usable_days(times, now_ns, newest=LOOKED_AT + 1)
        return macro(
            held(),
            decisions,
            now,
            banks=lambda day: bank_incomes(facts(), GROUPS, day),
            calendar=calendar,
            release_days=views_of(days, times, pair, now),
        )

    return known


def macro_at(folder: Path, now_ns: int, pair: tuple[str, str] = PAIR) -> Macro | None:
    """What was known at an instant, by what is kept: nothing is asked. None where nothing is of use."""
    return macro_then(folder, pair)(now_ns)


def releases_kept(folder: Path, tapes: Sequence[Path], pair: tuple[str, str], now_ns: int) -> ReleaseDays:
    """Paths around every publication by then, of tapes, kept bars and the log. Raises InputError.

    ``folder``: of the store.
    """
    pages = CalendarStore(folder).load()
    times = published(calendar_then(pages, now_ns), decisions_then(pages, now_ns))
    return release_days(folder.parent / FED, tapes, pair, now_ns, bars=BarStore(folder), times=times)


def import_files(folder: Path, paths: tuple[Path, ...]) -> list[str]:
    """Keep FRED's files; a line for each series. Raises InputError and StorageError."""
    fresh, notes = read_files(paths)
    MacroStore(folder).add(fresh)
    lines = [
        f"{name:<9} {counted(len(values), 'observation'):<18} {min(values)} to {max(values)}"
        for name, values in fresh.items()
    ]
    return [*lines, *notes]
