"""A viewer's side of the hub without I/O: messages in, events for a supervisor out.

After a gap everything is GAPPED until the last values have been fetched again. A hub that is silent for
SILENT_S is OFFLINE, and so is one whose messages come later than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.events import Gap
from feeds.hub.hub_clock import SILENT_S
from feeds.hub.intake import GRACE_S, SYMBOLS_MAX, Intake
from feeds.hub.relayed import NAME, own_row, relayed_states, silence
from rotation.status import Kind

if TYPE_CHECKING:
    from feeds.clock import Moment
    from feeds.events import Event, RelayedStates
    from rotation.breadth.members import Membership

__all__ = ["NAME", "SILENT_S", "Receiver"]


class Receiver(Intake):
    """``take`` every message, say ``fetched`` after what the server keeps, and ask for ``events``."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        """``grace_s``: how much later than the next message one may come."""
        super().__init__(grace_s)
        self.problem = ""
        """Why there is no connection, in words; empty while there is one."""
        self.named: frozenset[str] = frozenset()
        """The symbols that the person has named, beside those that are usual."""
        self._relayed: RelayedStates | None = None

    # The connection -----------------------------------------------------------------------------------

    def reconnected(self, now: Moment) -> None:
        """A new connection: what was sent meanwhile was missed, the hub's clock being set back, too."""
        self._order.reconnected()
        self._clock.begin()
        self.gap(now)

    def restarted(self, now: Moment) -> None:
        """The feed begins, perhaps again: its supervisor has forgotten the states, and a fetch has ended."""
        self._relayed = None
        self._refill.restart()
        self.reconnected(now)

    @property
    def wants_fetch(self) -> bool:
        """Whether the last values are to be fetched: at first, and after a gap or a new connection."""
        return self._refill.is_wanted

    def fetching(self) -> None:
        """The last values are about to be taken; what is missed from now on takes another fetch."""
        self._refill.begin()

    def fetched(self, now: Moment) -> None:
        """All that the server keeps has been taken."""
        self._refill.end(now.s)

    def fetch_failed(self) -> None:
        """Try again; until then a gap stays a gap."""
        self._refill.fail()

    @property
    def symbols(self) -> list[str]:
        """Whose last values are to be fetched, as far as the hub has said."""
        state = self._newest.state
        return [] if state is None else state.symbols[:SYMBOLS_MAX]

    @property
    def lacking(self) -> tuple[str, ...]:
        """The symbols named that the hub does not bring; none while it is not known what it has."""
        state, has_history = self._newest.state, self._newest.history.symbols
        return () if state is None else tuple(sorted(self.named.difference(state.symbols, has_history)))

    @property
    def legs(self) -> list[str]:
        """Whose minutes are to be fetched."""
        state = self._newest.state
        return [] if state is None else state.legs[:SYMBOLS_MAX]

    @property
    def history_symbols(self) -> list[str]:
        """Whose settled closes are to be fetched."""
        return self._newest.history.wanted()

    @property
    def is_complete(self) -> bool:
        """Whether the whole market is known: last values fetched, states and history whole."""
        return self._refill.is_fetched and self._newest.state is not None and self._newest.history.is_whole

    def is_alive(self, now_s: float) -> bool:
        """Whether the hub was heard lately."""
        beat, silent_s = self._newest.beat, self._clock.silent_s(now_s)
        is_leaving = beat is not None and beat.is_leaving and beat.epoch == self._order.epoch
        return silent_s is not None and silent_s <= SILENT_S and not is_leaving

    def has_settled(self, now_s: float) -> bool:
        """Whether it is known that the hub lives, or that it is silent."""
        age_s = self._refill.age_s(now_s)
        return self.is_alive(now_s) or (age_s is not None and age_s > SILENT_S)

    def clock_ns(self, now: Moment) -> int:
        """The hub's clock now: ages are reckoned by it, whatever the clock of this machine says."""
        return self._clock.ns(now)

    # What a supervisor is given -----------------------------------------------------------------------

    def events(self, now: Moment) -> list[Event]:
        """What is new since this was last asked: each figure once, in its newest state."""
        self._look_for_gaps(now)
        as_of_ns = self.clock_ns(now)
        events = self._newest.events(as_of_ns)
        gap_since_ns = self._refill.close_gap()
        if gap_since_ns is not None:
            events.append(Gap(frozenset(self._newest.quotes), gap_since_ns, as_of_ns))
        relayed = self._states(now, as_of_ns)
        if relayed is not None:
            events.append(relayed)
        return events

    def new_members(self) -> tuple[Membership, ...] | None:
        """The holdings files, where they are newly known."""
        return self._newest.history.new_members()

    def _states(self, now: Moment, as_of_ns: int) -> RelayedStates | None:
        """The states now, where they differ from those before."""
        override = self._override(now.s)
        own = own_row(self.fault(now.s), override, self.counters, self.lacking)
        made = relayed_states(self._newest.state, self._newest.beat, own, override, as_of_ns)
        before = self._relayed
        if before is not None and msgspec.structs.replace(before, as_of_ns=as_of_ns) == made:
            return None
        self._relayed = made
        return made

    def _override(self, now_s: float) -> Kind | None:
        if not self.is_alive(now_s) or self.problem or self._is_starting:
            return Kind.OFFLINE
        return Kind.GAPPED if self._refill.is_gapped else None

    @property
    def _is_starting(self) -> bool:
        """Whether the states are those of an earlier hub: the new one beats, and has not connected yet."""
        state = self._newest.state
        return state is not None and state.epoch != self._order.epoch

    def fault(self, now_s: float) -> str:
        """Why nothing comes, in words; empty while the hub is heard."""
        return self.problem or self._silence(now_s)

    def _silence(self, now_s: float) -> str:
        if self.is_alive(now_s):
            return "the hub is starting" if self._is_starting else ""
        if self.version_error:
            return self.version_error
        return silence(self._clock, self._newest.beat, now_s)
