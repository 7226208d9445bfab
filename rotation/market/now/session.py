"""The session shown: today's prices over one pass of history, and what they come to as a Snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.context.wants import Part, Want
from rotation.market.assemble import leg
from rotation.market.beside.breadth import BreadthNow
from rotation.market.beside.clauses import Day, bank_leads, clauses, grown
from rotation.market.beside.graph import GraphNow
from rotation.market.beside.pairs import PairsNow, Shown
from rotation.market.derived import gap_limit_s, value_growth_with_status
from rotation.market.rows import Rows
from rotation.sessions import from_ns, phase_at
from rotation.snapshot import Health, Snapshot
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from collections.abc import Set as AbstractSet

    from rotation.context.wants import Wants
    from rotation.desk import Desk
    from rotation.fed.figures import Fed
    from rotation.history import History
    from rotation.macro.figures import Macro
    from rotation.market.assemble import Moment
    from rotation.market.past.look_back import LookBack
    from rotation.market.session_filter import SessionFilter
    from rotation.market.status import Provenance
    from rotation.quote import Nbbo
    from rotation.snapshot import BankLead, Clause, Leg


class Given(NamedTuple):
    """What a Snapshot has beside prices and history."""

    seq: int
    now: Moment
    provenance: Mapping[str, Provenance]
    origin: Provenance
    """Of every symbol that ``provenance`` does not have."""
    bid_asks: Mapping[str, Nbbo]
    fed: Fed | None
    macro: Macro | None
    wants: Wants
    unasked: tuple[Part, ...]
    history_words: str
    """What is to be said of the history."""

    def has(self, part: Part) -> bool:
        """Whether somebody wants it."""
        return Want(part) in self.wants


class SessionNow:
    """Of one session, one desk and one pass over history; where any of them is another one, so is this."""

    def __init__(
        self, made: LookBack, desk: Desk, session_filter: SessionFilter, more_pairs: AbstractSet[str]
    ) -> None:
        """Begin with the prints that have come. ``more_pairs``: those that are shown, by name."""
        self._made = made
        self._desk = desk
        self._filter = session_filter
        self._rows = Rows(made.settled, (desk.base, desk.against))
        self._pairs = PairsNow(desk, made)
        self._graph = GraphNow(made.graph)
        self._breadth = BreadthNow(made.breadth)
        self._value_growth = made.charts.value_growth
        self.is_closed = made.session is None
        """Whether official closes have been taken, or there is no session that they could be of."""
        self.show_pairs(more_pairs)
        self.reprice(session_filter.symbols)

    @property
    def pairs_shown(self) -> AbstractSet[str]:
        """The more pairs that are shown, by name."""
        return self._pairs.shown

    @property
    def unadjusted(self) -> frozenset[str]:
        """Symbols whose history is on another scale than today's prints."""
        return self._rows.unadjusted

    def show_pairs(self, names: AbstractSet[str]) -> None:
        """Show these of the more pairs, and no others."""
        self._rows.want(self._pairs.show(names))

    def reprice(self, symbols: Collection[str]) -> None:
        """Take the last prices of these symbols."""
        self._rows.reprice(symbols, self._filter)
        self._breadth.reprice(symbols, self._filter)

    def forget(self, symbols: Collection[str]) -> None:
        """Drop today's prices of these symbols."""
        self._rows.forget(symbols)
        self._breadth.forget(symbols)

    def close(self, history: History) -> None:
        """The bell has rung: take the session's official closes, where history has them."""
        column = "adj_close" if self._desk.returns == "total" else "close"
        self._rows.close(history, column)
        self._breadth.close(history, column)
        self._value_growth = self._made.closed.value_growth
        self._pairs.close()
        self.is_closed = True

    def mark_unadjusted(self, symbols: frozenset[str]) -> None:
        """Those whose history is on another scale than today's prints; it replaces all before."""
        self._rows.mark_unadjusted(symbols)
        self._breadth.mark_unadjusted(symbols)

    def price(self, symbol: str) -> float | None:
        """Today's last price of a leg or a member; None without one."""
        price = self._rows.price(symbol)
        return self._breadth.price(symbol) if price is None else price

    def member_values(self) -> dict[str, float | None]:
        """What members cost, by symbol, in the units of the returns asked for."""
        return self._breadth.values()

    def snapshot(self, given: Given) -> Snapshot:
        """All that is known now."""
        now, desk = given.now, self._desk
        at, phase = from_ns(now.as_of_ns), phase_at(now.as_of_ns)
        limit_s = gap_limit_s(desk, phase)
        rows = self._rows.current()
        legs = {
            symbol: leg(
                row,
                self._filter,
                now,
                given.provenance.get(symbol, given.origin),
                given.bid_asks.get(symbol),
            )
            for symbol, row in rows.items()
        }
        first, more = self._pairs.snapshot(
            Shown(rows, self._rows.spreads, legs, self._filter, now, given.fed)
        )
        breadth = self._breadth.snapshot(
            given.provenance,
            given.origin,
            now.as_of_ns,
            now.history,
            limit_s,
            asked=given.wants,
            stale_s=desk.stale_s,
        )
        days = _days(legs)
        banks: dict[str, BankLead] = {}
        if given.has(Part.BANKS):
            banks = bank_leads(self._made.settled, days, desk.base, limit_s)
        rare: tuple[Clause, ...] = ()
        if given.has(Part.CLAUSES):
            rare = clauses(
                desk.base,
                days,
                banks,
                breadth=breadth,
                macro=given.macro,
                now=at,
                sentence=first.headline_status,
            )
        words = "; ".join((given.history_words, *self._breadth.notes))
        return Snapshot(
            seq=given.seq,
            as_of=at,
            session=now.session,
            phase=phase,
            mode=_mark(given.origin),
            legs=legs,
            spread=first.spread,
            ratio=first.ratio,
            value_growth=value_growth_with_status(
                self._value_growth, given.origin, now.as_of_ns, now.history
            ),
            fed=given.fed,
            breadth=breadth,
            health=Health((), None, self._filter.counts, words),
            headline=grown(first.headline, rare),
            headline_status=first.headline_status,
            data_as_of=first.data_as_of,
            connection=first.connection,
            graph=self._graph.snapshot(rows, legs, limit_s) if given.has(Part.GRAPH) else None,
            pairs=more,
            lists=desk.lists,
            macro=given.macro,
            banks=banks,
            clauses=rare,
            unasked=given.unasked,
        )


def _days(legs: Mapping[str, Leg]) -> dict[str, Day]:
    """The session's move of each leg."""
    return {symbol: Day(leg.return_pct["1"], leg.session, leg.status) for symbol, leg in legs.items()}


def _mark(origin: Provenance) -> str:
    """DEMO or REPLAY, which the whole screen is marked with; else empty."""
    return origin.mode.kind.value if origin.mode and origin.mode.kind in (Kind.DEMO, Kind.REPLAY) else ""
