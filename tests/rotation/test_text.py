"""How figures are written."""

from __future__ import annotations

import pytest

from rotation.text import percentile


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100.0, "100.0"),
        (99.99, "99.9"),  # some session stood higher
        (99.95, "99.9"),
        (99.84, "99.8"),
        (0.01, "0.1"),
        (0.0, "0.0"),
        (50.0, "50.0"),
        (None, "—"),
    ],
)
def test_a_percentile_is_never_rounded_to_a_record(value, text):
    assert percentile(value) == text
