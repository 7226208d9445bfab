"""The case the desk must tell: 16 July 2024, first from closes typed in, then from twenty years of them."""

from __future__ import annotations

import csv
from datetime import date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import tests.support.core_oracle as oracle
from feeds.tapes.reading import quotes, read_tape
from rotation.desk import WINDOWS, Desk
from rotation.history import History
from rotation.market import records
from rotation.market.market import Market
from rotation.market.records import Records
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import NEW_YORK, close_ns, sessions_between, to_ns
from rotation.snapshot import SincePct, SincePp, Streak
from rotation.status import REPLAY
from tests.support.core_oracle import Close, Expected
from tests.support.core_worlds import figures, history_of

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2024, 7, 16)
TEN_FORTY = to_ns(datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK))
QUOTES = [Quote("IWM", TEN_FORTY, 221.28), Quote("QQQ", TEN_FORTY, 495.43)]

FACTS = """
            IWM         QQQ
2001-03-27  45.084999   43.25
2001-04-03  42.264999   34.66
2016-11-07  118.57      116.349998
2016-11-14  129.149994  114.629997
2020-04-22  119.169998  210.970001
2020-04-29  135.460007  219.0
2020-05-19  130.059998  226.860001
2020-05-27  143.089996  230.289993
2024-07-05  200.869995  496.160004
2024-07-08  202.279999  497.339996
2024-07-09  201.399994  497.769989
2024-07-10  203.369995  502.959991
2024-07-11  210.679993  491.929993
2024-07-12  213.139999  494.820007
2024-07-15  217.190002  496.149994
2024-07-16  224.600006  496.339996
"""
"""Closes (split-adjusted) of the sessions compared, and of five sessions before each."""


def facts() -> list[Close]:
    rows = []
    for line in FACTS.split("\n")[2:-1]:
        day, iwm, qqq = line.split()
        for symbol, close in (("IWM", iwm), ("QQQ", qqq)):
            rows.append(Close(symbol, date.fromisoformat(day), float(close), None))
    return rows


def opened(rows: list[Close], as_of_ns: int, desk: Desk | None = None) -> Market:
    return Market(history_of(rows), desk, as_of_ns=as_of_ns, origin=Provenance(REPLAY, "typed in"))


@pytest.fixture
def facts_will_do(monkeypatch):
    """The sixteen closes stand for 24 years."""
    monkeypatch.setattr(records, "SINCE_LEAST", 1)


# From facts --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("facts_will_do")
def test_the_case_from_facts():
    snapshot = opened(facts(), TEN_FORTY).apply(QUOTES, as_of_ns=TEN_FORTY)
    iwm, wide = snapshot.legs["IWM"], snapshot.spread.windows["5"]
    assert (snapshot.session, snapshot.phase, snapshot.mode) == (DAY, "REGULAR", "REPLAY")
    assert (iwm.last, iwm.session, iwm.state, iwm.age_s) == (221.28, DAY, "REPLAY", 0.0)
    assert iwm.return_pct["1"] == pytest.approx(1.883, abs=5e-4)
    assert iwm.return_pct["5"] == pytest.approx(9.871, abs=5e-4)
    assert iwm.streak == Streak(4, 5, provisional=True)
    assert iwm.since["5"] == SincePct(date(2020, 5, 27), pytest.approx(10.018, abs=5e-4), None)
    assert wide.pp == pytest.approx(10.341, abs=5e-4)
    assert wide.since == SincePp(date(2016, 11, 14), pytest.approx(10.401, abs=5e-4), None)
    assert snapshot.headline == (
        "Russell 2000 (IWM) +1.88 %, 5th gain in a row (4 + today); +9.9 % in 5 sessions, best since 27 May "
        "2020; 10.3 pp ahead of Nasdaq 100 (QQQ), widest lead since 14 Nov 2016."
    )


