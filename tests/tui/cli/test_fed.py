"""``rotation-tui fed`` against a local world of all the Fed's sources; in processes where pipes matter."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from feeds.clock import wall_ns
from feeds.fed.calendar import SHIPPED
from feeds.fed.strip import months_ahead
from rotation.fed.strip.chain import StripCase, solve
from rotation.fed.strip.contracts import symbol
from rotation.fed.table import fed_table
from rotation.sessions import new_york_day
from tests.support.clock import without_notice
from tests.support.servers.fed_world import FEEDS, FedWorld, environment
from tests.support.servers.rest import FAULTS, RestServer
from tests.support.tui.files import closes
from tests.support.tui.program import LIMIT_S, Here, complaint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RANGE = (375, 400)
VENUES = {"KALSHI": "Kalshi", "POLYMARKET": "Polymarket"}


class Aged(FedWorld):
    """A world in which one contract traded earlier than the others."""

    late: str = ""
    """Its symbol, as ZQZ26."""
    by_s = 30

    def answer(self, path: str) -> bytes:
        body = super().answer(path)
        if not self.late or f"/{self.late}.CBT" not in path:
            return body
        parsed = json.loads(body)
        result = parsed["chart"]["result"][0]
        result["meta"]["regularMarketTime"] -= self.by_s
        result["timestamp"][-1] -= self.by_s
        return json.dumps(parsed).encode()


class World:
    """A server a source, in a thread of its own: each can be taken down alone."""

    def __init__(self) -> None:
        self.now = Aged(wall_ns())
        self.loop = asyncio.new_event_loop()
        self.servers = {feed: RestServer(answer=self.now.answer) for feed in FEEDS}
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        for server in self.servers.values():
            self._do(server.start())

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT_S)

    @property
    def environment(self) -> dict[str, str]:
        result = environment("")
        return result | {f"ROTATION_TUI_{feed}_REST_URL": server.url for feed, server in self.servers.items()}

    def fails(self, *feeds: str, how: str = "html") -> None:
        for feed in feeds:
            self.servers[feed].script = [FAULTS[how]]

    def close(self) -> None:
        for server in self.servers.values():
            self._do(server.__aexit__())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(LIMIT_S)
        self.loop.close()

    @property
    def case(self) -> StripCase:
        """What the world's strip is today, without any source between."""
        today = new_york_day(self.now.now_ns)
        prices = {
            (year, month): self.now.price(year, month, today)
            for year, month in months_ahead(today.year, today.month, 19)
        }
        return StripCase(today, RANGE, SHIPPED, prices)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@pytest.fixture
def program(here, world) -> Here:
    here.env |= world.environment
    here.env.pop("ROTATION_TUI_OFFLINE", None)
    return here


