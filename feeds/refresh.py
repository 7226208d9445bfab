"""A person's wish for newer figures: who is asked from time to time is asked now, politely.

A source decides itself how soon it may be asked again; what it has refused, or asked us to wait for, stays so
(``feeds.clock.Pace``). Only a desk of a person's own passes the wish on: viewers of a host cannot.
"""

from __future__ import annotations

import asyncio
import time
from math import inf
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

EVERY_S = 15.0
"""Between two wishes that are passed on, whatever sources there are."""


@runtime_checkable
class AsksNow(Protocol):
    """A feed with sources that can be asked before their time."""

    def ask_now(self) -> tuple[str, ...]:
        """Have them asked; returns the names of those that are, none that was asked a moment ago."""
        ...


class Refresh:
    """The wishes of one desk."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._next_s = -inf

    def ask(self, feeds: Iterable[object]) -> tuple[tuple[str, ...], float]:
        """The names of the sources that are asked now, and the seconds until another wish is heard.

        Names come with 0 seconds; neither: there is nobody to ask, or each was asked a moment ago.
        """
        now_s = self._monotonic()
        if now_s < self._next_s:
            return (), self._next_s - now_s
        asked = [name for feed in feeds if isinstance(feed, AsksNow) for name in feed.ask_now()]
        if asked:
            self._next_s = now_s + EVERY_S
        return tuple(dict.fromkeys(asked)), 0.0


class Alarm:
    """A wait between two requests that can be cut short."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._limit: asyncio.Timeout | None = None
        """Of the wait that can be cut short; None where nobody waits, or it has rung."""

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for a time that is still to come."""
        return self._limit is not None

    def ring(self) -> None:
        """End the wait, if there is one."""
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())
            self._limit = None

    async def wait(self, seconds: float) -> bool:
        """Wait so long, or until it rings; whether it rang. The sleep begins before anybody else runs."""
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limit = limit
                await self._sleep(seconds)
        except TimeoutError:
            if not limit.expired():
                raise
            return True
        finally:
            self._limit = None
        return False
