"""The demo in front of a live desk that has nothing: when it comes, when it goes, what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from feeds.desk.demo_fallback import PATIENCE_S, DemoFallback
from feeds.desk.opened import desk_legs, sources, supervision
from feeds.errors import InputError
from feeds.events import Batch, HistoryUpdated, Status
from feeds.supervisor import Supervisor
from rotation.alerts.rule import Rule
from rotation.alerts.target import AlertSettings
from rotation.context.wants import NOTHING, Part, Want, wants
from rotation.desk import EventKind
from rotation.history import History
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import Quote
from rotation.status import LIVE, Kind, Refusal
from tests.support.fake_time import NOW_NS, FakeTime, at_once, settle, until
from tests.support.live_desk import closes
from tui.compose.backend import LocalBackend
from tui.compose.desk.desks import LocalDesk
from tui.wanted import Wanted


@pytest.fixture(scope="module")
def demo_source():
    return sources.demo()


class ScriptedFeed:
    """A live feed that says what the test puts in."""

    name = "Yahoo"
    mode = LIVE

    def __init__(self) -> None:
        self.queue: asyncio.Queue[object] = asyncio.Queue()

    def tape(self):
        return None

    async def events(self):
        yield Status(Kind.OFFLINE, "nobody answers")
        while True:
            event = await self.queue.get()
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            yield event


class Desk:
    """A desk with the demo as fallback, its time, and the newest snapshot that a reader has."""

    def __init__(self, demo_source) -> None:
        self.time = FakeTime()
        self.feed = ScriptedFeed()
        market = Market(History.empty(), as_of_ns=NOW_NS, origin=Provenance(LIVE, "Yahoo"))
        live = Supervisor(
            market, [self.feed], clock_ns=self.time.clock_ns, sleep=self.time.sleep, offload=at_once
        )
        self.demos = 0
        self.demo: Supervisor | None = None

        def make():
            self.demos += 1
            desk = desk_legs.desk_for(demo_source.history, ("IWM", "QQQ"), "price")
            self.demo, tape = supervision.supervise(
                demo_source, desk, start=None, speed=1.0, stays=True, now_ns=NOW_NS
            )
            return self.demo, tape

        self.live = live
        self.fallback = DemoFallback(live, make, sleep=self.time.sleep)
        self.seen: list = []

    async def read(self) -> None:
        async for snapshot in self.fallback.listen():
            self.seen.append(snapshot)

    @property
    def newest(self):
        return self.seen[-1]

    async def until(self, holds) -> None:
        async with asyncio.timeout(500):
            while not holds():
                await self.time.passing(0.1, step=0.1)
                await asyncio.sleep(0.005)  # the demo is made in a thread

    async def to_demo(self) -> None:
        await self.time.passing(PATIENCE_S + 1)
        await self.until(lambda: self.seen and self.newest.mode == "DEMO")


@contextlib.asynccontextmanager
async def running(demo_source):
    before = asyncio.all_tasks()
    desk = Desk(demo_source)
    run = asyncio.create_task(desk.fallback.run())
    reads = asyncio.create_task(desk.read())
    try:
        await settle()
        yield desk
    finally:
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
    async with asyncio.timeout(500):
        await reads  # a reader learns of the end
    await settle()
    assert {each for each in asyncio.all_tasks() - before if not each.done()} == set()


async def test_the_demo_comes_after_a_while_and_says_what_it_is(demo_source):
    async with running(demo_source) as desk:
        await desk.time.passing(PATIENCE_S - 1)
        assert desk.demos == 0
        assert desk.newest.mode == ""
        await desk.to_demo()
        assert {leg.state for leg in desk.newest.legs.values()} == {"DEMO"}
        assert desk.fallback.controls is not None
        assert LocalDesk(desk.fallback, None).controls is desk.fallback.controls


async def test_the_live_feeds_stand_on_the_health_panel_beside_the_demo(demo_source):
    async with running(demo_source) as desk:
        await desk.to_demo()
        states = {feed.name: (feed.state, feed.detail) for feed in desk.newest.health.feeds}
        assert states["Yahoo"] == ("OFFLINE", "nobody answers")
        assert states["demo"][0] == "DEMO"
        await desk.feed.queue.put(Status(Refusal.AUTH_FAILED, "key or secret is wrong"))
        await desk.until(lambda: desk.newest.health.feeds[0].state == "AUTH_FAILED")
        assert desk.newest.mode == "DEMO"
        msgspec.json.encode(desk.newest)


@pytest.mark.parametrize(
    "event",
    [Batch((Quote("IWM", NOW_NS, 221.28),)), HistoryUpdated(closes(NOW_NS))],
    ids=["a print", "history"],
)
async def test_what_is_live_takes_its_place_for_good(demo_source, event):
    async with running(demo_source) as desk:
        await desk.to_demo()
        # Without history a symbol is known from the desk's own legs.
        await desk.feed.queue.put(event)
        await desk.until(lambda: desk.newest.mode == "")
        assert desk.newest.legs["IWM"].last is not None
        assert desk.fallback.controls is None
        assert [feed.name for feed in desk.newest.health.feeds] == ["Yahoo"]
        await desk.time.passing(60)
        assert {snapshot.mode for snapshot in desk.seen[-30:]} == {""}
        assert desk.demos == 1
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert not {"demo", "follow demo", "feed demo"} & names


async def test_a_live_desk_that_is_quick_never_shows_the_demo(demo_source):
    async with running(demo_source) as desk:
        await desk.feed.queue.put(HistoryUpdated(closes(NOW_NS)))
        await desk.time.passing(3 * PATIENCE_S)
        assert desk.demos == 0
        assert {snapshot.mode for snapshot in desk.seen} == {""}


async def test_the_controls_are_the_demo_s(demo_source):
    async with running(demo_source) as desk:
        await desk.to_demo()
        desk.fallback.controls.hold()
        await desk.until(lambda: desk.newest.health.tape.held)


async def test_readers_that_come_late_and_those_that_go(demo_source):
    async with running(demo_source) as desk:
        await desk.to_demo()
        late = desk.fallback.listen()
        assert (await anext(late)).mode == "DEMO"
        del late
        assert len(desk.fallback._listeners) == 1
    after = desk.fallback.listen()
    assert [snapshot.mode async for snapshot in after] == ["DEMO"], "and then the end"


async def test_a_bug_in_a_live_feed_is_its_own_state_beside_the_demo(demo_source):
    async with running(demo_source) as desk:
        await desk.to_demo()
        await desk.feed.queue.put(RuntimeError("a bug"))
        await desk.until(lambda: "internal error" in desk.newest.health.feeds[0].detail)
        assert desk.newest.health.feeds[0].kind is Kind.OFFLINE
        assert desk.newest.mode == "DEMO"


async def test_bad_input_found_by_a_live_feed_ends_the_run_with_it(demo_source):
    desk = Desk(demo_source)
    run = asyncio.create_task(desk.fallback.run())
    reads = asyncio.create_task(desk.read())
    await settle()
    await desk.to_demo()
    await desk.feed.queue.put(InputError("keys.json: fix it"))
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(500):
            await run
    error: BaseException = caught.value
    while isinstance(error, ExceptionGroup):
        (error,) = error.exceptions
    assert str(error) == "keys.json: fix it"
    await reads


@pytest.mark.parametrize(
    ("wanted", "stands_by"),
    [
        (Wanted(), True),
        (Wanted(unasked_demo=False), False),  # --no-demo, a host's, a recording's
    ],
)
def test_who_gets_the_demo(monkeypatch, tmp_path, wanted, stands_by):
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    opened = LocalBackend().open(wanted)
    assert isinstance(opened._supervisor, DemoFallback)
    assert opened._supervisor._is_allowed == stands_by


def test_alerts_of_a_changed_file_are_watched_by_the_demo_too(monkeypatch, tmp_path):
    """Before it plays, and while it does."""
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    opened = LocalBackend().open(Wanted())
    opened.set_alerts(AlertSettings((Rule(id="early", condition="spread.5.pp > 10"),)))
    demo, _ = opened._supervisor._make_demo()

    def shown():
        return demo.on_publish(demo._market.apply((), as_of_ns=NOW_NS))

    assert [alert.name for alert in shown().alerts] == ["early"]
    opened.set_alerts(AlertSettings((Rule(id="late", condition="spread.5.pp > 10"),)))
    assert [alert.name for alert in shown().alerts] == ["late"]
    opened.note(EventKind.CONFIG, "config.toml", "applied 1 alert")
    assert shown().events[-1].text == "applied 1 alert"
    opened._watch._close()


def test_what_somebody_looks_at_or_an_alert_asks_for_is_made(monkeypatch, tmp_path):
    """Of the desk in front and of the demo, which may begin later."""
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    opened = LocalBackend().open(Wanted())
    fallback = opened._supervisor
    demo, _ = fallback._make_demo()
    fallback._demo = demo

    def has_graph():
        (made,) = {Want(Part.GRAPH) in desk.wants for desk in (fallback._live, demo)}
        return made

    assert not has_graph(), "nobody has asked yet"
    opened.want(wants(Part.GRAPH))
    assert has_graph()
    opened.want(NOTHING)
    opened.set_alerts(AlertSettings((Rule(id="spread", condition="spread.5.pp > 10"),)))
    assert not has_graph()
    opened.set_alerts(AlertSettings((Rule(id="graph", condition="graph.iwm.quadrant changes"),)))
    assert has_graph()
    opened.set_alerts(AlertSettings())
    assert not has_graph()
    opened._watch._close()


async def test_a_demo_that_begins_later_has_what_was_asked_for(demo_source):
    async with running(demo_source) as desk:
        desk.fallback.want(wants(Part.GRAPH))
        await desk.to_demo()
        assert desk.demo.wants == wants(Part.GRAPH)
        assert desk.newest.graph is not None
        desk.fallback.want(NOTHING)
        assert desk.demo.wants == desk.live.wants == NOTHING


async def test_the_story_is_of_the_desk_in_front_whichever_has_published_last(monkeypatch, tmp_path):
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    opened = LocalBackend().open(Wanted())
    fallback = opened._supervisor
    live = fallback._live
    demo, _ = fallback._make_demo()
    fallback._demo = demo
    opened.want(wants(Part.STORY))
    beside = [asyncio.create_task(work()) for desk in (live, demo) for work in desk.beside]
    try:
        live._market.take((), as_of_ns=NOW_NS)
        live._publish()
        demo._market.take((), as_of_ns=NOW_NS)
        demo._publish()
        live._market.take((), as_of_ns=NOW_NS)
        live._publish()
        await until(lambda: demo.latest.story and live.latest.story)
        assert (demo.latest.mode, live.latest.mode) == ("DEMO", "")
        assert demo.latest.story is not live.latest.story
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    opened._watch._close()


@pytest.mark.parametrize("has_demo", [False, True])
async def test_a_key_at_the_desk_holds_up_the_prices_of_the_live_feeds(demo_source, has_demo):
    made = Desk(demo_source)
    desk = LocalDesk(made.fallback if has_demo else made.live, None)
    desk.give_way()
    waiting = asyncio.create_task(made.live.turns.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    desk.go_on()
    await asyncio.sleep(0)
    assert waiting.done()
