"""The screen as an SVG picture, drawn without a terminal."""

from __future__ import annotations

import asyncio
import html
import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.screen.app import RotationApp
from tui.view.theme import DEFAULT, names
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rotation.snapshot import Snapshot
    from tui.backend import Controls

SIZE = (160, 45)
FONTS = "DejaVu Sans Mono, Menlo, Consolas"
_RUN = re.compile(
    r'<text class="(?P<class>[^"]+)" x="(?P<x>[\d.]+)" (?P<y>y="[\d.]+") textLength="(?P<length>[\d.]+)" '
    r"(?P<clip>clip-path=[^>]+)>(?P<text>[^<]*)</text>"
)
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


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


def picture_of(app: RotationApp) -> str:
    """What is on the app's screen now, as SVG."""
    picture = app.export_screenshot(title="rotation-tui")
    # Textual's picture fetches a font from the network when it is opened; ours names installed ones.
    return _placed(_FONT_FACE.sub("", picture).replace("Fira Code", FONTS))


def _placed(picture: str) -> str:
    """The picture with a place for every character.

    A run's ``textLength`` is stretched by browsers and ignored by other renderers, and a sign from another
    font is wider than its cell: what follows it would be shifted.
    """
    return _RUN.sub(_cells, picture)


def _cells(run: re.Match[str]) -> str:
    text = html.unescape(run["text"])
    size = cell_len(text)
    shown = text.rstrip("\u00a0 ")
    if not shown or not size:  # blank, or the end of a line
        return ""
    step = float(run["length"]) / size
    places, cell = [], 0
    for sign in shown:
        places.append(f"{float(run['x']) + cell * step:g}")
        cell += cell_len(sign)
    head = f'<text class="{run["class"]}" x="{" ".join(places)}" {run["y"]} {run["clip"]}>'
    return f"{head}{html.escape(shown, quote=False)}</text>"
