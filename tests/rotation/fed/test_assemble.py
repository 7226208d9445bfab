"""The Fed part of the Snapshot: published tables through quotes and settlements, labels, ages, any input."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import cache

import jsonschema
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rotation.fed import assemble as fed_view
from rotation.fed.ageing import aged
from rotation.fed.assemble import fed
from rotation.fed.breakevens import breakevens, tick_effects
from rotation.fed.figures import Fed
from rotation.fed.inputs import FedInputs, OutcomeQuote, PastCut, Sourced, StripQuote
from rotation.fed.strip.chain import StripCase
from rotation.fed.strip.checks import LOWEST_PRICE
from rotation.fed.strip.contracts import symbol
from rotation.fed.strip.fit import fit
from rotation.fed.table import fed_table
from rotation.sessions import from_ns, new_york_day, previous_session
from rotation.status import DEMO, LIVE, Kind, delayed
from rotation.wording import word
from tests.support.fed.made import S, at, but, changed, quote, settled, traded
from tests.support.fed.strips import CALENDAR, case_of, deviation, month_average, step_paths, vector_file
from tests.support.paths import ROOT

OLDER = tuple(
    date(year, *map(int, day.split("/")))
    for year, days in {
        2021: "1/27 3/17 4/28 6/16 7/28 9/22 11/3 12/15",
        2022: "1/26 3/16 5/4 6/15 7/27 9/21 11/2 12/14",
        2023: "2/1 3/22 5/3 6/14 7/26 9/20 11/1 12/13",
    }.items()
    for day in days.split()
)
EXACT = ("cme_export_exact_2024", "cme_export_exact_2026", "cme_export_partial_2024-07")
NOV, DEC, JAN, FEB, MAR, APR, MAY = (
    (2026, 11), (2026, 12), (2027, 1), (2027, 2), (2027, 3), (2027, 4), (2027, 5),
)  # fmt: skip
MONDAY = date(2026, 11, 23)
NOW = at(MONDAY)
STRIP = {NOV: 96.0, DEC: 96.05, JAN: 96.1, FEB: 96.15, MAR: 96.2, APR: 96.25, MAY: 96.3}
CASE = StripCase(MONDAY, (375, 400), CALENDAR, STRIP)


def rows(assembled: Fed) -> dict[str, dict[str, float]]:
    return {row.date.isoformat(): row.outcomes for row in assembled.meetings if row.cut is not None}


@cache
def validator() -> jsonschema.Draft202012Validator:
    whole = json.loads((ROOT / "docs" / "snapshot.schema.json").read_bytes())
    return jsonschema.Draft202012Validator({"$defs": whole["$defs"], "$ref": "#/$defs/Fed"})


def assert_sensible(assembled: Fed) -> None:
    """What holds of every Fed whatever went in."""
    assert_json(assembled)
    for row in (assembled, *assembled.meetings):
        figures = (row.cut, row.hold, row.hike)
        if row.cut is None:
            assert figures == (None, None, None)
            assert row.outcomes == {}
            continue
        assert all(0 <= p <= 1 for p in (*figures, *row.outcomes.values()))
        assert sum(figures) == pytest.approx(1, abs=1e-8)
        if assembled.target_range_bp is not None:
            assert sum(row.outcomes.values()) == pytest.approx(1, abs=1e-8)
            lows = [int(name.split("-")[0]) if name[0] != "-" else -1 for name in row.outcomes]
            assert lows == sorted(lows)
    for meeting in assembled.meetings:
        assert sum(meeting.local.values()) == pytest.approx(1 if meeting.local else 0, abs=1e-8)
        assert meeting.at_least_one_cut is None or 0 <= meeting.at_least_one_cut <= 1 + 1e-12
    states = [meeting.state for meeting in assembled.meetings]
    assert "unsolved" not in states or set(states[states.index("unsolved") :]) == {"unsolved"}
    if assembled.meetings:
        assert assembled.meetings[0].date == assembled.meeting
        assert (assembled.cut, assembled.outcomes) == (
            assembled.meetings[0].cut,
            assembled.meetings[0].outcomes,
        )
    elif assembled.source != "no futures prices":
        assert assembled.warnings
    futures = assembled.engines["futures"]
    assert (futures.cut, futures.state) == (assembled.cut, assembled.state)
    assert (futures.age_s is None) or futures.age_s >= 0
    assert len({contract.month for contract in assembled.contracts}) == len(assembled.contracts)


def assert_json(assembled: Fed) -> None:
    errors = list(validator().iter_errors(json.loads(msgspec.json.encode(assembled))))
    assert not errors, errors[:3]


# Published tables ------------------------------------------------------------------------


def as_traded(case: StripCase) -> tuple[FedInputs, int]:
    now = at(case.watch_date, "11:00")
    return traded(case, now), now


def as_settled(case: StripCase) -> tuple[FedInputs, int]:
    return settled(case, case.watch_date), at(case.watch_date, "23:00")


def as_settled_before(case: StripCase) -> tuple[FedInputs, int]:
    return settled(case, previous_session(case.watch_date)), at(case.watch_date, "09:31")


WAYS = pytest.mark.parametrize("given_as", [as_traded, as_settled, as_settled_before])


@WAYS
@pytest.mark.parametrize("name", EXACT)
def test_official_exports(shared_data, name, given_as):
    vectors = vector_file(shared_data, name)
    for raw in vectors["cases"]:
        case = case_of(raw)
        result = fed(*given_as(case))
        assert_sensible(result)
        table = rows(result)
        for meeting, expected in raw["expected"].items():
            assert deviation(table[meeting], expected) <= vectors["tolerance"], (raw["id"], meeting)
        quoted = given_as is as_traded
        assert result.engines["futures"].kind.startswith("last trades" if quoted else "settlement of")
        assert result.warnings == ()
        assert {meeting.state for meeting in result.meetings if meeting.cut is not None} == {"ok"}


@WAYS
def test_the_live_page_and_the_settlements_of_september(shared_data, given_as):
    page = vector_file(shared_data, "cme_live_2026-07-14")
    for raw in page["cases"]:
        table = rows(fed(*given_as(case_of(raw))))
        for day in raw["determined_meetings"]:
            assert deviation(table[day], raw["expected_pct"][day], 100) <= page["tolerance_pct"]
    tables = vector_file(shared_data, "cme_settlements_2026-09")
    for raw in tables["cases"]:
        table = rows(fed(*given_as(case_of(raw))))
        for field in ("cme_website_pct", "cme_fedwatch_0_2_1_pct"):
            for day, row in raw.get(field, {}).items():
                assert deviation(table[day], row, 100) <= tables["tolerance_pct"]


@WAYS
def test_edge_cases(shared_data, given_as):
    vectors = vector_file(shared_data, "edge_cases")
    for raw in vectors["cases"]:
        result = fed(*given_as(case_of(raw)))
        assert_sensible(result)
        assert list(rows(result)) == list(raw["expected"])
        for day, row in raw["expected"].items():
            assert deviation(rows(result)[day], row) <= vectors["tolerance"]
        if raw["expected"]:
            # Other cases list more dates than they price; they say nothing of where the chain stops.
            if "stopped_at" in raw:
                assert result.stopped_at.isoformat() == raw["stopped_at"]
            degraded = [row.date.isoformat() for row in result.meetings if row.state == "degraded"]
            assert degraded == raw.get("degraded", [])
        else:
            assert result.cut is None
            assert result.warnings


@given(step_paths(), st.sampled_from([as_traded, as_settled]))
def test_any_path_of_rates_as_the_table_has_it(path, given_as):
    assume(all(price >= LOWEST_PRICE for price in path.case.prices.values()))  # others are refused
    moves = [x for _, x in sorted(path.steps.items())]
    result = fed(*given_as(path.case))
    assert_sensible(result)
    table = fed_table(path.case).meetings
    assert len(rows(result)) == len(table)
    for row, expected, x in zip(result.meetings, table, moves, strict=False):
        assert (row.date, row.state) == (expected.date, expected.state)
        assert deviation(row.outcomes, expected.outcomes) <= 1e-8
        assert row.move_bp == pytest.approx(25 * x, abs=1e-5)
        assert row.cumulative_bp == pytest.approx(25 * sum(moves[: result.meetings.index(row) + 1]), abs=1e-5)


# What counts and what does not ------------------------------------------------------------------------


def figures(assembled: Fed):
    return (
        assembled.meetings,
        assembled.cut,
        assembled.hold,
        assembled.hike,
        assembled.outcomes,
        assembled.ladder,
        assembled.change,
    )


def test_order_of_the_contracts_is_irrelevant():
    inputs = traded(CASE, NOW)
    assert fed(but(inputs, strip=inputs.strip[::-1], fomc_dates=CALENDAR[::-1]), NOW) == fed(inputs, NOW)


@pytest.mark.parametrize("given_as", [as_traded, as_settled])
def test_unused_months_change_no_figure(given_as):
    inputs, now = given_as(CASE)
    expected = fed(inputs, now)
    used = {contract for row in expected.meetings for contract in row.contracts}
    unused = [month for month in STRIP if f"ZQ{'FGHJKMNQUVXZ'[month[1] - 1]}{month[0] - 2000}" not in used]
    assert unused == [DEC, MAR]
    for month in unused:
        moved = changed(inputs, month, price=93.0, settle=93.0)
        # Only the implied rate of the month itself is another.
        plain = [
            tuple(
                msgspec.structs.replace(row, implied_pct=None)
                for row in fed(each, now).meetings
            )
            for each in (moved, inputs)
        ]  # fmt: skip
        assert plain[0] == plain[1]
        assert figures(fed(moved, now))[1:] == figures(expected)[1:]


def test_a_constant_added_to_all_prices_changes_no_probability():
    up = StripCase(MONDAY, (375, 400), CALENDAR, {month: price + 1.5 for month, price in STRIP.items()})
    a, b = fed(traded(CASE, NOW), NOW), fed(traded(up, NOW), NOW)
    for day, row in rows(a).items():
        assert deviation(row, rows(b)[day]) <= 1e-8


def test_an_expired_month_without_a_meeting_is_an_anchor_at_its_last_settlement():
    """December 2026 watched in December: November is over, and says where the rate was before."""
    case = StripCase(date(2026, 12, 3), (375, 400), CALENDAR, STRIP)
    result = fed(*as_traded(case))
    assert result.meetings[0].contracts == ("ZQX26", "ZQF27", "ZQG27")
    assert rows(result) == rows(fed(traded(CASE, NOW), NOW))
    november = result.contracts[0]
    assert (november.symbol, november.kind, november.state) == ("ZQX26", "settlement", "CLOSED")
    assert november.flag == ""
    without = fed(but(as_traded(case)[0], expired=()), at("2026-12-03", "11:00"))
    # Without it December's own contract has to stand in.
    assert without.meetings[0].contracts == ("ZQZ26", "ZQF27", "ZQG27")
    # Expired or not, it is old: only settlements of running contracts age.
    late = StripCase(date(2026, 12, 9), (375, 400), CALENDAR, STRIP)
    assert fed(settled(late, date(2026, 12, 8)), at("2026-12-09")).state == "CLOSED"
    inputs = settled(late, date(2026, 12, 8))
    inputs = but(inputs, expired=(quote(NOV, settle=96.0, settle_date=date(2026, 11, 30)),))
    result = fed(inputs, at("2026-12-09"))
    assert (result.state, result.warnings, result.history[-1].settled) == ("CLOSED", (), True)
    assert result.engines["futures"].kind == "settlement of 8 Dec 2026"
    assert {contract.state for contract in result.contracts} == {"CLOSED"}


def test_20_september_2026_octobers_block_needs_no_expired_month():
    """September was held on the 16th and stays a meeting month; October rests on itself and November."""
    prices = {(2026, 9): 96.2525, (2026, 10): 96.105, (2026, 11): 95.975, (2026, 12): 95.835,
              (2027, 1): 95.77, (2027, 2): 95.68}  # fmt: skip
    case = StripCase(date(2026, 9, 20), (375, 400), CALENDAR, prices)
    inputs, friday = settled(case, date(2026, 9, 18)), at("2026-09-20", "12:00")
    result = fed(inputs, friday)
    assert (result.meeting, result.state, result.warnings) == (date(2026, 10, 28), "CLOSED", ())
    assert result.meetings[0].contracts == ("ZQV26", "ZQX26")
    assert deviation(result.outcomes, {"375-400": 42.4, "400-425": 57.6}, 100) <= 0.051
    assert result.hike == pytest.approx(0.5757, abs=1e-4)
    # The held month's price and August's settlement, expired, say nothing of it.
    moved = but(inputs, expired=(quote((2026, 8), settle=95.0, settle_date=date(2026, 8, 31)),))
    moved = changed(moved, (2026, 9), settle=95.5)
    assert figures(fed(moved, friday)) == figures(result)


def test_a_month_both_quoted_and_expired_stands_once():
    now = at("2026-12-01")
    case = StripCase(date(2026, 12, 1), (375, 400), CALENDAR, STRIP)
    inputs = traded(case, now)
    listed = but(inputs, strip=(quote(NOV, settle=96.0, settle_date=date(2026, 11, 30)), *inputs.strip))
    result = fed(listed, now)
    assert [contract.symbol for contract in result.contracts].count("ZQX26") == 1
    assert result.cut == fed(inputs, now).cut


# Days and labels ------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["00:00", "13:59", "14:01", "23:59:59"])
def test_the_day_of_the_decision_counts(clock):
    now = at("2026-12-09", clock)
    result = fed(traded(StripCase(date(2026, 12, 9), (375, 400), CALENDAR, STRIP), now), now)
    assert result.meeting == date(2026, 12, 9)
    assert result.decides.isoformat() == "2026-12-09T14:00:00-05:00"
    assert next(iter(result.outcomes)) == "350-375"


def test_the_next_day_it_is_dropped():
    now = at("2026-12-10", "00:00")
    result = fed(traded(StripCase(date(2026, 12, 10), (350, 375), CALENDAR, STRIP), now), now)
    assert result.meeting == date(2027, 1, 27)
    assert date(2026, 12, 9) not in {row.date for row in result.meetings}
    assert result.decides.isoformat() == "2027-01-27T14:00:00-05:00"


def test_14_00_new_york_in_summer_and_winter():
    for day, utc in ((date(2026, 7, 29), "18:00"), (date(2026, 1, 28), "19:00")):
        result = fed(FedInputs(fomc_dates=CALENDAR), at(day, "09:31"))
        assert result.decides.timestamp() == pytest.approx(at(day, "14:00") / S)
        assert from_ns(at(day, "14:00")).strftime("%H:%M") == utc


def test_without_the_target_range_figures_have_no_names():
    inputs = traded(CASE, NOW)
    result, named = fed(but(inputs, target_range_bp=None), NOW), fed(inputs, NOW)
    assert_sensible(result)
    assert result.outcomes == {}
    assert all(row.outcomes == {} for row in result.meetings)
    assert (result.cut, result.hold, result.hike) == (named.cut, named.hold, named.hike)
    assert result.meetings[0].local == named.meetings[0].local
    assert "target range unknown: outcomes are not labelled" in result.warnings


@pytest.mark.parametrize("bad", [(350, 400), (400, 375), (0, 0)])
def test_a_range_that_is_none_takes_the_names_not_the_figures(bad):
    inputs = traded(CASE, NOW)
    result = fed(but(inputs, target_range_bp=bad), NOW)
    assert (result.cut, result.hold, result.hike) == (fed(inputs, NOW).cut, fed(inputs, NOW).hold, 0.0)
    assert (result.outcomes, result.target_range_bp) == ({}, None)
    assert any(f"{bad[0]}-{bad[1]} bp" in text for text in result.warnings)


def test_a_calendar_without_a_coming_meeting():
    inputs = but(traded(CASE, NOW), fomc_dates=(date(2026, 10, 28),))
    assert fed(inputs, NOW) is None
    assert fed(but(inputs, fomc_dates=()), NOW) is None
    assert fed(traded(CASE, NOW), at("2028-01-26")).meeting == date(2028, 1, 26)
    assert fed(traded(CASE, NOW), at("2028-01-27", "00:00")) is None


def test_three_decisions_in_one_month_name_the_month():
    inputs = but(traded(CASE, NOW), fomc_dates=(*CALENDAR, date(2026, 12, 15), date(2026, 12, 22)))
    result = fed(inputs, NOW)
    assert_sensible(result)
    assert result.meeting == date(2026, 12, 9)
    assert result.cut is None
    assert result.warnings[0].startswith("ZQZ26 (2026-12): 3 decisions, 2026-12-09, 2026-12-15, 2026-12-22")


def test_two_decisions_in_one_month_are_solved_from_the_months_on_either_side():
    """December's own contract says how the way from November to January is divided."""
    dates = (*CALENDAR, date(2026, 12, 22))
    steps = {date(2026, 12, 9): -0.1, date(2026, 12, 22): -0.05, date(2027, 1, 27): 0.0}
    months = [(2026, 11), DEC, (2027, 1), (2027, 2)]
    prices = {month: 100 - month_average(month, 3.88, steps) for month in months}
    for watch, ahead in ((MONDAY, 2), (date(2026, 12, 14), 1)):
        case = StripCase(watch, (375, 400), dates, prices)
        result = fed(traded(case, at(watch)), at(watch))
        assert_sensible(result)
        assert result.warnings == ()
        moves = {row.date: row.move_bp for row in result.meetings if row.move_bp is not None}
        expected = {day: 100 * steps[day] for day in sorted(steps)[2 - ahead :]}
        assert moves == pytest.approx(expected, abs=1e-6)
        assert result.fit_rms_bp is None or result.fit_rms_bp < 1e-6
    # Without January there is one equation for two moves.
    case = StripCase(MONDAY, (375, 400), dates, {NOV: 96.0, DEC: 96.05})
    result = fed(traded(case, NOW), NOW)
    assert (result.cut, result.meetings) == (None, ())
    assert "ZQF27 (2027-01)" in result.warnings[0]


