"""The rotation graph equals a plain recomputation; settled points stand still, the head becomes the next."""

from __future__ import annotations

import random
import statistics
from datetime import date, timedelta
from math import atan2, degrees, hypot
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.context.wants import NOTHING, Part, wants
from rotation.desk import Desk
from rotation.figures.registry import figures
from rotation.figures.settled import SettledFigures
from rotation.graph.figures import Point, Quadrant
from rotation.graph.now import Price, trail
from rotation.graph.past import TAIL, past
from rotation.history import History
from rotation.market.market import Market
from rotation.sessions import close_ns, next_session, previous_session, sessions_between
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from rotation.graph.figures import Step

DAYS = sessions_between(date(2021, 6, 1), date(2023, 12, 29))
DESK = Desk(base="AAA", against="BBB", legs=("AAA", "BBB", "SPY"))
SEEDS = st.integers(0, 10**6)
STEPS: tuple[Step, ...] = ("weekly", "daily")


def closes_of(seed: int, missing: int = 0) -> dict[str, dict[date, float]]:
    """Walks in cents, ``missing`` closes of each left out at random."""

    draw = random.Random(seed)
    closes: dict[str, dict[date, float]] = {}
    for symbol in DESK.legs:
        price, closes[symbol] = draw.uniform(20, 400), {}
        for day in DAYS:
            price *= draw.choice((0.97, 0.99, 1.0, 1.0, 1.005, 1.01, 1.02))
            closes[symbol][day] = max(round(price, 2), 0.01)
        for day in draw.sample(DAYS, missing):
            del closes[symbol][day]
    return closes


def history_of(closes: dict[str, dict[date, float]]) -> History:
    rows = [(s, day, close, close) for s, series in closes.items() for day, close in series.items()]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


def z(value: float, before: list[float]) -> float:
    return (value - statistics.mean(before)) / statistics.stdev(before)


def by_hand(own: dict[date, float], against: dict[date, float], step: Step) -> list[Point]:
    """The definition, written out with loops: every point that has all it needs, oldest first."""
    days = sorted(own.keys() & against.keys())
    if step == "weekly":
        by_week: dict[tuple[int, int], date] = {day.isocalendar()[:2]: day for day in days}
        days = sorted(by_week.values())
    window = 40 if step == "weekly" else 200
    rs = [100 * own[day] / against[day] for day in days]
    sma = {n: sum(rs[n - 9 : n + 1]) / 10 for n in range(9, len(rs))}
    ratio = {n: 100 + z(sma[n], [sma[m] for m in range(n - window, n)]) for n in sma if n - window in sma}
    roc = {n: (ratio[n] / ratio[n - 4] - 1) * 100 for n in ratio if n - 4 in ratio}
    return [
        Point(days[n], ratio[n], 100 + z(roc[n], [roc[m] for m in range(n - window, n)]))
        for n in roc
        if n - window in roc
    ]


def assert_same(got: tuple[Point, ...] | list[Point], expected: list[Point]) -> None:
    assert [point.date for point in got] == [point.date for point in expected]
    for point, other in zip(got, expected, strict=True):
        assert (point.ratio, point.momentum) == pytest.approx((other.ratio, other.momentum), abs=1e-6)


@settings(max_examples=10)
@given(SEEDS, st.integers(0, 8), st.sampled_from(STEPS))
def test_settled_points_are_those_by_hand(seed: int, missing: int, step: Step) -> None:
    closes = closes_of(seed, missing)
    session = next_session(DAYS[-1])
    made = past(history_of(closes), session, DESK).trails[step]["AAA"]
    expected = by_hand(closes["AAA"], closes["SPY"], step)
    assert len(expected) > TAIL
    assert_same(made.tail, expected[-TAIL:])


