"""``doctor`` as a process: offline, online, in a terminal; what it ends with, and never a secret."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.pty_terminal import Terminal
from tests.support.tui.leaks import files_with, process_list
from tests.support.tui.program import COMMAND, LIMIT_S, Program

MARKER = "mArKeRsEcReT/0123456789+abcdefghijkl"
REST = (
    "ALPACA",
    "CALENDAR_FED",
    "DATABENTO",
    "FINNHUB",
    "FRED",
    "KALSHI",
    "MASSIVE",
    "NEWYORKFED",
    "POLYMARKET",
    "STOOQ",
    "TIINGO",
    "YAHOO",
)
NOBODY = "127.0.0.1:1"
"""Nothing listens there."""


@pytest.fixture
def program(tmp_path) -> Program:
    """On a machine without a network, a keyring or a proxy."""
    made = Program(tmp_path)
    for name in list(made.env):
        if name.upper().endswith("_PROXY") or name.startswith(("APCA_", "FINNHUB_", "MASSIVE_", "POLYGON_")):
            del made.env[name]
    made.env.pop("ROTATION_TUI_OFFLINE", None)  # sources are asked, at the addresses below
    made.env |= {f"ROTATION_TUI_{feed}_REST_URL": f"http://{NOBODY}" for feed in REST}
    made.env |= {
        "ROTATION_TUI_COINBASE_STREAM_URL": f"ws://{NOBODY}",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        # A terminal's, wherever the tests run: under CI there may be none, and none of a locale.
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    return made


@pytest.fixture
def server():
    """Start a scripted server as a person would; its address."""
    running: list[subprocess.Popen[str]] = []

    def start(name: str, *args: str) -> str:
        command = [sys.executable, "-m", f"tests.support.servers.{name}", "--port", "0", *args]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
        running.append(child)
        assert child.stdout is not None
        return child.stdout.readline().split()[-1]

    yield start
    for child in running:
        child.kill()
        child.communicate(timeout=LIMIT_S)


def test_offline_it_ends_with_1_and_says_what_to_do(program):
    done = program("doctor")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert (
        "  fail Yahoo: cannot connect"
        " → check network, proxy and firewall; ROTATION_TUI_YAHOO_REST_URL moves it"
    ) in lines
    assert "  warn clock: not checked: no source sent its time → connect and try again" in lines
    areas = [line for line in lines if line and not line.startswith(" ")]
    assert areas[:-1] == [
        "terminal", "dependencies", "keys", "addresses", "calendar", "store", "sources", "clock",
    ]  # fmt: skip
    assert areas[-1].endswith("6 fail")  # the keyless ones
    assert [line for line in lines if "Traceback" in line] == []


def test_who_wants_no_network_is_asked_for_none(program):
    program.env["ROTATION_TUI_OFFLINE"] = "1"
    done = program("doctor", "--stream")
    assert done.returncode == 0
    assert "  ok   network: skipped, ROTATION_TUI_OFFLINE is set" in done.stdout.splitlines()
    program.env["ROTATION_TUI_OFFLINE"] = "0"
    assert program("doctor").returncode == 1


def test_where_all_answer_it_ends_with_0(program, server):
    rest, coinbase = server("rest"), server("coinbase", "--script", "live")
    program.env |= {f"ROTATION_TUI_{feed}_REST_URL": rest for feed in REST}
    program.env["ROTATION_TUI_COINBASE_STREAM_URL"] = coinbase
    done = program("doctor", "--stream", "--format", "json")
    parsed = json.loads(done.stdout)
    failed = [result for result in parsed["findings"] if result["state"] == "fail"]
    assert (done.returncode, parsed["works"], failed) == (0, True, [])
    (stream,) = [result for result in parsed["findings"] if result["area"] == "stream"]
    assert "trades of BTC-USD in 5 s" in stream["said"]


def test_no_secret_is_told_logged_sent_or_listed(program, server):
    rest = server("rest")
    program.env |= {
        "APCA_API_KEY_ID": MARKER,
        "APCA_API_SECRET_KEY": MARKER,
        "FINNHUB_API_KEY": MARKER,
        "MASSIVE_API_KEY": f"{MARKER} broken",
        "ROTATION_TUI_ALPACA_REST_URL": rest,
        "ROTATION_TUI_KALSHI_REST_URL": f"{rest}/?token={MARKER}",
        "ROTATION_TUI_FRED_REST_URL": f"ftp://{MARKER}",
    }
    child = program.start("--log-level", "debug", "doctor")
    assert MARKER not in process_list()
    out, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 1
    assert "alpaca: from environment APCA_API_KEY_ID and APCA_API_SECRET_KEY" in out
    assert "fail massive: environment MASSIVE_API_KEY: the API key of massive contains spaces" in out
    assert MARKER not in out + err
    assert files_with(program.home, MARKER) == []
    assert program.log.exists()


def test_a_small_terminal_inside_tmux(program):
    program.env |= {"TMUX": "/tmp/tmux-0/default,1,0", "LC_ALL": "C.UTF-8"}
    program.env.pop("COLORTERM", None)
    program.env.pop("COLUMNS", None)
    program.env.pop("NO_COLOR", None)
    with Terminal([COMMAND, "doctor"], size=(60, 200), env=program.env, cwd=program.home) as terminal:
        assert terminal.end() == 1
        text = " ".join(terminal.text.split())
    assert "ok streams: a terminal" in text
    assert (
        "warn size: 60 × 200: one panel at a time → enlarge the window to 80 × 24 to see the whole desk"
        in text
    )
    assert "ok colours: 256 colours" in text
    assert "warn TERM: xterm-256color, inside tmux, without true colour → in tmux.conf:" in text
    assert "ok characters: utf-8" in text


def test_what_the_screen_cannot_do_is_a_failure(program):
    program.env |= {"TERM": "dumb", "COLUMNS": "30", "LINES": "8", "PYTHONIOENCODING": "ascii:replace"}
    lines = program("doctor").stdout.splitlines()
    failed = [line.split(":")[0] for line in lines[:8] if line.startswith("  fail")]
    assert failed == ["  fail size", "  fail TERM"]
    assert [line for line in lines if line.startswith("  warn characters")]


def test_a_capture_to_a_file_that_exists_ends_with_2_and_one_line(program, tmp_path):
    path = tmp_path / "capture.jsonl"
    path.write_text("mine")
    done = program("doctor", "--capture", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "capture.jsonl: already exists — choose another name" in done.stderr
    assert path.read_text() == "mine"


def test_a_capture_where_nobody_answers_is_a_file_with_the_reasons(program, tmp_path):
    program.env |= {"ROTATION_TUI_YAHOO_STREAM_URL": f"ws://{NOBODY}", "FINNHUB_API_KEY": MARKER}
    program.env |= {"ROTATION_TUI_FINNHUB_STREAM_URL": f"ws://{NOBODY}"}
    program.env |= {"ROTATION_TUI_POLYMARKET_STREAM_URL": f"ws://{NOBODY}"}
    path = tmp_path / "capture.jsonl"
    done = program("doctor", "--capture", str(path), "--seconds", "5")
    assert (done.returncode, done.stderr) == (0, "")
    text = path.read_text()
    assert {json.loads(line)["kind"] for line in text.splitlines()} >= {"begin", "lost", "end"}
    assert MARKER not in text + done.stdout
