"""Groups have a heading, a watch list has the panel to itself."""

from __future__ import annotations

import msgspec

from rotation.desk import LegList
from tui.panels.legs import height_of
from tui.panels.registry import PANELS
from tui.screen.scene import scene
from tui.view.view_state import ViewState, watchlists

LISTS = (
    LegList("", ("IWM", "QQQ", "SPY")),
    LegList("banks", ("KRE", "KBE")),
    LegList("mine", ("DIA", "IWM"), is_watchlist=True),
)


def shown(snapshot, view) -> list[str]:
    rows = PANELS["legs"].rows(snapshot, view, 90, 30)
    return ["".join(text for text, _ in row).split()[0] for row in rows[1:]]


def test_the_legs_panel(scenes):
    snapshot = msgspec.structs.replace(scenes["live"], lists=LISTS)
    view = ViewState(lists=watchlists(LISTS))
    assert view.lists == ("mine",)
    assert shown(snapshot, view) == ["IWM", "QQQ", "SPY", "banks", "KRE", "KBE"]
    absent = PANELS["legs"].rows(snapshot, view, 90, 30)[-1]
    assert "".join(text for text, _ in absent) == "KBE   —  no prices yet"
    assert height_of(snapshot, view) == 6
    chosen = msgspec.structs.replace(view, list="mine")
    assert shown(snapshot, chosen) == ["mine", "DIA", "IWM"]
    assert height_of(snapshot, chosen) == 3
    gone = msgspec.structs.replace(view, list="another")
    assert shown(snapshot, gone) == shown(snapshot, view)
    footer = PANELS["keys"].rows(snapshot, chosen, 160, 1)[0]
    assert "w list 2/2" in "".join(text for text, _ in footer)
    for size in ((160, 45), (80, 24), (40, 12)):
        assert scene(snapshot, chosen, *size).rows["legs"]
