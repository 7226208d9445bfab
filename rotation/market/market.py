"""Market: quotes in, Snapshot out. ``apply(batch)`` costs the same however long history is.

Three steps: the door (which prints count), the vectorised step (one Polars expression for every
symbol's return and direction), and the views (the desk's rows as a Snapshot).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import WINDOWS, Desk
from rotation.fed.ageing import aged
from rotation.fed.pairs import cut_settles, with_spread
from rotation.market.assemble import Charts, Moment, Row, leg, spread
from rotation.market.derived import gap_limit_s, of_connection, of_pair, of_sentence, value_growth_with_status
from rotation.market.headline import headline
from rotation.market.returns import figures
from rotation.market.session_filter import SessionFilter
from rotation.market.settled import settle
from rotation.market.status import Provenance
from rotation.market.streaks import Before
from rotation.market.unadjusted import ScaleCheck
from rotation.sessions import close_ns, from_ns, last_closed, new_york_day, phase_at, previous_session
from rotation.snapshot import Health, Snapshot
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet
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
        self._unadjusted: frozenset[str] = frozenset()
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
        for symbol in self._place.keys() & symbols:
            self._prices[self._place[symbol]] = None

    def take_previous_closes(self, session: date, by_symbol: Mapping[str, float]) -> frozenset[str]:
        """A vendor's closes of ``session``, on the scale of the next session's prints.

        Where history's are on another scale, the leg has no figures in that next session until history is
        restated. Returns the symbols of which that is newly known: their history is to be fetched again.
        """
        before = self._scale.mismatched(self.history)
        self._scale.take_previous_closes(session, by_symbol)
        self._check_scale()
        return self._scale.mismatched(self.history) - before

    def take_listed_splits(
        self,
        ex_dates: Mapping[str, date],
        ratios: Mapping[str, float] | None = None,
        symbols: AbstractSet[str] | None = None,
    ) -> frozenset[str]:
        """Splits that are listed, by symbol: all there are now of ``symbols``, or of every one where None.

        From its day on a leg has no figures until history is on the new scale: by a vendor's close, else by
        today's price and the ratio; without ratios while it is listed. Returns the symbols of which history
        is not known to be restated: it is to be fetched again.
        """
        self._scale.take_listed_splits(ex_dates, ratios, symbols)
        self._check_scale()
        session = self._door.session
        return frozenset(s for s, day in ex_dates.items() if session is None or day > session) | (
            self._unadjusted & ex_dates.keys()
        )

    def _check_scale(self) -> None:
        """After history, the session, or what vendors say of closes and splits has changed."""
        self._scale.compare(self.history, self._door.session)
        self._unadjusted = self._scale.unadjusted(self._price_of)

    def _price_of(self, symbol: str) -> float | None:
        place = self._place.get(symbol)
        return None if place is None else self._prices[place]

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
        # The desk's own come first: a snapshot reads only the head of the table.
        self._symbols = [*self.desk.legs, *sorted(known.difference(self.desk.legs))]
        self._place = {symbol: i for i, symbol in enumerate(self._symbols)}
        self._door.expect(known, history.last(last_closed(self._as_of_ns)))
        self._look_back()
        self._compare()

    def _look_back(self) -> None:
        """The one pass over history: what lies before the door's session."""
        session = self._door.session
        self._settled = settle(self.history, session, self._symbols, self.desk) if session else None
        self._known = (
            self._settled.table.head(len(self.desk.legs))
            .select("close", "date", "streak", "direction", "scale")
            .rows()
            if self._settled
            else []
        )
        self._charts = Charts(self.history, self.desk, previous_session(session) if session else None)
        self._prices: list[float | None] = [None] * len(self._symbols)
        self._official: list[float | None] = [None] * len(self._symbols)
        self._closes: dict[str, float | None] = {}
        self._closed = session is None
        self._reprice(self._door.symbols)
        self._check_scale()

    def _close(self) -> None:
        """The bell has rung: take the session's official closes, where history has them."""
        session = self._door.session
        assert session is not None
        value = "adj_close" if self.desk.returns == "total" else "close"
        for row in self.history.on(session).iter_rows(named=True):
            if row["symbol"] in self._place:
                self._closes[row["symbol"]] = row["close"]
                self._official[self._place[row["symbol"]]] = row[value]
        self._charts = Charts(self.history, self.desk, session)
        self._closed = True

    def _reprice(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            prints = self._door.current(symbol)
            if prints and prints.last:
                self._prices[self._place[symbol]] = prints.last.price

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
            self._reprice(touched)
        if self._scale.heeds_prices:
            self._unadjusted = self._scale.unadjusted(self._price_of)
        if session and not self._closed and as_of_ns >= close_ns(session):
            self._close()
        self._seq += 1
        return self._snapshot(as_of_ns)

    def _snapshot(self, as_of_ns: int) -> Snapshot:
        session, desk = self._door.session, self.desk
        rows = self._rows()
        base, against = rows.get(desk.base), rows.get(desk.against)
        now = Moment(session, as_of_ns, self.history.source)
        baselines = self._settled.legs if self._settled else {}
        legs = {
            symbol: leg(row, baselines[symbol], self._door, now, self._provenance.get(symbol, self._origin))
            for symbol, row in rows.items()
        }
        phase = phase_at(as_of_ns)
        limit_s = gap_limit_s(desk, phase)
        status = of_pair(legs, desk, limit_s)
        pair = spread(desk, base, against, self._settled.spread if self._settled else None, status)
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

    def _rows(self) -> dict[str, Row]:
        """The desk's legs that have history or prints, in the desk's order."""
        if self._settled is None:
            return {}
        figured = figures(self._settled.table, self._prices, self._official).head(len(self.desk.legs)).rows()
        rows = {}
        for symbol, settled, today in zip(self.desk.legs, self._known, figured, strict=True):
            close, closed, *before, scale = settled
            if symbol in self._closes and (self._closes[symbol] is not None or close is None):
                close, closed = self._closes[symbol], self._settled.session
            elif closed is None and self._door.current(symbol) is None:
                continue
            value, direction, *returns = today
            if symbol in self._unadjusted:
                rows[symbol] = self._unadjusted_row(symbol, close, closed)
                continue
            rows[symbol] = Row(
                symbol=symbol,
                close=close,
                closed=closed,
                before=Before(*before),
                value=value,
                direction=direction,
                return_pct=tuple(returns),
                scale=scale,
                official=self._official[self._place[symbol]] is not None,
            )
        return rows

    def _unadjusted_row(self, symbol: str, close: float | None, closed: date | None) -> Row:
        """A price and nothing else."""
        return Row(
            symbol=symbol,
            close=close,
            closed=closed,
            before=Before(),
            value=None,
            direction=None,
            return_pct=(None,) * len(WINDOWS),
            scale=None,
            official=False,
            is_unadjusted=True,
        )


def _mark(origin: Provenance) -> str:
    """DEMO or REPLAY, which the whole screen is marked with; else empty."""
    return origin.mode.kind.value if origin.mode and origin.mode.kind in (Kind.DEMO, Kind.REPLAY) else ""
