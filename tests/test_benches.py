"""A bench that measured nothing has not passed."""

from __future__ import annotations

import pytest

from bench.common import BenchError
from bench.ingest.on_screen import key_waits


def test_without_a_key_measured_there_is_no_wait():
    with pytest.raises(BenchError, match="no key"):
        key_waits([])
    assert key_waits([4.0, 12.0])["key_worst_ms"] == 12.0
