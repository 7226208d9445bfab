"""What is asked of the command line alone brings neither the screen, the figures nor the network."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.pty_terminal import own_home

HEAVY = {
    "asyncio", "asyncssh", "holidays", "httpx", "keyring", "platformdirs", "polars", "rich", "ssl", "textual",
    "websockets", "feeds", "tui.screen", "tui.panels",
}  # fmt: skip
PROGRAM = """
import atexit, sys
atexit.register(lambda: print("MODULES", *sys.modules))
from tui.__main__ import main
main()
"""
COMPLETION = {
    "_ROTATION_TUI_COMPLETE": "bash_complete",
    "COMP_WORDS": "rotation-tui h",
    "COMP_CWORD": "1",
}


@pytest.mark.parametrize(
    ("arguments", "more", "shown"),
    [
        (["--version"], {}, "rotation-tui, version"),
        (["--help"], {}, "Watch money rotate"),
        (["snapshot", "--help"], {}, "Print every figure"),
        (["history", "import", "--help"], {}, "Import files or folders"),
        (["host", "--help"], {}, "Serve the desk over SSH"),
        ([], COMPLETION, "plain,history"),
        ([], {"_ROTATION_TUI_COMPLETE": "bash_source"}, "rotation_tui_completion"),
    ],
)
def test_help_version_and_completion_import_nothing_heavy(arguments, more, shown):
    # A clock that is set is said so on stderr, which takes the clock's module.
    env = {name: value for name, value in os.environ.items() if name != "ROTATION_TUI_NOW"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={**env, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    printed, _, modules = done.stdout.rpartition("MODULES")
    assert shown in printed, done.stderr
    assert not HEAVY & set(modules.split())


NETWORK = {
    "feeds.desk.live", "feeds.http.client", "feeds.macro.opening", "feeds.streaming", "feeds.tapes",
    "feeds.vendors", "holidays", "httpx", "keyring", "pygments", "sqlite3", "websockets",
}  # fmt: skip
OFFLINE = """
import asyncio, sys, threading
queries = set()

def note(frame, event, arg):
    if event == "c_call" and type(getattr(arg, "__self__", None)).__name__ == "PyLazyFrame":
        while "polars" in frame.f_code.co_filename:
            frame = frame.f_back
        queries.add(f"{frame.f_code.co_filename}:{frame.f_lineno}")

from tui.__main__ import LocalBackend
from tui.backend import Wanted

async def first(desk):
    running = asyncio.create_task(desk.run())
    snapshot = await anext(desk.listen())
    running.cancel()
    return snapshot

threading.setprofile(note)
sys.setprofile(note)
snapshot = asyncio.run(first(LocalBackend().open(Wanted(offline=True))))
sys.setprofile(None)
print(f"{len(snapshot.legs)} legs;", *sorted(queries), "MODULES", *sys.modules)
"""


def test_a_start_on_stored_history_brings_no_network_and_makes_no_query(tmp_path):
    env = {**own_home(tmp_path), "ROTATION_TUI_NOW": "2024-07-16T12:00:00Z"}
    for symbol in ("IWM", "QQQ"):
        lines = [
            "date,close",
            *(f"2024-0{month}-{day},{month * day}.5" for month in (6, 7) for day in (11, 12)),
        ]
        (tmp_path / f"{symbol}.csv").write_text("\n".join(lines), "utf-8")
    command = [sys.executable, "-m", "tui", "history", "import", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    runs = [
        subprocess.run(
            [sys.executable, "-c", OFFLINE], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    (made, _, _), (shown, _, modules) = (run.partition("MODULES") for run in runs)
    assert ".py:" in made, "no query of the look-back was seen: this test would not see one"
    assert shown.strip() == "2 legs;"
    brought = modules.split()
    assert "polars" in brought
    assert not {name for name in brought if name in NETWORK or name.rpartition(".")[0] in NETWORK}
