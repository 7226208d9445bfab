"""What is asked of the command line alone brings neither the screen, the figures nor the network."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

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