@pytest.mark.usefixtures("facts_will_do")
def test_its_close_from_facts():
    """The same market, once the bell has rung: today counts as settled, and reaches further back."""
    market = opened(facts(), TEN_FORTY)
    market.apply(QUOTES, as_of_ns=TEN_FORTY)
    early = market.apply([], as_of_ns=close_ns(DAY) - 1)
    assert early.legs["IWM"].streak == Streak(4, 5, provisional=True)
    snapshot = market.apply([], as_of_ns=close_ns(DAY))
    iwm, wide = snapshot.legs["IWM"], snapshot.spread.windows["5"]
    assert (iwm.last, iwm.state, iwm.age_s) == (224.6, "CLOSED", None)
    assert iwm.streak == Streak(5, 5, provisional=False)
    assert iwm.return_pct["5"] == pytest.approx(11.519, abs=5e-4)
    assert iwm.since["5"] == SincePct(date(2020, 4, 29), pytest.approx(13.670, abs=5e-4), None)
    assert wide.pp == pytest.approx(11.807, abs=5e-4)
    assert wide.since == SincePp(date(2001, 4, 3), pytest.approx(13.606, abs=5e-4), None)
    assert snapshot.headline == (
        "Russell 2000 (IWM) +3.41 %, 5th gain in a row; +11.5 % in 5 sessions, best since 29 Apr 2020; "
        "11.8 pp ahead of Nasdaq 100 (QQQ), widest lead since 3 Apr 2001."
    )


def test_the_trap_from_facts():
    """+1.900 % is the close of 15 July, when the streak was 4, not +1.88 % of the day after."""
    rows = [row for row in facts() if row.day < DAY]
    snapshot = opened(rows, TEN_FORTY).apply([], as_of_ns=TEN_FORTY)
    iwm = snapshot.legs["IWM"]
    assert snapshot.session == iwm.session == date(2024, 7, 15)
    assert iwm.return_pct["1"] == pytest.approx(1.900, abs=5e-4)
    assert iwm.streak == Streak(4, 4, provisional=False)
    assert iwm.state == "OFFLINE"  # the 16th trades, and we do not hear of it


def test_without_quotes_the_fifth_gain_is_not_known():
    """QQQ prints on the 16th, IWM does not: its streak stands at 4, and today's figures are unknown."""
    snapshot = opened(facts(), TEN_FORTY).apply(QUOTES[1:], as_of_ns=TEN_FORTY)
    iwm = snapshot.legs["IWM"]
    assert (iwm.last, iwm.session, iwm.state) == (217.19, date(2024, 7, 15), "OFFLINE")
    assert iwm.streak == Streak(4, None, provisional=False)
    assert set(iwm.return_pct.values()) == set(iwm.since.values()) == {None}
    assert snapshot.spread.relative_streak == Streak(3, None, provisional=False)
    assert snapshot.headline == "Russell 2000 (IWM): today's price is not known yet."


def test_a_print_of_one_leg_computes_nothing_of_the_others(monkeypatch):
    """A batch costs what changed: the figures of the other legs, and those of a quiet second, are kept."""
    market = opened(facts(), TEN_FORTY)
    before = market.apply(QUOTES, as_of_ns=TEN_FORTY)
    asked: list[tuple[int, float | None]] = []
    rise = Records.since

    def since(self, value, **sides):
        asked.append((self.window, value))
        return rise(self, value, **sides)

    monkeypatch.setattr(Records, "since", since)
    quiet = market.apply([], as_of_ns=TEN_FORTY + NS)
    assert not asked
    assert quiet.legs["IWM"].since is before.legs["IWM"].since
    after = market.apply([Quote("IWM", TEN_FORTY + NS, 222.0)], as_of_ns=TEN_FORTY + NS)
    assert len(asked) == 2 * len(WINDOWS), "the leg's and the spread's"
    assert after.legs["QQQ"].return_pct is before.legs["QQQ"].return_pct
    assert after.legs["IWM"].return_pct["1"] > before.legs["IWM"].return_pct["1"]


