"""Keys change the view, and nothing else does."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.desk import WINDOWS
from tui.view.keymap import ACTIONS, DEFAULT_KEYS, key_name
from tui.view.palette import entries, pressed
from tui.view.view_state import CHARTS, PANELS, SORTS, WHOLE, ViewState, clamp_scroll, reduce

START = ViewState(themes=("midnight", "paper", "mono"), pairs=("IWN/IVW", "XBI/IBB"), lists=("mine",))
KEYS = [key for action in ACTIONS for key in action.keys]


def after(*keys: str, view: ViewState = START) -> ViewState:
    for key in keys:
        view = pressed(view, "space" if key == " " else key)
    return view


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (("3",), {"focus": "ratio"}),
        (("4",), {"focus": "fed"}),
        (("5",), {"focus": "health"}),
        (("tab",), {"focus": "spread"}),
        (("6",), {"focus": "breadth"}),
        (("7",), {"focus": "events"}),
        (("8",), {"focus": "graph"}),
        (("shift+tab",), {"focus": "macro"}),
        (("tab",) * len(PANELS), {}),
        (("enter",), {"zoomed": True}),
        (("z", "escape"), {}),
        (("]",), {"window": 20}),
        (("[", "[", "["), {"window": 1}),
        (("]",) * 9, {"window": 252}),
        (("c",), {"chart": "daily"}),
        (("c",) * len(CHARTS), {}),
        (("8", "c"), {"focus": "graph", "chart": "daily"}),
        (("8", "c", "c"), {"focus": "graph"}),
        (("space",), {"paused": True}),
        (("space", "space"), {}),
        (("t",), {"theme": "paper"}),
        (("t", "t", "t"), {}),
        (("?",), {"help": True}),
        (("?", "?"), {}),
        (("?", "escape"), {}),
        (("?", "2"), {"focus": "spread"}),
        (("j", "j", "k"), {"scroll": 1}),
        (("j", "g"), {}),
        (("j", "tab"), {"focus": "spread"}),
        (("?", "/"), {"help": True, "typing": True}),
        (("2", "/"), {"focus": "spread", "help": True, "typing": True}),
        (("?", "/", "z", "q", "space", "1"), {"help": True, "typing": True, "filter": "zq 1"}),
        (("?", "/", "a", "b", "backspace"), {"help": True, "typing": True, "filter": "a"}),
        (("?", "/", "a", "enter"), {"help": True, "filter": "a"}),
        (("?", "/", "a", "enter", "escape"), {"help": True}),
        (("?", "/", "a", "escape"), {"help": True}),
        (("/", "k", "r"), {"typing": True, "filter": "kr"}),
        (("/", "k", "enter"), {"filter": "k"}),
        (("/", "k", "enter", "escape"), {}),
        (("/", "k", "enter", "2"), {"focus": "spread"}),
        (("7", "/", "f", "enter"), {"focus": "events", "filter": "f"}),
        (("s",), {"sort": "symbol"}),
        (("s", "s", "S"), {"sort": "day", "is_rising": True}),
        (("s",) * len(SORTS), {}),
        ((":",), {"palette": True, "typing": True}),
        ((":", "q", "escape"), {}),
        (("?", "ctrl+p"), {"palette": True, "typing": True}),
        (("z", "?", "escape", "escape"), {}),
        (("q",), {}),
        (("p",), {"pair": "IWN/IVW"}),
        (("p", "p", "p"), {}),
        (("P",), {"pair": "XBI/IBB"}),
        (("H",), {}),
        (("j", "w"), {"list": "mine"}),
        (("w", "W"), {}),
        (("f12",), {}),
        (("f2",), {}),
        (("f3",), {"focus": "fed", "zoomed": True}),
        (("f3", "f2"), {"focus": "fed"}),
        (("f4",), {"focus": "breadth"}),
        (("f5",), {"focus": "graph"}),
        (("f6",), {"focus": "macro"}),
        (("f7",), {"focus": "health", "zoomed": True}),
        (("f8",), {"focus": "events"}),
        (("f8", "f2"), {}),
        (("z", "f5", "f2"), {}),
        (("?", "f4"), {"focus": "breadth"}),
        ((":", *"page fed", "enter"), {"focus": "fed", "zoomed": True}),
    ],
)
def test_a_key_does_what_the_table_says(keys: tuple[str, ...], expected: dict[str, object]) -> None:
    assert after(*keys) == msgspec.structs.replace(START, **expected)


def test_escape_leaves_the_innermost_first() -> None:
    deep = after("z", "?", "/", "a", "enter")
    assert (deep.zoomed, deep.help, deep.filter) == (True, True, "a")
    without_filter = after("escape", view=deep)
    assert (without_filter.zoomed, without_filter.help, without_filter.filter) == (True, True, "")
    without_help = after("escape", view=without_filter)
    assert (without_help.zoomed, without_help.help) == (True, False)
    assert after("escape", view=without_help) == START


@given(st.lists(st.sampled_from([*KEYS, "a", "ä", "\x1b", "backspace", "漢"]), max_size=40))
def test_any_keys_leave_a_view_that_can_be_drawn(keys: list[str]) -> None:
    view = after(*keys)
    assert view.focus in PANELS
    assert view.window in WINDOWS
    assert view.theme in view.themes
    assert view.scroll >= 0
    assert view.filter.isprintable()
    assert clamp_scroll(view, 3).scroll <= 3


def test_every_key_has_one_action_and_every_view_action_changes_something() -> None:
    assert len(KEYS) == len(set(KEYS))
    busy = msgspec.structs.replace(START, focus="spread", zoomed=True, window=20, scroll=5)
    for action in ACTIONS:
        if action.scope == "view":
            assert reduce(busy, action.keys[0]) != busy, action.id
        else:
            assert reduce(busy, action.keys[0]) == busy, action.id


def test_the_commands_name_each_page_and_its_key() -> None:
    named = {entry.name: entry.keys for entry in entries(START) if entry.name.startswith("page ")}
    assert named == {f"page {page}": f"F{number}" for number, page in enumerate(WHOLE, 2)}


def test_no_default_key_is_one_that_tmux_screen_or_editors_own() -> None:
    owned = {f"ctrl+{letter}" for letter in "abjosq"} | {"`", "grave_accent"}
    assert owned.isdisjoint(KEYS)


def test_key_names_prefer_the_character() -> None:
    assert key_name("question_mark", "?") == "?"
    assert key_name("space", " ") == "space"
    assert key_name("tab", "\t") == "tab"
    assert key_name("ctrl+d", "\x04") == "ctrl+d"
    assert DEFAULT_KEYS.action_of("?") is not None
