"""What is made only while somebody looks: beside the loop, once a second, never of another moment."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress

from msgspec.structs import replace

from feeds.on_demand import AT_ONCE, EVERY_S, PAUSE_S, THREAD, OnDemand
from rotation.context.wants import NOTHING, Part, Want, wants
from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, from_ns, open_ns
from rotation.snapshot import PairView, Tape
from rotation.story.now import StoryNow
from tests.support.core_worlds import CALENDAR, FIRST, ORIGIN, closes, history_of
from tests.support.fake_time import until

DESK = Desk(legs=("IWM", "QQQ"))
DAYS = CALENDAR[FIRST : FIRST + 40]
HISTORY = history_of([*closes("IWM", DAYS, bytes(40)), *closes("QQQ", DAYS, bytes(range(40)))])
DAY = CALENDAR[FIRST + 40]
PATIENCE_S = 500.0
STORY = wants(Part.STORY)
EXPLAINED = frozenset(Want(Part.FIGURE, f"spread.{k}.pp") for k in (1, 5, 20))
FIGURES = EXPLAINED | {Want(Part.LEGS), Want(Part.LINE, "spread.5.pp")}


def snapshot(price: float, second: int = 60):
    at = open_ns(DAY) + second * NS
    market = Market(HISTORY, DESK, as_of_ns=open_ns(DAY), origin=ORIGIN)
    return market.apply([Quote("IWM", at, price), Quote("QQQ", at, 480.0)], as_of_ns=at)


def true_story(made):
    return StoryNow().of(Basis(made, HISTORY, DESK))


def on_tape(made, *, seq: int, speed: float = 3600.0, held: bool = False):
    """The same on a tape of that session, as the ``seq``-th Snapshot of its market."""
    tape = Tape(made.as_of, from_ns(open_ns(DAY)), from_ns(close_ns(DAY)), speed, held)
    return replace(made, seq=seq, health=replace(made.health, tape=tape))


class Looked:
    """What is made on demand, its time, and all that it has shown."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.shown: list = []
        self.demand = OnDemand(self.shown.append, lambda: self.now_s)

    def add(self, made, asked=STORY, desk=DESK):
        return self.demand.add(made, HISTORY, desk, asked)

    async def next(self):
        """The next that is shown."""
        before = len(self.shown)
        await until(lambda: len(self.shown) > before)
        return self.shown[-1]

    async def all_made(self, made, asked, is_all):
        """As it is shown once all of it is made, with any number of parts at a time."""
        shown = self.add(made, asked)
        while not is_all(shown):
            shown = await self.next()
        return shown

    async def made(self, snapshot):
        """The first story of it."""
        assert self.add(snapshot).story is None
        return await self.next()


@asynccontextmanager
async def running():
    desk = Looked()
    run = asyncio.create_task(desk.demand.run())
    try:
        yield desk
    finally:
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
        assert not threads()


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith(THREAD)]


class Held:
    """StoryNow, of which each call waits until it is let go."""

    def __init__(self, monkeypatch) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()
        self.prices: list[float] = []
        of = StoryNow.of

        def held(now, basis):
            self.prices.append(basis.snapshot.legs["IWM"].last)
            self.began.set()
            assert self.may_end.wait(PATIENCE_S)
            return of(now, basis)

        monkeypatch.setattr(StoryNow, "of", held)

    async def until_begun(self) -> None:
        await until(self.began.is_set)


async def test_nothing_is_made_that_nobody_looks_at(monkeypatch):
    monkeypatch.setattr(StoryNow, "of", lambda *_: 1 / 0)
    async with running() as desk:
        made = snapshot(201.0)
        assert desk.add(made, NOTHING) is made
        await asyncio.sleep(0.05)
        assert not threads()
        assert desk.shown == []


async def test_who_asks_gets_it_and_who_leaves_loses_it():
    async with running() as desk:
        made = snapshot(201.0)
        asked = await desk.made(made)
        assert asked.story == true_story(made)
        assert replace(asked, story=None) == made
        assert desk.add(made) == asked, "with each further Snapshot"
        assert desk.add(made, NOTHING) is made


