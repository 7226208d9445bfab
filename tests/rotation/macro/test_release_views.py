"""Release days minute by minute: equal to plain loops, silent with few days, and nothing from later."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rotation.macro.figures import ReleaseKind, ReleasePath
from rotation.macro.release_days import AFTER, BEFORE, LEAST_N, ReleaseDay, Values, spread_path
from rotation.macro.release_views import LOOKED_AT, aged, views_of
from rotation.quote import MINUTE_NS
from rotation.sessions import NEW_YORK, from_ns, to_ns
from rotation.status import Kind

PAIR = ("IWM", "QQQ")
FIRST = datetime(2024, 1, 11, 8, 30, tzinfo=NEW_YORK)
Bars = dict[int, float]
"""Minute of a bar's end after the publication → close."""


def at_of(n: int) -> datetime:
    return FIRST + timedelta(weeks=4 * n)


def values(at: datetime, bars: Bars) -> Values:
    return Values(
        [to_ns(at) + minute * MINUTE_NS for minute in sorted(bars)], [bars[m] for m in sorted(bars)]
    )


def day_of(n: int, base: Bars, against: Bars, now: datetime) -> ReleaseDay:
    at, legs = at_of(n), (values(at_of(n), base), values(at_of(n), against))
    line = spread_path(*legs, to_ns(at), to_ns(now))
    until = min(to_ns(now), to_ns(at) + AFTER * MINUTE_NS)
    last = [leg.last_ns(until) for leg in legs]
    known_to = from_ns(min(last)) if line else None
    return ReleaseDay(ReleaseKind.CPI, at, line, (), "Yahoo", 1, known_to)


def plain_line(base: Bars, against: Bars, until: int) -> Bars:
    """By minute what both legs did since just before it: walk back at most ten minutes for a price."""

    def last(bars: Bars, minute: int) -> float | None:
        return next((bars[m] for m in range(minute, minute - 11, -1) if m in bars), None)

    start = last(base, 0), last(against, 0)
    if None in start:
        return {}
    made = {}
    for minute in range(-BEFORE, min(AFTER, until) + 1):
        now = last(base, minute), last(against, minute)
        if None not in now:
            made[minute] = 100 * (now[0] / start[0] - now[1] / start[1])
    return made


bars = st.dictionaries(st.integers(-40, AFTER), st.floats(100, 300), max_size=30)
worlds = st.lists(st.tuples(bars, bars), min_size=1, max_size=9)


@given(worlds, st.integers(-60, 200))
@example([({0: 100.0}, {-1: 100.0, 1: 100.0})], 0)
def test_every_minute_is_the_plain_one(world, minutes):
    newest = len(world) - 1
    now = at_of(newest) + timedelta(minutes=minutes)
    times = {ReleaseKind.CPI: [at_of(n) for n in range(len(world) + 2)]}
    days = [day_of(n, *legs, now) for n, legs in enumerate(world) if at_of(n) <= now]
    made = views_of([day for day in days if day.spread_pp], times, PAIR, now)
    lines = [plain_line(*legs, AFTER) for legs in world[:newest]]
    known = [line for line in lines if line]
    own = plain_line(*world[newest], minutes) if minutes >= 0 else {}
    last = [max((m for m in leg if m <= min(minutes, AFTER)), default=None) for leg in world[newest]]
    own = {m: pp for m, pp in own.items() if m <= min(last)} if own else {}
    if not known and not own:
        assert made == ()
        return
    (view,) = made
    assert view.at == at_of(newest)
    assert dict(view.spread.line) == {m: pytest.approx(pp, abs=6e-5) for m, pp in own.items()}
    assert view.spread.n == len(known)
    assert view.absent == min(newest, LOOKED_AT) - len(known)
    wanted = {}
    for minute in range(-BEFORE, AFTER + 1):
        known_then = [line[minute] for line in known if minute in line]
        if len(known_then) >= LEAST_N:
            wanted[minute] = (len(known_then), min(known_then), median(known_then), max(known_then))
    got = {each.minute: (each.n, each.low_pp, each.median_pp, each.high_pp) for each in view.spread.band}
    assert got == {m: pytest.approx(each, abs=6e-5) for m, each in wanted.items()}


