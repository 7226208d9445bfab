"""Wall clock, liveness, sleep and pace in one place, so that a test can hold them still.

No other module reads the machine's wall clock. ROTATION_TUI_NOW sets it for a whole process: an RFC 3339
instant at which the clock starts, then running at normal speed. ``INSTANT@REAL`` ties it to the machine
(it is INSTANT when its clock reads REAL), so that several processes agree.

Pace says when a source may be asked again: jittered back-off with the source's own Retry-After as floor.
"""

from __future__ import annotations

import asyncio
import os
import random as _random
import time
from collections import OrderedDict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from feeds.errors import InputError
from rotation.instants import parse
from rotation.sessions import from_ns, to_ns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

NOW_VARIABLE = "ROTATION_TUI_NOW"
LATEST_NS = to_ns(datetime(2100, 1, 1, tzinfo=UTC))
"""Nanoseconds since 1970 and the exchange's calendar go no further by much."""

FIRST_S = 1.0
LONGEST_S = 60.0
"""Back-off where the source names no wait: uniform up to 1 s, then 2 s, 4 s … 60 s (full jitter)."""
RETRY_AFTER_MAX_S = 86_400.0
"""A source that asks for more than a day is asked again after a day."""
KEPT = 256


@cache
def shift_ns() -> int:
    """Nanoseconds from the machine's clock to ours: 0 unless ROTATION_TUI_NOW is set, read once per process.

    Raises InputError for a value that is not an instant.
    """
    return _shift_ns(os.environ.get(NOW_VARIABLE, ""), time.time_ns())


def _shift_ns(setting: str, machine_ns: int) -> int:
    if not setting.strip():
        return 0
    instant, at, anchor = setting.strip().partition("@")
    return _instant_ns(instant) - (_instant_ns(anchor) if at else machine_ns)


def _instant_ns(text: str) -> int:
    try:
        instant = parse(text.strip())
    except (ValueError, OverflowError):
        instant = None
    if not isinstance(instant, int) or not 0 < instant < LATEST_NS:  # a date alone is not an instant
        raise InputError(
            f"{NOW_VARIABLE}: {text!r} is not a time from 1970 to 2099 with its zone"
            " (2026-11-27T14:30:00-05:00); fix or unset it"
        )
    return instant


def wall_ns() -> int:
    """Now, in UTC nanoseconds: the machine's clock moved by ``shift_ns``, whose InputError it raises."""
    return time.time_ns() + shift_ns()


def clock_warning() -> str:
    """What to tell a person whose clock is set by the environment; empty when it is the machine's own."""
    if not shift_ns():
        return ""
    return f"the clock is set by {NOW_VARIABLE}, not live: it is now {from_ns(wall_ns()):%Y-%m-%dT%H:%M:%SZ}"


def file_age_s(path: Path) -> float:
    """Seconds since a file was last written, by the machine's clock, which stamps files. Raises OSError."""
    return time.time() - path.stat().st_mtime


class Pace:
    """Failures in a row and the earliest next try, by name. Bounded: the longest unused are forgotten."""

    def __init__(self, *, random: Callable[[], float]) -> None:
        """``random``: uniform in [0, 1)."""
        self._random = random
        self._failures: OrderedDict[str, int] = OrderedDict()
        self._next_s: dict[str, float] = {}

    def wait_s(self, name: str, now_s: float) -> float:
        """Seconds until this name may be asked; 0 when it may."""
        return max(self._next_s.get(name, 0.0) - now_s, 0.0)

    def failed(self, name: str, now_s: float, retry_after_s: float | None = None) -> float:
        """Note a failure; returns the seconds to wait before the next try."""
        failures = self._failures.get(name, 0)
        self._failures[name] = failures + 1
        self._failures.move_to_end(name)
        while len(self._failures) > KEPT:
            forgotten, _ = self._failures.popitem(last=False)
            self._next_s.pop(forgotten, None)
        longest = min(FIRST_S * 2.0 ** min(failures, 10), LONGEST_S)
        wait = max(self._random() * longest, min(retry_after_s or 0.0, RETRY_AFTER_MAX_S))
        self._next_s[name] = now_s + wait
        return wait

    def worked(self, name: str) -> None:
        """Forget the failures of this name."""
        self._failures.pop(name, None)
        self._next_s.pop(name, None)


def retry_after_s(header: str | None, now_ns: int) -> float | None:
    """Seconds asked for by a Retry-After header, given as seconds or as an HTTP date; None for neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    at_ns = http_date_ns(text)
    return None if at_ns is None else max((at_ns - now_ns) / 1e9, 0.0)


def reset_after_s(header: str | None, now_ns: int) -> float | None:
    """Seconds until an X-RateLimit-Reset header's instant, in epoch seconds; None for anything else."""
    text = (header or "").strip()
    if not (text.isascii() and text.isdigit() and len(text) == 10):
        return None
    return max(int(text) - now_ns / 1e9, 0.0)


def http_date_ns(header: str | None) -> int | None:
    """UTC nanoseconds of an HTTP date; None if it is not one."""
    try:
        moment: datetime = parsedate_to_datetime((header or "")[:60])
        return to_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class Moment(NamedTuple):
    """One instant on both clocks, as pure code is given it."""

    s: float
    """Monotonic seconds, for durations."""
    ns: int
    """Wall clock, UTC nanoseconds, for the calendar and for events."""


class Time:
    """The clocks and the sleep that a feed may use."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = wall_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        """``random``: uniform in [0, 1)."""
        self.monotonic = monotonic
        self.clock_ns = clock_ns
        self.sleep = sleep
        self.random = random

    def now(self) -> Moment:
        """The instant now, on both clocks."""
        return Moment(self.monotonic(), self.clock_ns())
