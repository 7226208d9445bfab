"""Paint: CPU time and bytes per update of the whole screen, all ten legs changing ten times a second.

The app runs in a pty, on Textual's own terminal driver and at its own pace; CPU time is all that the
process spends between the first measured update and the last, waiting included: nothing is subtracted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.common import BenchError, Measured, blank_home, mid, quantile
from bench.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNS = 5
UPDATES = 100
IDLE_S = 4.0
SIZES = ((160, 45), (80, 24))
"""Columns and lines."""
AIMS = {"cpu_ms": 7.0, "bytes_median": 10_000.0}


def measure(*, quick: bool) -> Measured:
    runs, updates, idle_s = (1, 5, 0.5) if quick else (RUNS, UPDATES, IDLE_S)
    seen: dict[tuple[int, int], list[dict[str, Any]]] = {size: [] for size in SIZES}
    with blank_home() as env:
        for _ in range(runs):
            for size in SIZES:
                seen[size].append(_screen(size, updates, idle_s, env))
    whole, *small = (_summary(seen[size]) for size in SIZES)
    return Measured(
        runs,
        {"size": "160x45", "updates": updates, **whole, "at_80x24": small[0]},
        AIMS,
    )


def _screen(size: tuple[int, int], updates: int, idle_s: float, env: Mapping[str, str]) -> dict[str, Any]:
    file = Path(env["HOME"]) / "painted.json"
    file.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "bench.paint.screen", str(updates), str(idle_s), str(file)]
    with Terminal(argv, env, width=size[0], height=size[1]) as terminal:
        if not terminal.ended(60 + updates / 5):
            raise BenchError("the measured screen did not end")
    if not file.exists():
        raise BenchError(f"the measured screen failed: {terminal.ending()}")
    result: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return result


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = [size for run in runs for size in run["bytes"]]
    return {
        "cpu_ms": mid([run["cpu_ms"] for run in runs]),
        "cpu_ms_range": [round(f(run["cpu_ms"] for run in runs), 3) for f in (min, max)],
        "updates_per_second": mid([run["per_second"] for run in runs], 2),
        "busy_pct": mid([run["busy_pct"] for run in runs], 2),
        "idle_pct": mid([run["idle_pct"] for run in runs], 2),
        "bytes_median": mid(sizes, 0),
        "bytes_p95": round(quantile(sizes, 95)),
        "bytes_max": round(max(sizes)),
        "first_frame_bytes": mid([run["first_bytes"] for run in runs], 0),
    }
