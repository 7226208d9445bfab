"""The strip's charts: asked while Globex trades, and slowly while the stream brings the prices."""

from __future__ import annotations

from datetime import datetime

import pytest

from feeds.fed.strip_pace import EVERY_S, LOOK_S, PUSHED_EVERY_S, wait_s
from rotation.quote import NS
from rotation.sessions import NEW_YORK, to_ns


def at(moment: str) -> int:
    return to_ns(datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK))


NOON = at("2026-11-18 12:00")


@pytest.mark.parametrize(
    ("asked_s", "pushed_s", "wait"),
    [
        (0, None, EVERY_S),
        (100, None, 20.0),
        (120, None, 0.0),
        (5_000, None, 0.0),
        (0, 10, PUSHED_EVERY_S),
        (120, 3_000, PUSHED_EVERY_S - 120),
        (1_800, 10, 0.0),
        (120, 3_601, 0.0),  # the stream has gone quiet
    ],
)
def test_while_globex_trades(asked_s, pushed_s, wait):
    pushed_ns = None if pushed_s is None else NOON - pushed_s * NS
    assert wait_s(NOON, NOON - asked_s * NS, pushed_ns) == wait


@pytest.mark.parametrize("moment", ["2026-11-18 17:30", "2026-11-21 12:00", "2026-11-22 17:59"])
def test_nothing_is_asked_while_globex_is_shut(moment):
    now_ns = at(moment)
    assert wait_s(now_ns, now_ns - 86_400 * NS, None) == LOOK_S


def test_a_day_of_a_working_stream_costs_a_fifteenth_of_the_requests():
    """19 charts every two minutes were 13,680 requests a day to the source that also has the quotes."""
    now_ns = asked_ns = at("2026-11-18 00:00")
    asked = 0
    while now_ns < at("2026-11-19 00:00"):
        wait = wait_s(now_ns, asked_ns, now_ns)
        if not wait:
            asked, asked_ns = asked + 1, now_ns
        now_ns += int(max(wait, 1.0) * NS)
    assert asked * 19 < 13_680 / 15
