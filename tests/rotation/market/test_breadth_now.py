"""Breadth in the snapshot: provisional while prints come, settled after the bell, worth its worst print."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from rotation.breadth.members import MemberList, Membership, spelled
from rotation.errors import StorageError
from rotation.market.market import Market
from rotation.market.reduce.backlog import Backlog
from rotation.market.session_filter import MANY
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, open_ns, previous_session, sessions_between
from rotation.status import LIVE, Kind
from tests.support.breadth.worlds import history_of, membership_of

if TYPE_CHECKING:
    import polars as pl

    from rotation.breadth.figures import IndexBreadth

SESSION = date(2024, 7, 16)
DAYS = sessions_between(date(2024, 7, 1), previous_session(SESSION))
NAMES = ("A", "B", "C", "D", "MOG-A")
CLOSES = {name: dict.fromkeys(DAYS, 100.0) for name in (*NAMES, "IWM")}
LISTS = [(date(2024, 7, 8), dict.fromkeys(NAMES, ("Energy", 20.0)))]
OPEN = open_ns(SESSION) + 600 * NS


def market(**changes: object) -> Market:
    """The members at 100 each before the session."""
    return Market(
        history_of(CLOSES),
        as_of_ns=OPEN,
        origin=Provenance(LIVE, "Feed"),
        membership=(membership_of("IWM", LISTS),),
        **changes,  # type: ignore[arg-type]
    )


def quote(symbol: str, price: float, ago_s: float = 1.0) -> Quote:
    """A print of so long before OPEN."""
    return Quote(symbol, OPEN - int(ago_s * NS), price)


def iwm(desk: Market, *quotes: Quote, as_of_ns: int = OPEN) -> IndexBreadth:
    """IWM's breadth after these prints."""
    breadth = desk.apply(quotes, as_of_ns=as_of_ns).breadth
    assert breadth is not None
    return breadth.indices["IWM"]


def test_members_that_have_printed_are_counted() -> None:
    made = iwm(market(), quote("A", 101), quote("B", 99), quote("MOG.A", 102), quote("C", 100))
    assert made.now is not None
    assert (made.now.advances, made.now.declines, made.now.unchanged) == (2, 1, 1)
    assert (made.now.counted, made.now.total, made.now.share_up) == (4, 5, 0.5)
    assert made.is_provisional
    assert made.settled is not None
    assert (made.settled.session, made.settled.unchanged) == (DAYS[-1], 5)
    assert [each.symbol for each in made.top] == ["MOG.A", "A", "C", "B"]


def test_figures_are_worth_the_worst_print_counted() -> None:
    desk = market()
    made = iwm(desk, quote("A", 101), quote("B", 99, ago_s=400))
    assert made.status is not None
    assert (made.status.kind, made.status.worst, made.status.gap_s) == (Kind.STALE, "B", 399.0)
    desk.set_provenance({"A": Provenance(LIVE, "Feed", Kind.HALTED)})
    status = iwm(desk, quote("B", 99.5)).status
    assert status is not None
    assert (status.kind, status.worst) == (Kind.HALTED, "A")


@pytest.mark.parametrize(("printed", "ranked"), [(3, False), (4, True)])
def test_a_share_of_few_members_is_not_ranked_among_whole_days(printed: int, ranked: bool) -> None:
    """At the opening one of two thousand has printed: all of them up is no record."""
    made = iwm(market(), *(quote(name.replace("-", "."), 101) for name in NAMES[:printed]))
    assert made.now is not None
    assert (made.now.counted, made.now.share_up) == (printed, 1.0)
    assert made.share_up_percentile == (100.0 if ranked else None)


def test_nothing_is_said_of_now_while_no_member_has_printed() -> None:
    made = iwm(market(), quote("IWM", 101))
    assert (made.now, made.status, made.top, made.is_provisional) == (None, None, (), False)


def test_a_member_split_in_the_session_is_not_counted_until_history_is_restated() -> None:
    desk = market()
    desk.take_listed_splits({"A": SESSION}, {"A": 2.0})
    made = iwm(desk, quote("A", 50.5), quote("B", 101))
    assert made.now is not None
    assert (made.now.counted, made.now.advances, made.now.declines) == (1, 1, 0)
    restated = CLOSES | {"A": dict.fromkeys(DAYS, 50.0)}
    desk.update_history(history_of(restated))
    now = iwm(desk).now
    assert now is not None
    assert (now.counted, now.advances) == (2, 2)


