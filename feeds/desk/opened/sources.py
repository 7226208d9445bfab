"""Settled history, the tape to play on it, and the market on both.

What only some desks need is imported when it is needed: the first headline waits for all the rest.
"""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.errors import InputError, StrayError
from feeds.history.kept.look_backs import LookBacks
from feeds.history.loading import REACH_DAYS, load_history
from rotation.breadth.members import Membership, in_force, spelled
from rotation.desk import MOST_LEGS, Desk
from rotation.history import History
from rotation.market.market import NOWHERE, Market
from rotation.market.past.look_back import Look, look_back
from rotation.market.status import Provenance
from rotation.sessions import new_york_day, open_ns
from rotation.status import DEMO, REPLAY, Kind
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from feeds.history.store import HistoryStore

log = logging.getLogger(__name__)

DEMO_STARTS_S = 70 * 60
"""The demo begins 70 minutes after the bell, at 10:40, where the article has its figures."""


class Source(msgspec.Struct, frozen=True):
    """Settled history, the tape to play on it, and what its prints are called."""

    history: History
    tape: pl.DataFrame | None
    origin: Provenance
    starts_ns: int | None = None
    """Where the tape begins to play by default."""
    membership: tuple[Membership, ...] = ()
    """Which shares funds held: breadth rests on it."""
    look: Look = look_back
    """Makes the passes over the history, or knows what came of them."""

    def members(self) -> frozenset[str]:
        """All that have ever been members of a fund."""
        return frozenset(symbol for fund in self.membership for symbol in fund.symbols())

    def priced(self, day: date) -> frozenset[str]:
        """The members of every fund by its newest file of this day or before.

        Raises InputError where there is none: their prices were asked for.
        """
        members = in_force(self.membership, day)
        if not members:
            raise InputError(
                "--members: no holdings file is stored — run rotation-tui members sync, or members import"
            )
        return members

    @property
    def is_demo(self) -> bool:
        """Whether all of it is invented."""
        return self.origin.mode is not None and self.origin.mode.kind is Kind.DEMO


def demo() -> Source:
    """The built-in scenario."""
    from feeds.demo.scenario import build  # noqa: PLC0415

    scenario = build()
    starts = open_ns(scenario.session) + DEMO_STARTS_S * 1_000_000_000
    return Source(scenario.history, scenario.tape, Provenance(DEMO, "built-in demo"), starts)


def source(
    store: HistoryStore,
    *,
    history: Path | None,
    tapes: Sequence[Path],
    now_ns: int,
    own: Collection[str] = Desk().legs,
    members: AbstractSet[str] = frozenset(),
    demo_instead: bool = True,
    reach_ns: int | None = None,
) -> Source:
    """What the person named; without any of it the history that is held, and without that the demo.

    ``own``: what the desk shows, loaded whole from however long a list; beside these others only while all
    can be legs. ``members``: of funds; of a long list stored their recent closes are loaded.
    ``demo_instead``: False where an empty desk is wanted, because live feeds are about to fill it.
    ``reach_ns``: the instant shown where it is not now; of a long list the closes before it are loaded.
    """
    look: Look = look_back
    if history is None:
        look = LookBacks(store.folder, writes=reach_ns is None).look
        settled = load_history(store, own, now_ns=reach_ns or now_ns, members=members)
        if not settled.symbols and not tapes and demo_instead:
            return demo()
    else:
        from feeds.history.importing import files_by_symbol, read_history  # noqa: PLC0415

        few = len(files_by_symbol([history]).keys() | set(own)) <= MOST_LEGS
        only = None if few else set(own)
        strays: list[StrayError] = []
        frame, notes = read_history([history], now_ns=now_ns, only=only, strays=strays)
        if only is not None and members:
            recent = _members_of_folder(history, members - only, notes, now_ns, reach_ns or now_ns)
            frame = pl.concat([frame, *recent])
        for note in notes:
            log.warning("history: %s", note)
        more = f", {counted(len(strays), 'file')} left out (see the log)" if strays else ""
        settled = History(frame, f"history {history.name}{more}")
    if not tapes:
        return Source(settled, None, NOWHERE, look=look)
    from feeds.tapes.reading import read_tape  # noqa: PLC0415

    names = ", ".join(path.name for path in tapes)
    return Source(settled, read_tape(tapes), Provenance(REPLAY, f"tape {names}"), look=look)


def _members_of_folder(
    folder: Path, members: AbstractSet[str], notes: list[str], now_ns: int, reach_ns: int
) -> list[pl.DataFrame]:
    """As much of their files as breadth reaches back, one file in memory at a time."""
    from feeds.history.importing import files_by_symbol, read_each  # noqa: PLC0415

    wanted = {spelled(member) for member in members}
    only = {symbol for symbol in files_by_symbol([folder]) if spelled(symbol) in wanted}
    since = new_york_day(reach_ns) - timedelta(days=REACH_DAYS)
    return [
        frame.filter(pl.col("date") >= since)
        for _, frame in read_each([folder], notes, now_ns=now_ns, only=only)
    ]


def market_of(wanted: Source, desk: Desk, as_of_ns: int) -> Market:
    """A market on this history and membership, as of an instant (UTC ns)."""
    return Market(
        wanted.history,
        desk,
        as_of_ns=as_of_ns,
        origin=wanted.origin,
        membership=wanted.membership,
        look=wanted.look,
    )
