"""Bad strips: each refused in one line that names the contract and says what to do; what is flagged only."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.errors import InputError
from rotation.fed.strip.chain import StripCase, solve
from rotation.fed.strip.checks import check, check_ages
from rotation.fed.strip.contracts import month_named, month_written, name
from rotation.fed.strip.errors import (
    CalendarError,
    ImplausibleMoveError,
    MixedTimesError,
    PriceError,
    StripError,
    UnsolvedError,
)
from rotation.fed.strip.file import parse_strip
from rotation.fed.strip.quotes import Book, Usable, settlement, settlements, usable
from rotation.fed.table import checked_table, fed_table
from tests.support.fed.strips import CALENDAR, case_of, vector_file

GOOD = {
    "watch_date": "2026-08-10",
    "target_range_bp": [350, 375],
    "fomc_dates": ["2026-07-29", "2026-09-16", "2026-10-28", "2026-12-09"],
    "prices": {"2026-08": 96.37, "2026-09": 96.5, "2026-10": 96.62, "2026-11": 96.62},
}


def changed(**fields) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def priced(**prices) -> bytes:
    """``GOOD`` with prices such as m2026_09=9.65; None takes the contract out."""
    new = {**GOOD["prices"], **{key[1:].replace("_", "-"): price for key, price in prices.items()}}
    return changed(prices={month: price for month, price in new.items() if price is not None})


def refused(data: bytes) -> InputError | StripError:
    with pytest.raises((InputError, StripError)) as caught:
        checked_table(parse_strip(data))
    assert not (isinstance(caught.value, InputError) and isinstance(caught.value, StripError))
    return caught.value


def refusal(data: bytes) -> str:
    message = str(refused(data))
    assert "\n" not in message
    assert len(message) < 260
    return message


def test_good_strip():
    table, flags = checked_table(parse_strip(changed(id="fields beyond the four are ignored")))
    assert flags == ()
    assert [row.date for row in table.meetings] == [date(2026, 9, 16), date(2026, 10, 28)]
    assert table.stopped_at == date(2026, 12, 9)
    assert parse_strip(b"\xef\xbb\xbf" + changed()) == parse_strip(changed())
    assert parse_strip(changed(fomc_dates=GOOD["fomc_dates"][::-1])) == parse_strip(changed())


def test_every_vector_case_passes_the_checks_but_the_empty_one(shared_data):
    for name_ in ("cme_export_exact_2024", "cme_export_exact_2026", "edge_cases", "cme_live_2026-07-14"):
        for raw in vector_file(shared_data, name_)["cases"]:
            if raw["id"] == "missing-everything":
                assert "ZQQ26 (2026-08)" in refusal(json.dumps(raw).encode())
                assert fed_table(case_of(raw)).meetings == ()
            else:
                assert checked_table(case_of(raw))[1] == ()


# The strip file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"watch_date": ', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "one JSON object"),
        (b"{}", "no watch_date and no target_range_bp and no fomc_dates and no prices"),
        (changed(watch_date="2026-13-01"), 'watch_date: "2026-13-01" is not a date'),
        (changed(watch_date="20260810"), "watch_date"),
        (changed(watch_date=None), "watch_date: null"),
        (changed(target_range_bp="350-375"), "target_range_bp"),
        (changed(target_range_bp=[350]), "target_range_bp"),
        (changed(target_range_bp=[350.5, 375.5]), "target_range_bp"),
        (changed(target_range_bp=[float("nan"), 375]), "target_range_bp"),
        (changed(target_range_bp=[True, 375]), "target_range_bp"),
        (changed(fomc_dates="2026-09-16"), "fomc_dates must be a list"),
        (changed(fomc_dates={"a": 1}), "fomc_dates must be a list"),
        (changed(fomc_dates=["Sep 16"]), 'fomc_dates: "Sep 16" is not a date'),
        (changed(fomc_dates=["2026-02-30"]), "fomc_dates"),
        (changed(prices=[96.5]), "prices must be an object"),
        (changed(prices={}), "no contract has a price"),
        (changed(prices={**GOOD["prices"], "2026-9": 96.5}), "prices: '2026-9' is not a contract month"),
        (changed(prices={**GOOD["prices"], "2026-13": 96.5}), "'2026-13'"),
        (changed(prices={**GOOD["prices"], "ZQU26": 96.5}), "'ZQU26' is not a contract month"),
        (changed(prices={**GOOD["prices"], "0026-09": 96.5}), "'0026-09'"),
        (changed().replace(b'"2026-10"', b'"2026-09"'), "ZQU26 (2026-09) appears twice"),
        (priced(m2026_09="about 96"), "ZQU26 (2026-09)"),
        (priced(m2026_09=[96.5]), "ZQU26 (2026-09)"),
        (priced(m2026_09=True), "ZQU26 (2026-09)"),
        (priced(m2026_09="-"), "ZQU26 (2026-09)"),
        (priced(m2026_09=10**400), "ZQU26 (2026-09)"),
        (changed().replace(b"96.5,", b"null,"), "ZQU26 (2026-09): null is not a price"),
    ],
)
def test_files_that_say_no_strip(data, words):
    assert words in refusal(data)


def test_settlement_text_is_a_price():
    assert parse_strip(priced(m2026_09="96.5000A")).prices[2026, 9] == 96.5


KEYS = st.sampled_from([*GOOD, "2026-08", "2026-09"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5)
)


def refusal_or_nothing(data: bytes) -> str:
    try:
        checked_table(parse_strip(data))
    except (InputError, StripError) as error:
        return str(error)
    return ""


@given(st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_strip_or_one_line(data):
    words = refusal_or_nothing(data)
    assert words
    assert "\n" not in words


@given(st.sampled_from(sorted(GOOD)), VALUES)
def test_any_field_is_read_or_refused_in_one_line(field, value):
    assert "\n" not in refusal_or_nothing(changed(**{field: value}))


# Figures that make no sense ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (priced(m2026_09=float("nan")), "ZQU26 (2026-09): price nan is not a number"),
        (priced(m2026_09=float("inf")), "ZQU26 (2026-09): price inf is not a number"),
        (priced(m2026_09=89.995), "ZQU26 (2026-09): price 89.995 is below 90"),
        (priced(m2026_10=3.38), "ZQV26 (2026-10): price 3.38 is below 90"),
        (priced(m2026_10=-96.62), "ZQV26 (2026-10)"),
        (changed(target_range_bp=[375, 350]), "375-350 bp is reversed"),
        (changed(target_range_bp=[350, 350]), "is reversed"),
        (changed(target_range_bp=[350, 400]), "50 bp wide"),
        (changed(fomc_dates=[]), "no FOMC decision on or after 2026-08-10"),
        (changed(fomc_dates=["2026-07-29"]), "no FOMC decision on or after 2026-08-10"),
        (
            changed(fomc_dates=[*GOOD["fomc_dates"], "2026-09-03", "2026-09-24"]),
            "ZQU26 (2026-09): 3 decisions",
        ),
        (
            priced(m2026_08=None, m2026_10=None, m2026_11=None),
            "ZQQ26 (2026-08), ZQV26 (2026-10) and ZQX26 (2026-11)",
        ),
        # Without August September is solved backward; without November nothing ends the block.
        (priced(m2026_08=None, m2026_11=None), "no price for ZQQ26 (2026-08) and ZQX26 (2026-11)"),
        (priced(m2026_08=95.3, m2026_09=96.5), "put the decision of 2026-09-16 at -132 bp, beyond ±100"),
    ],
)
def test_strips_that_cannot_be(data, words):
    assert words in refusal(data)


@pytest.mark.parametrize(
    ("data", "kind", "contracts"),
    [
        (priced(m2026_10=3.38), PriceError, ((2026, 10),)),
        (changed(target_range_bp=[375, 350]), CalendarError, ()),
        (changed(fomc_dates=["2026-07-29"]), CalendarError, ()),
        (priced(m2026_08=None, m2026_11=None), UnsolvedError, ((2026, 8), (2026, 11))),
        (priced(m2026_08=95.3), ImplausibleMoveError, ((2026, 8), (2026, 10), (2026, 11))),
        (b"[]", InputError, None),
    ],
)
def test_a_refusal_says_by_its_type_and_contracts_what_is_wrong(data, kind, contracts):
    error = refused(data)
    assert type(error) is kind
    assert getattr(error, "contracts", None) == contracts


def test_a_calendar_of_future_dates_only_is_flagged_where_a_past_month_counts():
    """16 September 2026 was a decision: without it September's average passes for the rate before October."""
    late = {"watch_date": "2026-09-20", "prices": {"2026-09": 96.4, "2026-10": 96.5, "2026-11": 96.6}}
    table, flags = checked_table(parse_strip(changed(**late, fomc_dates=["2026-10-28", "2026-12-09"])))
    assert (
        flags
        == table.warnings
        == (
            (
                "ZQU26 (2026-09) is taken as a month without a decision, "
                "but fomc_dates begins on 2026-10-28; "
                "add the last decision held"
            ),
        )
    )
    assert table.meetings[0].move == pytest.approx(-0.2 / 0.25)
    dates = ["2026-09-16", "2026-10-28", "2026-12-09"]
    table, flags = checked_table(parse_strip(changed(**late, fomc_dates=dates)))
    assert flags == ()
    assert table.meetings[0].move == pytest.approx(-0.1 * 31 / 28 / 0.25), "October and November alone"


