"""A host that reads a vendor by itself: its file names other symbols, and viewers and vendor follow."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import pytest

from feeds.clock import wall_ns
from tests.support import clock
from tests.support.servers.live_world import LiveStream, LiveWorld, environment, shift_to_session_ns
from tests.support.servers.rest import RestServer
from tests.support.tui.workers import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.pty_terminal import Terminal
    from tests.support.tui.workers import Workers

BEFORE = '[desk]\nlegs = ["IWM", "QQQ", "SPY"]\n'
AFTER = '[desk]\npair = "DIA/SPY"\nlegs = ["DIA", "SPY", "KRE"]\n'
REFUSED = AFTER.replace("KRE", "TLT") + '[feeds]\nfeed = "alpaca"\n'


class Vendor:
    """Yahoo's stream and charts, and who is connected to it."""

    def __init__(self) -> None:
        shift_ns = shift_to_session_ns(wall_ns())
        self.world = LiveWorld(lambda: wall_ns() + shift_ns)
        self.rest, self.stream = RestServer(answer=self.world.answer), LiveStream(self.world)

    async def __aenter__(self) -> Self:
        await self.rest.start(0)
        await self.stream.start(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stream.stop()
        await self.rest.__aexit__()

    @property
    def environment(self) -> dict[str, str]:
        """The choice of a feed is the file's."""
        given = environment(self.rest.url, self.stream.url) | clock.setting(self.world.clock_ns())
        return {name: value for name, value in given.items() if name != "ROTATION_TUI_FEED"}

    @property
    def quotes(self) -> dict[int, frozenset[str]]:
        """The connections that are open, by number, and what each has subscribed; not that of the futures."""
        symbols = {
            number: frozenset(client.state.get("symbols", ()))
            for number, client in enumerate(self.stream.clients)
            if not client.closed
        }
        return {number: each for number, each in symbols.items() if not any(s.startswith("ZQ") for s in each)}


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_other_symbols_are_asked_of_the_vendor_and_shown_to_all(workers, tmp_path, processes) -> None:
    path = tmp_path / ".config" / "rotation-tui" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(BEFORE)
    async with Vendor() as vendor:
        options = ("--per-address", "50", "--workers", processes)
        host = await asyncio.to_thread(workers, *options, env=vendor.environment, demo=False)
        await asyncio.to_thread(follow, host, vendor, path)


def follow(host: Workers, vendor: Vendor, path: Path) -> None:
    """From the first viewer to the end."""
    with host.look(2, size=(160, 45)) as strangers, host.look(size=(160, 45), key="boss") as (boss,):
        shown = [*strangers, boss]
        until(lambda: all_show(shown, "IWM", "LIVE"), "live prices")
        ((first, asked),) = vendor.quotes.items()
        assert {"IWM", "QQQ", "SPY"} <= asked
        assert "DIA" not in asked

        path.write_text(AFTER)
        boss.see("config.toml: applied desk.pair, desk.legs")
        until(lambda: all_show(shown, "DIA against SPY"), "the other desk")
        until(lambda: len(vendor.quotes) == 1, "one connection alone")
        ((second, asked),) = vendor.quotes.items()
        assert second != first
        assert {"DIA", "SPY", "KRE"} <= asked
        assert not {"IWM", "QQQ"} & asked, "what nobody shows is not asked for any more"
        legs = until(lambda: live_legs(host, {"DIA", "SPY", "KRE"}), "live prices")
        for symbol, (last, _day, _week, _month, quarter, *_) in legs.items():
            # Of the vendor's close before, the prices are waves around it.
            assert float(last) == pytest.approx(close_of(vendor, symbol), rel=0.05), symbol
            assert quarter != "—", "with its history"

        # A feed whose key is missing: desk and connection stay, and who may not know learns nothing.
        path.write_text(REFUSED)
        boss.see("feeds.feed cannot be applied (see the host's log); the desk stays as it is")
        assert all_show(shown, "DIA against SPY", "LIVE")
        assert list(vendor.quotes) == [second]
        assert not any(b"cannot be applied" in terminal.raw for terminal in strangers)
        (logged,) = until(lambda: host.events("desk not changed"), "the log")
        assert logged["key"] == "feeds.feed"
        with host.look(size=(160, 45)) as (newcomer,):
            newcomer.see("DIA against SPY")
    assert host.end() == 0
    until(lambda: not vendor.quotes, "the vendor to be left alone")


def all_show(terminals: list[Terminal], *words: str) -> bool:
    """Whether every screen has all of these."""
    for terminal in terminals:
        terminal.read(0.01)
    return all(word in terminal.text for terminal in terminals for word in words)


def live_legs(host: Workers, symbols: set[str]) -> dict[str, list[str]]:
    """By symbol the words of its line as the host's text has it, once all of these are LIVE; empty before."""
    done = host.run("snapshot")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    legs = {words[0]: words[1:] for words in lines if words and words[0] in symbols and "LIVE" in words}
    return legs if legs.keys() == symbols else {}


def close_of(vendor: Vendor, symbol: str) -> float:
    """The newest settled close of the vendor's."""
    raw = vendor.world.daily.shares[symbol].raw
    return float(raw[max(raw)])
