"""The clauses that the headline grows by: true, rare, on good prices, at most three, each with its figure."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise

import pytest
from msgspec.structs import replace

from rotation.breadth.figures import Breadth, BreadthFigures, IndexBreadth
from rotation.desk import Desk
from rotation.figures.registry import figures
from rotation.history import History
from rotation.macro.figures import Macro, Observation, Stated
from rotation.macro.stated import RANKED
from rotation.market.beside.clauses import Day, clauses, grown
from rotation.market.market import Market
from rotation.sessions import NEW_YORK, close_ns
from rotation.snapshot import BankLead
from rotation.status import DerivedStatus, Kind
from tests.support.core_worlds import ORIGIN

DAY = date(2024, 7, 16)
NOW = datetime(2024, 7, 16, 16, 30, tzinfo=NEW_YORK)


def worth(kind: Kind = Kind.LIVE) -> DerivedStatus:
    return DerivedStatus(kind, "KRE", None, None, 0.0, "", "", None, apart=False)


def lead(percentile: float, *, n: int = 5000, kind: Kind = Kind.LIVE) -> BankLead:
    return BankLead(1.0, percentile, n, worth(kind))


def members(percentile: float, **changed) -> Breadth:
    now = BreadthFigures(
        DAY, DAY, 1977, 1664, 1554, 95, 15, 1459, 1554 / 1664, 0.8, 1600, 200, 3, 197, 1500, 0.88, 0.1
    )
    index = IndexBreadth("IWM", now, False, None, worth(), (), (), (), (), (), percentile, 504)
    return Breadth({"IWM": replace(index, **changed)})


def yields(percentile: float, day: date = date(2024, 7, 15), change: float = -12.0) -> Macro:
    figure = Stated(change, (Observation("DGS10", day, 4.23),), percentile, 6000)
    return Macro((), None, (), None, (), {}, (), stated={RANKED: figure})


@pytest.fixture(scope="module")
def market(shared_data):
    from feeds.history.importing import read_history

    frame, _ = read_history([shared_data / "daily"], now_ns=close_ns(date(2026, 11, 27)))
    return Market(History(frame, "history"), as_of_ns=close_ns(DAY), origin=ORIGIN)


@pytest.fixture
def shown(market):
    return market.apply([], as_of_ns=close_ns(DAY))


def days(legs):
    return {symbol: Day(leg.return_pct["1"], leg.session, leg.status) for symbol, leg in legs.items()}


def clauses_of(legs, banks=None, breadth=None, macro=None, sentence=Kind.LIVE):
    status = worth(sentence)
    made = clauses("IWM", days(legs), banks or {}, breadth=breadth, macro=macro, now=NOW, sentence=status)
    return [each.text for each in made], [each.figure for each in made]


def test_the_close_of_16_july_2024(market, shown):
    """By a plain loop over the closes: KRE's lead over IWM on the day, among all days before."""
    rows = {
        symbol: dict(market.history.frame.filter(symbol=symbol).select("date", "close").iter_rows())
        for symbol in ("KRE", "IWM")
    }
    days = sorted(rows["KRE"].keys() & rows["IWM"].keys())
    days = [day for day in days if day <= DAY]
    leads = [
        (rows["KRE"][day] / rows["KRE"][was] - rows["IWM"][day] / rows["IWM"][was]) * 100
        for was, day in pairwise(days)
    ]
    lead = shown.banks["KRE"]
    assert lead.day_pp == pytest.approx(leads[-1])
    assert lead.n == len(leads) - 1
    below = sum(each < leads[-1] for each in leads[:-1])
    assert lead.percentile == pytest.approx(100 * below / lead.n, abs=0.05)
    is_rare = not 5 < lead.percentile < 95
    assert bool(shown.clauses) == is_rare
    assert ("banks lead: KRE" in shown.headline) == is_rare


def test_each_is_said_with_its_number_and_can_be_explained(shown):
    texts, ids = clauses_of(shown.legs, {"KRE": lead(99.0)}, members(99.5), yields(3.0))
    pct = f"{shown.legs['KRE'].return_pct['1']:.1f}"
    assert texts == ["1,554 of 1,664 members up", f"banks lead: KRE +{pct} %", "10-year −12 bp on the week"]
    assert set(ids) <= figures(Desk()).keys()
    assert grown("A; b.", ()) == "A; b."


