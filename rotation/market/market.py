"""Market: quotes in, Snapshot out. ``apply(batch)`` costs the same however long history is.

Three steps: the session filter (which prints count), the rows (one Polars expression for the desk's returns,
and what follows of those that changed), and the views (the rows and what they are worth, as a Snapshot).
The first is taken with each batch (``take``), the others once for all batches since the Snapshot before
(``snapshot``); ``apply`` is both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rotation.context.wants import MADE, Part, Want, complete, pairs_in, wants
from rotation.desk import Desk, pair_name
from rotation.fed.ageing import aged
from rotation.fed.ageing import offline as fed_offline
from rotation.fed.pairs import cut_settles, with_spread
from rotation.macro.assemble import aged as macro_aged
from rotation.macro.silent import offline as macro_offline
from rotation.market.assemble import Moment, leg
from rotation.market.beside.breadth import BreadthNow
from rotation.market.beside.clauses import Day, bank_leads, clauses, grown
from rotation.market.beside.graph import GraphNow
from rotation.market.beside.pairs import PairsNow, Shown
from rotation.market.derived import gap_limit_s, value_growth_with_status
from rotation.market.past.look_back import look_back
from rotation.market.rows import Rows
from rotation.market.session_filter import SessionFilter
from rotation.market.status import Provenance
from rotation.market.unadjusted import ScaleCheck
from rotation.quote import NS, Role
from rotation.sessions import close_ns, from_ns, hours, is_session, last_closed, phase_at, session_at
from rotation.snapshot import Health, Snapshot
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import date

    import polars as pl

    from rotation.breadth.members import Membership
    from rotation.context.wants import Wants
    from rotation.fed.comovement import CoMovement
    from rotation.fed.figures import Fed
    from rotation.history import History
    from rotation.macro.figures import Macro
    from rotation.market.past.look_back import Look, LookBack
    from rotation.quote import Nbbo, Quote, SymbolDay
    from rotation.snapshot import BankLead, Clause, Counts


SUSPECT_NS = 900 * NS
"""Between two times that history is asked for anew of a leg that looks split."""
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
        membership: tuple[Membership, ...] = (),
        look: Look | None = None,
    ) -> None:
        """Show the latest session that had closed at ``as_of_ns``.

        ``origin``: of every print, unless ``set_provenance`` says more of its symbol. ``look`` makes the pass
        over history, or knows what came of it; None: ``look_back``.
        ``members`` are symbols that may print beside the desk's legs and those in history, as those of
        ``membership`` may, on which breadth rests.
        """
        self.history = history
        self.desk = desk or Desk()
        self._origin = origin
        self._provenance: Mapping[str, Provenance] = {}
        self._members = tuple(members)
        self._membership = membership
        self._scale = ScaleCheck()
        self._suspected_ns: dict[str, int] = {}
        self._seq = 0
        self._fed: Fed | None = None
        self._macro: Macro | None = None
        self._is_reader_silent = False
        self._cut_settles: dict[date, float] = {}
        self._comovement: CoMovement | None = None
        self._look = look or (lambda *asked: look_back(*asked))  # noqa: PLW0108 - looked up when it is called
        self._ahead: LookBack | None = None
        self._made: LookBack | None = None
        self._filter: SessionFilter
        self._take_wants(MADE - wants(Part.PAIRS))
        self.restart(as_of_ns)

    def want(self, asked: Wants) -> bool:
        """Have these parts in each Snapshot from now on, and no others; until it is asked, all but PAIRS.

        Those on demand are not made here. False where the next Snapshot has nothing more than the last one.
        """
        before, shown = self._wants, self._pairs.shown
        self._take_wants(asked)
        pairs = self._pairs_wanted()
        if pairs != shown:
            self._rows.want(self._pairs.show(pairs))
        return not pairs <= shown or any(
            each not in before for each in self._wants if each.part is not Part.PAIRS
        )

    def _take_wants(self, asked: Wants) -> None:
        self._wants = complete(asked)
        missing = MADE - self._wants
        self._unasked = tuple(part for part in Part if Want(part) in missing and part is not Part.PAIRS)

    def _pairs_wanted(self) -> frozenset[str]:
        return pairs_in(self._wants, map(pair_name, self.desk.pairs))

    def _wanted(self, part: Part) -> bool:
        return Want(part) in self._wants

    def pass_for(
        self,
        desk: Desk,
        history: History | None = None,
        membership: tuple[Membership, ...] | None = None,
        look: Look | None = None,
    ) -> Callable[[], LookBack]:
        """The pass over history that ``take_desk`` needs, with the same arguments; it may run in a thread."""
        history, membership = history or self.history, self._membership if membership is None else membership
        last = history.last(last_closed(self._as_of_ns))
        session = max((day for day in (self._session_held(), last) if day), default=None)
        return partial(look or self._look, history, session, desk, membership)

    def _session_held(self) -> date | None:
        """The session shown; None where the calendar has it as a closure by now."""
        session = self._filter.session
        return session if session is not None and is_session(session) else None

    def take_desk(
        self,
        desk: Desk,
        made: LookBack | None = None,
        *,
        history: History | None = None,
        membership: tuple[Membership, ...] | None = None,
        look: Look | None = None,
    ) -> None:
        """Watch this desk from now on. Today's prints stay, but for those of symbols that are let in no more.

        ``made``: what ``pass_for`` gave; one that history or the session has outrun is made anew. None where
        only limits are other ones. ``history``, ``membership``, ``look``: None for those of now.
        """
        before, was_let_in = self.desk, self._known_in(self.history)
        self.desk = desk
        is_other = _passed(before) != _passed(desk)
        self._look = look or self._look
        if membership is not None:
            self._membership = membership
        if is_other or look is not None:
            self._made = self._ahead = None
        if made is not None:
            self.take_ahead(made)
        if self._session_held() != self._filter.session:
            self._filter = SessionFilter(desk.legs)
        self._filter.ask(desk.legs)
        self.history = history or self.history
        left = was_let_in - self._known_in(self.history)
        self._filter.forget(left)
        for symbol in left & self._bid_asks.keys():
            del self._bid_asks[symbol]
        self._expect()
        self._look_back()
        if is_other or history is not None:
            self._compare()

    def set_provenance(self, by_symbol: Mapping[str, Provenance]) -> None:
        """Say where each symbol's prices come from, and what is wrong with them; it replaces all before."""
        self._provenance = by_symbol

    def set_reader(self, *, is_silent: bool) -> None:
        """Say whether the process that asks the sources has fallen silent: Fed and macro are OFFLINE then."""
        self._is_reader_silent = is_silent

    def forget(self, symbols: Collection[str]) -> None:
        """Drop today's prints of these symbols: they were wrong, and right ones are about to come."""
        self._filter.forget(symbols)
        self._rows.forget(symbols)
        self._breadth.forget(symbols)
        if self._scale.on_prints(set(symbols), self._filter.seen):
            self._mark_unadjusted()

    def take_bid_asks(self, by_symbol: Mapping[str, Nbbo]) -> None:
        """Take newer bids and asks, shown while they are current. No figure rests on them."""
        for symbol, market in by_symbol.items():
            held = self._bid_asks.get(symbol)
            if held is None or market.ts_ns >= held.ts_ns:
                self._bid_asks[symbol] = market

    def take_previous_closes(self, session: date, by_symbol: Mapping[str, float]) -> frozenset[str]:
        """A vendor's closes of ``session``, on the scale of the next session's prints.

        Where history's are on another scale, the leg has no figures in that next session until history is
        restated. Returns the symbols of which that is newly known: their history is to be fetched again.
        """
        before = self._scale.mismatched(self.history)
        self._scale.take_previous_closes(session, by_symbol, self._as_of_ns)
        self._check_scale()
        return self._scale.mismatched(self.history) - before

    def take_confirmed(self, session: date, symbols: AbstractSet[str]) -> None:
        """History's source, asked after the opening bell of ``session``, has not restated these.

        It adjusts its closes for splits by itself: a leg that looks split and is listed nowhere has fallen.
        """
        self._scale.take_confirmed(session, symbols)
        self._mark_unadjusted()

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
        session = self._filter.session
        return frozenset(s for s, day in ex_dates.items() if session is None or day > session) | (
            self._rows.unadjusted & ex_dates.keys()
        )

    def _check_scale(self) -> None:
        """After history, the session, or what vendors say of closes and splits has changed."""
        self._scale.compare(self.history, self._filter.session, self.desk.legs)
        self._scale.on_prints(set(self.desk.legs), self._filter.seen)
        self._mark_unadjusted()

    def _mark_unadjusted(self) -> None:
        unadjusted = self._scale.unadjusted(self._price)
        self._rows.mark_unadjusted(unadjusted)
        self._breadth.mark_unadjusted(unadjusted)

    def _price(self, symbol: str) -> float | None:
        price = self._rows.price(symbol)
        return self._breadth.price(symbol) if price is None else price

    def take_suspects(self) -> frozenset[str]:
        """Legs that look split though nobody says so, each once every SUSPECT_NS: to be fetched again."""
        until_ns = self._as_of_ns - SUSPECT_NS
        due = {
            leg
            for leg in self._scale.suspects(self._price)
            if self._suspected_ns.get(leg, until_ns) <= until_ns
        }
        self._suspected_ns.update(dict.fromkeys(due, self._as_of_ns))
        return frozenset(due)

    def pass_for_members(self, membership: tuple[Membership, ...]) -> Callable[[], LookBack]:
        """The pass over history that ``take_members`` needs; it may run in a thread."""
        return partial(self._look, self.history, self._filter.session, self.desk, membership)

    def take_members(self, membership: tuple[Membership, ...], made: LookBack | None = None) -> None:
        """Take more or corrected membership files; today's prints stay. ``made``: as of ``take_desk``."""
        self._membership = membership
        if made is not None:
            self.take_ahead(made)
        self.update_history(self.history)

    def member_values(self) -> dict[str, float | None]:
        """What members cost in the session shown, by symbol, in the units of the returns asked for."""
        return self._breadth.values()

    @property
    def membership(self) -> tuple[Membership, ...]:
        """The holdings files on which breadth rests."""
        return self._membership

    def take_fed(self, fed: Fed | None) -> None:
        """What is newly known of the Fed; its co-movement with the pair is found here. None forgets it."""
        if fed is None:
            self._fed, self._cut_settles, self._comovement = None, {}, None
            return
        settles = cut_settles(fed.history)
        if settles != self._cut_settles:
            self._cut_settles = settles
            self._comovement = with_spread(settles, self.history, self.desk)
        self._fed = msgspec.structs.replace(fed, comovement=self._comovement)

    def take_macro(self, macro: Macro | None) -> None:
        """What is newly known of yields, prices and jobs. None forgets it."""
        self._macro = macro

    def _compare(self) -> None:
        """The co-movement anew, over a longer or corrected history."""
        if self._fed is not None and self._cut_settles:
            self._comovement = with_spread(self._cut_settles, self.history, self.desk)
            self._fed = msgspec.structs.replace(self._fed, comovement=self._comovement)

    def restart(self, as_of_ns: int) -> None:
        """Forget today and begin anew at this instant, as after a tape's rewind."""
        self._as_of_ns = as_of_ns
        self._bid_asks: dict[str, Nbbo] = {}
        self._filter = SessionFilter(self.desk.legs)
        self.update_history(self.history)

    def update_history(self, history: History) -> None:
        """Take a longer or corrected settled history; today's prints stay."""
        self.history = history
        self._expect()
        self._look_back()
        self._compare()

    def _known_in(self, history: History) -> set[str]:
        """Whose prints are let in."""
        known = {*self.desk.legs, *history.symbols, *self._members}
        known.update(*(each.symbols() for each in self._membership))
        return known

    def _expect(self) -> None:
        """Let in the prints that this desk, history and membership are about."""
        self._filter.expect(self._known_in(self.history), self.history.last(last_closed(self._as_of_ns)))
        if self._membership:
            self._filter.follow_last()

    def pass_ahead(
        self, quotes: Iterable[Quote] = (), history: History | None = None, *, newest_ns: int = 0
    ) -> Callable[[], LookBack] | None:
        """The pass over history that these quotes, or this newer history, will need; None if they need none.

        ``newest_ns``: of prints, in the place of quotes.

        It may run in a thread, and ``take_ahead`` is given what it returns. Without it the market makes the
        pass itself when it is due, which holds up its caller.
        """
        session = self._filter.session
        if history is not None:
            last = history.last(last_closed(self._as_of_ns))
            session = max((day for day in (session, last) if day), default=None)
        else:
            newest = max((quote.ts_ns for quote in quotes), default=newest_ns)
            if session is None or newest <= hours(session)[3]:
                return None
            session = session_at(newest)
            if session is None:
                return None
        wanted = history or self.history
        if any(made and self._fits(made, wanted, session) for made in (self._ahead, self._made)):
            return None
        return partial(self._look, wanted, session, self.desk, self._membership)

    def take_ahead(self, made: LookBack) -> None:
        """Keep a pass for when it is due; one that no longer fits the history and the session is not used."""
        self._ahead = made

    def _look_back(self) -> None:
        """Take the one pass over history: what lies before the session shown."""
        session = self._filter.session
        known = (made for made in (self._ahead, self._made) if made is not None)
        fitting = (made for made in known if self._fits(made, self.history, session))
        made = next(fitting, None) or self._look(self.history, session, self.desk, self._membership)
        self._made, self._ahead = made, None
        settled = made.settled
        self._rows = Rows(settled, (self.desk.base, self.desk.against))
        self._pairs = PairsNow(self.desk, made)
        self._rows.want(self._pairs.show(self._pairs_wanted()))
        self._charts = made.charts
        self._closed = session is None
        self._rows.reprice(self._filter.symbols, self._filter)
        self._graph = GraphNow(made.graph)
        self._breadth = BreadthNow(made.breadth)
        self._breadth.reprice(self._filter.symbols, self._filter)
        self._check_scale()

    def _fits(self, made: LookBack, history: History, session: date | None) -> bool:
        """Whether it is of these."""
        pairs = tuple((each.base, each.against) for each in made.pairs)
        if pairs != self.desk.pairs or made.returns != self.desk.returns:
            return False
        if made.settled and made.settled.windows != self.desk.windows:
            return False
        is_same = made.history is history or (history.identity and made.history.identity == history.identity)
        return bool(is_same) and (made.session, made.membership) == (session, self._membership)

    def _close(self) -> None:
        """The bell has rung: take the session's official closes, where history has them."""
        assert self._made is not None
        column = "adj_close" if self.desk.returns == "total" else "close"
        self._rows.close(self.history, column)
        self._breadth.close(self.history, column)
        self._charts = self._made.closed
        self._pairs.close()
        self._closed = True

    def apply(self, batch: Iterable[Quote], *, as_of_ns: int) -> Snapshot:
        """``take`` quotes and say what is known then."""
        self.take(batch, as_of_ns=as_of_ns)
        return self.snapshot()

    def take(self, batch: Iterable[Quote], *, as_of_ns: int) -> None:
        """Take quotes in order of arrival; ``snapshot`` says what is then known at ``as_of_ns``.

        Bad, unknown, late and repeated quotes are counted, never raised.
        """
        held = batch if isinstance(batch, Sequence) else tuple(batch)
        self._take(lambda: self._filter.admit_all(held, as_of_ns), as_of_ns)

    def apply_columns(self, frame: pl.DataFrame, *, as_of_ns: int) -> Snapshot:
        """As ``apply(to_quotes(frame))``."""
        self.take_columns(frame, as_of_ns=as_of_ns)
        return self.snapshot()

    def take_columns(self, frame: pl.DataFrame, *, as_of_ns: int) -> None:
        """As ``take(to_quotes(frame))``: prints as ``rotation.columns`` has them, in order of arrival."""
        self._take(lambda: self._filter.admit_columns(frame, as_of_ns), as_of_ns)

    def auctions(self, symbols: Iterable[str]) -> list[Quote]:
        """The closing auctions of the session among the last prices of these symbols."""
        held = (self._filter.prints(symbol, "REGULAR") for symbol in symbols)
        lasts = (prints.last for prints in held if prints is not None and prints.last is not None)
        return [last for last in lasts if last.role == Role.CLOSE]

    def days(self, symbols: Collection[str], *, all_minutes: bool = False) -> list[SymbolDay]:
        """The session of these symbols so far, for ``take_days`` of another market.

        ``all_minutes``: with every minute of the regular session, else with the newest.
        """
        self._filter.sum_up(symbols)
        made = (self._filter.day(symbol, all_minutes=all_minutes) for symbol in symbols)
        return [msgspec.structs.replace(day, bid_ask=self._bid_asks.get(day.symbol)) for day in made]

    def take_days(self, days: Collection[SymbolDay], *, as_of_ns: int, counts: Counts | None = None) -> None:
        """Take what another market has made of its prints, in the place of prints of our own.

        ``counts``: its counters. Days of symbols that are not let in here are without effect.
        """
        self.forget([day.symbol for day in days if self._filter.has_more(day)])
        for day in days:
            if day.bid_ask is not None:
                self._bid_asks[day.symbol] = day.bid_ask
            else:
                self._bid_asks.pop(day.symbol, None)

        def admit() -> set[str]:
            touched = self._filter.take_days(days)
            if counts is not None:
                self._filter.set_counts(counts)
            return touched

        self._take(admit, as_of_ns)

    def _take(self, admit: Callable[[], set[str]], as_of_ns: int) -> None:
        self._as_of_ns = as_of_ns
        before = self._filter.session
        touched = admit()
        session = self._filter.session
        if session != before:
            self._look_back()
        else:
            self._rows.reprice(touched, self._filter)
            self._breadth.reprice(touched, self._filter)
            has_changed = self._scale.on_prints(touched, self._filter.seen)
            if has_changed or self._scale.heeds_prices:
                self._mark_unadjusted()
        if session and not self._closed and as_of_ns >= close_ns(session):
            self._close()
        self._seq += 1

    def snapshot(self) -> Snapshot:
        """What is known at the ``as_of_ns`` of what was taken last.

        Its ``seq`` counts what has been taken until then, so it is the same whichever were made before.
        """
        as_of_ns = self._as_of_ns
        session, desk = self._filter.session, self.desk
        rows = self._rows.current()
        now = Moment(session, as_of_ns, self.history.source, desk.stale_s)
        legs = {
            symbol: leg(
                row,
                self._filter,
                now,
                self._provenance.get(symbol, self._origin),
                self._bid_asks.get(symbol),
            )
            for symbol, row in rows.items()
        }
        phase = phase_at(as_of_ns)
        limit_s = gap_limit_s(desk, phase)
        fed = self._fed and aged(self._fed, as_of_ns)
        fed = fed and fed_offline(fed) if self._is_reader_silent else fed
        first, more = self._pairs.snapshot(Shown(rows, self._rows.spreads, legs, self._filter, now, fed))
        breadth = self._breadth.snapshot(
            self._provenance,
            self._origin,
            as_of_ns,
            self.history.source,
            limit_s,
            asked=self._wants,
            stale_s=desk.stale_s,
        )
        macro = None
        if self._macro is not None and self._wanted(Part.MACRO):
            at = from_ns(as_of_ns)
            macro = macro_aged(self._macro, at)
            macro = macro_offline(macro, at) if self._is_reader_silent else macro
        days = {symbol: Day(leg.return_pct["1"], leg.session, leg.status) for symbol, leg in legs.items()}
        banks: dict[str, BankLead] = {}
        if self._wanted(Part.BANKS):
            banks = bank_leads(self._made.settled if self._made else None, days, desk.base, limit_s)
        rare: tuple[Clause, ...] = ()
        if self._wanted(Part.CLAUSES):
            rare = clauses(
                desk.base,
                days,
                banks,
                breadth=breadth,
                macro=macro,
                now=from_ns(as_of_ns),
                sentence=first.headline_status,
            )
        words = "; ".join((self.history.words, *self._breadth.notes))
        return Snapshot(
            seq=self._seq,
            as_of=from_ns(as_of_ns),
            session=session,
            phase=phase,
            mode=_mark(self._origin),
            legs=legs,
            spread=first.spread,
            ratio=first.ratio,
            value_growth=value_growth_with_status(
                self._charts.value_growth, self._origin, as_of_ns, self.history.source
            ),
            fed=fed,
            breadth=breadth,
            health=Health((), None, self._filter.counts, words),
            headline=grown(first.headline, rare),
            headline_status=first.headline_status,
            data_as_of=first.data_as_of,
            connection=first.connection,
            graph=self._graph.snapshot(rows, legs, limit_s) if self._wanted(Part.GRAPH) else None,
            pairs=more,
            lists=desk.lists,
            macro=macro,
            banks=banks,
            clauses=rare,
            unasked=self._unasked,
        )


def _passed(desk: Desk) -> tuple[object, ...]:
    """What of a desk the pass over history rests on, beside its more pairs and windows: see ``_fits``."""
    pairs = (desk.base, desk.against, desk.value, desk.growth)
    return pairs, desk.legs, desk.benchmark, desk.graphed, desk.returns


def _mark(origin: Provenance) -> str:
    """DEMO or REPLAY, which the whole screen is marked with; else empty."""
    return origin.mode.kind.value if origin.mode and origin.mode.kind in (Kind.DEMO, Kind.REPLAY) else ""
