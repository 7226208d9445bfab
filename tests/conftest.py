"""What every test may use: the shared market data and one Hypothesis profile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support import clock
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from pathlib import Path

clock.tie()

# No test asks a source on the network unless it says so, and then a server of its own.
os.environ.setdefault("ROTATION_TUI_OFFLINE", "1")

# No deadline: the first example of a test pays for imports. Slow generation is judged by the suite's
# own time, not by a health check that fails on a busy machine. In CI the same examples come every time.
settings.register_profile(
    "quick",
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "25")),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared market data; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here: third-party market data stays out of the repository")
    return SHARED
