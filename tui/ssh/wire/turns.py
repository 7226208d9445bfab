"""Lets so many key exchanges of strangers begin each second, whoever asks; the others wait in a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Turns:
    """A queue that calls at most ``per_s`` of those in it each second, first come, first served."""

    def __init__(
        self,
        per_s: float,
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        """``clock`` gives seconds on a steady clock; ``later`` calls a function after so many seconds."""
        self._gap = 1 / per_s
        self._clock = clock
        self._later = later
        self._waiting: dict[Callable[[], None], None] = {}
        self._next = float("-inf")
        self._timer: object | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, go: Callable[[], None]) -> None:
        """Call ``go`` once: immediately if no one is waiting and the last turn is long enough ago."""
        self._waiting[go] = None
        if self._timer is None:
            self._give()

    def leave(self, go: Callable[[], None]) -> None:
        """Forget ``go``: its place goes to whoever comes next."""
        self._waiting.pop(go, None)

    def _give(self) -> None:
        self._timer = None
        now = self._clock()
        if self._waiting and now >= self._next:
            go = next(iter(self._waiting))
            del self._waiting[go]
            # A late timer makes the next turn late too: a busy loop gets fewer of them.
            self._next = now + self._gap
            self._timer = self._later(self._gap, self._give)
            go()
        elif self._waiting:
            self._timer = self._later(self._next - now, self._give)