async def test_the_loop_is_free_while_a_story_is_made(monkeypatch):
    """Of a held tape too: keys and viewers go on, and the page says that it is being made."""
    held = Held(monkeypatch)
    async with running() as desk:
        still = on_tape(snapshot(201.0), seq=1, held=True)
        assert desk.add(still).story is None
        await held.until_begun()
        turned = asyncio.Event()
        second = asyncio.create_task(asyncio.to_thread(lambda: None))
        second.add_done_callback(lambda _: turned.set())
        await turned.wait()  # by another task, while the story cannot be made
        assert desk.shown == []
        held.may_end.set()
        assert (await desk.next()).story == true_story(still)


async def test_what_is_made_of_another_moment_is_dropped(monkeypatch):
    """A tape that is held and sought on while its story is made: only the new moment's is ever shown."""
    held = Held(monkeypatch)
    async with running() as desk:
        desk.add(on_tape(snapshot(201.0), seq=1, held=True))
        await held.until_begun()
        sought = on_tape(snapshot(207.0, second=3600), seq=2, held=True)
        assert desk.add(sought).story is None
        held.may_end.set()
        shown = await desk.next()
        assert held.prices == [201.0, 207.0]
        assert shown.story == true_story(sought)
        assert [each.seq for each in desk.shown] == [2]


async def test_what_nobody_waits_for_any_more_is_not_shown(monkeypatch):
    held = Held(monkeypatch)
    async with running() as desk:
        desk.add(snapshot(201.0))
        await held.until_begun()
        desk.add(snapshot(207.0), NOTHING)
        held.may_end.set()
        await asyncio.sleep(0.05)
        assert desk.shown == []
        assert held.prices == [201.0]


async def test_nothing_is_left_of_a_story_when_the_desk_ends(monkeypatch):
    """The thread has ended with the desk, and nothing of it is shown any more."""
    held = Held(monkeypatch)
    desk = Looked()
    run = asyncio.create_task(desk.demand.run())
    desk.add(snapshot(201.0))
    await held.until_begun()
    run.cancel()
    await asyncio.sleep(0)
    assert not run.done(), "it waits for the thread; the loop does not"
    held.may_end.set()
    with suppress(asyncio.CancelledError):
        await run
    assert not threads()
    assert desk.shown == []


async def test_newer_prices_get_a_newer_story_once_a_second():
    async with running() as desk:
        first = await desk.made(snapshot(201.0))
        newer = snapshot(207.0)
        assert desk.add(newer).story is first.story, "not due yet"
        desk.now_s += EVERY_S
        assert desk.add(newer).story is first.story, "until the next is made"
        assert (await desk.next()).story == true_story(newer)


async def test_the_story_of_another_session_is_never_shown():
    async with running() as desk:
        await desk.made(snapshot(201.0))
        later = replace(snapshot(201.0), session=CALENDAR[FIRST + 41])
        assert desk.add(later).story is None


async def test_no_story_of_later_prices_is_shown_after_a_seek_back():
    async with running() as desk:
        await desk.made(on_tape(snapshot(201.0, second=6 * 3600), seq=9))
        morning = on_tape(snapshot(207.0), seq=10)
        assert desk.add(morning).story is None
        assert (await desk.next()).story == true_story(morning)
        back = on_tape(snapshot(201.0, second=30), seq=12, held=True)
        assert desk.add(back).story is None
        assert (await desk.next()).story == true_story(back)


async def test_a_tape_that_is_held_has_the_story_of_its_moment():
    async with running() as desk:
        first = await desk.made(on_tape(snapshot(201.0), seq=1))
        hour_later = on_tape(snapshot(207.0, second=3660), seq=2)
        assert desk.add(hour_later).story is first.story, "of what a second plays"
        still = on_tape(hour_later, seq=3, held=True)
        assert desk.add(still).story is None
        assert (await desk.next()).story == true_story(hour_later)
        again = replace(still, seq=4)
        assert desk.add(again).story == true_story(hour_later), "published twice at one moment"
        assert desk.add(on_tape(snapshot(201.0), seq=5, speed=1.0)).story is None


