"""A person's own keys: merged into the table, shown in help and footer, never a key with two meanings."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import ROOT
from tui.view.keymap import ACTIONS, DEFAULT_KEYS, PRESETS, KeymapError, is_key
from tui.view.view_state import PANELS, ViewState, reduce

TYPED = [*"abcxyzöé[]", "space", "f5", "ctrl+x", "ctrl+c", "nonsense", ""]


def view_with(**keys: tuple[str, ...]) -> ViewState:
    return msgspec.structs.replace(ViewState(), keys=DEFAULT_KEYS.rebound(keys))


def test_a_key_of_ones_own_does_what_the_old_one_did() -> None:
    view = view_with(longer=("ä",), shorter=("ö",))
    assert reduce(view, "ä").window == 20
    assert reduce(view, "ö").window == 1
    assert reduce(view, "]") is view


def test_the_panels_follow_the_order_of_their_keys() -> None:
    view = msgspec.structs.replace(ViewState(), keys=DEFAULT_KEYS.rebound(PRESETS["azerty"]))
    assert [reduce(view, key).focus for key in PRESETS["azerty"]["focus"]] == list(PANELS)


TWO = 'key {!r} is bound to both zoom and trail; give one of them another key, or unbind it with {} = "none"'
TWICE = "key {!r} is in the list twice: each key has its own {}"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"zoom": ("o",)}, TWO.format("o", "trail")),
        ({"trail": ("z",)}, TWO.format("z", "zoom")),
        ({"trail": ("x",), "zoom": ("x",)}, TWO.format("x", "zoom")),
        ({"focus": ("a", "b", "a")}, TWICE.format("a", "panel")),
        ({"page": ("f2", "f2")}, TWICE.format("f2", "page")),
    ],
)
def test_a_conflict_names_both_and_says_which_may_give_way(keys, says) -> None:
    with pytest.raises(KeymapError) as caught:
        DEFAULT_KEYS.rebound(keys)
    assert str(caught.value) == says


@pytest.mark.parametrize("preset", PRESETS)
def test_keys_of_one_s_own_are_merged_into_a_preset(preset) -> None:
    keymap = DEFAULT_KEYS.rebound({**PRESETS[preset], "pause": ("x",), "trail": (), "quit": ("Q",)})
    bound = {
        key: getattr(keymap.action_of(key), "id", None) for key in ("x", "space", "o", "Q", "q", "ctrl+c")
    }
    assert bound == {"x": "pause", "space": None, "o": None, "Q": "quit", "q": None, "ctrl+c": "quit"}
    for action in ("shorter", "longer"):
        own = next(each for each in keymap.actions if each.id == action)
        assert own.keys == PRESETS[preset].get(action, own.keys)
        assert own.shown.split(" ")[0] == own.keys[0], "help and footer show the first"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_bound(preset) -> None:
    keymap = DEFAULT_KEYS.rebound(PRESETS[preset])
    assert {action.id for action in keymap.actions if not action.keys} == set()


def test_the_readme_names_every_panel_that_has_a_number() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (row,) = (line for line in readme.splitlines() if line.startswith("| `1` … "))
    assert row.startswith(f"| `1` … `{len(PANELS)}`")
    assert all(panel in row.casefold() for panel in PANELS)


def test_there_is_always_a_way_out() -> None:
    keymap = DEFAULT_KEYS.rebound({"quit": ()})
    quits = keymap.action_of("ctrl+c")
    assert quits is not None
    assert quits.id == "quit"


@given(
    st.dictionaries(
        st.sampled_from([action.id for action in ACTIONS if action.id != "focus"]),
        st.lists(
            st.sampled_from([*"abcxyzöé[]", "space", "f5", "ctrl+x", "ctrl+c", "nonsense", ""]), max_size=3
        ).map(tuple),
        max_size=4,
    )
)
def test_no_key_ever_has_two_meanings(keys) -> None:
    try:
        keymap = DEFAULT_KEYS.rebound(keys)
    except KeymapError:
        return
    bound = [key for action in keymap.actions for key in dict.fromkeys(action.keys)]
    assert len(bound) == len(set(bound))
    assert all(is_key(key) for key in bound)
    for action, names in keys.items():
        assert all(getattr(keymap.action_of(name), "id", None) == action for name in names)