@given(worlds, st.integers(-30, 150), st.integers(1, 60))
def test_later_minutes_change_nothing_earlier(world, minutes, more):
    newest = len(world) - 1
    now = at_of(newest) + timedelta(minutes=minutes)
    times = {ReleaseKind.CPI: [at_of(n) for n in range(len(world))]}

    def views(upto: int, shown: datetime):
        days = [
            day_of(n, *({m: p for m, p in leg.items() if n < newest or m <= upto} for leg in legs), shown)
            for n, legs in enumerate(world)
            if at_of(n) <= shown
        ]
        return views_of([day for day in days if day.spread_pp], times, PAIR, shown)

    assert views(minutes, now) == views(AFTER, now)
    later = views(AFTER, now + timedelta(minutes=more))
    for was, then in zip(views(AFTER, now), later, strict=False):
        assert then.spread.line[: len(was.spread.line)] == was.spread.line
        assert then.spread.band == was.spread.band


def calm(n: int, now: datetime, until: int = AFTER) -> ReleaseDay:
    rising = {m: 100 + n * max(m, 0) / 1000 for m in range(-35, until + 1)}
    return day_of(n, rising, dict.fromkeys(rising, 400.0), now)


def test_too_few_days_are_counted_and_not_compared():
    now = at_of(5) + timedelta(minutes=10)
    times = {ReleaseKind.CPI: [at_of(n) for n in range(6)]}
    (few,) = views_of([calm(n, now) for n in range(1, 6)], times, PAIR, now)
    assert (few.spread.n, few.spread.band, few.absent) == (LEAST_N - 1, (), 1)
    (enough,) = views_of([calm(n, now) for n in range(6)], times, PAIR, now)
    assert (enough.spread.n, enough.absent, enough.sources) == (LEAST_N, 0, {"Yahoo": LEAST_N})
    by_minute = {each.minute: each for each in enough.spread.band}
    assert by_minute[100].median_pp == pytest.approx(0.2)
    assert (by_minute[100].low_pp, by_minute[100].high_pp) == (0.0, pytest.approx(0.4))


def test_before_today_s_publication_the_earlier_days_stand_alone():
    now = at_of(6) - timedelta(minutes=20)
    times = {ReleaseKind.CPI: [at_of(n) for n in range(7)]}
    (view,) = views_of([calm(n, now) for n in range(6)], times, PAIR, now)
    assert (view.at, view.spread.line, view.spread.n, view.worth) == (at_of(6), (), 6, Kind.OFFLINE)
    assert len(view.spread.band) == BEFORE + AFTER + 1


def test_what_a_path_is_worth_as_time_goes_on():
    at = at_of(0)
    times = {ReleaseKind.CPI: [at]}

    def view(minutes: int, until: int):
        now = at + timedelta(minutes=minutes)
        (made,) = views_of([calm(0, now, until)], times, PAIR, now)
        return made

    assert view(30, 29).worth is Kind.LIVE
    assert view(30, 15).worth is Kind.STALE
    assert view(30, 15).spread.line[-1][0] == 15, "a price that is carried on is no value of a running day"
    assert view(500, AFTER).worth is Kind.CLOSED
    assert view(500, 40).worth is Kind.STALE
    running = view(30, 29)
    assert aged(running, at + timedelta(minutes=35)) is running
    assert aged(running, at + timedelta(minutes=45)).worth is Kind.STALE


def test_why_prices_are_missing_is_said_of_the_day_itself_first():
    now = at_of(3) + timedelta(hours=3)
    times = {ReleaseKind.CPI: [at_of(n) for n in range(4)]}
    errors = {at_of(0): "gone", at_of(3): "HTTP 429"}
    (view,) = views_of([calm(1, now), calm(2, now)], times, PAIR, now, errors)
    assert (view.error, view.absent) == ("HTTP 429", 1)
    (view,) = views_of([calm(1, now), calm(2, now)], times, PAIR, now, {at_of(0): "gone"})
    assert view.error == "gone"


@pytest.mark.parametrize("minute", [2**63 - 1, -(2**63), 1441])
def test_no_minute_that_a_hub_sends_makes_a_screen_draw_for_ever(minute):
    whole = msgspec.msgpack.encode(ReleasePath(((0, 1.0),), 0, ()))
    hostile = msgspec.msgpack.encode(ReleasePath(((minute, 1.0),), 0, ()))
    assert msgspec.msgpack.decode(whole, type=ReleasePath).line == ((0, 1.0),)
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(hostile, type=ReleasePath)
