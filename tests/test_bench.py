"""Every bench still runs and prints its one JSON line. How fast it was is nobody's business here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ALWAYS = {"bench", "at", "python", "textual", "polars", "cpu", "runs", "aim", "met"}
FIGURES = {
    "startup": {
        "ratio",
        "first_paint_ms",
        "bare_first_paint_ms",
        "first_headline_ms",
        "polars_before_first_paint",
    },
    "paint": {"cpu_ms", "bytes_median", "bytes_max", "first_frame_bytes", "idle_pct", "at_80x24"},
    "memory": {"rss_mb", "pss_mb", "uss_mb", "imports_rss_mb", "ours_mb", "demo", "variants"},
    "many": {
        "plain_cpu_s",
        "one_quote_cpu_s",
        "quoted_peak_rss_mb",
        "snapshot_cpu_s",
        "snapshot_from_folder_peak_rss_mb",
    },
    "growth": {"history_ratio", "symbols_ratio", "batch", "look_back_ms", "reduction_us"},
    "pages": {"without_ms", "with_pages_ms", "drawn_ms", "added_ms", "added_by_a_page_ms"},
    "ingest": {"ours", "floor", "alpaca_py", "floor_over_ours_of_100", "alpaca_py_over_ours_of_100"},
    "hub": {"formats", "symbols_12", "symbols_2100", "whole_market_2100_s"},
    "fedwatch": {"table_us", "checked_table_us", "tick_effects_us", "fit_us"},
    "workers": {"four_over_one_frames", "one", "four", "entrance", "model", "simulation"},
    "ssh": {
        "frame_gap_ms",
        "session_mb",
        "key_p99_ms",
        "many_views_gap_ms",
        "one_view",
        "ten_sizes",
        "many_views",
        "under_attack",
        "app_per_session",
    },
}
INGESTED = {"hand on", "rest", "conflated", "rejects", "left_out", "in_events", "in_market", "in_snapshot"}
MODELLED = {
    "cpu_ms_per_kb",
    "cpu_ms_per_room_frame",
    "mb_per_viewer",
    "mb_per_room",
    "cpu_pct_at_rest",
    "least",
}
"""Slopes between two short runs may come out as nothing."""
MAY_BE_NOTHING = {
    "load_before",
    "idle_pct",
    "polars_before_first_paint",
    "dropped",
    "gaps",
    "session_mb",
    "lag_ms",
    *MODELLED,
    *INGESTED,
}


def numbers(value, name=""):
    """Every number of a JSON value, with the name it stands under; aims are wishes, not figures."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("aim", "met"):
                yield from numbers(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner, name)
    elif isinstance(value, int | float):
        yield name, value


@pytest.mark.parametrize("name", FIGURES)
def test_a_bench_prints_one_line(name):
    if name == "memory" and not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("this system does not say what memory a process holds")
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--quick"],
        cwd=ROOT, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    parsed = json.loads(line)

    assert set(parsed) >= ALWAYS | FIGURES[name]
    assert parsed["bench"] == name
    assert parsed["runs"] >= 1
    assert parsed["met"] == {figure: parsed[figure] <= most for figure, most in parsed["aim"].items()}
    for figure, value in numbers(parsed):
        assert math.isfinite(value), figure
        assert value > 0 or (figure in MAY_BE_NOTHING and value >= 0), figure


def test_a_wrong_name_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "speed"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "there is no bench 'speed'" in done.stderr


def test_the_house_is_measured_and_a_live_print_passes_every_layer():
    done = subprocess.run(
        [sys.executable, "-m", "bench.house"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    parsed = json.loads(done.stdout)
    assert parsed["files_in_the_fullest_folder"] == max(parsed["files"].values())
    assert (
        len(parsed["live_print"])
        == parsed["live_print_modules"]
        == sum(parsed["live_print_by_layer"].values())
    )
    assert all(parsed["live_print_by_layer"].values())


@pytest.mark.parametrize("module", ["bench.hub.subjects", "bench.workers.attacks"])
def test_a_script_beside_the_benches_prints_its_line(module):
    command = [sys.executable, "-m", module, "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["bench"] == module.removeprefix("bench.")
    figures = made.get("slopes") or made["under_attack"]["rekeys"]
    assert all(map(math.isfinite, [value for value in figures.values() if isinstance(value, int | float)]))
