"""News of yields, prices and jobs goes onto a tape and comes back as it was."""

from __future__ import annotations

from datetime import date

from feeds.events import MacroNews
from feeds.fed.calendar import SHIPPED
from feeds.tapes.recording import frame_of, played, rows_of, steps
from rotation.macro.assemble import macro
from rotation.quote import NS
from rotation.sessions import from_ns

NOW_NS = 1_721_140_800 * NS


def test_a_recording_gives_it_back_whole() -> None:
    held = {
        "DGS10": {date(2024, 7, 12): 4.18, date(2024, 7, 15): 4.23},
        "CPIAUCSL": {date(2024, 6, 1): 313.0},
    }
    news = MacroNews(macro(held, SHIPPED, from_ns(NOW_NS)))
    frame, lost = frame_of(rows_of(1, "macro", news, NOW_NS))
    assert not lost
    (event,) = steps(played([frame]))
    assert event == MacroNews(news.macro, NOW_NS)
