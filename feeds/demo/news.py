"""What the demo knows of the Fed or of macro, as a feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.events import Status
from rotation.status import DEMO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from feeds.events import Event, FedNews, MacroNews


class DemoNews:
    """One piece of news, then silence."""

    mode = DEMO

    def __init__(self, name: str, detail: str, news: Callable[[], FedNews | MacroNews | None]) -> None:
        """``detail``: of its row on the Health panel. ``news``: asked once; None where nothing is known."""
        self.name = name
        self._detail = detail
        self._news = news

    def tape(self) -> None:
        """It has no tape of its own."""

    async def events(self) -> AsyncIterator[Event]:
        """What is known, once."""
        yield Status(self.mode.kind, self._detail)
        news = self._news()
        if news is not None:
            yield news