def test_what_was_forgotten_leaves_every_figure():
    """A print taken back is in no return, streak or spread; the next one counts as ever."""
    market = opened(facts(), TEN_FORTY)
    market.apply(QUOTES, as_of_ns=TEN_FORTY)
    market.forget({"IWM"})
    snapshot = market.apply([], as_of_ns=TEN_FORTY)
    iwm = snapshot.legs["IWM"]
    assert (iwm.last, iwm.session, iwm.high, iwm.volume) == (217.19, date(2024, 7, 15), None, None)
    assert iwm.streak == Streak(4, None, provisional=False)
    assert set(iwm.return_pct.values()) == {None}
    assert {window.pp for window in snapshot.spread.windows.values()} == {None}
    assert snapshot.ratio.value is None
    assert snapshot.legs["QQQ"].last == 495.43
    again = market.apply(QUOTES, as_of_ns=TEN_FORTY)
    assert again.legs["IWM"].return_pct["1"] == pytest.approx(1.883, abs=5e-4)


@pytest.mark.parametrize("official", ["IWM", "QQQ"])
def test_a_spread_is_settled_only_when_both_closes_are_official(official: str):
    rows = [row for row in facts() if row.day < DAY or row.symbol == official]
    market = opened(rows, TEN_FORTY)
    market.apply(QUOTES, as_of_ns=TEN_FORTY)
    snapshot = market.apply([], as_of_ns=close_ns(DAY))
    assert snapshot.legs[official].streak.provisional is False
    assert snapshot.spread.relative_streak.provisional is True
    assert snapshot.spread.relative_streak.settled == 3


def test_an_unchanged_print_is_a_change_of_nothing():
    """History has the noise of 32-bit floats, the print has not: no streak of 1, no return of -0.00 %."""
    rows = [
        row._replace(close=221.27999877929688) if row.day == date(2024, 7, 15) else row for row in facts()
    ]
    rows = [row for row in rows if row.day < DAY and row.symbol == "IWM"]
    iwm = opened(rows, TEN_FORTY).apply(QUOTES[:1], as_of_ns=TEN_FORTY).legs["IWM"]
    assert (iwm.streak.with_today, iwm.return_pct["1"]) == (0, 0.0)


def test_without_a_year_of_history_no_record_is_claimed():
    snapshot = opened(facts(), TEN_FORTY).apply(QUOTES, as_of_ns=TEN_FORTY)
    assert set(snapshot.legs["IWM"].since.values()) == {None}
    assert {window.since for window in snapshot.spread.windows.values()} == {None}


def test_a_missing_close_two_sessions_back_leaves_the_streak_unknown():
    rows = [row for row in facts() if row.day != date(2024, 7, 12)]
    iwm = opened(rows, TEN_FORTY).apply(QUOTES, as_of_ns=TEN_FORTY).legs["IWM"]
    assert iwm.return_pct["1"] == pytest.approx(1.883, abs=5e-4)
    assert iwm.streak == Streak(None, None, provisional=False)


def test_one_day_of_history_is_no_first_gain():
    rows = [row for row in facts() if row.day == date(2024, 7, 15)]
    iwm = opened(rows, TEN_FORTY).apply(QUOTES, as_of_ns=TEN_FORTY).legs["IWM"]
    assert iwm.return_pct["1"] == pytest.approx(1.883, abs=5e-4)
    assert iwm.streak == Streak(None, None, provisional=False)


def test_two_days_of_history_are_no_second_gain():
    """The run reaches back to history's first close: it may be longer, and its length is not claimed."""
    days = (date(2024, 7, 12), date(2024, 7, 15))
    rows = [row for row in facts() if row.day in days]
    snapshot = opened(rows, TEN_FORTY).apply(QUOTES, as_of_ns=TEN_FORTY)
    iwm = snapshot.legs["IWM"]
    assert iwm.return_pct["1"] == pytest.approx(1.883, abs=5e-4)
    assert (iwm.streak, iwm.base_rate) == (Streak(None, None, provisional=False), None)
    assert "in a row" not in snapshot.headline


