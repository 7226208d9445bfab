"""The macro feed: asks its sources slowly, and gives news when something changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from feeds.events import MacroNews, Status
from feeds.macro.indices import EVERY_S
from feeds.macro.sources import BLS, INDICES
from feeds.refresh import Alarm
from rotation.status import OFFLINE, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from feeds.events import Event
    from feeds.http.cached import CachedClient
    from feeds.macro.sources import MacroSources
    from rotation.macro.figures import Macro

LOOK_S = 60.0
"""Between two looks at who is due."""


class MacroFeed:
    """A feed (``feeds.events.Feed``) of MacroNews. It does not end or raise, whatever a source does."""

    name = "macro"
    mode = OFFLINE

    def __init__(
        self,
        http: CachedClient,
        sources: MacroSources,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._sources = sources
        self._look = Alarm(sleep)

    def ask_now(self) -> tuple[str, ...]:
        """Ask those that wait for their time; see ``feeds.refresh``."""
        due = self._sources.hasten() if self._look.is_waiting else ()
        if due:
            self._look.ring()
        return due

    def tape(self) -> None:
        """None: it is live."""

    async def events(self) -> AsyncIterator[Event]:
        """What is kept at once, then news after each source that was asked, and their states with it."""
        await self._sources.see_release_days()
        held = self._sources.macro()
        if held is not None:
            yield MacroNews(held)
        async with self._http:
            while True:
                for name in self._sources.due():
                    await self._sources.ask(name)
                    known = self._sources.macro()
                    yield _status(known)
                    if known is not None:
                        yield MacroNews(known)
                has_news = await self._sources.ask_session()
                async for _ in self._sources.ask_minutes():
                    pass
                has_news |= await self._sources.see_release_days()
                if has_news and (known := self._sources.macro()) is not None:
                    yield MacroNews(known)
                await self._look.wait(LOOK_S)

    async def once(self, limit_s: float, *, banks: bool = True) -> Macro | None:
        """Ask those that have not answered lately, and say what is known; who takes longer is left out.

        ``banks``: whether the SEC is asked too, and for the minutes of earlier release days.
        """
        async with self._http:
            try:
                async with asyncio.timeout(limit_s):
                    await self._sources.ask_due(banks=banks, reuse=True)
                    await self._sources.ask_session(reuse_s=EVERY_S)
                    async for _ in self._sources.ask_minutes(running=not banks):
                        pass
            except TimeoutError:
                pass
            await self._sources.see_release_days()
            return self._sources.macro()


def _status(known: Macro | None) -> Status:
    """As well as the best source of settled figures: each brings some of its own, the calendar none."""
    if known is None or not known.sources:
        return Status(Kind.OFFLINE, "no source was asked")
    kinds = (each.kind for name, each in known.sources.items() if name not in (BLS, INDICES))
    best = min(kinds, key=lambda kind: kind.severity, default=Kind.OFFLINE)
    detail = ", ".join(
        f"{name} {each.kind.value}" + (f" ({each.error})" if each.error else "")
        for name, each in known.sources.items()
    )
    return Status(best, detail)
