"""The day's spread beside the day's change of P(cut), against ``statistics`` session by session."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from statistics import correlation, linear_regression

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.desk import Desk
from rotation.fed.assemble import fed
from rotation.fed.comovement import WINDOW, CoMovement
from rotation.fed.figures import FedPast
from rotation.fed.inputs import PastCut
from rotation.fed.pairs import cut_settles, with_spread
from rotation.fed.prices import settled_ns
from rotation.fed.strip.chain import StripCase
from rotation.history import SCHEMA, History
from rotation.market.market import Market
from rotation.sessions import from_ns, sessions_between
from tests.support.fed.made import at, but, settled
from tests.support.fed.strips import CALENDAR

DESK = Desk()
SESSIONS = sessions_between(date(2026, 6, 1), date(2026, 11, 20))
NONE = CoMovement(0, None, None)


def history(closes: dict[tuple[str, date], float | None], adjusted: float = 1.0) -> History:
    rows = [
        (symbol, day, close, None if close is None else close * adjusted)
        for (symbol, day), close in closes.items()
    ]
    return History(pl.DataFrame(rows, schema=SCHEMA, orient="row"))


def both(base: list[float | None], against: list[float | None], days=None) -> dict:
    days = SESSIONS if days is None else days
    legs = ((DESK.base, base), (DESK.against, against))
    return {(symbol, day): close for symbol, closes in legs for day, close in zip(days, closes, strict=False)}


def test_settles_are_those_of_new_yorks_day():
    history = [
        FedPast(datetime(2026, 11, 20, 20, 0, tzinfo=UTC), 0.4, settled=True),
        FedPast(datetime(2026, 11, 20, 21, 0, tzinfo=UTC), 0.5, settled=False),
        FedPast(datetime(2026, 11, 24, 1, 0, tzinfo=UTC), 0.6, settled=True),
    ]
    assert cut_settles(history) == {date(2026, 11, 20): 0.4, date(2026, 11, 23): 0.6}


def test_by_hand_at_the_threshold():
    for n, known in ((19, False), (20, True)):
        days = SESSIONS[: n + 1]
        cuts = {day: (i * i % 17) / 100 for i, day in enumerate(days)}
        base = [100.0 + (i * 7 % 5) for i in range(n + 1)]
        against = [200.0 + (i * 11 % 7) for i in range(n + 1)]
        figures = with_spread(cuts, history(both(base, against)), DESK)
        assert figures.n == n
        if not known:
            assert figures == CoMovement(19, None, None)
            continue
        xs = [100 * (cuts[days[i]] - cuts[days[i - 1]]) for i in range(1, n + 1)]
        ys = [
            100 * (base[i] / base[i - 1] - 1) - 100 * (against[i] / against[i - 1] - 1)
            for i in range(1, n + 1)
        ]
        assert figures.correlation == pytest.approx(correlation(xs, ys))
        assert figures.beta == pytest.approx(linear_regression(xs, ys).slope)


prices = st.lists(st.sampled_from([None, 90.0, 99.5, 100.0, 101.25, 140.0]), min_size=90, max_size=90)


@given(
    prices,
    prices,
    st.lists(st.sampled_from([None, 0.0, 0.25, 0.5, 1.0]), min_size=90, max_size=90),
    st.sampled_from(["price", "total"]),
)
def test_by_brute_force_with_gaps_on_every_side(base, against, cuts, returns):
    closes = {key: close for key, close in both(base, against).items() if key[1].day % 9}
    desk = msgspec.structs.replace(DESK, returns=returns)
    settles = {day: cut for day, cut in zip(SESSIONS, cuts, strict=False) if cut is not None}
    xs, ys = [], []
    for before, day in pairwise(SESSIONS[:90]):
        four = [closes.get((leg, d)) for leg in (desk.base, desk.against) for d in (before, day)]
        if before not in settles or day not in settles or None in four:
            continue
        xs.append(100 * (settles[day] - settles[before]))
        ys.append(100 * (four[1] / four[0] - 1) - 100 * (four[3] / four[2] - 1))
    xs, ys = xs[-WINDOW:], ys[-WINDOW:]
    figures = with_spread(settles, history(closes, adjusted=0.5), desk)
    assert figures.n == len(xs)
    if len(xs) < 20 or len(set(xs)) == 1:
        assert (figures.beta, figures.correlation) == (None, None)
        return
    assert figures.beta == pytest.approx(linear_regression(xs, ys).slope, rel=1e-6, abs=1e-9)
    if len(set(ys)) > 1:
        assert figures.correlation == pytest.approx(correlation(xs, ys), rel=1e-6, abs=1e-9)


def test_the_latest_sixty_count():
    cuts = {day: (i * i % 17) / 100 for i, day in enumerate(SESSIONS)}
    figures = with_spread(cuts, history(CLOSES), DESK)
    assert figures.n == WINDOW
    late = {day: cut for day, cut in cuts.items() if day >= SESSIONS[-WINDOW - 1]}
    assert figures == with_spread(late, history(CLOSES), DESK)


def test_total_returns_are_taken_from_adjusted_closes():
    cuts = {day: (i * i % 17) / 100 for i, day in enumerate(SESSIONS[:30])}
    closes = both([100.0 + i % 4 for i in range(30)], [200.0 + i % 3 for i in range(30)])
    frame = history(closes).frame.with_columns(
        # A dividend of the base at each fifth session.
        adj_close=pl.when((pl.col("symbol") == DESK.base) & (pl.col("date").dt.day() % 5 == 0))
        .then(pl.col("close") * 0.99)
        .otherwise(pl.col("close"))
    )
    by_price, by_total = (
        with_spread(cuts, History(frame), msgspec.structs.replace(DESK, returns=returns))
        for returns in ("price", "total")
    )
    assert by_price.n == by_total.n == 29
    assert by_price.beta != pytest.approx(by_total.beta)


def test_a_holiday_of_the_exchange_is_bridged_and_a_missing_settlement_is_not():
    # 3 July 2026 is closed: Monday the 6th follows Thursday the 2nd.
    days = [date(2026, 7, 1), date(2026, 7, 2), date(2026, 7, 6), date(2026, 7, 7)]
    closes = history(both([100.0, 101, 102, 103], [100.0, 100, 100, 100], days))
    assert with_spread({day: 0.1 * i for i, day in enumerate(days)}, closes, DESK).n == 3
    assert with_spread({day: 0.1 for day in days if day != days[1]}, closes, DESK).n == 1
    # Futures settle on some days on which shares are not traded; that day pairs with nothing.
    cuts = {days[1]: 0.1, date(2026, 7, 3): 0.5, days[2]: 0.2}
    assert with_spread(cuts, closes, DESK).n == 1


def test_nothing_known():
    closes = history(both([100.0] * 5, [100.0] * 5))
    assert with_spread({}, closes, DESK) == NONE
    assert with_spread({SESSIONS[0]: 0.5}, closes, DESK) == NONE
    assert with_spread({SESSIONS[0]: 0.5, SESSIONS[1]: 0.6}, History.empty(), DESK) == NONE


# In the market -----------------------------------------------------------------------------------------

CASE = StripCase(
    date(2026, 11, 21),
    (375, 400),
    CALENDAR,
    {(2026, 11): 96.0, (2026, 12): 96.05, (2027, 1): 96.1, (2027, 2): 96.15},
)
NOW = at("2026-11-21")
LOG = tuple(PastCut(settled_ns(day), (i * i % 17) / 100, True) for i, day in enumerate(SESSIONS))
CLOSES = both(
    [100.0 + i * 7 % 5 for i in range(len(SESSIONS))], [200.0 + i * 11 % 7 for i in range(len(SESSIONS))]
)


def known(log=LOG):
    return fed(but(settled(CASE, date(2026, 11, 20)), past={date(2026, 12, 9): log}), NOW)


def shown(market: Market):
    return market.apply((), as_of_ns=NOW).fed.comovement


def test_the_market_finds_the_co_movement_and_keeps_it():
    market = Market(history(CLOSES), as_of_ns=NOW)
    assert market.apply((), as_of_ns=NOW).fed is None
    market.take_fed(known())
    shown_pairs = shown(market)
    assert shown_pairs.n == WINDOW
    # The settlement on show is Friday's own, from the strip: the log's row of that instant gives way to it.
    settles = {from_ns(each.ts_ns).date(): each.cut for each in LOG} | {SESSIONS[-1]: known().cut}
    assert shown_pairs == with_spread(settles, history(CLOSES), DESK)
    market.take_fed(known())
    assert shown(market) == shown_pairs


def test_the_co_movement_follows_a_history_that_comes_later():
    """At the start the strip may be quicker than ten years of closes."""
    market = Market(History.empty(), as_of_ns=NOW)
    market.take_fed(known())
    assert shown(market) == NONE
    market.update_history(history(CLOSES))
    assert shown(market).n == WINDOW


def test_the_co_movement_grows_by_a_session_when_its_settlement_comes():
    market = Market(history(CLOSES), as_of_ns=NOW)
    for n, last in ((28, len(LOG) - 2), (29, len(LOG) - 1)):
        cut_off = but(settled(CASE, SESSIONS[last]), past={date(2026, 12, 9): LOG[-30:last]})
        market.take_fed(fed(cut_off, settled_ns(SESSIONS[last]) + 10**9))
        assert shown(market).n == n


def test_no_close_after_the_last_settlement_is_looked_at():
    cut = 40
    early = LOG[:cut]
    later = {key: 1.0 if key[1] > SESSIONS[cut] else close for key, close in CLOSES.items()}
    settles = {from_ns(each.ts_ns).date(): each.cut for each in early}
    assert with_spread(settles, history(CLOSES), DESK) == with_spread(settles, history(later), DESK)