def test_a_closure_that_the_calendar_does_not_know_ends_no_run():
    """No symbol of five has a close on 11 July: the exchange was closed, and the run goes on over it."""
    days = sessions_between(date(2024, 6, 3), date(2024, 7, 15))
    closed = date(2024, 7, 11)
    rows = [
        Close(symbol, day, 100.0 + i if i else 110.0, None)
        for symbol in ("IWM", "QQQ", "DIA", "SPY", "KRE")
        for i, day in enumerate(days)
        if day != closed
    ]
    snapshot = opened(rows, TEN_FORTY).apply([Quote("IWM", TEN_FORTY, 150.0)], as_of_ns=TEN_FORTY)
    iwm = snapshot.legs["IWM"]
    assert iwm.streak == Streak(len(days) - 3, len(days) - 2, provisional=True)
    assert snapshot.health.history.endswith("; no symbol has a close on 2024-07-11: counted as a closure")
    few = [row for row in rows if row.symbol != "KRE"]
    assert opened(few, TEN_FORTY).apply([], as_of_ns=TEN_FORTY).legs["IWM"].streak.settled is None


# From the shared data ----------------------------------------------------------------------------------


def read(path: Path) -> list[Close]:
    def price(row: dict[str, str], name: str) -> float | None:
        return float(row[name]) if row.get(name) else None

    with path.open() as lines:
        return [
            Close(
                path.stem,
                date.fromisoformat(row["date"]),
                price(row, "close"),
                price(row, "adj_close"),
            )
            for row in csv.DictReader(lines)
        ]


@pytest.fixture(scope="module")
def daily(shared_data) -> list[Close]:
    return [row for path in sorted((shared_data / "daily").glob("*.csv")) for row in read(path)]


@pytest.fixture(scope="module")
def market(daily) -> Market:
    """Restarted by each test."""
    return opened(daily, TEN_FORTY)


def shown(market: Market, as_of_ns: int, quotes: list[Quote] | None = None):
    market.restart(as_of_ns)
    return market.apply(quotes or [], as_of_ns=as_of_ns)


def test_a_close_that_is_known_only_adjusted_is_no_price_and_has_no_worth():
    """Some files have dividend-adjusted closes alone: nothing is CLOSED at a price that nobody knows."""
    rows = [row._replace(close=None, adj_close=row.close) if row.symbol == "QQQ" else row for row in facts()]
    after_close = close_ns(DAY) + 3_600 * NS
    qqq = Market(history_of(rows), as_of_ns=after_close).apply([], as_of_ns=after_close).legs["QQQ"]
    assert (qqq.last, qqq.state, qqq.status.as_of) == (None, "OFFLINE", None)


def test_the_facts_typed_in_are_the_datas(daily):
    closes = {(row.symbol, row.day): row.close for row in daily}
    assert [closes[row.symbol, row.day] for row in facts()] == [row.close for row in facts()]


