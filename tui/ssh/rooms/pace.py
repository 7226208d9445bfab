"""How often to paint: the frame rate drops before anyone is refused. Pure; the caller measures the lag."""

from __future__ import annotations

from typing import Literal

FRAME_S = 0.2
"""Seconds between two frames at full pace."""
LATE_S = 0.150
"""Lag above this twice in a row is overload; once is a login or a garbage collection."""
CALM_S = 0.050
"""Lag below this is normal."""
AGAIN_S = 3.0
"""Seconds after which lag at half pace means that half pace is not enough."""
CALM_FOR_S = 10.0
"""Seconds of normal lag before the pace goes one step up."""

Level = Literal["full", "half", "closed"]


class Pace:
    """Full frame rate; half of it while the loop lags; half of it and no new connections if it still lags."""

    def __init__(self, now: float) -> None:
        """``now`` is seconds on any steady clock."""
        self.level: Level = "full"
        self._since = now
        self._calm_since = now
        self._was_late = False

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next at this pace."""
        return FRAME_S if self.level == "full" else 2 * FRAME_S

    def observe(self, lag_s: float, now: float) -> None:
        """Take one measurement of the loop's lag and adjust the level."""
        if lag_s > CALM_S:
            self._calm_since = now
        was_late_before, self._was_late = self._was_late, lag_s > LATE_S
        if self._was_late:
            if not was_late_before:
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
