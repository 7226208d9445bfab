"""What a desk needs of the stored history: its own series whole, of named members only what windows reach."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from feeds.history.kept.look_backs import LookBacks
from rotation.breadth.members import spelled
from rotation.desk import MOST_LEGS
from rotation.history import History
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from feeds.history.manifest import Entry
    from feeds.history.store import HistoryStore

FEW = MOST_LEGS
"""So many symbols are loaded whole, whatever they are: each of them may get a leg."""
SOURCE = "history"
"""What it is called on screen."""
REACH_DAYS = 480
"""330 sessions: the longest window, 252, and streaks beyond it."""


def load_history(
    store: HistoryStore, deep: Iterable[str], *, now_ns: int, members: AbstractSet[str] = frozenset()
) -> History:
    """All that is stored; of more than FEW symbols ``deep`` whole, and ``members``' last REACH_DAYS.

    26 years of 2,100 symbols are 14 million rows: seconds and gigabytes that no panel looks at. Where facts
    of these very series are kept, their files are checked, and read only when somebody needs their rows.
    Raises StorageError if a file is missing or damaged.
    """
    wanted = _Wanted(frozenset(deep), frozenset(members), new_york_day(now_ns) - timedelta(days=REACH_DAYS))
    chosen = _choose(store.symbols(), wanted)
    facts = LookBacks(store.folder).facts(chosen.identity) if chosen.whole or chosen.recent else None
    if facts is not None and store.has(chosen.whole, chosen.recent):
        read = partial(_read, store, wanted)
        return History.deferred(facts, read, source=SOURCE, identity=chosen.identity)
    return _read(store, wanted)


class _Wanted(NamedTuple):
    deep: frozenset[str]
    members: frozenset[str]
    since: date


class _Chosen(NamedTuple):
    """Entries by symbol."""

    whole: dict[str, Entry]
    recent: dict[str, Entry]
    """Entries of which only the rows from a day on are wanted."""
    identity: str


def _choose(held: Mapping[str, Entry], wanted: _Wanted) -> _Chosen:
    if len(held) <= FEW:
        whole, recent = dict(held), dict[str, "Entry"]()
    else:
        members = {spelled(member) for member in wanted.members}  # MOG-A and MOG.A are one
        whole = {symbol: entry for symbol, entry in held.items() if symbol in wanted.deep}
        recent = {
            symbol: entry
            for symbol, entry in held.items()
            if symbol not in whole and spelled(symbol) in members
        }
    files = sorted(entry.file for entry in whole.values())
    since = [str(wanted.since), *sorted(entry.file for entry in recent.values())] if recent else []
    return _Chosen(whole, recent, sha256("\n".join([*files, "", *since]).encode()).hexdigest())


def _read(store: HistoryStore, wanted: _Wanted) -> History:
    chosen = _choose(store.symbols(), wanted)
    history = store.load(chosen.whole) if chosen.whole else History.empty()
    if chosen.recent:
        recent = store.load(chosen.recent, since=wanted.since)
        history = History(pl.concat([history.frame, recent.frame]), SOURCE)
    if _choose(store.symbols(), wanted).identity == chosen.identity:  # no writer came between
        history.identity = chosen.identity
    return history
