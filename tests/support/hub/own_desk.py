"""``URL FOLDER``: a hub that shows its own desk over ssh, so that a viewer's screen can be held beside it.

The feed prints some times a second until there is a file ``hold`` in FOLDER; then only the clock moves.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.demo.fed import demo_fed
from feeds.demo.macro import demo_macro
from feeds.desk.opened.desk_legs import desk_for
from feeds.events import Batch, BidAsks, FedNews, MacroNews, Status, SymbolStates
from feeds.hub.broker.connection import Access
from feeds.hub.broker.serve import Hub
from feeds.on_demand import OnDemand
from feeds.supervisor import Supervisor
from rotation.market.market import Market
from rotation.quote import NS, Nbbo, Quote
from rotation.status import Kind
from tests.support.fault_table import FIRST
from tests.support.hub.prices import LiveFeed
from tests.support.live_desk import closes
from tui.ssh.configuration.settings import Settings
from tui.ssh.host import Host
from tui.ssh.limits import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from feeds.events import Event
    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot

SESSIONS = 300
EVERY_S = 0.3
PAIR, RETURNS = ("IWM", "QQQ"), "price"
"""Those of a desk that is asked for nothing else."""


class Scripted(LiveFeed):
    """Prints of three legs, one of them halted, with the Fed and macro of the demo."""

    name, symbols = "Scripted", frozenset(FIRST)

    def __init__(self, hold: Path) -> None:
        self._hold = hold

    async def events(self) -> AsyncIterator[Event]:
        yield Status(Kind.LIVE)
        yield FedNews(demo_fed(wall_ns()))
        yield MacroNews(demo_macro(wall_ns()))
        yield SymbolStates({list(FIRST)[-1]: Kind.HALTED})
        number = 0
        while True:
            if not self._hold.exists():
                number += 1
                now_ns = wall_ns()
                prices = {
                    symbol: round(price * (1 + number % 40 / 8000), 2) for symbol, price in FIRST.items()
                }
                yield Batch(
                    tuple(Quote(symbol, now_ns, price, number, 100) for symbol, price in prices.items())
                )
                base, price = next(iter(prices.items()))
                yield BidAsks({base: Nbbo(base, price - 0.01, price + 0.01, now_ns - NS // 10)})
            await asyncio.sleep(EVERY_S)


class OwnDesk:
    """The hub's supervisor as a host wants it; the hub runs it."""

    controls = None

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    async def run(self) -> None:
        await asyncio.Event().wait()

    def listen(self) -> AsyncIterator[Snapshot]:
        return self._supervisor.listen()

    def want(self, asked: Wants) -> None:
        self._supervisor.want(asked)


async def run(url: str, folder: Path) -> None:
    """Until killed; prints the port of ssh."""
    now_ns = wall_ns()
    history = closes(now_ns, sessions=SESSIONS)
    desk = desk_for(history, PAIR, RETURNS)
    supervisor = Supervisor(Market(history, desk, as_of_ns=now_ns), [Scripted(folder / "hold")])
    demand = OnDemand(supervisor.amend)
    supervisor.on_publish = lambda made: demand.add(
        made, supervisor.history, supervisor.desk, supervisor.wants
    )
    supervisor.beside.append(demand.run)
    hub = Hub(Access(url), lambda: (supervisor, desk.legs), lambda line: print(line, flush=True))
    settings = Settings(
        address="127.0.0.1",
        port=0,
        authorized_keys=folder / "keys",
        host_key=folder / "own_key",
        preferences=folder / "own.json",
        now_s=time.time,
        limits=Limits(new_per_minute=1000, per_address=50),
    )
    host = Host(OwnDesk(supervisor), settings)
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.run())
        group.create_task(host.run(lambda port: print(f"listening on 127.0.0.1 port {port}", flush=True)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2])))
