"""Three years of the Nasdaq-100, a summer of QQQ's files and half a year of IWM's, counted as by hand."""

from __future__ import annotations

from datetime import date, timedelta
from math import fsum
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds.members.parse import parse_holdings
from feeds.members.store import MemberStore
from rotation.breadth.contributions import contributions, values_before
from rotation.breadth.past import past
from rotation.breadth.today import Counted
from rotation.desk import Desk
from rotation.history import UNIVERSE
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, next_session, open_ns, sessions_between
from rotation.status import LIVE
from tests.rotation.breadth.test_breadth import assert_same
from tests.support.breadth import oracle, real
from tests.support.breadth.worlds import history_of, membership_of, world
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from pathlib import Path

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no shared market data here")


def cut(closes: real.Closes, until: date) -> real.Closes:
    """What was known before a session."""
    return {name: {day: close for day, close in each.items() if day < until} for name, each in closes.items()}


@needs_shared
def test_three_years_of_the_nasdaq_100_by_its_changes() -> None:
    """Every settled session; each by the members of its day, though the newest list has others."""
    closes, lists = real.member_closes("ndx"), real.nasdaq_lists()
    days = sessions_between(date(2022, 6, 1), date(2025, 12, 31))
    by_hand = {each["session"]: each for each in oracle.breadth(closes, lists, days)}
    made = past(history_of(closes), membership_of("QQQ", lists), next_session(days[-1])).sessions
    assert len(made) == 504
    assert len({each.membership_date for each in made}) >= 8
    for place, figures in enumerate(made):
        expected: dict[str, Any] = dict(by_hand[figures.session])
        if place < 400:  # its means begin with the 504 sessions
            expected["mcclellan"] = figures.mcclellan
        assert_same(figures, expected)
    for session in (date(2023, 12, 18), date(2024, 7, 16), date(2025, 4, 4), date(2025, 7, 28)):
        known = past(history_of(cut(closes, session)), membership_of("QQQ", lists), session)
        values = {name: series.get(session) for name, series in closes.items()}
        now = Counted(known, values).figures()
        assert now is not None
        expected = dict(by_hand[session])
        assert now.mcclellan == pytest.approx(expected["mcclellan"], abs=1e-6)
        assert_same(now, expected | {"mcclellan": now.mcclellan})


