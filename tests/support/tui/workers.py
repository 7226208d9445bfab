"""A host of several processes, started as the installed command, and people who look at it with OpenSSH."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.pty_terminal import PATIENCE_S, Terminal
from tests.support.tui.openssh import ssh_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = Path(sys.executable).parent / "rotation-tui"
ENTER = b"\x1b[?1049h"
LATER = (b"the host is overloaded", b"part of the host is restarting")
"""Refusals after which a person tries again; on a busy machine they come to anybody."""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def children(pid: int) -> list[int]:
    """The processes that this one has started and that have not been waited for."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in listed.split()]


def has_ended(terminal: Terminal) -> bool:
    """Whether its program, ssh, has ended; takes what it has written."""
    terminal.read(0.01)
    return terminal.has_ended


def same_cells(terminals: list[Terminal]) -> bool:
    """Whether all show the same."""
    for terminal in terminals:
        terminal.read()
    first = terminals[0]
    return all(each.text == first.text and each.styles == first.styles for each in terminals)


def until(holds: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait until something holds, and return what it is."""
    deadline = time.monotonic() + patience_s
    while not (result := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return result


def _is_answered(terminal: Terminal) -> bool:
    return any(words in terminal.raw for words in (ENTER, *LATER))


class Workers:
    """``rotation-tui host --workers 2`` on the demo's tape at sixty times its speed."""

    def __init__(
        self, home: Path, *options: str, env: dict[str, str] | None = None, demo: bool = True
    ) -> None:
        self.home = home
        for name in ("id", "boss"):
            if not (home / name).exists():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / name], check=True)
        for name, key in (("keys", "id"), ("admins", "boss")):
            (home / name).write_bytes((home / f"{key}.pub").read_bytes())
            (home / name).chmod(0o600)
        command = [
            COMMAND, "host", "--listen", "127.0.0.1:0", "--workers", "2", "--allow-root",
            "--authorized-keys", home / "keys", "--admin-keys", home / "admins",
            *(("--demo", "--speed", "60") if demo else ()), *options,
        ]  # fmt: skip
        given = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        with (home / "log").open("wb") as log:
            changed = {**given, "HOME": str(home), **(env or {})}
            self.process = subprocess.Popen(command, env=changed, stdout=subprocess.DEVNULL, stderr=log)
        self.port = until(self._port, "to listen")

    def _port(self) -> int:
        assert self.process.poll() is None, self.log
        lines = [line for line in self.log.splitlines() if line.startswith("rotation-tui: listening on ")]
        return int(lines[0].rpartition(" ")[2]) if lines else 0

    @property
    def log(self) -> str:
        return (self.home / "log").read_text("utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's lines of this event."""
        made = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in made if line["event"] == name]

    def ssh(self, *words: str, key: str = "id", options: tuple[str, ...] = ()) -> list[str]:
        return ssh_words(self.home, self.port, self.home / key, words, options)

    def run(self, *words: str, key: str = "id", again: bool = True) -> subprocess.CompletedProcess[str]:
        """A command's answer. ``again``: try until the host lets us in, as far as it can at all."""
        while True:
            done = subprocess.run(
                self.ssh(*words, key=key), capture_output=True, timeout=PATIENCE_S, check=False, text=True,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            is_refused = done.returncode == 255 and any(words.decode() in done.stderr for words in LATER)
            if not (again and is_refused):
                return done

    def status(self, key: str = "boss") -> dict[str, Any]:
        done = self.run("status", "--json", key=key)
        assert done.returncode == 0, done.stderr
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    @property
    def pids(self) -> list[int]:
        """Of the workers that run, by their numbers."""
        return [each["pid"] for each in self.status()["workers"] if each["pid"]]

    @contextmanager
    def look(
        self, count: int = 1, size: tuple[int, int] = (100, 30), *, key: str = "id"
    ) -> Iterator[list[Terminal]]:
        """So many viewers, each with the desk before them."""
        with ExitStack() as stack:
            terminals = []
            for _ in range(count):
                while True:
                    terminal = Terminal(self.ssh(key=key, options=("-tt",)), size=size, env=dict(os.environ))
                    terminal.wait(_is_answered, "to be let in or refused")
                    stack.enter_context(terminal)
                    if ENTER in terminal.raw:
                        break
                terminal.see("1 Legs")
                terminals.append(terminal)
            yield terminals

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)
