"""A running desk goes to a hub, has another desk of it, and comes back: a real NATS server, a real hub."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, asynccontextmanager

from feeds.clock import wall_ns
from feeds.desk.change import exchange
from feeds.hub.broker.viewer import HubFeed
from rotation.sessions import to_ns
from rotation.status import Kind
from tests.support import clock
from tests.support.hub.programs import Run
from tests.support.servers.nats import NOBODY, nats_server
from tests.support.tui.another_desk import running

LEGS = '["IWM", "QQQ", "SPY", "DIA"]'
AHEAD_NS = 5 * 10**9


def desk(*lines: str, legs: str = '["IWM", "QQQ", "SPY"]', feeds: str = 'feed = "yahoo"') -> str:
    return "\n".join([f"[feeds]\n{feeds}", f"[desk]\nlegs = {legs}", *lines, ""])


def of_hub(url: str) -> str:
    return f'feed = "nats"\nnats = "{url}"'


@asynccontextmanager
async def beside_a_hub(tmp_path, monkeypatch, text: str, *, ahead_ns: int = 0, is_live: bool = True):
    """A desk on screen, and a hub of four legs that reads the same vendors, by a clock that is ahead."""
    with nats_server(tmp_path) as server, ExitStack() as stack:
        async with running(tmp_path, monkeypatch, text, is_live=is_live) as on_screen:
            command = [sys.executable, "-m", "tui", "hub", "--nats", server.url]
            world = {**os.environ, "ROTATION_TUI_LEGS": "IWM,QQQ,SPY,DIA", "ROTATION_TUI_FEED": "yahoo"}
            if ahead_ns:
                world |= clock.setting(wall_ns() + ahead_ns)
            hub = Run(stack, command, tmp_path, "hub", world)
            await on_screen.until(lambda: "publishing as hub" in hub.log)
            yield on_screen, server, hub


def feeds(on_screen) -> tuple:
    return on_screen.desk._change._opened.supervisor.feeds


async def test_a_desk_goes_to_a_hub_and_changes_there_and_comes_back(tmp_path, monkeypatch):
    async with beside_a_hub(tmp_path, monkeypatch, desk()) as (on_screen, server, _hub):
        at_hub = of_hub(server.url)
        kinds: set[Kind] = set()
        taken = on_screen.app.take
        on_screen.app.take = lambda shown: (kinds.update(_kinds(shown)), taken(shown))[1]
        message = await on_screen.change(desk(feeds=at_hub))
        assert message == "config.toml: applied feeds.feed, feeds.nats"
        await on_screen.until(on_screen.is_live)
        await on_screen.until(lambda: len(on_screen.connected) == 2)  # those of the hub
        assert [type(feed) for feed in feeds(on_screen)] == [HubFeed]

        # All that the hub has; its own history may still be growing.
        message = await on_screen.change(desk('pair = "DIA/SPY"', legs=LEGS, feeds=at_hub))
        assert message == "config.toml: applied desk.pair, desk.legs"
        assert (on_screen.snapshot.spread.base, on_screen.snapshot.spread.against) == ("DIA", "SPY")
        await on_screen.until(lambda: on_screen.snapshot.spread.windows["60"].pp is not None)
        await on_screen.until(on_screen.is_live)
        kinds.clear()  # what came before leans on how soon the hub itself had prices and history

        listed = '[groups]\nblue = ["DIA"]\n[watchlists]\nmine = ["SPY"]'
        await on_screen.change(desk(listed, feeds=at_hub))
        assert [each.name for each in on_screen.snapshot.lists] == ["", "blue", "mine"]
        assert on_screen.app.view.lists == ("mine",)
        assert kinds == {Kind.LIVE}, "not for one Snapshot were prices anything less"

        # What it lacks is named, wherever it stands; the rest is shown.
        lacking = '[watchlists]\nmine = ["TLT", "DIA"]'
        message = await on_screen.change(desk(lacking, legs='["IWM", "QQQ", "KRE"]', feeds=at_hub))
        assert message.endswith("watchlists; the hub does not bring KRE, TLT"), message
        await on_screen.until(lambda: on_screen.snapshot.legs["DIA"].status.kind is Kind.LIVE)
        message = await on_screen.change(desk('pair = "IWM/ZZZZ"', feeds=at_hub))
        assert message.endswith("; the hub does not bring ZZZZ"), message
        assert on_screen.snapshot.spread.windows["5"].pp is None
        # A pair that a running desk takes up as it is where it has the symbols.
        await on_screen.change(desk('pairs = ["DIA/SPY", "KRE/TLT"]', feeds=at_hub))
        await on_screen.until(lambda: on_screen.app.view.message.endswith("does not bring KRE, TLT"))
        assert on_screen.app.view.pairs == ("DIA/SPY", "KRE/TLT")

        message = await on_screen.change(desk())
        assert message == "config.toml: applied feeds.feed, feeds.nats"
        await on_screen.until(on_screen.is_live)
        assert not any(isinstance(feed, HubFeed) for feed in feeds(on_screen))
        await on_screen.until(lambda: len(on_screen.connected) == 4)


async def test_a_desk_that_has_nothing_has_all_of_a_hub_and_its_clock(tmp_path, monkeypatch):
    """It begins with the demo: neither a price nor a close of its own."""
    nothing = '[feeds]\nfeed = ["alpaca", "demo"]\n'
    async with beside_a_hub(tmp_path, monkeypatch, nothing, ahead_ns=AHEAD_NS, is_live=False) as scene:
        on_screen, server, _hub = scene
        at_hub = of_hub(server.url)
        assert on_screen.snapshot.mode == "DEMO"
        assert "feeds.nats" in await on_screen.change(desk(feeds=at_hub))
        await on_screen.until(lambda: on_screen.snapshot.mode == "" and on_screen.is_live())
        await on_screen.until(lambda: on_screen.snapshot.spread.windows["60"].pp is not None)
        assert on_screen.desk.wanted.nats == server.url
        # By its own clock no Snapshot could be of a time that is still to come.
        await on_screen.until(lambda: to_ns(on_screen.snapshot.as_of) > wall_ns())

        # A symbol that prints no more: what the server keeps of it is fetched.
        frame = on_screen.world.frame
        on_screen.world.frame = lambda symbol: None if symbol == "DIA" else frame(symbol)
        message = await on_screen.change(desk(legs=LEGS, feeds=at_hub))
        assert message == "config.toml: applied desk.legs"
        assert on_screen.snapshot.legs["DIA"].last is not None
        assert on_screen.snapshot.legs["DIA"].return_pct["60"] is not None

        # Its own clock again, whatever the hub says.
        await on_screen.change(desk())
        await on_screen.until(on_screen.is_live)
        assert to_ns(on_screen.snapshot.as_of) <= wall_ns()


def _kinds(shown) -> set[Kind]:
    return {leg.status.kind for leg in shown.legs.values()}


async def test_a_hub_that_does_not_answer_keeps_the_desk_and_names_the_line(tmp_path, monkeypatch):
    async with beside_a_hub(tmp_path, monkeypatch, desk()) as (on_screen, server, hub):
        (tmp_path / "silent").mkdir()

        async def refused(url: str, why: str) -> None:
            before = feeds(on_screen)
            with monkeypatch.context() as short:
                short.setattr(exchange, "LIMIT_S", 1.0)
                message = await on_screen.change(desk(feeds=of_hub(url), legs=LEGS))
            assert message.startswith(f"{on_screen.path.name}, line 3: feeds.nats: ")
            assert message.endswith("; the desk stays as it is")
            assert why in message, message
            assert on_screen.app.view.is_urgent
            await on_screen.until(on_screen.is_live)
            assert feeds(on_screen) == before
            assert list(on_screen.snapshot.legs) == ["IWM", "QQQ", "SPY"]

        await refused(f"nats://127.0.0.1:{NOBODY}", "the NATS server refuses connections")
        with nats_server(tmp_path / "silent") as silent:
            await refused(silent.url, "no hub is sending")
            # Another hub than the present one has another history: nothing of the present one is kept.
            await on_screen.change(desk(feeds=of_hub(server.url)))
            await refused(silent.url, "no hub is sending")
        await on_screen.change(desk())
        await on_screen.until(on_screen.is_live)

        # The server still has the last values of a hub that has gone.
        hub.process.kill()
        await on_screen.until(lambda: hub.process.poll() is not None)
        await refused(server.url, "no hub is sending")
