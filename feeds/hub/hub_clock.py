"""Whether the hub lives and what time it is there, from when its messages come and the times in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.hub.lateness import Lateness
from feeds.hub.wire.messages import BeatMessage

if TYPE_CHECKING:
    from feeds.clock import Moment
    from feeds.hub.wire.messages import Message

SILENT_S = 2.5
"""Without any message for so long the hub is OFFLINE; it sends one a second."""


class HubClock:
    """``take`` every pushed message of the newest hub."""

    def __init__(self) -> None:
        self._lateness = Lateness()
        self._live_ns = 0
        """The hub's time in the newest message: it only falls where the hub's clock is set back."""
        self._late: tuple[float, float] | None = None
        """Monotonic seconds of the newest message that came too late to count, and by how much."""
        self._last_s: float | None = None
        """Of the newest message that came in time."""
        self._last_at: tuple[float, int] | None = None
        """Monotonic seconds of the newest message and the hub's time in it."""

    def begin(self) -> None:
        """Another hub, with a clock of its own; or another connection, and the clock may have been set."""
        self._live_ns = 0
        self._lateness.begin()

    def take(self, message: Message, now: Moment, *, is_newest: bool) -> None:
        """A message that was held up says nothing of now: neither that the hub lives nor what time it is."""
        if is_newest:
            if message.as_of_ns < self._live_ns:
                self._lateness.step(now.s, message.as_of_ns)
            self._live_ns = message.as_of_ns
        late_s = self._lateness.of(now.s, message.as_of_ns)
        if late_s > SILENT_S:
            self._late = now.s, late_s
            return
        self._late, self._last_s = None, now.s
        if self._last_at is None or message.as_of_ns >= self._last_at[1] or isinstance(message, BeatMessage):
            self._last_at = now.s, message.as_of_ns

    @property
    def newest_ns(self) -> int | None:
        """The hub's time in the newest message; None before the first."""
        return None if self._last_at is None else self._last_at[1]

    def ns(self, now: Moment) -> int:
        """The hub's clock now: ages are reckoned by it, whatever the clock of this machine says."""
        if self._last_at is None:
            return now.ns
        last_s, as_of_ns = self._last_at
        return as_of_ns + int((now.s - last_s) * 1e9)

    def silent_s(self, now_s: float) -> float | None:
        """Since the newest message that came in time; None before the first."""
        return None if self._last_s is None else now_s - self._last_s

    def late_s(self, now_s: float) -> float | None:
        """By how much messages come late that do not count; None where none came lately."""
        return self._late[1] if self._late is not None and now_s - self._late[0] <= SILENT_S else None