def test_futures_beyond_an_open_outcome_say_that_it_is_open():
    far = StripCase(MONDAY, (375, 400), CALENDAR, {NOV: 96.0, JAN: 96.7, FEB: 96.7})
    for edge, is_open, text in ((-50, True, "−50"), (-25, True, "−25"), (-50, False, "")):
        quotes = tuple(
            OutcomeQuote(
                venue="Polymarket", contract=str(move), event="e", label="", year=2026, month=12,
                move_bp=move, is_open=is_open and move == edge, bid=p, ask=p,
            )
            for move, p in ((edge, 0.9), (0, 0.06), (25, 0.04))
        )  # fmt: skip
        inputs = but(traded(far, NOW), outcomes=quotes, sources={"Polymarket": Sourced(Kind.LIVE)})
        engine = fed(inputs, NOW).engines["Polymarket"]
        assert engine.mean_bp == pytest.approx(0.9 * edge + 1)
        wanted = (
            f"the {text} bp outcome is open-ended and futures price moves beyond it: "
            "its mean, and so vs futures, is only a bound"
        )
        assert engine.note == (wanted if text else "")
    # Within it nothing is said.
    near = but(traded(CASE, NOW), outcomes=quotes, sources={"Polymarket": Sourced(Kind.LIVE)})
    assert fed(near, NOW).engines["Polymarket"].note == ""


