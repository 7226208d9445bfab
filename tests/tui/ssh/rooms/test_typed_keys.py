"""Keys out of bytes, however they are cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ssh.rooms.keys import LONGEST, Keys
from tui.view.keymap import ACTIONS

TYPED = {
    b"q": ["q"],
    b" ": ["space"],
    b"\r": ["enter"],
    b"\t": ["tab"],
    b"\x1b[Z": ["shift+tab"],
    b"\x7f": ["backspace"],
    b"\x03": ["ctrl+c"],
    b"\x04": ["ctrl+d"],
    b"\x10": ["ctrl+p"],
    b"\x15": ["ctrl+u"],
    b"\x1b[A": ["up"],
    b"\x1bOB": ["down"],
    b"\x1b[C": ["right"],
    b"\x1b[D": ["left"],
    b"\x1b[5~": ["pageup"],
    b"\x1b[6~": ["pagedown"],
    b"\x1b[H": ["home"],
    b"\x1b[4~": ["end"],
    b"\x1bOQ": ["f2"],
    b"\x1bOR": ["f3"],
    b"\x1bOS": ["f4"],
    b"\x1b[15~": ["f5"],
    b"\x1b[17~": ["f6"],
    b"\x1b[18~": ["f7"],
    b"\x1b[19~": ["f8"],
    b"\x1b[24~": ["f12"],
    b"\x1b[12~": ["f2"],
    b"\x1b[[B": ["f2"],
    "ü".encode(): ["ü"],
    b"?G[": ["?", "G", "["],
    b"\x1bx": [],
    b"\x1b[1;5A": [],
    b"\x1b[<35;10;10M": [],
    b"\x1b[200~": [],
    b"\x1b]11;rgb:00/00/00\x07": [],
    b"\x1bP1$r0m\x1b\\": [],
    b"\x00\x9b\xff\x80": [],
}


@pytest.mark.parametrize("data", TYPED, ids=repr)
def test_what_a_terminal_sends(data):
    assert Keys().feed(data) == TYPED[data]


@given(st.lists(st.sampled_from(sorted(TYPED)), max_size=8), st.integers(1, 7))
def test_pieces_make_no_difference(typed, step):
    data = b"".join(typed)
    keys = Keys()
    pieces = [key for at in range(0, len(data), step) for key in keys.feed(data[at : at + step])]
    assert pieces == Keys().feed(data) == [key for each in typed for key in TYPED[each]]


def test_an_escape_alone_is_the_key_once_time_has_passed():
    keys = Keys()
    assert keys.feed(b"\x1b") == []
    assert keys.waiting
    assert keys.tick() == ["escape"]
    assert not keys.waiting
    assert keys.tick() == []
    assert keys.feed(b"[A") == ["[", "A"]


def test_two_escapes_are_one_key_at_once():
    keys = Keys()
    assert keys.feed(b"\x1b\x1b") == ["escape"]
    assert keys.tick() == ["escape"]


@given(st.binary(max_size=400))
def test_any_bytes_leave_it_able_to_go_on(data):
    keys = Keys()
    for key in keys.feed(data):
        assert key.isprintable()
    keys.feed(b"\x07" * LONGEST)
    keys.tick()
    keys.reset()
    assert keys.feed(b"q") == ["q"]


def test_every_key_of_the_table_can_be_typed():
    """The names are those of the one key table."""
    typed = {key for result in TYPED.values() for key in result}
    named = {key for action in ACTIONS if action.scope != "local" for key in action.keys if len(key) > 1}
    assert named <= typed | {"escape"}
