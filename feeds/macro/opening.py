"""The macro feed of this machine, what was known at a past instant, and files of one's own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from feeds.fed.calendar import SHIPPED
from feeds.http.cached import CachedClient
from feeds.http.client import TRIES
from feeds.macro.edgar import GROUPS
from feeds.macro.feed import MacroFeed
from feeds.macro.sources import MacroSources
from feeds.macro.store import FactStore, MacroStore, read_files
from rotation.macro.assemble import macro
from rotation.macro.banks import bank_incomes
from rotation.sessions import from_ns
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rotation.macro.figures import Macro


def live(folder: Path, cache: Path, *, tries: int = TRIES, once: bool = False) -> MacroFeed:
    """``folder``: of the store. ``once``: see CachedClient.

    Raises InputError where an environment variable holds no usable address.
    """
    http = CachedClient(cache, tries=tries, once=once)
    return MacroFeed(http, MacroSources(http, MacroStore(folder), FactStore(folder)))


def macro_then(folder: Path) -> Callable[[int], Macro | None]:
    """What was known at any instant, by what is kept; the file is read once, when it is first asked for."""
    held, facts = cache(MacroStore(folder).load), cache(FactStore(folder).load)

    def known(now_ns: int) -> Macro | None:
        return macro(held(), SHIPPED, from_ns(now_ns), banks=lambda day: bank_incomes(facts(), GROUPS, day))

    return known


def macro_at(folder: Path, now_ns: int) -> Macro | None:
    """What was known at an instant, by what is kept: nothing is asked. None where nothing is of use."""
    return macro_then(folder)(now_ns)


def import_files(folder: Path, paths: tuple[Path, ...]) -> list[str]:
    """Keep FRED's files; a line for each series. Raises InputError and StorageError."""
    fresh, notes = read_files(paths)
    MacroStore(folder).add(fresh)
    lines = [
        f"{name:<9} {counted(len(values), 'observation'):<18} {min(values)} to {max(values)}"
        for name, values in fresh.items()
    ]
    return [*lines, *notes]