def test_the_age_is_that_of_the_oldest_price_the_next_meeting_rests_on():
    inputs = changed(traded(CASE, NOW), NOV, ts_ns=NOW - 200 * S)
    inputs = changed(inputs, DEC, ts_ns=NOW - 250 * S)  # the next meeting does not rest on it
    result = fed(inputs, NOW)
    assert result.engines["futures"].age_s == 200.0
    assert result.engines["futures"].at == from_ns(NOW - 200 * S)


def test_warnings_the_gravest_first_and_each_once():
    inputs = but(
        changed(settled(CASE, date(2026, 11, 20)), FEB, settle=953.0),
        target_range_bp=None,
        warnings=("only 3 meetings ahead", "only 3 meetings ahead"),
        sources={"policy rate": Sourced(Kind.OFFLINE, error="HTTP 500"), "Yahoo": Sourced(Kind.LIVE)},
    )
    result = fed(inputs, NOW)
    assert result.warnings[0].startswith(
        "ZQX26 (2026-11), ZQF27 (2027-01) and ZQG27 (2027-02) put the decision"
    )
    assert result.warnings[1:] == (
        "target range unknown: outcomes are not labelled",
        "only 3 meetings ahead",
        "policy rate: HTTP 500",
    )


# 09:31 ------------------------------------------------------------------------


