"""What viewers look at: one desk is asked for it, again whenever that has changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rotation.context.wants import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.context.wants import Wants


class Demand:
    """Follows what is wanted; ``run`` it once."""

    def __init__(self, wanted: Callable[[], Wants], want: Callable[[Wants], None]) -> None:
        """``wanted``: by all viewers now. ``want``: the desk's."""
        self._wanted = wanted
        self._want = want
        self.asked: Wants = NOTHING
        """What the desk was last asked for."""
        self._changed = asyncio.Event()
        self._changed.set()

    def look(self) -> None:
        """Somebody may look at something else than before."""
        self._changed.set()

    async def run(self) -> None:
        """Ask the desk anew after every change, from the beginning on; many at once are one."""
        is_first = True
        while True:
            await self._changed.wait()
            self._changed.clear()
            wants = self._wanted()
            if is_first or wants != self.asked:
                is_first, self.asked = False, wants
                self._want(wants)
