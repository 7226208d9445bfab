"""The installed command in a real terminal: what a person sees and presses, and what is left afterwards."""

from __future__ import annotations

import signal
import sys
from datetime import date

import polars as pl
import pytest

from rotation.sessions import open_ns
from tests.support.pty_terminal import COMMAND, CURSOR, Terminal

PANELS = ("1 Legs", "2 Spread", "3 Ratio", "4 Fed", "5 Health")


def in_use(terminal: Terminal) -> None:
    """The alternate screen is on and keys come one by one: else nothing would be there to restore."""
    assert 1049 in terminal.modes
    assert CURSOR not in terminal.modes
    assert terminal.attributes_now != terminal.attributes


def focused(terminal: Terminal) -> set[str]:
    """The panels whose title stands out."""
    names = set()
    styles, width = terminal.styles, len(terminal.lines[0])
    for panel in PANELS:
        for y, line in enumerate(terminal.lines):
            x = line.find(panel)
            if x >= 0 and styles[y * width + x][2]:
                names.add(panel)
    return names


def shown(terminal: Terminal) -> set[str]:
    return {panel for panel in PANELS if panel in terminal.text}


def focus_is(panel: str):
    return lambda terminal: focused(terminal) == {panel}


def test_keys_walk_the_panels_and_zoom(demo):
    assert focused(demo) == {"1 Legs"}
    for number, panel in enumerate(PANELS, 1):
        demo.press(str(number))
        demo.wait(focus_is(panel), f"{panel} in focus")
    demo.press("\t")
    demo.wait(lambda t: "6 Breadth" in t.text, "breadth, which has no place in the grid")
    demo.press("\t")
    demo.wait(lambda t: "7 Events" in t.text, "events, which have none either")
    demo.press("\t")
    demo.wait(lambda t: "8 Graph" in t.text, "the graph, which has none")
    demo.press("\t")
    demo.wait(lambda t: "9 Macro" in t.text, "macro, the last")
    demo.press("\t")
    demo.wait(focus_is("1 Legs"), "Tab to go round")
    demo.press("\x1b[Z")
    demo.wait(lambda t: "9 Macro" in t.text, "Shift+Tab to go back")
    demo.press("\x1b[Z")
    demo.wait(lambda t: "8 Graph" in t.text, "and back")
    demo.press("\x1b[Z")
    demo.wait(lambda t: "7 Events" in t.text, "and back again")
    demo.press("\x1b[Z")
    demo.wait(lambda t: "6 Breadth" in t.text, "Shift+Tab to go on")
    demo.press("\x1b[Z")
    demo.wait(focus_is("5 Health"), "Shift+Tab once more")
    demo.press("3z")
    demo.wait(lambda t: shown(t) == {"3 Ratio"}, "the ratio alone")
    demo.press("\x1b")
    demo.wait(lambda t: shown(t) == set(PANELS), "all panels again")
    demo.press("\r")
    demo.wait(lambda t: shown(t) == {"3 Ratio"}, "Enter to zoom too")
    demo.press("\r")
    demo.see("Enter explain", "Esc back")
    demo.press("\r")
    demo.see("What a figure rests on", "the inputs below give the same")
    demo.press("\x1b")
    demo.see("Enter explain")
    demo.press("\x1b")
    demo.wait(lambda t: "Enter explain" not in t.text and shown(t) == {"3 Ratio"}, "no figure chosen")
    demo.press("z")
    demo.wait(lambda t: shown(t) == set(PANELS), "and back")
    assert focused(demo) == {"3 Ratio"}


def test_keys_choose_the_window_the_theme_and_help(demo):
    demo.see("▸5d")
    demo.press("]")
    demo.see("▸20d", "window 20")
    demo.press("[[")
    demo.see("▸1d", "window 1 ")
    demo.press(" ")
    demo.see("PAUSED")
    demo.settle()
    text, styles = demo.text, demo.styles
    demo.press("t")
    demo.wait(lambda t: t.styles != styles, "another theme")
    demo.settle()
    assert demo.text == text, "the same in other colours"
    demo.press(" ?")
    demo.see("find", "this help")
    assert not shown(demo) & {"1 Legs", "2 Spread"}
    demo.press("/quit")
    demo.wait(lambda t: "Ctrl+C" in t.text and "zoom the panel" not in t.text, "help to be filtered")
    demo.press("\x1b\x1b")
    demo.wait(lambda t: "this help" not in t.text or shown(t) == set(PANELS), "Esc to leave")
    demo.press("\x1b")
    demo.wait(lambda t: shown(t) == set(PANELS), "the panels again")