def test_all_but_one_contract_fresh_does_not_show_a_move_that_nobody_priced():
    """08:30 figures took 20 bp off every contract but one, which has not traded since Friday."""
    before = fed(settled(CASE, date(2026, 11, 20)), at("2026-11-22"))
    shocked = StripCase(MONDAY, (375, 400), CALENDAR, {month: price - 0.2 for month, price in STRIP.items()})
    after = fed(traded(shocked, NOW, off=0.2), NOW)
    assert after.cut == pytest.approx(before.cut)
    for month in STRIP:
        inputs = changed(traded(shocked, NOW, off=0.2), month, ts_ns=at("2026-11-20", "14:00"))
        result = fed(inputs, NOW)
        assert result.cut == pytest.approx(before.cut)
        counts = month not in (DEC, MAR)
        next_rests_on_it = month in (NOV, JAN, FEB)
        assert (result.state == "LIVE") is not next_rests_on_it
        assert (result.stopped_at == date(2027, 3, 17)) is (counts and not next_rests_on_it)
        assert any(f"ZQ{'FGHJKMNQUVXZ'[month[1] - 1]}" in text for text in result.warnings) is counts


def test_only_a_far_contract_trades():
    """The next meeting rests on settlements then, and says so, whatever the far one is."""
    inputs = settled(CASE, date(2026, 11, 20))
    inputs = changed(inputs, DEC, ts_ns=NOW - S, price=96.07)
    result = fed(inputs, NOW)
    assert result.engines["futures"].kind == "settlement of 20 Nov 2026"
    assert (result.state, result.engines["futures"].age_s) == ("CLOSED", None)
    assert result.history[-1].settled is True


