"""Breadth in the snapshot: what members cost now over what was settled before, and what that is worth.

A tick costs what its members cost: figures are made anew only after a member's price, close or scale changed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from rotation.breadth.figures import (
    COUNTED_LEAST,
    Breadth,
    BreadthFigures,
    IndexBreadth,
    Mover,
    SectorBreadth,
)
from rotation.breadth.members import spelled
from rotation.breadth.prices import Prices
from rotation.breadth.today import Counted
from rotation.desk import STALE_AFTER_S
from rotation.errors import StorageError
from rotation.market.status import of_close, of_print
from rotation.status import derive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from rotation.breadth.past import Past
    from rotation.history import History
    from rotation.market.session_filter import SessionFilter
    from rotation.market.status import Provenance
    from rotation.status import PriceStatus

LINE = 120
"""Sessions of McClellan's line, and of the advance/decline line."""


class _Made(msgspec.Struct, frozen=True):
    """The figures of one fund for one set of values."""

    prices: Prices
    now: BreadthFigures | None
    is_counted: list[bool]
    is_provisional: bool
    top: tuple[Mover, ...]
    bottom: tuple[Mover, ...]
    line: tuple[tuple[date, float], ...]
    advance_decline: tuple[tuple[date, int], ...]
    sectors: tuple[SectorBreadth, ...]
    share_up_percentile: float | None


class BreadthNow:
    """The members of every fund in one session."""

    def __init__(self, pasts: Sequence[Past]) -> None:
        """``pasts``: what history says before the session; none without membership files."""
        self._funds = tuple(Prices(past) for past in pasts if past.members is not None)
        self._scales: dict[str, float | None] = {}
        for fund in self._funds:
            self._scales.update(fund.past.table.select("symbol", "scale").iter_rows())
        self._prints: dict[str, tuple[float, int]] = {}
        """Price and time (UTC ns) of the last print of today."""
        self._official: dict[str, float] = {}
        """Today's settled values, which win."""
        self._unadjusted: AbstractSet[str] = frozenset()
        self._made: tuple[_Made, ...] | None = None
        self._ends: dict[str, tuple[str, ...]] = {}
        """By fund the members that decide its status."""
        self._ends_of: object = None
        self._shares: dict[str, list[float]] = {}
        """By fund the shares up of settled sessions, sorted once they are asked for."""
        self._damaged: dict[str, str] = {}
        """By fund why its file cannot be read."""

    def reprice(self, symbols: Iterable[str], session_filter: SessionFilter) -> None:
        """Take the last prices of these symbols; those that are no members are left out."""
        members = self._scales.keys() & symbols
        session_filter.sum_up(members)
        for symbol in members:
            prints = session_filter.current(symbol)
            if prints is not None and prints.last is not None:
                last = (prints.last.price, prints.last.ts_ns)
                if self._prints.get(symbol) != last:
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
        self._made = None

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
        stale_s: float = STALE_AFTER_S,
    ) -> Breadth | None:
        """None without a membership file on or before the session.

        ``provenance``: by symbol, ``origin`` of all others; ``source``: of history; ``limit_s``: see
        ``derive``; ``stale_s``: see ``of_print``.
        """
        if not self._funds:
            return None
        if self._made is None:
            self._made, self._ends_of = tuple(map(self._make, self._funds)), None
        if self._ends_of is not provenance:
            self._ends = {
                made.prices.past.fund: made.prices.deciding(made.is_counted, provenance, provenance, origin)
                for made in self._made
            }
            self._ends_of = provenance
        indices = {}
        for made in self._made:
            past = made.prices.past
            statuses = {
                symbol: self._status(past, symbol, provenance.get(symbol, origin), as_of_ns, source, stale_s)
                for symbol in self._ends[past.fund]
            }
            indices[past.fund] = IndexBreadth(
                fund=past.fund,
                now=made.now,
                is_provisional=made.is_provisional,
                settled=past.sessions[-1] if past.sessions else None,
                status=derive(statuses, limit_s=limit_s) if statuses else None,
                line=made.line,
                top=made.top,
                bottom=made.bottom,
                advance_decline=made.advance_decline,
                sectors=made.sectors,
                share_up_percentile=made.share_up_percentile,
                share_up_n=len(self._ranked(past)),
            )
        return Breadth(indices)

    def _make(self, fund: Prices) -> _Made:
        counted = Counted(fund.past, fund.values)
        now = counted.figures()
        is_counted = counted.is_counted() if now else []
        is_named = now is not None and self._is_readable(fund.past)
        top, bottom = counted.movers() if is_named else ((), ())
        line = tuple(
            (each.session, each.mcclellan)
            for each in fund.past.sessions[-LINE:]
            if each.mcclellan is not None
        )
        pairs = zip(fund.symbols, is_counted, strict=False)
        is_provisional = any(is_in and symbol not in self._official for symbol, is_in in pairs)
        sessions = [(each.session, each.net or 0) for each in fund.past.sessions[-LINE:]]
        summed = zip((day for day, _ in sessions), accumulate(net for _, net in sessions), strict=True)
        sectors = counted.sectors() if is_named else ()
        return _Made(
            fund,
            now,
            is_counted,
            is_provisional,
            top,
            bottom,
            line,
            tuple(summed),
            sectors,
            self._percentile(fund.past, now),
        )

    def _percentile(self, past: Past, now: BreadthFigures | None) -> float | None:
        """Midrank of the share up among the settled sessions before."""
        ranked = self._ranked(past)
        if now is None or now.share_up is None or not ranked:
            return None
        return 50 * (bisect_left(ranked, now.share_up) + bisect_right(ranked, now.share_up)) / len(ranked)

    def _ranked(self, past: Past) -> list[float]:
        """The shares up of the settled sessions in which enough members were counted, sorted."""
        if past.fund not in self._shares:
            self._shares[past.fund] = sorted(
                each.share_up
                for each in past.sessions
                if each.share_up is not None and each.counted >= COUNTED_LEAST * each.total
            )
        return self._shares[past.fund]

    def _is_readable(self, past: Past) -> bool:
        """Whether the members' names and sectors are at hand; a file that is damaged is read only once."""
        if past.members is None or past.fund in self._damaged:
            return False
        try:
            _ = past.members.frame
        except StorageError as error:
            self._damaged[past.fund] = str(error)
            return False
        return True

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be shown of a fund whose file is damaged, and why: counts rest on symbols alone."""
        return tuple(f"no sectors or movers of {fund}: {why}" for fund, why in self._damaged.items())

    def _status(  # noqa: PLR0917 - what decides a status
        self, past: Past, symbol: str, origin: Provenance, as_of_ns: int, source: str, stale_s: float
    ) -> PriceStatus:
        if symbol in self._official:
            return of_close(origin, past.session, past.session, as_of_ns, source=source, stale_s=stale_s)
        return of_print(origin, self._prints[symbol][1], as_of_ns, stale_s=stale_s)
