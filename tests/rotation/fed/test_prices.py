"""Which price of a contract enters the chain, and what is said where it is not the obvious one."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from rotation.fed.ageing import aged, settlement_status
from rotation.fed.assemble import fed
from rotation.fed.inputs import FedInputs
from rotation.fed.prices import prices
from rotation.fed.strip.chain import StripCase, solve
from rotation.fed.table import checked_table
from rotation.status import DEMO, LIVE, Kind, delayed
from tests.support.fed.made import S, at, but, changed, quote, settled, traded
from tests.support.fed.strips import CALENDAR, step_paths

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
NOV, DEC, JAN, FEB, MAR, APR = (2026, 11), (2026, 12), (2027, 1), (2027, 2), (2027, 3), (2027, 4)
STRIP = {NOV: 96.0, DEC: 96.05, JAN: 96.1, FEB: 96.15, MAR: 96.2, APR: 96.25, (2027, 5): 96.3}
"""December rests on November, January and February; its own contract counts for nothing."""
CASE = StripCase(MONDAY, (375, 400), CALENDAR, STRIP)
NOW = at(MONDAY)


def chosen(inputs: FedInputs, now_ns: int = NOW):
    return prices(inputs, now_ns)


def by_month(inputs: FedInputs, now_ns: int = NOW):
    return chosen(inputs, now_ns).priced


# Quotes ------------------------------------------------------------------------


def test_fresh_trades_are_taken_as_they_are():
    result = chosen(traded(CASE, NOW))
    assert {month: each.price for month, each in result.priced.items()} == STRIP
    assert {each.kind for each in result.priced.values()} == {"last"}
    assert (result.kind, result.settled, result.warnings) == ("last trades", None, ())


def test_a_book_goes_before_the_trade():
    inputs = changed(traded(CASE, NOW), DEC, bid=96.06, ask=96.07)
    result = chosen(inputs)
    assert result.priced[DEC].price == pytest.approx(96.065)
    assert result.priced[DEC].kind == "mid"
    assert result.kind == "order books"


@pytest.mark.parametrize(
    ("book", "why"),
    [
        ({"bid": 96.07, "ask": 96.06}, "crossed book"),
        ({"bid": 96.07}, "one-sided book"),
        ({"ask": 96.07}, "one-sided book"),
        ({"bid": float("nan"), "ask": 96.07}, "one-sided book"),
        ({"bid": float("nan"), "ask": float("inf")}, "empty book"),
    ],
)
def test_a_book_that_is_no_use_gives_way_to_the_settlement_not_to_the_trade(book, why):
    for month, result in ((DEC, ()), (JAN, ("ZQF27 (2027-01)",))):
        outcome = chosen(changed(traded(CASE, NOW), month, settle=96.09, **book))
        first = outcome.priced[month]
        assert (first.price, first.kind) == (96.09, "settlement")
        assert first.flag == f"{why}, last settlement used"
        # The others are quotes of now, and where that contract counts the mixture is said.
        assert outcome.settled is None
        assert outcome.kind == "last trades and settlements"
        assert [name for name in result if name in outcome.warnings[0]] == list(result)
        assert len(outcome.warnings) == len(result)


def test_a_book_of_hours_ago_is_no_book_of_now():
    inputs = changed(traded(CASE, NOW), JAN, bid=96.07, ts_ns=NOW - 7200 * S)
    result = chosen(inputs)
    assert result.settled == FRIDAY
    assert result.warnings[0].startswith("ZQF27 (2027-01) is 7195 s older than")


def test_a_crossed_book_without_a_settlement_names_the_contract():
    inputs = changed(traded(CASE, NOW), DEC, bid=96.07, ask=96.06, settle=None, settle_date=None)
    result = chosen(inputs)
    assert DEC not in result.priced
    assert result.warnings == (
        "ZQZ26 (2026-12): the book is crossed and there is no settlement; add its last settlement",
    )


@pytest.mark.parametrize(
    ("clock", "kind"), [("16:59:59", "settlement"), ("17:00:00", "settlement"), ("17:00:01", "last")]
)
def test_a_trade_belongs_to_the_settlement_up_to_the_end_of_its_day(clock, kind):
    now = at(FRIDAY, "18:30")
    inputs = traded(CASE, now)
    for month in STRIP:
        inputs = changed(inputs, month, ts_ns=at(FRIDAY, clock), settle_date=FRIDAY)
    result = chosen(but(inputs, age_gap_s=10_000), now)
    assert {each.kind for each in result.priced.values()} == {kind}


def test_the_end_of_the_day_moves_with_new_yorks_clock():
    # 31 October 2025 17:00 EDT is 21:00 UTC; 3 November 17:00 EST is 22:00 UTC.
    for day, hour_utc in ((date(2025, 10, 31), 21), (date(2025, 11, 3), 22)):
        edge = at(day, "17:00")
        assert edge // (3600 * S) % 24 == hour_utc
        inputs = FedInputs(strip=(quote(NOV, 96.0, ts_ns=edge + S, settle=95.9, settle_date=day),))
        assert by_month(inputs, edge + 9 * S)[NOV].kind == "last"
        inputs = FedInputs(strip=(quote(NOV, 96.0, ts_ns=edge, settle=95.9, settle_date=day),))
        assert by_month(inputs, edge + 9 * S)[NOV].kind == "settlement"


def test_a_price_without_a_time_is_not_taken_for_fresh():
    first = by_month(changed(traded(CASE, NOW), DEC, ts_ns=None))[DEC]
    assert (first.kind, first.flag) == ("settlement", "no trade since, last settlement used")


def test_a_price_of_the_future_is_not_taken():
    """A feed whose clock is an hour ahead would stay LIVE for an hour after it has died."""
    ahead = changed(traded(CASE, NOW), DEC, ts_ns=NOW + 3600 * S)
    result = chosen(ahead)
    assert result.priced[DEC].kind == "settlement"
    assert result.priced[DEC].flag == "dated in the future, last settlement used"
    assert result.warnings == ("ZQZ26 (2026-12): price dated in the future, last settlement used",)
    # Clocks may disagree by a little.
    assert by_month(changed(traded(CASE, NOW), DEC, ts_ns=NOW + 30 * S))[DEC].kind == "last"


# One time for a whole meeting ------------------------------------------------------------------------


def test_ages_that_differ_too_much_give_the_settlements_of_all():
    inputs = changed(traded(CASE, NOW), JAN, ts_ns=NOW - 306 * S)
    result = chosen(inputs)
    assert result.settled == FRIDAY
    assert result.kind == "settlement of 20 Nov 2026"
    assert {each.kind for each in result.priced.values()} == {"settlement"}
    (warning,) = result.warnings
    assert warning.startswith(
        "ZQF27 (2027-01) is 301 s older than ZQX26 (2026-11): the decision of 2026-12-09"
    )
    assert warning.endswith("using the last settlements")
    # At the limit they are one time still.
    assert chosen(changed(traded(CASE, NOW), JAN, ts_ns=NOW - 305 * S)).settled is None
    assert chosen(but(inputs, age_gap_s=301.0)).settled is None


def test_the_age_of_a_contract_that_counts_for_nothing_does_not_matter():
    assert chosen(changed(traded(CASE, NOW), DEC, ts_ns=NOW - 9000 * S)).settled is None


@pytest.mark.parametrize("untraded", [{"ts_ns": at(FRIDAY, "15:30")}, {"ts_ns": None}, {"price": None}])
def test_one_contract_without_a_trade_since_friday_is_not_mixed_with_this_mornings(untraded):
    """After figures at 08:30 an untraded anchor would show a move that nobody has priced."""
    result = chosen(changed(traded(CASE, NOW), JAN, **untraded))
    assert result.settled == FRIDAY
    assert {each.kind for each in result.priced.values()} == {"settlement"}
    (warning,) = result.warnings
    assert warning.startswith("ZQF27 (2027-01): no trade since the settlement, but ZQX26 (2026-11), ZQG27")
    assert "2026-12-09" in warning


def test_an_untraded_contract_that_counts_for_nothing_does_not_matter():
    result = chosen(changed(traded(CASE, NOW), DEC, ts_ns=at(FRIDAY, "15:30")))
    assert result.settled is None
    assert result.priced[DEC].kind == "settlement"
    assert result.kind == "last trades and settlements"
    assert result.warnings == ()


def test_a_month_that_is_over_does_not_age():
    now = at("2026-12-01")
    case = StripCase(date(2026, 12, 1), (375, 400), CALENDAR, STRIP)
    result = chosen(traded(case, now), now)
    assert result.settled is None
    assert result.priced[NOV].kind == "settlement"
    assert result.warnings == ()
    # Nor where the feed has not dropped it yet.
    late = quote(NOV, 95.7, ts_ns=at("2026-11-30", "12:00"), settle=96.0, settle_date=date(2026, 11, 30))
    inputs = traded(case, now)
    listed = but(inputs, strip=(late, *inputs.strip), expired=())
    assert chosen(listed, now).settled is None
    assert chosen(listed, now).warnings == ()
    assert fed(listed, now).cut == fed(inputs, now).cut


@pytest.mark.parametrize("given_as", ["traded", "settled"])
def test_an_ended_month_that_is_not_at_its_last_settlement_is_told(given_as):
    """A desk that was away over the month's turn: Yahoo has dropped November, we have the Friday before."""
    now = at("2026-12-03")
    case = StripCase(date(2026, 12, 3), (375, 400), CALENDAR, STRIP)
    inputs = traded(case, now) if given_as == "traded" else settled(case, date(2026, 12, 2))
    friday = quote(NOV, settle=96.0, settle_date=date(2026, 11, 27))
    figures = fed(but(inputs, expired=(friday,)), now)
    assert figures.warnings == (
        "ZQX26 (2026-11) last settled on 27 Nov 2026: its last settlement, of 30 Nov 2026, is missing",
    )
    last = quote(NOV, settle=96.0, settle_date=date(2026, 11, 30))
    assert fed(but(inputs, expired=(last,)), now).warnings == ()
    # October was decided on and says nothing of December.
    october = quote((2026, 10), settle=95.9, settle_date=date(2026, 10, 2))
    assert fed(but(inputs, expired=(october, last)), now).warnings == ()