@settings(max_examples=10)
@given(SEEDS, st.integers(1, 60), st.sampled_from(STEPS))
def test_the_head_at_the_close_becomes_the_next_point_exactly(seed: int, ago: int, step: Step) -> None:
    closes = closes_of(seed)
    session = DAYS[-ago]
    if step == "weekly":
        while next_session(session).isocalendar()[:2] == session.isocalendar()[:2]:
            session = previous_session(session)
    history = history_of(closes)
    own, against = (Price(closes[s][session], True) for s in ("AAA", "SPY"))
    made = trail(past(history, session, DESK), step, "AAA", own, against)
    assert not made.is_provisional
    assert made.head == past(history, next_session(session), DESK).trails[step]["AAA"].tail[-1]


@settings(max_examples=10)
@given(SEEDS, st.integers(1, 60), st.integers(0, 5))
def test_settled_points_never_change(seed: int, ago: int, cut: int) -> None:
    """Neither by what comes later nor by where history begins."""
    closes = closes_of(seed)
    session = DAYS[-ago]
    whole = past(history_of(closes), session, DESK)
    begun = {s: {day: c for day, c in series.items() if day > DAYS[cut]} for s, series in closes.items()}
    ended = {s: {day: c for day, c in series.items() if day < session} for s, series in closes.items()}
    later = past(history_of(closes), next_session(session), DESK)
    for step in STEPS:
        tail = whole.trails[step]["AAA"].tail
        assert past(history_of(ended), session, DESK).trails[step]["AAA"].tail == tail
        assert past(history_of(begun), session, DESK).trails[step]["AAA"].tail == tail
        after = later.trails[step]["AAA"].tail
        assert set(tail[1:]) <= set(after)


def test_a_hole_is_no_neighbourhood() -> None:
    """What lies before three weeks without a close does not count as the weeks before."""
    closes = closes_of(1)
    hole = [day for day in DAYS if date(2023, 10, 2) <= day <= date(2023, 10, 20)]
    for day in hole:
        del closes["AAA"][day]
    made = past(history_of(closes), DAYS[-1], DESK)
    for step in STEPS:
        assert made.trails[step]["AAA"].tail == ()
        assert made.trails[step]["AAA"].ahead is None
        assert len(made.trails[step]["BBB"].tail) == TAIL


def test_old_closes_carry_no_head() -> None:
    closes = closes_of(2)
    session = DAYS[-1]
    old = {
        s: {day: c for day, c in series.items() if day < session - timedelta(days=15)}
        for s, series in closes.items()
    }
    made = past(history_of(old), session, DESK)
    for step in STEPS:
        assert len(made.trails[step]["AAA"].tail) == TAIL
        shown = trail(made, step, "AAA", Price(100.0, False), Price(400.0, False))
        assert (shown.head, shown.quadrant, shown.heading_deg) == (None, None, None)


def test_a_series_that_stands_still_has_no_point() -> None:
    closes = {symbol: dict.fromkeys(DAYS, 50.0) for symbol in DESK.legs}
    made = past(history_of(closes), DAYS[-1], DESK)
    assert all(made.trails[step]["AAA"].tail == () for step in STEPS)


def test_until_its_week_is_over_a_weekly_head_moves() -> None:
    closes = closes_of(3)
    tuesday = date(2023, 12, 5)
    made = past(history_of(closes), tuesday, DESK)
    own, against = (Price(closes[s][tuesday], True) for s in ("AAA", "SPY"))
    assert trail(made, "weekly", "AAA", own, against).is_provisional
    assert not trail(made, "daily", "AAA", own, against).is_provisional
    assert trail(made, "daily", "AAA", Price(own.value, False), against).is_provisional
    assert made.trails["weekly"]["AAA"].tail[-1].date == date(2023, 12, 1)


