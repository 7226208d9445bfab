"""A file that changes fifty times, every second time wrongly, over a stream of thousands a second."""

from __future__ import annotations

import asyncio
import os
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from feeds.events import Batch, Status
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import Quote
from rotation.sessions import to_ns
from rotation.status import LIVE, Kind
from tui.compose.desk.desks import LocalDesk
from tui.screen import app as module
from tui.screen.app import RotationApp
from tui.settings.file import read
from tui.settings.reload import ConfigWatch
from tui.view.theme import names
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from pathlib import Path

LEGS = ("IWM", "QQQ", "SPY", "IWN", "IVW")
BEGINS_NS = to_ns(datetime.fromisoformat("2024-07-16T10:40:00-04:00"))
DAYS = [date(2024, 7, day) for day in (8, 9, 10, 11, 12, 15)]
BATCH, PAUSE_S = 200, 0.04
"""Five thousand quotes a second where the machine is free."""
CHANGES = 50
BROKEN = (
    ("[desk]\nwindows = [0]\n", "line 2: desk.windows: 0 is not a number of sessions"),
    ("[limits]\nstale_s = 0\n", "line 2: limits.stale_s: expected a number of seconds"),
    ("[panels]\nwide = ['legs', 'legs']\n", "line 2: panels.wide: legs is in it twice"),
    ("[desk\n", "not valid TOML"),
    ("[keys]\npause = 5\n", "line 2: keys.pause: expected a key"),
)


class Stream:
    """Prints of all legs in turn, a millisecond apart, until it is stopped."""

    name = "scripted"
    mode = LIVE

    def __init__(self) -> None:
        self.sent = 0
        self.prices: dict[str, list[float]] = {leg: [] for leg in LEGS}
        self.is_stopped = False

    def tape(self) -> None:
        """It is live."""

    def clock_ns(self) -> int:
        return BEGINS_NS + self.sent * 1_000_000

    async def events(self):
        yield Status(Kind.LIVE, "")
        while not self.is_stopped:
            yield Batch(tuple(self._next() for _ in range(BATCH)))
            await asyncio.sleep(PAUSE_S)

    def _next(self) -> Quote:
        leg = LEGS[self.sent % len(LEGS)]
        price = 200 + (self.sent * 7919 % 997) / 100
        self.prices[leg].append(price)
        self.sent += 1
        return Quote(leg, self.clock_ns(), price)


def history() -> History:
    rows = [(leg, day, 200.0 + n, None) for leg in LEGS for n, day in enumerate(DAYS)]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


def valid(number: int) -> tuple[str, tuple[int, ...], float]:
    """A file, and the windows and the limit that it sets."""
    windows, stale_s = tuple(sorted({1, 2 + number % 9, 20})), 10.0 + number
    look = ("paper", "midnight")[number // 2 % 2]
    glyphs = ("auto", "ascii", "unicode")[number // 2 % 3]
    pairs = ('["IWN/IVW"]', '["SPY/QQQ", "IWN/IVW"]', "[]")[number // 2 % 3]
    text = (
        f"[desk]\nwindows = {list(windows)}\npairs = {pairs}\nleg_gap_s = {number + 1}\n"
        f"[limits]\nstale_s = {stale_s}\n[screen]\ntheme = '{look}'\nglyphs = '{glyphs}'\n"
        "[panels]\nwide = ['legs', 'spread']\n"
    )
    return text, windows, stale_s


def write(path: Path, text: str) -> None:
    path.write_text(text)
    stamp = path.stat().st_mtime_ns + 1_000_000  # a disk may count in coarser steps than this test
    os.utime(path, ns=(stamp, stamp))


async def test_no_print_is_lost_and_a_broken_file_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "RELOAD_S", 0.01)
    path = tmp_path / "config.toml"
    path.write_text("")
    stream = Stream()
    market = Market(history(), Desk(legs=LEGS), as_of_ns=BEGINS_NS, origin=Provenance(LIVE, "scripted"))
    supervisor = Supervisor(market, [stream], clock_ns=stream.clock_ns)
    app = RotationApp(
        lambda: LocalDesk(supervisor, None),
        ViewState(themes=names()),
        reload=ConfigWatch(path, read(path)).poll,
    )
    windows, stale_s = app.view.windows, supervisor.desk.stale_s
    began_s = asyncio.get_running_loop().time()
    async with app.run_test(size=(160, 45)) as pilot:
        while app.snapshot is None or not app.snapshot.health.counts.accepted:
            await pilot.pause(0.01)
        for number in range(CHANGES):
            before = stream.sent
            app.say("")
            if number % 2:
                text, says = BROKEN[number // 2 % len(BROKEN)]
                write(path, text)
            else:
                text, windows, stale_s = valid(number)
                says = "config.toml: applied"
                write(path, text)
            async with asyncio.timeout(60):
                while says not in app.view.message:
                    await pilot.pause(0.01)
            assert app.view.is_urgent == bool(number % 2)
            footer = app.query_one("#keys").render_line(0).text.strip()
            assert footer.startswith(app.view.message[:100])
            if number % 2:
                assert app.view.message.endswith("; the previous configuration stays in use")
            assert app.view.windows == windows
            assert supervisor.desk.stale_s == stale_s
            assert {str(k) for k in windows} <= supervisor.latest.spread.windows.keys()
            assert stream.sent >= before, "prices go on"
        stream.is_stopped = True
        async with asyncio.timeout(60):
            while (
                supervisor.latest.health.feeds[0].quotes != stream.sent
                or app.snapshot is not supervisor.latest
            ):
                await pilot.pause(0.01)
        took_s = asyncio.get_running_loop().time() - began_s
        assert app.failure is None
    counts = supervisor.latest.health.counts
    assert counts.accepted == stream.sent
    assert stream.sent > 10 * BATCH, f"{stream.sent / took_s:,.0f} quotes a second"
    for leg, prices in stream.prices.items():
        shown = supervisor.latest.legs[leg]
        assert (shown.last, shown.high, shown.low) == (prices[-1], max(prices), min(prices))
