"""Each setting that makes another desk, changed in a running one: over live servers, without a restart."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from pathlib import Path

import msgspec
import pytest

from feeds.desk.change import exchange
from rotation.sessions import closures_added, is_session, previous_session, session_at, set_closures
from rotation.status import Kind
from tests.support.servers.alpaca import AlpacaServer
from tests.support.tui.another_desk import running

OWN = '[universes.own]\nholdings = "own.csv"\ndate = 2024-01-02'
BEGINS = '[feeds]\nfeed = "yahoo"\n[desk]\nlegs = ["IWM", "QQQ", "SPY"]\n'


@pytest.fixture(autouse=True)
def closures():
    """As they were: they are the process's."""
    before = closures_added()
    yield
    set_closures(before)


def desk(*lines: str, legs: str = '["IWM", "QQQ", "SPY"]', feeds: str = 'feed = "yahoo"') -> str:
    return "\n".join([f"[feeds]\n{feeds}", f"[desk]\nlegs = {legs}", *lines, ""])


async def test_every_setting_that_makes_another_desk(tmp_path, monkeypatch):
    (tmp_path / "own.csv").write_text("symbol,weight\nIWM,60\nSPY,40\n")
    async with running(tmp_path, monkeypatch, BEGINS) as on_screen:
        app = on_screen.app
        blank: list[int] = []
        taken = app.take
        app.take = lambda shown: (blank.append(shown.seq) if _is_blank(shown) else None, taken(shown))[1]
        quotes = on_screen.connected

        more = '["IWM", "QQQ", "SPY", "DIA"]'
        assert await on_screen.change(desk(legs=more)) == "config.toml: applied desk.legs"
        assert on_screen.snapshot.legs["DIA"].status.kind is Kind.LIVE
        assert on_screen.snapshot.legs["DIA"].return_pct["60"] is not None, "with its history"
        assert on_screen.connected != quotes
        quotes = on_screen.connected

        assert await on_screen.change(desk('pair = "DIA/SPY"', legs=more)) == "config.toml: applied desk.pair"
        assert (on_screen.snapshot.spread.base, on_screen.snapshot.spread.against) == ("DIA", "SPY")
        assert on_screen.snapshot.spread.windows["60"].pp is not None
        assert {*on_screen.connected} <= {*quotes}, "all are legs: whoever brings them goes on"

        # A pair whose symbols no feed asks for.
        await on_screen.change(desk('pairs = ["KRE/TLT"]'))
        await on_screen.until(lambda: app.view.pairs == ("KRE/TLT",))
        assert {"KRE", "TLT"} <= on_screen.snapshot.legs.keys()
        await on_screen.pilot.press("p")
        await on_screen.until(lambda: app.snapshot.pairs["KRE/TLT"] is not None)
        assert app.view.pair == "KRE/TLT"

        message = await on_screen.change(desk('value_growth = "SPY/IWM"', 'benchmark = "DIA"'))
        assert "desk.value_growth, desk.benchmark" in message
        assert app.view.pair == "", "a pair that has gone is not looked at any more"
        assert on_screen.snapshot.value_growth.base == "SPY"
        assert "DIA" in on_screen.snapshot.legs
        assert on_screen.desk._change._opened.supervisor.desk.benchmark == "DIA"

        message = await on_screen.change(desk('[groups]\nbanks = ["KRE"]', '[watchlists]\nmine = ["TLT"]'))
        assert message.endswith("applied desk.value_growth, desk.benchmark, groups, watchlists")
        assert [each.name for each in on_screen.snapshot.lists] == ["", "banks", "mine"]
        assert app.view.lists == ("mine",)

        message = await on_screen.change(desk(OWN + '\nindex = "IWM"'))
        assert message == "config.toml: applied groups, watchlists, universes"
        assert app.view.lists == ()
        await on_screen.pilot.press("6")
        await on_screen.until(lambda: app.snapshot.breadth and "OWN" in app.snapshot.breadth.indices)

        priced = desk(OWN, feeds='feed = "yahoo"\nmembers = true')
        with monkeypatch.context() as short:  # nobody here has members' prices: they are waited for in vain
            short.setattr(exchange, "LIMIT_S", 1.0)
            assert "feeds.members" in await on_screen.change(priced)
        assert "members" in {feed.name for feed in on_screen.snapshot.health.feeds}

        listed = desk(feeds='feed = ["alpaca", "yahoo"]\nnats = "nats://127.0.0.1:4222"')
        message = await on_screen.change(listed)
        assert message == "config.toml: applied feeds.feed, feeds.nats, feeds.members, universes"
        assert on_screen.snapshot.breadth is None or "OWN" not in on_screen.snapshot.breadth.indices
        assert on_screen.is_live()

        before = on_screen.snapshot.legs["IWM"].return_pct["5"]
        closed = previous_session(previous_session(session_at(on_screen.world.clock_ns())))
        message = await on_screen.change(desk(f"[market]\nclosures = [{closed}]"))
        assert "market.closures" in message
        assert not is_session(closed)
        assert on_screen.snapshot.legs["IWM"].return_pct["5"] != before

        assert "feeds.offline" in await on_screen.change(desk(feeds="offline = true"))
        assert is_session(closed)
        await on_screen.until(lambda: on_screen.connected == [])
        assert {leg.status.kind for leg in on_screen.snapshot.legs.values()} == {Kind.OFFLINE}
        assert "feeds.offline" in await on_screen.change(desk())
        await on_screen.until(on_screen.is_live)

        assert "feeds.demo_when_empty" in await on_screen.change(
            desk(feeds='feed = "yahoo"\ndemo_when_empty = false')
        )
        assert on_screen.is_live()
        assert blank == [], "the screen was never empty"


