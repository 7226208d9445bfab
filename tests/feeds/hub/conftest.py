"""The long tests run only when they are asked for: ``make test-hub``."""

from __future__ import annotations

import json

import pytest

from tests.support.hub.scene import RECOVERIES


def pytest_collection_modifyitems(config, items):
    if "hub" in config.option.markexpr:
        return
    skip = pytest.mark.skip(reason="minutes with real servers; make test-hub runs it")
    for item in items:
        if item.get_closest_marker("hub"):
            item.add_marker(skip)


def pytest_terminal_summary(terminalreporter):
    """What ``make test-hub`` has measured: by fault the median and the longest recovery, and the stalls."""
    if not RECOVERIES:
        return
    measured = {}
    for fault, each in sorted(RECOVERIES.items()):
        took_s = sorted(seconds for seconds, _ in each)
        measured[fault] = {
            "n": len(each),
            "median_s": round(took_s[len(took_s) // 2], 2),
            "longest_s": round(took_s[-1], 2),
            "stalled_s": round(max(stall_s for _, stall_s in each), 2),
        }
    terminalreporter.write_line(json.dumps({"hub_recovery": measured}))
