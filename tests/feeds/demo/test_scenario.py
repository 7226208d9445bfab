"""The demo tells the article's story, for any seed: checked in plain Python, without the market."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date
from functools import cache
from itertools import pairwise
from math import inf, sqrt
from random import Random
from statistics import correlation, stdev

import polars as pl
import pytest

from feeds.demo.paths import bridge, held, mirrored
from feeds.demo.scenario import SEED, Scenario, build
from rotation.sessions import close_ns, open_ns, sessions_between

SEEDS = (SEED, 0, 1, 7, 1987, 2**63)
SYMBOLS = ["DIA", "IVW", "IWM", "IWN", "KRE", "QQQ", "SPY"]
SESSION = date(2024, 7, 16)
NOON_NS = 1721145600 * 10**9
TEN_FORTY_NS = 1721140800 * 10**9
"""2024-07-16 14:40:00Z."""


@cache
def demo(seed: int) -> Scenario:
    return build(seed)


@cache
def closes(seed: int) -> dict[str, dict[date, float]]:
    """Symbol → session → close; IWN's adjusted, of which its ratio is made."""
    result: dict[str, dict[date, float]] = {}
    for symbol, day, close, adjusted in demo(seed).history.frame.iter_rows():
        result.setdefault(symbol, {})[day] = adjusted if symbol == "IWN" else close
    return result


@cache
def five_sessions(seed: int) -> tuple[list[date], list[float], list[float]]:
    """Sessions, IWM's return in percent and its spread to QQQ in pp, from the sixth session on."""
    iwm, qqq = closes(seed)["IWM"], closes(seed)["QQQ"]
    days = list(iwm)
    returns = [(iwm[day] / iwm[old] - 1) * 100 for old, day in zip(days, days[5:], strict=False)]
    others = [(qqq[day] / qqq[old] - 1) * 100 for old, day in zip(days, days[5:], strict=False)]
    return days[5:], returns, [a - b for a, b in zip(returns, others, strict=True)]


def since(days: list[date], values: list[float], value: float) -> tuple[date, float]:
    """The latest session before the live one that was at least as high, and how high."""
    return next((d, v) for d, v in zip(days[-2::-1], values[-2::-1], strict=True) if v >= value)


@cache
def prints(seed: int, symbol: str) -> list[dict[str, float]]:
    return demo(seed).tape.filter(symbol=symbol).rows(named=True)


def last_at(seed: int, symbol: str, ts_ns: int) -> float:
    """The price of the newest print at or before an instant."""
    known = [row for row in prints(seed, symbol) if row["ts_ns"] <= ts_ns]
    return max(known, key=lambda row: (row["ts_ns"], row["seq"]))["price"]


