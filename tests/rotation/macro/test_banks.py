"""Quarters of banks' filings against quarters that others made of them, and hand-made cases."""

from __future__ import annotations

import csv
import json
from datetime import date

import pytest

from feeds.macro.edgar import CIKS, GROUPS, parse
from rotation.macro.banks import AFTER_PROVISION, NET, TAGS, Fact, bank_incomes, quarters_of

LATE = date(2026, 1, 31)


def of_company(data: bytes) -> list[Fact]:
    """A whole company's facts, as the shared files have them, read a concept at a time."""
    concepts = json.loads(data)["facts"]["us-gaap"]
    held = [json.dumps({"tag": tag} | concepts[tag]).encode() for tag in TAGS if tag in concepts]
    return [fact for concept in held for fact in parse(concept)]


@pytest.fixture(scope="module")
def facts(shared_data) -> dict[str, list[Fact]]:
    folder = shared_data / "edgar" / "fsds"
    return {
        path.stem.partition("_")[2]: of_company(path.read_bytes())
        for path in sorted(folder.glob("CIK*.json"))
        if path.stem.partition("_")[2] in {*CIKS, "WTFC"}
    }


def test_quarters_are_those_of_the_shared_table(facts, shared_data) -> None:
    """Values, filing days and which ones are derived; in its rows a restated value is the newest filing's."""
    with (shared_data / "edgar" / "bank_quarters.csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["tag"] in (NET, AFTER_PROVISION)]
    checked = 0
    for row in rows:
        if row["ticker"] not in facts or row["restated"] == "True":
            continue
        made = quarters_of(fact for fact in facts[row["ticker"]] if fact.tag == row["tag"])
        quarter = made[date.fromisoformat(row["end"])]
        assert quarter.value == float(row["val"]), row
        assert quarter.is_derived is (row["derived"] == "True"), row
        checked += 1
    assert checked > 150


def test_the_second_quarter_of_2024_on_the_year(facts) -> None:
    """PROVENANCE.md: BAC -3.2, WFC -9.4, C -2.9, JPM +4.4, KEY -9.3 %."""
    made = {each.ticker: each for each in bank_incomes(facts, GROUPS, date(2024, 8, 31))}
    expected = {"BAC": -3.2, "WFC": -9.4, "C": -2.9, "JPM": 4.4, "KEY": -9.3}
    assert {made[ticker].quarter for ticker in expected} == {"Q2 2024"}
    assert {ticker: made[ticker].year_pct for ticker in expected} == {
        ticker: pytest.approx(pct, abs=0.05) for ticker, pct in expected.items()
    }
    assert [made[ticker].group for ticker in ("JPM", "KEY")] == ["large", "regional"]


def test_on_16_july_2024_only_what_had_been_filed_counts(facts) -> None:
    made = bank_incomes(facts, GROUPS, date(2024, 7, 15))
    assert {each.quarter for each in made} == {"Q1 2024"}
    assert all(each.filed <= date(2024, 7, 15) for each in made)
    cut = {ticker: [fact for fact in own if fact.filed <= date(2024, 7, 15)] for ticker, own in facts.items()}
    assert bank_incomes(cut, GROUPS, date(2024, 7, 15)) == made


def test_the_companyfacts_file_as_served(shared_data) -> None:
    data = (shared_data / "edgar" / "companyfacts_CIK0000070858_BAC_excerpt.json").read_bytes()
    quarters = quarters_of(of_company(data))
    assert (quarters[date(2023, 6, 30)].value, quarters[date(2023, 6, 30)].is_derived) == (14_158e6, False)
    assert (quarters[date(2023, 12, 31)].value, quarters[date(2023, 12, 31)].is_derived) == (13_946e6, True)


def test_a_bank_that_reports_after_provisions_says_so(facts) -> None:
    (made,) = bank_incomes(facts, {"WTFC": "regional"}, LATE)
    assert made.is_after_provision


def fact(start: str, end: str, value: float, filed: str, tag: str = NET) -> Fact:
    return Fact(tag, date.fromisoformat(start), date.fromisoformat(end), value, date.fromisoformat(filed))


def test_a_restatement_wins_from_its_filing_on_and_year_to_date_is_no_quarter() -> None:
    own = [
        fact("2023-04-01", "2023-06-30", 100.0, "2023-08-01"),
        fact("2024-01-01", "2024-06-30", 230.0, "2024-08-01"),
        fact("2024-04-01", "2024-06-30", 110.0, "2024-08-01"),
        fact("2023-04-01", "2023-06-30", 88.0, "2024-08-01"),
        fact("2024-04-01", "2024-06-30", 121.0, "2025-08-01"),
    ]
    held = {"A": own}
    (first,) = bank_incomes(held, {"A": "large"}, date(2024, 8, 2))
    assert (first.value_usd, first.year_pct, first.filed) == (110.0, pytest.approx(25.0), date(2024, 8, 1))
    assert quarters_of(own)[date(2024, 6, 30)].value == 121.0
    assert bank_incomes(held, {"A": "large"}, date(2026, 8, 2)) == (), "nothing recent"
    assert bank_incomes({}, {"A": "large"}, LATE) == ()


def test_a_fourth_quarter_needs_the_three_before() -> None:
    quarters = [
        fact("2024-01-01", "2024-03-31", 10.0, "2024-05-01"),
        fact("2024-04-01", "2024-06-30", 11.0, "2024-08-01"),
        fact("2024-07-01", "2024-09-30", 12.0, "2024-11-01"),
    ]
    year = fact("2024-01-01", "2024-12-31", 50.0, "2025-02-20")
    whole = quarters_of([*quarters, year])[date(2024, 12, 31)]
    assert (whole.value, whole.is_derived, whole.filed) == (17.0, True, date(2025, 2, 20))
    assert date(2024, 12, 31) not in quarters_of([*quarters[1:], year])
