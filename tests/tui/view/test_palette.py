"""The commands: all that keys do can be found and run, and nothing else happens."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.desk import WINDOWS
from tui.ssh.rooms.defaults import ViewDefaults, first_view
from tui.view.keymap import ACTIONS
from tui.view.palette import HIDDEN, chosen, entries, matching, pressed
from tui.view.view_state import PANELS, SORTS, ViewState

START = ViewState(themes=("midnight", "paper"), pairs=("IWN/IVW",), lists=("mine",))
OPEN = pressed(START, ":")


def typed(text: str, *keys: str) -> ViewState:
    view = OPEN
    for key in (*text, *keys):
        view = pressed(view, "space" if key == " " else key)
    return view


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("zoom", "zoom"),
        ("zo", "zoom"),
        ("theme pap", "theme paper"),
        ("paper", "theme paper"),
        ("wdw 252", "window 252"),
        ("pgr", "panel graph"),
        ("iwn", "pair IWN/IVW"),
        ("mine", "list mine"),
        ("clipboard", ""),
        ("copy", "copy"),
        ("to a file", "export"),
        ("xyzzy", ""),
    ],
)
def test_what_is_typed_finds_a_command(text, name):
    entry = chosen(typed(text))
    assert (entry.name if entry else "") == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zoom", {"zoomed": True}),
        ("window 252", {"window": 252}),
        ("theme paper", {"theme": "paper"}),
        ("pair iwn", {"pair": "IWN/IVW"}),
        ("list mine", {"list": "mine"}),
        ("panel graph", {"focus": "graph"}),
        ("sort streak", {"sort": "streak"}),
        ("longer", {"window": 20}),
        ("help", {"help": True}),
        ("copy", {}),
        ("xyzzy", {}),
    ],
)
def test_enter_runs_it_and_closes(text, expected):
    assert typed(text, "enter") == msgspec.structs.replace(START, **expected)


def test_arrows_choose_and_stay_inside():
    names = [entry.name for entry in matching(OPEN)]
    assert chosen(typed("", "down", "down", "up")).name == names[1]
    assert chosen(typed("", "up")).name == names[0]
    last = typed("", *["tab"] * 200)
    assert chosen(last).name == names[-1]
    assert last.choice == len(names) - 1
    assert chosen(typed("theme", "down", "p")).name == "theme paper", "what is typed begins at the top again"
    assert typed("z", "backspace").filter == ""
    assert typed("zoom", "escape") == START
    assert typed("q") != START, "letters are typed, not keys"


def test_every_action_and_every_value_is_listed_once():
    listed = list(entries(START))
    names = [entry.name for entry in listed]
    assert len(names) == len(set(names))
    actions = {each.id for each in ACTIONS}
    assert {entry.action for entry in listed if entry.action} == actions - HIDDEN
    for field, values in (("focus", PANELS), ("window", WINDOWS), ("sort", SORTS), ("pair", ("", "IWN/IVW"))):
        assert [entry.sets[1] for entry in listed if entry.sets and entry.sets[0] == field] == list(values)


def test_a_host_lists_what_its_viewers_can_do():
    names = {entry.name for entry in entries(first_view(ViewDefaults(), ("midnight",)))}
    assert {"colours", "copy", "zoom", "quit"} <= names
    assert not {"hold", "slower", "faster", "earlier", "later", "rewind", "suspend"} & names


def test_only_commands_that_can_be_run_are_listed():
    view = msgspec.structs.replace(START, scopes=frozenset({"view", "app"}))
    listed = {entry.action for entry in entries(view)}
    assert {"zoom", "copy", "quit"} <= listed
    assert not listed & {"hold", "slower", "faster", "earlier", "later", "rewind", "suspend", "colours"}


@given(st.lists(st.sampled_from([*"abcdefghijklmnop: ", "enter", "escape", "down", "up", ":", "backspace"])))
def test_any_keys_leave_a_view_that_can_be_drawn(keys):
    view = START
    for key in keys:
        view = pressed(view, "space" if key == " " else key)
        assert view.typing or not view.palette
        assert view.focus in PANELS
        assert view.sort in SORTS
        assert view.theme in view.themes
        assert not view.palette or 0 <= view.choice < max(len(matching(view)), 1) or view.choice == 0