def _is_blank(snapshot) -> bool:
    return all(leg.last is None for leg in snapshot.legs.values())


async def test_what_cannot_be_opened_keeps_the_desk_and_names_the_line(tmp_path, monkeypatch):
    monkeypatch.setenv("APCA_API_KEY_ID", "")
    async with AlpacaServer() as alpaca, running(tmp_path, monkeypatch, BEGINS) as on_screen:
        monkeypatch.setenv("ROTATION_TUI_ALPACA_STREAM_URL", alpaca.url)
        feeds = on_screen.snapshot.health.feeds
        quotes = on_screen.connected
        path = on_screen.path

        async def refused(text: str, line: int, setting: str) -> str:
            message = await on_screen.change(text)
            assert app.view.is_urgent
            assert message.startswith(f"{path.name}, line {line}: {setting}: ")
            assert message.endswith("; the desk stays as it is")
            assert on_screen.connected == quotes
            assert [feed.name for feed in on_screen.snapshot.health.feeds] == [feed.name for feed in feeds]
            assert list(on_screen.snapshot.legs) == ["IWM", "QQQ", "SPY"]
            return message

        app = on_screen.app
        assert "needs a key" in await refused(desk(feeds='feed = "alpaca"', legs='["IWM"]'), 2, "feeds.feed")
        assert "no holdings" in await refused(
            desk(feeds='feed = "yahoo"\nmembers = true'), 3, "feeds.members"
        )
        lacking = desk('[universes.own]\nholdings = "nowhere.csv"')
        assert "nowhere.csv" in await refused(lacking, 5, "universes")
        assert "nats" in await refused(desk(feeds='feed = "nats"'), 2, "feeds.nats")

        # A key that the vendor refuses: that is known only once it was asked.
        monkeypatch.setenv("APCA_API_KEY_ID", "BAD")
        monkeypatch.setenv("APCA_API_SECRET_KEY", "secret-1")
        assert "wrong" in await refused(desk(feeds='feed = "alpaca"'), 2, "feeds.feed")
        assert "secret-1" not in app.view.message
        assert not [client for client in alpaca.clients if not client.closed]

        assert await on_screen.change(desk('pair = "SPY/QQQ"')) == (
            "config.toml: applied desk.pair, feeds.feed"
        )
        assert on_screen.snapshot.spread.base == "SPY"