def test_after_the_bell_official_closes_win() -> None:
    closes = {name: series | {SESSION: 103.0} for name, series in CLOSES.items()}
    desk = market()
    iwm(desk, quote("A", 99))
    desk.update_history(history_of(closes))
    made = iwm(desk, as_of_ns=close_ns(SESSION) + NS)
    assert made.now is not None
    assert (made.now.advances, made.now.counted, made.is_provisional) == (5, 5, False)
    assert made.status is not None
    assert made.status.kind is Kind.CLOSED


def test_without_a_file_on_or_before_the_session_there_is_none() -> None:
    late = membership_of("IWM", [(date(2024, 7, 17), LISTS[0][1])])
    desk = Market(history_of(CLOSES), as_of_ns=OPEN, membership=(late,))
    assert desk.apply([quote("A", 101)], as_of_ns=OPEN).breadth is None
    desk.take_members((membership_of("IWM", LISTS),))
    taken = desk.apply([], as_of_ns=OPEN).breadth
    assert taken is not None
    now = taken.indices["IWM"].now
    assert now is not None
    assert now.counted == 1


def test_figures_are_made_anew_only_after_a_member_changed() -> None:
    desk = market()
    before = iwm(desk, quote("A", 101))
    assert iwm(desk, quote("IWM", 101)).now is before.now
    after = iwm(desk, quote("B", 102)).now
    assert after is not None
    assert after.advances == pytest.approx(2)


def test_a_batch_of_all_members_is_read_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query for each member made a batch of 1,661 last five seconds."""
    names = [f"M{n:04}" for n in range(MANY + 50)]
    closes = {name: dict.fromkeys(DAYS, 100.0) for name in (*names, "IWM", "QQQ")}
    lists = [(date(2024, 7, 8), dict.fromkeys(names, ("Energy", 0.1)))]
    desk = Market(
        history_of(closes),
        as_of_ns=OPEN,
        origin=Provenance(LIVE, "Feed"),
        membership=(membership_of("IWM", lists),),
    )
    passes = []
    take = Backlog.take_unsummed
    monkeypatch.setattr(Backlog, "take_unsummed", lambda self, keys: passes.append(keys) or take(self, keys))
    for n in range(3):
        made = iwm(desk, *(quote(name, 101 + n, ago_s=9.0 - n) for name in names))
        assert made.now is not None
        assert (made.now.counted, made.now.advances) == (len(names), len(names))
        assert made.top[0].return_pct == pytest.approx(1 + n)
    assert len(passes) <= 2 * 3


def test_a_member_whose_prints_were_wrong_is_not_counted() -> None:
    desk = market()
    assert iwm(desk, quote("A", 101), quote("B", 99)).now.counted == 2  # type: ignore[union-attr]
    desk.forget({"A"})
    made = iwm(desk)
    assert made.now is not None
    assert (made.now.counted, made.now.advances, made.now.declines) == (1, 0, 1)


def test_a_holdings_file_that_cannot_be_read_leaves_the_counts_and_says_so() -> None:
    day, reads = LISTS[0][0], list[int]()

    def damaged() -> pl.DataFrame:
        reads.append(1)
        raise StorageError("IWM-2024-07-08.csv: damaged holdings file")

    symbols = sorted(spelled(name) for name in NAMES)
    membership = Membership.of("IWM", [MemberList("IWM", day, symbols, damaged)])
    desk = Market(history_of(CLOSES), as_of_ns=OPEN, membership=(membership,))
    for price in (101.0, 102.0):
        snapshot = desk.apply([quote("A", price)], as_of_ns=OPEN)
        assert snapshot.breadth is not None
        index = snapshot.breadth.indices["IWM"]
        assert index.now is not None
        assert (index.now.advances, index.sectors, index.top, index.bottom) == (1, (), (), ())
        assert snapshot.health.history.endswith(
            "; no sectors or movers of IWM: IWM-2024-07-08.csv: damaged holdings file"
        )
    assert len(reads) == 1, "not at every tick"
