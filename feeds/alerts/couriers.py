"""A queue and a task for each target: one that fails, hangs or asks to wait holds up nothing else."""

from __future__ import annotations

import asyncio
import logging
import random as _random
from collections import deque
from typing import TYPE_CHECKING

from feeds.alerts.errors import DeliveryError
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from feeds.alerts.errors import Sender
    from feeds.alerts.state_file import Waiting

log = logging.getLogger(__name__)

QUEUE_MAX = 50
"""Calls that wait for one target; the oldest gives way to a newer one, which is reported."""
REPORTED_AT = frozenset(10**n for n in range(8))
"""Counts of dropped calls that are reported: one for each would push all else off the screen."""
TRIES = 6
FIRST_S = 1.0
LONGEST_S = 60.0


class Courier:
    """Delivers calls to one target, in order."""

    def __init__(
        self,
        name: str,
        send: Sender,
        report: Callable[[str, str], None],
        done: Callable[[], None] = lambda: None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        """``report``: given the target's name and a line for the person. ``done``: a call waits no more."""
        self.name = name
        self._send = send
        self._report = report
        self._done = done
        self._sleep = sleep
        self._random = random
        self._queue: deque[Waiting] = deque()
        self._wake = asyncio.Event()
        self._dropped = 0
        self._failing = False

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What has not been delivered yet, the oldest first; the one being sent is among them."""
        return tuple(self._queue)

    def put(self, call: Waiting) -> None:
        """Deliver this call as soon as those before it are done."""
        if len(self._queue) >= QUEUE_MAX:
            # The first is being sent.
            del self._queue[1]
            self._dropped += 1
            if self._dropped in REPORTED_AT:
                count = counted(self._dropped, "notification")
                self._report(self.name, f"{self.name}: {count} not delivered: too many are waiting")
        self._queue.append(call)
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            call = self._queue[0]
            await self._deliver(call)
            self._queue.popleft()
            self._done()

    async def _deliver(self, call: Waiting) -> None:
        for tried in range(1, TRIES + 1):
            try:
                await self._send(call.fired, call.text)
            except DeliveryError as error:
                self._failing = True
                if not error.again or tried == TRIES:
                    log.warning("alert target %s: not delivered: %s", self.name, error)
                    self._report(self.name, f"{self.name}: not delivered: {error}")
                    return
                wait_s = self._wait_s(tried, error.after_s)
                if tried == 1:
                    self._report(self.name, f"{self.name}: {error}; trying again")
                log.info("alert target %s: %s; next try in %.0f s", self.name, error, wait_s)
                await self._sleep(wait_s)
            except Exception as error:
                # A defect of ours in one target must not end the others, nor the desk.
                log.exception("alert target %s failed", self.name)
                self._report(self.name, f"{self.name}: internal error ({type(error).__name__}), see the log")
                return
            else:
                if self._failing:
                    self._failing = False
                    self._report(self.name, f"{self.name}: delivered again")
                return

    def _wait_s(self, tried: int, after_s: float | None) -> float:
        longest = min(FIRST_S * 2.0 ** (tried - 1), LONGEST_S)
        return max(longest * (0.5 + self._random() / 2), after_s or 0.0)
