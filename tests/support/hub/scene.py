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
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

from feeds.clock import wall_ns
from tests.support import clock
from tests.support.hub.prices import PriceServer
from tests.support.hub.process import EVERY_S
from tests.support.paths import ROOT
from tests.support.servers.live_world import shift_to_session_ns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

EQUAL_S = 60.0
"""Within so much time every viewer has what is true, on any machine; what it took is in ``RECOVERIES``."""
KEPT = 2000
"""Lines of a process: minutes of a viewer."""


RECOVERIES: dict[str, list[tuple[float, float]]] = {}
"""By fault how long the slowest viewer took each time, and for how long the machine held viewers up."""


def note(fault: str, took_s: list[float], stall_s: float) -> None:
    RECOVERIES.setdefault(fault, []).append((max(took_s), stall_s))


def _stall_s(viewers: list[Process], since_s: float) -> float:
    """The longest that any of them was held up by the machine between two of its own lines."""
    longest_s = 0.0
    for viewer in viewers:
        times = [state["at_s"] for state in viewer.states_since(since_s)]
        gaps = [later - before - EVERY_S for later, before in pairwise(times)]
        longest_s = max([longest_s, *gaps])
    return longest_s


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
            del self.lines[:-KEPT]

    @property
    def state(self) -> dict[str, Any]:
        """A viewer's newest line; empty before the first."""
        for line in reversed(self.lines):
            if line.startswith("{"):
                return dict(json.loads(line))
        return {}

    def states_since(self, at_s: float) -> Iterator[dict[str, Any]]:
        """A viewer's lines of this time and later, the newest first."""
        for line in reversed(self.lines):
            if line.startswith("{"):
                state = json.loads(line)
                if state["at_s"] < at_s:
                    return
                yield state

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
        return self.has_truth(viewer.state)

    def has_truth(self, state: dict[str, Any]) -> bool:
        """Whether a line of a viewer has what is true now, and is sure of it."""
        truth = {symbol: list(held) for symbol, held in self.prices.truth.items()}
        return bool(truth) and state.get("last") == truth and state.get("kind") == "LIVE"

    async def recovers(self, fault: str, over_s: float, viewers: list[Process] | None = None) -> None:
        """Every viewer has what is true again; note how long that took by the viewers' own clocks.

        ``over_s``: when the fault was over, by the machine's monotonic clock. The prints are held meanwhile,
        so that what is true stands still.
        """
        rate, self.prices.rate = self.prices.rate, 0.0
        try:
            alive = viewers or [viewer for viewer in self.viewers if viewer.process.poll() is None]
            await self.until(lambda: all(map(self.is_equal, alive)), EQUAL_S, f"no way back: {fault}")
            note(fault, [self._took_s(viewer, over_s) for viewer in alive], _stall_s(alive, over_s))
        finally:
            self.prices.rate = rate
        for viewer in alive:
            assert viewer.state["regressions"] == 0, fault

    def _took_s(self, viewer: Process, over_s: float) -> float:
        """From the end of the fault to the first line from which on it has what is true."""
        equal_s = float(viewer.state["at_s"])
        for state in viewer.states_since(over_s):
            if not self.has_truth(state):
                break
            equal_s = float(state["at_s"])
        return max(equal_s - over_s, 0.0)

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
