"""From the socket to the screen: ``python -m bench.ingest.painted [KIND PER_FRAME SECONDS RATE …]``.

A desk in a pseudo-terminal at 160×45 is served a tape at each rate, quotes a second. Prints one JSON object
a rate. ``to_snapshot_ms`` is from when a print was due on the tape to the Snapshot that holds it; ``age_ms``
is how old the newest print is when figures are painted, as long as the tape runs: afterwards nothing newer
comes; ``to_paint_ms`` is from a print to the first painting after it, of which figures have at most four a
second. At the end last, high, low, volume and minutes of every symbol are compared with the tape.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

from bench.common import BenchError, blank_home, quantile
from bench.ingest.compare import checked, differences
from bench.ingest.ours import Watched, _rss_mb, desk, market_of
from bench.ingest.serving import serving
from bench.ingest.supervised import SupervisedDesk
from bench.ingest.tape import BASE_NS, tape
from bench.terminal import Terminal
from feeds.http.cached import CachedClient
from rotation.quote import NS
from tui.screen.app import RotationApp
from tui.screen.scene import PacedScene
from tui.screen.terminal import keep_what_stays
from tui.view import theme
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.ingest.serving import Serving
    from feeds.supervisor import Supervisor
    from rotation.snapshot import Snapshot
    from tui.screen.scene import Scene

QUIET_S = 2.0
"""After the last print has been sent."""
DEFAULT = ("alpaca-json", "20", "10", "1000", "10000")


class Painted:
    """Which prints wait to be painted, and how long those that were have waited."""

    def __init__(self, server: Serving, end_ns: int) -> None:
        """``end_ns``: when the last print is due, on the server's clock."""
        self._server = server
        self._end_ns = end_ns
        self._waiting: list[tuple[int, list[int]]] = []
        """Number of a Snapshot, and when its prints were due."""
        self._drawn: int | None = None
        self.to_paint_ns: list[int] = []
        self.ages_ns: list[int] = []

    def published(self, number: int, times: list[int]) -> None:
        """A Snapshot with these prints."""
        if times:
            self._waiting.append((number, times))

    def drawn(self, number: int) -> None:
        """The figures of a Snapshot are about to be written."""
        self._drawn = number

    def written(self) -> None:
        """The driver has written to the terminal."""
        number, self._drawn = self._drawn, None
        if number is None:
            return
        now_ns = self._server.clock_ns()
        shown = [due_ns for of, times in self._waiting if of <= number for due_ns in times]
        self._waiting = [each for each in self._waiting if each[0] > number]
        if shown:
            if now_ns < self._end_ns:
                self.ages_ns.append(now_ns - max(shown))
            self.to_paint_ns += [now_ns - due_ns for due_ns in shown]


class NotedScene(PacedScene):
    """Notes which Snapshot's figures were drawn."""

    painted: Painted

    def scene(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Scene:
        """As the program's."""
        made = super().scene(snapshot, view, width, height)
        kept = self._kept.get("legs")
        if kept is not None and kept.snapshot is not None:
            self.painted.drawn(kept.snapshot.seq)
        return made


class NotedDriver(LinuxDriver):
    """Notes when something is written."""

    painted: Painted

    def write(self, data: str) -> None:
        """Textual writes."""
        super().write(data)
        NotedDriver.painted.written()


class ServedDesk(SupervisedDesk):
    """A desk over a stream that is served, until its tape has ended."""

    def __init__(self, server: Serving, supervisor: Supervisor) -> None:
        super().__init__(supervisor)
        self._server = server
        self.cpu_s = 0.0

    async def run(self) -> None:
        """Until QUIET_S after the end of the tape."""
        driven = asyncio.create_task(self._supervisor.run())
        try:
            await asyncio.wait_for(self._server.until_go(), 60)
            before_s = time.process_time()
            await self._server.until_sent()
            await asyncio.sleep(QUIET_S)
            self.cpu_s = time.process_time() - before_s
        finally:
            driven.cancel()
            await asyncio.gather(driven, return_exceptions=True)


class MeasuredApp(RotationApp):
    """Quits when the desk has ended."""

    async def _follow(self, desk: Any) -> None:
        await super()._follow(desk)
        self.exit()


async def screen(kind: str, per_frame: int, seconds: int, rate: int) -> dict[str, Any]:
    """The measured process."""
    count = seconds * rate
    async with serving(kind, per_frame, count, rate) as server, CachedClient() as http:
        stream, supervisor = desk(kind, server, http)
        watched, painted = Watched(server, rate), Painted(server, BASE_NS + seconds * NS)
        NotedDriver.painted = painted
        supervisor.observer = watched.observe

        def published(snapshot: Snapshot) -> Snapshot:
            painted.published(snapshot.seq, watched.waiting())
            watched.published()
            return snapshot

        supervisor.on_publish = published
        paced = NotedScene()
        paced.painted = painted
        served = ServedDesk(server, supervisor)
        app = MeasuredApp(lambda: served, ViewState(themes=theme.names()), paced=paced)
        app.driver_class = NotedDriver
        keep_what_stays(app)  # as the program does it
        await app.run_async()
        if app.failure is not None:
            raise app.failure
        stats = stream.stats()
    legs = supervisor.latest.legs if supervisor.latest else {}
    return {
        "bench": "ingest.painted",
        "kind": kind,
        "per_frame": per_frame,
        "rate": rate,
        "quotes": count,
        "to_snapshot_ms": _summary(watched.lags_ns),
        "age_ms": _summary(painted.ages_ns),
        "to_paint_ms": _summary(painted.to_paint_ns),
        "paintings": len(painted.ages_ns),
        "busy_pct": round(100 * served.cpu_s / (seconds + QUIET_S), 1),
        "conflated": stats.conflated,
        "rss_mb": _rss_mb(),
        "differences": differences(
            tape(count, rate), watched.events, market_of(supervisor), legs, coarse=kind == "massive"
        ),
    }


def _summary(lags_ns: Sequence[int]) -> dict[str, float]:
    lags_ms = [lag / (NS / 1_000) for lag in lags_ns] or [0.0]
    shares = {f"p{share}": round(quantile(lags_ms, share), 1) for share in (50, 95, 99)}
    return {**shares, "worst": round(max(lags_ms), 1)}


def measure(kind: str, per_frame: int, seconds: int, rate: int) -> dict[str, Any]:
    """One rate, in a terminal of its own. Raises BenchError."""
    with blank_home() as env:
        file = Path(env["HOME"]) / "painted.json"
        words = (kind, per_frame, seconds, rate, file)
        argv = [sys.executable, "-m", "bench.ingest.painted", "screen", *map(str, words)]
        with Terminal(argv, env, width=160, height=45) as terminal:
            if not terminal.ended(120 + 4 * seconds):
                raise BenchError("the served screen did not end")
        if not file.exists():
            raise BenchError(f"the served screen failed: {terminal.ending()}")
        result: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return result


def main() -> None:
    if sys.argv[1:2] == ["screen"]:
        kind, *numbers, file = sys.argv[2:]
        result = asyncio.run(screen(kind, *(int(number) for number in numbers)))
        Path(file).write_text(json.dumps(result), "utf-8")
        return
    kind, per_frame, seconds, *rates = sys.argv[1:] or DEFAULT
    for rate in rates:
        result = measure(kind, int(per_frame), int(seconds), int(rate))
        print(json.dumps(result), flush=True)
        try:
            checked(result)
        except BenchError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
