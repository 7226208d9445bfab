"""Start-up: first paint of the installed ``rotation-tui demo`` against a bare Textual app.

Time runs from before the process is started until its first text has arrived at the terminal's side of
a pty. The two take turns, so that whatever slows the machine slows both.
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

RUNS = 11
FIRST_TEXT = "opening…"
"""In the first frame of both."""
HEADLINE = "Russell 2000 (IWM)"
"""So begins the headline, and nothing else on the screen."""
SIZE = {"width": 120, "height": 40}
AIMS = {"ratio": 1.25, "polars_before_first_paint": 0, "history_headline_ratio": 2.0, "history_rss_mb": 90.0}
"""0.6 s to the headline where the first paint takes 0.3."""


def measure(*, quick: bool) -> Measured:
    runs = 1 if quick else RUNS
    here = Path(__file__).parent
    ours = [installed_command(), "demo"]
    bare = [sys.executable, str(here / "bare_app.py")]
    with blank_home() as env:
        _paint(ours, env, HEADLINE)  # reads the files into memory and compiles what is not compiled
        _paint(bare, env)
        painted, result, bare_painted = [], [], []
        for _ in range(runs):
            first, headline = _paint(ours, env, HEADLINE)
            painted.append(first * 1e3)
            result.append(headline * 1e3)
            bare_painted.append(_paint(bare, env)[0] * 1e3)
        history, history_rss = _with_history(env, 2 if quick else runs, "300" if quick else "6550")
        waits = [_polars_after_paint(here, env) for _ in range(1 if quick else 3)]
    return Measured(
        runs,
        {
            "first_paint_ms": mid(painted, 1),
            "bare_first_paint_ms": mid(bare_painted, 1),
            "ratio": round(mid(painted) / mid(bare_painted), 3),
            "first_paint_ms_range": [round(min(painted), 1), round(max(painted), 1)],
            "bare_first_paint_ms_range": [round(min(bare_painted), 1), round(max(bare_painted), 1)],
            "first_headline_ms": mid(result, 1),
            "history_first_headline_ms": mid(history, 1),
            "history_headline_ratio": round(mid(history) / mid(painted), 3),
            "history_rss_mb": history_rss,
            "polars_before_first_paint": min(waits) < 0,
            "polars_after_first_paint_ms": round(min(waits) * 1e3, 1),
        },
        AIMS,
    )


def _paint(argv: list[str], env: Mapping[str, str], headline: str | None = None) -> tuple[float, float]:
    """Seconds to the first text, and to the headline where there is one."""
    with Terminal(argv, env, **SIZE) as terminal:
        first = terminal.until(FIRST_TEXT) - terminal.started
        return first, terminal.until(headline) - terminal.started if headline else first


def _with_history(env: Mapping[str, str], runs: int, sessions: str) -> tuple[list[float], float]:
    """Milliseconds to the headline on twelve stored symbols, without network, and the RSS of the last run.

    The first run makes what is kept beside the history; it is not counted.
    """
    world = Path(env["HOME"]) / "world"
    for argv in (
        [sys.executable, "-m", "bench.memory.generate", str(world), sessions],
        [installed_command(), "history", "import", str(world / "closes")],
    ):
        subprocess.run(argv, env=dict(env), check=True, capture_output=True)
    took: list[float] = []
    rss = 0.0
    for _ in range(runs + 1):
        with Terminal([installed_command(), "--offline"], env, **SIZE) as terminal:
            took.append((terminal.until(HEADLINE) - terminal.started) * 1e3)
            terminal.rest(1.0)
            rss = memory_mb(f"/proc/{terminal.pid}/smaps_rollup")["Rss"]
    return took[1:], round(rss, 1)


def _polars_after_paint(here: Path, env: Mapping[str, str]) -> float:
    """Seconds from the first paint's arrival to the import of polars; negative if it came before."""
    note = Path(env["HOME"]) / "polars"
    note.unlink(missing_ok=True)
    with Terminal(
        [sys.executable, str(here / "imports_probe.py"), str(note), "demo"], env, **SIZE
    ) as terminal:
        painted = terminal.until(FIRST_TEXT)
        terminal.until(HEADLINE)
    if not note.exists():
        raise BenchError("polars was never imported: the probe has lost its sight")
    return float(note.read_text("ascii")) - painted
