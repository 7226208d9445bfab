"""Programs that the documents name, run with homes of their own, and vendors of our own for them."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

WAIT_S = 120.0
PROGRAMS = {
    "nats-server": [f"{sys.executable.rpartition('/')[0]}/nats-server"],
    "rotation-tui": [sys.executable, "-m", "tui"],
}


def block(text: str, heading: str, kind: str = "sh", number: int = 0) -> str:
    """A fenced block of this kind below a heading of a document: the first, or one after it."""
    _, mark, rest = text.partition(f"\n{heading}\n")
    assert mark, heading
    parts = rest.partition("\n## ")[0].split("```")
    blocks = [part.partition("\n")[2] for part in parts[1::2] if part.partition("\n")[0] == kind]
    return blocks[number]


def commands(text: str, changes: Mapping[str, str]) -> list[list[str]]:
    """The lines of a block as programs of this interpreter, with these words replaced."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    lines = [shlex.split(line) for line in text.splitlines()]
    return [[*PROGRAMS.get(words[0], words[:1]), *words[1:]] for words in lines]


def homes_in(folder: Path) -> dict[str, str]:
    """An environment with every folder of the program below this one."""
    return {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")}


class Run:
    """A program, and what it prints."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        command: Sequence[str],
        folder: Path,
        name: str,
        environment: Mapping[str, str],
    ) -> None:
        """``folder``: where it runs, and where its log and its homes are, by its ``name``."""
        self.path = folder / f"{name}.log"
        changed = {**os.environ, "PYTHONPATH": str(ROOT), **environment, **homes_in(folder / name)}
        out = stack.enter_context(self.path.open("wb"))
        self.process = subprocess.Popen(command, cwd=folder, env=changed, stdout=out, stderr=out)
        stack.callback(self.end)

    @property
    def log(self) -> str:
        return self.path.read_text("utf-8")

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def until(self, words: str) -> None:
        """Wait until it prints this; fail if it ends before."""
        ends_s = time.monotonic() + WAIT_S
        while words not in self.log:
            assert self.process.poll() is None, self.log[-3000:]
            assert time.monotonic() < ends_s, self.log[-3000:]
            time.sleep(0.1)


@contextlib.contextmanager
def live_vendors() -> Iterator[dict[str, str]]:
    """The environment of a program that reads vendors of our own, in a session."""
    command = [sys.executable, "-m", "tests.support.servers.live_world", "--session"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    made: dict[str, str] = {}
    for line in iter(process.stdout.readline, "\n"):
        name, _, value = line.removeprefix("export ").strip().partition("=")
        made[name] = value
    try:
        yield made
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def key_of(folder: Path, name: str) -> Path:
    """A visitor's new key; its public half stands beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    return folder / name


def asked(words: Sequence[Any], **more: Any) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=WAIT_S, stdin=subprocess.DEVNULL, **more
    )
