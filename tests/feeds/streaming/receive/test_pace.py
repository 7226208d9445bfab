"""A busy stream is looked at less often, and a quiet or a flooded one as always."""

from __future__ import annotations

import pytest

from feeds.streaming.receive.pace import BUSY_PER_S, LONGER, MANY, pause_s

PACE_S = 0.04
LONG_S = PACE_S * LONGER


@pytest.mark.parametrize(
    ("size", "gathered_s", "wanted_s"),
    [
        (0, PACE_S, PACE_S),
        (BUSY_PER_S * PACE_S * 0.9, PACE_S, PACE_S),
        (BUSY_PER_S * PACE_S * 1.1, PACE_S, LONG_S),
        (BUSY_PER_S * LONG_S * 1.1, LONG_S, LONG_S),
        (BUSY_PER_S * LONG_S * 0.9, LONG_S, PACE_S),  # as much as before would be, in so much longer a time
        (BUSY_PER_S * PACE_S * 0.9, PACE_S / 10, PACE_S),  # a look that somebody asked for
        (MANY, PACE_S, PACE_S),
        (MANY, LONG_S, PACE_S),
    ],
)
def test_how_long_frames_gather(size, gathered_s, wanted_s):
    assert pause_s(PACE_S, int(size), gathered_s) == wanted_s
