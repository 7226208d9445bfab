"""Small things that newcomers met: each is one clear line, or just works."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rotation.desk import LegList
from rotation.history import History
from rotation.sync_report import SyncProgress
from tests.support.clock import without_notice
from tests.support.paths import ROOT
from tests.support.tui.files import closes
from tests.support.tui.program import COMMAND, Here, Program, complaint
from tui.cli.history import line
from tui.compose.desk.wishes import desk_on
from tui.desk import DeskError
from tui.screen.picture import svg
from tui.screen.scene import draw_panel
from tui.view.view_state import ViewState
from tui.wanted import Wanted


@pytest.fixture
def here(tmp_path, monkeypatch, capfd) -> Here:
    return Here(tmp_path, monkeypatch, capfd)


def test_strip_without_a_file_shows_one_that_can_be_used(here):
    done = here("fed", "--strip")
    assert done.returncode == 2
    shown = done.stderr[done.stderr.index("{") :]
    sample = ROOT / "docs" / "strip.json"
    assert json.loads(shown) == json.loads(sample.read_text())
    assert here("fed", "--strip", sample).stdout.startswith("16 Jul 2024, target range 525-550 bp")
    assert f"--strip {sample.relative_to(ROOT)}" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("args", [("snapshot", "--demo"), ("figures",)])
def test_a_full_disk_is_said(tmp_path, args):
    program = Program(tmp_path)
    with Path("/dev/full").open("wb") as full:
        running = program.start(*args, stdout=full)
        _, err = running.communicate(timeout=300)
    assert (running.returncode, without_notice(err)) == (
        1, "rotation-tui: the output cannot be written: No space left on device\n",
    )  # fmt: skip


PRINT = [
    "snapshot --demo", "snapshot --demo --format json", "watch --demo", "watch --demo --format text",
    "figures", "explain iwm.last --demo", "alerts test 'iwm.last > 1' --since 2024-07-01 --history closes",
    "fed --strip strip.json", "config show", "doctor", "--version",
]  # fmt: skip


@pytest.mark.parametrize("command", PRINT)
@pytest.mark.parametrize("closed", [">&-", "<&- >&-"])
def test_a_closed_output_is_said(tmp_path, command, closed):
    """A database that took its place would be written over."""
    program = Program(tmp_path)
    (tmp_path / "strip.json").write_bytes((ROOT / "docs" / "strip.json").read_bytes())
    closes(tmp_path / "closes", "IWM", 1.0, 2.0)
    done = program.run(["sh", "-c", f"{COMMAND} {command} {closed}"])
    assert (done.returncode, done.stderr) == (
        1, "rotation-tui: the output cannot be written: standard output is closed\n",
    )  # fmt: skip


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_other_closed_streams_are_not_missed(tmp_path, closed):
    done = Program(tmp_path).run(["sh", "-c", f"{COMMAND} snapshot --demo {closed}"])
    assert (done.returncode, done.stdout[:5]) == (0, "DEMO ")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8"])
def test_a_pipe_gets_what_its_encoding_can(tmp_path, encoding):
    program = Program(tmp_path)
    done = subprocess.run(
        [COMMAND, "snapshot", "--demo"], env={**program.env, "PYTHONIOENCODING": encoding},
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "?" not in text
    assert ("▲5 (4+1)" if encoding == "utf-8" else "^5 (4+1)") in text


def test_errors_name_the_option_that_was_given(here, tmp_path):
    tape = tmp_path / "IWM_5m_2024-07-16.csv"
    tape.write_text("start,open,high,low,close,volume\n2024-07-16T09:30:00-04:00,1,1,1,1,1\n")
    assert complaint(here("replay", tape, "--from", "2999-01-01")).startswith("rotation-tui: --from: 2999")
    assert complaint(here("snapshot", "--tape", tape, "--at", "2999-01-01")).startswith(
        "rotation-tui: --at: 2999"
    )


def test_history_is_removed(here, tmp_path):
    closes(tmp_path / "closes", "IWM", 1.0, 2.0)
    closes(tmp_path / "closes", "QQQ", 1.0, 2.0)
    here("history", "import", tmp_path / "closes")
    assert here("history", "remove", "iwm").stdout == "removed IWM: 2 sessions\n"
    assert here("history", "list").stdout.split()[0] == "QQQ"
    assert complaint(here("history", "remove", "IWM")).startswith("rotation-tui: IWM: not stored")


def test_a_stray_file_is_named_and_the_rest_imported(here, tmp_path):
    closes(tmp_path / "closes", "IWM", 1.0, 2.0)
    (tmp_path / "closes" / "my notes.csv").write_text("a\n1\n")
    done = here("history", "import", tmp_path / "closes")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("left out the file my notes.csv: ")
    assert done.stdout.splitlines()[1].startswith("IWM ")
    taken = here.snapshot("--history", tmp_path / "closes")
    assert "1 file left out" in taken["health"]["history"]


def test_one_symbol_is_singular():
    progress = SyncProgress(done=0, total=1, failed=0, per_s=None, left_s=None)
    assert line(progress) == "0/1 symbol"


def rows(panel, snapshot, width, height) -> list[str]:
    drawn = draw_panel(panel, snapshot, ViewState(), width, height).rows
    return ["".join(text for text, _ in row) for row in drawn]


@pytest.mark.parametrize("width", [58, 61, 64, 70, 80, 93])
def test_no_date_of_the_spread_is_cut(scenes, width):
    text = "\n".join(rows("spread", scenes["live"], width, 20)[:7])
    assert "…" not in text
    assert re.search(r"14 Nov 2016", text)


def test_the_ratio_says_which_prices_are_missing(scenes):
    text = "\n".join(rows("ratio", scenes["empty"], 80, 22))
    assert "no daily closes for both legs: run rotation-tui history sync" in text
    assert "no prices for both legs in this session yet" in text


def test_every_character_of_the_picture_has_its_place(scenes):
    picture = svg(scenes["live"], size=(100, 30))
    root = ET.fromstring(picture)
    parts = list(root.iter("{http://www.w3.org/2000/svg}tspan"))
    assert "textLength" not in picture
    assert len(parts) > 200
    for part in parts:
        places = [float(place) for place in part.attrib["x"].split()]
        assert len(places) == len(part.text or "")
        assert all(round(place / 12.2, 3).is_integer() for place in places)
    assert sum("221.28" in (each.text or "") for each in parts) == 1


def test_a_share_under_two_spellings_is_named(here):
    """Vendors know one of them, so that the other had no prices."""
    message = complaint(here("snapshot", "--legs", "IWM,BRK-B,BRK.B", "--demo"))
    assert message == "rotation-tui: BRK-B and BRK.B are two spellings of one share: name it once"


def test_help_begins_with_what_a_newcomer_looks_for_and_cuts_no_sentence(here):
    """NATS came first, and a command's own options last."""
    firsts = (((), "--pair"), (("snapshot",), "--at"), (("watch",), "--tape"), (("explain",), "--at"))
    for command, first in firsts:
        shown = re.findall(r"(?m)^  (--[a-z-]+)", here.out(*command, "--help"))
        assert shown[0] == first
        assert [each for each in shown if each.startswith("--nats")] == shown[-6:], command
    for group in ((), ("alerts",), ("config",), ("fed",), ("history",), ("macro",), ("members",), ("lists",)):
        commands = here.out(*group, "--help").split("Commands:")[1].split("Example")[0]
        assert "..." not in commands, group


def test_offline_time_and_sources_are_not_blamed_for_what_nobody_asked(here):
    for command in (("snapshot", "--offline"), ("levels", "--at", "2024-07-16")):
        done = here(*command)
        assert done.returncode == 1
        assert "no daily closes are stored; run rotation-tui history sync" in done.stderr


@pytest.mark.parametrize(
    ("wanted", "setting"),
    [
        (Wanted(legs=("IWM", "QQQ", "BRK-B", "BRK.B")), "desk.legs"),
        (Wanted(legs=("IWM", "QQQ", "BRK-B"), lists=(LegList("own", ("BRK.B",)),)), ""),
        (Wanted(legs=("IWM", "QQQ"), pairs=(("BRK-B", "BRK.B"),)), ""),
    ],
    ids=["both are legs", "one is of a group", "a pair"],
)
def test_the_setting_that_names_a_share_twice_is_said_where_it_is_one(wanted, setting):
    with pytest.raises(DeskError, match="are two spellings of one share") as caught:
        desk_on(History.empty(), wanted)
    assert caught.value.setting == setting
