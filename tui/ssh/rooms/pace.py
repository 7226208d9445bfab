"""How often to paint: slower before anyone is turned away. Pure; the caller measures the lag."""

from __future__ import annotations

from typing import Literal

FRAME_S = 0.2
"""At most five frames a second."""
LATE_S = 0.150
"""A loop later than this, twice in a row, is overloaded; once is a session's turn or a collection."""
CALM_S = 0.050
AGAIN_S = 3.0
"""Lag this long after slowing down: slowing down was not enough."""
CALM_FOR_S = 10.0
"""Calm for so long: one step back."""

Level = Literal["full", "half", "closed"]


class Pace:
    """Full rate; half of it while the loop lags; half of it and no newcomers if it still does."""

    def __init__(self, now: float) -> None:
        """``now``: seconds on any steady clock."""
        self.level: Level = "full"
        self._since = now
        self._calm_since = now
        self._was_late = False

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next."""
        return FRAME_S if self.level == "full" else 2 * FRAME_S

    def observe(self, lag_s: float, now: float) -> None:
        """Take one measurement of how late the loop was."""
        if lag_s > CALM_S:
            self._calm_since = now
        again, self._was_late = self._was_late, lag_s > LATE_S
        if self._was_late:
            if not again:
                return
            if self.level == "full":
                self._to("half", now)
            elif self.level == "half" and now - self._since >= AGAIN_S:
                self._to("closed", now)
        elif self.level != "full" and now - max(self._calm_since, self._since) >= CALM_FOR_S:
            self._to("half" if self.level == "closed" else "full", now)

    def _to(self, level: Level, now: float) -> None:
        self.level = level
        self._since = now
