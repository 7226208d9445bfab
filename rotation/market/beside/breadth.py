"""Breadth in the snapshot: what members cost now over what was settled before, and what that is worth.

A price that comes is only kept; figures are brought up to date when a Snapshot has them, and then cost what
changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.breadth.figures import Breadth
from rotation.breadth.members import spelled
from rotation.context.wants import Part, Want
from rotation.desk import STALE_AFTER_S
from rotation.market.beside.index import IndexNow
from rotation.market.status import of_close, of_print
from rotation.status import derive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import date

    from rotation.breadth.past import Past
    from rotation.context.wants import Wants
    from rotation.history import History
    from rotation.market.session_filter import SessionFilter
    from rotation.market.status import Provenance
    from rotation.status import PriceStatus


class BreadthNow:
    """The members of every fund in one session."""

    def __init__(self, pasts: Sequence[Past]) -> None:
        """``pasts``: what history says before the session; none without membership files."""
        self._funds = tuple(IndexNow(past) for past in pasts if past.members is not None)
        self._scales: dict[str, float | None] = {}
        for fund in self._funds:
            self._scales.update(fund.past.table.select("symbol", "scale").iter_rows())
        self._prints: dict[str, tuple[float, int]] = {}
        """Price and time (UTC ns) of the last print of today."""
        self._official: dict[str, float] = {}
        """Today's settled values, which win."""
        self._unadjusted: AbstractSet[str] = frozenset()

    def reprice(self, symbols: Iterable[str], session_filter: SessionFilter) -> None:
        """Take the last prices of these symbols; those that are no members are left out."""
        for symbol in self._scales.keys() & symbols:
            last = session_filter.last(symbol)
            if last is not None and self._prints.get(symbol) != last:
                self._prints[symbol] = last
                self._put(symbol)

    def _put(self, symbol: str) -> None:
        """Today's value of a member: an official close wins; one on another scale than history has none."""
        value, ts_ns = self._official.get(symbol), 0
        last, scale = self._prints.get(symbol), self._scales[symbol]
        if value is None and last is not None:
            value, ts_ns = None if scale is None else last[0] * scale, last[1]
        if symbol in self._unadjusted:
            value = None
        for fund in self._funds:
            fund.put(symbol, value, ts_ns)

    def forget(self, symbols: Collection[str]) -> None:
        """Drop today's prices of these symbols."""
        for symbol in self._prints.keys() & symbols:
            del self._prints[symbol]
            self._put(symbol)

    def close(self, history: History, column: str) -> None:
        """Take the session's official closes, where history has them. ``column``: of the values."""
        if not self._funds:
            return
        for symbol, value in history.on(self._funds[0].past.session).select("symbol", column).iter_rows():
            if value is not None and spelled(symbol) in self._scales:
                self._official[spelled(symbol)] = value
                self._put(spelled(symbol))

    def mark_unadjusted(self, symbols: AbstractSet[str]) -> None:
        """Those whose history is on another scale than today's prints: they are not counted."""
        changed = (self._unadjusted ^ symbols) & self._scales.keys()
        self._unadjusted = symbols
        for symbol in changed:
            self._put(symbol)

    def price(self, symbol: str) -> float | None:
        """Today's last price of a member; None without one."""
        last = self._prints.get(symbol)
        return None if last is None else last[0]

    def values(self) -> dict[str, float | None]:
        """Today's, in the units of the returns asked for."""
        values: dict[str, float | None] = {}
        for symbol, (price, _) in self._prints.items():
            scale = self._scales[symbol]
            values[symbol] = None if scale is None else price * scale
        values.update(self._official)
        for symbol in self._unadjusted & values.keys():
            values[symbol] = None
        return values

    def snapshot(
        self,
        provenance: Mapping[str, Provenance],
        origin: Provenance,
        as_of_ns: int,
        source: str,
        limit_s: float,
        *,
        asked: Wants,
        stale_s: float = STALE_AFTER_S,
    ) -> Breadth | None:
        """None without a membership file on or before the session, and where nobody asks.

        ``provenance``: by symbol, ``origin`` of all others; ``source``: of history; ``limit_s``: see
        ``derive``; ``stale_s``: see ``of_print``.
        """
        if not self._funds or Want(Part.BREADTH) not in asked:
            return None
        indices = {}
        for fund in self._funds:
            fund.refresh(self._official, asked)
            statuses = {
                symbol: self._status(
                    fund.past.session, symbol, provenance.get(symbol, origin), as_of_ns, source, stale_s
                )
                for symbol in fund.deciding(provenance, origin)
            }
            indices[fund.past.fund] = fund.index(derive(statuses, limit_s=limit_s) if statuses else None)
        return Breadth(indices)

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be shown of a fund whose file is damaged, and why: counts rest on symbols alone."""
        return tuple(
            f"no sectors or movers of {fund.past.fund}: {fund.damage}" for fund in self._funds if fund.damage
        )

    def _status(  # noqa: PLR0917 - what decides a status
        self, session: date, symbol: str, origin: Provenance, as_of_ns: int, source: str, stale_s: float
    ) -> PriceStatus:
        if symbol in self._official:
            return of_close(origin, session, session, as_of_ns, source=source, stale_s=stale_s)
        return of_print(origin, self._prints[symbol][1], as_of_ns, stale_s=stale_s)
