"""Real NATS servers on loopback: one, or a cluster of three; killed, paused and started again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARY = Path(sys.executable).with_name("nats-server")
STARTS_S = 20.0


NOBODY = 1
"""A port on which nobody listens."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chosen_port(ports: Path) -> int | None:
    """The port that a server has written into its ports folder; None before it has."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        for path in ports.glob("*.ports"):
            url: str = json.loads(path.read_text())["nats"][0]
            return urlsplit(url).port
    return None


class NatsServer:
    """One process; ``config`` is appended to its configuration file.

    The server chooses its port, and keeps it when it is started again: a port that a test picks may be
    somebody else's by the time the server listens.
    """

    def __init__(
        self, folder: Path, config: str = "", *, name: str = "n1", routes: tuple[int, ...] = ()
    ) -> None:
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = 0
        """0 before the first start."""
        self.route_port = 0
        self.name = name
        self.config = config
        self.routes = routes
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        ends_s = time.monotonic() + STARTS_S
        while not self._has_started(self._launch(), ends_s):
            time.sleep(0.1)  # somebody's outgoing connection has its port for a moment

    def _launch(self) -> Path:
        """The folder into which the server writes its ports."""
        ports = self.folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        lines = [
            f"listen: 127.0.0.1:{self.port or -1}",
            f"server_name: {self.name}",
            f'ports_file_dir: "{ports}"',
        ]
        if "jetstream" not in self.config:
            lines.append(f'jetstream {{ store_dir: "{self.folder / "js"}" }}')
        if self.routes:
            routes = ", ".join(f"nats-route://127.0.0.1:{port}" for port in self.routes)
            listen = f"listen: 127.0.0.1:{self.route_port}"
            lines.append(f"cluster {{ name: desk, {listen}, routes: [{routes}] }}")
        path = self.folder / "nats.conf"
        path.write_text("\n".join([*lines, self.config]))
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen([BINARY, "-c", path], stdout=log, stderr=log)
        log.close()
        return ports

    def _has_started(self, ports: Path, ends_s: float) -> bool:
        """False where its port was taken, and it is worth another try."""
        assert self.process is not None
        while time.monotonic() < ends_s:
            if self.process.poll() is not None:
                log = (self.folder / "log").read_text()
                assert "address already in use" in log, log[-2000:]
                return False
            port = chosen_port(ports)
            if port is not None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    self.port = port
                    return True
            time.sleep(0.05)
        raise AssertionError("the NATS server has not started")

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGCONT)
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()


@contextlib.contextmanager
def nats_server(folder: Path, config: str = "") -> Iterator[NatsServer]:
    server = NatsServer(folder, config)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def nats_cluster(folder: Path) -> Iterator[list[NatsServer]]:
    """Three servers that keep the stream together."""
    servers = [NatsServer(folder, name=f"n{number}") for number in (1, 2, 3)]
    for server in servers:  # each must know the others' before it starts
        server.route_port = free_port()
    routes = tuple(server.route_port for server in servers)
    for server in servers:
        server.routes = routes
        server.start()
    try:
        yield servers
    finally:
        for server in servers:
            server.kill()
