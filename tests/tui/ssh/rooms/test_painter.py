"""The bytes of a room make a terminal show what the app shows, whole or bit by bit, wherever it stands."""

from __future__ import annotations

import os
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pty_terminal import Terminal
from tests.support.ssh_scenes import THEMED, Screen
from tests.support.tui.scenes import with_leg
from tui.screen.scene import scene
from tui.ssh.rooms.colours import DEPTHS, colours_of, ink, next_of, term
from tui.ssh.rooms.painter import changed, opening, whole
from tui.view.theme import ROLES, load, names
from tui.view.view_state import ViewState, reduce

APP = """
import sys, msgspec
from pathlib import Path
from rotation.snapshot import Snapshot
from tui.screen.app import RotationApp
from tui.screen.picture import Still
from tui.view.theme import names
from tui.view.view_state import ViewState
snapshot = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Snapshot)
RotationApp(lambda: Still(snapshot), ViewState(themes=names())).run()
"""
SIZES = [(160, 45), (120, 40), (100, 30), (80, 24), (60, 20), (40, 10), (30, 8)]


def painted(snapshot, view, size, *, colours="true", at=(0, 0), terminal=None) -> Screen:
    screen = Screen(*(terminal or size))
    look = ink(view.theme, colours)
    screen.feed(opening(look, *at) + whole(scene(snapshot, view, *size), look))
    return screen


def test_the_same_cells_as_the_app(scenes, tmp_path):
    """The Textual app in a terminal, and the painter, cell by cell: sizes, themes, zoom, help, a search."""
    held = tmp_path / "snapshot.json"
    held.write_bytes(msgspec.json.encode(scenes["live"]))
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    view = THEMED

    def same(size: tuple[int, int]) -> None:
        wanted = painted(scenes["live"], view, size)
        looks = [cell[1:4] for line in wanted.cells() for cell in line]
        terminal.wait(lambda t: t.text == wanted.text, f"{size} {view}")
        if load(view.theme).background == "default":
            # Textual gives names of colours its own values; here they stay the terminal's.
            assert [bold for *_, bold in terminal.styles] == [bold for *_, bold in looks]
        else:
            assert terminal.styles == looks, (size, view)

    with Terminal(
        [sys.executable, "-c", APP, held], size=SIZES[0], env={**env, "COLORTERM": "truecolor"}
    ) as terminal:
        terminal.see("Russell 2000 (IWM)")
        for size in SIZES:
            terminal.resize(*size)
            terminal.settle(0.2)
            same(size)
        terminal.resize(*SIZES[1])
        for key in (
            "2",
            "z",
            "]",
            "escape",
            "?",
            "/",
            "z",
            "enter",
            "escape",
            "escape",
            *["t"] * len(names()),
        ):
            view = reduce(view, key)
            terminal.press({"escape": "\x1b", "enter": "\r"}.get(key, key))
            terminal.settle(0.2)
            same(SIZES[1])


KEYS = [*"123456[]cz?t/j", "tab", "enter", "escape", "backspace", "G", "g", "e", "space"]


@given(
    keys=st.lists(st.sampled_from(KEYS), max_size=8),
    size=st.sampled_from([(160, 45), (100, 30), (80, 24), (40, 10), (20, 6)]),
    colours=st.sampled_from(DEPTHS),
)
def test_changes_lead_to_the_same_cells_as_a_whole_frame(scenes, keys, size, colours):
    look = ink("midnight", colours)
    view = msgspec.structs.replace(THEMED, themes=("midnight",))
    snapshots = [
        scenes["live"],
        with_leg(scenes["live"], "IWM", last=1.5),
        with_leg(scenes["live"], "IWM", name="東京 Tokyo 東京"),
        scenes["closed"],
        scenes["cached"],
        None,
    ]
    screen = Screen(*size)
    shown = scene(None, view, *size)
    screen.feed(opening(look, 0, 0) + whole(shown, look))
    for at, key in enumerate(["", *keys]):
        view = reduce(view, key)
        after = scene(snapshots[at % len(snapshots)], view, *size)
        screen.feed(changed(shown, after, look))
        shown = after
        assert screen.cells() == painted(snapshots[at % len(snapshots)], view, size, colours=colours).cells()


