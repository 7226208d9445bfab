"""A whole market's symbols: CPU and peak memory of the import of such a folder, and of one snapshot on it.

Each is the installed command in a process of its own: all the CPU that it spent, and its highest RSS.
The folder is imported as plain CSV, with one quotation mark in every file, and with every cell in quotes,
each into an empty home.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.common import BenchError, Measured, blank_home, installed_command, mid

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNS = 1
SYMBOLS, SESSIONS = 3_000, 6_550
"""26 years."""
STYLES = ("plain", "one_quote", "quoted")
AIMS = {
    **{f"{style}_cpu_s": 20.0 for style in STYLES},
    **{f"{style}_peak_rss_mb": 600.0 for style in STYLES},
    "snapshot_cpu_s": 2.0,
    "snapshot_peak_rss_mb": 250.0,
    "snapshot_from_folder_cpu_s": 2.0,
    "snapshot_from_folder_peak_rss_mb": 250.0,
}


def measure(*, quick: bool) -> Measured:
    runs, symbols, sessions = (1, 40, 300) if quick else (RUNS, SYMBOLS, SESSIONS)
    command = installed_command()
    shots = {"snapshot": (), "snapshot_from_folder": ("--history",)}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in (*STYLES, *shots)}
    with TemporaryDirectory(prefix="rotation-bench-") as folder:
        closes = Path(folder)
        for style in STYLES:
            make = [sys.executable, "-m", "bench.many.closes", str(closes / style)]
            _run([*make, str(symbols), str(sessions), style], os.environ)
        for style in STYLES:
            for _ in range(runs):
                with blank_home() as env:  # to replace what is stored costs more than to store it
                    taken[style].append(_run([command, "history", "import", str(closes / style)], env))
        with blank_home() as env:
            _run([command, "history", "import", str(closes / STYLES[0])], env)
            for name, option in shots.items():
                asked = [*option, *[str(closes / STYLES[0])] * len(option)]
                for _ in range(runs):
                    taken[name].append(_run([command, "snapshot", "--offline", *asked], env))
    figures: dict[str, Any] = {"symbols": symbols, "sessions": sessions}
    for name, measured in taken.items():
        figures[f"{name}_cpu_s"] = mid([cpu_s for cpu_s, _ in measured], 2)
        figures[f"{name}_peak_rss_mb"] = mid([peak for _, peak in measured], 1)
    return Measured(runs, figures, AIMS)


def _run(argv: list[str], env: Mapping[str, str]) -> tuple[float, float]:
    """CPU seconds and the highest RSS, in MB of 10⁶ bytes, of a program from its start to its end."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    began = time.monotonic()
    _, status, used = os.wait4(os.posix_spawn(argv[0], argv, env, file_actions=quiet), 0)
    if code := os.waitstatus_to_exitcode(status):
        raise BenchError(
            f"{Path(argv[0]).name} {argv[1]} ended with {code} after {time.monotonic() - began:.0f} s"
        )
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6
