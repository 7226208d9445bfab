"""What a desk needs of the stored history: its own series whole, of a long list only what windows reach."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from rotation.history import History
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.history.store import HistoryStore

FEW = 64
"""So many symbols are loaded whole, whatever they are."""
REACH_DAYS = 480
"""330 sessions: the longest window, 252, and streaks beyond it."""


def load_history(store: HistoryStore, deep: Iterable[str], *, now_ns: int) -> History:
    """All that is stored; of more than FEW symbols only ``deep`` whole, the last REACH_DAYS of the others.

    26 years of 2,100 symbols are 14 million rows: seconds and gigabytes that no panel looks at. Raises
    StorageError if a file is missing or damaged.
    """
    held = store.symbols()
    if len(held) <= FEW:
        return store.load()
    whole = set(deep) & held.keys()
    since = new_york_day(now_ns) - timedelta(days=REACH_DAYS)
    parts = (store.load(whole), store.load(held.keys() - whole, since=since))
    return History(pl.concat(part.frame for part in parts), "history")
