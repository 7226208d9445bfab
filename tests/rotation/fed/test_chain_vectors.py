"""Every case of every vector file within its stated tolerance; a few typed in for clones without files."""

from __future__ import annotations

import json
from datetime import date

import pytest

from rotation.fed.strip.chain import StripCase, day_count, solve
from rotation.fed.strip.quotes import settlements
from rotation.fed.table import checked_table, fed_table
from tests.support.fed.strips import CALENDAR, case_of, deviation, outcomes, vector_file

PRINTED = 2.1e-4
"""CME's sheet rounds a change to 4 decimals of a percent before it counts steps of 25 bp."""
EXACT = ("cme_export_exact_2024", "cme_export_exact_2026", "cme_export_partial_2024-07")


def assert_rows(raw: dict, expected: dict, tolerance: float, scale: float = 1, *, legacy: bool = False):
    """All expected rows are there, within the tolerance, and no others."""
    ours = outcomes(case_of(raw), legacy=legacy)
    assert list(ours)[: len(expected)] == list(expected)
    for meeting, row in expected.items():
        assert sum(ours[meeting].values()) == pytest.approx(1, abs=1e-12)
        assert deviation(ours[meeting], row, scale) <= tolerance, (raw["id"], meeting)


# CME's own figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "count"), zip(EXACT, (31, 18, 2), strict=True))
def test_official_export_to_the_rounding_of_the_file(shared_data, name, count):
    vectors = vector_file(shared_data, name)
    assert vectors["tolerance"] == 6e-7
    assert len(vectors["cases"]) == count
    for raw in vectors["cases"]:
        expected = raw["expected"]
        if name == EXACT[2]:  # this export starts with the second meeting of the tree
            chain = solve(case_of(raw))
            assert [row.date.isoformat() for row in chain.solved] == ["2024-07-31", *expected]
            expected = {"2024-07-31": outcomes(case_of(raw))["2024-07-31"], **expected}
        assert_rows(raw, expected, vectors["tolerance"])


@pytest.mark.parametrize("name", EXACT)
def test_moves_states_and_the_contracts_that_count_for_nothing(shared_data, name):
    for raw in vector_file(shared_data, name)["cases"]:
        case = case_of(raw)
        chain = solve(case)
        assert {row.state for row in chain.solved} == {"ok"}
        for day, x in raw.get("moves_x", {}).items():
            row = next(row for row in chain.solved if row.date.isoformat() == day)
            assert row.x == pytest.approx(x, abs=6e-7)
            assert row.move_bp == 25 * row.x
        used = {month for row in chain.solved for month in row.contracts}
        unused = [f"{year}-{month:02}" for year, month in sorted(case.prices) if (year, month) not in used]
        assert unused == raw["unused_months"]


def test_live_page(shared_data):
    vectors = vector_file(shared_data, "cme_live_2026-07-14")
    for raw in vectors["cases"]:
        determined = {day: raw["expected_pct"][day] for day in raw["determined_meetings"]}
        assert_rows(raw, determined, vectors["tolerance_pct"], 100)
        chain = solve(case_of(raw))
        assert {row.state for row in chain.solved[:7]} == {"ok"}
        # ZQQ27 and later were not in the picture: June rests on its own contract, July cannot be had.
        assert chain.solved[7].state == "degraded"
        assert chain.stopped_at == date(2027, 7, 28)


@pytest.mark.parametrize(
    ("field", "scale", "tolerance"),
    # The tool prints 0.1 %; the reference engine 8 decimals.
    [("cme_website_pct", 100, None), ("cme_fedwatch_0_2_1_pct", 100, None), ("ref_engine", 1, 6e-9)],
)
def test_settlements(shared_data, field, scale, tolerance):
    vectors = vector_file(shared_data, "cme_settlements_2026-09")
    cases = [raw for raw in vectors["cases"] if field in raw]
    assert len(cases) == (1 if field == "cme_website_pct" else 5)
    for raw in cases:
        assert_rows(raw, raw[field], tolerance or vectors["tolerance_pct"], scale)


def test_official_lines_that_give_one_difference_of_two_prices(shared_data):
    for line in vector_file(shared_data, "cme_settlements_2026-09")["extra_official"]:
        gap = float(line["implies"].split("=")[1].split()[0])
        case = StripCase(date(2026, 9, 23), (375, 400), CALENDAR, {(2026, 10): 96.1, (2026, 11): 96.1 - gap})
        ours = outcomes(case)[line["meeting"]]
        if "expected" in line:
            assert deviation(ours, line["expected"]) <= 6e-7
        else:
            assert deviation(ours, line["expected_pct"], 100) <= 0.051