# A moment later ------------------------------------------------------------------------

KALSHI = tuple(
    OutcomeQuote(venue="Kalshi", contract=str(move), event="e", label="", year=2026, month=12, move_bp=move,
                 bid=p, ask=p + 0.02)
    for move, p in ((-25, 0.3), (0, 0.6), (25, 0.05))
)  # fmt: skip


def whole(now_ns: int) -> FedInputs:
    inputs = but(
        traded(CASE, now_ns),
        outcomes=KALSHI,
        sources={"Kalshi": Sourced(Kind.LIVE, checked_ns=now_ns - 20 * S)},
        past={date(2026, 12, 9): (PastCut(now_ns - 30 * 3600 * S, 0.4, True),)},
        effr_pct=3.88,
    )
    return changed(inputs, DEC, ts_ns=at("2026-11-20", "14:00"))


AGES = {"status"} | {"state", "age_s", "engines", "contracts"}


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=5))
def test_ageing_changes_no_figure(later):
    known = fed(whole(NOW), NOW)
    aged_figures, now = known, NOW
    ages = [engine.age_s for engine in known.engines.values()]
    for step in later:
        now += step
        aged_figures = aged(aged_figures, now)
        for field in set(Fed.__struct_fields__) - AGES:
            assert getattr(aged_figures, field) == getattr(known, field)
        for name, engine in aged_figures.engines.items():
            assert msgspec.structs.replace(
                engine, state="", age_s=None, status=None
            ) == msgspec.structs.replace(known.engines[name], state="", age_s=None, status=None)
        grown = [engine.age_s for engine in aged_figures.engines.values()]
        assert all(a <= b for a, b in zip(ages, grown, strict=True))
        ages = grown
    assert aged(known, now) == aged_figures, "as in one step"
    # And as if all had been worked out anew then, the day being the same.
    if from_ns(now) < from_ns(NOW) + timedelta(hours=2):
        assert aged_figures.state == fed(whole(NOW), now).state
        assert aged_figures.engines["futures"].age_s == pytest.approx(
            fed(whole(NOW), now).engines["futures"].age_s
        )