# A far contract that trades once in a while -------------------------------------------------------------

FAR = {**STRIP, (2027, 6): 96.35, (2027, 7): 96.4, (2027, 8): 96.45, (2027, 9): 96.5}
MARCH = date(2027, 3, 17)
"""It and April's rest on February, April and May; June's and July's on May, July and August."""


@pytest.mark.parametrize(
    ("far", "why"),
    [
        (
            {"ts_ns": NOW - 905 * S},
            "ZQK27 (2027-05) is 900 s older than ZQG27 (2027-02): the decision of 2027-03-17 allows 300 s",
        ),
        (
            {"ts_ns": None},
            (
                "ZQK27 (2027-05): no trade since the settlement, but ZQG27 (2027-02), ZQJ27 (2027-04) "
                "traded: the decision of 2027-03-17 would rest on prices of two days"
            ),
        ),
    ],
)
def test_a_far_contract_stops_the_chain_and_takes_no_quote_away(far, why):
    good = traded(StripCase(MONDAY, (375, 400), CALENDAR, FAR), NOW)
    inputs = changed(good, (2027, 5), **far)
    whole, result = fed(good, NOW), fed(inputs, NOW)
    assert whole.stopped_at > date(2027, 7, 28)
    assert [row.date for row in result.meetings] == [row.date for row in whole.meetings]
    assert result.meetings[:2] == whole.meetings[:2]
    assert {row.state for row in result.meetings[2:]} == {"unsolved"}
    assert {row.cut for row in result.meetings[2:]} == {None}
    assert (result.stopped_at, result.state, result.cut) == (MARCH, "LIVE", whole.cut)
    assert result.engines["futures"] == msgspec.structs.replace(
        whole.engines["futures"], kind=result.engines["futures"].kind
    )
    (warning,) = result.warnings
    assert warning == f"{why}; no odds from 17 Mar 2027 until they trade again"
    # Its own price is shown all the same, as old as it is.
    assert len(result.contracts) == len(FAR)
    assert next(c for c in result.contracts if c.symbol == "ZQK27").price is not None
    table, _ = checked_table(chosen(inputs).case(inputs, NOW))
    assert [(row.date, row.cut) for row in table.meetings] == [
        (row.date, pytest.approx(row.cut)) for row in result.meetings[:2]
    ]
    assert table.stopped_at == MARCH