def test_the_case(daily, market):
    snapshot = shown(market, TEN_FORTY, QUOTES)
    iwm, wide, rare = snapshot.legs["IWM"], snapshot.spread.windows["5"], snapshot.value_growth
    assert iwm.streak == Streak(4, 5, provisional=True)
    assert iwm.return_pct["5"] == pytest.approx(9.871, abs=5e-4)
    assert iwm.since["5"] == SincePct(date(2020, 5, 27), pytest.approx(10.018, abs=5e-4), None)
    assert wide.pp == pytest.approx(10.341, abs=5e-4)
    assert wide.since == SincePp(date(2016, 11, 14), pytest.approx(10.401, abs=5e-4), None)
    # From 26 May 2000 to 15 July 2024: 6,070 sessions, 6,069 changes, 6,065 spreads over five.
    assert (iwm.base_rate.length, iwm.base_rate.runs, iwm.base_rate.n) == (5, 107, 6069)
    # Some 126 such runs were to be expected, were sessions independent: five gains in a row are not rare.
    closes = [row.close for row in daily if row.symbol == "IWM" and row.day < DAY]
    up = sum(after > before for before, after in pairwise(closes))
    p = up / 6069
    assert iwm.base_rate.expected == pytest.approx(p**5 * (6064 * (1 - p) + 1), rel=1e-3)
    assert wide.n == 6065
    assert wide.n_effective == 1213
    assert wide.since_either_way.date == date(2020, 3, 18)
    assert wide.since_either_way.value_pp == pytest.approx(-11.05, abs=5e-3)
    assert [snapshot.spread.windows[k].is_few for k in ("1", "5", "20", "60", "252")] == [False] * 3 + [
        True
    ] * 2
    assert snapshot.spread.windows["252"].z is None
    assert wide.percentile == pytest.approx(99.835, abs=5e-4)
    assert wide.z == pytest.approx(5.132, abs=5e-4)
    assert snapshot.spread.relative_streak == Streak(3, 4, provisional=True)
    # IVW begins in 2005 here, so the low is a record since then; the definition's "since 2000" needs more.
    assert (rare.low.date, rare.low.since, rare.low.first_date) == (
        date(2024, 7, 5),
        None,
        date(2005, 1, 3),
    )
    assert rare.session == date(2024, 7, 15)
    assert snapshot.ratio.first_date == date(2000, 5, 26)
    assert snapshot.ratio.intraday == ((70, pytest.approx(snapshot.ratio.value)),)
    assert snapshot.headline.startswith("Russell 2000 (IWM) +1.88 %, 5th gain in a row (4 + today); ")


def test_its_close(market):
    snapshot = shown(market, close_ns(DAY))
    iwm, wide = snapshot.legs["IWM"], snapshot.spread.windows["5"]
    assert iwm.streak == Streak(5, 5, provisional=False)
    assert iwm.return_pct["5"] == pytest.approx(11.519, abs=5e-4)
    assert iwm.since["5"].date == date(2020, 4, 29)
    assert wide.pp == pytest.approx(11.807, abs=5e-4)
    assert wide.since.date == date(2001, 4, 3)
    assert snapshot.value_growth.session == DAY


def test_the_trap(market):
    snapshot = shown(market, close_ns(date(2024, 7, 15)))
    iwm = snapshot.legs["IWM"]
    assert iwm.return_pct["1"] == pytest.approx(1.900, abs=5e-4)
    assert iwm.streak == Streak(4, 4, provisional=False)
    assert snapshot.headline.startswith("Russell 2000 (IWM) +1.90 %, 4th gain in a row; ")


def test_value_stood_at_its_lowest_on_5_july(market):
    rare = shown(market, close_ns(date(2024, 7, 5))).value_growth
    assert (rare.session, rare.low.date, rare.low.value) == (date(2024, 7, 5), date(2024, 7, 5), rare.value)
    assert (rare.low.since, rare.percentile) == (None, 0.0)


def test_iwn_has_no_price_figures_but_a_place(market):
    """Only its adjusted closes are known, so of its price nothing is; the value ratio rests on it."""
    iwn = shown(market, TEN_FORTY, QUOTES).legs["IWN"]
    assert (iwn.name, iwn.last, iwn.base_rate) == ("Russell 2000 Value (IWN)", None, None)
    assert iwn.streak == Streak(None, None, provisional=False)
    assert set(iwn.return_pct.values()) == set(iwn.since.values()) == {None}


@pytest.mark.parametrize("as_of_ns", [TEN_FORTY, close_ns(date(2024, 7, 15)), close_ns(DAY)])
@pytest.mark.parametrize("returns", ["price", "total"])
def test_all_figures_from_all_the_data_are_as_defined(daily, as_of_ns: int, returns: str):
    """The brute-force oracle over 24 years."""
    desk = Desk(legs=("IWM", "QQQ", "IWN", "IVW"), returns=returns)
    rows = [row for row in daily if row.symbol in desk.legs]
    quotes = QUOTES if as_of_ns == TEN_FORTY else []
    expected = Expected(rows, desk, started_ns=as_of_ns, mode="REPLAY", source="typed in")
    expected.take(quotes, as_of_ns)
    snapshot = opened(rows, as_of_ns, desk).apply(quotes, as_of_ns=as_of_ns)
    differs = oracle.difference(figures(snapshot), expected.snapshot(as_of_ns))
    assert not differs, differs


