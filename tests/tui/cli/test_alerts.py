"""``rotation-tui alerts`` as a person meets it, and that the examples of docs/alerts.md can be used."""

from __future__ import annotations

import json
import re
import signal
import time
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT
from tests.support.tui.files import closes, tape
from tests.support.tui.program import COMMAND, Here, Program, complaint
from tui.settings.file import read

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("YAHOO_REST", "KALSHI_REST", "POLYMARKET_REST", "NEWYORKFED_REST", "FRED_REST", "TREASURY_REST")
NOWHERE = {f"ROTATION_TUI_{name}_URL": "http://127.0.0.1:1" for name in NAMES}
NOWHERE["ROTATION_TUI_YAHOO_STREAM_URL"] = "ws://127.0.0.1:1"
DOCUMENT = (ROOT / "docs" / "alerts.md").read_text("utf-8")


@pytest.fixture
def here(tmp_path, monkeypatch, capfd) -> Here:
    return Here(tmp_path, monkeypatch, capfd)


@pytest.fixture
def history(tmp_path) -> Path:
    folder = tmp_path / "closes"
    closes(folder, "IWM", *[100.0] * 30, 101.0, 103.0, 104.0)
    closes(folder, "QQQ", *[100.0] * 33)
    return folder


def config_of(here: Program) -> Path:
    return here.home / "config" / "rotation-tui" / "config.toml"


def test_add_list_and_check(here):
    done = here("alerts", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "rotation-tui: no alerts are set; rotation-tui alerts add --help\n"
    options = "--repeat crossing --hysteresis 0.5 --cool-down 60 --any-hour --to desktop --to bell"
    added = here("alerts", "add", "spread.5.pp > 10", "--name", "wide", *options.split())
    assert added.stdout == f"added 'wide' to {config_of(here)}; notifies desktop, bell\n"
    assert tomllib.loads(config_of(here).read_text()) == {
        "alerts": [
            {
                "name": "wide", "when": "spread.5.pp > 10", "repeat": "crossing", "hysteresis": 0.5,
                "cool_down_s": 60.0, "any_hour": True, "to": ["desktop", "bell"],
            }
        ]
    }  # fmt: skip
    here("alerts", "add", "iwm.status is STALE")
    assert here("alerts", "list").stdout.splitlines() == [
        "wide                 spread.5.pp > 10  [crossing; desktop, bell]  has not fired yet",
        "iwm.status is STALE  [session; bell]  has not fired yet",
    ]
    (first, _) = map(json.loads, here("alerts", "list", "--format", "json").stdout.splitlines())
    assert (first["id"], first["condition"], first["fired"]) == ("wide", "spread.5.pp > 10", 0)
    assert here("config", "check").stdout.endswith("config.toml: 0 settings, 2 alerts, no error\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("spread.5.pp >",), "not changed, line 2: alerts.when: condition, column 14: expected a number"),
        (("on_pace", "--to", "pager"), "not changed, line 3: 'pager' is not a target"),
        (("on_pace", "--hysteresis", "nan"), "not changed, line 3: alerts.hysteresis: expected a number"),
    ],
)
def test_a_mistake_adds_nothing(here, args, message):
    assert message in complaint(here("alerts", "add", *args))
    assert not config_of(here).exists()


def test_those_of_the_configuration_are_tested(here, history):
    here("alerts", "add", "spread.5.pp > 2", "--name", "wide")
    here("alerts", "add", "iwm.day_pct > 0.9")
    lines = here("alerts", "test", "--since", "2022", "--history", history).stdout.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["2024-07-12", "iwm.day_pct > 0.9"],
        ["2024-07-15", "wide"],
        ["2024-07-15", "iwm.day_pct > 0.9"],
        ["2024-07-16", "wide"],
        ["2024-07-16", "iwm.day_pct > 0.9"],
    ]
    crossings = here("alerts", "test", "--since", "2022", "--history", history, "--crossings").stdout
    assert len(crossings.splitlines()) == 2


