"""Lists that a person or a sponsor may give: breadth counts what is known of them, and no more."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from rotation.breadth.contributions import contributions, values_before
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, open_ns, previous_session, sessions_between
from rotation.status import LIVE
from tests.support.breadth.worlds import history_of, membership_of

if TYPE_CHECKING:
    from rotation.breadth.figures import IndexBreadth
    from tests.support.breadth.worlds import Members

SESSION = date(2024, 7, 16)
DAYS = sessions_between(date(2024, 7, 1), previous_session(SESSION))
OPEN = open_ns(SESSION) + 600 * NS
NAMES = tuple(f"S{n}" for n in range(2_000))
CLOSES = {name: dict.fromkeys(DAYS, 100.0) for name in NAMES}


def shown(
    prices: dict[str, float], at_ns: int = OPEN, **lists: list[tuple[date, Members]]
) -> dict[str, IndexBreadth]:
    """Breadth by fund, after these prints."""
    membership = tuple(membership_of(fund, each) for fund, each in lists.items())
    market = Market(history_of(CLOSES), as_of_ns=OPEN, origin=Provenance(LIVE, "Feed"), membership=membership)
    quotes = [Quote(symbol, at_ns - NS, price) for symbol, price in prices.items()]
    made = market.apply(quotes, as_of_ns=OPEN).breadth
    return {} if made is None else made.indices


def of(*names: str, day: date = DAYS[0], weight: float | None = 1.0) -> list[tuple[date, Members]]:
    return [(day, dict.fromkeys(names, ("Energy", weight)))]


def counts(index: IndexBreadth) -> tuple[int, int, int | None, int | None]:
    """Counted, total, advances and declines."""
    assert index.now is not None
    return index.now.counted, index.now.total, index.now.advances, index.now.declines


def test_one_of_two_thousand_is_one_of_two_thousand() -> None:
    iwm = shown({"S7": 101.0}, IWM=of(*NAMES))["IWM"]
    assert counts(iwm) == (1, 2_000, 1, 0)
    assert iwm.share_up_percentile is None
    assert [(each.counted, each.total, each.weight_pct) for each in iwm.sectors] == [(1, 2_000, 1.0)]


def test_a_universe_of_one_without_a_sector_or_a_weight() -> None:
    own = shown({"S1": 99.0}, MINE=[(DAYS[0], {"S1": ("", None)})])["MINE"]
    assert counts(own) == (1, 1, 0, 1)
    (sector,) = own.sectors
    assert (sector.sector, sector.weight_pct, sector.return_pct, sector.contribution_pp) == (
        "",
        None,
        None,
        None,
    )


def test_a_member_of_both_indices_counts_in_both() -> None:
    both = shown({"S1": 99.0, "S2": 101.0}, IWM=of("S1", "S2"), QQQ=of("S1"))
    assert counts(both["IWM"]) == (2, 2, 1, 1)
    assert counts(both["QQQ"]) == (1, 1, 0, 1)


def test_a_list_dated_on_a_holiday_counts_from_the_next_session_and_one_of_tomorrow_not_yet() -> None:
    holiday, tomorrow = date(2024, 7, 4), date(2024, 7, 17)
    iwm = shown({"S1": 99.0, "S2": 101.0}, IWM=[*of("S1", day=holiday), *of("S2", day=tomorrow)])["IWM"]
    assert counts(iwm) == (1, 1, 0, 1)
    assert iwm.now is not None
    assert iwm.now.membership_date == holiday
    assert iwm.settled is not None
    assert iwm.settled.session == DAYS[-1]


def test_yesterday_s_price_is_none_of_today() -> None:
    late = shown({"S1": 105.0}, at_ns=close_ns(DAYS[-1]), IWM=of("S1", "S2"))["IWM"]
    assert (late.now is None or late.now.session == DAYS[-1]) is True
    iwm = shown({"S2": 101.0}, IWM=of("S1", "S2"))["IWM"]
    assert counts(iwm) == (1, 2, 1, 0)


@pytest.mark.parametrize(
    ("weights", "weight_pct", "return_pct", "contribution_pp"),
    [
        ((-50.0, 50.0), 0.0, None, 1.5),  # nothing to divide by
        ((-10.0, 30.0), 20.0, 3.5, 0.7),
        ((None, 0.25), 0.25, 2.0, 0.005),
        ((None, None), None, None, None),
    ],
)
def test_weights_that_are_no_whole_fund(
    weights: tuple[float | None, float | None],
    weight_pct: float | None,
    return_pct: float | None,
    contribution_pp: float | None,
) -> None:
    lists = [(DAYS[0], {"S1": ("Energy", weights[0]), "S2": ("Energy", weights[1])})]
    (sector,) = shown({"S1": 99.0, "S2": 102.0}, IWM=lists)["IWM"].sectors
    got = (sector.weight_pct, sector.return_pct, sector.contribution_pp)
    assert got == tuple(
        each if each is None else pytest.approx(each) for each in (weight_pct, return_pct, contribution_pp)
    )
    assert (sector.counted, sector.total) == (2, 2)


def test_a_sector_of_which_no_member_is_counted_adds_what_is_unknown_and_not_nothing() -> None:
    lists: list[tuple[date, Members]] = [(DAYS[0], {"S1": ("Tech", 60.0), "S2": ("Energy", 40.0)})]
    made = contributions(
        membership_of("IWM", lists),
        SESSION,
        sessions=1,
        was=values_before(history_of(CLOSES), SESSION, 1),
        values={"S1": 99.0, "S2": None},
        fund_return_pct=-0.5,
    )
    assert [(each.sector, each.weight_pct, each.contribution_pp, each.counted) for each in made.sectors] == [
        ("Tech", 60.0, pytest.approx(-0.6), 1),
        ("Energy", None, None, 0),
    ]
