"""A Snapshot is made once for all prices of a frame; nothing is lost, and what is no price waits for none."""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from feeds.alerts.watch import AlertWatch
from feeds.events import Batch, BidAsks, PrintsReplaced, Status, SymbolStates
from feeds.frames import Frames
from feeds.supervisor import Supervisor
from feeds.turns import Turns, gather, wait_for_turn
from rotation.alerts.rule import Rule
from rotation.alerts.target import AlertSettings
from rotation.desk import Desk, EventKind
from rotation.quote import NS, Nbbo, Quote
from rotation.status import Kind
from tests.feeds.test_supervisor import LIMIT_S, Script, at, everything, market, no_tick, quote, until
from tests.support.fake_time import at_once

LONG_S = 3_600.0


def supervise(*feeds, sleep=no_tick) -> Supervisor:
    return Supervisor(market(), feeds, clock_ns=lambda: at("12:00:00"), sleep=sleep, offload=at_once)


def batch(price: float, place: int = 0) -> Batch:
    at_ns = at("10:40:00") + place * NS
    return Batch((Quote("IWM", at_ns, price),), at_ns)


def counted(supervisor: Supervisor) -> list[int]:
    """The numbers of the Snapshots that are made from now on."""
    made: list[int] = []
    snapshot = supervisor._market.snapshot

    def noted():
        newest = snapshot()
        made.append(newest.seq)
        return newest

    supervisor._market.snapshot = noted
    return made


async def played(supervisor: Supervisor, script: Script) -> None:
    async with asyncio.timeout(LIMIT_S):
        await supervisor.run()
    assert script.closed


async def test_prices_that_come_while_readers_rest_make_one_snapshot_which_has_them_all():
    gate = asyncio.Event()
    prices = [batch(200.0 + (i * 37 % 101) / 10, i) for i in range(300)]
    script = Script(*prices, gate, batch(221.0, 400), name="script")
    supervisor, plain = supervise(script), supervise(Script(*prices, batch(221.0, 400), name="script"))
    made = counted(supervisor)
    supervisor.rest(LONG_S)
    running = asyncio.create_task(played(supervisor, script))
    await until(lambda: supervisor._records[script].batches == len(prices))
    assert made == []
    supervisor.rest(0.0)
    gate.set()
    await running
    await plain.run()
    assert made == [len(prices) + 1]
    assert supervisor.latest == plain.latest
    assert (supervisor.latest.legs["IWM"].high, supervisor.latest.legs["IWM"].low) == (221.0, 200.0)


@pytest.mark.parametrize(
    "event",
    [
        Status(Kind.OFFLINE, "gone"),
        SymbolStates({"IWM": Kind.HALTED}),
        PrintsReplaced(frozenset({"IWM"}), (quote(210.0),)),
    ],
    ids=["status", "halt", "replaced"],
)
async def test_what_is_no_price_is_shown_at_once_with_the_prices_before_it(event):
    end = asyncio.Event()
    script = Script(batch(220.0), batch(221.0, 1), event, batch(222.0, 2), end)
    supervisor = supervise(script)
    made = counted(supervisor)
    supervisor.rest(LONG_S)
    running = asyncio.create_task(played(supervisor, script))
    await until(lambda: supervisor._records[script].batches >= 3 and supervisor.latest is not None)
    assert made == [3]
    end.set()
    await running
    assert made == [3, 4], "what is owed at the end is shown"


async def test_the_first_price_of_a_desk_without_a_rest_is_shown_at_once():
    script = Script(batch(220.0), batch(221.0, 1))
    supervisor = supervise(script)
    made = counted(supervisor)
    await played(supervisor, script)
    assert made == [1, 2]


