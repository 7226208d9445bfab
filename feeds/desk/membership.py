"""Stored membership as a desk takes it: every list with the names that its shares have today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from feeds.history.renames import FILE, read_renames
from rotation.breadth.members import MemberList, Membership

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from feeds.history.renames import Renames
    from feeds.members.store import MemberStore


def load_membership(store: MemberStore, history: Path, today: date) -> tuple[Membership, ...]:
    """All that is stored. ``history``: the folder with the person's own table of renames.

    History goes on under the newest name, so a list of before the change has to as well. Raises StorageError,
    and InputError for a table that cannot be read.
    """
    held = store.load()
    renames = read_renames(history / FILE)
    return tuple(
        Membership.of(fund.fund, [renamed(each, renames, today) for each in fund.lists]) for fund in held
    )


def renamed(members: MemberList, renames: Renames, today: date) -> MemberList:
    """The same shares under today's names; the same object where none has changed.

    Where a list has both names, the line of the newer each counts.
    """
    names = {symbol: renames.since(symbol, members.as_of, today) for symbol in members.symbols}
    changed = {old: new for old, new in names.items() if old != new}
    if not changed:
        return members
    stays = ~pl.col("symbol").is_in([old for old, new in changed.items() if new in names])
    frame = members.frame.filter(stays).with_columns(pl.col("symbol").replace(changed))
    return MemberList.of(
        members.fund, members.as_of, frame.unique("symbol", keep="first", maintain_order=True)
    )