@pytest.mark.parametrize(
    ("base", "against", "returns", "column"),
    [("RUT", "NDX", "price", "close"), ("IWM", "QQQ", "total", "adj_close")],
)
def test_index_pair_and_total_returns_against_pandas(
    daily, base: str, against: str, returns: str, column: str
):
    """Neither is in the case's figures; both are one line of pandas each."""
    frame = pd.DataFrame(daily, columns=Close._fields).pivot_table(
        index="day", columns="symbol", values=column
    )
    frame = frame.map(lambda price: None if np.isnan(price) else oracle.seven_digits(price))
    prices = frame.loc[:DAY, [base, against]].dropna()
    desk = Desk(base=base, against=against, returns=returns)
    snapshot = opened(daily, close_ns(DAY), desk).apply([], as_of_ns=close_ns(DAY))
    assert snapshot.spread.base == base
    for k in (1, 5, 20, 60, 252):
        returned = prices.pct_change(k) * 100
        for symbol in (base, against):
            assert snapshot.legs[symbol].return_pct[str(k)] == pytest.approx(returned[symbol].iloc[-1])
        pps = (returned[base] - returned[against]).dropna()
        now, before = pps.iloc[-1], pps.iloc[:-1]
        window = snapshot.spread.windows[str(k)]
        assert window.pp == pytest.approx(now)
        assert window.n == len(before)
        trailing = before.iloc[-252:]
        assert window.n_effective == pytest.approx(len(before) / k)
        if k <= 25:
            assert window.z == pytest.approx((now - trailing.mean()) / trailing.std(ddof=1))
        else:  # fewer than ten windows side by side
            assert (window.z, window.is_few) == (None, True)
        assert window.percentile == pytest.approx(100 * np.mean(before < now))
        wider = before[before >= now] if now >= 0 else before[before <= now]
        assert window.since.date == wider.index[-1]
        assert window.since_either_way.date == before[before.abs() >= abs(now)].index[-1]
    assert snapshot.headline.startswith(snapshot.legs[base].name)


def test_the_index_pair_says_that_it_is_one(daily):
    snapshot = opened(daily, close_ns(DAY), Desk(base="RUT", against="NDX")).apply([], as_of_ns=close_ns(DAY))
    assert snapshot.headline == (
        "Russell 2000 index (RUT) +3.50 %, 5th gain in a row; +11.5 % in 5 sessions, best since 29 Apr 2020; "
        "11.8 pp ahead of Nasdaq 100 index (NDX), widest lead since 3 Apr 2001."
    )


def test_volume_at_ten_forty_is_of_the_fourteen_regular_bars(daily, shared_data):
    """The file begins at 05:30, and its bar of 09:25 ends at the bell."""
    paths = [shared_data / "intraday" / f"{symbol}_5m_2024-07-16.csv" for symbol in ("IWM", "QQQ")]
    bars = list(csv.DictReader(paths[0].read_text().splitlines()))
    regular = [bar for bar in bars if "13:30" <= bar["start"][11:16] < "14:40"]
    assert len(regular) == 14
    iwm = (
        opened(daily, TEN_FORTY)
        .apply([quote for quote in quotes(read_tape(paths)) if quote.ts_ns <= TEN_FORTY], as_of_ns=TEN_FORTY)
        .legs["IWM"]
    )
    assert iwm.volume == sum(int(float(bar["volume"])) for bar in regular) == 16_449_550
    assert iwm.high == max(float(bar["high"]) for bar in regular)
    assert iwm.low == min(float(bar["low"]) for bar in regular)


def test_prints_of_nobody_may_be_forgotten():
    """As where a vendor replaces the prints of symbols that are not let in."""
    market = Market(History.empty(), as_of_ns=0)
    market.forget(())
    market.forget(("NOBODY",))
