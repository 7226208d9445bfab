"""How figures are written."""

from __future__ import annotations

import pytest

from rotation.text import counted, percentile


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


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 symbols"), (1, "1 symbol"), (2, "2 symbols"), (2100, "2,100 symbols")]
)
def test_a_number_and_its_noun_agree(number, text):
    assert counted(number, "symbol") == text
