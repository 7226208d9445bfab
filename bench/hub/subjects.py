"""``python -m bench.hub.subjects``: what one more symbol costs the hub, the NATS server and a viewer.

A symbol has two subjects, its quotes and its closes. Each size in processes of its own; the slopes are those
of straight lines through them, the smallest included. Beyond the Russell 2000 symbols are made up. Every
symbol prints each two seconds, so that the largest size is no test of the machine.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.common import BenchError, load_before
from bench.hub.measure import watched

SIZES = (12, 300, 2_100, 8_000)
EVERY_S, SECONDS = 2.0, 20.0
QUICK = "--quick"
QUICK_SIZES, QUICK_SECONDS = (12, 40), 4.5
SLOPES = {
    "hub_mb": ("symbols", "hub_mb"),
    "viewer_mb": ("symbols", "viewer_mb"),
    "server_mb": ("symbols", "server_mb"),
    "stored_bytes": ("symbols", "stored_bytes"),
    "whole_market_s": ("symbols", "whole_market_s"),
    "hub_cpu_pct": ("quotes_per_s", "hub_cpu_pct"),
    "viewer_cpu_pct": ("quotes_per_s", "viewer_cpu_pct"),
    "server_cpu_pct": ("quotes_per_s", "server_cpu_pct"),
}
"""Slope → what it is per, and what of."""


def measured_at(count: int, seconds: float) -> dict[str, Any]:
    """The figures of one size, in this process, which is the hub's."""
    from tests.support.servers.nats import nats_server

    with tempfile.TemporaryDirectory() as folder, nats_server(Path(folder)) as server:
        assert server.process is not None
        return asyncio.run(watched(server.url, count, seconds, every_s=EVERY_S, server=server.process.pid))


def slope(points: list[tuple[float, float]]) -> float:
    """Of the straight line with the least squares."""
    mean_x, mean_y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def main() -> None:
    words = [word for word in sys.argv[1:] if word != QUICK]
    is_quick = QUICK in sys.argv
    if words:
        print(json.dumps(measured_at(int(words[0]), QUICK_SECONDS if is_quick else SECONDS)))
        return
    figures: dict[str, Any] = {"bench": "hub.subjects", "load_before": load_before()}
    sizes: dict[int, dict[str, Any]] = {}
    for count in QUICK_SIZES if is_quick else SIZES:
        command = [sys.executable, "-m", "bench.hub.subjects", str(count), *([QUICK] if is_quick else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise BenchError(done.stderr[-500:])
        sizes[count] = {"symbols": count, **json.loads(done.stdout)}
    made = {
        name: slope([(each[per], each[of]) for each in sizes.values()]) for name, (per, of) in SLOPES.items()
    }
    print(
        json.dumps(
            {**figures, "sizes": sizes, "slopes": {name: float(f"{v:.4g}") for name, v in made.items()}}
        )
    )


if __name__ == "__main__":
    main()
