"""A line that is no longer shown goes at once: it is no work for the collector, which holds up keys."""

from __future__ import annotations

import gc
import weakref

import pytest
from rich.segment import Segment
from textual.strip import Strip

from tui.screen.line_panel import Line


class Seen(Line):
    """As any; slots of Textual's allow no reference that does not keep it."""

    __slots__ = ("__weakref__",)


@pytest.mark.parametrize("cuts", [[5], [2, 5], [5, 9], [2], []])
def test_it_is_gone_once_nobody_shows_it_and_divided_as_textual_does(cuts):
    segments = [Segment("abc"), Segment("de")]
    line = Seen(segments, 5)
    expected = Strip(segments, 5).divide(iter(cuts))
    gc.disable()
    try:
        assert [*line.divide(iter(cuts))] == [*expected]
        assert [*line.divide(iter(cuts))] == [*expected], "asked once more"
        seen = weakref.ref(line)
        del line
        assert seen() is None
    finally:
        gc.enable()
