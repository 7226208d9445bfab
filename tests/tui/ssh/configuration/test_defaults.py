"""What the host's settings make of a viewer's view, at its beginning and when they change."""

from __future__ import annotations

import msgspec
import pytest

from rotation.desk import LegList, PairOptions
from tui.screen.scene import scene
from tui.ssh.rooms.defaults import ViewDefaults, adopted, bindings, first_view
from tui.view.applied import Applied, PairsChange, WindowsChange
from tui.view.keymap import DEFAULT_KEYS
from tui.view.palette import pressed
from tui.view.places import PanelLists
from tui.view.theme import names
from tui.view.view_state import PANELS, ViewState, reduce
from tui.wanted import Wanted

BEFORE = ViewDefaults()
OTHERS = {
    "theme": "paper",
    "window": 20,
    "windows": (1, 10, 20),
    "returns": (10,),
    "pairs": ("IWN/IVW",),
    "pair_options": (PairOptions("IWN/IVW", "Value"),),
    "lists": ("mine",),
    "panels": PanelLists(narrow=(("spread", "ratio"),)),
    "keys": (("pause", ("x",)),),
    "ascii": True,
}


def begun(defaults: ViewDefaults, **more) -> ViewState:
    return first_view(defaults, names(), **more)


def test_every_default_is_tried():
    assert {*OTHERS, "desk"} == set(ViewDefaults.__struct_fields__)


@pytest.mark.parametrize("field", OTHERS)
def test_who_has_chosen_nothing_has_what_a_newcomer_has(field):
    """Each setting alone, there and back."""
    now = msgspec.structs.replace(BEFORE, **{field: OTHERS[field]})
    view = adopted(begun(BEFORE), BEFORE, now)
    assert view == begun(now) != begun(BEFORE)
    back = adopted(view, now, BEFORE)
    # The focus is on a panel that the lists had: nobody's focus is moved without need.
    assert msgspec.structs.replace(back, focus="legs") == begun(BEFORE)


def test_what_a_viewer_has_chosen_stays():
    view = begun(BEFORE, theme="mono", focus="fed")
    for key in ("]", "]", "s", "space"):
        view = reduce(view, key)
    now = ViewDefaults(**(OTHERS | {"windows": (1, 10, 60)}))
    after = adopted(view, BEFORE, now, {"theme", "window"})
    assert (after.theme, after.window, after.sort, after.paused) == ("mono", 60, view.sort, True)
    assert (after.pairs, after.lists, after.windows, after.ascii) == (
        ("IWN/IVW",), ("mine",), (1, 10, 60), True,
    )  # fmt: skip
    assert pressed(after, "x").paused is False, "the new key resumes"


def test_the_same_settings_are_no_change():
    view = reduce(begun(BEFORE), "z")
    assert adopted(view, BEFORE, BEFORE) is view
    assert adopted(begun(BEFORE, plain=True), BEFORE, BEFORE, plain=True).ascii


def test_what_is_gone_is_no_longer_chosen():
    before = ViewDefaults(pairs=("IWN/IVW",), lists=("mine",), windows=(5, 10))
    view = msgspec.structs.replace(
        begun(before), pair="IWN/IVW", list="mine", window=10, figure="spread.10.pp", explains=True
    )
    after = adopted(view, before, BEFORE, {"window"})
    assert (after.pair, after.list, after.window, after.figure, after.explains) == ("", "", 5, "", False)


def test_with_another_desk_no_figure_of_the_one_before_stays_explained():
    view = msgspec.structs.replace(begun(BEFORE), figure="dia.last", explains=True, scroll_below=3)
    wanted = Wanted(pair=("KRE", "QQQ"), pairs=(("IWN", "IVW"),), lists=(LegList("mine", ("DIA",), True),))
    now = BEFORE.of_desk(wanted, 1)
    after = adopted(view, BEFORE, now)
    assert (after.pairs, after.lists) == (("IWN/IVW",), ("mine",))
    assert (after.figure, after.explains, after.scroll) == ("", False, 3)


def test_a_theme_that_is_not_here_changes_nothing():
    assert adopted(begun(BEFORE), BEFORE, ViewDefaults(theme="gone")).theme == "midnight"


def test_a_changed_file_changes_what_it_names_and_nothing_else():
    keys = DEFAULT_KEYS.rebound({"pause": ("x",)})
    pairs = PairsChange((("IWM", "QQQ"), ("IWN", "IVW")), (PairOptions("IWN/IVW", "Value"),))
    first = ("IWM", "QQQ")
    before = ViewDefaults(theme="paper", windows=(1, 2), pairs=("KRE/QQQ",))
    assert before.after(Applied(""), first) == before
    assert before.after(Applied("", keys=keys), first).keys == (("pause", ("x",)),) == bindings(keys)
    now = before.after(Applied("", pairs=pairs, windows=WindowsChange(None, (2,)), glyphs="ascii"), first)
    assert now.pairs == ("IWN/IVW",), "the first pair is none of the others"
    assert (now.pair_options, now.windows, now.returns, now.ascii) == (pairs.options, (1, 2), (2,), True)
    kept = now.after(Applied("", pairs=PairsChange(None, ()), windows=WindowsChange((5,), ())), first)
    assert (kept.pairs, kept.pair_options, kept.windows, kept.returns) == (("IWN/IVW",), (), (5,), ())


@pytest.mark.parametrize("panel", PANELS)
def test_a_view_that_the_newest_snapshot_does_not_fit_is_drawn(scenes, panel):
    """For a moment after a change a viewer may still have the settings before, or have the new ones first."""
    view = begun(
        ViewDefaults(window=77, windows=(3, 77), returns=(3,), pairs=("XBI/IBB",), lists=("gone",)),
        focus=panel,
    )
    chosen = msgspec.structs.replace(view, pair="XBI/IBB", list="gone")
    for each in (view, chosen):
        for shown in (each, reduce(each, "z"), msgspec.structs.replace(each, sort="window")):
            for size in ((160, 45), (100, 30), (80, 24), (40, 12)):
                for snapshot in scenes.values():
                    assert scene(snapshot, shown, *size).rows
