"""Who asks a running desk for parts: screens, alerts, scripts; each is made as long as one of them does."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

import feeds
from feeds.desk.opened import snapshots, sources
from feeds.events import Batch
from feeds.on_demand import OF_CLOSES
from feeds.supervisor import Supervisor
from rotation.alerts.rule import Rule
from rotation.alerts.target import AlertSettings
from rotation.context.wants import MADE, NOTHING, ON_DEMAND, Part, Want, complete, wants
from rotation.figures.registry import figures
from rotation.market.status import Provenance
from rotation.status import LIVE, Kind
from tests.support.breadth.whole import (
    DESK,
    HISTORY,
    MEMBERSHIP,
    OPENS_NS,
    counted,
    prints,
    whole_market,
)
from tests.support.fake_time import until
from tui.cli.watch import watch
from tui.compose.desk import hub
from tui.compose.desk.desks import LocalDesk
from tui.compose.desk.watching import watched
from tui.desk import RestingDesk, YieldingDesk
from tui.screen.app import RotationApp
from tui.view.view_state import ViewState
from tui.wanted import Wanted

OF_MARKET = [part for part in Part if part not in ON_DEMAND]
NO_VALUE = {"graph.iwm.quadrant"}
"""Figures that need more closes than there are here."""
OF = {Part.LINE: "spread.5.pp", Part.FIGURE: "spread.5.pp"}
"""Part on demand → one that there always is."""
FIGURES = {
    Part.PAIRS: "pair.iwn/ivw.spread.5.pp",
    Part.GRAPH: "graph.iwm.quadrant",
    Part.BREADTH: "breadth.iwm.advances",
    Part.BANKS: "banks.kre.1.percentile",
    Part.MACRO: "macro.curve.bp",
}
"""Part → a figure that rests on it; sectors, movers, clauses and what is made on demand have none."""


class Feed:
    """A live feed that prints when the test says so."""

    name = "Feed"
    mode = LIVE

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Batch | None] = asyncio.Queue()

    def tape(self):
        return None

    async def events(self):
        while (event := await self.queue.get()) is not None:
            yield event


class Running:
    """A desk that runs, what has been computed, and the last second that was printed."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.second = 0
        self.calls: Counter[Part] = Counter()
        self.supervisor = Supervisor(
            whole_market(), [self.feed], clock_ns=lambda: OPENS_NS + self.second * 10**9, sleep=self._never
        )
        opened = watched(Wanted(), DESK, self.supervisor, None, is_empty=False)
        self.desk = LocalDesk(opened.supervisor, None, opened.watch)

    async def _never(self, _seconds: float) -> None:
        await asyncio.Event().wait()

    async def tick(self) -> set[Part]:
        """The parts that are made as all print once more; until all are that rest on prices."""
        self.calls.clear()
        self.second += 1
        before = self.supervisor.latest
        await self.feed.queue.put(Batch(tuple(prints(self.second)), OPENS_NS + self.second * 10**9))
        await until(lambda: self.supervisor.latest is not before)
        again = {each.part for each in self.supervisor.wants} & ON_DEMAND - OF_CLOSES
        while not all(self.calls[part] for part in again):
            await self.feed.queue.put(Batch((), OPENS_NS + self.second * 10**9))
            await asyncio.sleep(0.01)
        return {part for part, n in self.calls.items() if n}


@pytest.fixture
def here(monkeypatch, tmp_path):
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))


@asynccontextmanager
async def running():
    made = Running()
    with counted(made.calls):
        run = asyncio.create_task(made.desk.run())
        try:
            yield made
        finally:
            run.cancel()
            with suppress(asyncio.CancelledError):
                await run


def parts(asked) -> set[Part]:
    return {each.part for each in complete(asked)}


