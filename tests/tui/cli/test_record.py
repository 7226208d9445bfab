"""``record`` as a process: ended in order, killed, out of space; the tape plays in every case."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import polars as pl
import pytest

from feeds.doctor.local import FEEDS
from feeds.tapes.tape_file import read_recording
from feeds.tapes.tape_schema import RECORDED
from rotation.quote import NS
from tests.support.paths import ROOT
from tests.support.pty_terminal import Terminal
from tests.support.tui.files import tape
from tests.support.tui.leaks import files_with, process_list
from tests.support.tui.program import COMMAND, LIMIT_S, Program, complaint

if TYPE_CHECKING:
    from pathlib import Path

NAME = "t-2024-07-16.parquet"
MARKER = "mArKeRsEcReT/0123456789+abcdefghijkl"


@pytest.fixture
def program(tmp_path) -> Program:
    return Program(tmp_path)


def rows_in(path: Path) -> int:
    """How many rows a reader of ours finds, while the recorder writes or after it died."""
    try:
        result = read_recording(path)
    except (OSError, ValueError):
        return 0  # not there yet, or nothing in it yet
    return 0 if result is None else result.height


def wait_for(path: Path, rows: int, child: subprocess.Popen[str]) -> None:
    end = time.monotonic() + LIMIT_S
    while rows_in(path) < rows:
        assert child.poll() is None, child.stderr and child.stderr.read()
        assert time.monotonic() < end, "the recorder writes nothing"
        time.sleep(0.02)


def figures(taken: dict) -> dict:
    """A snapshot without what names its source."""
    return {**_unsourced(taken), "seq": 0, "health": taken["health"]["counts"]}


def _unsourced(value):
    if isinstance(value, dict):
        return {name: _unsourced(item) for name, item in value.items() if name != "source"}
    return value


def test_a_tape_that_was_recorded_shows_what_the_desk_showed(program):
    source = tape(program.home, prints=500)
    out = program("record", "t.parquet", "--tape", source, "--speed", "3600")
    assert (out.returncode, out.stdout) == (0, f"500 quotes in {NAME}\n")
    assert "UTC  tape: REPLAY 500 quotes" in out.stderr
    assert not list(program.home.glob("*.journal"))
    assert figures(program.snapshot("--tape", NAME)) == figures(program.snapshot("--tape", source))
    watched = program.out("watch", "--tape", NAME, "--speed", "3600").splitlines()
    assert figures(json.loads(watched[-1]))["legs"] == figures(program.snapshot("--tape", source))["legs"]


def test_sigterm_ends_it_in_order(program):
    child = program.start("record", "t", "--demo", "--speed", "60")
    path = program.home / NAME
    wait_for(path, 100, child)
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0, err
    assert NAME in out
    assert not list(program.home.glob("*.journal"))
    held = pl.read_parquet(path)
    quotes = held["symbol"].len() - held["symbol"].null_count()
    assert out.startswith(f"{quotes:,} quotes in "), "all that was counted is in the file"


def test_a_terminal_that_closes_ends_it_in_order(program):
    """All that had been acknowledged is in the file, and the file is whole."""
    with Terminal(
        [COMMAND, "record", "t", "--demo", "--speed", "60"], env=program.env, cwd=program.home
    ) as terminal:
        path = program.home / NAME
        end = time.monotonic() + LIMIT_S
        while rows_in(path) < 100:
            assert time.monotonic() < end, "the recorder writes nothing"
            time.sleep(0.02)
        acknowledged = rows_in(path)
        terminal.hang_up()
        terminal.end_unread(LIMIT_S)
    assert not list(program.home.glob("*.journal"))
    assert pl.read_parquet(path).height >= acknowledged


def test_it_survives_being_killed_again_and_again(program):
    path = program.home / NAME
    seen = 0
    for again in range(3):
        child = program.start("record", "t", "--demo", "--speed", "120")
        wait_for(path, seen + 200, child)
        acknowledged = rows_in(path)
        child.kill()
        child.communicate(timeout=LIMIT_S)
        assert pl.read_parquet(path).columns == list(RECORDED), "the Parquet file is valid by itself"
        rows = read_recording(path)
        assert rows.height >= acknowledged > seen, again
        batches = rows["batch"].unique(maintain_order=True).to_list()
        assert batches == list(range(len(batches)))
        seen = rows.height
        taken = program.snapshot("--tape", NAME)
        assert taken["legs"]["IWM"]["last"] > 0
    assert rows_in(path) == seen


def test_a_full_disk_is_told_in_one_line(program):
    # A limit on the size of files fails a write as a full disk does.
    source = tape(program.home, prints=60_000, step_ns=NS // 20)
    limited = f'ulimit -f 32; exec "{COMMAND}" --log-level error record t --tape {source} --speed 120'
    done = program.run(["bash", "-c", limited])
    assert done.returncode == 1, "no bad input"
    *_, line = done.stderr.splitlines()
    assert line.startswith(f"rotation-tui: {NAME}: cannot be written (File too large) — free some space")
    assert line.endswith(" New York is saved")
    assert program.snapshot("--tape", NAME)["legs"]["IWM"]["last"] > 0


@pytest.mark.parametrize(
    ("file", "part"),
    [("t.parquet/t.parquet", "the folder cannot be created"), ("t.csv", "a tape is a Parquet file")],
)
def test_where_nothing_can_be_recorded(program, file, part):
    (program.home / "t.parquet").write_text("no folder")
    assert part in complaint(program("record", file, "--demo"))


@pytest.fixture
def online(program):
    """A network on which nobody is but a scripted Alpaca."""
    command = [sys.executable, "-m", "tests.support.servers.alpaca", "--port", "0", "--script", "live"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
    assert server.stdout is not None
    program.env.pop("ROTATION_TUI_OFFLINE", None)
    program.env |= {f"ROTATION_TUI_{feed}_REST_URL": "http://127.0.0.1:1" for feed in FEEDS}
    program.env |= {f"ROTATION_TUI_{feed}_STREAM_URL": "ws://127.0.0.1:1" for feed in FEEDS}
    program.env |= {
        "ROTATION_TUI_ALPACA_STREAM_URL": server.stdout.readline().strip(),
        "ROTATION_TUI_ALPACA_REST_URL": server.stdout.readline().strip(),
        "APCA_API_KEY_ID": MARKER,
        "APCA_API_SECRET_KEY": MARKER,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    yield program
    server.kill()
    server.communicate(timeout=LIMIT_S)


def test_a_live_feed_is_recorded_and_its_key_nowhere(online):
    child = online.start("--log-level", "debug", "record", "t")
    end = time.monotonic() + LIMIT_S
    files: list[Path] = []
    while not any(rows_in(path) > 60 and prints_in(path) > 5 for path in files):
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < end, "nothing is recorded"
        assert MARKER not in process_list()
        time.sleep(0.1)
        files = sorted(online.home.glob("t-*.parquet"))
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 0, err
    assert " UTC  Alpaca SIP: " in err
    assert "DEMO" not in out + err, "what nobody asked for is not among the tapes"
    held = read_recording(files[-1])
    assert {"Status", "Batch"} <= set(held["kind"])
    assert "Alpaca SIP" in set(held["feed"])
    assert MARKER not in out + err
    assert files_with(online.home, MARKER) == []
    assert online.log.exists()
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
        del online.env[name]
    played = online.out("watch", "--offline", "--tape", files[-1].name, "--speed", "3600").splitlines()
    assert json.loads(played[-1])["mode"] == "REPLAY"


def prints_in(path: Path) -> int:
    held = read_recording(path)
    return held.height - held["symbol"].null_count()
