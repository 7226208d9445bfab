"""The Status of a stream and the SymbolStates of its symbols, from what its parts know. Pure.

The only file of ``feeds.streaming`` that makes either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.events import Status, SymbolStates
from feeds.streaming import wording
from feeds.streaming.reasons import CorrectionsWait, NoBars, Reason
from rotation.feed_stats import FeedStats
from rotation.quote import FUTURE_NS, NS
from rotation.status import FeedState, Kind, Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from feeds.clock import Moment
    from feeds.streaming.backfill import Backfill
    from feeds.streaming.buffer import Buffer
    from feeds.streaming.corrections import Corrections
    from feeds.streaming.filter import LiveFilter
    from feeds.streaming.session import Session
    from feeds.streaming.vendor import Vendor
    from feeds.streaming.watch.halts import Halts
    from feeds.streaming.watch.hours import Hours
    from feeds.streaming.watch.watch import Watch


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream's parts know at one instant."""

    vendor: str
    mode: Mode
    acknowledges: bool
    reason: Reason
    retry_s: float | None
    refusal: FeedState | None
    is_subscribed: bool
    is_limited: bool
    is_shut: bool
    """Nothing trades now."""
    is_expected: bool
    """Prints must come at this hour."""
    has_data: bool
    """This connection has brought a print."""
    clocks_apart_s: float | None
    """Seconds from event to receipt, negative where our clock is behind; None where the clocks agree."""
    asked: tuple[str, ...]
    """Symbols in order of importance."""
    followed: frozenset[str]
    """Of these, the symbols that the vendor's limit leaves."""
    subscribed: frozenset[str]
    acknowledged: frozenset[str]
    gapped: frozenset[str]
    """Symbols whose price is in doubt after a gap."""
    incomplete: frozenset[str]
    """Symbols whose high, low and volume of today lack prints; ``gapped`` is part of it."""
    unfilled: frozenset[str]
    """Of these, the symbols of which the source has no bars."""
    gap_error: str
    halted: frozenset[str]
    suspect: frozenset[str]
    """Symbols of which a print was taken back, or whose jump waits for a second source."""
    behind_s: float
    """Whole seconds by which our clock is behind; 0 where it is not."""
    corrections: CorrectionsWait | NoBars | None


def status_of(facts: Facts) -> Status:
    """The stream as a whole."""
    state, details = _state(facts)
    detail = wording.joined(
        (
            *details,
            wording.of_range(len(facts.incomplete), len(facts.unfilled), facts.gap_error)
            if state is facts.mode.kind
            else "",
            wording.of_corrections(facts.corrections, facts.vendor),
        )
    )
    return Status(state, detail, delay_s=facts.mode.delay_s if state is Kind.DELAYED else 0.0)


def _state(facts: Facts) -> tuple[FeedState, Iterable[str]]:
    if not facts.is_subscribed:
        if facts.refusal is not None:
            return facts.refusal, (wording.of_refusal(facts.reason),)
        return Kind.OFFLINE, (wording.of_retry(facts.reason, facts.retry_s),)
    return _subscribed(facts)


def _subscribed(facts: Facts) -> tuple[Kind, Iterable[str]]:
    detail = wording.of_subscription(
        len(facts.subscribed),
        len(facts.asked),
        is_limited=facts.is_limited or len(facts.followed) < len(facts.asked),
        clocks_apart_s=facts.clocks_apart_s,
    )
    if facts.acknowledges and not facts.subscribed:
        return Kind.OFFLINE, (f"{detail}, not acknowledged yet",)
    if not facts.has_data and facts.clocks_apart_s is not None and facts.clocks_apart_s * NS < -FUTURE_NS:
        return Kind.OFFLINE, (f"{detail}: every print is rejected as too far ahead of it",)
    # A symbol that the vendor does not give is OFFLINE by itself; the others are as good as ever.
    gapped = len(facts.gapped & facts.subscribed if facts.acknowledges else facts.gapped)
    if gapped:
        why = f": {facts.gap_error}" if facts.gap_error else ""
        return Kind.GAPPED, (f"{detail}, {gapped} gapped{why}",)
    if facts.is_shut:
        return Kind.CLOSED, (detail,)
    if not facts.has_data:
        # Before the bell silence is no sign of anything.
        return Kind.OFFLINE if facts.is_expected else facts.mode.kind, (f"{detail}, nothing received yet",)
    return facts.mode.kind, (detail,)