def test_heading_and_speed_are_those_of_the_last_step() -> None:
    closes = closes_of(4)
    made = past(history_of(closes), DAYS[-1], DESK)
    shown = trail(
        made,
        "daily",
        "AAA",
        Price(closes["AAA"][DAYS[-1]] * 1.1, False),
        Price(closes["SPY"][DAYS[-1]], False),
    )
    assert shown.head is not None
    last = shown.tail[-1]
    east, north = shown.head.ratio - last.ratio, shown.head.momentum - last.momentum
    assert shown.speed == pytest.approx(hypot(east, north))
    assert shown.heading_deg == pytest.approx((90 - degrees(atan2(north, east))) % 360)
    assert shown.quadrant is shown.head.quadrant


@pytest.mark.parametrize(
    ("ratio", "momentum", "quadrant"),
    [
        (100.0, 100.0, Quadrant.LEADING),
        (101.0, 99.9, Quadrant.WEAKENING),
        (99.9, 99.9, Quadrant.LAGGING),
        (99.9, 100.0, Quadrant.IMPROVING),
    ],
)
def test_the_quadrants(ratio: float, momentum: float, quadrant: Quadrant) -> None:
    assert Point(date(2024, 7, 16), ratio, momentum).quadrant is quadrant


@pytest.mark.skipif(not (SHARED / "daily").is_dir(), reason="the real closes are not here")
def test_july_2024_on_real_closes() -> None:
    closes = {}
    for symbol in ("IWM", "QQQ", "SPY"):
        frame = pl.read_csv(SHARED / "daily" / f"{symbol}.csv", try_parse_dates=True)
        closes[symbol] = dict(frame.select("date", pl.col("close").round_sig_figs(7)).iter_rows())
    session = date(2024, 7, 16)
    before = {
        symbol: {day: c for day, c in series.items() if day < session} for symbol, series in closes.items()
    }
    made = past(history_of(closes), session, Desk(legs=("IWM", "QQQ", "SPY")))
    for symbol in ("IWM", "QQQ"):
        recent = {day: c for day, c in before[symbol].items() if day > date(2020, 1, 1)}
        for step in STEPS:
            expected = by_hand(recent, before["SPY"], step)
            if step == "weekly":
                expected = expected[:-1]  # the week of the session is not over
            assert_same(made.trails[step][symbol].tail, expected[-TAIL:])


@settings(max_examples=8)
@given(SEEDS, st.integers(0, 6))
def test_the_walk_over_history_is_the_market_s(seed: int, missing: int) -> None:
    """At each close the figures are those of a market that was given that session."""
    history = history_of(closes_of(seed, missing))
    table = figures(DESK)
    settled = SettledFigures(history, DESK)
    names = [name for name in table if name.startswith("graph.aaa.")]
    assert len(names) == 10
    columns = {name: dict(zip(settled.sessions, settled.column(table[name]), strict=True)) for name in names}
    for ago in (1, 2, 3, 4, 5, 40):
        session = DAYS[-ago]
        snapshot = Market(history, DESK, as_of_ns=close_ns(session) + 1).apply(
            (), as_of_ns=close_ns(session) + 1
        )
        shown = {name: table[name].read(snapshot) for name in names}
        assert snapshot.session == session
        assert shown == {name: columns[name][session] for name in names}
    assert any(columns["graph.aaa.quadrant"].values())
    assert columns["graph.aaa.quadrant"][DAYS[50]] is None


def test_a_graph_that_is_left_out_is_the_same_when_it_comes_back() -> None:
    history, at_ns = history_of(closes_of(1)), close_ns(DAYS[-1]) + 1
    always, at_times = (Market(history, DESK, as_of_ns=at_ns) for _ in range(2))
    assert not at_times.want(NOTHING), "nothing more to show"
    assert at_times.apply((), as_of_ns=at_ns).graph is None
    assert at_times.want(wants(Part.GRAPH))
    assert not at_times.want(wants(Part.GRAPH))
    made = at_times.apply((), as_of_ns=at_ns).graph
    assert made is not None
    always.apply((), as_of_ns=at_ns)
    assert made == always.apply((), as_of_ns=at_ns).graph
