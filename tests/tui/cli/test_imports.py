"""What is asked of the command line alone brings neither the screen, the figures nor the network."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import click
import pytest

from tests.support.paths import ROOT
from tests.support.pty_terminal import own_home
from tui.cli.app import cli
from tui.cli.root.commands import COMMANDS
from tui.cli.root.group import Listed
from tui.loading import loading

HEAVY = {
    "asyncio", "asyncssh", "holidays", "httpx", "keyring", "platformdirs", "polars", "rich", "ssl", "textual",
    "websockets", "feeds", "logging", "tui.screen", "tui.panels", "tui.settings.schema", "tui.view",
}  # fmt: skip
MODULES_OF_COMMANDS = {place.module for place in COMMANDS.values()}
PROGRAM = """
import atexit, gc, sys
searched = set()

def note(event, details):
    if event == "import" and gc.isenabled():
        searched.add(details[0])

atexit.register(lambda: print("SEARCHED", *searched, "MODULES", *sys.modules))
sys.addaudithook(note)
from tui.__main__ import main
main()
"""
COMPLETION = {
    "_ROTATION_TUI_COMPLETE": "bash_complete",
    "COMP_WORDS": "rotation-tui h",
    "COMP_CWORD": "1",
}


@pytest.mark.parametrize(
    ("arguments", "more", "shown", "command"),
    [
        (["--version"], {}, "rotation-tui, version", ""),
        (["--help"], {}, "Watch money rotate", ""),
        (["snapshot", "--help"], {}, "Print every figure", "snapshot"),
        (["history", "import", "--help"], {}, "Import files or folders", "history"),
        (["host", "--help"], {}, "Serve the desk over SSH", "host"),
        ([], COMPLETION, "plain,history", ""),
        ([], {"_ROTATION_TUI_COMPLETE": "bash_source"}, "rotation_tui_completion", ""),
    ],
)
def test_help_version_and_completion_import_nothing_heavy(arguments, more, shown, command):
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
    printed, _, searched = printed.rpartition("SEARCHED")
    assert shown in printed, done.stderr
    brought = set(modules.split())
    assert not HEAVY & brought
    assert {"click", "msgspec", "tui.wanted"} <= brought - set(searched.split())
    assert brought & MODULES_OF_COMMANDS == ({COMMANDS[command].module} if command else set())


def test_the_list_of_commands_says_what_the_commands_themselves_say():
    ctx = click.Context(cli)
    own = {name: cli.get_command(ctx, name) for name in cli.list_commands(ctx)}
    widths = (10, 30, 45, 60, 100, 1000)
    says = {name: [click.Command(name, help=place.says).get_short_help_str(width) for width in widths]
            for name, place in COMMANDS.items()}  # fmt: skip
    assert says == {name: [own[name].get_short_help_str(width) for width in widths] for name in COMMANDS}
    assert not any(own[name].hidden or own[name].deprecated for name in COMMANDS)
    formatter = click.HelpFormatter(width=100)
    Listed("all", commands=own).format_commands(ctx, formatter)
    listed = click.HelpFormatter(width=100)
    cli.format_commands(ctx, listed)
    assert listed.getvalue() == formatter.getvalue()


def test_what_is_imported_is_not_searched_for_garbage():
    before = gc.get_freeze_count()
    try:
        with loading():
            assert not gc.isenabled()
            kept = [[]]
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
        assert not any(each is kept for each in gc.get_objects())
        with pytest.raises(ImportError), loading():
            raise ImportError
        assert gc.isenabled()
        gc.disable()
        with loading():
            pass
        assert not gc.isenabled(), "whoever has switched it off wants it off"
    finally:
        gc.enable()
        gc.unfreeze()


NETWORK = {
    "feeds.desk.live", "feeds.http.client", "feeds.macro.opening", "feeds.streaming", "feeds.tapes",
    "feeds.vendors", "holidays", "httpx", "keyring", "pygments", "sqlite3", "websockets",
}  # fmt: skip
NOT_YET = {"feeds.alerts.secrets", "html.entities", "rotation.figures.explain", "rotation.story.parts"}
"""What nobody has asked for when the first figures are shown."""
OFFLINE = """
import asyncio, sys, threading
queries = set()

def note(frame, event, arg):
    if event == "c_call" and type(getattr(arg, "__self__", None)).__name__ == "PyLazyFrame":
        while "polars" in frame.f_code.co_filename:
            frame = frame.f_back
        queries.add(f"{frame.f_code.co_filename}:{frame.f_lineno}")

from tui.compose.backend import LocalBackend
from tui.wanted import Wanted

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
    assert not NOT_YET & set(brought)
    assert not {name for name in brought if name in NETWORK or name.rpartition(".")[0] in NETWORK}