def test_a_paused_screen_stands_still_and_says_so_and_then_catches_up(demo):
    demo.press(" ")
    demo.see("PAUSED")
    demo.settle()
    still = demo.text
    demo.watch(1.0)
    assert demo.text == still
    demo.press("2")
    demo.wait(focus_is("2 Spread"), "keys to work while paused")
    assert "PAUSED" in demo.text
    demo.press("1 ")
    demo.wait(lambda t: "PAUSED" not in t.text and t.lines[0] != still.splitlines()[0], "time to go on")


def test_a_held_tape_stands_still_and_says_so(demo):
    demo.press("H")
    demo.see(" held ")
    demo.settle(1.5)  # a chart shows what came before the hold up to a second later
    still = demo.text
    demo.watch(1.0)
    assert demo.text == still
    demo.press("H")
    demo.wait(lambda t: "×60" in t.lines[0] and t.lines[0] != still.splitlines()[0], "the tape to run")
    demo.press(">")
    demo.see("×120")
    demo.press("<<")
    demo.see("×30")


def test_any_size_and_back(demo):
    for columns, lines, parts in (
        (120, 40, PANELS),
        (80, 24, ("1 Legs", "2 Spread", "in a row")),
        (40, 12, ("DEMO", "IWM", "1 Legs")),
        (30, 8, ("Terminal too small: 30×8", "40×10")),
    ):
        demo.resize(columns, lines)
        demo.see(*parts)
        demo.wait(
            lambda t: t.text.count("╭") == t.text.count("╯") == len(shown(t)), "whole panels and no remains"
        )
    demo.resize(1, 1)
    demo.watch(0.5)
    demo.resize(500, 3)
    demo.see("Terminal too small: 500×3")
    demo.resize(160, 45)
    demo.wait(lambda t: t.text.count("╭") == t.text.count("╯") == len(PANELS), "the whole desk again")
    assert shown(demo) == set(PANELS)
    demo.see("DEMO", "in a row")
    demo.press("q")
    assert demo.end() == 0
    demo.assert_at_rest()


def test_a_screen_where_nothing_moves_follows_the_window_too(demo):
    demo.press(" ")
    demo.see("PAUSED")
    for columns, lines in ((120, 40), (80, 24), (160, 45)):
        demo.resize(columns, lines)
        demo.wait(
            lambda t, wide=columns: (
                "PAUSED" in t.lines[0]
                and len(t.lines[-1].strip()) > 0
                and any(len(line.rstrip()) == wide and line.rstrip().endswith("╮") for line in t.lines)
                and t.text.count("╭") == t.text.count("╯") == len(shown(t))
            ),
            f"whole panels at {columns}×{lines}",
        )


def test_resized_twice_at_once_the_last_size_counts(demo):
    for _ in range(20):
        demo.resize(80, 24)
        demo.resize(121, 41)
    # At the size before them the desk may be whole already.
    demo.wait(lambda t: any(line.startswith("╭─ 1 Legs") and line[120:121] == "╮" for line in t.lines), "121")
    demo.wait(lambda t: t.text.count("╭") == t.text.count("╯") == len(PANELS), "the whole desk")
    assert [len(line.rstrip()) for line in demo.lines if line.startswith("╭─ 1 Legs")] == [121]


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "Ctrl+C"])
def test_a_key_to_quit_leaves_the_terminal_as_it_was(demo, key):
    in_use(demo)
    demo.press(key)
    assert demo.end() == 0
    demo.assert_at_rest()
    assert demo.last_words == ""


def test_one_can_quit_before_anything_is_there(env):
    with Terminal([COMMAND, "demo"], env=env) as terminal:
        terminal.see("opening…")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_at_rest()
        assert terminal.last_words == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_to_end_leaves_the_terminal_as_it_was(demo, number):
    in_use(demo)
    demo.send_signal(number)
    assert demo.end() == {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 0}[number]
    demo.assert_at_rest()
    assert demo.last_words == ""


def test_a_window_that_is_closed_leaves_no_process_behind(demo):
    demo.hang_up()
    assert demo.end() != 0