def failure(done) -> str:
    """The one line of what could not be had."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("rotation-tui: no odds now: ")
    assert "next try" not in line, "nobody waits for it"
    return line


def notes(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("note: "))


# The market now


@pytest.mark.parametrize("view", ["conditional", "aggregated", "local"])
def test_the_table_is_the_chain_of_the_strip_that_the_sources_gave(program, world, view):
    parsed = json.loads(program.out("fed", "--view", view, "--format", "json"))
    expected = fed_table(world.case, view)
    assert set(parsed) == {"watch_date", "view", "meetings", "stopped_at", "warnings"}
    assert (parsed["watch_date"], parsed["view"]) == (str(world.case.watch_date), view)
    assert len(parsed["meetings"]) >= 8
    for row, wanted in zip(parsed["meetings"], expected.meetings, strict=True):
        assert set(row) == {"date", "move", "outcomes", "cut", "hold", "hike", "state"}
        assert (row["date"], row["state"]) == (str(wanted.date), wanted.state)
        assert row["outcomes"] == pytest.approx(wanted.outcomes)
        assert sum(row["outcomes"].values()) == pytest.approx(1)


def test_csv_and_the_older_day_count(program, world):
    plain, legacy = (
        list(csv.DictReader(io.StringIO(program.out("fed", "--format", "csv", *more))))
        for more in ((), ("--legacy",))
    )
    for rows, table in ((plain, fed_table(world.case)), (legacy, fed_table(world.case, legacy=True))):
        assert [row["meeting"] for row in rows] == [str(row.date) for row in table.meetings]
        assert [float(row["move"]) for row in rows] == pytest.approx([row.move for row in table.meetings])
    assert plain != legacy


def test_the_text_has_the_markets_beside_it_and_the_age_of_everything(program):
    output = program.out("fed")
    assert "target range 375-400 bp, conditional view" in output
    engines = {line.split()[0]: line for line in output.splitlines() if "[" in line and "]" in line}
    assert "last trades [DELAYED 10m]" in engines["futures"]
    for venue in VENUES.values():
        assert re.search(r"order book \[LIVE\], \d+s old", engines[venue])
    # Yesterday's settlements of the first run's month of charts are something to compare with.
    assert re.search(r"P\(cut\) change in percentage points: 1d \S+, 1w \S+, 1m \S+", output)
    assert "source Yahoo: last trades [DELAYED 10m]" in output
    assert notes(output) == ""


def test_prices_of_different_ages_are_not_mixed(program, world):
    late = symbol(solve(world.case).solved[0].contracts[-1])
    world.now.late = late
    gap = "ROTATION_TUI_FED_AGE_GAP"
    output = program.out("fed", "--age-gap", "20")
    assert "settlement of " in output
    assert late in notes(output)
    assert "30 s older than" in notes(output)
    assert "using the last settlements" in notes(output)
    assert "last trades" in program.out("fed"), "300 s may lie between by default"
    program.env[gap] = "20"
    assert program.out("fed").count("settlement of ") >= 1
    for wrong in ("soon", "-1", "nan"):
        program.env[gap] = wrong
        assert "--age-gap" in complaint(program("fed"))


def test_a_far_contract_of_another_time_takes_only_the_meetings_behind_it(program, world):
    solved = solve(world.case).solved
    far = solved[-1].contracts[-1]
    before = [meeting for meeting in solved if far not in meeting.contracts]
    assert 0 < len(before) < len(solved)
    world.now.late = symbol(far)
    output = program.out("fed", "--age-gap", "20")
    rows = [line for line in output.splitlines() if re.match(r"\d+ \w{3} \d{4} +[+−\d]", line)]
    assert len(rows) == len(before)
    assert "no odds from here" in output
    assert symbol(far) in notes(output)
    assert "last trades [DELAYED 10m]" in output


def test_every_source_away_is_one_line_that_names_each(program, world):
    world.fails(*FEEDS)
    line = failure(program("fed"))
    for name in ("Yahoo", "New York Fed", "FRED", "FOMC calendar", *VENUES.values()):
        assert name in line
    assert "no futures price" in line
    assert "--strip FILE" in line


def test_without_futures_there_is_no_table(program, world):
    world.fails("YAHOO")
    line = failure(program("fed"))
    assert "no futures price" in line
    assert "Yahoo" in line
    assert "Kalshi" not in line


def test_without_the_target_range_there_is_no_table(program, world):
    world.fails("NEWYORKFED", "FRED")
    line = failure(program("fed"))
    assert "target range unknown" in line
    assert "New York Fed" in line
    assert "FRED" in line
    assert "Yahoo" not in line


@pytest.mark.parametrize(
    ("feed", "expected"),
    [("NEWYORKFED", "policy rate: New York Fed"), ("FRED", ""), ("CALENDAR_FED", "FOMC calendar"),
     ("KALSHI", "Kalshi"), ("POLYMARKET", "Polymarket")],
)  # fmt: skip
def test_any_other_source_away_leaves_the_table(program, world, feed, expected):
    world.fails(feed)
    shown = program.out("fed")
    rows = [line for line in shown.splitlines() if re.match(r"\d+ \w{3} \d{4} +[+−\d]", line)]
    assert len(rows) == len(fed_table(world.case).meetings)
    assert expected in notes(shown)
    assert bool(notes(shown)) == bool(expected)
    if feed in VENUES:
        assert not any(line.startswith(VENUES[feed]) for line in shown.splitlines())


def test_yesterday_s_answers_stand_in_and_say_their_age(program, world):
    program.out("fed")
    world.fails("KALSHI", "NEWYORKFED", "CALENDAR_FED")
    output = program.out("fed")
    (kalshi,) = [line for line in output.splitlines() if line.startswith("Kalshi")]
    assert "order book [" in kalshi
    assert "HTML page instead of JSON" in kalshi
    assert "policy rate: New York Fed" in notes(output)


@pytest.mark.parametrize("feed", FEEDS)
def test_a_wrong_address_is_named_and_never_quoted(program, feed):
    name = f"ROTATION_TUI_{feed}_REST_URL"
    program.env[name] = "ftp://user:hunter2@example.test/"
    line = complaint(program("fed"))
    assert name in line
    assert "hunter2" not in line
    assert "example.test" not in line


def test_a_data_folder_that_cannot_be_written_ends_the_history_and_not_the_table(program, tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    line = complaint(program("fed", "history"))
    assert "Fed history cannot be opened" in line
    assert "rights" in line
    output = program.out("fed")
    assert "Fed history cannot be opened" in notes(output)
    assert "1d —, 1w —, 1m —" in output


# Its log


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_before_the_first_run_the_history_is_empty_and_well_formed(program):
    assert rows_of(program.out("fed", "history")) == []
    assert program.out("fed", "history").startswith("time,ts_ns,meeting,engine,kind,cut,hold,hike,outcomes")
    assert json.loads(program.out("fed", "history", "--format", "json")) == []


def test_the_history_is_the_same_in_every_form(program, world, tmp_path):
    program.out("fed")
    rows = rows_of(program.out("fed", "history"))
    listed = json.loads(program.out("fed", "history", "--format", "json"))
    file = tmp_path / "cuts.parquet"
    with file.open("wb") as out, program.start("fed", "history", "--format", "parquet", stdout=out) as child:
        assert child.wait(LIMIT_S) == 0
    frame = pl.read_parquet(file)
    assert len(rows) == len(listed) == frame.height
    assert frame["ts_ns"].to_list() == [row["ts_ns"] for row in listed] == [int(r["ts_ns"]) for r in rows]
    assert frame["cut"].to_list() == [row["cut"] for row in listed]
    assert {row["engine"] for row in listed} == {"futures", *VENUES.values()}
    assert {row["kind"] for row in listed} == {"live", "settle"}
    now = [row for row in listed if row["engine"] == "futures" and row["kind"] == "live"]
    assert [row["meeting"] for row in now] == [str(row.date) for row in fed_table(world.case).meetings]
    assert now[0]["outcomes"] == pytest.approx(fed_table(world.case).meetings[0].outcomes)


def test_since_is_a_day_in_new_york(program, world):
    program.out("fed")
    today = new_york_day(world.now.now_ns)
    whole = rows_of(program.out("fed", "history"))
    settles = sorted({row["time"][:10] for row in whole if row["kind"] == "settle"})
    since = rows_of(program.out("fed", "history", "--since", settles[-1]))
    assert since == [row for row in whole if row["time"][:10] >= settles[-1]]
    assert len(since) < len(whole)
    assert rows_of(program.out("fed", "history", "--since", str(today + timedelta(days=2)))) == []
    assert "'yesterday'" in complaint(program("fed", "history", "--since", "yesterday"))


def test_asking_twice_in_a_minute_logs_once(program):
    program.out("fed")
    once = program.out("fed", "history")
    program.out("fed")
    assert program.out("fed", "history") == once


@pytest.mark.parametrize("args", [["fed"], ["fed", "history"]], ids=" ".join)
def test_a_reader_that_goes_away_ends_it_quietly(program, args):
    if args[-1] == "history":
        program.out("fed")
    with program.start(*args) as running:
        running.stdout.close()
        assert without_notice(running.stderr.read()) == ""
        assert running.wait(LIMIT_S) == 0


# The snapshot


def test_the_snapshot_has_the_fed_in_the_agreed_shape(program, world, tmp_path):
    program.out("history", "import", closes(tmp_path, "IWM", 10.0, 11.0), closes(tmp_path, "QQQ", 5.0, 5.0))
    known = program.snapshot()["fed"]
    assert {"meeting", "cut", "hold", "hike", "outcomes", "change", "engines", "meetings"} <= set(known)
    table = fed_table(world.case)
    assert known["meeting"] == str(table.meetings[0].date)
    assert known["outcomes"] == pytest.approx(table.meetings[0].outcomes)
    assert list(known["change"]) == ["1d", "1w", "1m"]
    assert set(known["engines"]) == {"futures", *VENUES.values()}
    assert [row["date"] for row in known["meetings"]] == [str(row.date) for row in table.meetings]
    assert program.snapshot("--offline")["fed"] is None
    assert program.snapshot("--at", "2024-07-16")["fed"] is None, "what is known now was not known then"


def test_without_a_network_a_snapshot_still_tells_what_is_settled(program, tmp_path):
    program.out("history", "import", closes(tmp_path, "IWM", 10.0, 11.0), closes(tmp_path, "QQQ", 5.0, 5.0))
    for feed in FEEDS:
        program.env[f"ROTATION_TUI_{feed}_REST_URL"] = "http://127.0.0.1:9"
    taken = program.snapshot()
    assert taken["legs"]["IWM"]["last"] == 11.0
    assert taken["fed"]["cut"] is None
    assert taken["fed"]["outcomes"] == {}
    assert any("Yahoo" in line for line in taken["fed"]["warnings"])


# A strip from a file

STRIP: dict[str, Any] = {
    "watch_date": "2024-07-16",
    "target_range_bp": [525, 550],
    "fomc_dates": ["2024-05-01", "2024-06-12", "2024-07-31", "2024-09-18", "2024-11-07"],
    "prices": {"2024-07": 94.67, "2024-08": 94.69, "2024-09": 94.79, "2024-10": 94.94},
}


def strip(folder: Path, **change: Any) -> Path:
    file = folder / "strip.json"
    file.write_text(json.dumps({**STRIP, **change}))
    return file


def august(price: object, month: str = "2024-08") -> dict[str, Any]:
    """The prices with another one for the anchor, or under another name."""
    others = {name: known for name, known in STRIP["prices"].items() if name != "2024-08"}
    return {"prices": {**others, month: price}}


BAD = {
    "missing anchor": (
        {"prices": {"2024-07": 94.67, "2024-09": 94.79}},
        ["ZQQ24 (2024-08)", "add the missing"],
    ),
    "price below 90": (august(89.995), ["ZQQ24 (2024-08)", "below 90"]),
    "wrong scale": (august(9469), ["ZQQ24 (2024-08)"]),
    "NaN": (august(float("nan")), ["ZQQ24 (2024-08)", "nan"]),
    "NaN as text": (august("NaN"), ["ZQQ24 (2024-08)", '"NaN"']),
    "infinite": (august(float("inf")), ["ZQQ24 (2024-08)", "inf"]),
    "null": (august(None), ["ZQQ24 (2024-08)", "null"]),
    "a price that is no forecast": (august(97.0), ["ZQQ24 (2024-08)", "beyond ±100"]),
    "month 13": (august(94.69, "2024-13"), ["'2024-13'", "2026-09"]),
    "month without its zero": (august(94.69, "2024-8"), ["'2024-8'"]),
    "month by name": (august(94.69, "Aug 2024"), ["'Aug 2024'"]),
    "month as symbol": (august(94.69, "ZQQ24"), ["'ZQQ24'"]),
    "no meetings": ({"fomc_dates": []}, ["no FOMC decision", "fomc_dates"]),
    "meetings over": ({"fomc_dates": ["2024-06-12"]}, ["no FOMC decision on or after 2024-07-16"]),
    "range upside down": ({"target_range_bp": [550, 525]}, ["550-525", "reversed"]),
    "range too wide": ({"target_range_bp": [500, 550]}, ["500-550", "25 bp"]),
    "no such day": ({"watch_date": "2024-07-32"}, ["watch_date", "2024-07-32"]),
    "no prices": ({"prices": {}}, ["no contract has a price"]),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_strip_is_one_line_that_names_the_contract(here, tmp_path, what):
    change, parts = BAD[what]
    line = complaint(here("fed", "--strip", strip(tmp_path, **change)))
    for part in ["strip.json: ", *parts]:
        assert part in line


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"prices": {}}'], ids=range(5))
def test_a_file_that_is_no_strip_is_one_line(here, tmp_path, data):
    (tmp_path / "strip.json").write_bytes(data)
    assert "strip.json: the strip file" in complaint(here("fed", "--strip", "strip.json"))


def test_a_folder_or_nothing_at_all_is_no_strip(here):
    assert "nowhere.json: cannot be read" in complaint(here("fed", "--strip", "nowhere.json"))
    assert ".: cannot be read" in complaint(here("fed", "--strip", "."))


@pytest.mark.parametrize("by", ["option", "environment"])
def test_offline_no_source_is_asked_and_a_strip_is_wanted(program, world, tmp_path, by):
    option = ("--offline",) if by == "option" else ()
    program.env |= {} if option else {"ROTATION_TUI_OFFLINE": "1"}
    assert "--strip FILE" in complaint(program("fed", *option))
    assert not any(server.requests for server in world.servers.values())
    assert "18 Sep 2024" in program.out("fed", *option, "--strip", strip(tmp_path))


def test_a_strip_asks_no_source_and_leaves_nothing_behind(program, world, tmp_path):
    output = program.out("fed", "--strip", strip(tmp_path))
    assert "18 Sep 2024    −25.0    100.0" in output
    assert not any(server.requests for server in world.servers.values())
    assert not (tmp_path / "data").exists()


def test_calibration_is_read_from_what_is_kept_without_any_source(here):
    assert "no odds of a past decision are stored" in here.out("fed", "calibration")
    lines = ["date,contract,settle"]
    for year, month, end in ((2024, 2, 29), (2024, 4, 30), (2024, 8, 30)):
        lines.append(f"{year}-{month:02}-{end},ZQ{'FGHJKMNQUVXZ'[month - 1]}{year % 100},94.67")
    lines += ["2024-03-19,ZQH24,94.67", "2024-05-01,ZQK24,94.67", "2024-09-17,ZQU24,94.87"]
    (here.home / "zq.csv").write_text("\n".join(lines) + "\n")
    here.out("fed", "import", "zq.csv")
    parsed = json.loads(here.out("fed", "calibration", "--format", "json", "--at", "2024-09-20"))
    assert parsed["scores"]["futures"]["1"] == {
        "n": 2, "by_settlements": 2, "brier": None, "mean_cut": None, "share_cut": None,
    }  # fmt: skip
    (september,) = (each for each in parsed["decisions"] if each["date"] == "2024-09-18")
    assert september["move_bp"] == -50
    assert september["forecasts"][0]["by"] == "settlements"
    text = here.out("fed", "calibration", "--at", "2024-09-20")
    assert "18 Sep 2024" in text
    assert "too few: 10 needed" in text
    assert "2024-09-18" not in here.out("fed", "calibration", "--format", "json", "--at", "2024-09-17")
