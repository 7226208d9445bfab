"""The program itself in a real terminal, live, against a market of our own: prints, history, an outage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from feeds.clock import wall_ns
from tests.support.paths import ROOT
from tests.support.pty_terminal import Terminal
from tests.support.servers.live_world import shift_to_session_ns

OFFLINE_S = 9.0
"""Longer than the demo waits."""


class World:
    """``tests.support.servers.live_world`` in a process of its own, which can be killed and started again."""

    def __init__(self) -> None:
        self.shift_ns = shift_to_session_ns(wall_ns())
        self.environment: dict[str, str] = {}
        self._ports = ["0", "0"]
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.support.servers.live_world", "--shift-ns", str(self.shift_ns)]
        ports = ["--port", self._ports[0], "--stream-port", self._ports[1]]
        self._process = subprocess.Popen([*command, *ports], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in iter(self._process.stdout.readline, "\n"):
            assert line.startswith("export "), "the server has failed"
            name, _, value = line.removeprefix("export ").strip().partition("=")
            self.environment[name] = value
        stream = self.environment["ROTATION_TUI_YAHOO_STREAM_URL"]
        self._ports = [self.environment["ROTATION_TUI_YAHOO_REST_URL"][-5:].lstrip(":"), stream.split(":")[2]]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@pytest.fixture
def world():
    made = World()
    yield made
    made.stop()


@pytest.fixture
def homes(tmp_path):
    return {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")}


def program(environment: dict[str, str], *arguments: str) -> Terminal:
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "tui", *arguments]
    return Terminal(command, size=(160, 60), env={**os.environ, **environment}, cwd=ROOT)


def iwm(terminal: Terminal) -> str:
    """The leg's line."""
    return next((line for line in terminal.lines if line.startswith("│ IWM ")), "")


def log_of(homes: dict[str, str]) -> str:
    return "".join(path.read_text() for path in Path(homes["XDG_STATE_HOME"]).rglob("*.log"))


def test_a_live_desk_from_the_first_start_over_an_outage_to_the_end(world, homes):
    with program({**world.environment, **homes}) as terminal:
        terminal.see("opening…")
        terminal.see("Russell 2000 (IWM)", "LIVE")
        terminal.wait(lambda t: "LIVE" in iwm(t), "the leg to be LIVE")
        first = iwm(terminal)
        terminal.wait(lambda t: "LIVE" in iwm(t) and iwm(t) != first, "a print that moves the leg")
        terminal.see("EFFR 3.88 %", "DELAYED 10m, ", "history LIVE settled through")
        assert re.search(r"[▲▼]\d+ \(\d+\+1\)", iwm(terminal)), "settled and today, apart"
        world.stop()
        terminal.wait(lambda t: "OFFLINE" in iwm(t) or "STALE" in iwm(t), "the outage to be told")
        world.start()
        terminal.wait(lambda t: "LIVE" in iwm(t), "the connection to come back")
        before = iwm(terminal)
        terminal.wait(lambda t: "LIVE" in iwm(t) and iwm(t) != before, "prints that go on")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.last_words.strip() == ""
        assert terminal.modes <= {7, 25}
        assert terminal.attributes_now == terminal.attributes
    log = log_of(homes)
    assert "Traceback" not in log
    assert "history: LIVE settled through" in log
    assert "history 10 of 10" in log


def test_a_desk_with_nothing_in_reach_shows_the_demo_and_why_until_it_is_live(world, homes):
    world.stop()
    with program({**world.environment, **homes}) as terminal:
        terminal.see("DEMO", "feed    Yahoo OFFLINE", "connection refused")
        assert "DEMO" in iwm(terminal)
        world.start()
        terminal.wait(lambda t: "LIVE" in iwm(t) and "DEMO" not in t.text, "the live desk")
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.last_words.strip() == ""


def test_without_the_demo_there_is_an_empty_desk_that_says_why(world, homes):
    world.stop()
    with program({**world.environment, **homes}, "--no-demo") as terminal:
        terminal.see("No price for IWM yet.", "feed    Yahoo OFFLINE", "feed    history OFFLINE")
        terminal.watch(OFFLINE_S)
        assert "DEMO" not in terminal.text
        terminal.press("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("feed", ["alpaca", "alpaca-sip", "massive-delayed", "finnhub"])
def test_a_feed_without_its_key_is_one_line_and_exit_code_2(homes, feed):
    nothing = {"ROTATION_TUI_OFFLINE": "", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    with program({**nothing, **homes}, "--feed", feed) as terminal:
        assert terminal.end() == 2
        text = terminal.last_words.strip()
    name = feed.partition("-")[0]
    assert text == f"rotation-tui: --feed {feed}: needs a key — see: rotation-tui config key set {name}"
