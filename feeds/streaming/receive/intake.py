"""What frames contain, on its way to the consumer: judged, counted, and put where it waits. Pure.

The same for single frames and for thousands of prints as columns. Whatever a frame says of the connection is
the session's matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.events import Correction
from feeds.streaming.vendor import FrameResult
from rotation.columns import PrintColumns, to_quotes
from rotation.quote import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feeds.clock import Moment
    from feeds.streaming.backfill import Backfill
    from feeds.streaming.buffer import Buffer
    from feeds.streaming.corrections import Corrections
    from feeds.streaming.filter import LiveFilter
    from feeds.streaming.many.admitted import Admitted
    from feeds.streaming.members.prints import MemberTap
    from feeds.streaming.receive.gathered import Gathered
    from feeds.streaming.requests import Requests
    from feeds.streaming.watch.halts import Halts
    from feeds.streaming.watch.watch import Watch
    from rotation.quote import Quote


class Intake:
    """Of one stream, over all its connections."""

    def __init__(
        self,
        *,
        symbols: frozenset[str],
        watch: Watch,
        filter_: LiveFilter,
        buffer: Buffer,
        backfill: Backfill,
        corrections: Corrections,
        halts: Halts,
        requests: Requests,
        members: MemberTap | None,
    ) -> None:
        """``symbols``: those followed. ``members``: None where the vendor brings none beside them."""
        self._symbols = symbols
        self._watch, self._filter, self._buffer = watch, filter_, buffer
        self._backfill, self._corrections, self._halts = backfill, corrections, halts
        self._requests, self._members = requests, members

    def take(self, result: FrameResult, now: Moment) -> bool:
        """Judge, count and hand on what a frame contains. True where a state may have changed."""
        for reason in result.rejected:
            self._filter.reject(reason)
        self._filter.rejects += result.left_out
        self._correct(result.corrections, now)
        since_ns = min(self._watch.data_ns or now.ns, now.ns)
        gaps = [self._backfill.note(hole, since_ns, now.ns) for hole in self._watch.holes(result.sequence)]
        if result.subscribed is not None:
            late, asked_ns = self._watch.late(result.subscribed & self._symbols, now)
            gaps += [self._backfill.note(late, asked_ns, now.ns)] if late else []
        self._buffer.add(*gaps)
        if self._members is not None:
            if result.member_channel is not None:
                self._members.on_channel(result.member_channel, now.s)
            self._members.put(result.members, result.passed_over, now.s)
        prints = (quote for quote in result.quotes if quote.symbol in self._symbols and not quote.bar_ns)
        self._watch.on_times([quote.ts_ns for quote in prints], now)
        self._filter.quotes.on_quotes(result.nbbo, result.bands, now.ns)
        self._halts.on_halts(result.halts)
        changed = bool(gaps or result.halts or result.corrections)
        changed |= self.admit(result.quotes, now)
        return changed or result.subscribed is not None or result.error is not None

    def take_gathered(self, held: Gathered, now: Moment) -> bool:
        """As ``take``, of frames that hold nothing but prints and markets, and what takes prints back."""
        others = FrameResult(
            corrections=held.corrections, members=tuple(held.members), passed_over=held.passed_over
        )
        changed = self.take(others, now)
        self._watch.on_times(held.prints.ts_ns, now)
        self._filter.quotes.on_quotes(held.nbbo, held.bands, now.ns)
        return self.admit(held.prints, now) or changed

    def admit(self, prints: Iterable[Quote] | PrintColumns, now: Moment) -> bool:
        """Let in what may be, of these and of those that waited. True where a state may have changed."""
        doubted, lag_ns = self._filter.doubted, self._watch.usual_lag_ns()
        changed = False
        if isinstance(prints, PrintColumns):
            judged = self._filter.admit_columns(prints, now.ns, lag_ns)
            changed, admitted = self._on_rows(judged, now), judged.quotes
        else:
            admitted = self._filter.admit_live(prints, now.ns, lag_ns)
        changed |= self.on_prints(admitted, now) | (self._filter.doubted != doubted)
        for quote in self._filter.take_taken_back():
            if self._buffer.remove(quote):
                continue
            self._correct((Correction(quote.symbol, quote.ts_ns, quote.seq or None),), now)
            changed = True
        self._requests.add(self._filter.next_request(now))
        return changed

    def _correct(self, corrections: Sequence[Correction], now: Moment) -> None:
        """Prints were taken back: say so, and leave them out."""
        if corrections:
            self._buffer.add_corrections(corrections)
            self._corrections.on_corrections(corrections, now)

    def on_prints(self, admitted: list[Quote], now: Moment) -> bool:
        """Count prints that were let in and hand them on. True where a state may have changed."""
        if not admitted:
            return False
        self._halts.on_prints(quote for quote in admitted if quote.sets_last)
        symbols, newest_ns = {quote.symbol for quote in admitted}, max(quote.ts_ns for quote in admitted)
        is_first = self._watch.on_prints(symbols, len(admitted), newest_ns, now)
        self._buffer.put(admitted)
        return self._backfill.on_prints({quote.symbol for quote in admitted if quote.sets_last}) or is_first

    def _on_rows(self, judged: Admitted, now: Moment) -> bool:
        """As ``on_prints``, of columns."""
        rows = judged.rows
        if rows is None:
            return False
        halted = sorted(self._halts.named & judged.priced)
        if halted:
            setting = rows.filter((rows["role"] != Role.SIZE.value) & rows["symbol"].is_in(halted))
            self._halts.on_prints(to_quotes(setting))
        is_first = self._watch.on_prints(judged.symbols, rows.height, judged.newest_ns, now)
        self._buffer.put_rows(rows)
        return self._backfill.on_prints(judged.priced) or is_first
