"""The configuration file as the program meets it: what goes before what, and what a broken one stops."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.tui.program import Here, Program


@pytest.fixture
def program(here) -> Here:
    return here


def write(program: Program, text: str) -> str:
    path = program.home / "config" / "rotation-tui" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def pair_of(program: Program, *args: str) -> tuple[str, str]:
    taken = json.loads(program.out("snapshot", "--demo", *args, "--format", "json"))
    return taken["spread"]["base"], taken["spread"]["against"]


def test_an_option_goes_before_the_environment_and_that_before_the_file(program) -> None:
    write(program, '[desk]\npair = "IWM/SPY"\n')
    assert pair_of(program) == ("IWM", "SPY")
    program.env["ROTATION_TUI_PAIR"] = "DIA/QQQ"
    assert pair_of(program) == ("DIA", "QQQ")
    assert pair_of(program, "--pair", "KRE/QQQ") == ("KRE", "QQQ")


def test_the_legs_of_the_file_are_the_legs_shown(program) -> None:
    write(program, '[desk]\nlegs = ["KRE", "DIA"]\n')
    taken = json.loads(program.out("snapshot", "--demo", "--format", "json"))
    assert list(taken["legs"]) == ["IWM", "QQQ", "KRE", "DIA"]


def test_more_pairs_of_the_file_are_in_the_json_and_the_first_stands_as_ever(program) -> None:
    alone = json.loads(program.out("snapshot", "--demo", "--format", "json"))
    write(program, '[desk]\npairs = ["IWN/IVW", "kre/qqq", "IWM/QQQ"]\n')
    taken = json.loads(program.out("snapshot", "--demo", "--format", "json"))
    pairs = taken.pop("pairs")
    assert taken == {name: value for name, value in alone.items() if name != "pairs"}
    assert list(pairs) == ["IWN/IVW", "KRE/QQQ"]
    assert pairs["KRE/QQQ"]["spread"]["base"] == "KRE"
    assert pairs["KRE/QQQ"]["spread"]["windows"]["5"]["pp"] is not None
    assert pairs["KRE/QQQ"]["headline"].startswith("Regional banks (KRE) ")
    program.env["ROTATION_TUI_PAIRS"] = "DIA/SPY"
    taken = json.loads(program.out("snapshot", "--demo", "--format", "json"))
    assert list(taken["pairs"]) == ["DIA/SPY"]
    write(program, '[desk]\n\npairs = ["IWN/IWN"]\n')
    assert "line 3: desk.pairs: expected two different symbols" in program("snapshot", "--demo").stderr


def test_a_list_is_imported_and_its_symbols_are_legs(program) -> None:
    path = write(program, '# mine\n[groups]\nbanks = ["KRE", "KBE"]\n')
    listed = program.home / "positions.csv"
    listed.write_text("Symbol,Shares\nDIA,5\nAAPL,1\n")
    message = program.out("lists", "import", listed, "--name", "mine")
    assert message.startswith(f"added the watch list 'mine' with 2 symbols to {path}")
    assert message.endswith("\na running desk picks it up within a few seconds; w shows it\n")
    assert program.out("config", "check").endswith(": 0 settings, 1 group, 1 watch list, no error\n")
    assert program("lists", "import", listed, "--name", "mine").stderr.startswith(
        "rotation-tui: 'mine' is there already"
    )
    assert [line.split() for line in program.out("lists", "show").splitlines()] == [
        ["banks", "group", "KRE", "KBE"],
        ["mine", "watch", "list", "DIA", "AAPL"],
    ]
    taken = json.loads(program.out("snapshot", "--demo", "--format", "json"))
    assert [(each["name"], each["is_watchlist"]) for each in taken["lists"]] == [
        ("", False),
        ("banks", False),
        ("mine", True),
    ]
    assert "KRE" not in taken["lists"][0]["symbols"]
    assert set(taken["graph"]["daily"]) >= {"KRE"}
    listed.write_text("Symbol\nDIA\nA B\n")
    assert "positions.csv, line 3: 'A B' is not a valid symbol" in program("lists", "import", listed).stderr


def test_a_broken_file_stops_a_run_but_not_what_mends_it(program) -> None:
    path = write(program, '[desk]\npair = "IWM"\n')
    done = program("snapshot", "--demo")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"rotation-tui: {path}, line 2: desk.pair: expected two different symbols")
    checked = program("config", "check")
    assert (checked.returncode, checked.stderr) == (2, done.stderr)
    assert program("--help").returncode == 0
    assert program("config", "path", "--file").stdout.strip() == path
    assert program("config", "init").returncode == 2
    assert program("config", "init", "--force").returncode == 0
    assert program.out("config", "check").endswith("0 settings, no error\n")


def test_init_writes_a_file_once(program) -> None:
    made = program.out("config", "init")
    path = made.removeprefix("wrote ").strip()
    again = program("config", "init")
    assert again.returncode == 2
    assert again.stderr == f"rotation-tui: {path} exists; edit it, or replace it with --force\n"


def test_show_says_where_values_come_from_and_names_what_nothing_reads(program) -> None:
    path = write(program, '[desk]\npair = "IWM/SPY"\n')
    program.env["ROTATION_TUI_PIAR"] = "IWM/QQQ"
    done = program("config", "show", "--origin")
    assert any(line.split() == ["desk.pair", '"IWM/SPY"', f"{path}:2"] for line in done.stdout.splitlines())
    assert done.stderr == "ROTATION_TUI_PIAR is set, but nothing reads it\n"


CLOSED = """
import sys
from datetime import date
from rotation.sessions import previous_session
from tui.compose.backend import LocalBackend
from tui.cli import app

sys.argv = ["rotation-tui", "themes"]
assert app.run(LocalBackend()) == 0
print(previous_session(date(2031, 3, 6)))
"""


def test_a_closure_of_the_file_is_no_session(program) -> None:
    assert program.run([sys.executable, "-c", CLOSED]).stdout.endswith("2031-03-05\n")
    write(program, "[market]\nclosures = [2031-03-05]\n")
    assert program.run([sys.executable, "-c", CLOSED]).stdout.endswith("2031-03-04\n")
    program.env["ROTATION_TUI_CLOSURES"] = "2031-03-04"
    assert program.run([sys.executable, "-c", CLOSED]).stdout.endswith("2031-03-05\n")


def benchmark_of(program: Program, *args: str) -> tuple[str, list[str]]:
    taken = json.loads(program.out("snapshot", "--demo", *args, "--format", "json"))
    return taken["graph"]["benchmark"], list(taken["legs"])


def test_the_graph_s_benchmark_is_a_setting_and_then_a_leg(program) -> None:
    """Nothing named: SPY where it is a leg, else the pair's other leg."""
    assert benchmark_of(program)[0] == "SPY"
    assert benchmark_of(program, "--legs", "KRE,DIA") == ("QQQ", ["IWM", "QQQ", "KRE", "DIA"])
    named = benchmark_of(program, "--legs", "KRE", "--benchmark", "dia")
    assert named == ("DIA", ["IWM", "QQQ", "KRE", "DIA"])
    write(program, '[desk]\nbenchmark = "KRE"\nlegs = ["DIA"]\n')
    assert benchmark_of(program) == ("KRE", ["IWM", "QQQ", "DIA", "KRE"])
    program.env["ROTATION_TUI_BENCHMARK"] = "DIA"
    assert benchmark_of(program)[0] == "DIA"
    assert benchmark_of(program, "--benchmark", "QQQ")[0] == "QQQ"
    assert "not a valid symbol" in program("snapshot", "--demo", "--benchmark", "S P").stderr
