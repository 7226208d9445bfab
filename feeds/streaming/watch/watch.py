"""What a stream is watched for: is it alive, what may be missing, do the clocks agree, how much has come.

Pure. It is given times and symbols, no prices.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from feeds.streaming.watch.gaps import Sequence as Numbers
from feeds.streaming.watch.lag import RECENT, Lag
from feeds.streaming.watch.liveness import Liveness
from rotation.quote import FUTURE_NS, NS
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from feeds.clock import Moment
    from feeds.streaming.watch.hours import Hours
    from rotation.status import Mode

RATE_TICKS = 10
SHUT_NS = 3600 * NS
"""An outage shorter than this that begins and ends while the market is shut has missed nothing."""
SET_NS = NS
"""Wall clock and monotonic clock apart by more than before: the wall clock was set."""
LATE_NS = 2 * NS
"""A symbol acknowledged later than this after it was asked for has missed something."""


class Watch:
    """One stream, over all its connections."""

    def __init__(
        self,
        symbols: AbstractSet[str],
        canaries: AbstractSet[str],
        hours: Hours,
        mode: Mode,
        *,
        heartbeats: bool,
    ) -> None:
        """``canaries``: symbols that always trade. ``heartbeats``: the vendor sends even at night."""
        self._hours = hours
        self._mode = mode
        self._sequence = Numbers(symbols)
        self._recent: deque[int] = deque([0] * (RATE_TICKS + 1), RATE_TICKS + 1)
        self._lost_ns: int | None = None
        self._offset_ns: int | None = None
        self._subscribed_ns = 0
        self._acknowledged: frozenset[str] = frozenset()
        self.liveness = Liveness(hours, canaries & symbols, heartbeats=heartbeats)
        self.lag = Lag(is_delayed=mode.kind is not Kind.LIVE)
        self.data_ns: int | None = None
        """When the last print came that was let in, over all connections; None: not yet."""
        self.count = 0
        """Prints let in."""

    def on_subscribed(self, now: Moment) -> bool:
        """A subscription has been sent. True if it is the stream's first."""
        self.liveness.subscribed(now.s)
        self._sequence.restart()
        is_first, self._subscribed_ns = not self._subscribed_ns, now.ns
        self._acknowledged = frozenset()
        return is_first

    def on_lost(self, now: Moment) -> None:
        """A subscribed connection has ended."""
        self._lost_ns = now.ns

    def on_tick(self) -> None:
        """A second has passed."""
        self._recent.append(self.count)

    def on_moment(self, now: Moment) -> None:
        """Time has passed by both clocks: where the wall clock has left the monotonic one, it was set."""
        offset_ns = now.ns - round(now.s * NS)
        set_by_ns = 0 if self._offset_ns is None else offset_ns - self._offset_ns
        self._offset_ns = offset_ns
        if abs(set_by_ns) > SET_NS:
            self.lag.on_clock_set(set_by_ns)

    def on_times(self, events_ns: Sequence[int], now: Moment) -> None:
        """Measure our clock by the times of all prints, those too that it makes look implausible."""
        if not events_ns or self._hours.canary_s(now.ns) is None:
            return
        self.lag.note(now.ns, events_ns[-RECENT:])
        behind_s = self.lag.behind_s
        if behind_s is not None and behind_s * NS > FUTURE_NS:
            self.liveness.refused(now.s)

    def on_prints(self, symbols: Collection[str], count: int, newest_ns: int, now: Moment) -> bool:
        """So many prints were let in, the latest of ``newest_ns`` (event). True if the connection's first."""
        if self._hours.canary_s(now.ns) is not None:  # at other hours a source repeats old prints
            self.lag.measure(now.s, now.ns, newest_ns)
        is_first = self.liveness.data_s is None
        self.liveness.printed(symbols, now.s)
        self.data_ns = now.ns
        self.count += count
        return is_first

    def holes(self, numbers: Iterable[tuple[str, int]]) -> list[frozenset[str]]:
        """The symbols that each hole in the vendor's numbers concerns."""
        return self._sequence.holes(numbers)

    def late(self, symbols: frozenset[str], now: Moment) -> tuple[frozenset[str], int]:
        """Symbols acknowledged so late that they have missed what printed since that instant."""
        is_late = now.ns - self._subscribed_ns > LATE_NS
        late = symbols - self._acknowledged if is_late else frozenset()
        self._acknowledged |= symbols
        return late, self._subscribed_ns

    def missed_ns(self, now: Moment) -> int | None:
        """Since when prints may be missing at a new subscription; None where nothing has traded meanwhile."""
        lost_ns = self._lost_ns
        if lost_ns is None:
            return self._hours.began_ns(now.ns)
        is_shut = self._hours.is_shut(lost_ns) and self._hours.is_shut(now.ns)
        if is_shut and now.ns - lost_ns < SHUT_NS:
            return None
        return min(self.data_ns or lost_ns, lost_ns)

    def usual_lag_ns(self) -> int:
        """How late the vendor's prints are as a rule, at most what it is late by contract."""
        return self.lag.usual_ns(int(self._mode.delay_s * NS))

    def compares(self, now: Moment) -> bool:
        """Whether a snapshot may show prints that do not reach us, of a vendor that does not number them."""
        is_watched = self._hours.quiet_s(now.ns) is not None
        return is_watched and not self._sequence.is_used and self._mode.kind is Kind.LIVE

    def age_s(self, now: Moment) -> float | None:
        """Seconds since a print was let in; None before the first."""
        return None if self.data_ns is None else max(now.ns - self.data_ns, 0) / NS

    @property
    def rate_per_s(self) -> float:
        """Prints let in a second, over the last RATE_TICKS."""
        return (self._recent[-1] - self._recent[0]) / RATE_TICKS
