"""What a stream knows of time and chance, in one place, so that a test can hold it still."""

from __future__ import annotations

import asyncio
import random as _random
import time
from typing import TYPE_CHECKING

from feeds.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Time:
    """Clocks, sleep and the back-off that rests on them."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        """``random``: uniform in [0, 1)."""
        self.monotonic = monotonic
        self.clock_ns = clock_ns
        self.sleep = sleep
        self.random = random
        self.pace = Pace(random=random)
