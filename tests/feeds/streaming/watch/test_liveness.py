from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from feeds.clock import Moment
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.watch.hours import Always, Equities, Globex
from feeds.streaming.watch.liveness import Liveness
from rotation.sessions import from_ns, to_ns

NEW_YORK = ZoneInfo("America/New_York")
CANARIES = frozenset({"IWM", "QQQ", "SPY"})


def at(text: str) -> int:
    """New York wall time."""
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def shown(ts_ns: int | None) -> str:
    return "" if ts_ns is None else f"{from_ns(ts_ns).astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


class Watch:
    """Clocks whose seconds are those of a wall clock in New York."""

    def __init__(self, start: str, hours=None, canaries=CANARIES, heartbeats=False):
        self.liveness = Liveness(hours or Equities(), canaries, heartbeats=heartbeats)
        self.start_ns = at(start)
        self.liveness.opened(0.0)

    def when(self, until_s: float, printing=()) -> tuple[float, Reason] | None:
        """The first second, from now on, at which the connection must be given up."""
        for second in range(int(until_s) + 1):
            if printing:
                self.liveness.printed(printing, float(second))
            reason = self.liveness.overdue(Moment(float(second), self.start_ns + second * 10**9))
            if reason is not None:
                return float(second), reason
        return None


@pytest.mark.parametrize(
    ("start", "seconds"),
    [
        ("2024-07-16 20:00", 8 * 3600),  # a quiet night
        ("2024-07-20 10:00", 3600),  # Saturday
        ("2026-11-26 10:00", 3600),  # Thanksgiving
        ("2026-11-27 13:00:01", 3600),  # the half-day's afternoon
        ("2026-12-24 13:00:01", 3600),
        ("2024-07-16 07:00", 2 * 3600),  # before the open
        ("2024-07-16 16:00:01", 3600),  # after the close
        ("2026-03-08 09:30", 3600),  # the Sunday on which clocks go forward
    ],
)
def test_no_false_alarm(start, seconds):
    assert Watch(start).when(seconds) is None


@pytest.mark.parametrize(
    "start",
    [
        "2024-07-16 10:40",
        "2026-11-27 10:40",  # the half-day's morning
        "2026-03-09 09:31",  # the Monday after clocks went forward: 13:31 UTC
        "2026-11-02 09:31",  # and back: 14:31 UTC
        "2026-11-02 15:58",
    ],
)
def test_30_seconds_without_data(start):
    assert Watch(start).when(100) == (31.0, Reason(Why.NO_DATA, 31.0))


def test_silence_counts_from_the_bell_on():
    """The night's silence is no reason to leave at 09:30:00."""
    assert Watch("2024-07-16 09:15").when(1000) == (15 * 60 + 30.0, Reason(Why.NO_DATA, 31.0))


@pytest.mark.parametrize(
    ("start", "after_s"),
    [
        ("2024-07-16 15:59:29", 31),  # before the bell
        ("2024-07-16 15:59:35", 31),
        ("2024-07-16 15:59:58", 31),
        ("2026-11-27 12:59:58", 31),  # a half-day
    ],
)
def test_a_silence_that_began_before_the_bell_is_noticed_after_it(start, after_s):
    """The auction may have printed in it; the price read PROVISIONAL, unmarked, until the official close."""
    assert Watch(start).when(3600) == (after_s, Reason(Why.NO_DATA, after_s))


def test_what_has_printed_after_the_bell_may_be_silent():
    watch = Watch("2024-07-16 15:59:58")
    watch.liveness.printed(CANARIES, 3.0)
    assert watch.when(3600) is None


def test_after_the_bell_a_new_connection_may_be_silent():
    watch = Watch("2024-07-16 15:59:45")
    assert watch.when(60) == (31.0, Reason(Why.NO_DATA, 31.0))
    watch.liveness.opened(32.0)
    assert all(
        watch.liveness.overdue(Moment(float(s), watch.start_ns + s * 10**9)) is None for s in range(32, 3600)
    )


def test_every_canary_must_tick():
    assert Watch("2024-07-16 10:40").when(300, CANARIES) is None
    assert Watch("2024-07-16 10:40").when(300, {"IWM", "QQQ"}) == (
        61.0,
        Reason(Why.NO_PRINT, 61.0, symbol="SPY"),
    )
    assert Watch("2024-07-16 10:40", canaries=frozenset()).when(300, {"TLT"}) is None


def test_without_a_canary_silence_says_little():
    assert Watch("2024-07-16 10:40", canaries=frozenset()).when(900) == (301.0, Reason(Why.NO_DATA, 301.0))


def test_a_halted_canary_may_be_silent():
    liveness = Watch("2024-07-16 10:40").liveness
    now_ns = at("2024-07-16 10:45")
    liveness.printed({"QQQ", "SPY"}, 290.0)
    assert liveness.overdue(Moment(300.0, now_ns), frozenset({"IWM"})) is None
    # The whole market stands: nothing is expected of anyone.
    assert liveness.overdue(Moment(900.0, now_ns), CANARIES) is None


