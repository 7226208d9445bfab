"""The token bucket of what visitors type: a burst at once, a steady rate, and never more for asking often."""

from __future__ import annotations

from tui.ssh.wire.token_bucket import TokenBucket


def test_a_burst_passes_and_the_rest_is_counted():
    bucket = TokenBucket(10, 2, now=100.0)
    assert (bucket.take(25, 100.0), bucket.dropped) == (10, 15)
    assert bucket.take(1, 100.0) == 0


def test_time_fills_it_at_its_rate_up_to_the_burst():
    bucket = TokenBucket(10, 2, now=0.0)
    bucket.take(10, 0.0)
    assert bucket.take(10, 1.5) == 3
    assert bucket.take(10, 1_000.0) == 10


def test_a_second_counts_once_however_often_one_asks():
    """A bucket that never moved its clock would fill again from the same second at every call."""
    bucket = TokenBucket(10, 2, now=0.0)
    bucket.take(10, 0.0)
    assert [bucket.take(10, 1.0) for _ in range(3)] == [2, 0, 0]
    assert sum(bucket.take(10, 1.0 + i / 10) for i in range(1, 11)) == 2
