"""Stored membership as a desk takes it: every list with the names that its shares have today."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from feeds.history.renames import FILE, read_renames
from feeds.members.universes import load_universe
from rotation.breadth.members import MemberList, Membership

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from feeds.history.renames import Renames
    from feeds.members.store import MemberStore
    from rotation.desk import Universe


def load_membership(
    store: MemberStore, history: Path, today: date, universes: Sequence[Universe] = ()
) -> tuple[Membership, ...]:
    """All that is stored, and a person's own universes, which go before a fund of the same name.

    ``history``: the folder with the person's own table of renames.

    History goes on under the newest name, so a list of before the change has to as well. Raises StorageError,
    and InputError for a table or a universe that cannot be read.
    """
    renames = read_renames(history / FILE)
    known: Known = {}
    own = {each.fund: Membership.of(each.fund, [load_universe(each, today)]) for each in universes}
    held = tuple(
        Membership.of(fund.fund, [renamed(each, renames, today, known) for each in fund.lists])
        for fund in (*(each for each in store.load() if each.fund not in own), *own.values())
    )
    for fund in held:  # what the desk shows now: a damaged file is noticed here rather than at a tick
        for members in (fund.before(today), fund.on(today)):
            if members is not None:
                _ = members.frame
    return held


Known = dict[tuple[int, tuple[tuple[str, str], ...]], list[str]]
"""By the identity of a list of symbols and what has changed in it: lists that are one stay one."""


def renamed(members: MemberList, renames: Renames, today: date, known: Known | None = None) -> MemberList:
    """The same shares under today's names; the same object where none has changed.

    Where a list has both names, the line of the newer each counts.
    """
    changed = renames.changed(members.symbols, members.as_of, today)
    if not changed:
        return members
    key = (id(members.symbols), tuple(sorted(changed.items())))
    known = {} if known is None else known
    if key not in known:
        known[key] = sorted({changed.get(symbol, symbol) for symbol in members.symbols})
    return MemberList(members.fund, members.as_of, known[key], partial(_frame, members, changed))


def _frame(members: MemberList, changed: Mapping[str, str]) -> pl.DataFrame:
    names = set(members.symbols)
    stays = ~pl.col("symbol").is_in([old for old, new in changed.items() if new in names])
    frame = members.frame.filter(stays).with_columns(pl.col("symbol").replace(dict(changed)))
    return frame.unique("symbol", keep="first", maintain_order=True).sort("symbol")