def test_what_was_fresh_becomes_stale():
    known = fed(whole(NOW), NOW)
    assert known.state == "LIVE"
    for seconds, futures, kalshi in (
        (0, "LIVE", "LIVE"),
        (885, "LIVE", "STALE 15m"),
        (896, "STALE 15m", "STALE 15m"),
        (7300, "STALE 2h", "STALE 2h"),
    ):
        aged_figures = aged(known, NOW + seconds * S)
        assert aged_figures.state == aged_figures.engines["futures"].state == futures
        assert aged_figures.engines["Kalshi"].state == kalshi
    # A settlement among them keeps its word, and has no age.
    december = next(c for c in aged_figures.contracts if c.symbol == "ZQZ26")
    assert (december.state, december.age_s) == ("CLOSED", None)


def test_what_is_stale_or_offline_stays_so():
    inputs = but(whole(NOW), sources={"Kalshi": Sourced(Kind.STALE, checked_ns=NOW - 180 * S, age_s=180.0)})
    assert aged(fed(inputs, NOW), NOW + 60 * S).engines["Kalshi"].state == "STALE 4m"
    inputs = but(whole(NOW), sources={"Kalshi": Sourced(Kind.OFFLINE, checked_ns=NOW - 180 * S)})
    assert aged(fed(inputs, NOW), NOW + 9000 * S).engines["Kalshi"].state == "OFFLINE"


def test_the_words_are_made_of_the_values():
    for inputs in (whole(NOW), settled(CASE, date(2026, 11, 20)), but(whole(NOW), strip_mode=delayed(10))):
        for later in (0, 1_000, 7_300, 10**6):
            known = aged(fed(inputs, NOW), NOW + later * S)
            assert known.status == msgspec.structs.replace(
                known.engines["futures"].status, source=known.source
            )
            for figure in (known, *known.engines.values(), *known.contracts):
                assert figure.state == word(figure.status)


