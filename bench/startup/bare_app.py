"""The least that Textual can show: what start-up is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult


class BareApp(App[None]):
    """One Static."""

    BINDINGS = [("q", "quit")]  # noqa: RUF012 - as Textual's documentation writes it

    def compose(self) -> ComposeResult:
        """Textual asks for the widgets."""
        yield Static("opening…")


if __name__ == "__main__":
    BareApp().run()