def test_missing_anchor_after_the_known_dates():
    data = changed(
        watch_date="2026-12-01", fomc_dates=["2026-12-09"], prices={"2026-12": 96.4, "2027-01": 96.3}
    )
    assert "ZQX26 (2026-11)" in refusal(data)
    # October's anchor fell with January's meeting unknown, and the block's other contracts are there.
    data = changed(
        watch_date="2026-12-01",
        fomc_dates=["2026-11-30", "2026-12-30"],
        prices={"2026-10": 96.4, "2026-11": 96.4, "2026-12": 96.4, "2027-01": 96.3},
    )
    assert "ZQF27 (2027-01) lies beyond the published FOMC dates" in refusal(data)


def test_four_steps_are_the_limit():
    assert (
        checked_table(parse_strip(priced(m2026_08=96.0, m2026_10=97.0, m2026_11=97.0)))[0].meetings[0].move
        == -4
    )
    assert "beyond" in refusal(priced(m2026_08=95.995, m2026_10=97.0, m2026_11=97.0))


def test_the_last_known_decision_day_still_counts():
    data = changed(watch_date="2026-09-16", fomc_dates=["2026-07-29", "2026-09-16"])
    assert [row.date for row in checked_table(parse_strip(data))[0].meetings] == [date(2026, 9, 16)]


