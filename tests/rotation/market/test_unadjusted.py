"""A split that history does not know yet: the leg is marked, and nothing is computed across it."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.status import Kind
from tests.support.core_worlds import Close, history_of
from tests.support.status_worlds import DESK, IWM, QQQ, YAHOO, at, closes, snapshot
from tui.output.text import text
from tui.screen.scene import draw_panel
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
        leg = desk.apply(prints(moment), as_of_ns=at(moment)).legs["IWM"]
        assert (leg.state, leg.return_pct["1"]) == ("UNADJUSTED", None), "before any vendor says so"
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
    ribbon = draw_panel("ribbon", taken, ViewState(), 40, 3).rows[0]
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
    assert desk.apply((), as_of_ns=at("2024-07-16 10:40")).legs["IWM"].state == "UNADJUSTED", "half of it"
    desk.take_previous_closes(MONDAY, {"IWM": 110.0})
    assert desk.apply((), as_of_ns=at("2024-07-16 10:40")).legs["IWM"].state == "LIVE", "and no split"


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


OPEN, BELL = "2024-07-16 09:31", "2024-07-16 09:30"
RATIOS = [2.0, 3.0, 1.5, 4.0, 5.0, 10.0, 20.0, 0.5, 0.25, 0.1, 0.05]


def suspected(desk: Market, moment: str = NOON, **prices: float) -> tuple[Kind, frozenset[str]]:
    """What IWM is worth after these prints, and of which legs history is asked for anew."""
    leg = desk.apply(prints(moment, **prices), as_of_ns=at(moment)).legs["IWM"]
    return leg.status.kind, desk.take_suspects()


@pytest.mark.parametrize("moment", [EARLY, NOON])
@pytest.mark.parametrize("ratio", RATIOS)
def test_a_split_that_nobody_lists_is_told_from_a_crash(ratio: float, moment: str):
    """No vendor had said anything: it read "−49.5 % … worst on record", LIVE."""
    desk = market(moment)
    taken = desk.apply(prints(moment, iwm=round(110.0 / ratio * 1.01, 2)), as_of_ns=at(moment))
    leg = taken.legs["IWM"]
    assert leg.status.kind is Kind.UNADJUSTED
    assert set(leg.return_pct.values()) == {window.pp for window in taken.spread.windows.values()} == {None}
    assert "possible split" in taken.headline
    assert taken.legs["QQQ"].status.kind is Kind.LIVE
    assert desk.take_suspects() == {"IWM"}
    assert desk.take_suspects() == set(), "its history is asked for once, not at every print"
    desk.update_history(history_of(halved(closes()) if ratio == 2 else scaled(closes(), ratio)))
    again = desk.apply((), as_of_ns=at(moment)).legs["IWM"]
    assert again.status.kind is Kind.LIVE
    assert again.return_pct["1"] == pytest.approx(1.0, abs=0.3)


def scaled(rows: list[Close], ratio: float) -> list[Close]:
    return [
        row._replace(close=row.close / ratio, adj_close=row.close / ratio)
        if row.symbol == "IWM" and row.close
        else row
        for row in rows
    ]


def test_its_history_is_asked_for_again_while_it_stays_so():
    desk = market()
    assert suspected(desk, iwm=55.2) == (Kind.UNADJUSTED, {"IWM"})
    assert suspected(desk, "2024-07-16 13:14", iwm=55.3) == (Kind.UNADJUSTED, set())
    assert suspected(desk, "2024-07-16 13:15", iwm=55.3) == (Kind.UNADJUSTED, {"IWM"})


def test_a_crash_is_shown_once_a_vendor_has_the_same_close():
    desk = market()
    assert suspected(desk, iwm=55.0) == (Kind.UNADJUSTED, {"IWM"})
    assert desk.take_previous_closes(MONDAY, {"IWM": 110.2}) == set()
    leg = desk.apply((), as_of_ns=at(NOON)).legs["IWM"]
    assert (leg.status.kind, leg.return_pct["1"]) == (Kind.LIVE, pytest.approx(-50.0))


def test_a_crash_is_shown_once_the_source_of_history_has_kept_its_close():
    """Where the stream's vendor says nothing; one that says otherwise is believed."""
    desk = market()
    assert suspected(desk, iwm=55.0) == (Kind.UNADJUSTED, {"IWM"})
    desk.take_confirmed(MONDAY, {"IWM"})
    assert suspected(desk, iwm=55.1)[0] is Kind.UNADJUSTED, "asked in another session"
    desk.take_confirmed(date(2024, 7, 16), {"QQQ"})
    assert suspected(desk, iwm=55.0)[0] is Kind.UNADJUSTED
    desk.take_confirmed(date(2024, 7, 16), {"IWM"})
    leg = desk.apply((), as_of_ns=at(NOON)).legs["IWM"]
    assert (leg.status.kind, leg.return_pct["1"]) == (Kind.LIVE, pytest.approx(-50.0))
    desk.take_confirmed(date(2024, 7, 16), {"QQQ"})
    assert suspected(desk, iwm=55.1)[0] is Kind.LIVE, "what was confirmed before stays so"
    desk.take_listed_splits({"IWM": date(2024, 7, 16)}, {"IWM": 2.0})
    assert suspected(desk, iwm=55.0)[0] is Kind.UNADJUSTED, "a list knows better"
    desk.take_listed_splits({})
    desk.take_previous_closes(MONDAY, {"IWM": 55.0})
    assert suspected(desk, iwm=55.1)[0] is Kind.UNADJUSTED


