"""The installed command, as a script or a person meets it: a program with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.support import clock
from tui.cli import app as cli
from tui.compose.backend import LocalBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

COMMAND = Path(sys.executable).parent / "rotation-tui"
LIMIT_S = 500
"""Only to end a test that would hang."""
USAGE = ("Usage: ", "Try '")


class Program:
    """The command with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state"
        self.log = self.state / "rotation-tui" / "rotation-tui.log"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("ROTATION_TUI")}
        self.env |= {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(self.state),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "COLUMNS": "80",
            "ROTATION_TUI_OFFLINE": "1",
        } | clock.inherited()

    def __call__(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run([COMMAND, *args])

    def run(self, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(part) for part in command],
            env=self.env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
        done.stderr = clock.without_notice(done.stderr)
        return done

    def start(self, *args: str | Path, stdout: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(part) for part in (COMMAND, *args)],
            env=self.env,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def out(self, *args: str | Path) -> str:
        """What a call prints that must succeed in silence."""
        done = self(*args)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def snapshot(self, *args: str | Path) -> dict[str, Any]:
        taken: dict[str, Any] = json.loads(self.out("snapshot", *args, "--format", "json"))
        return taken


class Here(Program):
    """The same command in this process: many calls cost no start of Python each.

    What is changed in ``env`` holds from the next call on, as for a process; ``start`` still starts one.
    """

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        super().__init__(home)
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        self._set: dict[str, str] = {}
        self._take_env()
        monkeypatch.chdir(home)

    def _take_env(self) -> None:
        """Set what differs from the last call's ``env``, so that a test may set others by itself."""
        for name in self._set.keys() - self.env.keys():
            self._monkeypatch.delenv(name, raising=False)
        for name, value in self.env.items() - self._set.items():
            self._monkeypatch.setenv(name, value)
        self._set = dict(self.env)

    def __call__(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        self._take_env()
        self._monkeypatch.setattr(sys, "argv", ["rotation-tui", *map(str, args)])
        code = cli.run(LocalBackend())
        out, err = self._capfd.readouterr()
        return subprocess.CompletedProcess(args, code, out, clock.without_notice(err))


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error, besides click's usage lines."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line and not line.startswith(USAGE)]
    return line
