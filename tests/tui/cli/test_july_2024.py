"""The article of 16 July 2024: what the program says of each claim, against plain loops over the files."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.paths import ROOT
from tests.support.tui.july_2024 import Answers, ask, claims, page
from tests.support.tui.program import Program

if TYPE_CHECKING:
    from pathlib import Path

MORNING = {"IWM": 221.28, "QQQ": 495.43}
"""Closes of the bars that end at 10:40."""
DAY = "2024-07-16"


@pytest.fixture(scope="module")
def answers(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return ask(Program(tmp_path_factory.mktemp("home")), shared_data)


@pytest.fixture(scope="module")
def closes(shared_data: Path) -> dict[str, dict[str, float]]:
    """Symbol → day → close, as the files have them; of IWN adjusted ones."""
    made = {}
    for path in (shared_data / "daily").glob("*.csv"):
        with path.open() as lines:
            rows = list(csv.DictReader(lines))
        made[path.stem] = {row["date"]: float(row.get("close") or row["adj_close"]) for row in rows}
    return made


def line(closes: dict[str, float], last: float | None) -> tuple[list[str], list[float]]:
    """Days and closes through 16 July; ``last``: its price in the place of the close."""
    days = sorted(day for day in closes if day <= DAY)
    return days, [*(closes[day] for day in days[:-1]), closes[DAY] if last is None else last]


def over_five(values: list[float]) -> list[float | None]:
    return [None] * 5 + [(now / was - 1) * 100 for was, now in zip(values, values[5:], strict=False)]


def since(days: list[str], series: list[float | None]) -> tuple[str, float]:
    """The most recent earlier day at least as high as the last."""
    now = series[-1]
    assert now is not None
    return next(
        (day, value)
        for day, value in zip(reversed(days[:-1]), reversed(series[:-1]), strict=True)
        if value is not None and value >= now - 1e-9
    )


def run(values: list[float]) -> int:
    length = 0
    while values[-1 - length] > values[-2 - length]:
        length += 1
    return length


@pytest.mark.parametrize("moment", ["morning", "evening"])
def test_run_return_lead_and_their_dates(answers, closes, moment: str) -> None:
    taken: dict[str, Any] = getattr(answers, moment)
    price = MORNING if moment == "morning" else {}
    days, iwm = line(closes["IWM"], price.get("IWM"))
    of_qqq = closes["QQQ"]
    qqq = [*(of_qqq[day] for day in days[:-1]), price.get("QQQ", of_qqq[DAY])]
    leg, window = taken["legs"]["IWM"], taken["spread"]["windows"]["5"]
    assert leg["streak"]["with_today"] == run(iwm) == 5
    assert leg["streak"]["provisional"] is (moment == "morning")
    own, other = over_five(iwm), over_five(qqq)
    assert leg["return_pct"]["5"] == pytest.approx(own[-1], abs=1e-4)
    assert own[-1] > 9
    day, value = since(days, own)
    assert (leg["since"]["5"]["date"], leg["since"]["5"]["value_pct"]) == (
        day,
        pytest.approx(value, abs=1e-4),
    )
    lead = [None if a is None or b is None else a - b for a, b in zip(own, other, strict=True)]
    assert window["pp"] == pytest.approx(lead[-1], abs=1e-4)
    day, value = since(days, lead)
    assert (window["since"]["date"], window["since"]["value_pp"]) == (day, pytest.approx(value, abs=1e-4))
    assert day == ("2016-11-14" if moment == "morning" else "2001-04-03")


def test_banks_and_the_dow_have_no_price_at_ten_forty_and_all_at_the_close(answers, closes) -> None:
    for symbol in ("KRE", "DIA"):
        morning, evening = (taken["legs"][symbol] for taken in (answers.morning, answers.evening))
        assert set(morning["return_pct"].values()) == {None}
        assert (morning["streak"]["with_today"], morning["session"]) == (None, "2024-07-15")
        _, values = line(closes[symbol], None)
        assert morning["streak"]["settled"] == run(values[:-1])
        assert evening["streak"]["settled"] == run(values)
        assert evening["return_pct"]["5"] == pytest.approx(over_five(values)[-1], abs=1e-4)


def test_small_value_stood_at_its_lowest_on_5_july(answers, shared_data) -> None:
    adjusted = {}
    for symbol in ("IWN", "IVW"):
        with (shared_data / "daily" / f"{symbol}.csv").open() as lines:
            adjusted[symbol] = {row["date"]: float(row["adj_close"]) for row in csv.DictReader(lines)}
    days = sorted(day for day in adjusted["IWN"].keys() & adjusted["IVW"].keys() if day <= DAY)
    ratio = {day: adjusted["IWN"][day] / adjusted["IVW"][day] for day in days}
    lowest = min(ratio, key=ratio.__getitem__)
    assert lowest == "2024-07-05" == answers.lowest["value_growth"]["low"]["date"]
    assert answers.lowest["value_growth"]["n"] + 1 == days.index(lowest) + 1
    shown = answers.evening["value_growth"]
    assert (shown["session"], shown["low"]["date"], shown["low"]["since"]) == (DAY, lowest, None)
    assert shown["value"] == pytest.approx(100 * ratio[DAY] / ratio[days[0]], rel=1e-5)
    assert answers.morning["value_growth"]["session"] == "2024-07-15"


def test_september_is_whole_by_the_settlement_of_the_day_before(answers, shared_data) -> None:
    """(October's contract, a month without a decision, less what September begins with) beyond one cut."""
    prices = {}
    with (shared_data / "fed" / "ZQ_U24_V24_X24_Z24_daily_long.csv").open() as lines:
        for row in csv.DictReader(lines):
            if row["Index"] == "2024-07-15" and row["name"].endswith(".Close"):
                prices[row["name"][:5]] = float(row["value"])
    after = 100 - prices["ZQV24"]
    september = 100 - prices["ZQU24"]
    before = (30 * september - 12 * after) / 18
    assert before - after >= 0.25
    fed = answers.morning["fed"]
    assert fed["engines"]["futures"]["kind"] == "settlement of 15 Jul 2024"
    assert next(row["cut"] for row in fed["meetings"] if row["date"] == "2024-09-18") == pytest.approx(1.0)
    assert "(settled 15 Jul)" in answers.morning["headline"]


def test_nothing_claims_a_valuation(answers) -> None:
    text = json.dumps(answers._asdict()).lower()
    assert "p/e" not in text
    assert "earnings" not in text
    assert "proxy" in answers.evening["value_growth"]["note"]


def test_the_page_is_what_the_program_says(answers) -> None:
    assert len(claims(answers)) == 10
    assert (ROOT / "docs" / "july-2024.md").read_text("utf-8") == page(answers)