@pytest.mark.usefixtures("here")
async def test_a_desk_that_rests_shows_no_price_until_there_is_an_alert_to_judge_each():
    async with running() as made:
        desk, supervisor = made.desk, made.supervisor
        assert isinstance(desk, RestingDesk)
        assert isinstance(desk, YieldingDesk)
        await made.tick()
        desk.rest(3_600.0)
        before, made.second = supervisor.latest, 2
        taken = supervisor._records[made.feed].batches
        await made.feed.queue.put(Batch(tuple(prints(2)), OPENS_NS + 2 * 10**9))
        await until(lambda: supervisor._records[made.feed].batches == taken + 1)
        assert supervisor.latest is before
        desk.set_alerts(AlertSettings(rules=(Rule(id="any", condition="iwm.last > 0"),)))
        await made.tick()
        assert supervisor.latest.seq == before.seq + 2


@pytest.mark.usefixtures("here")
async def test_a_desk_that_nobody_asks_computes_no_part():
    async with running() as desk:
        assert await desk.tick() == set()
        assert await desk.tick() == set()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("part", list(Part))
async def test_a_part_is_computed_from_when_it_is_asked_for_until_it_is_no_more(part):
    async with running() as desk:
        await desk.tick()
        asked = frozenset({Want(part, OF.get(part, ""))})
        desk.desk.want(asked)
        if part in ON_DEMAND:
            await until(lambda: desk.calls[part])
        assert desk.calls[part], "at once, not with the next print"
        assert await desk.tick() == (set() if part in OF_CLOSES else parts(asked))
        desk.desk.want(NOTHING)
        assert await desk.tick() == set()


@pytest.mark.usefixtures("here")
async def test_what_a_figure_rests_on_is_computed_while_it_is_explained():
    """Its pair, its graph, its index and that index's sectors: no panel need ask for them."""
    cases = {
        "pair.iwn/ivw.spread.5.pp": {Part.PAIRS},
        "graph.iwm.quadrant": {Part.GRAPH},
        "breadth.iwm.advances": {Part.BREADTH, Part.SECTORS},
    }
    async with running() as desk:
        await desk.tick()
        for figure, rests_on in cases.items():
            desk.desk.want(frozenset({Want(Part.FIGURE, figure)}))
            assert await desk.tick() == {Part.FIGURE} | rests_on
            await until(lambda figure=figure: figure in desk.supervisor.latest.explained)
            known = desk.supervisor.latest.explained[figure]
            assert (known.value is None) == (figure in NO_VALUE)
            assert known.inputs
        desk.desk.want(frozenset({Want(Part.LINE, "pair.iwn/ivw.spread.5.pp")}))
        assert await desk.tick() >= {Part.PAIRS}
        await until(lambda: "pair.iwn/ivw.spread.5.pp" in desk.supervisor.latest.lines)
        desk.desk.want(frozenset({Want(Part.STORY, "IWN/IVW")}))
        assert await desk.tick() >= {Part.PAIRS}
        await until(lambda: desk.supervisor.latest.pairs["IWN/IVW"].story is not None)


def test_every_part_that_figures_rest_on_has_one_here():
    assert {each.part for figure in figures(DESK).values() for each in figure.wants} == set(FIGURES)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("part", "figure"), list(FIGURES.items()))
async def test_an_alert_on_a_figure_has_its_part_computed_and_no_other(part, figure):
    table = figures(DESK)
    condition = f"{figure} changes" if table[figure].kind != "number" else f"{figure} > 1000000"
    async with running() as desk:
        assert await desk.tick() == set()
        desk.desk.set_alerts(AlertSettings((Rule(id="one", condition=condition),)))
        assert await desk.tick() == parts(wants(part))
        desk.desk.want(wants(Part.GRAPH))
        assert await desk.tick() == parts(wants(part, Part.GRAPH))
        desk.desk.want(NOTHING)
        assert await desk.tick() == parts(wants(part)), "a viewer who leaves takes nothing from an alert"
        desk.desk.set_alerts(AlertSettings())
        assert await desk.tick() == set()


SHOWN_BY = {
    Part.PAIRS: ("p", "P"),
    Part.GRAPH: ("8", "1"),
    Part.SECTORS: ("6", "1"),
    Part.MOVERS: ("6", "1"),
    Part.STORY: ("2z", "z"),
    Part.LINE: ("2z", "z"),
    Part.LEGS: ("1z", "z"),
    Part.FIGURE: (("2", "e", "enter"), ("escape", "escape", "1")),
}
"""Part → the keys that show it, and those that leave it; all others belong to the headline."""
OF_RIBBON = {Part.BREADTH, Part.BANKS, Part.MACRO, Part.CLAUSES}


