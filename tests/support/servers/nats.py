"""Real NATS servers on loopback: one, or a cluster of three; killed, paused and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARY = Path(sys.executable).with_name("nats-server")
STARTS_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NatsServer:
    """One process; ``config`` is appended to its configuration file."""

    def __init__(
        self, folder: Path, config: str = "", *, name: str = "n1", routes: tuple[int, ...] = ()
    ) -> None:
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.route_port = free_port(), free_port()
        self.name = name
        self.config = config
        self.routes = routes
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        lines = [
            f"listen: 127.0.0.1:{self.port}",
            f"server_name: {self.name}",
        ]
        if "jetstream" not in self.config:
            lines.append(f'jetstream {{ store_dir: "{self.folder / "js"}" }}')
        if self.routes:
            routes = ", ".join(f"nats-route://127.0.0.1:{port}" for port in self.routes)
            listen = f"listen: 127.0.0.1:{self.route_port}"
            lines.append(f"cluster {{ name: desk, {listen}, routes: [{routes}] }}")
        path = self.folder / "nats.conf"
        path.write_text("\n".join([*lines, self.config]))
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen([BINARY, "-c", path], stdout=log, stderr=log)
        log.close()
        self.wait()

    def wait(self) -> None:
        ends_s = time.monotonic() + STARTS_S
        while time.monotonic() < ends_s:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
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
    routes = tuple(server.route_port for server in servers)
    for server in servers:
        server.routes = routes
        server.start()
    try:
        yield servers
    finally:
        for server in servers:
            server.kill()
