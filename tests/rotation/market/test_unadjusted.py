"""A split that history does not know yet: the leg is marked, and nothing is computed across it."""

from __future__ import annotations

from datetime import date

import pytest

from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.status import Kind
from tests.support.core_worlds import Close, history_of
from tests.support.status_worlds import DESK, IWM, QQQ, YAHOO, at, closes, snapshot
from tui.output.text import text
from tui.panels.registry import PANELS
from tui.view.view_state import ViewState

MONDAY = date(2024, 7, 15)
EARLY, NOON = "2024-07-16 04:05", "2024-07-16 13:00"


def halved(rows: list[Close], symbol: str = "IWM") -> list[Close]:
    """The same closes, restated for a split of two for one."""
    kept = [row for row in rows if row.symbol != symbol]
    return kept + [Close(symbol, row.day, *(2 * [(row.close or 0.0) / 2])) for row in rows if row not in kept]


def market(moment: str = NOON) -> Market:
    return Market(history_of(closes()), DESK, as_of_ns=at(moment), origin=YAHOO)


def prints(moment: str = NOON, iwm: float = 57.5, qqq: float = 401.0) -> tuple[Quote, ...]:
    return tuple(Quote(symbol, at(moment) - NS, price) for symbol, price in (("IWM", iwm), ("QQQ", qqq)))


@pytest.mark.parametrize("moment", [EARLY, NOON])
@pytest.mark.parametrize("first", ["closes", "prints"])
def test_a_previous_close_on_another_scale_marks_the_leg(moment: str, first: str):
    """It once read "−47.73 % … worst on record", LIVE, from 04:00 to about 09:31 of the ex-date."""
    desk = market(moment)
    if first == "prints":
        assert desk.apply(prints(moment), as_of_ns=at(moment)).legs["IWM"].return_pct["1"] == pytest.approx(
            -47.727, abs=1e-3
        )
    assert desk.take_previous_closes(MONDAY, {"IWM": 55.0, "QQQ": 400.0}) == {"IWM"}
    taken = desk.apply(() if first == "prints" else prints(moment), as_of_ns=at(moment))
    leg = taken.legs["IWM"]
    assert (leg.last, leg.state, leg.status.kind) == (57.5, "UNADJUSTED", Kind.UNADJUSTED)
    assert set(leg.return_pct.values()) == {None}
    assert set(leg.since.values()) == {None}
    assert (leg.streak.settled, leg.streak.with_today, leg.base_rate) == (None, None, None)
    assert {window.pp for window in taken.spread.windows.values()} == {None}
    assert taken.spread.relative_streak.with_today is None
    assert (taken.ratio.value, taken.ratio.intraday) == (None, ())
    assert taken.headline == f"{IWM}: possible split, no figures until its history has been fetched again."
    assert taken.headline_status.kind is taken.connection.kind is Kind.UNADJUSTED
    ribbon = PANELS["ribbon"].draw(taken, ViewState(), 40, 3).rows[0]
    assert "✖ IWM UNADJUSTED, POSSIBLE SPLIT" in "".join(part for part, _ in ribbon)
    assert text(taken).startswith("IWM UNADJUSTED, POSSIBLE SPLIT  ")
    assert taken.legs["QQQ"].return_pct["1"] == pytest.approx(0.25), "the other leg has its figures"


def test_the_mark_goes_with_the_restated_history():
    desk = market()
    assert desk.take_previous_closes(MONDAY, {"IWM": 55.0}) == {"IWM"}
    desk.update_history(history_of(closes()))
    assert desk.apply(prints(), as_of_ns=at(NOON)).legs["IWM"].state == "UNADJUSTED", "fetched, not restated"
    desk.update_history(history_of(halved(closes())))
    taken = desk.apply((), as_of_ns=at(NOON))
    assert taken.legs["IWM"].state == "LIVE"
    assert taken.headline == snapshot(NOON).headline


@pytest.mark.parametrize("close", [110.0, 110.3, 109.2, 111.5])
def test_another_vendors_idea_of_the_same_close_is_no_split(close: float):
    assert market().take_previous_closes(MONDAY, {"IWM": close}) == set()


@pytest.mark.parametrize("close", [55.0, 220.0, 104.76, 112.5, 1100.0])
def test_every_ratio_of_shares_is_one(close: float):
    assert market().take_previous_closes(MONDAY, {"IWM": close}) == {"IWM"}


def test_only_the_session_before_the_one_shown_is_compared():
    desk = market()
    assert desk.take_previous_closes(date(2024, 7, 12), {"IWM": 52.5}) == {"IWM"}
    assert desk.apply(prints(iwm=115.0), as_of_ns=at(NOON)).legs["IWM"].state == "LIVE"
    later = market("2024-07-15 18:00")
    later.take_previous_closes(MONDAY, {"IWM": 55.0})
    assert later.apply((), as_of_ns=at("2024-07-15 18:00")).legs["IWM"].state != "UNADJUSTED"
    taken = later.apply(prints(EARLY), as_of_ns=at(EARLY))
    assert taken.legs["IWM"].state == "UNADJUSTED"


def test_a_close_that_history_lacks_or_that_is_no_price_says_nothing():
    desk = market()
    bad = {"IWM": float("nan"), "QQQ": 0.0, "DIA": 400.0, "SPY": float("inf")}
    assert desk.take_previous_closes(MONDAY, bad) == set()
    assert desk.take_previous_closes(date(2024, 7, 14), {"IWM": 1.0}) == set(), "no session"


def test_the_other_leg_is_named_and_the_base_keeps_its_own_figures():
    desk = market()
    desk.take_previous_closes(MONDAY, {"QQQ": 200.0})
    taken = desk.apply(prints(iwm=115.0, qqq=200.5), as_of_ns=at(NOON))
    assert taken.headline.startswith(f"QQQ UNADJUSTED (possible split): {IWM} +4.55 %, 3rd gain in a row")
    assert QQQ not in taken.headline
    assert taken.ratio.value is None


def test_a_split_that_is_listed_but_not_restated_marks_the_leg_from_its_day_on():
    """It once showed −75 %, LIVE, at 10:40 of the ex-date, where no vendor says a previous close."""
    desk = market("2024-07-15 18:00")
    desk.take_listed_splits({"IWM": date(2024, 7, 16)})
    assert desk.apply((), as_of_ns=at("2024-07-15 18:00")).legs["IWM"].state == "CLOSED", "not before its day"
    assert (
        desk.apply(prints("2024-07-16 10:40"), as_of_ns=at("2024-07-16 10:40")).legs["IWM"].status.kind
        is Kind.UNADJUSTED
    )
    desk.take_listed_splits({})
    assert desk.apply((), as_of_ns=at("2024-07-16 10:40")).legs["IWM"].state == "LIVE"


def test_after_the_close_the_official_one_makes_no_figure_across_the_split_either():
    day = date(2024, 7, 16)
    evening = at("2024-07-16 18:00")
    desk = market()
    desk.take_previous_closes(MONDAY, {"IWM": 55.0})
    desk.apply(prints(), as_of_ns=at(NOON))
    rows = [*closes(), Close("IWM", day, 57.5, 57.5), Close("QQQ", day, 401.0, 401.0)]
    desk.update_history(history_of(rows))
    leg = desk.apply((), as_of_ns=evening).legs["IWM"]
    assert (leg.last, leg.status.kind, leg.return_pct["1"]) == (57.5, Kind.UNADJUSTED, None)