def test_settlement_file_as_cme_serves_it(shared_data):
    text = (shared_data / "fed" / "cme_settlements_2026-09-18_first13.json").read_text("utf-8")
    raw = json.loads(text)
    prices = settlements([(row["month"], row["settle"]) for row in raw["settlements"]] + [("Total", "")])
    case = StripCase(date(2026, 9, 18), (375, 400), CALENDAR, prices)
    ours = outcomes(case)
    for day, row in raw["published_fedwatch"].items():
        theirs = {"-".join(str(round(100 * float(b))) for b in k.split("-")): p for k, p in row.items()}
        assert deviation(ours[day], theirs, 100) <= 0.051


# The older day count -----------------------------------------------------------------------------------


def test_legacy_press_figures(shared_data):
    vectors = vector_file(shared_data, "legacy_published")
    assert len(vectors["cases"]) == 4
    for raw in vectors["cases"]:
        assert_rows(raw, raw["expected_pct"], vectors["tolerance_pct"], 100, legacy=True)


def test_legacy_tool_in_every_figure_it_gives(shared_data):
    vectors = vector_file(shared_data, "pyfedwatch_1.2.0")
    assert len(vectors["cases"]) == 13
    for raw in vectors["cases"]:
        assert_rows(raw, raw["expected"], vectors["tolerance"], legacy=True)
        for row in solve(case_of(raw), legacy=True).solved:
            month = f"{row.date:%Y-%m}"
            assert 100 - row.start_pct == pytest.approx(raw["p_start"][month], abs=6e-9)
            assert 100 - row.end_pct == pytest.approx(raw["p_end"][month], abs=6e-9)


def test_the_day_count_decides(shared_data):
    for raw in vector_file(shared_data, "cme_export_exact_2026")["cases"][:3]:
        case = case_of(raw)
        assert deviation(outcomes(case)["2026-04-29"], outcomes(case, legacy=True)["2026-04-29"]) > 1e-3


def test_worked_examples_of_cme(shared_data):
    examples = {item["id"]: item for item in vector_file(shared_data, "cme_worked_examples")["examples"]}
    # 2015: September from August, whose own meetings the sheet ignores, forward with 15 days left.
    given = examples["cme-2015"]
    case = StripCase(date(2015, 9, 1), (0, 25), (date(2015, 9, 17),), {(2015, 8): 99.8675, (2015, 9): 99.805})
    row = solve(case, legacy=True).solved[0]
    assert row.state == "degraded"
    assert row.start_pct == pytest.approx(given["computed"]["FFER.Start"])
    assert row.implied_pct == pytest.approx(given["computed"]["ImpliedRate"])
    # The sheet weighs by 16 of 30 days before and 14 after; d = 17 with N = d - 1.
    assert day_count(date(2015, 9, 17), legacy=True) == (16, 14)
    assert row.end_pct == pytest.approx(given["computed"]["FFER.End"], abs=5e-5)
    assert fed_table(case, legacy=True).meetings[0].hike == pytest.approx(
        given["computed"]["P(Hike)"], abs=5e-4
    )
    # 2022: September backward from October; the sheet's November is solved forward, as the chain does
    # when nothing later has a price.
    given = examples["cme-2022-09-12"]
    prices = {(2022, 9): 97.4475, (2022, 10): 96.94, (2022, 11): 96.43}
    dates = (date(2022, 9, 21), date(2022, 11, 2), date(2022, 12, 14))
    chain = solve(StripCase(date(2022, 9, 12), (225, 250), dates, prices), legacy=True)
    september, november = chain.solved
    computed = given["computed"]
    assert (september.start_pct, september.end_pct, september.x) == pytest.approx(
        (computed["Sep start"], computed["Sep end"], computed["Sep number of 25bp"]), abs=PRINTED
    )
    assert (november.start_pct, november.end_pct, november.x) == pytest.approx(
        (computed["Nov start"], computed["Nov end"], computed["Nov number of 25bp"]), abs=PRINTED
    )
    assert november.state == "degraded"


