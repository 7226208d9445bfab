"""Imports run one way, and the first paint waits for nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LATE = {"polars", "holidays", "httpx", "websockets", "feeds", "sqlite3"}
"""What must not be loaded before the first frame is on screen."""

FIRST_PAINT = """
import asyncio, json, sys, threading
from tui import __main__, terminal
from tui.app import RotationApp
from tui.theme import DEFAULT, names
from tui.view_state import ViewState

held = threading.Event()

def open_desk():
    held.wait()
    raise RuntimeError("never shown: the screen has closed by then")

async def main():
    app = RotationApp(open_desk, ViewState(theme=DEFAULT, themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        painted = app.export_screenshot()
        loaded = {name.partition(".")[0] for name in sys.modules}
        held.set()
    assert "opening" in painted
    print(json.dumps(sorted(loaded)))

asyncio.run(main())
"""


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 kept, 0 broken" in done.stdout


def test_nothing_heavy_is_loaded_before_the_first_paint() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAINT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert {"textual", "tui", "rotation"} <= loaded
    assert not loaded & LATE
