"""The panel's cache of painted lines: what is no longer on screen is not kept."""

from __future__ import annotations

from textual.app import App

from tui.screen.line_panel import LinePanel
from tui.view.theme import load, names


async def test_painted_lines_that_have_gone_are_forgotten() -> None:
    """A clock that ticks for a day must not leave 86,400 lines behind."""
    theme = load(names()[0])
    panel = LinePanel(theme, "one")

    class Host(App[None]):
        def compose(self):
            yield panel

    app = Host()
    async with app.run_test(size=(20, 4)) as pilot:
        for second in range(50):
            rows = [((f"{second:<20}", "text"),), ((f"{'fixed':<20}", "text"),)]
            panel.show(rows, theme)
            await pilot.pause()
            for y in range(2):
                assert panel.render_line(y).text.split() == [[str(second)], ["fixed"]][y]
        assert set(panel._strips) == set(panel._rows)