def test_figures_without_a_status_do_not_age():
    """No word is read to find out what they are worth."""
    known = fed(whole(NOW), NOW)
    unknown = msgspec.structs.replace(
        known,
        status=None,
        engines={name: msgspec.structs.replace(e, status=None) for name, e in known.engines.items()},
        contracts=tuple(msgspec.structs.replace(c, status=None) for c in known.contracts),
    )
    assert aged(unknown, NOW + 10**6 * S) == unknown


@pytest.mark.parametrize("later", [0, 60, 10**6])
def test_the_demo_does_not_age(later):
    for inputs in (whole(NOW), settled(CASE, date(2026, 11, 20))):
        sources = {"Kalshi": Sourced(Kind.DEMO, checked_ns=NOW)}
        demo = fed(but(inputs, strip_mode=DEMO, sources=sources), NOW)
        assert aged(demo, NOW + later * S) == demo


@pytest.mark.parametrize(
    ("day", "clock", "state"),
    [
        ("2026-11-21", "00:01", "CLOSED"),
        ("2026-11-22", "23:59", "CLOSED"),
        ("2026-11-23", "23:59", "CLOSED"),
        ("2026-11-24", "00:00", "STALE 4d"),
        ("2026-11-25", "09:31", "STALE 5d"),
        ("2026-12-01", "09:31", "STALE 11d"),
    ],
)
def test_settlements_are_stale_by_themselves_where_no_news_come(day, clock, state):
    """A feed that hangs over a weekend must not show Friday's settlement as the latest all week."""
    inputs = settled(CASE, date(2026, 11, 20))
    friday = fed(inputs, at("2026-11-21", "00:00"))
    aged_figures = aged(friday, at(day, clock))
    assert (aged_figures.state, aged_figures.engines["futures"].state) == (state, state)
    assert (aged_figures.engines["futures"].age_s, aged_figures.cut) == (None, friday.cut)
    anew = fed(inputs, at(day, clock))
    assert [c.state for c in aged_figures.contracts] == [c.state for c in anew.contracts]
    assert aged_figures.state == anew.state


def test_a_month_that_is_over_is_final_however_long_no_news_come():
    now = at("2026-12-01")
    inputs = settled(StripCase(date(2026, 12, 1), (375, 400), CALENDAR, STRIP), date(2026, 11, 30))
    aged_figures = aged(fed(inputs, now), at("2026-12-04"))
    assert [c.state for c in aged_figures.contracts] == ["CLOSED", *["STALE 4d"] * (len(STRIP) - 1)]


def test_a_clock_set_back_gives_no_negative_age():
    known = fed(whole(NOW), NOW)
    assert aged(known, NOW - 3600 * S).engines["futures"].age_s == 0.0


# What is worked out once ------------------------------------------------------------------------


def test_the_strip_is_fitted_anew_only_where_it_has_changed(monkeypatch):
    fitted = []
    monkeypatch.setattr(fed_view, "fit", lambda case: fitted.append(case) or fit(case))
    fed_view._fit.cache_clear()
    inputs = whole(NOW)
    first = fed(inputs, NOW)
    # Markets, ages and the range leave the strip as it was.
    assert fed(but(inputs, outcomes=(), target_range_bp=(350, 375)), NOW + S).fit_rms_bp == first.fit_rms_bp
    assert len(fitted) == 1
    moved = changed(inputs, MAY, price=96.305)
    assert fed(moved, NOW).fit_rms_bp != first.fit_rms_bp
    fed(but(inputs, fomc_dates=CALENDAR[:-1]), NOW)
    assert len(fitted) == 3
    assert fed(inputs, NOW) == first
    assert len(fitted) == 3


def test_breakevens_and_ticks_are_those_of_the_case():
    result = fed(traded(CASE, NOW), NOW)
    assert [(each.contract, each.level, each.price, each.ticks) for each in result.breakevens] == [
        (symbol(each.contract), level, each.price, each.ticks)
        for level in (0.25, 0.5, 0.75)
        for each in breakevens(CASE, level)
    ]
    assert [(each.contract, each.up, each.down) for each in result.ticks] == [
        (symbol(each.contract), each.up, each.down) for each in tick_effects(CASE)
    ]
    assert len(result.breakevens) == 9


