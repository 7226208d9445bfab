"""The screen as an SVG picture, drawn without a terminal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tui.screen.app import RotationApp
from tui.screen.svg import picture_of
from tui.view.theme import DEFAULT, names
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.desk import Controls

SIZE = (160, 45)


class Still:
    """A desk that shows a single snapshot."""

    controls: Controls | None = None

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    async def run(self) -> None:
        """Return at once: there is nothing to drive."""

    async def listen(self) -> AsyncIterator[Snapshot]:
        """Yield the snapshot once."""
        yield self._snapshot

    def want(self, asked: Wants) -> None:
        """Whatever is wanted, there is no other."""


def svg(snapshot: Snapshot, view: ViewState | None = None, size: tuple[int, int] = SIZE) -> str:
    """Return the screen with this snapshot on a terminal of ``size`` (columns, lines) as SVG."""
    return asyncio.run(_svg(snapshot, view or ViewState(theme=DEFAULT, themes=names()), size))


async def _svg(snapshot: Snapshot, view: ViewState, size: tuple[int, int]) -> str:
    app = RotationApp(lambda: Still(snapshot), view)
    async with app.run_test(size=size) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.pause()
        return picture_of(app)
