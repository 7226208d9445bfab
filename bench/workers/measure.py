"""``rotation-tui host --workers``: four against one, ways to share a port, and the capacity model's check.

Viewers are simulated by another process (bench/ssh/load.py) on the same machine. On two cores the workers,
their parent and the viewers share them, and what others run counts too. CPU times depend on that least.
"""

from __future__ import annotations

from typing import Any

from bench.common import Measured, blank_home, installed_command
from bench.ssh.measure import stage
from bench.workers.entrance import entrance

SECONDS = 20.0
KEY_EVERY_S = 5.0
MIXED = 200
"""Viewers in ten sizes who press keys: four workers against one."""
FEW, MANY = 10, 800
"""Viewers of one view: the slope of a viewer, which is steeper where a process has many of them."""
APART, VIEWS = 200, 60
"""Viewers in so many views: the slope of a room."""
LARGEST, LARGEST_VIEWS = 1_500, 20
"""The simulation that the model is checked by: the largest that two cores carry beside the viewers."""
MODEL_WORKERS = 2
AIMS = {"key_p99_ms": 150.0}


def measure(*, quick: bool) -> Measured:
    seconds, key_every_s = (1.5, 0.5) if quick else (SECONDS, KEY_EVERY_S)
    mixed, few, many, apart, views, largest, largest_views = (
        (4, 2, 4, 4, 2, 6, 2) if quick else (MIXED, FEW, MANY, APART, VIEWS, LARGEST, LARGEST_VIEWS)
    )
    with blank_home() as env:
        alone = stage(host_of(1), env, mixed, seconds, key_every_s)
        four = stage(host_of(4), env, mixed, seconds, key_every_s)
        host = host_of(MODEL_WORKERS)
        stages = [
            stage(host, env, few, seconds, 0.0),
            stage(host, env, many, seconds, 0.0),
            stage(host, env, apart, seconds, 0.0, views=views),
        ]
        model = fitted(*stages)
        simulated = stage(host, env, largest, seconds, 0.0, views=largest_views)
    return Measured(
        1,
        {
            "four_over_one_frames": round(_frames(four) / _frames(alone), 2),
            "key_p99_ms": four["key_p99_ms"],
            "one": alone,
            "four": four,
            "entrance": entrance(quick=quick),
            "model": model,
            "fitted_on": stages,
            "simulation": {"measured": simulated, "predicted": predicted(model, simulated)},
        },
        AIMS,
    )


def host_of(workers: int) -> list[str]:
    """The command of a host of so many workers, which lets anybody in."""
    return [
        installed_command(), "host", "--listen", "127.0.0.1:0", "--open", "--demo", "--speed", "60",
        "--allow-root", "--max-sessions", "8000", "--per-address", "8000", "--new-per-minute", "100000",
        "--workers", str(workers),
    ]  # fmt: skip


def _frames(stage: dict[str, Any]) -> float:
    """Frames a second to all viewers together."""
    return float(stage["frames_per_s"]) * float(stage["sessions"])


def _room_frames(stage: dict[str, Any]) -> float:
    """Rooms drawn a second. A view that is looked at on two workers is two rooms."""
    return float(stage["frames_per_s"]) * float(stage["rooms"])


def _slope(rise: float, run: float) -> float:
    """What one more costs; 0 where two stages do not differ, as two short runs may not."""
    return max(rise / run, 0.0) if run > 0 else 0.0


def fitted(few: dict[str, Any], many: dict[str, Any], apart: dict[str, Any]) -> dict[str, float]:
    """The slopes of a viewer and of a room, from three stages; CPU of all processes of the host together."""
    # By bytes, not frames: those of larger terminals, and those that come less often, hold more.
    by_byte = _slope(many["cpu_pct"] - few["cpu_pct"], many["bytes_per_s"] - few["bytes_per_s"])
    by_viewer = _slope(many["held_mb"] - few["held_mb"], many["sessions"] - few["sessions"])
    rooms_cpu = apart["cpu_pct"] - few["cpu_pct"] - by_byte * (apart["bytes_per_s"] - few["bytes_per_s"])
    by_room = _slope(rooms_cpu, _room_frames(apart) - _room_frames(few))
    rooms_mb = apart["held_mb"] - few["held_mb"] - by_viewer * (apart["sessions"] - few["sessions"])
    room_mb = _slope(rooms_mb, apart["rooms"] - few["rooms"])
    rest = few["cpu_pct"] - by_byte * few["bytes_per_s"] - by_room * _room_frames(few)
    return {
        "cpu_pct_at_rest": round(max(rest, 0.0), 2),
        "cpu_ms_per_kb": round(by_byte * 10 * 1e3, 4),
        "cpu_ms_per_room_frame": round(by_room * 10, 3),
        "mb_at_rest": round(few["held_mb"] - by_viewer * few["sessions"], 1),
        "mb_per_viewer": round(by_viewer, 4),
        "mb_per_room": round(room_mb, 3),
        "bytes_per_frame": round(many["bytes_per_s"] / _frames(many), 1),
        "files_at_rest": few["open_files"] - few["sessions"],
    }


def predicted(model: dict[str, float], stage: dict[str, Any]) -> dict[str, float]:
    """What the model says of a stage, given its viewers, rooms, and the frames and bytes that came."""
    cpu = (
        model["cpu_pct_at_rest"]
        + model["cpu_ms_per_kb"] / 10 * stage["bytes_per_s"] / 1e3
        + model["cpu_ms_per_room_frame"] / 10 * _room_frames(stage)
    )
    held = (
        model["mb_at_rest"]
        + model["mb_per_viewer"] * stage["sessions"]
        + model["mb_per_room"] * stage["rooms"]
    )
    return {
        "cpu_pct": round(cpu, 1),
        "held_mb": round(held, 1),
        "open_files": model["files_at_rest"] + stage["sessions"],
    }