def test_a_far_contract_between_two_decisions_stops_at_the_first_of_them():
    """July's and August's contracts are new with June's decision; May's stays for March's and April's."""
    good = traded(StripCase(MONDAY, (375, 400), CALENDAR, FAR), NOW)
    figures = fed(changed(good, (2027, 8), ts_ns=NOW - 4000 * S), NOW)
    assert figures.stopped_at == date(2027, 6, 9)
    assert figures.meetings[:4] == fed(good, NOW).meetings[:4]


def test_a_contract_of_the_refused_month_that_an_earlier_decision_rests_on_stays():
    """July 2024 is decided on its last day: its average is the rate after June's decision."""
    day = date(2024, 6, 3)
    case = StripCase(day, (525, 550), CALENDAR, {(2024, 6): 94.67, (2024, 7): 94.7, (2024, 8): 94.8})
    inputs = traded(case, at(day))
    figures = fed(changed(inputs, (2024, 8), ts_ns=None), at(day))
    assert (figures.stopped_at, figures.state) == (date(2024, 7, 31), "LIVE")
    assert figures.meetings[0].contracts == ("ZQM24", "ZQN24")
    assert figures.meetings[0] == fed(inputs, at(day)).meetings[0]


def test_where_only_far_contracts_have_traded_all_are_settlements():
    """No row before the refused one is of now: then the settlements say more, and of one day."""
    inputs = settled(StripCase(MONDAY, (375, 400), CALENDAR, FAR), FRIDAY)
    inputs = changed(inputs, (2027, 5), ts_ns=NOW - S)
    result = chosen(inputs)
    assert (result.settled, result.left_out) == (FRIDAY, frozenset())
    assert result.warnings[0].endswith("prices of two days; using the last settlements")
    assert fed(inputs, NOW).stopped_at > date(2027, 7, 28)