async def test_what_is_owed_is_shown_after_the_rest_though_nothing_more_comes():
    end = asyncio.Event()
    script = Script(batch(220.0), end)
    supervisor = supervise(script)
    supervisor.rest(LONG_S)
    running = asyncio.create_task(played(supervisor, script))
    await until(lambda: supervisor._records[script].batches == 1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert supervisor.latest is None
    supervisor.rest(0.0)
    await until(lambda: supervisor.latest is not None)
    assert supervisor.latest.legs["IWM"].last == 220.0
    end.set()
    await running


async def test_a_second_that_passes_waits_for_the_prices_that_come_with_it():
    seconds: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(_seconds):
        await seconds.get()

    end = asyncio.Event()
    script = Script(end)
    supervisor = supervise(script, sleep=sleep)
    made, recorded = counted(supervisor), []
    supervisor.observer = lambda *event: recorded.append(event)
    supervisor.rest(LONG_S)
    running = asyncio.create_task(played(supervisor, script))
    for _ in range(3):
        seconds.put_nowait(None)
    await until(lambda: len(recorded) == 3)
    assert made == [], "time that passes is no news to who rests"
    end.set()
    await running
    assert made == [3]


async def test_a_second_that_passes_is_shown_though_no_prices_come_with_it():
    seconds: asyncio.Queue[None] = asyncio.Queue()

    async def sleep(_seconds):
        await seconds.get()

    script = Script(asyncio.Event())
    supervisor = supervise(script, sleep=sleep)
    made = counted(supervisor)
    supervisor.rest(0.0)
    running = asyncio.create_task(supervisor.run())
    for _ in range(5):
        await asyncio.sleep(0)
    seconds.put_nowait(None)
    await until(lambda: made == [1])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_bids_and_asks_wait_with_the_prices():
    bids = BidAsks({"IWM": Nbbo("IWM", 219.0, 221.0, at("11:59:59"))})
    script = Script(bids, batch(220.0), asyncio.Event())
    supervisor = supervise(script)
    made = counted(supervisor)
    supervisor.rest(LONG_S)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor._records[script].batches == 1)
    assert made == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_shown_is_what_would_have_been_shown_there_without_any_rest(seed):
    """Snapshots are numbered by what has been taken in, so each has its twin in a run that makes them all."""
    chance = random.Random(seed)

    def events():
        dice = random.Random(seed + 100)
        for place in range(120):
            kind = dice.random()
            if kind < 0.8:
                symbol, price = ("IWM", 220.0) if dice.random() < 0.6 else ("QQQ", 495.0)
                prints = tuple(
                    quote(price + dice.uniform(-3, 3), f"10:{40 + dice.randrange(15)}:00", symbol)
                    for _ in range(dice.randrange(4))
                )
                yield Batch(prints, at("10:56:00") + place * NS)
            elif kind < 0.9:
                yield Status(dice.choice([Kind.LIVE, Kind.OFFLINE]), "", at("10:56:00") + place * NS)
            else:
                yield PrintsReplaced(
                    frozenset({"IWM"}), (quote(219.0, "10:39:00"),), at("10:56:00") + place * NS
                )

    async def run(rests):
        supervisor = supervise(Script(*events(), name="script"))
        shown = {}

        def note(snapshot):
            shown[snapshot.seq] = snapshot
            return snapshot

        supervisor.on_publish = note
        supervisor.observer = lambda *_: supervisor.rest(chance.choice((0.0, LONG_S))) if rests else None
        async with asyncio.timeout(LIMIT_S):
            await supervisor.run()
        return shown

    every, some = await run(rests=False), await run(rests=True)
    assert len(every) == 120
    assert 20 < len(some) < 120
    assert some == {number: every[number] for number in some}


def watching(*rules: Rule) -> AlertWatch:
    return AlertWatch(Desk(), AlertSettings(rules=rules), None)


@pytest.mark.parametrize("has_alert", [True, False])
async def test_an_alert_fires_on_a_price_that_no_frame_shows(has_alert):
    rule = Rule(id="high water", condition="iwm.last > 225", repeat="crossing")
    watch = watching(*([rule] if has_alert else []))
    script = Script(batch(220.0), batch(226.0, 1), batch(220.5, 2), asyncio.Event())
    supervisor = supervise(script)
    supervisor.judge_all(lambda: watch.judges)
    supervisor.on_publish = watch.take
    supervisor.rest(LONG_S)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor._records[script].batches == 3)
    if has_alert:
        fired = [event for event in supervisor.latest.events if event.kind is EventKind.ALERT]
        assert [event.subject for event in fired] == ["high water"]
        assert supervisor.latest.legs["IWM"].last == 220.5
    else:
        assert supervisor.latest is None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_failure_of_what_is_owed_ends_the_run():
    script = Script(batch(220.0), asyncio.Event())
    supervisor = supervise(script)

    def broken():
        raise RuntimeError("the market broke")

    supervisor._market.snapshot = broken
    supervisor.rest(LONG_S)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor._records[script].batches == 1)
    supervisor.rest(0.0)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(LIMIT_S):
            await running
    assert [str(error) for error in caught.value.exceptions] == ["the market broke"]


async def test_a_rest_that_is_prolonged_is_kept():
    made = []
    frames = Frames(lambda: (made.append(1), frames.made()))
    frames.rest(LONG_S)
    running = asyncio.create_task(frames.run())
    frames.on_prices()
    frames.rest(2 * LONG_S)
    for _ in range(5):
        await asyncio.sleep(0)
    assert made == []
    frames.settle()
    frames.settle()
    assert made == [1], "settled once"
    running.cancel()


