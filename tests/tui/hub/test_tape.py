"""``record`` and ``replay`` of a hub's tape as processes: hub, server and programs are real."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import polars as pl

from tests.support.hub.prices import SYMBOLS
from tests.support.hub.scene import scene
from tests.support.paths import ROOT
from tests.support.servers.nats import nats_server

WAIT_S = 60.0


def start(folder, *words):
    homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")}
    environment = {**os.environ, **homes, "PYTHONPATH": str(ROOT), "ROTATION_TUI_OFFLINE": ""}
    return subprocess.Popen(
        [sys.executable, "-m", "tui", *words], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def recorded(folder, url):
    """A recording from the start of the tape, ended by Ctrl+C once it follows the hub; what it printed."""
    child = start(folder, "record", "desk.parquet", "--feed", "nats", "--nats", url, "--from-start")
    lines = []
    ends_s = time.monotonic() + WAIT_S
    for line in child.stderr:
        lines.append(line)
        if "following the hub" in line or time.monotonic() > ends_s:
            break
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0, err
    return "".join(lines), out


def run(folder, *words):
    child = start(folder, *words)
    out, err = child.communicate(timeout=WAIT_S)
    return child.returncode, out, err


async def test_the_tape_of_a_hub_is_recorded_and_replayed(tmp_path):
    with nats_server(tmp_path) as server:
        async with scene(server.url, viewers=1):
            await asyncio.sleep(3.0)
            reported, out = await asyncio.to_thread(recorded, tmp_path, server.url)
        place = ("--feed", "nats", "--nats", server.url)
        code, shown, err = await asyncio.to_thread(run, tmp_path, "replay", *place)
        assert code == 0, err
        code, _, wrong = await asyncio.to_thread(run, tmp_path, "replay", *place, "--day", "2020-01-02")
    assert code == 2
    assert "has no tape of 2020-01-02; it has 2" in wrong
    assert "REPLAY" in shown
    assert "IWM" in shown
    assert "recording; press Ctrl+C" in reported
    (path,) = tmp_path.glob("desk-*.parquet")
    assert out.endswith(f"quotes in {path.name}\n")
    assert set(pl.read_parquet(path)["symbol"].drop_nulls()) == set(SYMBOLS)