@given(step_paths(), st.data())
def test_where_the_chain_is_stopped_what_is_before_does_not_change(path, data):
    now = at(path.case.watch_date)
    inputs = traded(path.case, now)
    quoted = sorted(quote.contract for quote in inputs.strip)
    late = st.dictionaries(st.sampled_from(quoted), st.sampled_from([900, None]), min_size=1, max_size=3)
    for month, age_s in data.draw(late).items():
        inputs = changed(inputs, month, ts_ns=None if age_s is None else now - age_s * S)
    priced = prices(inputs, now)
    alone = solve(msgspec.structs.replace(priced, left_out=frozenset()).case(inputs, now))
    chain = solve(priced.case(inputs, now))
    event("stopped" if priced.left_out else f"not stopped, settled {priced.settled is not None}")
    if not priced.left_out:
        return
    assert chain.stopped_at is not None
    assert str(chain.stopped_at) in priced.warnings[-1]
    kept = [row for row in alone.meetings if row.date < chain.stopped_at]
    assert [row for row in chain.meetings if row.date < chain.stopped_at] == kept
    assert {priced.priced[m].kind for row in kept for m in row.contracts} & {"last"}


# Settlements ------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["00:30", "09:31", "17:59", "23:59"])
def test_weekend(clock):
    for day in ("2026-11-21", "2026-11-22"):
        now = at(day, clock)
        inputs = settled(CASE, FRIDAY)
        result = chosen(inputs, now)
        assert (result.kind, result.settled, result.warnings) == ("settlement of 20 Nov 2026", FRIDAY, ())
        assert {month: each.price for month, each in result.priced.items()} == STRIP
        figures = fed(inputs, now)
        assert (figures.state, figures.engines["futures"].age_s) == ("CLOSED", None)
        assert figures.engines["futures"].kind == "settlement of 20 Nov 2026"
        assert figures.engines["futures"].at.isoformat() == "2026-11-20T20:00:00+00:00"
        assert {contract.state for contract in figures.contracts} == {"CLOSED"}
        assert figures.warnings == ()


