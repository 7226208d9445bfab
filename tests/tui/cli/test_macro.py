"""``rotation-tui macro`` as a script meets it: kept files, past instants, nothing at all."""

from __future__ import annotations

import json

import pytest

from rotation.macro.assemble import SERIES
from tests.support.tui.files import closes
from tests.support.tui.program import complaint


def fred(folder, name: str, rows: dict[str, float]):
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text(f"observation_date,{name}\n" + "".join(f"{day},{value}\n" for day, value in rows.items()))
    return path


@pytest.fixture
def kept(here, tmp_path):
    folder = tmp_path / "fred"
    fred(folder, "DGS10", {"2024-07-12": 4.18, "2024-07-15": 4.23, "2024-07-16": 4.17})
    fred(folder, "DGS2", {"2024-07-12": 4.45, "2024-07-15": 4.46, "2024-07-16": 4.45})
    cpi = {"2023-06-01": 303.8, "2024-05-01": 313.2, "2024-06-01": 313.0, "2024-07-01": 313.5}
    fred(folder, "CPIAUCSL", cpi)
    return here.out("macro", "import", folder)


def test_a_past_instant_has_what_was_published_by_then(here, kept) -> None:
    assert "DGS10     3 observations" in kept
    doc = json.loads(here.out("macro", "--at", "2024-07-16T10:40-04:00", "--format", "json"))
    assert doc["as_of"] == "2024-07-16T14:40:00Z"
    assert [(each["tenor"], each["date"], each["pct"]) for each in doc["macro"]["yields"]] == [
        ("2Y", "2024-07-15", 4.46), ("10Y", "2024-07-15", 4.23),
    ]  # fmt: skip
    assert doc["macro"]["curve"]["bp"] == pytest.approx(-23)
    (cpi,) = doc["macro"]["inflation"]
    assert cpi["month"] == "2024-06-01"
    assert cpi["year_pct"] == pytest.approx(100 * (313.0 / 303.8 - 1))
    assert [each["kind"] for each in doc["macro"]["releases"]] == ["FOMC", "jobs", "CPI"]
    assert (doc["banks"], doc["macro"]["sources"]) == ({}, {})
    evening = json.loads(here.out("macro", "--at", "2024-07-16T18:00-04:00", "--format", "json"))
    assert evening["macro"]["yields"][1]["pct"] == 4.17
    text = here.out("macro", "--at", "2024-07-16T10:40-04:00")
    assert "10Y − 2Y         −23 bp" in text
    assert "as revised since" in text


def test_snapshots_and_replays_have_it_too(here, kept, tmp_path) -> None:
    folder = tmp_path / "closes"
    for symbol, base in (("IWM", 200), ("QQQ", 480), ("KRE", 50)):
        closes(folder, symbol, *(base * (1 + (i * 7 % 11 - 5) / 200) for i in range(40)))
    taken = here.snapshot("--history", folder, "--at", "2024-07-16")
    assert taken["macro"]["yields"][1]["date"] == "2024-07-15", "the Treasury's of the 16th come at 18:00"
    doc = json.loads(here.out("macro", "--history", folder, "--at", "2024-07-16", "--format", "json"))
    legs = taken["legs"]
    assert doc["banks"]["KRE"]["5"] == pytest.approx(
        legs["KRE"]["return_pct"]["5"] - legs["IWM"]["return_pct"]["5"]
    )
    assert doc["bank_status"]["KRE"]["kind"] == "CLOSED"
    asked = ("macro", "--history", folder, "--at", "2024-07-16")
    assert "KRE − IWM" in here.out(*asked)
    assert "close of 16 Jul" in here.out(*asked)
    assert "KRE − IWM" not in here.out(*asked, "--legs", "SPY"), "only the legs that were asked for"
    here.env["ROTATION_TUI_LEGS"] = "SPY"
    assert "KRE − IWM" not in here.out(*asked)
    del here.env["ROTATION_TUI_LEGS"]
    tape = tmp_path / "IWM_5m.csv"
    tape.write_text("start,open,high,low,close,volume\n2024-07-16T14:30:00Z,221,221.5,220.9,221.28,100\n")
    lines = here.out("watch", "--history", folder, "--tape", tape, "--speed", "3600").splitlines()
    assert json.loads(lines[-1])["macro"]["yields"][1]["pct"] == 4.23


def test_without_anything_it_says_what_to_do(here) -> None:
    assert "rotation-tui macro import" in here.out("macro", "--offline")
    assert json.loads(here.out("macro", "--offline", "--format", "json"))["macro"] is None


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["macro", "--at", "yesterday"], "--at: 'yesterday' is neither a date"),
        (["macro", "--at", "2999-01-01"], "is in the future"),
        (["macro", "import", "nowhere.csv"], "nowhere.csv: no such file"),
        (["macro", "import"], "Missing argument 'PATH"),
    ],
)
def test_bad_input_is_one_line(here, command, words) -> None:
    assert words in complaint(here(*command))


def test_every_series_that_is_shown_can_be_kept(here, tmp_path) -> None:
    folder = tmp_path / "all"
    for name in SERIES:
        fred(folder, name, {"2024-06-01": 4.0, "2024-05-01": 3.9})
    assert len(here.out("macro", "import", folder).splitlines()) == len(SERIES)
