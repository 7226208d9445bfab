"""When a Snapshot of prices alone is made: once for each frame of whoever reads, at once where nobody rests.

Prices are taken in as they come, whatever this says. A reader that has just drawn says how long it needs no
newer ones (``rest``); prints that come meanwhile are owed. At the end of the rest streams look at what they
have received (``hurry``), and with the first prints that come of it all is made at once, so that what is
drawn is as new as can be. Only where none come is what is owed made alone, LINGER_S after the rest.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LINGER_S = 0.04
"""What is owed waits so long for newer prices after a rest: several times as long as a stream takes for a
look, and less than a screen waits for what is due."""


class Frames:
    """How long the readers of a desk rest, and whether anything is owed to them; ``run`` it beside them."""

    def __init__(self, make: Callable[[], None], hurry: Callable[[], None] = lambda: None) -> None:
        """``make``: publish a Snapshot of all that has been taken in. It calls ``made``.

        ``hurry``: have what has been received taken in now.
        """
        self._make = make
        self._hurry = hurry
        self._until_s = -inf
        """End of the rest, monotonic seconds."""
        self._rests = False
        """Whether that end is still to be acted on."""
        self._owed_s = inf
        """When what is owed began to be; inf where nothing is."""
        self._wake = asyncio.Event()
        self.is_judged: Callable[[], bool] = lambda: False
        """Whether somebody judges every price, as alerts do: then each is made at once."""

    def rest(self, seconds: float) -> None:
        """Nobody needs newer prices for so long from now; 0 or less: whatever comes is wanted at once."""
        self._until_s = time.monotonic() + seconds
        self._rests = seconds > 0
        self._wake.set()

    def on_prices(self) -> None:
        """Prices have been taken in."""
        if time.monotonic() < self._until_s and not self.is_judged():
            self._owe()
        else:
            self._make()

    def on_second(self) -> None:
        """Only time has passed. Where readers rest, newer prices may be about to come."""
        if self._until_s > -inf and not self.is_judged():
            self._owe()
        else:
            self._make()

    def made(self) -> None:
        """A Snapshot has been made, of whatever cause: nothing is owed now."""
        self._owed_s = inf

    def settle(self) -> None:
        """Make what is owed, if anything is."""
        if self._owed_s < inf:
            self._make()

    async def run(self) -> None:
        """End each rest, and make what is owed and nothing newer brings along, until cancelled."""
        while True:
            now_s = time.monotonic()
            if self._rests and self._until_s <= now_s:
                self._rests = False
                self._hurry()
            left_s = (self._until_s if self._rests else self._due_s()) - now_s
            if left_s <= 0:
                self._make()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s if left_s < inf else None):
                    await self._wake.wait()
                    self._wake.clear()

    def _due_s(self) -> float:
        """When what is owed is made; inf where nothing is."""
        return max(self._until_s, self._owed_s) + LINGER_S

    def _owe(self) -> None:
        if self._owed_s == inf:
            self._owed_s = time.monotonic()
            self._wake.set()