def test_aggregated_as_cme_explains_it():
    # May, June, July averages 5.125, 5.25, 5.375: half a hike at each of two meetings, day weights aside.
    dates = (date(2024, 5, 31), date(2024, 6, 30))
    prices = {(2024, 5): 94.875, (2024, 6): 94.75, (2024, 7): 94.625}
    case = StripCase(date(2024, 5, 1), (500, 525), dates, prices)
    conditional, aggregated = outcomes(case), outcomes(case, view="aggregated")
    assert conditional["2024-05-31"] == aggregated["2024-05-31"] == {"500-525": 0.5, "525-550": 0.5}
    assert conditional["2024-06-30"] == {"500-525": 0.25, "525-550": 0.5, "550-575": 0.25}
    assert aggregated["2024-06-30"] == {"525-550": 1.0}
    assert outcomes(case, view="local")["2024-06-30"] == {"500-525": 0.5, "525-550": 0.5}


# Edges -------------------------------------------------------------------------------------------------


def test_edge_cases(shared_data):
    vectors = vector_file(shared_data, "edge_cases")
    assert len(vectors["cases"]) == 8
    for raw in vectors["cases"]:
        case = case_of(raw)
        assert list(outcomes(case)) == list(raw["expected"])
        assert_rows(raw, raw["expected"], vectors["tolerance"])
        chain = solve(case)
        for day, x in raw["x"].items():
            assert next(row.x for row in chain.solved if row.date.isoformat() == day) == pytest.approx(
                x, abs=1e-8
            )
        if "stopped_at" in raw:
            assert chain.stopped_at.isoformat() == raw["stopped_at"]
        degraded = [row.date.isoformat() for row in chain.meetings if row.state == "degraded"]
        assert degraded == raw.get("degraded", [])


# Typed in, so that the proof stands in every clone --------------------------------------------------------

DATES = tuple(day for day in CALENDAR if date(2024, 5, 1) <= day <= date(2025, 7, 30))
AUGUST_1 = {
    (2024, 8): 94.7, (2024, 9): 94.815, (2024, 10): 95.005, (2024, 11): 95.21, (2024, 12): 95.37,
    (2025, 1): 95.545, (2025, 2): 95.74, (2025, 3): 95.845, (2025, 4): 95.99, (2025, 5): 96.16,
    (2025, 6): 96.27, (2025, 7): 96.35, (2025, 8): 96.455,
}  # fmt: skip


def test_16_july_2024_a_cut_is_certain():
    """CME's export for the day that the desk's story is about: hold 0, -25 bp 92 %, -50 bp 8 %."""
    prices = {(2024, 7): 94.67, (2024, 8): 94.69, (2024, 9): 94.79, (2024, 10): 94.94}
    table, flags = checked_table(StripCase(date(2024, 7, 16), (525, 550), DATES, prices))
    september = table.meetings[1]
    assert flags == ()
    assert september.date == date(2024, 9, 18)
    assert september.outcomes == pytest.approx({"475-500": 0.08, "500-525": 0.92}, abs=6e-7)
    assert (september.cut, september.hold, september.hike) == pytest.approx((1, 0, 0), abs=1e-12)


def test_1_august_2024_export():
    table = fed_table(StripCase(date(2024, 8, 1), (525, 550), DATES, AUGUST_1))
    assert len(table.meetings) == 8
    assert table.stopped_at is None
    assert table.meetings[0].outcomes == pytest.approx({"475-500": 0.22, "500-525": 0.78}, abs=6e-7)
    assert table.meetings[4].outcomes == pytest.approx(
        {
            "350-375": 0.020573,
            "375-400": 0.238812,
            "400-425": 0.621427,
            "425-450": 0.118416,
            "450-475": 0.000771,
        },
        abs=6e-7,
    )
    assert table.meetings[7].outcomes == pytest.approx(
        {
            "275-300": 0.004171, "300-325": 0.058248, "325-350": 0.246191, "350-375": 0.392132,
            "375-400": 0.246338, "400-425": 0.049915, "425-450": 0.002987, "450-475": 1.8e-05,
        },
        abs=6e-7,
    )  # fmt: skip
    moves = [-1.22, -0.993295, -1.112912, -0.833793, -1.0, -0.916, -0.51, -0.434]
    assert [row.move for row in table.meetings] == pytest.approx(moves, abs=6e-7)


def test_18_september_2026_official_in_and_out():
    prices = {(2026, 9): 96.2525, (2026, 10): 96.105, (2026, 11): 95.975, (2026, 12): 95.835,
              (2027, 1): 95.77, (2027, 2): 95.68}  # fmt: skip
    ours = outcomes(StripCase(date(2026, 9, 18), (375, 400), CALENDAR, prices))
    assert deviation(ours["2026-10-28"], {"375-400": 42.4, "400-425": 57.6}, 100) <= 0.051
    assert deviation(ours["2026-12-09"], {"375-400": 9.9, "400-425": 46.0, "425-450": 44.1}, 100) <= 0.051


