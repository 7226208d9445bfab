"""A terminal that closes, stops reading or is told to end leaves no process and no mess behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.pty_terminal import COMMAND, Terminal

CLOSINGS = int(os.environ.get("CLOSINGS", "6"))
"""Fifty of them once: CLOSINGS=50."""
LIMIT_S = 60.0
"""The program takes two; the rest is for a busy machine. What must not happen would last for ever."""
HANG_UP = 129


def make_traffic(terminal: Terminal, rng: random.Random) -> None:
    """Much to paint, of which nobody reads anything."""
    for _ in range(rng.randrange(40)):
        terminal.press(rng.choice("t]z?2345"))
        if rng.random() < 0.2:
            terminal.resize(rng.randrange(40, 200), rng.randrange(10, 60))
    time.sleep(rng.random() * 0.6)


@pytest.mark.timeout(600 + CLOSINGS * 15)
def test_no_process_outlives_its_terminal(env):
    for seed in range(CLOSINGS):
        with Terminal([COMMAND, "demo", "--speed", "3600"], env=env) as terminal:
            terminal.see("DEMO", "in a row")
            make_traffic(terminal, random.Random(seed))
            terminal.hang_up()
            assert terminal.end_unread(LIMIT_S) == HANG_UP, f"closing {seed}"


def test_a_terminal_that_closes_at_the_start_ends_the_program(env):
    for wait_s in (0.1, 0.4, 0.7):
        with Terminal([COMMAND, "demo"], env=env) as terminal:
            time.sleep(wait_s)
            terminal.hang_up()
            assert terminal.end_unread(LIMIT_S) != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
@pytest.mark.parametrize("stuck", ["full", "stopped"])
def test_a_terminal_that_does_not_read_is_given_back_on_a_signal(demo, number, stuck):
    if stuck == "stopped":
        demo.stop_output()
    for _ in range(40):
        demo.press("t")
        time.sleep(0.02)
    time.sleep(0.5)
    demo.send_signal(number)
    assert demo.end_unread(LIMIT_S) == 128 + number
    demo.end()
    demo.assert_at_rest()


def test_q_ends_the_program_though_the_terminal_does_not_read(demo):
    for _ in range(40):
        demo.press("t")
        time.sleep(0.02)
    demo.press("q")
    assert demo.end_unread(LIMIT_S) == 0
    demo.end()
    demo.assert_at_rest()


def test_a_terminal_that_reads_again_shows_the_whole_desk(demo):
    for i in range(60):
        demo.resize(80 + i, 24 + i // 4)
        demo.press("t")
        time.sleep(0.03)
    demo.resize(160, 45)
    time.sleep(1.0)
    demo.wait(
        lambda t: t.text.count("╭") == t.text.count("╯") == 5 and "DEMO" in t.lines[0], "the whole desk again"
    )
    demo.press("2z")
    demo.wait(lambda t: "1 Legs" not in t.text and "2 Spread" in t.text, "keys to work")


BUSY = """
import asyncio, sys, time
from tui.cli import app as cli

class Desk:
    controls = None
    async def run(self):
        await asyncio.sleep(0.3)
        if {where!r} == "sleep": time.sleep(60)
        if {where!r} == "spin":
            while True: pass
        if {where!r} == "refuse":
            while True:
                try: await asyncio.sleep(60)
                except asyncio.CancelledError: pass
        await asyncio.Event().wait()
    async def listen(self):
        await asyncio.Event().wait()
        yield
    def want(self, asked):
        pass

class Backend:
    def notices(self):
        return []

    def open(self, wanted):
        if {where!r} == "thread": time.sleep(60)
        return Desk()

sys.exit(cli.run(Backend()))
"""


@pytest.mark.parametrize("where", ["sleep", "spin", "refuse", "thread"])
@pytest.mark.parametrize("way", ["hang up", "SIGTERM"])
def test_the_end_comes_whatever_the_program_is_doing(env, where, way):
    command = [sys.executable, "-c", BUSY.format(where=where), "demo"]
    with Terminal(command, env=env) as terminal:
        terminal.see("opening…")
        terminal.watch(1.0)
        if way == "hang up":
            terminal.hang_up()
            assert terminal.end_unread(LIMIT_S) == HANG_UP
        else:
            terminal.send_signal(signal.SIGTERM)
            assert terminal.end_unread(LIMIT_S) == 128 + signal.SIGTERM
            terminal.end()
            terminal.assert_at_rest()


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@contextmanager
def tmux(env, folder: Path):
    """A server of its own; gives the function that runs its commands."""

    def run(*command: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(folder / "tmux"), *command],
            env={**env, "TERM": "xterm-256color"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout

    try:
        yield run
    finally:
        run("kill-server")


def await_true(holds, what: str, limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.05)


@pytest.mark.skipif(not (shutil.which("tmux") and Path("/proc").is_dir()), reason="needs tmux and /proc")
@pytest.mark.parametrize("end", ["kill-session", "kill-server", "kill-pane"])
@pytest.mark.parametrize("size", ["160x45", "80x24"])
def test_in_tmux_nothing_is_left(env, tmp_path, end, size):
    columns, lines = size.split("x")
    with tmux(env, tmp_path) as run:
        run("new-session", "-d", "-x", columns, "-y", lines, f"exec {COMMAND} demo --speed 3600")
        await_true(lambda: "in a row" in run("capture-pane", "-p"), "the desk")
        pid = int(run("list-panes", "-F", "#{pane_pid}"))
        assert is_running(pid)
        run(end)
        await_true(lambda: not is_running(pid), f"the end after {end}", LIMIT_S)


@pytest.mark.parametrize("command", [["watch", "--demo"], ["watch", "--tape", "IWM.csv"]])
def test_a_pipe_whose_reader_goes_ends_the_stream_quietly(env, tmp_path, command):
    (tmp_path / "IWM.csv").write_text(
        "start,open,high,low,close,volume\n"
        + "".join(f"2024-07-16T14:{m:02}:00Z,220,230,219,22{m % 10},1000\n" for m in range(50))
    )
    line = f"{COMMAND} {' '.join(command)} --speed 3600 | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    first, code = done.stdout.splitlines()
    assert first.startswith("{")
    assert (code, done.stderr) == ("0", "")
