"""``fed import``: settlements of the past into our own store, for ``--at`` and what rests on it."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from feeds.fed.store import FedStore, Settlement
from feeds.fed.then.settlement_files import read_settlements
from rotation.fed.strip.contracts import symbol
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Contract(msgspec.Struct, frozen=True):
    """What was read of one contract."""

    symbol: str
    settlements: int
    first: date
    last: date
    file: str


class Report(msgspec.Struct, frozen=True):
    """What an import did."""

    contracts: tuple[Contract, ...]
    new: int
    """Settlements that were not known before, or were known as others."""
    notes: tuple[str, ...]


def import_settlements(folder: Path, paths: Sequence[Path], now_ns: int) -> Report:
    """Keep the settlements of these files in ``folder``: all of them, or none. Raises InputError."""
    read = read_settlements(paths, new_york_day(now_ns))
    rows = [Settlement(*row.month, row.session, row.price, row.file, now_ns) for row in read.rows]
    with FedStore(folder) as store:
        new = store.settle_all(rows)
    contracts = []
    for month, group in groupby(read.rows, key=lambda row: row.month):
        own = list(group)
        contracts.append(Contract(symbol(month), len(own), own[0].session, own[-1].session, own[-1].file))
    return Report(tuple(contracts), new, read.notes)
