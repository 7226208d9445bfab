"""The long tests run only when they are asked for: ``make test-hub``."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config, items):
    if "hub" in config.option.markexpr:
        return
    skip = pytest.mark.skip(reason="minutes with real servers; make test-hub runs it")
    for item in items:
        if item.get_closest_marker("hub"):
            item.add_marker(skip)