def test_monday_after_a_holiday():
    # Thursday 26 November 2026 is Thanksgiving; Friday closes at 13:00.
    wednesday, friday = date(2026, 11, 25), date(2026, 11, 27)
    assert fed(settled(CASE, wednesday), at("2026-11-26", "20:00")).state == "CLOSED"
    assert fed(settled(CASE, wednesday), at(friday, "12:59")).state == "CLOSED"
    assert fed(settled(CASE, wednesday), at("2026-11-30")).state == "STALE 5d"
    assert fed(settled(CASE, friday), at("2026-11-30")).state == "CLOSED"
    # Labor Day 2026: on Tuesday morning Friday's settlement is the latest there is.
    labor = StripCase(date(2026, 9, 8), (350, 375), CALENDAR, {(2026, m): 96.0 for m in (8, 9, 10, 11)})
    assert fed(settled(labor, date(2026, 9, 4)), at("2026-09-08")).state == "CLOSED"


def test_stale_once_a_whole_day_has_passed_without_a_settlement():
    """A keyless source tells Monday's settlement after midnight: all evening Friday's is the latest."""
    inputs = settled(CASE, FRIDAY)
    for clock in ("15:59", "16:00", "18:30", "23:59:59"):
        assert fed(inputs, at(MONDAY, clock)).state == "CLOSED"
    assert fed(inputs, at("2026-11-24", "00:00")).state == "STALE 4d"
    assert fed(settled(CASE, MONDAY), at("2026-11-24", "00:00")).state == "CLOSED"
    assert fed(settled(CASE, MONDAY), at(MONDAY, "18:30")).state == "CLOSED"
    assert fed(inputs, at("2026-11-25")).engines["futures"].state == "STALE 5d"
    assert settlement_status(None, NOW).kind is Kind.OFFLINE


def test_a_settlement_of_another_day_is_told_where_it_counts():
    old = date(2026, 11, 18)
    for month, counts in ((JAN, True), (DEC, False)):
        inputs = changed(settled(CASE, FRIDAY), month, settle_date=old, ts_ns=None)
        figures = fed(inputs, at("2026-11-21"))
        contract = next(c for c in figures.contracts if c.month == f"{month[0]}-{month[1]:02}")
        assert contract.flag == "last settled on 18 Nov 2026"
        assert contract.state == "STALE 3d"
        warning = "ZQF27 (2027-01) last settled on 18 Nov 2026, unlike the others"
        assert figures.warnings == ((warning,) if counts else ())
        # The figure is no better than the oldest price below it.
        assert figures.state == ("STALE 3d" if counts else "CLOSED")
        assert figures.engines["futures"].at.date() == (old if counts else FRIDAY)
        assert figures.history[-1].settled is not counts