async def test_of_changes_in_quick_succession_the_last_one_counts_and_nothing_stays_behind(
    tmp_path, monkeypatch
):
    async with running(tmp_path, monkeypatch, BEGINS) as on_screen:
        await on_screen.change(desk(legs='["IWM", "QQQ", "DIA"]'))
        await on_screen.change(desk())
        await asyncio.sleep(0.5)
        before = _held()
        for number in range(6):
            for legs in ('["IWM", "QQQ", "DIA"]', '["IWM", "QQQ", "KRE"]', '["IWM", "QQQ", "SPY"]'):
                on_screen.write(desk(legs=legs))
                await on_screen.pilot.pause(0.15 + 0.1 * (number % 3))
        await on_screen.until(lambda: list(on_screen.snapshot.legs) == ["IWM", "QQQ", "SPY"])
        await on_screen.until(lambda: not on_screen.desk._change._work or on_screen.desk._change._work.done())
        await on_screen.until(lambda: len(on_screen.connected) == 2)
        await on_screen.until(lambda: _is_no_more(before))
        assert on_screen.is_live()


def _held() -> tuple[int, int, int]:
    """Tasks, open files and sockets, threads."""
    gc.collect()
    return len(asyncio.all_tasks()), sum(1 for _ in Path("/proc/self/fd").iterdir()), threading.active_count()


def _is_no_more(before: tuple[int, int, int]) -> bool:
    """A request or a thread of the pool may be under way; a feed more would be several."""
    tasks, files, threads = _held()
    return tasks <= before[0] + 2 and files <= before[1] + 3 and threads <= before[2] + 3


async def test_an_alert_fires_once_whatever_the_desk_becomes(tmp_path, monkeypatch):
    alert = '[notify]\nto = ["bell"]\n[[alerts]]\nwhen = "iwm.last > 1"\nrepeat = "crossing"\n'
    async with running(tmp_path, monkeypatch, BEGINS + alert) as on_screen:
        calls = lambda: [e for e in on_screen.snapshot.events if e.kind == "alert"]  # noqa: E731
        await on_screen.until(calls)
        more = '["IWM", "QQQ", "SPY", "DIA"]'
        await on_screen.change(desk(alert, legs=more))
        await on_screen.change(desk(alert, legs=more, feeds='feed = ["alpaca", "yahoo"]'))
        await on_screen.change(desk('pair = "DIA/SPY"', alert, legs=more))
        assert len(calls()) == 1
        assert on_screen.snapshot.alerts[0].fired == 1
    kept = json.loads((tmp_path / "STATE" / "rotation-tui" / "alerts.json").read_text())
    assert len(kept["calls"]) == 1


async def test_an_alert_that_the_file_disables_is_named_with_its_line(tmp_path, monkeypatch):
    alert = '[[alerts]]\nname = "dow"\nwhen = "zzzz.last > 1"\n'
    more = '["IWM", "QQQ", "SPY", "ZZZZ"]'
    async with running(tmp_path, monkeypatch, desk(alert, legs=more)) as on_screen:
        messages = lambda: [each.text for each in on_screen.snapshot.events if "disabled" in each.text]  # noqa: E731
        assert messages() == []
        # The alert is the same one, but stands two lines lower.
        await on_screen.change("# mine\n# and more\n" + desk(alert))
        await on_screen.until(messages)
        assert messages()[-1].startswith(f"{on_screen.path}, line 9: alerts.when: alert dow is disabled: ")
        assert "zzzz.last" in messages()[-1]


async def test_a_leg_and_an_alert_on_it_come_in_one_change(tmp_path, monkeypatch):
    alert = '[[alerts]]\nname = "dia"\nwhen = "dia.last > 1"\nany_hour = true\n'
    async with running(tmp_path, monkeypatch, BEGINS) as on_screen:
        await on_screen.change(desk(alert, legs='["IWM", "QQQ", "DIA"]'))
        texts = lambda kind: [each.text for each in on_screen.snapshot.events if each.kind == kind]  # noqa: E731
        await on_screen.until(lambda: texts("alert"))
        assert not [text for text in texts("config") if "disabled" in text]
        # What never comes is told.
        nowhere = alert.replace("dia", "tlt") + '[universes.x]\nholdings = "none.csv"\n'
        (on_screen.path).write_text(desk(nowhere, legs='["IWM", "QQQ", "TLT"]'))
        await on_screen.until(lambda: [text for text in texts("config") if "alert tlt is disabled" in text])


