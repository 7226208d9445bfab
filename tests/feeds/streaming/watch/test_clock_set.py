"""Our own clock is set: the monotonic clock knows, and no price looks younger for it."""

from __future__ import annotations

from feeds.clock import Moment
from feeds.streaming.watch.hours import Equities
from feeds.streaming.watch.watch import Watch
from rotation.market.status import Provenance, of_print
from rotation.quote import NS
from rotation.sessions import to_ns
from rotation.status import Kind, Mode
from tests.support.fake_time import NOW_NS


def a_watch() -> Watch:
    return Watch({"IWM"}, frozenset({"IWM"}), Equities(), Mode(), heartbeats=False)


def test_a_clock_that_is_set_back_is_behind_at_once():
    watch = a_watch()
    for second in range(5):
        now = Moment(1000.0 + second, NOW_NS + second * NS)
        watch.on_moment(now)
        watch.on_times([now.ns - NS // 2], now)
    assert (watch.lag.behind_ns, watch.usual_lag_ns()) == (0, 0)
    watch.on_moment(Moment(1005.0, NOW_NS + 5 * NS - 20 * NS))
    assert watch.lag.behind_ns == 195 * NS // 10
    assert watch.usual_lag_ns() == -195 * NS // 10, "a print of now is not ahead of its time"
    watch.on_moment(Moment(1006.0, NOW_NS + 6 * NS))
    assert watch.lag.behind_ns == 0


def test_it_is_known_before_the_first_prints():
    watch = a_watch()
    watch.on_moment(Moment(1000.0, NOW_NS))
    watch.on_moment(Moment(1001.0, NOW_NS + NS - 40 * NS))
    assert watch.lag.behind_ns == 40 * NS


def test_a_clock_that_was_ahead_and_is_put_right_is_not_behind():
    watch = a_watch()
    for second in range(5):
        now = Moment(1000.0 + second, NOW_NS + second * NS)
        watch.on_moment(now)
        watch.on_times([now.ns - 30 * NS], now)
    watch.on_moment(Moment(1005.0, NOW_NS + 5 * NS - 30 * NS))
    assert watch.lag.behind_ns == 0


def test_time_that_passes_by_both_clocks_moves_nothing():
    watch = a_watch()
    for i in range(100):
        watch.on_moment(Moment(1000.0 + i * 60.3, NOW_NS + int(i * 60.3 * NS) + i * 10**8))
    assert watch.lag.behind_ns == 0


def test_a_price_is_as_old_as_the_monotonic_clock_says():
    """Set back by 40 s: the last print, 35 s old, seems to come 5 s from now."""
    made_ns = NOW_NS
    shown_ns = NOW_NS + 35 * NS - 40 * NS
    assert to_ns(of_print(Provenance(Mode(), "a feed"), made_ns, shown_ns).as_of) == made_ns
    status = of_print(Provenance(Mode(), "a feed", behind_s=40.0), made_ns, shown_ns)
    assert (status.kind, status.age_s) == (Kind.STALE, 35.0)
