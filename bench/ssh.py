"""``rotation-tui host`` under viewers: frames, first paint, key to paint, lag, CPU and memory per session.

The host is the installed command on the built-in demo at sixty times its speed, with one core's worth of
Python; the viewers are another process (bench/ssh_load.py), so two free cores are needed. First all have one
view, then two hundred have ten sizes and press keys. The baseline, an app per session, runs in the same run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.common import BenchError, Measured, blank_home, installed_command

if TYPE_CHECKING:
    from collections.abc import Mapping

SAME_VIEW = (1, 10, 50, 200, 500, 1_000)
MIXED = 200
ABUSED = 50
"""Viewers while strangers misbehave (bench/ssh_abuse.py)."""
BASELINE = (1, 10, 30)
SECONDS = 20.0
STRANGERS_AFTER_S = 5.0
KEY_EVERY_S = 5.0
LISTENING = "listening on "
TIMEOUT_S = 60.0
AIMS = {
    # The most sessions of one view: 4.8 frames a second, 0.1 MB each.
    "frame_gap_ms": round(1e3 / 4.8, 1),
    "session_mb": 0.1,
    # Two hundred in ten sizes.
    "key_p99_ms": 150.0,
}


def measure(*, quick: bool) -> Measured:
    if not Path("/proc/self/smaps_rollup").exists():
        raise BenchError("this system does not say what memory a process holds (/proc/PID/smaps_rollup)")
    counts, mixed, crowd, baseline = ((2,), 2, 2, (1,)) if quick else (SAME_VIEW, MIXED, ABUSED, BASELINE)
    seconds, key_every_s = (1.5, 0.5) if quick else (SECONDS, KEY_EVERY_S)
    host = [
        installed_command(), "host", "--listen", "127.0.0.1:0", "--open", "--demo", "--speed", "60",
        "--allow-root", "--max-sessions", "5000", "--per-address", "5000", "--new-per-minute", "100000",
    ]  # fmt: skip
    apps = [sys.executable, "-m", "bench.ssh_apps"]
    with blank_home() as env:
        same = [_stage(host, env, number, seconds, 0.0) for number in counts]
        keyed = _stage(host, env, mixed, seconds, key_every_s)
        abused = _stage(host, env, crowd, seconds, 0.0, strangers=True)
        alone = [_stage(apps, env, number, seconds, 0.0) for number in baseline]
        alone_keyed = _stage(apps, env, baseline[-1], seconds, key_every_s)
    return Measured(
        1,
        {
            "frame_gap_ms": round(1e3 / same[-1]["frames_per_s"], 1),
            "session_mb": same[-1]["session_mb"],
            "key_p99_ms": keyed["key_p99_ms"],
            "one_view": same,
            "ten_sizes": keyed,
            "under_abuse": abused,
            "app_per_session": {"one_view": alone, "ten_sizes": alone_keyed},
        },
        AIMS,
    )


def _stage(
    server: list[str],
    env: Mapping[str, str],
    number: int,
    seconds: float,
    key_every_s: float,
    *,
    strangers: bool = False,
) -> dict[str, Any]:
    """One server, fresh, under so many viewers."""
    log = Path(env["HOME"]) / "server.log"
    with ExitStack() as running:
        stderr = running.enter_context(log.open("wb"))
        process = running.enter_context(
            subprocess.Popen(server, env=env, stdout=subprocess.DEVNULL, stderr=stderr)
        )
        running.callback(process.kill)
        port = _port(process, log)
        words = [str(word) for word in (port, process.pid, number, seconds, key_every_s)]
        argv = [sys.executable, "-m", "bench.ssh_load", *words]
        load = running.enter_context(
            subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        running.callback(load.kill)
        if strangers:
            # The viewers come first: they are measured from when all are in.
            time.sleep(min(seconds, STRANGERS_AFTER_S))
            argv = [sys.executable, "-m", "bench.ssh_abuse", str(port)]
            abuse = running.enter_context(subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL))
            running.callback(abuse.kill)
        out, err = load.communicate(timeout=seconds + 600)
    if load.returncode:
        raise BenchError(f"the viewers failed: {err.strip()[-300:]}")
    result: dict[str, Any] = json.loads(out)
    if lost := result.pop("lost"):
        raise BenchError(f"{lost} of {number} viewers were hung up on")
    return result


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        line = next((line for line in log.read_text("utf-8").splitlines() if LISTENING in line), None)
        if line is not None:
            return int(line.rpartition(" ")[2])
        time.sleep(0.05)
    raise BenchError(f"the server does not listen: {log.read_text('utf-8').strip()[-300:]}")
