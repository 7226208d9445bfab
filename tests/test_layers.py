"""Imports run one way, and the first paint waits for nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.pty_terminal import Terminal

MOST_FILES = 15
"""What one glance takes in; a package's marker is not counted. No folder is an exception."""
LATE = {"polars", "numpy", "holidays", "httpx", "websockets", "feeds", "sqlite3"}
"""What must not be loaded before the first frame is on screen."""
LATE_TOO = {
    "csv", "html", "importlib.resources", "rotation.context.wants", "rotation.sessions", "rotation.snapshot",
    "statistics", "tui.output.text", "tui.panels.legs.panel", "tui.panels.macro", "tui.panels.ribbon",
    "tui.screen.exporter", "tui.screen.picking", "tui.screen.pointer", "tui.settings.schema",
    "tui.view.applied", "tui.view.palette", "zipfile", "zoneinfo",
}  # fmt: skip
"""What the first Snapshot is drawn with, and what only some keys need."""

FIRST_PAINT = """
import asyncio, json, sys, threading
from tui import __main__
from tui.cli import app as cli
from tui.compose import backend
from tui.screen import terminal
from tui.screen.app import RotationApp
from tui.view.theme import DEFAULT, names
from tui.view.view_state import ViewState

held = threading.Event()

def open_desk():
    held.wait()
    raise RuntimeError("never shown: the screen has closed by then")

loaded = set()

class Noting(RotationApp):
    def _start(self):
        loaded.update(sys.modules)
        super()._start()

async def main():
    app = Noting(open_desk, ViewState(theme=DEFAULT, themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        painted = app.export_screenshot()
        held.set()
    assert "opening" in painted
    print(json.dumps(sorted(loaded)))

asyncio.run(main())
"""


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 kept, 0 broken" in done.stdout


def test_no_folder_holds_more_than_a_glance_takes_in() -> None:
    files = (
        path for top in ("feeds", "rotation", "tui", "bench", "tests") for path in (ROOT / top).rglob("*.py")
    )
    folders = Counter(str(path.parent.relative_to(ROOT)) for path in files if path.name != "__init__.py")
    assert {folder: count for folder, count in folders.items() if count > MOST_FILES} == {}


def test_nothing_heavy_is_loaded_before_the_first_paint() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"textual", "tui", "rotation", "tui.panels.registry"} <= loaded
    assert loaded & (LATE | LATE_TOO) == set()


COMMAND = """
import gc, json, pathlib, sys, time
from tui.cli import app as cli
from tui.compose.backend import LocalBackend

searched = set()
sys.addaudithook(lambda event, details: event == "import" and gc.isenabled() and searched.add(details[0]))

def loaded():
    return sorted({name.partition(".")[0] for name in sys.modules})

class Backend(LocalBackend):
    def open(self, wanted):
        before = loaded()
        while not pathlib.Path("painted").exists():
            time.sleep(0.01)
        desk = super().open(wanted)
        pathlib.Path("told.tmp").write_text(json.dumps([before, loaded(), sorted(searched)]))
        pathlib.Path("told.tmp").rename("told")
        return desk

sys.exit(cli.run(Backend()))
"""


def test_the_command_itself_paints_before_it_loads_what_it_shows(tmp_path: Path) -> None:
    homes = {f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("DATA", "STATE")}
    script = [sys.executable, "-c", COMMAND, "demo"]
    with Terminal(script, size=(80, 24), env={**os.environ, **homes}, cwd=tmp_path) as terminal:
        terminal.see("opening…")
        (tmp_path / "painted").touch()
        terminal.see("DEMO", "Russell 2000 (IWM)")
        before, after, searched = json.loads((tmp_path / "told").read_text())
        terminal.press("q")
        assert terminal.end() == 0
    assert {"textual", "tui", "rotation"} <= set(before)
    assert "holidays" in searched, "else this would not see an import that is searched for garbage"
    assert not set(searched) & {
        "textual.app",
        "textual.screen",
        "rich.style",
        "tui.screen.app",
        "tui.view.theme",
        # The desk's own, beside the screen.
        "feeds.desk.open",
        "polars",
        "tui.panels.asked",
    }
    assert not set(before) & LATE
    assert {"polars", "holidays", "feeds"} <= set(after), "else their absence would prove nothing"
