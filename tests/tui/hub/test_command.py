"""docs/deploy.md as it is written: the commands of one machine, run against vendors of our own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from tests.support.paths import ROOT
from tests.support.servers.nats import chosen_port, free_port

HEADING = "## On one machine"
ADDRESS = "nats://127.0.0.1:4222"
WAIT_S = 90.0
KEEPS = "ROTATION_TUI_NOW"


def recipe() -> list[list[str]]:
    text = (ROOT / "docs" / "deploy.md").read_text("utf-8").partition(HEADING)[2]
    block = text.partition("```sh\n")[2].partition("```")[0]
    return [shlex.split(line) for line in block.splitlines()]


def homes_in(folder):
    return {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")}


class Run:
    """A program of the recipe, and what it prints."""

    def __init__(self, stack: ExitStack, command: list[str], folder, name: str, environment) -> None:
        self.log = folder / f"{name}.log"
        homes = {
            f"XDG_{kind}_HOME": str(folder / name / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")
        }
        out = stack.enter_context(self.log.open("wb"))
        self.process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment, **homes}, stdout=out, stderr=out
        )
        stack.callback(self.end)

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def until(self, words: str) -> None:
        ends_s = time.monotonic() + WAIT_S
        while words not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < ends_s, self.log.read_text()[-3000:]
            time.sleep(0.1)


@pytest.fixture
def world():
    command = [sys.executable, "-m", "tests.support.servers.live_world", "--session"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    environment = {}
    for line in iter(process.stdout.readline, "\n"):
        name, _, value = line.removeprefix("export ").strip().partition("=")
        environment[name] = value
    yield environment
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_recipe_of_one_machine_runs_as_it_is_written(world, tmp_path):
    ssh_port = free_port()
    programs = {"nats-server": [f"{sys.executable.rpartition('/')[0]}/nats-server"],
                "rotation-tui": [sys.executable, "-m", "tui"]}  # fmt: skip
    commands = [[*programs[words[0]], *words[1:]] for words in recipe()]
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (tmp_path / "viewers.keys").write_bytes(key.with_suffix(".pub").read_bytes())
    # A viewer has neither the vendors' addresses nor a feed of its own: only the clock is everybody's.
    viewer = {KEEPS: world[KEEPS], "ROTATION_TUI_OFFLINE": "", "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        (tmp_path / "ports").mkdir()
        chosen = [word.replace("4222", "-1") for word in commands[0]]
        server = [*chosen, "--ports_file_dir", str(tmp_path / "ports")]
        Run(stack, server, tmp_path, "server", {}).until("Server is ready")
        while (port := chosen_port(tmp_path / "ports")) is None:
            time.sleep(0.05)
        hub, host, desk, snapshot = (
            [word.replace("4222", str(port)) for word in words] for words in commands[1:]
        )
        Run(stack, hub, tmp_path, "hub", {**world, "PYTHONPATH": str(ROOT)}).until("publishing as hub")
        homes = {
            f"XDG_{kind}_HOME": str(tmp_path / "viewer") for kind in ("DATA", "STATE", "CACHE", "CONFIG")
        }
        shown = ""
        ends_s = time.monotonic() + WAIT_S
        while "LIVE" not in shown and time.monotonic() < ends_s:
            done = subprocess.run(
                snapshot, cwd=tmp_path, env={**os.environ, **viewer, **homes}, capture_output=True, text=True,
                check=False, timeout=60,
            )  # fmt: skip
            shown = done.stdout
        assert "IWM" in shown, done.stderr
        assert "LIVE" in shown, shown
        assert "--feed" in desk
        on = [*host, "--listen", f"127.0.0.1:{ssh_port}", *(["--allow-root"] if os.geteuid() == 0 else [])]
        Run(stack, on, tmp_path, "host", viewer).until("listening on")
        ssh = ["ssh", "-p", str(ssh_port), "-i", str(key), "-o", "StrictHostKeyChecking=no",
               "-o", f"UserKnownHostsFile={tmp_path / 'known'}", "127.0.0.1", "snapshot"]  # fmt: skip
        ends_s = time.monotonic() + WAIT_S
        shown = ""
        while "LIVE" not in shown and time.monotonic() < ends_s:
            shown = subprocess.run(ssh, capture_output=True, text=True, check=False, timeout=60).stdout
            time.sleep(0.2)
        assert "LIVE" in shown, shown