def by_minute(seed: int, symbol: str) -> list[float]:
    """The last price at the end of each minute in which the symbol traded."""
    opens = open_ns(SESSION)
    return list(
        {(row["ts_ns"] - opens) // 60_000_000_000: row["price"] for row in prints(seed, symbol)}.values()
    )


# History


@pytest.mark.parametrize("seed", SEEDS)
def test_history_holds_every_session_of_seven_symbols(seed: int) -> None:
    history = demo(seed).history
    assert history.symbols == SYMBOLS
    assert history.source == "demo"
    assert demo(seed).session == SESSION
    for symbol, held_closes in closes(seed).items():
        first = date(2006, 6, 22) if symbol == "KRE" else date(2000, 5, 26)
        assert list(held_closes) == sessions_between(first, SESSION)


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_are_positive_and_in_cents(seed: int) -> None:
    for _, _, close, adjusted in demo(seed).history.frame.iter_rows():
        assert adjusted > 0
        assert close > 0
        assert close == round(close, 2)
        assert 0.5 * close < adjusted < close + 0.0051


@pytest.mark.parametrize("seed", SEEDS)
def test_adjusted_closes_meet_closes_in_the_last_session_and_drift_back_slowly(seed: int) -> None:
    for symbol in set(SYMBOLS) - {"IWN"}:
        rows = demo(seed).history.frame.filter(symbol=symbol).rows(named=True)
        assert rows[-1]["adj_close"] == rows[-1]["close"]
        factors = [row["adj_close"] / row["close"] for row in rows]
        moves = [b / a - 1 for a, b in pairwise(factors)]
        assert factors[0] < 0.9
        assert max(map(abs, moves)) < 0.002


@pytest.mark.parametrize("seed", SEEDS)
def test_the_last_closes_are_the_real_ones_and_the_streak_is_four(seed: int) -> None:
    iwm, qqq = closes(seed)["IWM"], closes(seed)["QQQ"]
    assert list(iwm.values())[-7:] == [202.28, 201.40, 203.37, 210.68, 213.14, 217.19, 224.60]
    assert (qqq[date(2024, 7, 9)], qqq[date(2024, 7, 15)], qqq[SESSION]) == (497.77, 496.15, 496.34)
    settled = [iwm[day] for day in iwm if day < SESSION]
    ups = [b > a for a, b in pairwise(settled)]
    assert ups[-5:] == [False, True, True, True, True]


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_extremes(seed: int) -> None:
    days, returns, spreads = five_sessions(seed)
    at = {day: (r, s) for day, r, s in zip(days, returns, spreads, strict=True)}
    assert at[date(2020, 5, 27)][0] == pytest.approx(10.018, abs=5e-4)
    assert at[date(2020, 4, 29)][0] == pytest.approx(13.67, abs=5e-3)
    assert at[date(2016, 11, 14)][1] == pytest.approx(10.401, abs=5e-4)
    assert at[date(2001, 4, 3)][1] == pytest.approx(13.606, abs=5e-4)
    assert at[SESSION] == pytest.approx((11.519, 11.807), abs=5e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_on_pace_at_ten_forty(seed: int) -> None:
    days, returns, spreads = five_sessions(seed)
    iwm = (last_at(seed, "IWM", TEN_FORTY_NS) / closes(seed)["IWM"][date(2024, 7, 9)] - 1) * 100
    qqq = (last_at(seed, "QQQ", TEN_FORTY_NS) / closes(seed)["QQQ"][date(2024, 7, 9)] - 1) * 100
    assert iwm == pytest.approx(9.87, abs=5e-3)
    assert iwm - qqq == pytest.approx(10.34, abs=5e-3)
    assert since(days, returns, iwm)[0] == date(2020, 5, 27)
    assert since(days, spreads, iwm - qqq)[0] == date(2016, 11, 14)


@pytest.mark.parametrize("seed", SEEDS)
def test_after_the_close(seed: int) -> None:
    days, returns, spreads = five_sessions(seed)
    assert since(days, returns, returns[-1])[0] == date(2020, 4, 29)
    assert since(days, spreads, spreads[-1])[0] == date(2001, 4, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_value_against_growth_is_at_its_low_on_5_july_and_turns(seed: int) -> None:
    frame = demo(seed).history.frame
    value, growth = (
        dict(frame.filter(symbol=symbol).select("date", "adj_close").iter_rows()) for symbol in ("IWN", "IVW")
    )
    ratio = {day: value[day] / growth[day] for day in value}
    low = date(2024, 7, 5)
    assert all(ratio[low] * 1.0005 < ratio[day] for day in ratio if day != low)
    turn = [ratio[day] for day in ratio if day >= date(2024, 7, 9)]
    assert turn == sorted(turn)
    assert ratio[SESSION] > 1.1 * ratio[low]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rotation_lifts_banks_and_value_and_leaves_growth(seed: int) -> None:
    moves = {
        symbol: held_closes[SESSION] / held_closes[date(2024, 7, 9)] - 1
        for symbol, held_closes in closes(seed).items()
    }
    assert moves["KRE"] > moves["IWN"] > moves["DIA"] > 0.03
    assert moves["KRE"] > 0.1
    assert -0.02 < moves["IVW"] <= 0
    rising = [closes(seed)["KRE"][day] for day in sessions_between(date(2024, 7, 9), SESSION)]
    assert rising == sorted(rising)


@pytest.mark.parametrize("seed", SEEDS)
def test_history_is_plausible(seed: int) -> None:
    moves: dict[str, dict[date, float]] = {}
    for symbol, held_closes in closes(seed).items():
        days = list(held_closes)
        moves[symbol] = {b: held_closes[b] / held_closes[a] - 1 for a, b in pairwise(days)}
        assert max(map(abs, moves[symbol].values())) < 0.4
        assert 0.1 < stdev(moves[symbol].values()) * sqrt(252) < 0.5
    for symbol in set(SYMBOLS) - {"IWM"}:
        shared = moves[symbol].keys()
        assert 0.65 < correlation([moves["IWM"][day] for day in shared], list(moves[symbol].values())) < 0.99
    crisis = [move for day, move in moves["IWM"].items() if date(2008, 9, 15) < day < date(2009, 3, 1)]
    calm = [move for day, move in moves["IWM"].items() if day.year == 2017]
    assert stdev(crisis) > 2 * stdev(calm)


# Tape


@pytest.mark.parametrize("seed", SEEDS)
def test_tape_is_sorted_prints_of_the_session(seed: int) -> None:
    tape = demo(seed).tape
    assert list(tape.schema.items()) == [
        ("symbol", pl.String),
        ("ts_ns", pl.Int64),
        ("seq", pl.Int64),
        ("price", pl.Float64),
        ("size", pl.Int64),
        ("high", pl.Float64),
        ("low", pl.Float64),
        ("bar_ns", pl.Int64),
        ("role", pl.Int64),
    ]
    assert tape["high"].null_count() == tape["low"].null_count() == tape.height
    assert tape.drop("high", "low").null_count().row(0) == (0,) * 7
    times = tape["ts_ns"].to_list()
    assert times == sorted(times)
    assert open_ns(SESSION) <= times[0]
    assert times[-1] < close_ns(SESSION), "a print at the bell would be after-hours"
    assert sorted(set(tape["symbol"])) == SYMBOLS
    assert tape.height < 60_000
    for symbol, _, _, price, size, *_ in tape.iter_rows():
        assert price > 0, symbol
        assert price == round(price, 2)
        assert size > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_last_prints_are_the_official_closes(seed: int) -> None:
    for symbol in SYMBOLS:
        assert last_at(seed, symbol, close_ns(SESSION)) == round(closes(seed)[symbol][SESSION], 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pair_passes_its_waypoints(seed: int) -> None:
    assert last_at(seed, "IWM", TEN_FORTY_NS) == 221.28
    assert last_at(seed, "QQQ", TEN_FORTY_NS) == 495.43
    assert prints(seed, "IWM")[0]["price"] == 219.14
    assert prints(seed, "QQQ")[0]["price"] == 497.62
    assert last_at(seed, "IWM", NOON_NS) == pytest.approx(221.77, abs=0.2)
    assert last_at(seed, "IWM", open_ns(SESSION) + 30 * 60 * 10**9) == pytest.approx(221.75, abs=0.2)
    lowest = min(row["price"] for row in prints(seed, "IWM"))
    assert lowest > closes(seed)["IWM"][date(2024, 7, 15)], "the fifth gain never hangs in the balance"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pair_trades_most_and_the_bells_are_busy(seed: int) -> None:
    counts = Counter(demo(seed).tape["symbol"])
    assert {symbol for symbol, _ in counts.most_common(2)} == {"IWM", "QQQ"}
    halves = Counter((t - open_ns(SESSION)) // (1800 * 10**9) for t in demo(seed).tape["ts_ns"])
    assert min(halves[0], halves[12]) > 2 * halves[6]
    sizes = [row["size"] for row in prints(seed, "IWM")]
    odd = sum(size < 100 for size in sizes) / len(sizes)
    assert 0.2 < odd < 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_move_together_and_more_at_the_bells(seed: int) -> None:
    moves = {}
    for symbol in ("IWM", "QQQ", "SPY"):
        path = by_minute(seed, symbol)
        assert len(path) == 390, "these three trade every minute"
        moves[symbol] = [b / a - 1 for a, b in pairwise(path)]
    assert correlation(moves["IWM"], moves["QQQ"]) > 0.3
    assert correlation(moves["IWM"], moves["SPY"]) > 0.3
    spy = moves["SPY"]
    assert stdev(spy[:60] + spy[-60:]) > 1.2 * stdev(spy[135:255])
    jumps = [abs(b["price"] - a["price"]) for a, b in pairwise(prints(seed, "IWM"))]
    assert max(jumps) < 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_some_prints_are_late_and_a_few_are_there_twice(seed: int) -> None:
    tape = demo(seed).tape
    once = tape.unique()
    assert 3 <= tape.height - once.height <= 20
    assert once.select("symbol", "ts_ns", "seq").is_unique().all(), "one identity has one set of values"
    late, newest = [], {}
    for symbol, ts_ns, *_ in once.sort("seq").iter_rows():
        if ts_ns < newest.get(symbol, 0):
            late.append(newest[symbol] - ts_ns)
        newest[symbol] = max(ts_ns, newest.get(symbol, 0))
    assert 5 <= len(late) <= 60
    assert max(late) < 6 * 10**9


# Seeds


def test_a_seed_gives_one_demo_and_another_seed_another() -> None:
    again = build(1)
    assert again.tape.equals(demo(1).tape)
    assert again.history.frame.equals(demo(1).history.frame)
    assert not demo(0).tape.equals(demo(1).tape)
    assert not demo(0).history.frame.equals(demo(1).history.frame)


def test_the_default_demo_is_the_same_on_every_platform() -> None:
    digest = hashlib.sha256()
    for frame in (build().history.frame, build().tape.drop("bar_ns", "role")):
        digest.update(repr(frame.rows()).encode())
    assert digest.hexdigest() == "35fc5da8b2b85d7eb78fa91136676eb82c1fb93badbb916061a0be43a4ff3b80"


# Paths


def test_bridge_meets_its_marks_and_keeps_the_steps_between() -> None:
    path = bridge([9.0, 1.0, 2.0, 3.0, 0.0, 0.0], {1: 10.0, 3: 20.0, 5: 20.0})
    assert path == [10.0, 14.5, 20.0, 20.0, 20.0]


@pytest.mark.parametrize("seed", range(30))
def test_held_keeps_caps_and_fixed_points_whatever_the_walk(seed: int) -> None:
    rng = Random(seed)
    caps = [inf] * 20 + [0.05 + 0.05 * rng.random() for _ in range(180)]
    fixed = {50: 0.0, 55: 0.4, 56: -0.4, 120: 0.2, 199: 0.1}
    walk = [0.0]
    while len(walk) < 200:
        walk.append(walk[-1] + rng.gauss(0, 0.3))
    path = held([fixed.get(i, level) for i, level in enumerate(walk)], fixed, caps, 5)
    assert {i: path[i] for i in fixed} == fixed
    for i in range(5, 200):
        if not (i in fixed and i - 5 in fixed):
            assert path[i] - path[i - 5] <= caps[i] + 1e-12


def test_held_leaves_a_path_within_its_caps_alone() -> None:
    path = [0.01 * (i % 7) for i in range(40)]
    assert held(path, {0: 0.0, 39: path[39]}, [0.5] * 40, 5) == path


def test_held_leads_up_to_a_fixed_point_without_a_leap() -> None:
    path = held([0.0] + [-1.0] * 20 + [0.0], {0: 0.0, 21: 0.0}, [0.1] * 22, 5)
    assert min(path) < -0.3
    assert max(b - a for a, b in pairwise(path)) == pytest.approx(0.02)


def test_mirrored_has_its_low_where_asked() -> None:
    path = mirrored([3.0, 1.0, 0.0, 1.0, 0.9], [0.0, 0.0, 1.0, 0.0, 0.0], 3, 0.5)
    assert path == [3.0, 2.0, 5.0, 1.0, 0.9]
