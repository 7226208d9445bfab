"""The Status of a stream and the SymbolStates of its symbols, from what its parts know. Pure.

The only file of ``feeds.streaming`` that makes either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.events import Status, SymbolStates
from feeds.streaming import wording
from feeds.streaming.reasons import CorrectionsWait, NoBars, Reason
from rotation.quote import FUTURE_NS, NS
from rotation.status import FeedState, Kind, Mode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet


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
        return SymbolStates(states | dict.fromkeys(facts.asked, Kind.OFFLINE), facts.incomplete)
    states |= _all(facts.gapped, Kind.GAPPED)
    states |= _all(facts.asked[len(facts.followed) :], Kind.OFFLINE)
    if facts.acknowledges:
        states |= _all(facts.followed - facts.acknowledged, Kind.OFFLINE)
    return SymbolStates(states | _all(facts.halted, Kind.HALTED), facts.incomplete)


def after_refusals(status: Status, refused: Sequence[tuple[str, Status]], why: str = "") -> Status:
    """The status of the vendor in charge, with the names and last statuses of those that refused before.

    ``why``: why they were asked in this order; empty where there was no choice.
    """
    before = (wording.of_failover(name, last.state, last.detail) for name, last in refused)
    return msgspec.structs.replace(status, detail=wording.joined((*before, status.detail, why)))


def _all(symbols: AbstractSet[str] | Iterable[str], kind: Kind) -> dict[str, Kind]:
    return dict.fromkeys(symbols, kind)