def test_12_july_2022_legacy_press():
    prices = {(2022, 7): 98.32, (2022, 8): 97.675}
    dates = (date(2022, 7, 27), date(2022, 9, 21))
    ours = outcomes(StripCase(date(2022, 7, 12), (150, 175), dates, prices), legacy=True)
    assert deviation(ours["2022-07-27"], {"225-250": 92.4, "250-275": 7.6}, 100) <= 0.06


def test_decision_day_counts_and_the_day_after_does_not():
    prices = {(2024, 8): 94.67, (2024, 9): 94.8, (2024, 10): 94.99, (2024, 11): 95.2, (2024, 12): 95.3}
    on_the_day = StripCase(date(2024, 9, 18), (525, 550), DATES, prices)
    after = StripCase(date(2024, 9, 19), (475, 500), DATES, prices)
    assert solve(on_the_day).meetings[0].date == date(2024, 9, 18)
    assert solve(after).meetings[0].date == date(2024, 11, 7)
    # September stays a meeting month: its average is no anchor for anything.
    assert (2024, 9) not in {month for row in solve(after).solved for month in row.contracts}


def test_last_day_of_the_month_needs_nothing_after_it_for_its_start():
    dates = (date(2024, 6, 12), date(2024, 7, 31), date(2024, 9, 18))
    prices = {(2024, 5): 94.68, (2024, 6): 94.6875, (2024, 7): 94.7}
    chain = solve(StripCase(date(2024, 6, 1), (525, 550), dates, prices))
    june, july, _ = chain.meetings
    assert june.end_pct == pytest.approx(5.3)
    assert june.state == "ok"
    assert july.state == "unsolved"
    assert chain.stopped_at == date(2024, 7, 31)


def test_chain_does_not_resume_after_a_gap():
    prices = {(2026, 9): 96.5, (2026, 10): 96.6, (2026, 12): 96.6, (2027, 2): 96.7, (2027, 3): 96.7,
              (2027, 4): 96.8, (2027, 5): 96.8}  # fmt: skip
    chain = solve(StripCase(date(2026, 10, 1), (350, 375), CALENDAR, prices))
    assert [row.state for row in chain.meetings[:4]] == ["unsolved"] * 4
    assert chain.solved == ()
    # March has both its neighbours, and would be solved were it not behind a gap.
    assert solve(StripCase(date(2027, 3, 1), (350, 375), CALENDAR, prices)).solved[0].state == "ok"


def test_month_beyond_the_horizon_is_no_anchor():
    dates = tuple(day for day in CALENDAR if day.year == 2026)
    prices = {(2026, 11): 96.0, (2026, 12): 95.9, (2027, 1): 95.5}
    row = solve(StripCase(date(2026, 11, 20), (375, 400), dates, prices)).solved[0]
    assert row.state == "degraded"
    assert row.contracts == ((2026, 11), (2026, 12))
    known = solve(StripCase(date(2026, 11, 20), (375, 400), (*dates, date(2027, 3, 17)), prices)).solved[0]
    assert known.state == "ok"
    assert known.contracts == ((2026, 11), (2027, 1))


def test_forward_fill_needs_eight_days():
    for day, state in ((23, "degraded"), (24, "unsolved")):
        dates = (date(2027, 8, day), date(2027, 9, 15), date(2027, 11, 3))
        prices = {(2027, 7): 96.0, (2027, 8): 96.01}
        assert solve(StripCase(date(2027, 8, 1), (375, 400), dates, prices)).meetings[0].state == state


def test_a_start_filled_forward_is_degraded_too():
    # October has an anchor behind it and no price of its own: its start is what September's average left.
    prices = {(2026, 8): 96.37, (2026, 9): 96.44, (2026, 11): 96.6}
    september, october = solve(StripCase(date(2026, 8, 10), (350, 375), CALENDAR, prices)).solved
    assert (september.state, october.state) == ("degraded", "degraded")
    assert september.x == pytest.approx(-0.07 * 30 / 14 / 0.25)
    assert september.x + october.x == pytest.approx(-0.23 / 0.25)
    assert october.contracts == ((2026, 8), (2026, 9), (2026, 11))


def test_legacy_decision_on_the_first_rests_on_its_own_month_alone():
    prices = {(2024, 4): 94.67, (2024, 5): 94.7, (2024, 6): 94.75}
    june = solve(StripCase(date(2024, 5, 2), (525, 550), DATES, prices), legacy=True).solved[0]
    assert june.start_pct == pytest.approx(5.3)
    assert june.contracts == ((2024, 5), (2024, 6))
