"""Market: quotes in, Snapshot out. ``apply(batch)`` costs the same however long history is.

Three steps: the door (which prints count), the rows (one Polars expression for the desk's returns, and what
follows of those that changed), and the views (the rows and what they are worth, as a Snapshot).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import Desk
from rotation.fed.ageing import aged
from rotation.fed.pairs import cut_settles, with_spread
from rotation.market.assemble import Charts, Moment, Pair, leg
from rotation.market.derived import gap_limit_s, of_connection, of_pair, of_sentence, value_growth_with_status
from rotation.market.headline import headline
from rotation.market.rows import Rows
from rotation.market.session_filter import SessionFilter
from rotation.market.settled import settle
from rotation.market.status import Provenance
from rotation.market.unadjusted import ScaleCheck
from rotation.sessions import close_ns, from_ns, last_closed, new_york_day, phase_at, previous_session
from rotation.snapshot import Health, Snapshot
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from rotation.fed.comovement import CoMovement
    from rotation.fed.figures import Fed
    from rotation.history import History
    from rotation.quote import Quote


NOWHERE = Provenance()
"""No feed brings any price."""


class Market:
    """One session over a settled history, for any number of symbols."""

    def __init__(
        self,
        history: History,
        desk: Desk | None = None,
        *,
        as_of_ns: int,
        origin: Provenance = NOWHERE,
        members: Iterable[str] = (),
    ) -> None:
        """Show the latest session that had closed at ``as_of_ns``.

        ``origin``: of every print, unless ``set_provenance`` says more of its symbol.
        ``members`` are symbols that may print beside the desk's legs and those in history.
        """
        self.history = history
        self.desk = desk or Desk()
        self._origin = origin
        self._provenance: Mapping[str, Provenance] = {}
        self._members = tuple(members)
        self._scale = ScaleCheck()
        self._seq = 0
        self._fed: Fed | None = None
        self._cut_settles: dict[date, float] = {}
        self._comovement: CoMovement | None = None
        self.restart(as_of_ns)

    def set_provenance(self, by_symbol: Mapping[str, Provenance]) -> None:
        """Say where each symbol's prices come from, and what is wrong with them; it replaces all before."""
        self._provenance = by_symbol

    def forget(self, symbols: Collection[str]) -> None:
        """Drop today's prints of these symbols: they were wrong, and right ones are about to come."""
        self._door.forget(symbols)
        self._rows.forget(symbols)

    def take_previous_closes(self, session: date, by_symbol: Mapping[str, float]) -> frozenset[str]:
        """A vendor's closes of ``session``, on the scale of the next session's prints.

        Where history's are on another scale, the leg has no figures in that next session until history is
        restated. Returns the symbols of which that is newly known: their history is to be fetched again.
        """
        before = self._scale.mismatched(self.history)
        self._scale.take_previous_closes(session, by_symbol)
        self._check_scale()
        return self._scale.mismatched(self.history) - before

    def take_listed_splits(self, ex_dates: Mapping[str, date]) -> None:
        """Splits that are listed and by which history is not restated, by symbol: all there are now."""
        self._scale.take_listed_splits(ex_dates)
        self._check_scale()

    def _check_scale(self) -> None:
        self._rows.mark_unadjusted(self._scale.unadjusted(self.history, self._door.session))

    def take_fed(self, fed: Fed) -> None:
        """What is newly known of the Fed; its co-movement with the pair is found here."""
        settles = cut_settles(fed.history)
        if settles != self._cut_settles:
            self._cut_settles = settles
            self._comovement = with_spread(settles, self.history, self.desk)
        self._fed = msgspec.structs.replace(fed, comovement=self._comovement)

    def _compare(self) -> None:
        """The co-movement anew, over a longer or corrected history."""
        if self._fed is not None and self._cut_settles:
            self._comovement = with_spread(self._cut_settles, self.history, self.desk)
            self._fed = msgspec.structs.replace(self._fed, comovement=self._comovement)

    def restart(self, as_of_ns: int) -> None:
        """Forget today and begin anew at this instant, as after a tape's rewind."""
        self._as_of_ns = as_of_ns
        self._door = SessionFilter()
        self.learn(self.history)

    def learn(self, history: History) -> None:
        """Take a longer or corrected settled history; today's prints stay."""
        self.history = history
        known = {*self.desk.legs, *history.symbols, *self._members}
        self._door.expect(known, history.last(last_closed(self._as_of_ns)))
        self._look_back()
        self._compare()

    def _look_back(self) -> None:
        """The one pass over history: what lies before the door's session."""
        session = self._door.session
        settled = settle(self.history, session, self.desk) if session else None
        self._rows = Rows(settled)
        self._pair = Pair(self.desk, settled.spread if settled else None)
        self._charts = Charts(self.history, self.desk, previous_session(session) if session else None)
        self._closed = session is None
        self._check_scale()
        self._rows.reprice(self._door.symbols, self._door)

    def _close(self) -> None:
        """The bell has rung: take the session's official closes, where history has them."""
        session = self._door.session
        assert session is not None
        self._rows.close(self.history, "adj_close" if self.desk.returns == "total" else "close")
        self._charts = Charts(self.history, self.desk, session)
        self._closed = True

    def apply(self, batch: Iterable[Quote], *, as_of_ns: int) -> Snapshot:
        """Take quotes in order of arrival and say what is known at ``as_of_ns``.

        Bad, unknown, late and repeated quotes are counted, never raised.
        """
        self._as_of_ns = as_of_ns
        before = self._door.session
        touched = {quote.symbol for quote in batch if self._door.admit(quote, as_of_ns)}
        session = self._door.session
        if session != before:
            self._look_back()
        else:
            self._rows.reprice(touched, self._door)
        if session and not self._closed and as_of_ns >= close_ns(session):
            self._close()
        self._seq += 1
        return self._snapshot(as_of_ns)

    def _snapshot(self, as_of_ns: int) -> Snapshot:
        session, desk = self._door.session, self.desk
        rows = self._rows.current()
        base, against = rows.get(desk.base), rows.get(desk.against)
        now = Moment(session, as_of_ns, self.history.source)
        legs = {
            symbol: leg(row, self._door, now, self._provenance.get(symbol, self._origin))
            for symbol, row in rows.items()
        }
        phase = phase_at(as_of_ns)
        limit_s = gap_limit_s(desk, phase)
        status = of_pair(legs, desk, limit_s)
        pair = self._pair.spread(base, against, status)
        fed = self._fed and aged(self._fed, as_of_ns)
        connection = of_connection(legs, desk)
        times = [legs[symbol].status.as_of for symbol in (desk.base, desk.against) if symbol in legs]
        return Snapshot(
            seq=self._seq,
            as_of=from_ns(as_of_ns),
            session=session,
            phase=phase,
            mode=_mark(self._origin),
            legs=legs,
            spread=pair,
            ratio=self._charts.ratio(base, against, self._door, status),
            value_growth=value_growth_with_status(
                self._charts.value_growth, self._origin, as_of_ns, self.history.source
            ),
            fed=fed,
            breadth=None,
            health=Health((), None, self._door.counts, self.history.words),
            headline=headline(legs, pair, session, fed, today=new_york_day(as_of_ns), limit_s=limit_s),
            headline_status=of_sentence(legs, desk, status, fed),
            data_as_of=min((time for time in times if time is not None), default=None),
            connection=connection,
        )


def _mark(origin: Provenance) -> str:
    """DEMO or REPLAY, which the whole screen is marked with; else empty."""
    return origin.mode.kind.value if origin.mode and origin.mode.kind in (Kind.DEMO, Kind.REPLAY) else ""