# JSON ------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(5))
def test_json_is_valid_by_the_schema(index):
    inputs, now = [
        (whole(NOW), NOW),
        (settled(CASE, date(2026, 11, 20)), NOW),
        (FedInputs(fomc_dates=CALENDAR), NOW),
        (but(whole(NOW), target_range_bp=None), NOW),
        (changed(whole(NOW), FEB, price=float("nan"), settle=None), NOW),
    ][index]
    result = fed(inputs, now)
    assert_json(result)
    assert msgspec.json.decode(msgspec.json.encode(result), type=Fed) == result


# Anything ------------------------------------------------------------------------

prices = (
    st.none()
    | st.floats(94.5, 96.5).map(lambda p: round(p, 4))
    | st.sampled_from([float("nan"), float("inf"), float("-inf"), 89.9, 953.0, 100.5, 0.0, -1.0, 1e308, 96.0])
)
likely = st.floats(95.9, 96.1).map(lambda p: round(p, 4))


@st.composite
def anything(draw: st.DrawFn) -> tuple[FedInputs, int]:
    """Any inputs at any time of any year; mostly what feeds give, with senseless values among them."""
    start = date(2021, 1, 1) + timedelta(days=draw(st.integers(0, 2890)))
    now = at(start, "00:00") + draw(st.integers(0, 86_399)) * S
    wild = draw(st.booleans())
    price = prices if wild else likely
    first = start.year * 12 + start.month - 2
    times = st.integers(0, 4 * 86_400).map(lambda age: now - age * S) | st.just(now - S)
    if wild:
        times = st.none() | times | st.just(now + 10**6 * S)
    days = st.integers(0, 6).map(lambda back: start - timedelta(days=back))

    def strip(months) -> tuple[StripQuote, ...]:
        return tuple(
            quote(
                (i // 12, i % 12 + 1),
                draw(price),
                settle=draw(price),
                settle_date=draw(st.none() | days if wild else days),
                bid=draw(price) if wild else None,
                ask=draw(price) if wild else None,
                ts_ns=draw(times),
            )
            for i in months
        )

    low = 25 * draw(st.integers(-2, 20))
    unit = st.none() | st.floats(0, 1)
    outcomes = draw(
        st.lists(
            st.builds(
                OutcomeQuote, venue=st.sampled_from(["Kalshi", "Polymarket"]), contract=st.just("c"),
                event=st.just("e"), label=st.just(""), year=st.sampled_from([start.year, start.year + 1]),
                month=st.integers(1, 12), move_bp=st.none() | st.sampled_from([-50, -25, 0, 25, 50]),
                above_bp=st.none() | st.integers(0, 24).map(lambda i: 25 * i),
                bid=unit, ask=unit, last=unit, mark=unit,
            ),
            max_size=6,
        )
    )  # fmt: skip
    calendar = draw(st.sampled_from([CALENDAR, CALENDAR[:4], OLDER + CALENDAR]))
    cuts = draw(st.lists(st.tuples(st.integers(0, 40 * 86_400), st.floats(0, 1), st.booleans()), max_size=5))
    log = tuple(PastCut(now - age * S, cut, by) for age, cut, by in sorted(cuts, reverse=True))
    return FedInputs(
        strip=strip(range(first + draw(st.integers(0, 2)), first + draw(st.integers(2, 12)))),
        expired=strip(range(first - 2, first + 2)),
        fomc_dates=calendar,
        target_range_bp=draw(st.none() | st.just((low, low + 25)) | st.just((low + 50, low))),
        outcomes=tuple(outcomes),
        sources={
            "Kalshi": Sourced(draw(st.sampled_from([Kind.LIVE, Kind.OFFLINE])), draw(st.none() | times))
        },
        past=dict.fromkeys(calendar, log),
        age_gap_s=draw(st.sampled_from([0.0, 300.0, 1e9])),
        strip_mode=draw(st.sampled_from([LIVE, delayed(10), DEMO])),
    ), now  # fmt: skip


@given(anything(), st.integers(0, 10**6))
def test_nothing_that_feeds_say_breaks_it(world, later):
    inputs, now = world
    result = fed(inputs, now)
    if result is None:
        assert not [day for day in inputs.fomc_dates if day >= new_york_day(now)]
        return
    assert_sensible(result)
    assert_json(aged(result, now + later * S))
    assert (
        fed(but(inputs, strip=inputs.strip[::-1], expired=inputs.expired[::-1]), now).meetings
        == result.meetings
    )
