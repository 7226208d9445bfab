"""Ctrl+Z, fg and bg in a shell with job control; and where no shell could bring the program back."""

from __future__ import annotations

import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.support.pty_terminal import COMMAND, Terminal

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="needs a shell with job control")


@pytest.fixture
def shell(env):
    with Terminal(["bash", "--norc", "--noediting", "-i"], env={**env, "PS1": "READY> "}) as terminal:
        terminal.see("READY>")
        yield terminal


def start(shell: Terminal) -> None:
    shell.press(f"{COMMAND} demo --speed 60\r")
    shell.see("DEMO", "in a row", "5 Health")


def is_whole(terminal: Terminal) -> bool:
    return terminal.text.count("╭") == terminal.text.count("╯") == 5 and "DEMO" in terminal.lines[0]


def stop(shell: Terminal) -> None:
    """Ctrl+Z, and a shell that listens."""
    shell.press("\x1a")
    shell.wait(lambda t: 1049 not in t.modes, "the terminal back")
    shell.press("echo a''live\r")
    shell.wait(lambda t: b"alive" in t.raw.rpartition(b"\x1b[?1049l")[2], "the shell")
    shell.press("clear\r")
    shell.wait(lambda t: "╭" not in t.text, "an empty screen")


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_desk_back(shell):
    start(shell)
    for _ in range(2):
        stop(shell)
        assert shell.keyboard_depth == 0
        assert not shell.modes & {1000, 1003, 1006, 2004, 1004} - {2004}
        shell.press("fg\r")
        shell.wait(lambda t: 1049 in t.modes, "the alternate screen")
        shell.wait(is_whole, "the whole desk")
    clock = shell.lines[0]
    shell.wait(lambda t: is_whole(t) and t.lines[0] != clock, "the tape to go on")
    shell.press("q")
    shell.wait(lambda t: 1049 not in t.modes, "the end")
    shell.press("echo code $?; exit 7\r")
    assert shell.end() == 7
    assert b"code 0" in shell.raw


def test_the_window_may_change_while_it_is_stopped(shell):
    start(shell)
    stop(shell)
    shell.resize(100, 50)
    shell.press("fg\r")
    shell.wait(lambda t: is_whole(t) and any(len(line.rstrip()) == 100 for line in t.lines), "the new size")


def test_after_bg_it_waits_for_the_terminal(shell):
    start(shell)
    stop(shell)
    shell.press("bg\r")
    shell.watch(1.0)
    shell.press("echo still''here\r")
    shell.wait(lambda t: b"stillhere" in t.raw, "the shell to have the terminal")
    assert 1049 not in shell.modes
    shell.press("fg\r")
    shell.wait(lambda t: 1049 in t.modes and is_whole(t), "the desk")


def test_a_shell_that_ends_takes_its_stopped_desk_with_it(shell):
    start(shell)
    stop(shell)
    shell.press("jobs -p\r")
    shell.wait(lambda t: pid_of(t) is not None, "the process id")
    pid = pid_of(shell)
    shell.hang_up()
    end = time.monotonic() + 60
    while is_running(pid):
        assert time.monotonic() < end, "the desk outlives its shell"
        time.sleep(0.05)


def pid_of(terminal: Terminal) -> int | None:
    matches = re.findall(rb"jobs -p\r\n(?:\x1b\[[?0-9;]*[a-z])?(\d+)\r", terminal.raw)
    return int(matches[0]) if matches else None


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("way", ["key", "signal"])
def test_without_a_shell_to_come_back_to_it_does_not_stop(demo, way):
    if way == "key":
        demo.press("\x1a")
    else:
        demo.send_signal(signal.SIGTSTP)
    demo.wait(lambda t: t.raw.count(b"\x1b[?1049h") == 2, "the terminal taken again")
    demo.wait(is_whole, "the whole desk")
    demo.press("q")
    assert demo.end() == 0
    demo.assert_at_rest()


def test_help_says_so(demo):
    demo.press("?")
    demo.see("/ to find")
    demo.press("/fg returns")
    demo.see("Ctrl+Z", "fg returns here")
