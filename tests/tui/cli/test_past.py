"""``snapshot --at`` of a past session: the settled part of every page from what is kept, without network."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from rotation.graph.figures import STEPS

FED = ("ZQ_U24_V24_X24_Z24_daily_long.csv", "ZQ_front_month_continuous.csv")
SERIES = ("DGS3MO", "DGS2", "DGS5", "DGS10", "DGS30", "CPIAUCSL", "CPIAUCNS", "CPILFESL", "PAYEMS", "UNRATE")


@pytest.fixture
def stored(here, shared_data, monkeypatch):
    """A home with closes, settlements, observations and holdings, in which no socket can be opened."""
    here.out("history", "import", shared_data / "daily")
    here.out("fed", "import", *(shared_data / "fed" / name for name in FED))
    here.out("macro", "import", *(shared_data / "macro" / f"{name}.csv" for name in SERIES))
    here.env.pop("ROTATION_TUI_OFFLINE", None)

    def refuse(*_args: Any, **_more: Any) -> None:
        raise AssertionError("a past session asks nobody")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return here


@pytest.mark.parametrize("day", ["2024-07-16", "2023-03-10", "2022-11-10"])
def test_every_page_has_its_settled_part(stored, day):
    taken = stored.snapshot("--at", day, "--story")
    assert taken["session"] == day
    assert taken["spread"]["windows"]["5"]["status"]["kind"] in ("CLOSED", "STALE")
    for step in STEPS:
        trail = taken["graph"][step]["IWM"]
        assert trail["head"]["date"] == day
        assert len(trail["tail"]) == 12
        assert all(point["date"] < day for point in trail["tail"])
    macro = taken["macro"]
    assert [each["tenor"] for each in macro["yields"]] == ["3M", "2Y", "5Y", "10Y", "30Y"]
    assert all(each["date"] <= day for each in macro["yields"])
    assert macro["jobs"]["released_at"][:10] <= day
    assert all(each["released_at"][:10] <= day for each in macro["inflation"])
    # What cannot be known as of then is said: revisions.
    assert any("as revised since" in warning for warning in macro["warnings"])
    story = taken["story"]
    assert any(level["figure"].startswith("spread.5.since") for level in story["levels"])
    assert all(each["date"] < day for each in story["episodes"]["spread.5"]["episodes"])
    assert taken["fed"]["meeting"] >= day
    for by_days in taken["fed"]["calibration"].values():
        assert all(score["n"] > 0 for score in by_days.values())
    assert taken["banks"]["KRE"]["n"] > 1000
    # No holdings file is stored, so members are nobody's guess.
    assert taken["breadth"] is None


def test_calibration_grows_by_decisions_held_alone(stored):
    early, late = (stored.snapshot("--at", day)["fed"]["calibration"] for day in ("2022-11-10", "2024-07-16"))
    assert early["futures"]["1"]["n"] < late["futures"]["1"]["n"]
    assert late["futures"]["1"]["by_settlements"] == late["futures"]["1"]["n"]