async def test_a_story_that_fails_is_left_out_and_tried_again(monkeypatch, caplog):
    async with running() as desk:
        with monkeypatch.context() as broken:
            failed = asyncio.Event()
            loop = asyncio.get_running_loop()

            def fail(*_):
                loop.call_soon_threadsafe(failed.set)
                raise ZeroDivisionError

            broken.setattr(StoryNow, "of", fail)
            for _ in range(2):
                assert desk.add(snapshot(201.0)).story is None
                await failed.wait()
                await asyncio.sleep(0.01)
                failed.clear()
                assert desk.add(snapshot(201.0)).story is None, "and not again at once"
                desk.now_s += EVERY_S
        assert caplog.text.count("could not be made") == 1
        assert (await desk.made(snapshot(201.0))).story == true_story(snapshot(201.0))


async def test_a_line_of_closes_is_made_once_and_an_explanation_with_the_prices():
    async with running() as desk:
        first = snapshot(201.0)
        asked = await desk.all_made(first, FIGURES, lambda shown: shown.explained and shown.lines)
        assert set(asked.explained) == {"spread.1.pp", "spread.5.pp", "spread.20.pp"}
        assert set(asked.lines) == {"spread.5.pp", "IWM", "QQQ"}
        assert asked.explained["spread.5.pp"].value == first.spread.windows["5"].pp
        desk.now_s += 3 * EVERY_S
        newer = snapshot(207.0)
        assert desk.add(newer, FIGURES).explained == asked.explained, "until the next is made"
        shown = await desk.next()
        assert shown.explained["spread.5.pp"].value == newer.spread.windows["5"].pp
        assert shown.lines == asked.lines
        assert all(shown.lines[name] is asked.lines[name] for name in shown.lines)
        later = replace(newer, session=CALENDAR[FIRST + 41])
        assert desk.add(later, FIGURES).lines == {}


async def test_a_line_is_made_again_once_the_legs_have_their_closes():
    async with running() as desk:
        first = snapshot(201.0)
        before = await desk.all_made(first, wants(Part.LEGS), lambda shown: shown.lines)
        legs = {name: replace(leg, settled_session=DAY) for name, leg in first.legs.items()}
        made: list[int] = []
        make = desk.demand._maker.make
        desk.demand._maker.make = lambda want, basis: made.append(1) or make(want, basis)
        settled = replace(first, legs=legs)
        assert desk.add(settled, wants(Part.LEGS)).lines == before.lines
        assert (await desk.next()).lines == before.lines
        desk.now_s += EVERY_S
        desk.add(settled, wants(Part.LEGS))
        await asyncio.sleep(0.05)
        assert made == [1]


async def test_no_line_of_later_closes_is_shown_after_a_seek_back():
    async with running() as desk:
        evening = on_tape(snapshot(201.0, second=6 * 3600), seq=9)
        legs = {name: replace(leg, settled_session=DAY) for name, leg in evening.legs.items()}
        evening = replace(evening, legs=legs)
        await desk.all_made(evening, wants(Part.LEGS), lambda shown: shown.lines)
        morning = on_tape(snapshot(201.0, second=30), seq=10, held=True)
        assert desk.add(morning, wants(Part.LEGS)).lines == {}
        assert (await desk.next()).lines
        assert desk.demand._made[Want(Part.LEGS)].basis.snapshot.as_of == morning.as_of


async def test_a_part_that_fails_takes_no_other_with_it(caplog):
    async with running() as desk:
        bad = FIGURES | {Want(Part.FIGURE, "no.such"), Want(Part.FIGURE, "iwm.last")}
        shown = await desk.all_made(snapshot(201.0), bad, lambda shown: "iwm.last" in shown.explained)
        assert "no.such" not in shown.explained
        assert caplog.text.count("figure no.such could not be made") == 1
        desk.now_s += len(bad) * EVERY_S
        desk.add(snapshot(201.0), bad)
        await desk.next()
        assert caplog.text.count("could not be made") == 1


