"""Market: quotes in, Snapshot out. ``apply(batch)`` costs the same however long history is.

Three steps: the session filter (which prints count), the rows (one Polars expression for the desk's returns,
and what follows of those that changed), and the views (the rows and what they are worth, as a Snapshot).
The first is taken with each batch (``take``), the others once for all batches since the Snapshot before
(``snapshot``); ``apply`` is both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from rotation.context.wants import MADE, Part, Want, complete, pairs_in, wants
from rotation.desk import Desk, pair_name
from rotation.market.assemble import Moment
from rotation.market.now.news import News
from rotation.market.now.session import Given, SessionNow
from rotation.market.past.passes import Inputs, Passes
from rotation.market.session_filter import SessionFilter
from rotation.market.status import Provenance
from rotation.market.unadjusted import ScaleCheck
from rotation.quote import Role
from rotation.sessions import close_ns, hours, is_session, last_closed, session_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import date

    import polars as pl

    from rotation.breadth.members import Membership
    from rotation.context.wants import Wants
    from rotation.fed.figures import Fed
    from rotation.history import History
    from rotation.macro.figures import Macro
    from rotation.market.past.look_back import Look, LookBack
    from rotation.quote import Nbbo, Quote, SymbolDay
    from rotation.snapshot import Counts, Snapshot


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
        self._news = News()
        self._scale = ScaleCheck()
        self._passes = Passes(look)
        self._seq = 0
        self._filter: SessionFilter
        self._now: SessionNow
        self._take_wants(MADE - wants(Part.PAIRS))
        self.restart(as_of_ns)

    # From prints to a Snapshot

    def apply(self, batch: Iterable[Quote], *, as_of_ns: int) -> Snapshot:
        """``take`` quotes and say what is known then."""
        self.take(batch, as_of_ns=as_of_ns)
        return self.snapshot()

    def apply_columns(self, frame: pl.DataFrame, *, as_of_ns: int) -> Snapshot:
        """As ``apply(to_quotes(frame))``."""
        self.take_columns(frame, as_of_ns=as_of_ns)
        return self.snapshot()

    def take(self, batch: Iterable[Quote], *, as_of_ns: int) -> None:
        """Take quotes in order of arrival; ``snapshot`` says what is then known at ``as_of_ns``.

        Bad, unknown, late and repeated quotes are counted, never raised.
        """
        held = batch if isinstance(batch, Sequence) else tuple(batch)
        self._take(lambda: self._filter.admit_all(held, as_of_ns), as_of_ns)

    def take_columns(self, frame: pl.DataFrame, *, as_of_ns: int) -> None:
        """As ``take(to_quotes(frame))``: prints as ``rotation.columns`` has them, in order of arrival."""
        self._take(lambda: self._filter.admit_columns(frame, as_of_ns), as_of_ns)

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
            self._now.reprice(touched)
            has_changed = self._scale.on_prints(touched, self._filter.seen)
            if has_changed or self._scale.heeds_prices:
                self._mark_unadjusted()
        if session and not self._now.is_closed and as_of_ns >= close_ns(session):
            self._now.close(self.history)
        self._seq += 1

    def snapshot(self) -> Snapshot:
        """What is known at the ``as_of_ns`` of what was taken last.

        Its ``seq`` counts what has been taken until then, so it is the same whichever were made before.
        """
        as_of_ns = self._as_of_ns
        return self._now.snapshot(
            Given(
                seq=self._seq,
                now=Moment(self._filter.session, as_of_ns, self.history.source, self.desk.stale_s),
                provenance=self._provenance,
                origin=self._origin,
                bid_asks=self._bid_asks,
                fed=self._news.fed(as_of_ns),
                macro=self._news.macro(as_of_ns) if Want(Part.MACRO) in self._wants else None,
                wants=self._wants,
                unasked=self._unasked,
                history_words=self.history.words,
            )
        )

    # What else a Snapshot has

    def want(self, asked: Wants) -> bool:
        """Have these parts in each Snapshot from now on, and no others; until it is asked, all but PAIRS.

        Those on demand are not made here. False where the next Snapshot has nothing more than the last one.
        """
        before, shown = self._wants, self._now.pairs_shown
        self._take_wants(asked)
        pairs = self._pairs_wanted()
        if pairs != shown:
            self._now.show_pairs(pairs)
        return not pairs <= shown or any(
            each not in before for each in self._wants if each.part is not Part.PAIRS
        )

    def _take_wants(self, asked: Wants) -> None:
        self._wants = complete(asked)
        missing = MADE - self._wants
        self._unasked = tuple(part for part in Part if Want(part) in missing and part is not Part.PAIRS)

    def _pairs_wanted(self) -> frozenset[str]:
        return pairs_in(self._wants, map(pair_name, self.desk.pairs))

    def set_provenance(self, by_symbol: Mapping[str, Provenance]) -> None:
        """Say where each symbol's prices come from, and what is wrong with them; it replaces all before."""
        self._provenance = by_symbol

    def set_reader(self, *, is_silent: bool) -> None:
        """Say whether the process that asks the sources has fallen silent: Fed and macro are OFFLINE then."""
        self._news.is_reader_silent = is_silent

    def take_bid_asks(self, by_symbol: Mapping[str, Nbbo]) -> None:
        """Take newer bids and asks, shown while they are current. No figure rests on them."""
        for symbol, market in by_symbol.items():
            held = self._bid_asks.get(symbol)
            if held is None or market.ts_ns >= held.ts_ns:
                self._bid_asks[symbol] = market

    def take_fed(self, fed: Fed | None) -> None:
        """What is newly known of the Fed; its co-movement with the pair is found here. None forgets it."""
        self._news.take_fed(fed, self.history, self.desk)

    def take_macro(self, macro: Macro | None) -> None:
        """What is newly known of yields, prices and jobs. None forgets it."""
        self._news.take_macro(macro)

    # What today's prints say

    def days(self, symbols: Collection[str], *, all_minutes: bool = False) -> list[SymbolDay]:
        """The session of these symbols so far, for ``take_days`` of another market.

        ``all_minutes``: with every minute of the regular session, else with the newest.
        """
        self._filter.sum_up(symbols)
        made = (self._filter.day(symbol, all_minutes=all_minutes) for symbol in symbols)
        return [msgspec.structs.replace(day, bid_ask=self._bid_asks.get(day.symbol)) for day in made]

    def auctions(self, symbols: Iterable[str]) -> list[Quote]:
        """The closing auctions of the session among the last prices of these symbols."""
        held = (self._filter.prints(symbol, "REGULAR") for symbol in symbols)
        lasts = (prints.last for prints in held if prints is not None and prints.last is not None)
        return [last for last in lasts if last.role == Role.CLOSE]

    def member_values(self) -> dict[str, float | None]:
        """What members cost in the session shown, by symbol, in the units of the returns asked for."""
        return self._now.member_values()

    def forget(self, symbols: Collection[str]) -> None:
        """Drop today's prints of these symbols: they were wrong, and right ones are about to come."""
        self._filter.forget(symbols)
        self._now.forget(symbols)
        if self._scale.on_prints(set(symbols), self._filter.seen):
            self._mark_unadjusted()

    # The pass over history

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
        self._news.compare(self.history, self.desk)

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

    def _look_back(self) -> None:
        """Take the one pass over history: what lies before the session shown."""
        made = self._passes.due(self._inputs())
        self._now = SessionNow(made, self.desk, self._filter, self._pairs_wanted())
        self._check_scale()

    def _inputs(self) -> Inputs:
        """What the pass over history is made from."""
        return Inputs(self.history, self._filter.session, self.desk, self._membership)

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
        inputs = Inputs(history or self.history, session, self.desk, self._membership)
        return None if self._passes.has(inputs) else self._passes.work(inputs)

    def take_ahead(self, made: LookBack) -> None:
        """Keep a pass for when it is due; one that no longer fits the history and the session is not used."""
        self._passes.take_ahead(made)

    # Another desk, other members

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
        return self._passes.work(Inputs(history, session, desk, membership), look)

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
        if look is not None:
            self._passes.replace(look)
        if membership is not None:
            self._membership = membership
        if is_other or look is not None:
            self._passes.forget()
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
            self._news.compare(self.history, self.desk)

    @property
    def membership(self) -> tuple[Membership, ...]:
        """The holdings files on which breadth rests."""
        return self._membership

    def pass_for_members(self, membership: tuple[Membership, ...]) -> Callable[[], LookBack]:
        """The pass over history that ``take_members`` needs; it may run in a thread."""
        return self._passes.work(self._inputs()._replace(membership=membership))

    def take_members(self, membership: tuple[Membership, ...], made: LookBack | None = None) -> None:
        """Take more or corrected membership files; today's prints stay. ``made``: as of ``take_desk``."""
        self._membership = membership
        if made is not None:
            self.take_ahead(made)
        self.update_history(self.history)

    # Splits that history does not know yet

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
            self._now.unadjusted & ex_dates.keys()
        )

    def take_suspects(self) -> frozenset[str]:
        """Legs that look split though nobody says so, each once in a while: to be fetched again."""
        return self._scale.take_suspects(self._now.price, self._as_of_ns)

    def _check_scale(self) -> None:
        """After history, the session, or what vendors say of closes and splits has changed."""
        self._scale.compare(self.history, self._filter.session, self.desk.legs)
        self._scale.on_prints(set(self.desk.legs), self._filter.seen)
        self._mark_unadjusted()

    def _mark_unadjusted(self) -> None:
        self._now.mark_unadjusted(self._scale.unadjusted(self._now.price))


def _passed(desk: Desk) -> tuple[object, ...]:
    """What of a desk a pass over history rests on beside what ``Inputs.fits`` compares."""
    pairs = (desk.base, desk.against, desk.value, desk.growth)
    return pairs, desk.legs, desk.benchmark, desk.graphed, desk.returns
