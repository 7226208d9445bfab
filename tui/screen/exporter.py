"""``E``: the focused panel or the whole screen into a file, asked for by one more key."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rotation.errors import UnavailableError
from tui.screen.png import MISSING, can_draw, png
from tui.screen.svg import Pictured, picture_of
from tui.view.pairs import of_pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rotation.snapshot import Snapshot
    from tui.output.export import Form
    from tui.screen.scene import Scene
    from tui.view.view_state import ViewState

log = logging.getLogger(__name__)

FORMS: dict[str, Form] = {"c": "csv", "j": "json", "p": "parquet"}
SCREENS = {"s": "svg", "t": "txt", "n": "png"}
"""Key → the form of a file of the panel, and of one of the screen."""
PROMPT = "write {}: c CSV j JSON p Parquet; screen: s SVG t text n PNG; Esc cancels"
SHORT_PROMPT = "c CSV j JSON p Pqt s SVG t text n PNG"
WHOLE_FROM = 80
"""Columns from which on the whole prompt fits."""
NOWHERE = "files cannot be written from here"
EMPTY = "nothing to write: {} shows no figures"
WRITING = "writing {}…"
FAILED = "{} could not be written: internal error, see the log"


class _File(NamedTuple):
    name: str
    make: Callable[[], bytes]
    """Its bytes; in a thread."""


class _Question(NamedTuple):
    panel: str
    prompt: str
    """Its message: once another stands in its place, no key answers it."""


class Shown(Pictured, Protocol):
    """What an export needs of the app."""

    view: ViewState
    snapshot: Snapshot | None

    def say(self, message: str, *, urgent: bool = False) -> None:
        """Put a line in the place of the footer."""
        ...

    def drawn(self) -> Scene:
        """What is on screen now."""
        ...


class Exporter:
    """Asks which form is wanted, and writes it without holding up the screen."""

    def __init__(self, app: Shown, write: Callable[[str, bytes], Path] | None) -> None:
        """``write``: None where nothing can be written."""
        self._app = app
        self._write = write
        self._asked: _Question | None = None
        self._running: set[asyncio.Task[None]] = set()

    @property
    def asks(self) -> bool:
        """Whether the next key may be an answer."""
        return self._asked is not None

    def ask(self) -> None:
        """Say what can be chosen; the next key decides."""
        if self._write is None or self._app.snapshot is None:
            self._app.say(NOWHERE if self._write is None else "nothing to write yet", urgent=True)
            return
        panel = self._app.view.focus
        places = self._app.drawn().places.values()
        is_narrow = max((place.width for place in places), default=0) < WHOLE_FROM
        prompt = SHORT_PROMPT if is_narrow else PROMPT.format(panel)
        self._asked = _Question(panel, prompt)
        self._app.say(prompt)

    def take(self, key: str, message: str) -> bool:
        """Act on the key that answers; False where none was asked for, or to quit.

        ``message``: what stood in the place of the footer when the key was pressed.
        """
        asked, self._asked = self._asked, None
        if asked is None or message != asked.prompt or key == "ctrl+c":
            return False
        file = self._file(key, asked.panel)
        if file is not None:
            task = asyncio.create_task(self._written(file), name="export")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return True

    def _file(self, key: str, panel: str) -> _File | None:
        """What a key stands for, as of now; None for a key that stands for nothing."""
        app = self._app
        if app.snapshot is None:
            return None
        from tui.output.export import encode, name_of, table  # noqa: PLC0415 - a start does without

        snapshot, view = of_pair(app.snapshot, app.view.pair), app.view
        if key in FORMS:
            rows = table(panel, snapshot, view)
            if not rows:
                app.say(EMPTY.format(panel), urgent=True)
                return None
            form = FORMS[key]
            return _File(name_of(panel, snapshot, form), lambda: encode(rows, form))
        if key == "n" and not can_draw():
            app.say(MISSING, urgent=True)
            return None
        make = self._screen(key)
        return None if make is None else _File(name_of("screen", snapshot, SCREENS[key]), make)

    def _screen(self, key: str) -> Callable[[], bytes] | None:
        """What makes the bytes of the screen as it is now; None for a key that stands for no form of it."""
        if key == "t":
            return text_of(self._app.drawn()).encode
        if key not in SCREENS:
            return None
        picture = picture_of(self._app)
        return picture.encode if key == "s" else lambda: png(picture)

    async def _written(self, file: _File) -> None:
        assert self._write is not None
        write = self._write
        self._app.say(WRITING.format(file.name))
        try:
            path = await asyncio.to_thread(lambda: write(file.name, file.make()))
        except UnavailableError as error:
            self._app.say(str(error), urgent=True)
        except Exception:
            log.exception("internal error in an export")
            self._app.say(FAILED.format(file.name), urgent=True)
        else:
            self._app.say(f"wrote {path}")


def text_of(scene: Scene) -> str:
    """A screen as plain text, its lines without blanks at their ends."""
    height = max((place.y + place.height for place in scene.places.values()), default=0)
    lines = [""] * height
    # A row is exactly as wide as its place, so that panels side by side need no measuring.
    for name, place in sorted(scene.places.items(), key=lambda item: item[1].x):
        for y, row in enumerate(scene.rows[name]):
            lines[place.y + y] += "".join(text for text, _ in row)
    return "\n".join(line.rstrip() for line in lines) + "\n"