async def test_at_the_end_of_a_rest_what_has_come_is_looked_at_before_what_is_owed_is_made_alone():
    progress: list[str] = []
    frames = Frames(lambda: (progress.append("make"), frames.made()), lambda: progress.append("hurry"))
    running = asyncio.create_task(frames.run())
    frames.on_prices()
    frames.rest(LONG_S)
    frames.on_prices()
    for _ in range(5):
        await asyncio.sleep(0)
    assert progress == ["make"], "nobody needs what comes in a rest"
    frames.rest(0.001)
    await until(lambda: progress[1:])
    assert progress[1] == "hurry"
    await until(lambda: progress[2:])
    frames.on_prices()
    for _ in range(5):
        await asyncio.sleep(0)
    assert progress == ["make", "hurry", "make", "make"], "once a rest"
    running.cancel()


async def test_a_frame_has_what_a_stream_had_let_gather_for_longer():
    paces: list[float] = []

    async def sleep(seconds):
        paces.append(seconds)
        await asyncio.Event().wait()

    class Gathering(Script):
        async def events(self):
            yield batch(220.0)
            await gather(sleep, LONG_S)
            yield batch(221.0, 1)
            await gather(sleep, LONG_S)

    supervisor = supervise(Gathering())
    made = counted(supervisor)
    supervisor.rest(LONG_S)
    running = asyncio.create_task(supervisor.run())
    await until(lambda: paces)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (paces, made) == ([LONG_S], [])
    supervisor.rest(0.001)
    await until(lambda: made)
    assert supervisor.latest.legs["IWM"].last == 221.0
    assert made == [2], "the older price is not shown by itself"
    assert paces == [LONG_S, LONG_S], "it gathers again"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_a_desk_that_draws_what_gathers_is_left_as_long_as_it_should():
    slept: list[float] = []

    async def sleep(seconds):
        slept.append(seconds)

    await gather(sleep, LONG_S)
    assert slept == [LONG_S]


async def test_who_has_gathered_is_not_kept():
    turns = Turns()

    async def sleep(seconds):
        if seconds < 0:
            raise ValueError("a sleep that fails")

    for seconds in (0.0, 1.0, -1.0):
        with contextlib.suppress(ValueError):
            await turns.gather(sleep, seconds)
    assert not turns._gathering


async def test_prices_are_taken_in_after_a_key_has_been_answered():
    gate = asyncio.Event()
    script = Script(batch(220.0), gate, batch(221.0, 1), Status(Kind.OFFLINE))
    supervisor = supervise(script)
    supervisor.turns = Turns(most_s=LONG_S)
    running = asyncio.create_task(played(supervisor, script))
    await until(lambda: supervisor._records[script].batches == 1)
    supervisor.turns.give_way()
    gate.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert supervisor.latest.legs["IWM"].last == 220.0
    supervisor.turns.go_on()
    await running
    assert supervisor.latest.legs["IWM"].last == 221.0


async def test_each_key_is_waited_for_and_a_desk_without_one_waits_for_nothing():
    turns = Turns(most_s=LONG_S)
    for _ in range(2):
        async with asyncio.timeout(LIMIT_S):
            await turns.wait()
        turns.give_way()
        waiting = asyncio.create_task(turns.wait())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        turns.go_on()
        await waiting


async def test_a_key_that_is_never_answered_holds_nothing_up_for_good():
    script = Script(batch(220.0))
    supervisor = supervise(script)
    supervisor.turns = Turns(most_s=0.01)
    supervisor.turns.give_way()
    await played(supervisor, script)
    assert supervisor.latest.legs["IWM"].last == 220.0


async def test_a_feed_s_own_tasks_find_the_turns_of_their_desk():
    taken, gate, waiting = [], asyncio.Event(), asyncio.Event()

    class Reader(Script):
        async def events(self):
            async def read():
                await gate.wait()
                waiting.set()
                await wait_for_turn()
                taken.append("read")

            await asyncio.create_task(read())
            return
            yield

    supervisor = supervise(Reader())
    supervisor.turns = Turns(most_s=LONG_S)
    running = asyncio.create_task(supervisor.run())
    supervisor.turns.give_way()
    gate.set()
    await waiting.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert taken == []
    supervisor.turns.go_on()
    async with asyncio.timeout(LIMIT_S):
        await running
    assert taken == ["read"]


async def test_a_reader_is_told_of_the_end_after_what_was_owed():
    script = Script(batch(220.0), batch(221.0, 1))
    supervisor = supervise(script)
    supervisor.rest(LONG_S)
    listener = supervisor.listen()
    await supervisor.run()
    assert [snapshot.legs["IWM"].last for snapshot in await everything(listener)] == [221.0]
