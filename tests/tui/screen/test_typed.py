"""Whatever bytes are typed, the program goes on, shows no traceback and listens to the next key."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from tests.support.pty_terminal import COMMAND, Terminal
from tui.screen.typed import IDLE_TICKS, TypedInput

SEEDS = range(int(os.environ.get("TYPED_SEEDS", "3")))
FRAGMENTS = [
    b"\x1b", b"\x1b[", b"\x1bO", b"\x1b[M", b"\x1b[200~", b"\x1b[201~", b"\x1b[<", b"\x1b[48;", b"\x1b]52;",
    b"\xff", b"\xe9", b"\xc3", b"\xf0\x9f", b"\x00", b"\x9b", b"u", b"M", b"m", b"~", b"t", b"$y", b"R", b";",
    b"\x1b[999999999999;5u", b"\x1b[1114112u", b"\x1b[:::u", b"\x1b[;;u", b"\x1b[<0;99999999;99999999M",
    b"\x1b[48;99999;99999;1;1t", b"\x1b[?2048;1$y", b"\x1b[?2026;2$y", b"\x1b[55296u", b"\x1b[I", b"\x1b[O",
    b"\x1bP", b":", b"\x1b[<-1;-1m",
]  # fmt: skip
anything = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8), max_size=30)


def keys(messages) -> list[str]:
    return [message.key for message in messages if isinstance(message, events.Key)]


def waited(typed: TypedInput, ticks: int = IDLE_TICKS) -> list[str]:
    return [key for _ in range(ticks) for key in keys(typed.tick())]


@given(anything)
def test_no_bytes_are_an_error_and_none_leave_it_deaf(pieces):
    typed = TypedInput()
    for piece in pieces:
        typed.feed(piece)
    waited(typed)
    assert keys(typed.feed(b"j")) == ["j"]


@given(anything, st.integers(1, 7))
def test_nothing_typed_says_how_large_the_window_is(pieces, size):
    data = b"".join(pieces)
    typed = TypedInput()
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    messages = [message for chunk in chunks for message in typed.feed(chunk)]
    assert not [message for message in messages if isinstance(message, events.Resize | events.Paste)]


@given(st.binary(min_size=3, max_size=3), st.integers(3, 6))
def test_a_mouse_report_of_the_old_kind_is_no_key_wherever_it_is_cut(report, cut):
    typed = TypedInput()
    data = b"\x1b[M" + report
    result = keys(typed.feed(data[:cut])) + keys(typed.feed(data[cut:] + b"jk"))
    assert result == ["j", "k"]


@given(st.binary(max_size=40), st.integers(3, 50))
def test_a_paste_is_no_key_wherever_it_is_cut(pasted, cut):
    typed = TypedInput()
    data = b"\x1b[200~" + pasted.replace(b"\x1b", b"") + b"\x1b[201~"
    assert keys(typed.feed(data[:cut])) + keys(typed.feed(data[cut:] + b"j")) == ["j"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff", []),
        (b"\xe9", []),
        (b"caf\xe9\xc3\xa9z", ["c", "a", "f", "é", "z"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1b[I\x1b[O", []),
        (b"\x1b[1114112uj", ["j"]),
        (b"\x1b[999999999999;5uj", ["j"]),
        (b"\x1b[113u", ["q"]),
        (b"\x1b[99;5u", ["ctrl+c"]),
        (b"\x03", ["ctrl+c"]),
        (b"\x1a", ["ctrl+z"]),
        (b"\x1b[Z", ["shift+tab"]),
    ],
)
def test_keys(data, expected):
    assert keys(TypedInput().feed(data)) == expected


def test_an_escape_alone_is_a_key_after_a_while():
    typed = TypedInput()
    assert keys(typed.feed(b"\x1b")) == []
    time.sleep(0.12)
    assert waited(typed, 2) == ["escape"]


def test_a_click_has_its_place():
    (down,) = TypedInput().feed(b"\x1b[<0;31;7M")
    assert isinstance(down, events.MouseDown)
    assert (down.x, down.y) == (30, 6)


@pytest.mark.parametrize("data", [b"\xff", b"\xe9", b"\x1b[M \xff!", b"\x1b[M\xe9\xe9\xe9", b"\x1b[1114112u"])
def test_the_screen_survives(demo, data):
    demo.type(data)
    demo.watch(0.3)
    demo.press("2")
    demo.press("z")
    demo.wait(lambda t: "1 Legs" not in t.text and "2 Spread" in t.text, "keys to work")
    assert "Traceback" not in demo.text
    demo.press("q")
    assert demo.end() == 0
    demo.assert_at_rest()
    assert demo.last_words == ""


@pytest.mark.parametrize("seed", SEEDS)
def test_the_screen_survives_anything(env, seed):
    rng = random.Random(seed)
    endings = b"qQ\x03\x1a"  # q, Ctrl+C and Ctrl+Z do what they say
    with Terminal([COMMAND, "demo", "--speed", "60"], env=env) as terminal:
        terminal.see("DEMO", "in a row")
        for _ in range(60):
            piece = rng.choice(FRAGMENTS) if rng.random() < 0.6 else rng.randbytes(rng.randrange(1, 40))
            terminal.type(bytes(byte for byte in piece if byte not in endings))
            terminal.read(0.01)
        terminal.watch(IDLE_TICKS * 0.1 + 1.0)
        terminal.press("\x1b")
        terminal.watch(0.3)
        terminal.press("\x1b")
        terminal.watch(0.3)
        terminal.press("1")
        terminal.wait(lambda t: "1 Legs" in t.text, "the desk")
        assert "Traceback" not in terminal.text
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_at_rest()


def test_a_flood_of_keys_is_bounded_and_sigterm_still_works(demo):
    for _ in range(50):
        demo.type(b"jk" * 1000 + b"\x1b[<35;10;10M" * 50)
        demo.read(0.0)
    demo.send_signal(signal.SIGTERM)
    assert demo.end() == 143
    demo.assert_at_rest()
