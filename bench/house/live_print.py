"""The modules of ours that a live print executes: ``live_print.py ROOT FILE`` in a pty.

The program's own app, desk and feed run against a scripted stream, in the middle of a session. The functions
called in the screen's thread are traced from the frame's departure until its price has been written to the
terminal; what every one of the prints passes is the way, whatever else ran meanwhile. Knows the layout of
before the move too.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

ROOT, FILE = Path(sys.argv[1]), Path(sys.argv[2])
PRODUCT = ("feeds", "rotation", "tui")
PRINTS = 12
PATIENCE_S = 30.0
"""Only ends a run that would hang."""
AGAIN_S = 2.0
"""After as long a print that is not on the screen is sent once more."""
sys.path[:] = [str(ROOT), *(path for path in sys.path if not (Path(path) / "feeds").is_dir())]
FRAME: list[object] = [None]
"""The frame of the newest print."""
AWAY = 1.01
"""From the world's own price, so that no other on the screen looks the same."""


def first(*names: str) -> Any:
    """The first of these modules that exists."""
    for name in names:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(names)


def move_clock() -> None:
    """To 10:40 in New York of the last session, before anything binds it."""
    sessions = import_module("rotation.sessions")
    real = time.time_ns
    shift_ns = sessions.open_ns(sessions.last_closed(real())) + 70 * 60 * 10**9 - real()
    time.time_ns = lambda: real() + shift_ns


class Served:
    """The world's servers in a thread of their own, which is not traced."""

    def __init__(self) -> None:
        live = first("tests.support.servers.live_world", "tests.servers.live_world")
        ws = first("tests.support.servers.ws", "tests.servers.ws")
        rest = first("tests.support.servers.rest", "tests.servers.rest")
        self._yahoo = first("tests.support.servers.yahoo", "tests.servers.yahoo")
        self._loop = asyncio.new_event_loop()
        self.world = live.LiveWorld(time.time_ns)
        self.stream = live.LiveStream(self.world, (ws.READY, ws.STAY))
        self._rest = rest.RestServer(answer=self.world.answer)
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        for server in (self.stream, self._rest):
            asyncio.run_coroutine_threadsafe(server.start(), self._loop).result(PATIENCE_S)
        os.environ |= live.environment(self._rest.url, self.stream.url)

    def tell(self, price: float) -> None:
        """A print of IWM, now."""
        now_ms = time.time_ns() // 10**6
        volume = now_ms % 10**9
        kind = self._yahoo.ETF
        FRAME[0] = frame = self._yahoo.pricing("IWM", price, now_ms, quote_type=kind, day_volume=volume)
        asyncio.run_coroutine_threadsafe(self._client.connection.send(frame), self._loop)

    @property
    def is_subscribed(self) -> bool:
        """The program has asked for its symbols."""
        return self._client is not None

    @property
    def _client(self) -> Any:
        """The desk's connection; the Fed's strip has one of its own."""
        clients = reversed(self.stream.clients)
        return next((each for each in clients if "IWM" in each.state.get("symbols", ())), None)


class Traced:
    """The files of ours whose functions run while it is on, and those that the print passes through.

    It passes through a function that is given it or returns it: as the frame, as its price in a number, a
    Quote or a Leg, or as text. A Snapshot as a whole does not count: every panel is given one.
    """

    def __init__(self, price: float) -> None:
        self.files: set[str] = set()
        self.carriers: set[str] = set()
        self._price = price
        self._text = f"{price:.2f}"

    def __call__(self, frame: Any, event: str, value: object) -> None:
        """As sys.setprofile calls it."""
        file = frame.f_code.co_filename
        if event not in {"call", "return"} or not file.startswith(str(ROOT)):
            return
        self.files.add(file)
        if file in self.carriers:
            return
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if event == "call" else ()
        values = [frame.f_locals.get(name) for name in names] if event == "call" else [value]
        if any(self._carries(value) for value in values):
            self.carriers.add(file)

    def _carries(self, value: object, depth: int = 0) -> bool:
        if isinstance(value, float):
            return abs(value - self._price) < 1e-3
        if isinstance(value, str):
            return self._text in value or value == FRAME[0]
        if depth > 5 or type(value).__name__ == "Snapshot":
            return False
        if isinstance(value, dict):
            return any(self._carries(each, depth + 1) for each in islice(tuple(value.values()), 50))
        if isinstance(value, tuple | list):
            return any(self._carries(each, depth + 1) for each in islice(value, 50))
        fields = getattr(type(value), "__struct_fields__", ())
        return any(self._carries(getattr(value, name, None), depth + 1) for name in fields)

    def modules(self, files: set[str]) -> set[str]:
        """The names of files."""
        ours = (Path(file).relative_to(ROOT) for file in files if file.startswith(str(ROOT)))
        named = (path for path in ours if path.parts[0] in PRODUCT)
        return {".".join(path.with_suffix("").parts) for path in named}


