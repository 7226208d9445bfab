"""Memory of the running screen, by the system's account, and of the libraries under it alone.

The screen is the installed command in a pty: a recorded tape replayed over an imported history of twelve
symbols and 26 years. Everything that the libraries cost is measured in fresh processes in the same run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.common import BenchError, Measured, blank_home, installed_command, memory_mb, mid
from bench.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNS = 3
SESSIONS = 6_550
"""26 years."""
SETTLE_S = 5.0
"""From the headline to the reading."""
SIZE = {"width": 160, "height": 45}
HEADLINE = "Russell 2000 (IWM)"
IMPORTS = {
    "python": "pass",
    "textual": "import textual.app, textual.widgets",
    "polars": "import polars",
    "textual_and_polars": "import polars, textual.app, textual.widgets",
}
VARIANTS: dict[str, dict[str, str]] = {
    "polars_max_threads_1": {"POLARS_MAX_THREADS": "1"},
    "malloc_arena_max_1": {"MALLOC_ARENA_MAX": "1"},
    "malloc_arena_max_2": {"MALLOC_ARENA_MAX": "2"},
    "both_1": {"POLARS_MAX_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
    # Of the allocator inside polars: what is freed goes back to the system at once.
    "jemalloc_decay_0": {"_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"},
}
"""Environments tried at the start of the process."""
AIMS = {"rss_mb": 90.0}


def measure(*, quick: bool) -> Measured:
    if not Path("/proc/self/smaps_rollup").exists():
        raise BenchError("this system does not say what memory a process holds (/proc/PID/smaps_rollup)")
    runs, settle_s = (1, 0.5) if quick else (RUNS, SETTLE_S)
    variants = {"both_1": VARIANTS["both_1"]} if quick else VARIANTS
    command = installed_command()
    with blank_home() as env:
        world = Path(env["HOME"]) / "world"
        _call(
            [sys.executable, "-m", "bench.memory.generate", str(world), "300" if quick else str(SESSIONS)],
            env,
        )
        _call([command, "history", "import", str(world / "closes")], env)
        replay = [command, "replay", str(world / "tape.parquet"), "--from", "2024-07-16T14:40:00Z"]
        screens: dict[str, list[dict[str, float]]] = {"": [], "demo": [], **{name: [] for name in variants}}
        for _ in range(runs):
            screens[""].append(_screen(replay, env, settle_s))
            screens["demo"].append(_screen([command, "demo"], env, settle_s))
            for name, more in variants.items():
                screens[name].append(_screen(replay, {**env, **more}, settle_s))
        imports = {name: mid([_import(code, env) for _ in range(runs)], 1) for name, code in IMPORTS.items()}
    ours = _middle_of(screens[""])
    return Measured(
        runs,
        {
            "sessions": 300 if quick else SESSIONS,
            "symbols": 12,
            **ours,
            "ours_mb": round(ours["rss_mb"] - imports["textual_and_polars"], 1),
            "imports_rss_mb": imports,
            "demo": _middle_of(screens["demo"]),
            "variants": {name: _middle_of(screens[name]) for name in variants},
        },
        AIMS,
    )


def _call(argv: list[str], env: Mapping[str, str]) -> None:
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{Path(argv[0]).name} {argv[1]} failed: {done.stderr.strip()[-300:]}")


def _screen(argv: list[str], env: Mapping[str, str], settle_s: float) -> dict[str, float]:
    with Terminal(argv, env, **SIZE) as terminal:
        terminal.until(HEADLINE)
        terminal.rest(settle_s)
        if terminal.ended(0):
            raise BenchError(f"the screen ended: {terminal.ending()}")
        return _held(terminal.pid)


def _held(pid: int) -> dict[str, float]:
    """What a process holds, in MB of 10⁶ bytes."""
    rollup = memory_mb(f"/proc/{pid}/smaps_rollup")
    status = memory_mb(f"/proc/{pid}/status")
    return {
        "rss_mb": rollup["Rss"],
        "pss_mb": rollup["Pss"],
        "uss_mb": rollup["Private_Clean"] + rollup["Private_Dirty"],
        "anonymous_mb": rollup["Anonymous"],
        "peak_rss_mb": status["VmHWM"],
    }


def _import(code: str, env: Mapping[str, str]) -> float:
    """RSS in MB of a fresh interpreter that has done nothing else."""
    tell = "print(next(line.split()[1] for line in open('/proc/self/smaps_rollup') if line[:4] == 'Rss:'))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], env=env, capture_output=True, text=True, check=True
    )
    return int(done.stdout) * 1024 / 1e6


def _middle_of(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: mid([run[name] for run in runs], 1) for name in runs[0]}
