"""The installed command, as a script or a person meets it: output, exit codes, one line for every error."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import click
import jsonschema
import msgspec
import polars as pl
import pytest

from rotation.errors import InputError, NothingToShowError
from rotation.quote import NS
from rotation.sessions import from_ns, open_ns, sessions_between
from rotation.snapshot import Snapshot
from tests.support.clock import without_notice
from tests.support.tui.files import BARS, closes, tape, write
from tests.support.tui.program import LIMIT_S, Program, complaint
from tui.cli import app as cli
from tui.cli import logs
from tui.cli.watch import watch

SUBCOMMANDS = [
    [],
    ["demo"],
    ["contributions"],
    ["fed", "import"],
    ["history", "remove"],
    ["members"],
    ["lists"],
    ["lists", "import"],
    ["lists", "show"],
    ["macro"],
    ["macro", "import"],
    ["members", "import"],
    ["members", "list"],
    ["members", "sync"],
    ["replay"],
    ["snapshot"],
    ["watch"],
    ["history"],
    ["history", "import"],
    ["history", "list"],
    ["history", "sync"],
    ["themes"],
    ["figures"],
    ["explain"],
    ["levels"],
    ["episodes"],
    ["alerts"],
    ["alerts", "add"],
    ["alerts", "history"],
    ["alerts", "list"],
    ["alerts", "test"],
    ["alerts", "watch"],
    ["fed"],
    ["fed", "history"],
    ["fed", "calibration"],
    ["macro", "releases"],
    ["host"],
    ["hub"],
    ["record"],
    ["doctor"],
    ["config"],
    ["config", "path"],
    ["config", "show"],
    ["config", "init"],
    ["config", "check"],
    ["config", "key"],
    ["config", "key", "set"],
    ["config", "key", "clear"],
    ["config", "key", "list"],
]


@pytest.fixture
def program(tmp_path) -> Program:
    return Program(tmp_path)


# Help and version


@pytest.mark.parametrize("command", SUBCOMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(here, command):
    output = here.out(*command, "--help")
    assert output.startswith("Usage: rotation-tui")
    assert "Example" in output
    example = output.partition("Example")[2]
    assert "rotation-tui" in example
    assert all(len(line) <= 80 for line in output.splitlines())
    assert here.out(*command, "-h") == output
    assert not here.state.exists(), "asking for help leaves nothing behind"


def test_every_command_is_in_the_list_above():
    def below(command, *path):
        yield list(path)
        if isinstance(command, click.Group):
            ctx = click.Context(command)
            for name in command.list_commands(ctx):
                yield from below(command.get_command(ctx, name), *path, name)

    assert sorted(below(cli.cli)) == sorted(SUBCOMMANDS)


def test_version(program):
    from rotation import __version__

    assert program.out("--version") == f"rotation-tui, version {__version__}\n"


def test_the_themes_have_names_that_can_be_given(here):
    names = [line.split()[0] for line in here.out("themes").splitlines()]
    assert {"midnight", "paper", "colourblind", "redup", "mono"} <= set(names)
    done = here("demo", "--theme", names[-1])
    assert (done.returncode, done.stdout[:4]) == (0, "DEMO")


# Bad input: exit code 2 and one line that says what and where


@pytest.fixture
def bad(tmp_path) -> Path:
    folder = tmp_path / "in"
    write(folder / "closes" / "IWM.csv", "date,close", "2024-07-15,217.19", "2024-07-16,oops")
    write(folder / "negative" / "IWM.csv", "date,close", "2024-07-15,217.19", "2024-07-16,-1")
    write(folder / "columns" / "IWM.csv", "day,price", "2024-07-15,217.19")
    write(folder / "bars" / "IWM_5m.csv", BARS + "2024-07-16T14:35:00Z,1,1,1,x,5")
    write(folder / "naive" / "IWM_5m.csv", BARS + "2024-07-16T14:35:00,1,1,1,1,5")
    write(folder / "none" / "IWM_5m.csv", BARS.strip())
    (folder / "empty").mkdir()
    (folder / "loop").mkdir()
    (folder / "loop" / "IWM.csv").symlink_to("IWM.csv")
    pl.DataFrame(
        {"symbol": [], "ts_ns": [], "price": []},
        schema={"symbol": pl.String, "ts_ns": pl.Int64, "price": pl.Float64},
    ).write_parquet(folder / "empty.parquet")
    (folder / "broken.parquet").write_bytes(b"PAR1 this is none")
    return folder


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ("snapshot --history in/nowhere", ["in/nowhere", "no such file or folder"]),
        ("snapshot --history in/empty", ["in/empty", "no .csv or .parquet file"]),
        ("snapshot --history in/closes", ["IWM.csv", "line 3", "oops"]),
        ("snapshot --history in/negative", ["IWM.csv", "line 3", "-1"]),
        ("snapshot --history in/columns", ["IWM.csv", "date"]),
        ("snapshot --history in/loop/IWM.csv", ["in/loop/IWM.csv"]),
        ("snapshot --history in/broken.parquet", ["broken.parquet"]),
        ("snapshot --tape in/nowhere.csv", ["in/nowhere.csv", "no such file or folder"]),
        ("snapshot --tape in/bars/IWM_5m.csv", ["IWM_5m.csv", "line 2", "'x'"]),
        ("snapshot --tape in/naive/IWM_5m.csv", ["IWM_5m.csv", "line 2", "zone"]),
        ("snapshot --tape in/none/IWM_5m.csv", ["IWM_5m.csv", "no rows"]),
        ("snapshot --tape in/empty.parquet", ["empty.parquet", "no rows"]),
        ("snapshot --tape in/broken.parquet", ["broken.parquet"]),
        ("snapshot --at yesterday", ["--at", "'yesterday'", "2024-07-16T14:40:00Z"]),
        ("snapshot --at 2024-07-16T10:40:00", ["--at", "zone", "-04:00"]),
        ("snapshot --at 2024-07-13", ["--at", "not an NYSE session", "2024-07-12"]),
        ("snapshot --at 2199-07-16", ["--at", "future"]),
        ("snapshot --at 0001-01-01T00:00Z", ["--at", "1900"]),
        ("snapshot --pair IWM", ["--pair", "'IWM'", "IWM/QQQ"]),
        ("snapshot --pair IWM/IWM", ["--pair", "'IWM/IWM'"]),
        ("snapshot --pair IWM/QQQ/SPY", ["--pair"]),
        ("snapshot --pair IWM/É", ["--pair", "'É' is not a valid symbol", "A-Z 0-9"]),
        ("snapshot --pair ../x/QQQ", ["--pair"]),
        ("snapshot --pair ../QQQ", ["--pair", "'..' is not a valid symbol"]),
        ("snapshot --pair IWM/-", ["--pair", "'-' is not a valid symbol"]),
        ("snapshot --pair a?b/QQQ", ["--pair", "'a?b' is not a valid symbol"]),
        ("snapshot --pair ß/QQQ", ["--pair", "'ß' is not a valid symbol"]),
        (f"snapshot --pair {'A' * 90}/QQQ", ["--pair", "is not a valid symbol"]),
        ("snapshot --returns x", ["--returns", "'x'", "'price', 'total'"]),
        ("snapshot --leg-gap nan", ["--leg-gap", "expected a number of seconds, got nan"]),
        ("snapshot --leg-gap -1", ["--leg-gap", "x>=0"]),
        ("snapshot --format xml", ["--format", "'xml'", "'json'"]),
        ("snapshot --nope", ["--nope"]),
        ("replay", ["PATHS"]),
        ("replay in/none/IWM_5m.csv", ["IWM_5m.csv", "no rows"]),
        ("replay in/nowhere.csv", ["in/nowhere.csv"]),
        ("replay in/empty.parquet --speed 0", ["--speed", "0.1"]),
        ("demo --speed 1e9", ["--speed", "3600"]),
        ("demo --theme nope", ["'nope'", "midnight", "paper"]),
        ("demo --from noon", ["'noon'"]),
        ("watch --tape in/bars/IWM_5m.csv", ["IWM_5m.csv", "line 2"]),
        ("watch --from noon", ["--from", "'noon'"]),
        ("watch --for x", ["--for", "'x'"]),
        ("watch --for -1", ["--for"]),
        ("history import", ["PATHS"]),
        ("history import in/closes", ["IWM.csv", "line 3", "oops"]),
        ("history import in/nowhere.csv", ["in/nowhere.csv"]),
        ("--theme nope", ["'nope'", "midnight"]),
        ("--log-level loud", ["--log-level", "'loud'", "'debug'"]),
        ("--history in/closes", ["IWM.csv", "line 3"]),
        ("nope", ["'nope'"]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("bad")
def test_bad_input_is_one_line_and_exit_code_2(here, args, parts):
    line = complaint(here(*args.split()))
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("args", "part"),
    [
        ("snapshot --history in/closes", "IWM.csv, line 3"),
        ("watch --tape in/bars/IWM_5m.csv", "IWM_5m.csv, line 2"),
        ("replay in/none/IWM_5m.csv", "no rows"),
        ("snapshot --at 2024-07-16T10:40:00", "zone"),
        ("snapshot --pair IWM", "'IWM'"),
        ("--theme nope", "midnight"),
    ],
)
@pytest.mark.usefixtures("bad")
def test_bad_input_to_the_installed_command_is_the_same(program, args, part):
    assert part in complaint(program(*args.split()))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_bad_input(here, tmp_path):
    closes(tmp_path / "closes", "IWM", 1.0).chmod(0)
    assert "IWM.csv" in complaint(here("snapshot", "--history", "closes"))


def test_a_failure_of_our_own_is_one_line_and_its_details_are_in_the_log(program):
    script = (
        "import sys\n"
        "from tui.cli import app as cli\n"
        "class Backend:\n"
        "    def notices(self): return []\n"
        "    def snapshot(self, wanted): raise RuntimeError('two\\nlines')\n"
        "    import_history = list_history = lambda self, *a, **k: self.snapshot(None)\n"
        "    def open(self, wanted): return self\n"
        "    async def run(self):\n"
        "        try: self.snapshot(None)\n"
        "        except RuntimeError as error: raise ExceptionGroup('feeds', [error]) from None\n"
        "    async def listen(self): return; yield\n"
        "    def want(self, asked): pass\n"
        "sys.exit(cli.run(Backend()))"
    )
    for args in (["snapshot"], ["watch"], ["history", "list"], ["history", "import", "x"]):
        done = program.run([sys.executable, "-c", script, *args])
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("rotation-tui: internal error: RuntimeError: two lines")
        assert str(program.log) in line
        assert "Traceback" in program.log.read_text()
        program.log.unlink()


# Imported history


def test_imported_history_is_what_a_snapshot_shows(here, tmp_path):
    output = here.out(
        "history", "import", closes(tmp_path, "IWM", 10.0, 11.0, 12.0), closes(tmp_path, "QQQ", 5.0, 5.0, 4.0)
    )
    assert [line.split()[0] for line in output.splitlines()] == ["IWM", "QQQ"]
    assert "2024-07-12 to 2024-07-16" in output
    assert here.out("history", "list") == output
    taken = here.snapshot("--at", "2024-07-16")
    assert taken["mode"] == ""
    assert {s: leg["last"] for s, leg in taken["legs"].items()} == {"IWM": 12.0, "QQQ": 4.0}
    unknown = {"settled": None, "with_today": None, "provisional": False}
    assert taken["legs"]["IWM"]["streak"] == unknown, "it rose from history's first close on: at least twice"
    assert taken["legs"]["QQQ"]["streak"] == {"settled": -1, "with_today": -1, "provisional": False}
    assert taken["spread"]["windows"]["1"]["pp"] == pytest.approx(100 / 11 + 20)
    assert "DEMO" not in here.out("snapshot")


def test_before_an_import_there_is_nothing_and_the_list_says_how_to_begin(here):
    assert "history import --help" in here.out("history", "list")


def test_one_bad_file_keeps_the_good_ones_out_and_the_old_ones_in(here, tmp_path):
    good = closes(tmp_path, "IWM", 10.0, 11.0)
    bad = write(tmp_path / "QQQ.csv", "date,close", "2024-07-16,nan")
    assert "QQQ.csv, line 2" in complaint(here("history", "import", good, bad))
    assert here.out("history", "list").startswith("no history yet; run: rotation-tui history sync")
    assert here("snapshot").returncode == 1, "nothing was stored"

    old = here.out("history", "import", good)
    closes(tmp_path, "IWM", 10.0, 99.0)
    complaint(here("history", "import", good, bad))
    assert here.out("history", "list") == old
    assert here.snapshot("--at", "2024-07-16")["legs"]["IWM"]["last"] == 11.0


def test_a_shorter_series_replaces_a_longer_one_only_when_told(here, tmp_path):
    here.out("history", "import", closes(tmp_path, "IWM", 9.0, 10.0, 11.0))
    short = closes(tmp_path, "IWM", 10.0, 11.0)
    assert "--replace" in complaint(here("history", "import", short))
    here.out("history", "import", "--replace", short)
    assert here.out("history", "list").split()[1] == "2"


def test_a_named_folder_stands_before_what_was_imported(here, tmp_path):
    here.out("history", "import", closes(tmp_path, "IWM", 10.0, 11.0))
    closes(tmp_path / "other", "IWM", 20.0, 21.0)
    assert here.snapshot("--history", "other", "--at", "2024-07-16")["legs"]["IWM"]["last"] == 21.0


# One snapshot


def test_a_demo_that_was_asked_for_says_so_wherever_one_looks(here):
    text = here.out("snapshot", "--demo")
    assert text.startswith("DEMO ")
    assert "5th gain in a row (4 + today)" in text
    lines = here.out("watch", "--demo", "--for", "1").splitlines()
    for taken in (here.snapshot("--demo"), *map(json.loads, lines)):
        assert taken["mode"] == "DEMO"
        assert taken["headline"].startswith("DEMO: Russell 2000 (IWM)")
        assert {leg["state"] for leg in taken["legs"].values()} == {"DEMO"}


@pytest.mark.parametrize(
    "command",
    [
        ["snapshot"],
        ["snapshot", "--format", "json"],
        ["snapshot", "--format", "svg"],
        ["snapshot", "--at", "2024-07-16"],
        ["watch"],
        ["watch", "--for", "1"],
        [],
    ],
    ids=" ".join,
)
def test_a_script_never_gets_a_demo_that_nobody_asked_for(program, command):
    done = program(*command)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    for part in ("no daily closes are stored; run", "history sync", "--tape", "--demo"):
        assert part in line, "no source was asked, so none is blamed"


def test_online_too_a_script_never_gets_the_demo(here):
    del here.env["ROTATION_TUI_OFFLINE"]
    vendors = "YAHOO STOOQ FRED KALSHI POLYMARKET NEWYORKFED CALENDAR_FED"
    here.env |= {f"ROTATION_TUI_{name}_REST_URL": "http://127.0.0.1:9" for name in vendors.split()}
    done = here("snapshot")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "no source of quotes answered" in line


@pytest.mark.parametrize("command", ["snapshot", "watch"])
@pytest.mark.parametrize("beside", [["--tape", "x.csv"], ["--history", "x"]], ids=" ".join)
def test_the_demo_takes_no_other_data(here, command, beside):
    assert "leave out --history and --tape" in complaint(here(command, "--demo", *beside))


@pytest.mark.parametrize("args", [["demo"], ["demo", "--from", "2024-07-16T15:00:00Z"]], ids=" ".join)
def test_without_a_terminal_the_screen_is_one_text_snapshot_and_a_hint(program, args):
    done = program(*args)
    assert done.returncode == 0
    assert done.stdout.startswith("DEMO ")
    assert "\x1b" not in done.stdout
    (hint,) = done.stderr.splitlines()
    assert "is not a terminal; printed one snapshot (see: rotation-tui snapshot --help)" in hint
    assert "rotation-tui snapshot --help" in hint


def test_a_replay_without_a_terminal_is_one_text_snapshot_too(here, tmp_path):
    done = here("replay", tape(tmp_path, prints=4))
    assert (done.returncode, done.stdout.split()[0]) == (0, "REPLAY")


def test_json_is_what_the_schema_and_the_contract_say(here):
    text = here.out("snapshot", "--demo", "--format", "json")
    taken = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    jsonschema.validate(taken, msgspec.json.schema(Snapshot))
    assert msgspec.json.encode(msgspec.json.decode(text, type=Snapshot)).decode() == text.strip()
    assert {
        "seq",
        "as_of",
        "session",
        "phase",
        "legs",
        "spread",
        "value_growth",
        "fed",
        "breadth",
        "headline",
    } <= set(taken)
    assert taken["breadth"] is None
    assert (taken["fed"]["meeting"], taken["fed"]["state"]) == ("2024-07-31", "DEMO")
    windows = {"1", "5", "20", "60", "252"}
    assert {"IWM", "QQQ"} <= set(taken["legs"])
    for leg in taken["legs"].values():
        assert {"name", "last", "state", "age_s", "source", "return_pct", "streak", "since"} <= set(leg)
        assert set(leg["return_pct"]) == set(leg["since"]) == windows
        assert set(leg["streak"]) == {"settled", "with_today", "provisional"}
        assert all(
            set(since) == {"date", "value_pct", "first_date"} for since in leg["since"].values() if since
        )
    spread = taken["spread"]
    assert (spread["base"], spread["against"]) == ("IWM", "QQQ")
    assert set(spread["relative_streak"]) == {"settled", "with_today", "provisional"}
    assert set(spread["windows"]) == windows
    for window in spread["windows"].values():
        assert set(window) >= {
            "pp",
            "since",
            "z",
            "percentile",
            "n",
            "n_effective",
            "is_few",
            "since_either_way",
        }
        assert set(window["since"]) == {"date", "value_pp", "first_date"}


def test_a_record_says_since_when_records_are_kept(here, tmp_path):
    here.out("history", "import", closes(tmp_path, "IWM", *[10.0] * 251, 13.0))
    leg = here.snapshot("--at", "2024-07-16")["legs"]["IWM"]
    first = sessions_between(date(2022, 1, 1), date(2024, 7, 16))[-251]
    assert leg["since"]["1"] == {"date": None, "value_pct": None, "first_date": first.isoformat()}


def test_a_few_closes_are_no_ground_for_a_record(here, tmp_path):
    here.out("history", "import", closes(tmp_path, "IWM", 10.0, 11.0, 13.0))
    assert here.snapshot("--at", "2024-07-16")["legs"]["IWM"]["since"]["1"] is None


def test_unknown_is_null_and_a_dash_never_zero(here, tmp_path):
    here.out("history", "import", closes(tmp_path, "IWM", 10.0, 11.0))
    leg = here.snapshot("--at", "2024-07-16")["legs"]["IWM"]
    assert [leg["return_pct"][k] for k in ("5", "20", "60", "252")] == [None] * 4
    row = next(r for r in here.out("snapshot", "--at", "2024-07-16").splitlines() if r.startswith("IWM "))
    assert row.split()[2:7] == ["+10.00", "—", "—", "—", "—"]


def test_svg_is_a_picture_of_the_screen(here):
    root = ET.fromstring(here.out("snapshot", "--demo", "--format", "svg"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    shown = " ".join(root.itertext())
    for part in ("DEMO", "Russell 2000 (IWM)", "Legs", "Spread", "Ratio", "Health"):
        assert part in shown


def test_another_pair_and_total_returns(here):
    taken = here.snapshot("--demo", "--pair", "dia/spy", "--returns", "total")
    assert (taken["spread"]["base"], taken["spread"]["against"]) == ("DIA", "SPY")
    assert list(taken["legs"])[:2] == ["DIA", "SPY"]


def test_several_tapes_after_one_option(here, tmp_path):
    first = write(tmp_path / "IWM_5m.csv", BARS + "2024-07-16T14:35:00Z,1,1,1,1,5")
    two = write(tmp_path / "QQQ_5m.csv", BARS + "2024-07-16T14:35:00Z,2,2,2,2,5")
    for args in (["--tape", first, two], ["--tape", first, "--tape", two]):
        taken = here.snapshot(*args)
        assert {s: leg["last"] for s, leg in taken["legs"].items()} == {"IWM": 1.0, "QQQ": 2.0}
        assert taken["as_of"] == "2024-07-16T14:40:00Z"


# A stream of snapshots


def timeless(line: str) -> dict:
    """A line without what changes merely because time passes."""
    taken = json.loads(line)
    for leg in taken["legs"].values():
        del leg["age_s"]
    del taken["seq"], taken["as_of"], taken["health"]["feeds"], taken["health"]["tape"]
    return taken


def test_watch_ends_by_itself_at_the_tape_s_end(here, tmp_path):
    lines = here.out("watch", tape(tmp_path, prints=40, step_ns=60 * NS), "--speed", "3600").splitlines()
    taken = [json.loads(line) for line in lines]
    schema = msgspec.json.schema(Snapshot)
    for snapshot in (taken[0], taken[-1]):
        jsonschema.validate(snapshot, schema)
    assert len(lines) > 2
    assert all(a["seq"] < b["seq"] and a["as_of"] <= b["as_of"] for a, b in pairwise(taken))
    bare = [timeless(line) for line in lines]
    assert all(a != b for a, b in pairwise(bare)), "a line only where something changed"
    assert taken[-1]["legs"]["IWM"]["last"] == 200.39
    assert taken[-1]["health"]["tape"]["position"] == taken[-1]["health"]["tape"]["end"]
    assert taken[-1]["mode"] == "REPLAY"


def test_watch_for_a_while(here, tmp_path):
    long = tape(tmp_path, prints=3_000, step_ns=5 * NS)
    lines = here.out("watch", "--tape", long, "--speed", "60", "--for", "2").splitlines()
    assert len(lines) > 1
    position = json.loads(lines[-1])["health"]["tape"]["position"]
    assert position < from_ns(open_ns(date(2024, 7, 16)) + 3_000 * 5 * NS).isoformat(), "the tape goes on"


def test_watch_for_no_time_at_all(here):
    assert len(here.out("watch", "--demo", "--for", "0").splitlines()) <= 1


def test_watch_without_a_tape_tells_the_settled_state_and_ends(here, tmp_path):
    here.out("history", "import", closes(tmp_path, "IWM", 10.0, 11.0))
    (line,) = here.out("watch").splitlines()
    assert json.loads(line)["legs"]["IWM"]["last"] == 11.0


def test_watch_begins_where_it_is_told(here, tmp_path):
    path = tape(tmp_path, prints=40, step_ns=60 * NS)
    lines = here.out("watch", path, "--from", "2024-07-16T14:00:00Z", "--speed", "3600").splitlines()
    assert json.loads(lines[0])["as_of"] == "2024-07-16T14:00:00Z"


@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_goes_away_ends_watch_quietly(program, tmp_path, lines):
    with program.start("watch", tape(tmp_path, prints=20_000, step_ns=NS), "--speed", "60") as running:
        for _ in range(lines):
            json.loads(running.stdout.readline())
        running.stdout.close()
        assert without_notice(running.stderr.read()) == ""
        assert running.wait(LIMIT_S) == 0


def test_a_reader_that_goes_away_ends_snapshot_quietly(program):
    with program.start("snapshot", "--demo", "--format", "svg") as running:
        running.stdout.close()
        assert without_notice(running.stderr.read()) == ""
        assert running.wait(LIMIT_S) == 0


class ScriptedDesk:
    """A desk that says these snapshots, then fails or goes on for ever if told to."""

    controls = None

    def __init__(self, *snapshots: Snapshot, error: Exception | None = None, stays: bool = False) -> None:
        self._snapshots = snapshots
        self._error = error
        self._stays = stays
        self._done = asyncio.Event()
        self.wants = []

    async def run(self) -> None:
        await self._done.wait()
        if self._error is not None:
            raise self._error

    async def listen(self):
        for snapshot in self._snapshots:
            yield snapshot
        self._done.set()
        if self._stays:
            await asyncio.Event().wait()

    def want(self, asked):
        self.wants.append(asked)


async def test_what_changes_only_in_time_is_no_line(scenes):
    replace = msgspec.structs.replace
    first = scenes["live"]
    later = replace(
        first,
        seq=first.seq + 1,
        as_of=first.as_of + timedelta(seconds=9),
        legs={symbol: replace(leg, age_s=(leg.age_s or 0) + 9) for symbol, leg in first.legs.items()},
        health=replace(first.health, feeds=()),
    )
    moved = replace(
        later, seq=first.seq + 2, legs={**later.legs, "IWM": replace(later.legs["IWM"], last=1.0)}
    )
    out = io.StringIO()
    await watch(ScriptedDesk(first, later, later, moved, moved), None, out)
    assert [msgspec.json.decode(line, type=Snapshot) for line in out.getvalue().splitlines()] == [
        replace(shown, headline=f"DEMO: {shown.headline}") for shown in (first, moved)
    ]


async def test_what_the_desk_raises_comes_out_of_watch_after_what_it_said(scenes):
    out = io.StringIO()
    with pytest.raises(InputError, match="the tape broke"):
        await watch(ScriptedDesk(scenes["live"], error=InputError("the tape broke")), None, out)
    assert len(out.getvalue().splitlines()) == 1


async def test_watch_tells_of_no_desk_that_has_no_price_and_gives_up(scenes, monkeypatch):
    monkeypatch.setattr("tui.cli.watch.NOTHING_S", 0.1)
    out = io.StringIO()
    with pytest.raises(NothingToShowError):
        await watch(ScriptedDesk(scenes["empty"], stays=True), None, out)
    assert out.getvalue() == ""


async def test_watch_ends_when_nobody_reads_though_nothing_changes(scenes, monkeypatch):
    monkeypatch.setattr("tui.cli.watch.LOOK_S", 0.01)
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as out, pytest.raises(BrokenPipeError):
        await watch(ScriptedDesk(scenes["empty"], stays=True), None, out)


async def test_watch_for_a_time_leaves_a_desk_that_goes_on(scenes):
    out = io.StringIO()
    await watch(ScriptedDesk(scenes["live"], stays=True), 0.1, out)
    assert len(out.getvalue().splitlines()) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


# The log


@pytest.mark.parametrize("level", ["debug", "error"])
def test_the_log_is_a_file_and_never_the_screen(program, tmp_path, level):
    path = tape(tmp_path, prints=4)
    quiet = program.out("snapshot", "--tape", path)
    loud = program.out("--log-level", level, "snapshot", "--tape", path)
    assert loud == quiet
    program.log.unlink()
    program.out("--log-level", level, "watch", path, "--speed", "60")
    assert ("feed tape starts as REPLAY" in program.log.read_text()) == (level == "debug")
    assert [file.name for file in program.log.parent.iterdir()] == [program.log.name]


def test_notes_of_an_import_go_to_the_log(here, tmp_path):
    folder = tmp_path / "closes"
    write(folder / "IWM.csv", "date,close", "2024-07-13,10", "2024-07-15,11")
    done = here("snapshot", "--history", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "WARNING feeds.desk.opened.sources: history: " in here.log.read_text()


def test_a_state_folder_that_cannot_be_written_stops_nothing(here):
    write(here.state)
    assert here.out("snapshot", "--demo").startswith("DEMO ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_not_told_on_the_screen(program):
    program.log.parent.mkdir(parents=True)
    program.log.symlink_to("/dev/full")
    assert program.out("--log-level", "debug", "watch", "--demo", "--for", "0.5") != ""


def test_the_log_rotates_and_its_size_is_bounded(tmp_path, monkeypatch, own_root):
    monkeypatch.setattr(logs, "MAX_BYTES", 2_000)
    monkeypatch.setattr(logs, "log_file", lambda: tmp_path / "deep" / "rotation-tui.log")
    path = logs.start("info")
    assert path == tmp_path / "deep" / "rotation-tui.log"
    log = logging.getLogger("test")
    for i in range(500):
        log.debug("not told")
        log.info("line %03d of a log that goes on", i)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == [
        path.name,
        *(f"{path.name}.{n}" for n in range(1, logs.BACKUPS + 1)),
    ]
    assert all(file.stat().st_size <= 2_000 for file in files)
    kept = "".join(file.read_text() for file in reversed(files)).splitlines()
    assert [line.split("line ")[1][:3] for line in kept] == [f"{i:03}" for i in range(500 - len(kept), 500)]
    assert "INFO test: line 499" in kept[-1]


# The case it must tell


@pytest.fixture(scope="module")
def case(shared_data, tmp_path_factory):
    """The snapshot at an instant or session of July 2024, from the real closes and bars."""
    program = Program(tmp_path_factory.mktemp("case"))
    bars = [shared_data / "intraday" / f"{symbol}_5m_2024-07-16.csv" for symbol in ("IWM", "QQQ")]

    def take(at: str) -> dict:
        return program.snapshot("--history", shared_data / "daily", "--tape", *bars, "--at", at)

    return take


def test_the_case_at_10_40(case):
    taken = case("2024-07-16T14:40:00Z")
    assert (taken["as_of"], taken["session"], taken["phase"]) == (
        "2024-07-16T14:40:00Z",
        "2024-07-16",
        "REGULAR",
    )
    iwm, qqq = taken["legs"]["IWM"], taken["legs"]["QQQ"]
    assert (iwm["last"], qqq["last"]) == (221.28, 495.43)
    assert (iwm["state"], iwm["age_s"]) == ("REPLAY", 0.0)
    assert iwm["return_pct"]["1"] == pytest.approx(1.88, abs=0.005)
    assert iwm["streak"] == {"settled": 4, "with_today": 5, "provisional": True}
    assert iwm["return_pct"]["5"] == pytest.approx(9.87090, abs=1e-5)
    assert iwm["since"]["5"]["date"] == "2020-05-27"
    assert iwm["since"]["5"]["value_pct"] == pytest.approx(10.018, abs=1e-3)
    five = taken["spread"]["windows"]["5"]
    assert five["pp"] == pytest.approx(10.341, abs=1e-3)
    assert five["since"]["date"] == "2016-11-14"
    assert five["since"]["value_pp"] == pytest.approx(10.401, abs=1e-3)
    assert taken["value_growth"]["low"]["date"] == "2024-07-05"
    assert taken["value_growth"]["low"]["since"] is None
    assert taken["headline"] == (
        "Russell 2000 (IWM) +1.88 %, 5th gain in a row (4 + today); +9.9 % in 5 sessions,"
        " best since 27 May 2020; 10.3 pp ahead of Nasdaq 100 (QQQ), widest lead since 14 Nov 2016."
    )


def test_the_case_after_that_day_s_close(case):
    taken = case("2024-07-16")
    iwm, five = taken["legs"]["IWM"], taken["spread"]["windows"]["5"]
    assert iwm["streak"] == {"settled": 5, "with_today": 5, "provisional": False}
    assert iwm["return_pct"]["5"] == pytest.approx(11.519, abs=1e-3)
    assert iwm["since"]["5"]["date"] == "2020-04-29"
    assert five["pp"] == pytest.approx(11.807, abs=1e-3)
    assert five["since"]["date"] == "2001-04-03"
    assert iwm["source"] == "history daily"


def test_the_case_after_the_close_before_and_its_trap(case):
    taken = case("2024-07-15")
    iwm = taken["legs"]["IWM"]
    assert taken["session"] == "2024-07-15"
    assert iwm["return_pct"]["1"] == pytest.approx(1.900, abs=5e-4)
    assert iwm["streak"] == {"settled": 4, "with_today": 4, "provisional": False}