async def test_however_many_figures_are_asked_for_a_go_makes_a_few_and_the_others_follow():
    async with running() as desk:
        made = snapshot(201.0)
        names = [f"iwm.{name}" for name in ("last", "day_pct", "age_s", "high", "low", "status", "on_pace")]
        names += [f"{leg}.return.{k}" for leg in ("iwm", "qqq") for k in (1, 5, 20)]
        asked = frozenset(Want(Part.FIGURE, name) for name in names)
        assert desk.add(made, asked).explained == {}
        assert len((await desk.next()).explained) == AT_ONCE
        desk.now_s += AT_ONCE * PAUSE_S  # no Snapshot need come for the others to follow
        while len(desk.shown[-1].explained) < len(names):
            await desk.next()
        assert not desk.add(made, NOTHING).explained
        assert not desk.demand._made


async def test_what_could_not_be_made_yet_comes_with_the_pair():
    name = "KRE/QQQ"
    asked = frozenset({Want(Part.STORY, name)})
    async with running() as desk:
        made = snapshot(201.0)
        assert desk.add(replace(made, pairs={name: None}), asked).pairs == {name: None}
        await until(lambda: desk.demand._made)
        assert desk.shown == []
        view = PairView(made.spread, made.ratio, "")
        desk.now_s += EVERY_S
        desk.add(replace(made, pairs={name: view}), asked, replace(DESK, pairs=(("KRE", "QQQ"),)))
        assert (await desk.next()).pairs[name].story is not None


async def test_a_pair_s_part_comes_with_the_pair_on_a_tape_that_is_held():
    """Nothing plays: there is no later Snapshot with which it could be tried again."""
    name = "KRE/QQQ"
    asked, both = frozenset({Want(Part.STORY, name)}), replace(DESK, pairs=(("KRE", "QQQ"),))
    async with running() as desk:
        still = on_tape(snapshot(201.0), seq=1, held=True)
        desk.add(replace(still, pairs={name: None}), asked, both)
        await until(lambda: desk.demand._made)
        view = PairView(still.spread, still.ratio, "")
        desk.add(replace(still, seq=2, pairs={name: view}), asked, both)
        assert (await desk.next()).pairs[name].story is not None


async def test_an_explanation_stays_on_a_held_tape_when_somebody_asks_for_more():
    """A Snapshot with more in it is of the same prices; other prices of that moment make another."""
    asked = frozenset({Want(Part.FIGURE, "spread.5.pp")})
    async with running() as desk:
        still = on_tape(snapshot(201.0), seq=1, held=True)
        first = await desk.all_made(still, asked, lambda shown: shown.explained)
        again = desk.add(replace(still, seq=2), asked)
        assert again.explained["spread.5.pp"] is first.explained["spread.5.pp"]
        desk.now_s += PAUSE_S
        other = replace(on_tape(snapshot(207.0), seq=3, held=True), as_of=still.as_of)
        assert desk.add(other, asked).explained == {}
        assert (await desk.next()).explained["spread.5.pp"].value == other.spread.windows["5"].pp


async def test_who_goes_from_figure_to_figure_waits_a_moment_and_the_others_are_not_made_again():
    def figures(*names: str):
        return frozenset({Want(Part.STORY), *(Want(Part.FIGURE, name) for name in names)})

    def pair(shown):
        return len(shown.explained) == 2 and shown.story

    async with running() as desk:
        made = snapshot(201.0)
        first = await desk.all_made(made, figures("iwm.last", "iwm.high"), pair)
        assert set(desk.add(made, figures("iwm.last", "iwm.low")).explained) == {"iwm.last"}
        await asyncio.sleep(0.05)
        assert Want(Part.FIGURE, "iwm.low") not in desk.demand._made, "figures rest"
        desk.now_s += 2 * PAUSE_S
        asked = await desk.all_made(made, figures("iwm.last", "iwm.low"), pair)
        assert asked.explained["iwm.last"] is first.explained["iwm.last"]
        left = await desk.all_made(made, figures(), lambda shown: shown.story)
        assert not left.explained
        desk.now_s += 2 * PAUSE_S
        three = figures("iwm.last", "iwm.low", "iwm.high")
        whole = await desk.all_made(made, three, lambda shown: len(shown.explained) == 3)
        desk.now_s += EVERY_S
        again = desk.add(made, three)
        assert again.explained == whole.explained
        due = {want.part for want in desk.demand._due(desk.demand._newest)}
        assert due == {Part.STORY}, "three figures are made anew every three seconds"