@pytest.mark.usefixtures("here")
async def test_a_screen_has_computed_what_it_shows_and_nothing_else():
    assert set(SHOWN_BY) | OF_RIBBON == set(Part)
    made = Running()
    app = RotationApp(lambda: made.desk, ViewState(pairs=("IWN/IVW",)))
    with counted(made.calls):
        async with app.run_test(size=(160, 45)) as pilot:
            await until(lambda: app._desk is not None)
            assert await made.tick() == OF_RIBBON
            for part, (keys, leave) in SHOWN_BY.items():
                made.calls.clear()
                for key in keys:
                    await pilot.press(key)
                await pilot.pause()
                if part in OF_CLOSES:
                    await until(lambda part=part: made.calls[part])
                    assert part not in await made.tick(), "once is enough"
                else:
                    assert part in await made.tick(), keys
                for key in leave:
                    await pilot.press(key)
                await pilot.pause()
                assert await made.tick() == OF_RIBBON, keys
            await pilot.resize_terminal(30, 8)
            await pilot.pause()
            assert await made.tick() == set(), "too small for anything"


@pytest.mark.usefixtures("here")
async def test_watch_has_all_of_it_in_its_json():
    made, out = Running(), io.StringIO()
    with counted(made.calls):
        task = asyncio.create_task(watch(made.desk, None, out))
        try:
            await until(lambda: made.supervisor.wants == MADE)
            assert await made.tick() == set(OF_MARKET)
            await until(out.getvalue)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    shown = msgspec.json.decode(out.getvalue().splitlines()[0])
    assert shown["unasked"] == []
    assert shown["graph"]["benchmark"] == "SPY"
    assert shown["breadth"]["indices"]["IWM"]["sectors"]
    assert all(shown["pairs"].values())


def test_one_snapshot_for_a_script_has_every_part():
    source = sources.Source(HISTORY, None, Provenance(LIVE, "Feed"), membership=MEMBERSHIP)
    calls: Counter[Part] = Counter()
    with counted(calls):
        shown = snapshots.snapshot_at(source, DESK, at=None, now_ns=OPENS_NS)
    assert set(calls) >= set(OF_MARKET) - {Part.SECTORS, Part.MOVERS, Part.MACRO}, (
        "none of these without prices"
    )
    assert shown.unasked == ()


class HubFeed(Feed):
    """All of a market at once, as a hub brings it."""

    has_shown = True

    def __init__(self) -> None:
        super().__init__()
        self.receiver = msgspec.defstruct("Receiver", [("is_complete", bool, True)])()
        self.queue.put_nowait(Batch(tuple(prints(1)), OPENS_NS + 10**9))


@pytest.mark.usefixtures("here")
def test_the_snapshot_of_a_hub_s_viewer_has_every_part(monkeypatch):
    feed = HubFeed()
    supervisor = Supervisor(whole_market(), [feed], clock_ns=lambda: OPENS_NS + 10**9)
    opened = watched(Wanted(), DESK, supervisor, None, is_empty=False)
    monkeypatch.setattr(hub, "of_hub", lambda _wanted: (opened, feed))
    calls: Counter[Part] = Counter()
    with counted(calls):
        shown = hub.basis_of_hub(Wanted(feed="nats")).snapshot
    assert set(calls) == set(OF_MARKET)
    assert (shown.unasked, shown.legs["IWM"].status.kind) == ((), Kind.REPLAY)


def test_who_makes_a_move_is_computed_by_its_own_command_alone():
    """Contributions are no part of a Snapshot: nothing that ticks even imports them."""
    root = Path(feeds.__file__).parents[1]
    sources = (path for folder in ("rotation", "feeds", "tui") for path in (root / folder).rglob("*.py"))
    users = {path.name for path in sources if "breadth.contributions import" in path.read_text("utf-8")}
    assert users == {"contributed.py"}
