"""What the benches share: the JSON line, medians, and the environment of a measured program."""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class BenchError(RuntimeError):
    """What was to be measured did not run; ``str()`` says why in one line."""


class Measured(NamedTuple):
    """What a bench hands over."""

    runs: int
    """Runs behind each median."""
    figures: dict[str, Any]
    """Name → number (or a dict of such); units stand in the names."""
    aims: dict[str, float]
    """Name of a figure → the most that it may be."""


def line(name: str, measured: Measured, load: float) -> str:
    """The bench's JSON line. ``load``: other work on the machine before it began."""
    figures = measured.figures
    return json.dumps(
        {
            "bench": name,
            "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "python": platform.python_version(),
            "textual": version("textual"),
            "polars": version("polars"),
            "cpu": {"model": _cpu_model(), "cores": os.cpu_count(), "load_before": load},
            "runs": measured.runs,
            **figures,
            "aim": measured.aims,
            "met": {name: figures[name] <= most for name, most in measured.aims.items()},
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (text.partition(":")[2].strip() for text in lines if text.startswith("model name")), "unknown"
    )


def load_before() -> float:
    """Runnable tasks over the last minute, before a bench adds its own."""
    return round(os.getloadavg()[0], 2)


def mid(values: Sequence[float], digits: int = 3) -> float:
    """The median, rounded."""
    return round(median(values), digits)


def quantile(values: Sequence[float], percent: int) -> float:
    """The value that ``percent`` of the values do not exceed, roughly; the largest of very few."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def memory_mb(file: str) -> dict[str, float]:
    """The figures in kB of a file such as ``/proc/PID/status``, by name, in MB of 10⁶ bytes."""
    fields: dict[str, float] = {}
    for text in Path(file).read_text("utf-8").splitlines():
        name, _, rest = text.partition(":")
        if rest.endswith(" kB"):
            fields[name] = int(rest.split()[0]) * 1024 / 1e6
    return fields


def installed_command() -> str:
    """The ``rotation-tui`` that stands beside this interpreter. Raises BenchError if there is none."""
    command = Path(sys.executable).parent / "rotation-tui"
    if not command.exists():
        raise BenchError(f"no rotation-tui beside {Path(sys.executable).name}; install the project first")
    return str(command)


UNUSUAL = ("TEXTUAL", "XDG_", "NO_COLOR", "PYTHONDONTWRITEBYTECODE", "PYTHONOPTIMIZE", "POLARS_", "MALLOC_")
"""Beginnings of variables that would make a program start, look or weigh other than it does for most."""


@contextmanager
def blank_home() -> Iterator[dict[str, str]]:
    """The environment of a program without any history, log or setting of its user's."""
    with TemporaryDirectory(prefix="rotation-bench-") as home:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith(UNUSUAL)},
            "HOME": home,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