def test_a_settlement_without_a_date():
    inputs = changed(settled(CASE, FRIDAY), JAN, settle_date=None, ts_ns=None)
    figures = fed(inputs, at("2026-11-21"))
    assert next(c for c in figures.contracts if c.month == "2027-01").flag == "has no settlement date"
    assert figures.warnings == ("ZQF27 (2027-01) has no settlement date, unlike the others",)
    assert figures.history[-1].settled is False


def test_a_date_without_a_settlement_names_no_day():
    inputs = settled(CASE, FRIDAY)
    inputs = changed(inputs, (2027, 5), settle=None, settle_date=date(2026, 11, 23))
    assert chosen(inputs, at("2026-11-21")).kind == "settlement of 20 Nov 2026"


def test_bad_settlements_are_told_in_either_mode():
    for inputs in (settled(CASE, FRIDAY), changed(traded(CASE, NOW), FEB, ts_ns=NOW - 9000 * S)):
        result = chosen(changed(inputs, JAN, settle=9.6))
        assert JAN not in result.priced
        assert sum("ZQF27 (2027-01): price 9.6 is below 90" in text for text in result.warnings) == 1


# Prices that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(("bad", "words"), [(float("nan"), "is not a number"), (9.53, "is below 90"),
                                            (float("inf"), "is not a number"), (-1.0, "is below 90"),
                                            (89.999, "is below 90")])  # fmt: skip
def test_one_senseless_tick_does_not_take_the_table_away(bad, words):
    for month in (DEC, JAN):
        inputs = changed(traded(CASE, NOW, off=0.0), month, price=bad)
        result = chosen(inputs)
        assert words in result.warnings[0]
        assert result.priced[month].price == STRIP[month]
        assert result.priced[month].kind == "settlement"
        figures = fed(inputs, NOW)
        assert figures.cut == pytest.approx(fed(traded(CASE, NOW), NOW).cut)
        # Where the contract counts, all are settlements; where not, the others stay as they are.
        assert (figures.state == "LIVE") is (month == DEC)


def test_953_for_95_3_shows_the_settlements_and_names_the_contract():
    inputs = changed(traded(CASE, NOW, off=0.0), FEB, price=953.0)
    figures = fed(inputs, NOW)
    assert figures.engines["futures"].kind == "settlement of 20 Nov 2026"
    assert figures.cut == pytest.approx(fed(traded(CASE, NOW), NOW).cut)
    assert any("ZQG27 (2027-02)" in text and "check these prices" in text for text in figures.warnings)


def test_953_in_the_settlements_too_gives_no_figure():
    figures = fed(changed(settled(CASE, FRIDAY), FEB, settle=953.0), at("2026-11-21"))
    assert (figures.cut, figures.meetings, figures.outcomes) == (None, (), {})
    assert "ZQG27 (2027-02)" in figures.warnings[0]
    assert figures.engines["futures"].note == figures.warnings[0]


def test_a_senseless_far_settlement_does_not_take_the_next_meeting_away():
    """August 2027 leads to the meetings of July and June; those before rest on none of their contracts."""
    strip = {**STRIP, (2027, 6): 96.35, (2027, 7): 96.4, (2027, 8): 96.45, (2027, 9): 96.5}
    inputs = settled(StripCase(MONDAY, (375, 400), CALENDAR, strip), FRIDAY)
    good = fed(inputs, at("2026-11-21"))
    figures = fed(changed(inputs, (2027, 8), settle=91.5), at("2026-11-21"))
    sound = [row for row in good.meetings if (row.date.year, row.date.month) < (2027, 6)]
    assert len(sound) == 4
    assert figures.meetings[:4] == tuple(sound)
    assert figures.stopped_at == date(2027, 6, 9)
    assert {row.state for row in figures.meetings[4:]} == {"unsolved"}
    assert (figures.cut, figures.state) == (good.cut, "CLOSED")
    assert "ZQQ27 (2027-08)" in figures.warnings[0]
    assert "check these prices" in figures.warnings[0]