def test_the_other_side_is_said_too(shown):
    texts, _ = clauses_of(shown.legs, {"KRE": lead(1.0)}, members(0.5), yields(99.0, change=14.2))
    assert texts[0] == "95 of 1,664 members down"
    assert texts[1].startswith("banks lag: KRE ")
    assert texts[2] == "10-year +14 bp on the week"


def test_of_banks_only_the_rarer_one_is_said(shown):
    legs = {**shown.legs, "KBE": shown.legs["KRE"]}
    texts, ids = clauses_of(legs, {"KRE": lead(96.0), "KBE": lead(99.0)})
    assert ids == ["kbe.day_pct"]
    assert len(texts) == 1


@pytest.mark.parametrize(
    "quiet",
    [
        {"banks": {"KRE": lead(94.9)}},
        {"banks": {"KRE": lead(99.0, n=249)}},
        *({"banks": {"KRE": lead(99.0, kind=kind)}} for kind in (Kind.STALE, Kind.OFFLINE, Kind.GAPPED)),
        {"breadth": members(94.0)},
        {"breadth": members(99.0, share_up_n=200)},
        {"breadth": members(99.0, status=worth(Kind.STALE))},
        {"breadth": members(99.0, status=None)},
        {"breadth": members(99.0, now=None)},
        {"breadth": members(99.0, now=replace(members(99.0).indices["IWM"].now, counted=1500))},
        {"macro": yields(50.0)},
        {"macro": yields(1.0, day=date(2024, 7, 11))},
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_common_old_or_of_few_is_not_said(shown, quiet):
    assert clauses_of(shown.legs, **quiet) == ([], [])


def test_nothing_is_added_while_the_base_leg_has_no_return(shown):
    unknown = replace(shown.legs["IWM"], return_pct=dict.fromkeys(shown.legs["IWM"].return_pct))
    legs = {**shown.legs, "IWM": unknown}
    assert clauses_of(legs, {"KRE": lead(99.0)}, members(99.0), yields(1.0)) == ([], [])


def test_a_lead_between_two_sessions_is_unknown(market):
    """A bank fund whose close of the session is missing is compared with nothing."""
    frame = market.history.frame.filter(
        ~((market.history.frame["symbol"] == "KRE") & (market.history.frame["date"] == DAY))
    )
    taken = Market(History(frame, "history"), as_of_ns=close_ns(DAY), origin=ORIGIN).apply(
        [], as_of_ns=close_ns(DAY)
    )
    assert (taken.banks["KRE"].day_pp, taken.banks["KRE"].percentile) == (None, None)
    assert not any("banks" in each.text for each in taken.clauses)


def test_yields_that_are_two_sessions_behind_are_worth_nothing(shown):
    fresh, old = yields(1.0, day=date(2024, 7, 12)), yields(1.0, day=date(2024, 7, 11))
    assert clauses_of(shown.legs, macro=fresh)[0]
    assert not clauses_of(shown.legs, macro=old)[0]


def test_a_clause_is_worth_no_less_than_its_sentence(shown):
    """A sentence has one status: LIVE, it says nothing that is DELAYED, and settled nothing PROVISIONAL."""
    delayed = {"KRE": lead(99.0, kind=Kind.DELAYED)}
    assert clauses_of(shown.legs, delayed) == ([], [])
    assert clauses_of(shown.legs, delayed, sentence=Kind.DELAYED)[1] == ["kre.day_pct"]
    provisional = {"KRE": lead(99.0, kind=Kind.PROVISIONAL)}
    assert clauses_of(shown.legs, provisional, sentence=Kind.CLOSED) == ([], [])
    unsettled = members(99.0, status=worth(Kind.PROVISIONAL))
    assert clauses_of(shown.legs, breadth=unsettled, sentence=Kind.CLOSED) == ([], [])
    assert clauses_of(shown.legs, breadth=members(99.0))[1] == ["breadth.iwm.advances"]


def test_a_lead_of_two_times_is_not_said(shown):
    apart = replace(lead(99.0), status=replace(worth(), apart=True))
    assert clauses_of(shown.legs, {"KRE": apart}) == ([], [])


def test_a_clause_names_what_is_said_and_what_is_ranked(shown):
    legs, made = days(shown.legs), members(99.0)
    two = clauses("IWM", legs, {"KRE": lead(99.0)}, breadth=made, macro=None, now=NOW, sentence=worth())
    assert {(each.figure, each.ranked) for each in two} == {
        ("kre.day_pct", "banks.kre.1.pp"),
        ("breadth.iwm.advances", "breadth.iwm.share_up"),
    }
    assert {name for each in two for name in (each.figure, each.ranked)} <= figures(Desk()).keys()