def test_before_the_bell_a_vendor_that_has_the_same_close_may_not_have_restated_it():
    desk = market(EARLY)
    desk.take_previous_closes(MONDAY, {"IWM": 110.0, "QQQ": 400.0})
    assert suspected(desk, EARLY, iwm=55.0)[0] is Kind.UNADJUSTED
    assert suspected(desk, OPEN, iwm=55.0)[0] is Kind.UNADJUSTED
    desk.take_previous_closes(MONDAY, {"IWM": 110.0})
    assert suspected(desk, OPEN, iwm=55.1)[0] is Kind.LIVE


def test_a_fall_of_half_during_the_day_is_one():
    """The prints before it have shown that history is on their scale, by themselves or in a bar."""
    desk = market(EARLY)
    assert suspected(desk, EARLY, iwm=109.0)[0] is Kind.LIVE
    assert suspected(desk, NOON, iwm=55.0) == (Kind.LIVE, set())
    desk.update_history(history_of(closes()))
    assert suspected(desk, NOON, iwm=55.1) == (Kind.LIVE, set())
    bar = market()
    whole = Quote("IWM", at(NOON), 55.0, high=109.5, low=54.0, bar_ns=60 * NS)
    assert bar.apply((whole,), as_of_ns=at(NOON)).legs["IWM"].status.kind is Kind.LIVE


def test_what_the_others_have_moved_is_no_part_of_a_split():
    desk = market()
    assert suspected(desk, iwm=73.0, qqq=270.0)[0] is Kind.LIVE, "both have fallen by a third"
    alone = market()
    assert suspected(alone, iwm=73.0, qqq=401.0)[0] is Kind.UNADJUSTED
    assert suspected(alone, "2024-07-16 13:01", iwm=73.0, qqq=270.0)[0] is Kind.LIVE


@pytest.mark.parametrize("price", [90.0, 84.0, 64.0, 63.0, 140.0, 185.0])
def test_a_move_that_is_no_ratio_of_a_split_is_shown(price: float):
    assert suspected(market(), iwm=price) == (Kind.LIVE, set())


def test_a_print_that_was_wrong_leaves_no_mark():
    desk = market()
    assert suspected(desk, iwm=55.0)[0] is Kind.UNADJUSTED
    desk.forget({"IWM"})
    leg = desk.apply((), as_of_ns=at(NOON)).legs["IWM"]
    assert leg.status.kind is not Kind.UNADJUSTED
    assert suspected(desk, "2024-07-16 13:01", iwm=110.5)[0] is Kind.LIVE


def test_a_close_that_is_late_is_that_of_the_session_before():
    rows = [row for row in closes() if (row.symbol, row.day) != ("IWM", MONDAY)]
    desk = Market(history_of(rows), DESK, as_of_ns=at(NOON), origin=YAHOO)
    assert suspected(desk, iwm=52.5)[0] is Kind.UNADJUSTED


def test_an_index_is_never_split():
    rows = [row._replace(symbol="RUT") if row.symbol == "IWM" else row for row in closes()]
    legs = msgspec.structs.replace(DESK, base="RUT", legs=("RUT", "QQQ"))
    desk = Market(history_of(rows), legs, as_of_ns=at(NOON), origin=YAHOO)
    taken = desk.apply((Quote("RUT", at(NOON) - NS, 55.0),), as_of_ns=at(NOON))
    assert taken.legs["RUT"].status.kind is Kind.LIVE


STEPS = st.lists(st.tuples(st.floats(-0.03, 0.03), st.floats(-0.03, 0.03)), min_size=3, max_size=25)


@given(STEPS, st.floats(-0.95, 2.0), st.integers(0, 25), st.booleans(), st.booleans())
def test_a_random_walk_with_a_crash_that_a_vendor_confirms_is_not_marked(
    steps, crash: float, place: int, confirms_first: bool, before_the_day: bool
):
    """``crash`` at the first print or later; the vendor's close is history's, known before it or after."""
    start = at(BELL)
    desk = Market(history_of(closes()), DESK, as_of_ns=start, origin=YAHOO)
    same = {"IWM": 110.0, "QQQ": 400.0}
    if confirms_first:
        desk.take_previous_closes(MONDAY, same)
    iwm, qqq, shown = 110.0, 400.0, None
    place = 0 if before_the_day else min(place, len(steps) - 1)
    for i, (step, other) in enumerate(steps):
        iwm, qqq = iwm * (1 + step) * (1 + crash if i == place else 1), qqq * (1 + other)
        now_ns = start + (i + 1) * NS
        batch = (
            Quote("IWM", now_ns, round(iwm, 2) or 0.01, i + 1),
            Quote("QQQ", now_ns, round(qqq, 2), i + 1),
        )
        shown = desk.apply(batch, as_of_ns=now_ns)
        if confirms_first or (place > 0 and i >= 1):
            assert shown.legs["IWM"].status.kind is Kind.LIVE
        assert shown.legs["QQQ"].status.kind is Kind.LIVE
    desk.take_previous_closes(MONDAY, same)
    shown = desk.apply((), as_of_ns=now_ns)
    assert shown.legs["IWM"].status.kind is Kind.LIVE
    assert shown.legs["IWM"].return_pct["1"] == pytest.approx(100 * (shown.legs["IWM"].last / 110 - 1))


def test_a_print_near_the_close_that_is_revised_has_shown_nothing():
    """As when both had come together; it read LIVE with figures over a split."""
    prices = [110.0, 55.2]
    quotes = [Quote("IWM", at(NOON), price, 7) for price in prices]
    apart, together = market(), market()
    for quote in quotes:
        last = apart.apply((quote,), as_of_ns=at(NOON)).legs["IWM"]
    both = together.apply(quotes, as_of_ns=at(NOON)).legs["IWM"]
    assert (last.last, last.status.kind) == (both.last, both.status.kind) == (55.2, Kind.UNADJUSTED)