def test_above_100_is_computed_and_flagged():
    case = StripCase(MONDAY, (0, 25), CALENDAR, {month: price + 4 for month, price in STRIP.items()})
    inputs = traded(case, NOW)
    assert fed(inputs, NOW).cut == pytest.approx(fed(traded(CASE, NOW), NOW).cut)
    assert by_month(inputs)[JAN].flag == "price 100.1 is above 100, a negative rate"


@pytest.mark.parametrize("huge", [1e300, 1.7e308, -1.7e308])
def test_no_price_is_too_large_to_refuse(huge):
    figures = fed(changed(settled(CASE, FRIDAY), FEB, settle=huge), at("2026-11-21"))
    assert figures.warnings


def test_nothing_at_all():
    result = chosen(FedInputs(fomc_dates=CALENDAR))
    assert (result.priced, result.kind, result.settled, result.warnings) == ({}, "no prices", None, ())
    figures = fed(FedInputs(fomc_dates=CALENDAR), NOW)
    assert (figures.cut, figures.state, figures.source) == (None, "OFFLINE", "no futures prices")
    blank = FedInputs(strip=(quote(DEC), quote(JAN)), fomc_dates=CALENDAR, target_range_bp=(375, 400))
    figures = fed(blank, NOW)
    assert (figures.cut, figures.state) == (None, "OFFLINE")
    assert figures.warnings == ("no contract has a usable price",)
    assert [(c.symbol, c.price, c.flag) for c in figures.contracts] == [
        ("ZQZ26", None, "no usable price"),
        ("ZQF27", None, "no usable price"),
    ]


def test_trades_of_different_ages_and_no_settlement():
    inputs = traded(CASE, NOW)
    for month in STRIP:
        inputs = changed(inputs, month, settle=None, settle_date=None)
    figures = fed(changed(inputs, JAN, ts_ns=NOW - 4000 * S), NOW)
    assert (figures.cut, figures.state) == (None, "OFFLINE")
    assert figures.warnings[0] == "no contract has a usable price"
    assert "ZQF27 (2027-01) is 3995 s older" in figures.warnings[1]


# States ------------------------------------------------------------------------


def test_a_stream_that_stops():
    inputs = traded(CASE, NOW)
    assert fed(inputs, NOW + 890 * S).state == "LIVE"
    assert fed(inputs, NOW + 896 * S).state == "STALE 15m"
    figures = fed(inputs, NOW + 3 * 3600 * S)
    assert figures.state == "STALE 3h"
    assert {contract.state for contract in figures.contracts} == {"STALE 3h"}
    assert figures.cut == fed(inputs, NOW).cut


@pytest.mark.parametrize(("mode", "state"), [(LIVE, "LIVE"), (delayed(10), "DELAYED 10m")])
def test_the_word_of_a_fresh_price(mode, state):
    figures = fed(but(traded(CASE, NOW), strip_mode=mode), NOW)
    assert figures.state == state
    assert figures.engines["futures"].age_s == pytest.approx(5.0)


def test_a_delayed_price_is_not_stale_for_its_delay():
    """Ten minutes late by design: a trade seen at once would else be called stale five minutes on."""
    inputs = but(traded(CASE, NOW), strip_mode=delayed(10))
    for seconds, state in ((1495, "DELAYED 10m"), (1496, "STALE 25m")):
        assert fed(inputs, NOW + seconds * S).state == state
        assert aged(fed(inputs, NOW), NOW + seconds * S).state == state


def test_demo_has_no_age():
    for inputs, now in ((traded(CASE, NOW), NOW + 9000 * S), (settled(CASE, FRIDAY), at("2026-12-02"))):
        figures = fed(but(inputs, strip_mode=DEMO), now)
        assert figures.state == figures.engines["futures"].state == "DEMO"
        assert {contract.state for contract in figures.contracts} == {"DEMO"}
        assert {contract.age_s for contract in figures.contracts} == {None}
