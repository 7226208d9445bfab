"""``rotation-tui fed``: 16 July 2024 as CME's own export has it, and what is said of bad strips."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rotation.errors import InputError
from tui.cli.app import cli
from tui.output.fed_report import of_file

if TYPE_CHECKING:
    from pathlib import Path
from types import SimpleNamespace

STRIP: dict[str, Any] = {
    "watch_date": "2024-07-16",
    "target_range_bp": [525, 550],
    "fomc_dates": ["2024-05-01", "2024-06-12", "2024-07-31", "2024-09-18", "2024-11-07"],
    "prices": {"2024-07": 94.67, "2024-08": 94.69, "2024-09": 94.79, "2024-10": 94.94},
}


@pytest.fixture
def strip(tmp_path: Path) -> Path:
    file = tmp_path / "strip.json"
    file.write_text(json.dumps(STRIP))
    return file


def test_a_cut_in_september_2024_is_certain(strip: Path) -> None:
    parsed = json.loads(of_file(strip, "conditional", "json", legacy=False))
    assert (parsed["watch_date"], parsed["view"], parsed["stopped_at"]) == (
        "2024-07-16",
        "conditional",
        "2024-11-07",
    )
    july, september = parsed["meetings"]
    assert set(july) == {"date", "move", "outcomes", "cut", "hold", "hike", "state"}
    assert july["outcomes"] == pytest.approx({"500-525": 0.08, "525-550": 0.92})
    assert september["outcomes"] == pytest.approx({"475-500": 0.08, "500-525": 0.92})
    assert (september["cut"], september["hold"], september["hike"]) == pytest.approx((1, 0, 0))


def test_the_local_view_and_the_legacy_count_differ(strip: Path) -> None:
    local = json.loads(of_file(strip, "local", "json", legacy=False))
    assert local["meetings"][1]["outcomes"] == pytest.approx({"500-525": 1.0})
    plain, legacy = (of_file(strip, "conditional", "json", legacy=way) for way in (False, True))
    assert json.loads(plain)["view"] == json.loads(legacy)["view"]


def test_csv_has_a_column_a_range_in_order(strip: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(of_file(strip, "conditional", "csv", legacy=False))))
    assert list(rows[0])[-3:] == ["475-500", "500-525", "525-550"]
    assert [row["meeting"] for row in rows] == ["2024-07-31", "2024-09-18"]
    for row in rows:
        assert sum(float(row[name]) for name in list(row)[-3:]) == pytest.approx(1)


def test_the_table_says_where_the_chain_stops(strip: Path) -> None:
    result = of_file(strip, "conditional", "table", legacy=False)
    assert "18 Sep 2024    −25.0    100.0      0.0      0.0  500-525 92.0 %, 475-500 8.0 %" in result
    assert "7 Nov 2024         —  no odds from here on" in result


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"prices": {**STRIP["prices"], "2024-08": 9.469}}, "AUG 2024|ZQQ24|2024-08"),
        ({"prices": {**STRIP["prices"], "2024-13": 94.7}}, "2024-13"),
        ({"target_range_bp": [550, 525]}, "range"),
        ({"fomc_dates": []}, "FOMC"),
        ({"prices": {"2024-07": 94.67}}, "2024-08|ZQQ24|2024-09|ZQU24"),
    ],
)
def test_a_bad_strip_names_the_file_and_the_contract(
    change: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({**STRIP, **change}))
    with pytest.raises(InputError, match=expected) as error:
        of_file(file, "conditional", "table", legacy=False)
    assert str(error.value).startswith("bad.json: ")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        of_file(tmp_path / "none.json", "conditional", "table", legacy=False)


def test_the_command_prints_the_table(strip: Path) -> None:
    command = ["fed", "--strip", str(strip), "--format", "table"]
    result = CliRunner().invoke(cli, command, obj=SimpleNamespace(notices=list))
    assert result.exit_code == 0
    assert result.output == of_file(strip, "conditional", "table", legacy=False)