def symbol_states_of(facts: Facts) -> SymbolStates:
    """Every symbol whose prices are not worth the stream's mode."""
    states = dict.fromkeys(facts.suspect, Kind.GAPPED)
    if not facts.is_subscribed:
        states |= dict.fromkeys(facts.asked, Kind.OFFLINE)
        return SymbolStates(states, facts.incomplete, facts.behind_s)
    states |= _all(facts.gapped, Kind.GAPPED)
    states |= _all(facts.asked[len(facts.followed) :], Kind.OFFLINE)
    if facts.acknowledges:
        states |= _all(facts.followed - facts.acknowledged, Kind.OFFLINE)
    return SymbolStates(states | _all(facts.halted, Kind.HALTED), facts.incomplete, facts.behind_s)


class Report:
    """What one stream reports of its parts: its states where they have changed, and its statistics."""

    def __init__(
        self,
        *,
        vendor: Vendor,
        asked: tuple[str, ...],
        followed: frozenset[str],
        hours: Hours,
        session: Session,
        watch: Watch,
        filter_: LiveFilter,
        buffer: Buffer,
        backfill: Backfill,
        corrections: Corrections,
        halts: Halts,
    ) -> None:
        """``asked`` in order of importance; ``followed`` are those of them that the vendor's limit leaves."""
        self._vendor, self._asked, self._followed = vendor, asked, followed
        self._hours, self._session, self._watch, self._halts = hours, session, watch, halts
        self._filter, self._buffer = filter_, buffer
        self._backfill, self._corrections = backfill, corrections
        self._status: Status | None = None
        self._symbol_states: SymbolStates | None = None
        self._acknowledged: frozenset[str] | None = None
        self._both: frozenset[str] = frozenset()
        """Of the symbols acknowledged last, those that are followed."""

    def changes(self, now: Moment) -> list[Status | SymbolStates]:
        """The states that differ from those of the last call; the first time both."""
        facts = self._facts(now)
        reported = ((status_of(facts), self._status), (symbol_states_of(facts), self._symbol_states))
        (self._status, _), (self._symbol_states, _) = reported
        return [state for state, before in reported if state != before]

    def stats(self, now: Moment) -> FeedStats:
        """What has been counted until now."""
        gapped, incomplete = self._backfill.counts
        connections, is_subscribed = self._session.connections, self._session.is_subscribed
        return FeedStats(
            symbols=len(self._asked),
            subscribed=len(self._subscribed()) if is_subscribed else 0,
            quotes=self._watch.count,
            rate_per_s=self._watch.rate_per_s if is_subscribed else None,
            age_s=self._watch.age_s(now),
            lag_s=self._watch.lag.least_s,
            connections=connections,
            reconnects=max(connections - 1, 0),
            gaps=self._backfill.count,
            gapped=gapped,
            incomplete=incomplete,
            conflated=self._buffer.conflated,
            unreported=self._buffer.unreported,
            duplicates=self._filter.duplicates,
            rejects=self._filter.rejects,
            last_reject=self._filter.last_reject,
        )

    def _subscribed(self) -> frozenset[str]:
        acknowledged = self._session.acknowledged
        if acknowledged is not None:
            if acknowledged is not self._acknowledged:
                self._acknowledged, self._both = acknowledged, acknowledged & self._followed
            return self._both
        return frozenset() if self._vendor.acknowledges else frozenset(self._backfill.printed)

    def _facts(self, now: Moment) -> Facts:
        session = self._session
        return Facts(
            vendor=self._vendor.name,
            mode=self._vendor.mode,
            acknowledges=self._vendor.acknowledges,
            reason=session.reason,
            retry_s=session.retry_s,
            refusal=session.refusal.refusal if session.refusal else None,
            is_subscribed=session.is_subscribed,
            is_limited=session.is_limited,
            is_shut=self._hours.is_shut(now.ns),
            is_expected=self._hours.quiet_s(now.ns) is not None,
            has_data=self._watch.liveness.data_s is not None,
            clocks_apart_s=self._watch.lag.apart_s,
            asked=self._asked,
            followed=self._followed,
            subscribed=self._subscribed(),
            acknowledged=session.acknowledged or frozenset(),
            gapped=self._backfill.unpriced,
            incomplete=self._backfill.symbols,
            unfilled=self._backfill.unfilled,
            gap_error=self._backfill.error,
            halted=self._halts.symbols,
            suspect=frozenset(self._corrections.suspect) | self._filter.doubted,
            behind_s=float(round(self._watch.lag.behind_ns / NS)),
            corrections=self._corrections.note,
        )


def after_refusals(status: Status, refused: Sequence[tuple[str, Status]], why: str = "") -> Status:
    """The status of the vendor in charge, with the names and last statuses of those that refused before.

    ``why``: why they were asked in this order; empty where there was no choice.
    """
    before = (wording.of_failover(name, last.state, last.detail) for name, last in refused)
    return msgspec.structs.replace(status, detail=wording.joined((*before, status.detail, why)))


def _all(symbols: AbstractSet[str] | Iterable[str], kind: Kind) -> dict[str, Kind]:
    return dict.fromkeys(symbols, kind)
