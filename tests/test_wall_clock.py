"""One module reads the machine's wall clock, and ROTATION_TUI_NOW sets it for a whole process."""

from __future__ import annotations

import ast
import json
import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from feeds import clock, supervisor
from feeds.errors import InputError
from feeds.supervisor import Supervisor
from rotation.history import History
from rotation.market.market import Market
from rotation.sessions import to_ns
from tests.support.clock import setting
from tests.support.fake_time import NOW_NS
from tests.support.paths import ROOT
from tests.support.tui.program import LIMIT_S, Program, complaint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

THE_CLOCK = "feeds/clock.py"
READS = {
    "time": {
        "time",
        "time_ns",
        "localtime",
        "gmtime",
        "ctime",
        "asctime",
        "clock_gettime",
        "clock_gettime_ns",
    },
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
HALF_DAY = "2026-11-27T12:30:00-05:00"


def reads(path: Path) -> Iterator[str]:
    """The places where a module reads the wall clock, as ``file:line``."""
    tree = ast.parse(path.read_text("utf-8"))
    imports = {
        name.asname or name.name: name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = (
                node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            )
            if node.attr in READS.get(imports.get(owner, ""), ()):
                yield f"{path.relative_to(ROOT)}:{node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (
                f"{path.relative_to(ROOT)}:{node.lineno}" for name in node.names if name.name in READS["time"]
            )


def test_no_other_module_of_the_product_reads_the_wall_clock():
    modules = [path for folder in ("feeds", "rotation", "tui") for path in (ROOT / folder).rglob("*.py")]
    assert len(modules) > 200
    places = [place for path in modules for place in reads(path)]
    assert {place.partition(":")[0] for place in places} == {THE_CLOCK}, places


def test_the_clock_starts_at_the_instant_and_runs_on():
    instant_ns = to_ns(datetime.fromisoformat(HALF_DAY))
    machine_ns = time.time_ns()
    assert clock._shift_ns("", machine_ns) == 0
    assert clock._shift_ns(HALF_DAY, machine_ns) == instant_ns - machine_ns
    tied = f"{HALF_DAY}@2026-11-26T23:00:00Z"
    assert clock._shift_ns(tied, machine_ns) == instant_ns - to_ns(
        datetime.fromisoformat("2026-11-26T23:00Z")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "soon",
        "2026-11-27",
        "2026-11-27T12:30:00",
        f"{HALF_DAY}@",
        f"{HALF_DAY}@soon",
        "@",
        "1969-12-31T23:00Z",
        "2200-01-01T00:00Z",
        "99999-01-01T00:00Z",
    ],
)
def test_what_is_not_an_instant_is_named(wrong):
    with pytest.raises(
        InputError, match=r"ROTATION_TUI_NOW: .* is not a time from 1970 to 2099 with its zone"
    ):
        clock._shift_ns(wrong, 0)


def test_a_program_with_its_clock_set_says_so_on_stderr_and_in_its_health(tmp_path):
    program = Program(tmp_path)
    program.env |= setting(to_ns(datetime.fromisoformat(HALF_DAY)))
    (tmp_path / "IWM.csv").write_text("date,close\n2026-11-24,220.0\n2026-11-25,221.0\n")
    with program.start("snapshot", "--history", ".", "--format", "json") as running:
        out, err = running.communicate(timeout=LIMIT_S)
    assert running.returncode == 0
    assert err.startswith(
        "rotation-tui: the clock is set by ROTATION_TUI_NOW, not live: it is now 2026-11-27"
    )
    assert len(err.splitlines()) == 1
    taken = json.loads(out)
    assert taken["as_of"].startswith("2026-11-27T17:")
    assert taken["phase"] == "REGULAR"
    (row,) = [feed for feed in taken["health"]["feeds"] if feed["name"] == "clock"]
    assert "ROTATION_TUI_NOW" in row["detail"]


async def test_a_desk_with_its_clock_set_says_so_in_its_health(monkeypatch):
    warning = "the clock is set by ROTATION_TUI_NOW"
    monkeypatch.setattr(supervisor, "clock_warning", lambda: warning)
    market = Market(History.empty(), as_of_ns=NOW_NS)
    live, tested = Supervisor(market, []), Supervisor(market, [], clock_ns=lambda: NOW_NS)
    await live.run()
    await tested.run()
    assert live.latest is not None
    assert [(row.name, row.detail) for row in live.latest.health.feeds] == [("clock", warning)]
    assert tested.latest is not None
    assert tested.latest.health.feeds == (), "a clock of a test's own is not the wall clock"


def test_a_program_told_nonsense_ends_with_one_line(tmp_path):
    program = Program(tmp_path)
    program.env["ROTATION_TUI_NOW"] = "soon"
    for args in (["snapshot"], ["fed"], ["doctor"], ["history", "list"]):
        assert "ROTATION_TUI_NOW: 'soon' is not a time" in complaint(program(*args))


def test_without_the_variable_nothing_is_said(tmp_path):
    program = Program(tmp_path)
    program.env.pop("ROTATION_TUI_NOW", None)
    (tmp_path / "IWM.csv").write_text("date,close\n2024-07-15,220.0\n2024-07-16,221.0\n")
    taken = program.snapshot("--history", ".")
    assert taken["legs"]["IWM"]["last"] == 221.0
    assert "clock" not in {feed["name"] for feed in taken["health"]["feeds"]}