def test_a_replay_ends_and_can_be_played_again(env, tmp_path):
    opens = open_ns(date(2024, 7, 16))
    rows = [("IWM", opens + i * 1_000_000_000, 220.0 + i) for i in range(5)]
    path = tmp_path / "tape.parquet"
    pl.DataFrame(rows, schema=["symbol", "ts_ns", "price"], orient="row").write_parquet(path)
    with Terminal([COMMAND, "replay", path, "--speed", "10"], env=env, size=(100, 30)) as terminal:
        terminal.see("REPLAY", "end of tape", "224.00")
        terminal.press("H0")
        terminal.see("220.00", "held")
        terminal.press("H")
        terminal.see("end of tape", "224.00")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_at_rest()


def test_a_wrong_word_on_the_command_line_never_opens_the_screen(env):
    with Terminal([COMMAND, "demo", "--theme", "nope"], env=env) as terminal:
        assert terminal.end() == 2
        assert 1049 not in terminal.modes
        assert terminal.last_words.startswith("rotation-tui: unknown theme 'nope'; choose one of midnight, ")


@pytest.mark.parametrize(
    ("way", "hint"), [("</dev/null", "stdin is not a terminal"), ("2>words", "stderr is not a terminal")]
)
def test_without_keys_or_a_place_to_draw_there_is_no_screen_but_a_snapshot(env, tmp_path, way, hint):
    with Terminal(["sh", "-c", f"exec {COMMAND} demo {way}"], env=env, cwd=tmp_path) as terminal:
        assert terminal.end() == 0
        assert terminal.modes == set()
        assert terminal.last_words.startswith("DEMO ")
        result = tmp_path / "words"
        assert hint in (result.read_text() if result.exists() else terminal.last_words)


def test_a_dumb_terminal_gets_a_snapshot_and_no_escape_sequence(env):
    with Terminal(["sh", "-c", f"TERM=dumb exec {COMMAND} demo"], env=env) as terminal:
        assert terminal.end() == 0
        assert terminal.modes == set()
        assert "TERM=dumb has no screen to draw on; printed one snapshot" in terminal.last_words


FAILING = """
import asyncio, sys
from rotation.errors import InputError
from tui.cli import app as cli

def fail(): raise {error}

class Controls:
    def hold(self): fail()
    slower = faster = hold

class Desk:
    controls = Controls()
    async def run(self):
        await asyncio.sleep(0.2)
        if {where!r} == "run": fail()
        await asyncio.Event().wait()
    async def listen(self):
        if {where!r} == "listen": fail()
        if {where!r} == "paint": yield object()
        await asyncio.Event().wait()
        yield
    def want(self, asked):
        pass

class Backend:
    def notices(self):
        return []

    def open(self, wanted):
        if {where!r} == "open": fail()
        return Desk()

sys.exit(cli.run(Backend()))
"""


@pytest.mark.parametrize(
    ("where", "error", "code", "expected"),
    [
        ("run", "RuntimeError('the wire broke')", 1, "RuntimeError: the wire broke"),
        ("run", "InputError('tape.parquet: is gone')", 2, "rotation-tui: tape.parquet: is gone\n"),
        ("run", "ExceptionGroup('two', [ExceptionGroup('one', [OSError('deep')])])", 1, "OSError: deep"),
        ("listen", "RuntimeError('two\\nlines')", 1, "RuntimeError: two lines"),
        ("open", "InputError('IWM.csv, line 3: no')", 2, "rotation-tui: IWM.csv, line 3: no\n"),
        ("open", "RuntimeError('the disk broke')", 1, "RuntimeError: the disk broke"),
        ("paint", "None", 1, "AttributeError"),
        ("key", "RuntimeError('the key broke')", 1, "RuntimeError: the key broke"),
    ],
)
def test_an_error_ends_the_program_with_one_line_below_a_terminal_at_rest(
    env, tmp_path, where, error, code, expected
):
    script = FAILING.format(where=where, error=error)
    with Terminal([sys.executable, "-c", script, "demo"], env=env) as terminal:
        if where == "key":
            terminal.see("opening…")
            terminal.settle()
            terminal.press("H")
        assert terminal.end() == code
        assert b"\x1b[?1049h" in terminal.raw, "the screen had been opened"
        terminal.assert_at_rest()
        assert expected in terminal.last_words
        (line,) = terminal.last_words.splitlines()
        assert line.startswith("rotation-tui: ")
    log = tmp_path / "STATE" / "rotation-tui" / "rotation-tui.log"
    assert (log.exists() and "Traceback" in log.read_text()) == (code == 1)
    assert (str(log) in line) == (code == 1)