def test_pings_and_heartbeats_are_no_data():
    watch = Watch("2024-07-16 10:40")
    for second in range(30):
        watch.liveness.received(float(second))
    assert watch.liveness.overdue(Moment(31.0, watch.start_ns)) == Reason(Why.NO_DATA, 31.0)


def test_who_promises_to_speak_is_watched_at_night():
    assert Watch("2024-07-16 22:00", heartbeats=True).when(100) == (46.0, Reason(Why.NOTHING_RECEIVED, 46.0))


def test_silence_that_outlasts_reconnects_is_borne_longer():
    """A halt of the whole market, of which nobody told us."""
    watch = Watch("2024-07-16 10:40")
    waits, now_s = [], 0.0
    for _ in range(7):
        watch.liveness.opened(now_s)
        began_s = now_s
        while not watch.liveness.overdue(Moment(now_s, watch.start_ns)):
            now_s += 1.0
        waits.append(now_s - began_s)
    assert waits == [31.0, 61.0, 121.0, 241.0, 481.0, 481.0, 481.0]
    watch.liveness.opened(now_s)
    watch.liveness.printed(CANARIES, now_s)
    assert watch.liveness.overdue(Moment(now_s + 31.0, watch.start_ns)) == Reason(Why.NO_DATA, 31.0)


def test_a_minute_of_data_is_healthy():
    liveness = Watch("2024-07-16 10:40").liveness
    assert not liveness.healthy(100.0)
    liveness.printed(CANARIES, 100.0)
    liveness.printed(CANARIES, 159.0)
    assert not liveness.healthy(159.9)
    assert liveness.healthy(160.0)
    assert not liveness.healthy(220.0)  # the last print is a minute old
    liveness.opened(221.0)
    assert not liveness.healthy(221.0)
    liveness.printed(CANARIES, 230.0)
    liveness.printed(CANARIES, 280.0)
    assert not liveness.healthy(289.0)  # of this connection
    assert liveness.healthy(290.0)


def test_a_canary_that_stays_silent_is_borne_longer():
    """The others trade: to come back every minute because of one symbol would harm them all."""
    watch = Watch("2024-07-16 10:40")
    watch.liveness.printed(CANARIES, 0.0)
    waits, now_s = [], 0.0
    for _ in range(4):
        watch.liveness.opened(now_s)
        began_s = now_s
        while not watch.liveness.overdue(Moment(now_s, watch.start_ns)):
            now_s += 1.0
            watch.liveness.printed({"IWM", "QQQ"}, now_s)
        waits.append(now_s - began_s)
    assert waits == [61.0, 121.0, 241.0, 481.0]


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2024-07-16 03:00", "2024-07-16 09:15"),
        ("2024-07-16 09:15", "2024-07-17 09:15"),
        ("2024-07-16 20:00", "2024-07-17 09:15"),
        ("2024-07-19 12:00", "2024-07-22 09:15"),
        ("2026-11-25 12:00", "2026-11-27 09:15"),
        ("2026-03-06 12:00", "2026-03-09 09:15"),
    ],
)
def test_a_fresh_connection_before_the_open(now, due):
    assert shown(Equities().renew_ns(at(now))) == due


def test_equities_begin_at_four():
    assert shown(Equities().began_ns(at("2024-07-16 10:40"))) == "2024-07-16 04:00"
    assert Equities().began_ns(at("2024-07-16 23:00")) is None


@pytest.mark.parametrize(
    ("now", "shut"),
    [
        ("2024-07-16 10:00", False),
        ("2024-07-16 16:59", False),
        ("2024-07-16 17:00", True),
        ("2024-07-16 17:59", True),
        ("2024-07-16 18:00", False),
        ("2024-07-16 03:00", False),
        ("2024-07-19 16:59", False),
        ("2024-07-19 18:00", True),
        ("2024-07-20 12:00", True),
        ("2024-07-21 17:59", True),
        ("2024-07-21 18:00", False),
    ],
)
def test_globex(now, shut):
    assert Globex().is_shut(at(now)) == shut
    assert (Globex().quiet_s(at(now)) is None) == shut
    assert Globex().canary_s(at(now)) is None


def test_globex_is_renewed_in_its_pause():
    assert shown(Globex().renew_ns(at("2024-07-16 10:00"))) == "2024-07-16 17:30"
    assert shown(Globex().renew_ns(at("2024-07-16 17:30"))) == "2024-07-17 17:30"
    assert Globex().began_ns(7) == 7


def test_a_market_that_never_rests():
    saturday = at("2024-07-20 04:00")
    assert (Always().quiet_s(saturday), Always().canary_s(saturday)) == (30.0, 60.0)
    assert not Always().is_shut(saturday)
    assert shown(Always().renew_ns(saturday)) == "2024-07-21 04:00"
    assert Always().began_ns(saturday) == saturday
