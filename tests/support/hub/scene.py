"""Servers, hubs and viewers as processes of their own, and what must hold after anything is done to them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any

from feeds.clock import wall_ns
from tests.support import clock
from tests.support.hub.prices import PriceServer
from tests.support.paths import ROOT
from tests.support.servers.live_world import shift_to_session_ns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

EQUAL_S = 5.0
"""Within so much time every viewer has what is true."""


class Process:
    """One process whose stdout is read as it comes."""

    def __init__(self, *arguments: str, shift_ns: int) -> None:
        command = [sys.executable, "-m", "tests.support.hub.process", *arguments]
        environment = {**os.environ, **clock.setting(wall_ns() + shift_ns)}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        assert self.process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, out: IO[str]) -> None:
        for line in out:
            self.lines.append(line.strip())
            del self.lines[:-200]

    @property
    def state(self) -> dict[str, Any]:
        """A viewer's newest line; empty before the first."""
        for line in reversed(self.lines):
            if line.startswith("{"):
                return dict(json.loads(line))
        return {}

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


class Scene:
    """``url``: of the NATS servers."""

    def __init__(self, url: str, replicas: int = 1) -> None:
        self.url = url
        self.replicas = replicas
        self.shift_ns = shift_to_session_ns(wall_ns())
        self.prices = PriceServer(lambda: wall_ns() + self.shift_ns)
        self.hubs: list[Process] = []
        self.viewers: list[Process] = []

    def hub(self) -> Process:
        arguments = ("hub", self.url, str(self.prices.port), str(self.replicas))
        made = Process(*arguments, shift_ns=self.shift_ns)
        self.hubs.append(made)
        return made

    def viewer(self, url: str = "", *, ahead_s: float = 0.0) -> Process:
        made = Process("viewer", url or self.url, shift_ns=self.shift_ns + int(ahead_s * 1e9))
        self.viewers.append(made)
        return made

    def publishing(self) -> list[Process]:
        return [hub for hub in self.hubs if any("publishing as hub" in line for line in hub.lines)]

    async def until(self, holds: Callable[[], bool], within_s: float, what: str) -> float:
        """Seconds until it holds."""
        began_s = time.monotonic()
        while not holds():
            assert time.monotonic() - began_s < within_s, f"{what}: {self.report()}"
            await asyncio.sleep(0.05)
        return time.monotonic() - began_s

    def report(self) -> str:
        hubs = [hub.lines[-6:] for hub in self.hubs]
        return json.dumps([hubs, [viewer.state or viewer.lines[-12:] for viewer in self.viewers]])[:6000]

    def is_equal(self, viewer: Process) -> bool:
        truth = {symbol: list(held) for symbol, held in self.prices.truth.items()}
        state = viewer.state
        return bool(truth) and state.get("last") == truth and state.get("kind") == "LIVE"

    async def equal(self, within_s: float = EQUAL_S) -> float:
        """Hold the prints; every viewer has what is true, and nothing older has overwritten newer."""
        rate, self.prices.rate = self.prices.rate, 0.0
        try:
            await asyncio.sleep(0.1)
            alive = [viewer for viewer in self.viewers if viewer.process.poll() is None]
            taken_s = await self.until(
                lambda: all(map(self.is_equal, alive)), within_s, "viewers have not what is true"
            )
        finally:
            self.prices.rate = rate
        for viewer in alive:
            assert viewer.state["regressions"] == 0
        return taken_s

    async def ready(self) -> None:
        """Everything runs and every viewer is up to date; machines under load take long to start."""
        await self.until(lambda: bool(self.publishing()), 60, "no hub publishes")
        await self.until(lambda: all(viewer.state for viewer in self.viewers), 60, "viewers have not started")
        await self.equal(30)


@contextlib.asynccontextmanager
async def scene(url: str, *, hubs: int = 1, viewers: int = 3, replicas: int = 1) -> AsyncIterator[Scene]:
    """Ready when it begins."""
    made = Scene(url, replicas)
    async with made.prices:
        try:
            for _ in range(hubs):
                made.hub()
            for _ in range(viewers):
                made.viewer()
            await made.ready()
            yield made
        finally:
            for process in (*made.hubs, *made.viewers):
                process.kill()
