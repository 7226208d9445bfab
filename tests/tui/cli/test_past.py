"""``snapshot --at`` of a past session: the settled part of every page from what is kept, without network."""

from __future__ import annotations

import csv
import json
import socket
from datetime import date, datetime
from typing import Any

import pytest

from feeds.fed.log import Probabilities
from feeds.fed.store import FedStore
from feeds.macro import edgar
from feeds.macro.calendar_store import CalendarStore
from feeds.macro.minutes.store import BarStore, ReleaseBars
from feeds.macro.store import FactStore
from rotation.graph.figures import STEPS
from rotation.macro.banks import NET
from rotation.macro.figures import ReleaseKind
from rotation.quote import MINUTE_NS, NS
from rotation.sessions import NEW_YORK, to_ns

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


CPI_AT = datetime(2024, 7, 11, 8, 30, tzinfo=NEW_YORK)


def closes_by_end(shared_data, symbol: str) -> dict[int, float]:
    """Minutes after the CPI of 11 July 2024 at which real bars of five minutes ended, and their closes."""
    with (shared_data / "intraday" / f"{symbol}_5m_2024-07-11_CPI.csv").open() as file:
        rows = [
            ((datetime.fromisoformat(each["end"]) - CPI_AT).total_seconds() / 60, float(each["close"]))
            for each in csv.DictReader(file)
        ]
    return {int(minute): close for minute, close in rows if -45 < minute <= 120}


@pytest.fixture
def kept(stored, shared_data):
    """The same with what a desk keeps: bars of a release day, filings, pages of the calendar, a log."""
    folder = stored.home / "data" / "rotation-tui"
    bars = BarStore(folder / "macro")
    at_ns = to_ns(CPI_AT)
    for symbol in ("IWM", "QQQ"):
        closes = tuple(sorted(closes_by_end(shared_data, symbol).items()))
        bars.hold(ReleaseBars(symbol, at_ns, "Yahoo", 5, at_ns + 86_400 * NS, closes))
    with FedStore(folder / "fed") as store:
        for minute, cut in ((-20, 0.1), (5, 0.3), (25, 0.35), (50, 0.4)):
            ts_ns = at_ns + minute * MINUTE_NS
            store.log(Probabilities(date(2024, 7, 31), cut, 1 - cut, 0.0, {}, "futures", "live", ts_ns))
    excerpt = json.loads((shared_data / "edgar" / "companyfacts_CIK0000070858_BAC_excerpt.json").read_bytes())
    concept = {"tag": NET, "units": excerpt["facts"]["us-gaap"][NET]["units"]}
    FactStore(folder / "macro").add({"BAC": edgar.parse(json.dumps(concept).encode())})
    pages = CalendarStore(folder / "macro")
    for fetched, cpi in ((date(2024, 7, 9), date(2024, 8, 15)), (date(2024, 8, 2), date(2024, 8, 16))):
        days = {ReleaseKind.CPI: (date(2024, 7, 11), cpi), ReleaseKind.JOBS: (date(2024, 8, 2),)}
        pages.add(days, to_ns(datetime(fetched.year, fetched.month, fetched.day, tzinfo=NEW_YORK)))
    return stored


def test_banks_the_calendar_then_known_and_release_days_are_in_it(kept, shared_data):
    macro = kept.snapshot("--at", "2024-07-16")["macro"]
    (bank,) = macro["banks"]
    assert (bank["ticker"], bank["quarter"]) == ("BAC", "Q1 2024")
    assert bank["filed"] <= "2024-07-16"
    days = {each["kind"]: each["at"][:10] for each in macro["releases"]}
    assert days == {"FOMC": "2024-07-31", "jobs": "2024-08-02", "CPI": "2024-08-15"}
    assert "CPI of 14 Aug 2024 moved to 15 Aug 2024 by the fetched calendar" in macro["warnings"]
    later = kept.snapshot("--at", "2024-08-05")["macro"]
    assert {each["kind"]: each["at"][:10] for each in later["releases"]}["CPI"] == "2024-08-16"
    (view,) = macro["release_days"]
    base, against = (closes_by_end(shared_data, symbol) for symbol in ("IWM", "QQQ"))
    line = dict(map(tuple, view["spread"]["line"]))
    for minute in (1, 31, 61, 116):
        wanted = 100 * (base[minute] / base[-4] - against[minute] / against[-4])
        assert line[minute] == pytest.approx(wanted, abs=6e-5), minute
    assert dict(map(tuple, view["cut"]["line"]))[60] == pytest.approx(30.0)
    assert (view["kind"], view["source"], view["step_min"], view["worth"]) == ("CPI", "Yahoo", 5, "CLOSED")
    assert (view["spread"]["n"], view["spread"]["band"], view["absent"]) == (0, [], 12)


def test_on_the_day_itself_nothing_of_later_is_in_it(kept):
    whole, *_ = kept.snapshot("--at", "2024-07-16")["macro"]["release_days"]
    taken = kept.snapshot("--at", "2024-07-11T09:00-04:00")["macro"]
    part, *_ = taken["release_days"]
    assert part["known_to"] == "2024-07-11T12:56:00Z"
    for name in ("spread", "cut"):
        line = part[name]["line"]
        assert line == whole[name]["line"][: len(line)]
    assert part["spread"]["line"][-1][0] == 26
    assert part["cut"]["line"][-1][0] == 30
    assert part["worth"] == "LIVE"
    before = kept.snapshot("--at", "2024-07-11T08:29-04:00")["macro"]
    assert before["release_days"] == []
    assert {each["kind"]: each["at"][:10] for each in before["releases"]}["CPI"] == "2024-07-11"


def test_the_commands_of_macro_ask_nobody_either(kept):
    doc = json.loads(kept.out("macro", "--at", "2024-07-16", "--format", "json"))["macro"]
    assert doc["release_days"] == kept.snapshot("--at", "2024-07-16")["macro"]["release_days"]
    doc = json.loads(kept.out("macro", "releases", "--at", "2024-07-16", "--format", "json"))
    (day,) = doc["days"]
    assert (day["kind"], day["source"], day["step_min"]) == ("CPI", "Yahoo", 5)
    (view,) = doc["views"]
    assert view["spread"]["line"] == [[m, round(pp, 4)] for m, pp in day["spread_pp"] if m <= 116]
    text = kept.out("macro", "releases", "--at", "2024-07-16")
    assert "CPI   11 Jul 2024 08:30" in text
    assert "spread by Yahoo, 5 min bars (1 day)" in text