def test_what_has_not_changed_costs_nothing(scenes):
    look = ink("midnight", "true")
    first, other = (scene(scenes["live"], THEMED, 120, 40) for _ in range(2))
    assert changed(first, other, look) == b""
    moved = scene(with_leg(scenes["live"], "IWM", last=221.29), THEMED, 120, 40)
    assert 0 < len(changed(first, moved, look)) < 150
    assert len(whole(first, look)) > 5_000


@pytest.mark.parametrize("at", [(0, 0), (7, 3), (20, 6)])
def test_the_same_bytes_wherever_the_frame_stands(scenes, at):
    look = ink("midnight", "true")
    first = scene(scenes["live"], THEMED, 80, 24)
    other = scene(scenes["closed"], THEMED, 80, 24)
    screen = Screen(100, 30)
    screen.feed(opening(look, *at) + whole(first, look) + changed(first, other, look))
    assert screen.cells(*at, 80, 24) == painted(scenes["closed"], THEMED, (80, 24)).cells()
    assert {cell[0] for line in screen.cells()[: at[1]] for cell in line} <= {" "}


def test_a_terminal_obeys_nothing_that_the_feed_says(scenes):
    """ESC, NUL, C1, bidi: a hostile name of a leg is text or nothing."""
    evil = "\x1b]52;c;ZXZpbA==\x07\x00\x9b2J\u202egnp\u200b" * 3
    hostile = with_leg(scenes["live"], "IWM", name=evil, state="LIVE\x1b[2J", source="\x1bc")
    hostile = msgspec.structs.replace(hostile, headline=evil, mode="DEMO\x1b[9m")
    data = whole(scene(hostile, THEMED, 160, 45), ink("midnight", "true"))
    text = data.decode()
    assert "\x1b]" not in text
    assert not set("\x00\x07\x9b\u202e\u200b") & set(text)
    assert "\x1bc" not in text
    assert "\x1b[2J" not in text
    assert "\x1b[9m" not in text


@pytest.mark.parametrize("theme", names())
@pytest.mark.parametrize("colours", DEPTHS)
def test_every_role_has_its_sequence(theme, colours):
    look = ink(theme, colours)
    assert set(look.on) == set(ROLES)
    for on in look.on.values():
        assert on.startswith(b"\x1b[0")
        assert on.endswith(b"m")
        if colours != "true":
            assert b"38;2;" not in on
        if colours in {"16", "none"}:
            assert b"38;5;" not in on
        if colours == "none":
            assert not set(on[2:-1].split(b";")) - {b"0", b"1", b"2", b"3", b"4", b"7"}


def test_colours_come_from_the_terminal():
    assert colours_of("xterm-256color", {}) == "256"
    assert colours_of("xterm-256color", {"COLORTERM": "truecolor"}) == "true"
    assert colours_of("xterm-kitty", {}) == "true"
    assert colours_of("screen", {}) == "16"
    assert colours_of("vt100", {}) == "none"
    assert colours_of("xterm-256color", {"NO_COLOR": "1"}) == "none"
    assert [next_of(colours) for colours in DEPTHS] == [*DEPTHS[1:], DEPTHS[0]]


@pytest.mark.parametrize("claimed", ["", "\x1b[2J", "x" * 65, "xterm\n", "../../etc", "é", "-x", "a b"])
def test_a_hostile_term_is_no_terminal(claimed):
    assert term(claimed) == ""


def test_a_named_term_is_one():
    assert term("tmux-256color") == "tmux-256color"
    assert ViewState().theme == "midnight"
