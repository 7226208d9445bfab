"""What a desk needs of the stored history: its own series whole, of named members only what windows reach."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from rotation.breadth.members import spelled
from rotation.desk import MOST_LEGS
from rotation.history import History
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from feeds.history.store import HistoryStore

FEW = MOST_LEGS
"""So many symbols are loaded whole, whatever they are: each of them may get a leg."""
REACH_DAYS = 480
"""330 sessions: the longest window, 252, and streaks beyond it."""


def load_history(
    store: HistoryStore, deep: Iterable[str], *, now_ns: int, members: AbstractSet[str] = frozenset()
) -> History:
    """All that is stored; of more than FEW symbols ``deep`` whole, and ``members``' last REACH_DAYS.

    26 years of 2,100 symbols are 14 million rows: seconds and gigabytes that no panel looks at. Raises
    StorageError if a file is missing or damaged.
    """
    held = store.symbols()
    if len(held) <= FEW:
        return store.load()
    whole = set(deep) & held.keys()
    since = new_york_day(now_ns) - timedelta(days=REACH_DAYS)
    own = store.load(whole)
    wanted = {spelled(member) for member in members}  # MOG-A and MOG.A are one
    recent = {symbol for symbol in held if spelled(symbol) in wanted} - whole
    if not recent:
        return own if whole else History.empty()
    return History(pl.concat([own.frame, store.load(recent, since=since).frame]), "history")