def test_negative_rates_are_computed_and_flagged():
    prices = {month: price + 4 for month, price in GOOD["prices"].items()}
    table, flags = checked_table(parse_strip(changed(prices=prices)))
    same = fed_table(parse_strip(changed()))
    assert [row.move for row in table.meetings] == pytest.approx([row.move for row in same.meetings])
    assert len(flags) == 4
    assert flags[0] == "ZQQ26 (2026-08): price 100.37 is above 100, a negative rate"
    assert check(StripCase(date(2026, 8, 10), (0, 25), CALENDAR, {(2026, 8): 100.0, (2026, 9): 90.0})) == ()


def test_a_chain_that_stops_later_is_an_answer():
    table, _ = checked_table(parse_strip(priced(m2026_11=None)))
    assert [row.state for row in table.meetings] == ["degraded"]
    assert table.stopped_at == date(2026, 10, 28)


# Ages --------------------------------------------------------------------------------------------------


def test_contracts_of_one_block_must_be_of_one_age():
    chain = solve(parse_strip(changed()))
    even = {(2026, month): 10.0 for month in (8, 9, 10, 11)}
    check_ages(chain, even, 60)
    check_ages(chain, {**even, (2026, 10): 70.0}, 60)
    with pytest.raises(MixedTimesError) as caught:
        check_ages(chain, {**even, (2026, 10): 70.5}, 60)
    assert str(caught.value).startswith("ZQV26 (2026-10) is 60 s older than ZQQ26 (2026-08)")
    # September's own contract counts for nothing, and a settlement has no age.
    check_ages(chain, {**even, (2026, 9): 5000.0}, 60)
    del even[2026, 8]
    check_ages(chain, even, 0)
    with pytest.raises(MixedTimesError):
        check_ages(chain, {**even, (2026, 10): float("nan")}, 60)


# Settlements and books -----------------------------------------------------------------------------------


def test_settlement_texts():
    assert [settlement(text) for text in ("95.3050", "95.3050A", " 95.3050B ", "100", "-", "")] == [
        95.305, 95.305, 95.305, 100.0, None, None,
    ]  # fmt: skip
    for text in ("95.3050C", "95.3050AB", "UNCH", "1e2", "95,305", "nan"):
        with pytest.raises(InputError):
            settlement(text)


def test_settlement_rows():
    rows = [
        ("SEP 26", "96.2525A"),
        ("OCT 26", "96.1050B"),
        ("NOV 26", "-"),
        ("Total", "61,551"),
        ("TOTAL", ""),
    ]
    assert settlements(rows) == {(2026, 9): 96.2525, (2026, 10): 96.105}
    for bad, words in (
        ([("SEP 26", "x")], r"ZQU26 \(2026-09\): 'x'"),
        ([("SEP 26", "96"), ("SEP 26", "96")], r"ZQU26 \(2026-09\) appears twice"),
        ([("SEPT 26", "96")], "'SEPT 26' is not a contract month"),
    ):
        with pytest.raises(InputError, match=words):
            settlements(bad)


@pytest.mark.parametrize(
    ("bid", "ask", "why"),
    [
        (96.37, 96.365, "crossed"),
        (None, 96.37, "one-sided"),
        (96.37, float("nan"), "one-sided"),
        (None, None, "empty"),
    ],
)
def test_books_that_are_no_use_give_way_to_the_settlement(bid, ask, why):
    flag = f"{why} book, last settlement used"
    assert usable((2026, 12), Book(bid, ask, 96.3)) == Usable(96.3, settled=True, flag=flag)


def test_two_sided_books_give_their_middle():
    assert usable((2026, 12), Book(96.365, 96.37, 96.3)) == Usable(96.3675, settled=False, flag="")
    assert usable((2026, 12), Book(96.365, 96.365, None)) == Usable(96.365, settled=False, flag="")


def test_book_without_settlement_is_refused():
    for book in (Book(96.4, 96.3, None), Book(None, 96.3, None), Book(None, None, float("nan"))):
        with pytest.raises(PriceError, match=r"ZQZ26 \(2026-12\).*no settlement"):
            usable((2026, 12), book)


# Names -------------------------------------------------------------------------------------------------


@given(st.integers(2000, 2099), st.integers(1, 12))
def test_names_round_trip(year, month):
    at = (year, month)
    assert month_written(name(at)[-8:-1]) == at
    assert month_named(f"{date(year, month, 1):%b %y}") == at
