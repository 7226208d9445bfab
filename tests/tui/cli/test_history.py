"""The progress of a download on stderr, and what is told at its end."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from rotation.desk import HISTORY_SINCE
from rotation.errors import InputError
from rotation.sync_report import SyncProgress, SyncReport
from tui.cli import logs
from tui.cli.app import cli
from tui.cli.history import Meter, line, summary

REPORT = SyncReport(
    current=("A",),
    extended=("B", "C"),
    loaded=("D",),
    failed=(
        ("E", "Yahoo: HTTP 500"),
        ("FFFFFFFFFFF", "Stooq: no data for FFFFFFFFFFF"),
        ("G", "Yahoo: HTTP 500"),
    ),
    notes=("D: a split (4 for 1) restated the close of 2024-07-16: fetched again as a whole",),
    sessions=6_600,
)


class Backend:
    def __init__(self, outcome: SyncReport | Exception, progress: list[SyncProgress] | None = None) -> None:
        self.outcome = outcome
        self.progress = progress or []
        self.asked: dict[str, object] = {}

    def notices(self):
        return []

    def sync_history(self, symbols, *, tell, **more):
        self.asked = {"symbols": symbols, **more}
        for progress in self.progress:
            tell(progress)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture(autouse=True)
def no_log(monkeypatch):
    monkeypatch.setattr(logs, "start", lambda _: None)


def invoke(backend: Backend, *args: str):
    return CliRunner().invoke(cli, ["history", "sync", *args], obj=backend)


def test_lines_of_progress():
    assert line(SyncProgress(0, 2_100, 0)) == "0/2,100 symbols"
    assert (
        line(SyncProgress(120, 2_100, 3, "IWM", "", 1.94, 1_020.0))
        == "120/2,100 symbols, 3 failed, 1.9 per second, 17m left"
    )
    assert line(SyncProgress(12, 12, 0, "IWM", "", 2.0, 0.0)) == "12/12 symbols, 2.0 per second"


def test_the_end():
    assert summary(REPORT) == [
        "D: a split (4 for 1) restated the close of 2024-07-16: fetched again as a whole",
        "failed  E, G: Yahoo: HTTP 500",
        "failed  FFFFFFFFFFF: Stooq: no data for FFFFFFFFFFF",
        "1 downloaded in full, 2 extended, 1 up to date, 3 failed; 6,600 new sessions",
    ]
    assert summary(SyncReport()) == ["nothing to do; 0 new sessions"]


def test_a_pipe_gets_twenty_lines_and_what_happened(capsys):
    meter = Meter(live=False)
    for done in range(1, 2_101):
        meter.tell(SyncProgress(done, 2_100, 0, f"S{done}", "S7: Yahoo: HTTP 500" if done == 7 else ""))
    meter.end()
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 22
    assert printed[:3] == ["1/2,100 symbols", "S7: Yahoo: HTTP 500", "105/2,100 symbols"]
    assert printed[-1] == "2,100/2,100 symbols"
    assert "\x1b" not in "".join(printed)


def test_a_terminal_gets_one_line(capsys):
    meter = Meter(live=True)
    meter.tell(SyncProgress(1, 2, 0, "A"))
    meter.tell(SyncProgress(1, 2, 0, "", "Yahoo: HTTP 429; continuing in 5m (completed symbols are stored)"))
    meter.tell(SyncProgress(2, 2, 0, "B"))
    meter.end()
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1  # after what happened; the rest is written over
    last = re.split(r"\r\x1b\[K", shown)
    assert last == [
        "",
        "1/2 symbols",
        "Yahoo: HTTP 429; continuing in 5m (completed symbols are stored)\n",
        "1/2 symbols",
        "2/2 symbols",
        "",
    ]


def test_what_is_asked_and_exit_codes():
    backend = Backend(SyncReport(current=("IWM",)))
    done = invoke(backend, "iwm", "QQQ", "--source", "stooq", "--since", "2020-01-02", "--universe", "u.csv")
    assert done.exit_code == 0
    assert backend.asked["symbols"] == ("iwm", "QQQ")
    assert backend.asked["source"] == "stooq"
    assert str(backend.asked["universe"]) == "u.csv"
    assert backend.asked["since"].isoformat() == "2020-01-02"
    backend = Backend(REPORT)
    assert invoke(backend).exit_code == 1
    assert backend.asked == {"symbols": (), "source": "auto", "universe": None, "since": HISTORY_SINCE}
    assert isinstance(invoke(Backend(InputError("x"))).exception, InputError)
    assert invoke(Backend(REPORT), "--source", "other").exit_code == 2
