"""Breadth and contributions equal the definitions, on random worlds and on real members."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.breadth.contributions import contributions, values_before
from rotation.breadth.members import MemberList, Membership
from rotation.breadth.past import past
from rotation.breadth.today import Counted
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, next_session, open_ns, previous_session, sessions_between
from tests.support.breadth import oracle
from tests.support.breadth.worlds import LISTED, World, history_of, membership_of, world
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from rotation.breadth.figures import BreadthFigures

SEEDS = st.integers(0, 10**6)


def assert_same(figures: BreadthFigures | None, expected: dict[str, Any]) -> None:
    """Equal but for the last digits of divisions."""
    assert figures is not None
    got = msgspec.structs.asdict(figures)
    assert got == {
        name: pytest.approx(value, abs=1e-9) if isinstance(value, float) else value
        for name, value in expected.items()
    }


@settings(max_examples=25)
@given(SEEDS)
def test_every_settled_session_is_counted_as_by_hand(seed: int) -> None:
    made = world(seed)
    made_by_hand = oracle.breadth(made.closes, made.lists, made.days)
    sessions = past(made.history, made.membership, next_session(made.days[-1])).sessions
    assert [each.session for each in sessions] == [each["session"] for each in made_by_hand]
    for figures, expected in zip(sessions, made_by_hand, strict=True):
        assert_same(figures, expected)


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 40))
def test_today_counts_as_its_close_will(seed: int, ago: int) -> None:
    """The provisional figures of a session, with its closes as prices, are the settled ones later."""
    made = world(seed)
    session = made.days[-ago]
    before = past(made.history, made.membership, session)
    values = {name.replace("-", "."): series.get(session) for name, series in made.closes.items()}
    now = Counted(before, values).figures()
    expected = [
        each for each in oracle.breadth(made.closes, made.lists, made.days) if each["session"] == session
    ]
    if expected:
        assert_same(now, expected[0])
    else:
        assert now is None


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 40), st.integers(1, 60), st.booleans())
def test_a_member_that_has_left_the_market_is_absent_from_then_on(
    seed: int, ago: int, ended: int, is_shown: bool
) -> None:
    """Without closes it is in the total and in no count, whatever last price a vendor still shows."""
    made = world(seed)
    session, last = made.days[-ago], made.days[-ago - ended]
    gone = LISTED[seed % len(LISTED)]
    closes = {
        name: {day: close for day, close in series.items() if name != gone or day <= last}
        for name, series in made.closes.items()
    }
    before = {
        name: {day: close for day, close in series.items() if day < session}
        for name, series in closes.items()
    }
    market = Market(
        history_of(before),
        as_of_ns=open_ns(session) - 1,
        membership=(membership_of("IWM", made.lists),),
    )
    prints = [
        Quote(name.replace("-", "."), open_ns(session) + NS, series[session], 1)
        for name, series in closes.items()
        if session in series
    ]
    if is_shown and closes[gone]:
        day, close = max(closes[gone].items())
        prints.append(Quote(gone, close_ns(day), close, 1))
    shown = market.apply(prints, as_of_ns=open_ns(session) + 2 * NS).breadth
    by_hand = [each for each in oracle.breadth(closes, made.lists, made.days) if each["session"] <= session]
    if not by_hand or not prints or shown is None:
        return
    now = shown.indices["IWM"].now
    if by_hand[-1]["session"] == session:
        assert_same(now, by_hand[-1])
    settled = shown.indices["IWM"].settled
    earlier = [each for each in by_hand if each["session"] < session]
    if earlier and settled is not None:
        assert_same(settled, earlier[-1])
    assert gone not in {mover.symbol for mover in (*shown.indices["IWM"].top, *shown.indices["IWM"].bottom)}


@settings(max_examples=15)
@given(SEEDS, st.integers(0, 100))
def test_later_files_and_closes_change_nothing_earlier(seed: int, ago: int) -> None:
    made = world(seed)
    session = made.days[-1 - ago]
    late = [*made.lists, (session + timedelta(1), {"A": ("", 100.0)})]
    shorter = {
        name: {day: close for day, close in series.items() if day < session}
        for name, series in made.closes.items()
    }
    whole = past(made.history, membership_of("IWM", late), session)
    cut = past(history_of(shorter), membership_of("IWM", [f for f in made.lists if f[0] <= session]), session)
    assert whole.sessions == cut.sessions
    assert whole.means == cut.means


@settings(max_examples=25)
@given(SEEDS, st.integers(1, 20), st.sampled_from((1, 5)))
def test_contributions_add_up_as_by_hand(seed: int, ago: int, sessions: int) -> None:
    made = world(seed)
    session = made.days[-ago]
    was = values_before(made.history, session, sessions)
    values = {name.replace("-", "."): series.get(session) for name, series in made.closes.items()}
    got = contributions(
        made.membership, session, sessions=sessions, was=was, values=values, fund_return_pct=1.25
    )
    held = oracle.list_on(made.lists, session - timedelta(1))
    if held is None:
        assert got.membership_date is got.explained_pp is got.residual_pp is None
        return
    then = made.days[len(made.days) - ago - sessions]
    by_member, by_sector, total = oracle.contributions(made.closes, held[1], session, then)
    assert got.membership_date == held[0]
    assert {m.name: m.contribution_pp for m in got.members if m.contribution_pp is not None} == pytest.approx(
        by_member
    )
    assert {s.sector: s.contribution_pp for s in got.sectors if s.counted} == pytest.approx(by_sector)
    assert (got.counted, got.total) == (len(by_member), len(held[1]))
    if by_member:
        assert got.explained_pp == pytest.approx(total)
        assert got.residual_pp == pytest.approx(1.25 - total)


def test_before_the_first_file_there_is_no_breadth() -> None:
    made = world(1)
    early = Membership.of("IWM", [MemberList.of("IWM", made.days[-1], made.membership.lists[0].frame)])
    nothing = past(made.history, early, made.days[-1 - 5])
    assert (nothing.sessions, nothing.members) == ((), None)
    assert Counted(nothing, {"A": 5.0}).figures() is None
    assert Counted(nothing, {"A": 5.0}).movers() == ((), ())


def test_movers_are_ranked_by_return_and_then_by_symbol() -> None:
    days = sessions_between(date(2024, 1, 2), date(2024, 1, 4))
    closes = {name: dict.fromkeys(days, 100.0) for name in "ABCDEFG"}
    session = next_session(days[-1])
    lists = [(days[0], dict.fromkeys("ABCDEFG", ("", 1.0)))]
    before = past(history_of(closes), membership_of("IWM", lists), session)
    values = {"A": 101.0, "B": 99.0, "C": 101.0, "D": None, "E": 103.0, "F": 97.0, "G": 100.0}
    top, bottom = Counted(before, values).movers()
    assert [each.symbol for each in top] == ["E", "A", "C", "G", "B"]
    assert [each.symbol for each in bottom] == ["F", "B", "G", "A", "C"]


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no shared market data here")


def real_world() -> World:
    """The members of 27 September 2024, as if known from January 2024 on, over their adjusted closes."""
    frame = pl.read_parquet(SHARED / "breadth" / "rut_members_adj_close.parquet").with_columns(
        pl.col("adj_close").cast(pl.Float64).round_sig_figs(7)
    )
    frame = frame.filter(pl.col("adj_close") > 0)
    held = pl.read_csv(
        SHARED / "constituents" / "IWM_holdings_2024-09-27.csv",
        truncate_ragged_lines=True,
        infer_schema=False,
    )
    held = held.filter(pl.col("Asset Class") == "Equity", pl.col("Ticker") != "-").unique("Ticker")
    members = {
        ticker: (sector, float(weight))
        for ticker, sector, weight in held.select("Ticker", "Sector", "Weight (%)").iter_rows()
    }
    closes: dict[str, dict[date, float]] = {}
    for symbol, day, close in frame.iter_rows():
        closes.setdefault(symbol, {})[day] = close
    days = sessions_between(date(2022, 6, 1), date(2024, 12, 31))
    history = History(frame.with_columns(close=pl.col("adj_close")))
    lists = [(date(2024, 1, 2), members)]
    return World(history, membership_of("IWM", lists), closes, lists, days)


@needs_shared
def test_real_members_on_16_july_2024_are_counted_as_by_hand() -> None:
    made = real_world()
    session = date(2024, 7, 16)
    before = past(made.history, made.membership, session)
    prices = {name.replace("-", "."): series.get(session) for name, series in made.closes.items()}
    now = Counted(before, prices).figures()
    assert now is not None
    assert now.counted < now.total
    days = [day for day in made.days if day <= session]
    by_hand = oracle.counts(made.closes, made.lists[0][1], days)
    assert (now.counted, now.advances, now.declines) == (
        by_hand["counted"], by_hand["advances"], by_hand["declines"],
    )  # fmt: skip
    assert (now.highs, now.lows, now.mean_counted) == (
        by_hand["highs"], by_hand["lows"], by_hand["mean_counted"],
    )  # fmt: skip
    assert now.above_mean == by_hand["above"] / by_hand["mean_counted"]
    # PROVENANCE.md: 1,554 up, 95 down, 15 flat of 1,664 by adjusted closes.
    assert abs((now.advances or 0) - 1554) <= 5
    was = values_before(made.history, session, 1)
    got = contributions(made.membership, session, sessions=1, was=was, values=prices, fund_return_pct=3.41)
    _, by_sector, total = oracle.contributions(
        made.closes, made.lists[0][1], session, previous_session(session)
    )
    assert got.explained_pp == pytest.approx(total)
    assert {s.sector: s.contribution_pp for s in got.sectors} == pytest.approx(by_sector)
    # PROVENANCE.md scales the sum to the 87.6 % of weight that has prices: 3.60 %.
    assert total / sum(s.weight_pct for s in got.sectors) * 100 == pytest.approx(3.6, abs=0.02)
