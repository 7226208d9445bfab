"""Ingest: a consolidated tape over a real websocket, from the socket to the Snapshot, beside two referees.

The floor only receives and decodes to typed structs; ``alpaca-py`` is the vendor's own client up to its
callback. All read the same tape from a server in another process; ``painted`` is the way on to a screen.
Quotes per CPU second are of the reading process alone; per second they also depend on what else the machine
does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench.common import BenchError, Measured

PER_FRAME = (1, 20, 100)
RATES = (1_000, 10_000, 100_000)
PAINTED_S, PAINTED_MOST = 20, 500_000
"""Seconds of a served screen at each rate, and quotes at most."""
COUNT, QUICK_COUNT = 200_000, 4_000
TURNS = 3
"""Of those with frames of 100, one after the other; the middle one counts."""
PY_FORMAT = "alpaca-msgpack"
"""What alpaca-py asks for, and this program, too; the floor reads JSON."""


def measure(*, quick: bool) -> Measured:
    count = QUICK_COUNT if quick else COUNT
    sizes = (100,) if quick else PER_FRAME
    turns = 1 if quick else TURNS
    kinds = ("alpaca-json", PY_FORMAT) if quick else ("alpaca-json", PY_FORMAT, "massive")
    wanted = {
        **{("ours", kind, size): count // (1 if size > 1 else 4) for kind in kinds for size in sizes},
        **{("floor", "alpaca-json", size): count for size in sizes},
        **{("alpaca_py", PY_FORMAT, size): count // 4 for size in sizes},
    }
    runs = {key: [_reader(*key, messages)] for key, messages in wanted.items() if key[2] != 100 or turns == 1}
    again = [key for key in wanted if key not in runs]
    for key in again * turns:
        runs.setdefault(key, []).append(_reader(*key, wanted[key]))
    middle = {key: sorted(each, key=_speed)[len(each) // 2] for key, each in runs.items()}
    ours = {kind: {str(size): middle["ours", kind, size] for size in sizes} for kind in kinds}
    floor = {str(size): middle["floor", "alpaca-json", size] for size in sizes}
    own = {str(size): middle["alpaca_py", PY_FORMAT, size] for size in sizes}
    rates = () if quick else RATES
    paced = {str(rate): _run("ours", "alpaca-json", 20, min(rate * 10, count), rate) for rate in rates}
    figures: dict[str, Any] = {"ours": ours, "floor": floor, "alpaca_py": own, "paced": paced}
    figures["painted"] = {
        str(rate): _run("painted", "alpaca-json", 20, min(PAINTED_S, PAINTED_MOST // rate), rate)
        for rate in rates
    }
    figures["alpaca_py_over_ours_of_100"] = _ratio(own["100"], ours[PY_FORMAT]["100"])
    figures["alpaca_py_over_ours_of_100_in_json"] = _ratio(own["100"], ours["alpaca-json"]["100"])
    figures["floor_over_ours_of_100"] = _ratio(floor["100"], ours["alpaca-json"]["100"])
    aims = {"alpaca_py_over_ours_of_100": 0.2, "floor_over_ours_of_100": 4.0}
    if not quick:
        figures["alpaca_py_over_ours_of_1"] = _ratio(own["1"], ours[PY_FORMAT]["1"])
        aims["alpaca_py_over_ours_of_1"] = 0.33
    return Measured(1, figures, aims)


def _ratio(above: dict[str, Any], below: dict[str, Any]) -> float:
    """Of quotes per CPU second, so that another's load does not count."""
    return round(_speed(above) / _speed(below), 3)


def _speed(result: dict[str, Any]) -> float:
    return float(result["quotes_per_cpu_s"])


def _reader(name: str, kind: str, per_frame: int, messages: int) -> dict[str, Any]:
    """One run of a reader as fast as it goes."""
    if name == "ours":
        return _run("ours", kind, per_frame, messages, 0)
    return _run("referees", name.replace("_", "-"), kind, per_frame, messages)


def _run(module: str, *words: object) -> dict[str, Any]:
    """One run in a process of its own. Raises BenchError where it fails."""
    command = [sys.executable, "-m", f"bench.ingest.{module}", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise BenchError(f"{module} {words}: {done.stderr.strip().splitlines()[-1:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