async def traced_prints(served: Served, written: list[str]) -> list[tuple[set[str], set[str]]]:
    """Of each print the modules that ran, and those that it passed through."""
    await holds(lambda: served.is_subscribed)
    price = round(AWAY * served.world.price("IWM", time.time_ns()), 2)
    for _ in range(PRINTS):  # warm: first paints, caches, the filter's first prints
        price = round(price + 0.01, 2)
        await shown(served, price, written)
    collected: list[tuple[set[str], set[str]]] = []
    while len(collected) < PRINTS:
        price = round(price + 0.01, 2)
        trace = Traced(price)
        sys.setprofile(trace)
        try:
            await shown(served, price, written)
        finally:
            sys.setprofile(None)
        passed = trace.modules(trace.carriers)
        # The same digits may stand elsewhere on the screen and be painted before the print is.
        if any(name.startswith("tui.") for name in passed):
            collected.append((trace.modules(trace.files), passed))
    return collected


async def shown(served: Served, price: float, written: list[str]) -> None:
    """Send a print and wait until its price has been written to the terminal.

    It is sent again where a newer price took its place first: at the start a snapshot by REST does.
    """
    written.clear()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            served.tell(price)
            with suppress(TimeoutError):
                return await holds(lambda: f"{price:.2f}" in "".join(written), AGAIN_S)


async def holds(condition: Any, patience_s: float = PATIENCE_S) -> None:
    """Wait until it is so: nothing tells when a terminal has been written to. Raises TimeoutError."""
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def main() -> None:
    move_clock()
    served = Served()
    from textual.drivers.linux_driver import LinuxDriver

    app_module = first("tui.screen.app", "tui.app")
    theme = first("tui.view.theme", "tui.theme")
    view_state = first("tui.view.view_state", "tui.view_state")
    backend = first("tui.compose.backend", "tui.__main__").LocalBackend()
    wanted = first("tui.wanted", "tui.backend", "tui.desk").Wanted
    written: list[str] = []

    class Driver(LinuxDriver):
        def write(self, data: str) -> None:
            written.append(data)
            super().write(data)

    class App(app_module.RotationApp):  # type: ignore[misc, name-defined]  # of this commit or an older one
        result: list[tuple[set[str], set[str]]] | None = None
        failure = ""

        def get_driver_class(self) -> type[Driver]:
            return Driver

        async def on_load(self) -> None:
            self._tracing = asyncio.create_task(self._trace())

        async def _trace(self) -> None:
            try:
                App.result = await traced_prints(served, written)
            except BaseException as error:  # noqa: BLE001 - told below, once the terminal is whole again
                App.failure = f"{type(error).__name__}: {error}; subscribed: {served.is_subscribed}"
            finally:
                self.exit()

    state = view_state.ViewState(theme=theme.DEFAULT, themes=theme.names())
    app = App(lambda: backend.open(wanted(feed="yahoo")), state)
    app.driver_class = Driver
    app.run()
    if not App.result:
        print(App.failure, file=sys.stderr)
        os._exit(1)
    every = sorted(set.intersection(*(ran for ran, _ in App.result)))
    way = sorted(set.intersection(*(passed for _, passed in App.result)))
    FILE.write_text(
        json.dumps(
            {
                "live_print_way": len(way),
                "live_print_way_modules": way,
                "live_print_modules": len(every),
                "live_print_by_layer": {top: sum(n.startswith(f"{top}.") for n in every) for top in PRODUCT},
                "live_print": every,
                "besides": sorted(set.union(*(ran for ran, _ in App.result)) - set(every)),
            }
        )
    )
    os._exit(0)


if __name__ == "__main__":
    main()
