"""Who is let in, how fast they may type, how often is painted: pure rules on a clock that the test sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ssh.limits import Admission, Limits, Progress, network
from tui.ssh.rooms.frames import FRAMES, LEAST, MOST, clamp, frame
from tui.ssh.rooms.pace import AGAIN_S, CALM_FOR_S, FRAME_S, Pace
from tui.ssh.status import Meter
from tui.ssh.wire.token_bucket import TokenBucket
from tui.view.layout import SMALLEST


def test_a_person_never_fills_the_bucket():
    bucket = TokenBucket(2_048, 1_024, 0.0)
    assert [bucket.take(8, at / 10) for at in range(600)] == [8] * 600
    assert bucket.dropped == 0


def test_a_flood_gets_the_burst_and_then_the_rate():
    bucket = TokenBucket(2_048, 1_024, 0.0)
    assert bucket.take(1_000_000, 0.0) == 2_048
    assert bucket.take(1_000_000, 0.5) == 512
    assert bucket.dropped == 2_000_000 - 2_560


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 100_000)), max_size=30))
def test_a_bucket_never_gives_more_than_burst_and_rate(steps):
    bucket = TokenBucket(2_048, 1_024, 0.0)
    now, passed = 0.0, 0
    for wait, wanted in steps:
        now += wait
        passed += bucket.take(wanted, now)
    assert passed <= 2_048 + now * 1_024 + 1
    assert passed + bucket.dropped == sum(wanted for _, wanted in steps)


def test_ten_new_connections_from_one_address_and_minute():
    admission = Admission(Limits())
    for at in range(10):
        assert admission.admit("192.0.2.1", at) is None
        admission.leave("192.0.2.1", pending=True)
    assert admission.admit("192.0.2.1", 59.9) == "too often"
    assert admission.admit("192.0.2.2", 59.9) is None
    assert admission.admit("192.0.2.1", 60.0) is None


def test_a_reconnect_storm_is_not_let_in_again_by_storming():
    """What is refused for its rate does not count anew; a minute later the address is welcome."""
    admission = Admission(Limits(new_per_minute=3))
    came = [admission.admit("192.0.2.1", at / 10) for at in range(1_000)]
    assert came.count(None) == 5  # 3 at once; two minutes begin within the storm but five may stay at once
    assert set(came) == {None, "too often", "too many from there"}


def test_five_at_once_from_one_address_and_no_more_than_the_host_takes():
    admission = Admission(Limits(sessions=8, new_per_minute=100))
    assert [admission.admit("192.0.2.1", 0) for _ in range(6)] == [None] * 5 + ["too many from there"]
    assert [admission.admit(f"198.51.100.{n}", 0) for n in range(4)] == [None] * 3 + ["full"]
    assert len(admission) == 8
    admission.leave("192.0.2.1", pending=True)
    assert admission.admit("192.0.2.9", 0) is None


def test_five_hundred_that_never_log_in():
    """Only so many may be pending; those who have a session do not count, and places come free."""
    admission = Admission(Limits(sessions=1_000, pending=64))
    addresses = [f"10.0.{n // 250}.{n % 250}" for n in range(500)]
    reasons = [admission.admit(address, 0) for address in addresses]
    assert reasons == [None] * 64 + ["too many logins"] * 436
    admission.session_started()
    assert admission.admit("192.0.2.1", 0) is None
    for address in addresses[1:64]:
        admission.leave(address, pending=True)
    assert admission.admit("192.0.2.2", 0) is None


def test_addresses_that_have_gone_are_forgotten():
    admission = Admission(Limits())
    for n in range(1_000):
        address = f"10.1.{n // 250}.{n % 250}"
        assert admission.admit(address, n / 1_000) is None
        admission.leave(address, pending=True)
    admission.admit("192.0.2.1", 200.0)
    assert len(vars(admission)["_arrivals"]) <= 2
    assert len(admission) == 1


@pytest.mark.parametrize(
    ("address", "home"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address, home):
    assert network(address) == home


@pytest.mark.parametrize("claimed", [(0, 0), (0, 24), (80, 0), (-1, 5)])
def test_no_size_means_eighty_by_twenty_four(claimed):
    assert clamp(*claimed) == (80, 24)


@given(st.integers(-5, 2**32), st.integers(-5, 2**32))
def test_any_claimed_size_gives_a_frame_that_fits(width, height):
    wide, high = clamp(width, height)
    assert LEAST[0] <= wide <= MOST[0]
    assert LEAST[1] <= high <= MOST[1]
    size, x, y = frame(wide, high)
    assert x + size[0] <= wide
    assert y + size[1] <= high
    assert abs((wide - size[0]) - 2 * x) <= 1
    if wide >= SMALLEST[0] and high >= SMALLEST[1]:
        assert size in FRAMES
    else:
        assert size == (wide, high)


@pytest.mark.parametrize(
    ("terminal", "size"),
    [
        ((80, 24), (80, 24)),
        ((211, 54), (200, 50)),
        ((119, 41), (80, 40)),
        ((80, 23), (80, 23)),
        ((120, 29), (120, 29)),
        ((300, 120), (300, 80)),
    ],
)
def test_the_largest_standard_frame_that_fits(terminal, size):
    assert frame(*terminal).size == size


def test_lag_halves_the_rate_before_newcomers_are_refused():
    pace = Pace(0.0)
    assert pace.frame_s == FRAME_S
    pace.observe(0.4, 1.0)
    assert pace.level == "full"  # once is a session's turn
    pace.observe(0.2, 1.25)
    assert pace.level == "half"
    assert pace.frame_s == 2 * FRAME_S
    pace.observe(0.2, 1.5)
    assert pace.level == "half"
    pace.observe(0.2, 1.25 + AGAIN_S)
    assert pace.level == "closed"
    assert pace.frame_s == 2 * FRAME_S


def test_calm_leads_back_step_by_step():
    pace = Pace(0.0)
    for at in range(40):
        pace.observe(0.2, at / 4)
    assert pace.level == "closed"
    levels = []
    for at in range(40, 200):
        pace.observe(0.01, at / 4)
        levels.append(pace.level)
    assert levels[: int(CALM_FOR_S * 4) - 4].count("closed") == int(CALM_FOR_S * 4) - 4
    assert list(dict.fromkeys(levels)) == ["closed", "half", "full"]


def test_rates_are_of_the_last_seconds():
    meter = Meter()
    assert meter.rates() == (0.0, 0.0)
    for second in range(100):
        meter.mark(float(second))
        meter.frames += 5
        meter.bytes += 1_000
    assert meter.rates() == (5.0, 1_000.0)
    for second in range(100, 130):
        meter.mark(float(second))
    assert meter.rates() == (0.0, 0.0)


def test_ipv6_is_limited_by_what_anyone_can_rent():
    """A /64 is one household, a /56 counts as four of them, a /48 as sixteen."""
    admission = Admission(
        Limits(new_per_minute=10, per_address=100, sessions=1_000, pending=1_000, crowd=1_000)
    )

    def admitted(addresses):
        return [admission.admit(address, 0) for address in addresses].count(None)

    assert admitted(f"2001:db8:1:1::{n:x}" for n in range(50)) == 10
    assert admitted(f"2001:db8:1:{n:x}::1" for n in range(2, 100)) == 30
    assert admitted(f"2001:db8:1:{n:x}::1" for n in range(0x100, 0x2000, 4)) == 120
    assert admitted(["2001:db8:2::1"]) == 1


def test_an_ipv6_client_that_leaves_is_counted_out_everywhere():
    admission = Admission(Limits(per_address=1, new_per_minute=100))
    assert [admission.admit(f"2001:db8:1:{n:x}::1", 0) for n in range(5)] == [None] * 4 + [
        "too many from there"
    ]
    admission.leave("2001:db8:1:2::1", pending=True)
    assert len(admission) == 3
    assert admission.admit("2001:db8:1:9::1", 0) is None


@pytest.mark.parametrize(("crowd", "refused"), [(0, 0.0), (15, 0.0), (16, 0.3), (40, 0.65), (64, 1.0)])
def test_a_crowd_of_strangers_refuses_more_and_more_of_them(crowd, refused):
    """As sshd's MaxStartups: at random, so that no stranger can keep others out."""
    admission = Admission(Limits(new_per_minute=10_000, per_address=10_000, sessions=10_000, pending=64))
    draws = [n / 100 for n in range(100)]
    reasons = []
    for draw in draws:
        reasons.append(admission.admit("192.0.2.1", 0, crowd=crowd, draw=draw))
        if reasons[-1] is None:
            admission.leave("192.0.2.1", pending=True)
    assert reasons.count("too many logins") == pytest.approx(100 * refused, abs=1)