async def test_a_demo_for_want_of_a_key_gives_way_to_live_prices_and_comes_back(tmp_path, monkeypatch):
    listed = '[feeds]\nfeed = ["alpaca", "demo"]\n'
    async with running(tmp_path, monkeypatch, listed, is_live=False) as on_screen:
        assert on_screen.snapshot.mode == "DEMO"
        assert "the demo is next" in on_screen.app.view.message
        assert "feeds.feed" in await on_screen.change(desk())
        await on_screen.until(lambda: on_screen.snapshot.mode == "" and on_screen.is_live())
        assert on_screen.desk.controls is None
        messages: list[str] = []
        taken = on_screen.app.take
        on_screen.app.take = lambda shown: (taken(shown), messages.append(on_screen.app.view.message))[0]
        on_screen.write(listed)
        await on_screen.until(lambda: on_screen.snapshot.mode == "DEMO")
        # Another demo, and a log of its own: that it plays, and why, is said once more.
        await on_screen.until(lambda: any("the demo is next" in message for message in messages))
        assert on_screen.desk.wanted.feed == "alpaca,demo"
        await on_screen.until(lambda: on_screen.connected == [])
        assert on_screen.desk.controls is not None


async def test_a_list_that_comes_down_to_the_demo_on_a_running_desk_is_taken(tmp_path, monkeypatch):
    async with running(tmp_path, monkeypatch, BEGINS) as on_screen:
        message = await on_screen.change(desk(feeds='feed = ["alpaca", "demo"]'))
        assert message == "config.toml: applied feeds.feed"
        await on_screen.until(lambda: on_screen.snapshot.mode == "DEMO")
        await on_screen.until(lambda: on_screen.connected == [])
        assert on_screen.desk.controls is not None
        assert "feeds.feed" in await on_screen.change(desk())
        await on_screen.until(lambda: on_screen.snapshot.mode == "" and on_screen.is_live())
        assert on_screen.desk.controls is None


async def test_a_demo_that_stands_in_without_the_network_gives_way_to_it(tmp_path, monkeypatch):
    without = "[feeds]\noffline = true\n"
    async with running(tmp_path, monkeypatch, without, is_live=False) as on_screen:
        await on_screen.until(lambda: on_screen.snapshot.mode == "DEMO")
        assert on_screen.desk.controls is not None
        # Another desk, while the demo plays.
        message = await on_screen.change(without + '[desk]\npair = "DIA/SPY"\n')
        assert message == "config.toml: applied desk.pair"
        await on_screen.until(lambda: on_screen.snapshot.spread.base == "DIA")
        assert on_screen.snapshot.mode == "DEMO"
        assert on_screen.connected == []
        assert (
            await on_screen.change(desk())
            == "config.toml: applied desk.pair, desk.legs, feeds.feed, feeds.offline"
        )
        await on_screen.until(lambda: on_screen.snapshot.mode == "" and on_screen.is_live())
        assert on_screen.desk.controls is None
        # History has been stored meanwhile, so there is something to show without the network.
        await on_screen.until(lambda: on_screen.snapshot.legs["IWM"].return_pct["60"] is not None)
        assert "feeds.offline" in await on_screen.change(desk(feeds="offline = true"))
        await on_screen.until(lambda: on_screen.snapshot.legs["IWM"].status.kind is Kind.OFFLINE)
        assert on_screen.snapshot.mode == ""


async def test_a_sheet_of_what_has_gone_closes(tmp_path, monkeypatch):
    (tmp_path / "own.csv").write_text("symbol,weight\nIWM,60\nSPY,40\n")
    own = desk(OWN)
    async with running(tmp_path, monkeypatch, own) as on_screen:
        app = on_screen.app
        for figure, stays in (("breadth.own.share_up", False), ("spy.last", True)):
            app._look(msgspec.structs.replace(app.view, figure=figure, explains=True))
            await on_screen.until(lambda name=figure: name in app.snapshot.explained)
            await on_screen.change(desk() if not stays else desk('pair = "SPY/QQQ"'))
            assert app.view.explains is stays
            assert app.view.figure == (figure if stays else "")
        await on_screen.change(desk(legs='["IWM", "QQQ"]'))
        assert not app.view.explains, "nor is there such a leg any more"
