"""What a person gets wrong about a hub is one clear line and exit code 2, before anything is waited for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.servers.nats import NOBODY


def run(folder, *words, offline=""):
    homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")}
    environment = {**os.environ, **homes, "PYTHONPATH": str(ROOT), "ROTATION_TUI_OFFLINE": offline}
    done = subprocess.run(
        [sys.executable, "-m", "tui", *words], cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("hub", "--nats", "nats://h:abc"), "--nats: expected an address"),
        (("hub",), "--nats: name the server"),
        (("hub", "--nats", "nats://127.0.0.1:1", "--offline"), "leave out --offline"),
        (("hub", "--nats", "nats://127.0.0.1:1", "--feed", "nats"), "choose another --feed"),
        (("snapshot", "--nats", "nats://127.0.0.1:1"), "--nats is read only with --feed nats"),
        (("replay",), "missing PATHS: name a tape, or add --feed nats"),
        (("replay", "t.parquet", "--day", "2026-11-27"), "--day is for the tape of a hub"),
        (("record", "t", "--from-start"), "--from-start is for the tape of a hub"),
        (("record", "t", "--feed", "nats"), "--nats: name the server"),
        (("replay", "--feed", "nats"), "--nats: name the server"),
        (("replay", "--feed", "nats", "--nats", "nats://127.0.0.1:1", "--offline"), "leave out --offline"),
    ],
)
def test_bad_input_is_one_line_before_any_notice(tmp_path, words, message):
    code, stderr = run(tmp_path, *words)
    assert code == 2, stderr
    assert message in stderr
    assert "licence" not in stderr
    assert "internal error" not in stderr


def test_a_server_that_is_down_is_named_on_the_terminal(tmp_path):
    homes = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")}
    environment = {**os.environ, **homes, "PYTHONPATH": str(ROOT), "ROTATION_TUI_OFFLINE": ""}
    command = [sys.executable, "-m", "tui", "hub", "--nats", f"nats://127.0.0.1:{NOBODY}"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        lines = [next(iter(process.stderr)), next(iter(process.stderr))]
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()
    assert "licence" in lines[0]
    assert lines[1] == "rotation-tui: the NATS server refuses connections\n"