def test_on_a_tape_each_has_its_second(here, tmp_path, history):
    path = tape(tmp_path, prints=600)
    day = here("alerts", "test", "iwm.last > 203", "--tape", path, "--history", history)
    assert day.stdout == "13:35:01 UTC  2024-07-16  iwm.last 203.01\n"
    line = json.loads(
        here(
            "alerts", "test", "iwm.last > 203", "--tape", path, "--history", history, "--format", "json"
        ).stdout
    )
    assert line["at"] == "2024-07-16T13:35:01Z"
    assert "apply to daily closes" in complaint(
        here("alerts", "test", "iwm.last > 203", "--tape", path, "--since", "2024")
    )


def test_what_a_test_needs_is_said(here):
    assert "name a condition" in complaint(here("alerts", "test", "--since", "2024"))
    assert "--since: name the first session" in complaint(here("alerts", "test", "on_pace"))
    assert "no alerts are set" in complaint(here("alerts", "watch"))


def test_watch_calls_once_through_restarts_and_stops_at_sigterm(tmp_path, history):
    program = Program(tmp_path)
    program.env["ROTATION_TUI_NOW"] = "2024-07-16T21:00:00Z"
    assert program("history", "import", history).returncode == 0
    got = tmp_path / "got"
    config = config_of(program)
    config.parent.mkdir(parents=True)
    config.write_text(
        '[[alerts]]\nname = "wide"\nwhen = "settled spread.5.pp > 2"\nto = ["log"]\n'
        f'[targets.log]\nkind = "command"\ncommand = ["tee", "-a", "{got}"]\n'
    )
    for _ in range(2):
        done = program("alerts", "watch", "--for", "6")
        assert done.returncode == 0, done.stderr
    lines = got.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["wide#1"]
    assert "wide" in program("alerts", "history").stdout
    assert "fired 1 time, last " in program("alerts", "list").stdout


def test_watch_stops_cleanly_at_sigterm(tmp_path):
    program = Program(tmp_path)
    program.env.pop("ROTATION_TUI_OFFLINE")
    program.env |= NOWHERE
    config = config_of(program)
    config.parent.mkdir(parents=True)
    config.write_text('[[alerts]]\nwhen = "iwm.status is LIVE"\n')
    running = program.start("alerts", "watch")
    try:
        deadline = time.monotonic() + 120
        while not (program.state / "rotation-tui" / "alerts.lock").exists():
            assert time.monotonic() < deadline
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        time.sleep(1.0)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
        assert (program.state / "rotation-tui" / "alerts.json").exists()
    finally:
        running.kill()
        running.communicate()


def test_a_broken_state_file_is_one_line(here):
    state = here.state / "rotation-tui"
    state.mkdir(parents=True)
    (state / "alerts.json").write_text("{")
    done = here("alerts", "history")
    assert done.returncode == 1
    assert done.stderr == f"rotation-tui: {state / 'alerts.json'}: is damaged\n"


def test_the_example_of_the_document_can_be_used(tmp_path):
    example = re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert example is not None
    path = tmp_path / "config.toml"
    path.write_text(example[1])
    alerts = read(path).alerts
    assert [rule.id for rule in alerts.rules] == ["wide", "iwm.status is STALE"]
    assert [target.kind for target in alerts.targets] == ["ntfy", "slack", "command"]


def test_the_secret_of_a_target_is_kept_like_a_key(here, monkeypatch):
    program = Program(here.home)
    keep = f"echo https://hooks.example/SECRET123 | '{COMMAND}' config key set target.team --file"
    done = program.run(["sh", "-c", keep])
    assert done.returncode == 0, done.stderr
    assert "SECRET123" not in done.stdout + done.stderr
    from feeds.alerts.secrets import required
    from rotation.alerts.target import Target

    monkeypatch.setenv("XDG_CONFIG_HOME", str(here.home / "config"))
    assert required(Target(name="team", kind="slack")) == "https://hooks.example/SECRET123"
    monkeypatch.setenv("ROTATION_TUI_TARGET_TEAM_SECRET", "other_secret")
    assert required(Target(name="team", kind="slack")) == "other_secret"