@needs_shared
@pytest.mark.parametrize(
    "session", [date(2024, 5, 15), date(2024, 7, 16), date(2024, 9, 27), date(2024, 12, 31)]
)
def test_the_russell_on_both_sides_of_a_new_file(session: date) -> None:
    """Through the market, from prints: provisional during the session, the same and settled after it."""
    closes, lists = real.member_closes("rut"), real.russell_lists()
    closes["IWM"] = real.fund_closes("IWM")
    held, days = oracle.list_on(lists, session), sessions_between(date(2022, 6, 1), session)
    assert held is not None
    expected = oracle.counts(closes, held[1], days)
    membership = membership_of("IWM", lists)
    market = Market(
        history_of(cut(closes, session)),
        Desk(),
        as_of_ns=open_ns(session),
        origin=Provenance(LIVE, "x"),
        membership=(membership,),
    )
    prints = [
        Quote(name.replace("-", "."), close_ns(session) - NS, series[session])
        for name, series in closes.items()
        if session in series
    ]
    shown = market.apply(prints, as_of_ns=close_ns(session) - NS // 2).breadth
    later = next_session(session)
    settled = past(history_of(cut(closes, later)), membership, later).sessions[-1]
    assert shown is not None
    index = shown.indices["IWM"]
    assert index.is_provisional
    assert index.settled is None or index.settled.session < session
    for figures in (index.now, settled):
        assert figures is not None
        got = msgspec.structs.asdict(figures)
        assert {name: got[name] for name in expected if name != "above"} == {
            name: count for name, count in expected.items() if name != "above"
        }
        assert (got["total"], got["membership_date"]) == (len(held[1]), held[0])
        assert got["above_mean"] == expected["above"] / expected["mean_counted"]


@needs_shared
def test_a_summer_of_qqq_s_files_explains_its_moves(tmp_path: Path) -> None:
    """52 files and one as Invesco makes it, through the store: the day's and five sessions' contributions."""
    store, lists = MemberStore(tmp_path), real.weighted_lists("QQQ")
    for day, members in lists:
        rows = "".join(f"{symbol},{weight}\n" for symbol, (_, weight) in members.items())
        store.put(parse_holdings(f"symbol,weight\n{rows}".encode(), "QQQ", as_of=day))
    invesco = (SHARED / "constituents" / "QQQ_holdings_2025-09-24.csv").read_bytes()
    store.put(parse_holdings(invesco, "QQQ", is_sponsors=True))
    (membership,) = store.load()
    assert len(membership.lists) == len(lists) + 1
    closes, fund = real.member_closes("ndx"), real.fund_closes("QQQ")
    days = sessions_between(date(2022, 6, 1), date(2025, 9, 24))
    sessions = [day for day in days if day > lists[0][0]]
    assert len(sessions) > 70
    history = history_of(closes)
    for session in sessions:
        held = oracle.list_on(lists, session - timedelta(1))
        assert held is not None
        values = {name: series.get(session) for name, series in closes.items()}
        for k in (1, 5):
            then = days[days.index(session) - k]
            move = (fund[session] / fund[then] - 1) * 100
            got = contributions(
                membership,
                session,
                sessions=k,
                was=values_before(history, session, k),
                values=values,
                fund_return_pct=move,
            )
            by_member, _, total = oracle.contributions(closes, held[1], session, then)
            assert got.membership_date == held[0]
            assert {m.symbol: m.contribution_pp for m in got.members if m.contribution_pp is not None} == (
                pytest.approx(by_member)
            )
            assert got.explained_pp is not None
            assert got.residual_pp is not None
            assert got.explained_pp == pytest.approx(total)
            assert got.explained_pp + got.residual_pp == pytest.approx(move, abs=1e-12)
            of_sectors = fsum(each.contribution_pp or 0.0 for each in got.sectors)
            assert of_sectors == pytest.approx(got.explained_pp, abs=1e-12)
            assert (got.counted, got.total) == (len(by_member), len(held[1]))
            if k == 1:
                assert abs(got.residual_pp) < 0.25, "members of nearly all weight make the fund's day"


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_empty_lists_lists_of_one_day_and_of_the_future(seed: int, ago: int) -> None:
    """An empty list is one of nobody, of two of one day the later counts, one of tomorrow does not yet."""
    made = world(seed, files=8)
    session = made.days[-ago]
    twice, future = made.lists[0][0], session + timedelta(1 + seed % 9)
    lists = [each for each in made.lists if each[0] not in (twice, future)]
    lists += [(twice, {"B": ("Energy", 101.0)}), (future, {"C": ("", 1.0)}), (made.days[-200], {})]
    given_twice = membership_of("IWM", [(twice, {"A": ("", 1.0), "GONE": ("", None)}), *lists])
    known = past(made.history, given_twice, session)
    now = Counted(known, {name.replace("-", "."): s.get(session) for name, s in made.closes.items()})
    unique = list(dict(lists).items())
    by_hand = [each for each in oracle.breadth(made.closes, unique, made.days) if each["session"] <= session]
    before = [each for each in by_hand if each["session"] < session]
    assert [each.session for each in known.sessions] == [each["session"] for each in before]
    for figures, expected in zip(known.sessions, before, strict=True):
        assert_same(figures, expected)
    if by_hand and by_hand[-1]["session"] == session:
        assert_same(now.figures(), by_hand[-1])
    else:
        assert now.figures() is None
    got = contributions(
        given_twice,
        session,
        sessions=1,
        was=values_before(made.history, session, 1),
        values={name.replace("-", "."): s.get(session) for name, s in made.closes.items()},
        fund_return_pct=1.0,
    )
    held = oracle.list_on(unique, session - timedelta(1))
    by_member, _, total = oracle.contributions(
        made.closes, held[1] if held else {}, session, made.days[-ago - 1]
    )
    assert (got.counted, got.total) == (len(by_member), len(held[1]) if held else 0)
    assert got.explained_pp == (pytest.approx(total) if by_member else None)


def test_a_day_of_mourning_that_the_calendar_does_not_know_is_no_session_of_a_window() -> None:
    """The fund's five sessions leave it out; the members' counted it, so the residual held a session."""
    days = sessions_between(date(2024, 6, 3), date(2024, 7, 16))
    closure, session = days[-4], days[-1]
    names = [f"S{n}" for n in range(UNIVERSE)]
    traded = [day for day in days if day != closure]
    closes = {
        name: {day: 100.0 * (1 + place / 100) ** (1 + n % 3) for place, day in enumerate(traded)}
        for n, name in enumerate([*names, "IWM", "QQQ"])
    }
    members = dict.fromkeys(names, ("Energy", 100 / UNIVERSE))
    membership = membership_of("IWM", [(days[0], members)])
    history = history_of(closes)
    taken = Market(history, as_of_ns=close_ns(session) + NS, membership=(membership,)).apply(
        [], as_of_ns=close_ns(session) + NS
    )
    then = traded[-6]
    fund = (closes["IWM"][session] / closes["IWM"][then] - 1) * 100
    assert taken.legs["IWM"].return_pct["5"] == pytest.approx(fund)
    got = contributions(
        membership,
        session,
        sessions=5,
        was=values_before(history, session, 5),
        values={name: series[session] for name, series in closes.items()},
        fund_return_pct=fund,
    )
    _, _, total = oracle.contributions(closes, members, session, then)
    assert got.explained_pp == pytest.approx(total)
