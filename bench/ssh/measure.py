"""``rotation-tui host`` under viewers: frames, first paint, key to paint, lag, CPU and memory per session.

The host is the installed command on the built-in demo at sixty times its speed, with one core's worth of
Python; the viewers are another process (bench/ssh/load.py), so two free cores are needed. First all have one
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
VIEWS = 131
"""Different views of as many of the MIXED viewers, who then only look."""
ABUSED = 50
"""Viewers while strangers misbehave in all ways at once (bench/ssh/abuse.py)."""
ATTACKED, PRESSING = 300, 10
"""Viewers under each single attack, and how many of them press keys."""
ATTACKS = ("", "rekeys", "ignores", "silence", "garbage", "keys")
"""Names of bench/ssh/abuse.py; "" is the same without strangers."""
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
    # Two hundred in 131 views, the one that gets least: 4.5 frames a second.
    "many_views_gap_ms": round(1e3 / 4.5, 1),
    # Three hundred of one view, under the worst attack of strangers: 4.5 frames a second.
    "attacked_frame_gap_ms": round(1e3 / 4.5, 1),
    "attacked_key_p99_ms": 150.0,
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
    apps = [sys.executable, "-m", "bench.ssh.apps"]
    with blank_home() as env:
        same = [stage(host, env, number, seconds, 0.0) for number in counts]
        keyed = stage(host, env, mixed, seconds, key_every_s)
        apart = stage(host, env, mixed, seconds, 0.0, views=VIEWS)
        abused = stage(host, env, crowd, seconds, 0.0, strangers=True)
        attacked = under_attack(host, env, quick=quick)
        alone_keyed = stage(apps, env, baseline[-1], seconds, key_every_s)
        # Quick, a stage of each kind is enough: each starts a host and its viewers.
        alone = [] if quick else [stage(apps, env, number, seconds, 0.0) for number in baseline]
    return Measured(
        1,
        {
            "frame_gap_ms": round(1e3 / same[-1]["frames_per_s"], 1),
            "session_mb": same[-1]["session_mb"],
            "key_p99_ms": keyed["key_p99_ms"],
            "many_views_gap_ms": round(1e3 / max(apart["frames_per_s_least"], 0.1), 1),
            "one_view": same,
            "ten_sizes": keyed,
            "many_views": apart,
            "under_abuse": abused,
            "attacked_frame_gap_ms": round(1e3 / min(each["frames_per_s"] for each in attacked.values()), 1),
            "attacked_key_p99_ms": max(each["key_p99_ms"] for each in attacked.values()),
            "under_attack": attacked,
            "app_per_session": {"one_view": alone, "ten_sizes": alone_keyed},
        },
        AIMS,
    )


def under_attack(host: list[str], env: Mapping[str, str], *, quick: bool) -> dict[str, dict[str, Any]]:
    """Attack → what three hundred viewers and newcomers saw meanwhile."""
    viewers, pressing, seconds, key_every_s = (
        (4, 2, 1.5, 0.5) if quick else (ATTACKED, PRESSING, SECONDS, 2.0)
    )
    return {
        attack or "none": stage(
            host, env, viewers, seconds, key_every_s,
            pressing=pressing, attack=attack,
        )
        for attack in (ATTACKS[1:2] if quick else ATTACKS)
    }  # fmt: skip


def stage(
    server: list[str],
    env: Mapping[str, str],
    number: int,
    seconds: float,
    key_every_s: float,
    *,
    strangers: bool = False,
    views: int = 0,
    pressing: int = 0,
    attack: str = "",
) -> dict[str, Any]:
    """One server, fresh, under so many viewers; its workers, if it has any, count as a part of it."""
    log = Path(env["HOME"]) / "server.log"
    with ExitStack() as running:
        stderr = running.enter_context(log.open("wb"))
        process = running.enter_context(
            subprocess.Popen(server, env=env, stdout=subprocess.DEVNULL, stderr=stderr)
        )
        running.callback(process.kill)
        port = _port(process, log)
        words = [
            str(word) for word in (port, process.pid, number, seconds, key_every_s, views, pressing, attack)
        ]
        argv = [sys.executable, "-m", "bench.ssh.load", *words]
        load = running.enter_context(
            subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        running.callback(load.kill)
        if strangers:
            # The viewers come first: they are measured from when all are in.
            time.sleep(min(seconds, STRANGERS_AFTER_S))
            argv = [sys.executable, "-m", "bench.ssh.abuse", str(port)]
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