def test_places_are_kept_for_those_who_have_logged_in_before():
    admission = Admission(Limits(pending=4, kept=2, new_per_minute=100))
    admission.logged_in("192.0.2.1")
    strangers = [admission.admit(f"198.51.100.{n}", 0) for n in range(6)]
    assert strangers == [None] * 4 + ["too many logins"] * 2
    assert [admission.admit("192.0.2.1", 0, crowd=4, draw=0.0) for _ in range(3)] == [
        None, None, "too many logins",
    ]  # fmt: skip


def test_the_wait_is_until_the_oldest_of_the_minute_has_gone():
    admission = Admission(Limits(new_per_minute=2))
    assert [admission.admit("192.0.2.1", at) for at in (10.0, 20.0, 30.0)] == [None, None, "too often"]
    assert admission.wait_s("192.0.2.1", 30.0) == 40.0
    assert admission.wait_s("192.0.2.2", 30.0) == 0.0
    assert admission.admit("192.0.2.1", 70.0) is None


def test_known_addresses_are_a_bounded_number(monkeypatch):
    monkeypatch.setattr("tui.ssh.limits.KNOWN_MAX", 3)
    admission = Admission(Limits())
    for n in (1, 2, 3, 1, 4):
        admission.logged_in(f"192.0.2.{n}")
    assert [admission.is_known(f"192.0.2.{n}") for n in (1, 2, 3, 4)] == [True, False, True, True]


@pytest.mark.parametrize(
    ("progress", "seconds"),
    [("SILENT", 0.05), ("GREETED", 0.5), ("OFFERED", 0.5), ("NEGOTIATING", 2.0), ("LOGGED_IN", 0.5)],
)
def test_who_has_come_further_may_take_longer(progress, seconds):
    assert Limits().patience(Progress[progress]) == seconds
