"""How far apart receipt and event are at best: our clock, theirs, and the way between."""

from __future__ import annotations

import logging
import math
from collections import deque
from statistics import median
from typing import TYPE_CHECKING

from rotation.quote import NS

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)

WINDOW_S = 60.0
LEAST = 3
"""Prints from which a clock is judged."""
RECENT = 64
WIDE_S = 2.0
"""The best of a minute or two beyond this: a clock is wrong, or the vendor is late."""


class Lag:
    """The least lag of this minute and the one before."""

    def __init__(self, *, is_delayed: bool = False) -> None:
        """``is_delayed``: late by contract, so only a clock behind the vendor's is reported."""
        self._most_s = math.inf if is_delayed else WIDE_S
        self._began_s: float | None = None
        self._now_ns: int | None = None
        self._before_ns: int | None = None
        self._recent: deque[int] = deque(maxlen=RECENT)
        self._moved_ns = 0
        """By so much our clock has been set while too few prints had come to measure it by."""
        self._middle_ns: float | None = None
        """The median of these; None where it has to be found."""
        self.is_wide = False
        """Judged by whole minutes: the first print of a connection may be an old one."""

    def _median_ns(self) -> float:
        """Median lag of at least LEAST recent prints: looked up several times for every frame."""
        if self._middle_ns is None:
            self._middle_ns = median(self._recent)
        return self._middle_ns

    @property
    def least_s(self) -> float | None:
        """Seconds; negative where our clock is behind. None before the first print."""
        known = [lag for lag in (self._now_ns, self._before_ns) if lag is not None]
        return min(known) / NS if known else None

    @property
    def behind_s(self) -> float | None:
        """Seconds by which our clock is behind: how far the median print is ahead; None where it is not.

        A print ahead of the others (a vendor's mistake) or late ones do not move the median.
        """
        if len(self._recent) < LEAST:
            return None
        behind_s = -self._median_ns() / NS
        return behind_s if behind_s > WIDE_S else None

    def usual_ns(self, most_ns: int) -> int:
        """How late prints are as a rule, at most ``most_ns``; negative where our clock is behind.

        While too few prints have come to say, by how much our clock was set since the start.
        """
        usual_ns = int(self._median_ns()) if len(self._recent) >= LEAST else self._moved_ns
        return min(usual_ns, most_ns)

    @property
    def behind_ns(self) -> int:
        """How far our clock is behind, measured by prints and by its own jumps; 0 where it is not."""
        behind_ns = -self.usual_ns(0)
        return behind_ns if behind_ns > WIDE_S * NS else 0

    def on_clock_set(self, by_ns: int) -> None:
        """Our clock was set by so much, negative where back: prints now come so much later, or earlier."""
        self._moved_ns += by_ns
        self._recent = deque((lag_ns + by_ns for lag_ns in self._recent), maxlen=RECENT)
        self._middle_ns = None
        self._now_ns = None if self._now_ns is None else self._now_ns + by_ns
        self._before_ns = None if self._before_ns is None else self._before_ns + by_ns

    @property
    def apart_s(self) -> float | None:
        """Seconds from event to receipt where they are too many, negative where our clock is behind."""
        behind_s = self.behind_s
        if behind_s is not None:
            return -behind_s
        return self.least_s if self.is_wide else None

    def note(self, received_ns: int, events_ns: Iterable[int]) -> None:
        """Take in prints, whether or not they are let in: receipt and events in UTC nanoseconds."""
        self._recent.extend(received_ns - event_ns for event_ns in events_ns)
        self._middle_ns = None

    def measure(self, now_s: float, received_ns: int, event_ns: int) -> None:
        """Take in one print: monotonic seconds, then receipt and event in UTC nanoseconds."""
        if self._began_s is None or now_s - self._began_s > WINDOW_S:
            self._turn(now_s)
        lag_ns = received_ns - event_ns
        self._now_ns = lag_ns if self._now_ns is None else min(self._now_ns, lag_ns)

    def _turn(self, now_s: float) -> None:
        least_s = 0.0 if self._now_ns is None else self._now_ns / NS
        was_wide, self.is_wide = self.is_wide, not -WIDE_S <= least_s <= self._most_s
        if self.is_wide and not was_wide:
            log.warning("receipt and event are %.1f s apart at best: check the clock", least_s)
        self._before_ns, self._now_ns, self._began_s = self._now_ns, None, now_s
