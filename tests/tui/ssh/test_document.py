"""docs/hosting.md followed to the letter: every line of its installation runs, in folders of the test's own.

What cannot be had without systemd is taken over by ``Systemctl``: it reads the document's unit and does what
the three commands would do. Nothing is downloaded but packages, so the host shows the demo.
"""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from tests.support.paths import ROOT
from tests.test_wheel import NO_NETWORK, clean_env
from tests.tui.ssh.test_unit import DOCS, login, started, unit, until

LIMIT_S = 500.0
HOME = "desk.example.com"

pytestmark = [
    pytest.mark.timeout(600),  # downloads and installs; most of it is the network
    pytest.mark.skipif(
        sys.platform != "linux" or not (which("ssh") and which("ssh-keygen") and which("install")),
        reason="needs Linux and OpenSSH",
    ),
]


INSTALLS = {"PIP_COMPILE": "0"}
"""What the host imports it compiles when it starts: a fraction of what pip installs."""


class Systemctl:
    """What systemctl does for the one unit of the document."""

    def __init__(self, folder: Path, place: dict[str, str]) -> None:
        """``place``: folder of the document → folder of the test."""
        self.log = folder / "log"
        self._folder = folder
        self._place = place
        self._unit = unit()
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str) -> None:
        match words:
            case ["daemon-reload"]:
                assert self._unit["ExecStart"]
            case ["enable", "--now", "rotation-tui"]:
                self._start()
            case ["reload", "rotation-tui"]:
                assert self._unit["ExecReload"] == "/bin/kill -HUP $MAINPID"
                self.process.send_signal(signal.SIGHUP)
            case ["stop", "rotation-tui"]:
                self.process.send_signal(signal.SIGTERM)
                assert self.process.wait(timeout=float(self._unit["TimeoutStopSec"])) == 0
            case _:
                raise AssertionError(words)

    def _start(self) -> None:
        state = self._folder / "state"
        (state / "rotation-tui").mkdir(parents=True)
        environment = shlex.split(self._unit["Environment"].replace("%S", str(state)))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = placed(self._unit["ExecStart"].replace("*:2222", f"127.0.0.1:{self.port}"), self._place)
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*shlex.split(command), "--demo", "--allow-root"],
                env=clean_env(self._folder) | dict(word.split("=", 1) for word in environment),
                stdout=subprocess.DEVNULL, stderr=stderr, umask=int(self._unit["UMask"], 8),
            )  # fmt: skip
        until(lambda: started(self.process, self.log))


def placed(text: str, place: dict[str, str]) -> str:
    for documented, here in place.items():
        text = text.replace(documented, here)
    return text


def installation() -> list[str]:
    """The lines of the document's block that installs and starts."""
    (block,) = re.findall(r"```\n(python3 -m venv .*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    return block.splitlines()


def test_every_line_of_the_installation_runs(tmp_path):
    """Install, keys, start, log in, reload, stop; the unit's paths are those that the lines have made."""
    place = {
        "/opt/rotation-tui": str(tmp_path / "opt"),
        "/etc/rotation-tui": str(tmp_path / "etc"),
        "'rotation-tui[ssh]'": shlex.quote(f"{ROOT}[ssh]"),
        "python3": sys.executable,
    }
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "eve"], check=True)
    service = Systemctl(tmp_path, place)
    seen = []
    try:
        for line in installation():
            program, *words = shlex.split(placed(line, place))
            seen.append(Path(program).name)
            if program == "systemctl":
                service.run(*words)
            elif program == "ssh":
                assert words == ["-p", "2222", HOME]
                assert login(service.port, tmp_path / "eve", tmp_path) == 0
            else:
                done = subprocess.run(
                    [program, *words], cwd=tmp_path, env=INSTALLS | clean_env(tmp_path), text=True,
                    capture_output=True, timeout=LIMIT_S, check=False,
                )  # fmt: skip
                if done.returncode and (reason := NO_NETWORK.search(done.stdout + done.stderr)):
                    pytest.skip(f"the dependencies cannot be had: {reason[0]}")
                assert done.returncode == 0, done.stdout + done.stderr
    finally:
        if service.process is not None:
            service.process.kill()
            service.process.wait()
    steps = "pip install install systemctl systemctl ssh systemctl systemctl"
    assert seen[1:] == steps.split()
    assert (tmp_path / "etc" / "viewers.keys").stat().st_mode & 0o777 == 0o644
    assert '"keys reloaded"' in service.log.read_text("utf-8")
