"""What the hub reports of its feeds and prices, as a viewer shows it: cleaned, and not better than it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.events import RelayedStates
from feeds.hub.wire.codec import Fault
from feeds.parsing.sanitize import clean
from rotation.market.status import Provenance
from rotation.snapshot import FeedHealth
from rotation.status import Kind, Mode
from rotation.text import counted, duration
from rotation.wording import state_word

if TYPE_CHECKING:
    from feeds.hub.hub_clock import HubClock
    from feeds.hub.wire.messages import BeatMessage, StateMessage

NAME = "hub"
"""The feed's name, and its row on the Health panel where there is something to report."""


class Counters(msgspec.Struct):
    """What has been counted since the viewer began."""

    messages: int = 0
    hostile: int = 0
    """Bytes that were no message; they changed nothing."""
    refused: dict[Fault, int] = {}
    """The same by what is wrong with them."""
    older: int = 0
    """Messages that came after a newer one of their subject, or from an earlier hub."""
    gaps: int = 0

    def refuse(self, fault: Fault) -> None:
        """Count what changes nothing."""
        self.hostile += 1
        self.refused[fault] = self.refused.get(fault, 0) + 1


def relayed_states(
    state: StateMessage | None,
    beat: BeatMessage | None,
    own: FeedHealth | None,
    override: Kind | None,
    as_of_ns: int,
) -> RelayedStates:
    """The states of the hub. ``own``: the row of its viewer.

    ``override``: what everything is worth instead where something lies between; None where nothing does.
    """
    by_symbol: dict[str, Provenance] = {}
    if state is not None:
        states = [_cleaned(each, override) for each in state.states]
        by_symbol = {symbol: states[place] for symbol, place in state.state_of.items()}
    rows = () if beat is None else tuple(_row(row, override) for row in beat.health)
    all_rows = rows if own is None else (own, *rows)
    return RelayedStates(by_symbol, all_rows, as_of_ns, override is Kind.OFFLINE)


def own_row(
    detail: str, override: Kind | None, counters: Counters, lacking: tuple[str, ...] = ()
) -> FeedHealth | None:
    """The viewer's own row; None while there is nothing to report.

    ``detail``: what is wrong. ``lacking``: the symbols that were named and that the hub does not bring.
    """
    if not detail and override is None and not counters.gaps and not counters.hostile and not lacking:
        return None
    notes = [detail] if detail else []
    if lacking:
        notes.append(f"does not bring {', '.join(lacking)}")
    if counters.gaps:
        notes.append(f"{counted(counters.gaps, 'gap')} refilled")
    if counters.hostile:
        reasons = ", ".join(f"{number:,} {fault.value}" for fault, number in counters.refused.items())
        notes.append(f"{counted(counters.hostile, 'message')} refused ({reasons})")
    kind = override or Kind.LIVE
    return FeedHealth(NAME, state_word(kind), "; ".join(notes), counters.messages, 0, kind=kind)


def silence(clock: HubClock, beat: BeatMessage | None, now_s: float) -> str:
    """Why a hub counts as silent. ``beat``: its newest."""
    late_s, silent_s = clock.late_s(now_s), clock.silent_s(now_s)
    if late_s is not None:
        return f"messages arrive {duration(late_s)} late"
    if silent_s is None:
        return "no hub is sending"
    if beat is not None and beat.is_leaving:
        return "the hub has ended"
    return f"the hub has been silent for {duration(silent_s)}"


def _cleaned(state: Provenance, override: Kind | None) -> Provenance:
    mode = state.mode and Mode(state.mode.kind, state.mode.delay_s, clean(state.mode.venue))
    return Provenance(
        mode,
        clean(state.source),
        state.override if override is None or state.override is Kind.OFFLINE else override,
        range_incomplete=state.range_incomplete,
        behind_s=state.behind_s,
    )


def _row(row: FeedHealth, override: Kind | None) -> FeedHealth:
    """A row of the hub; of one that is silent nothing is known any more."""
    kind = Kind.OFFLINE if override is Kind.OFFLINE else row.kind
    state = state_word(kind) if override is Kind.OFFLINE else clean(row.state)
    return msgspec.structs.replace(
        row, name=clean(row.name), state=state, detail=clean(row.detail), kind=kind
    )
