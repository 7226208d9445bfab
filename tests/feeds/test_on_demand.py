"""What is made only while somebody looks: beside the loop, once a second, never of another session."""

from __future__ import annotations

import time
from datetime import timedelta

from msgspec.structs import replace

from feeds.on_demand import EVERY_S, STORY, OnDemand
from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, from_ns, open_ns
from rotation.snapshot import Tape
from rotation.story.now import StoryNow
from tests.support.core_worlds import CALENDAR, FIRST, ORIGIN, closes, history_of

DESK = Desk(legs=("IWM", "QQQ"))
DAYS = CALENDAR[FIRST : FIRST + 40]
HISTORY = history_of([*closes("IWM", DAYS, bytes(40)), *closes("QQQ", DAYS, bytes(range(40)))])
DAY = CALENDAR[FIRST + 40]
WANTED = frozenset({STORY})


def snapshot(price: float, second: int = 60):
    at = open_ns(DAY) + second * NS
    market = Market(HISTORY, DESK, as_of_ns=open_ns(DAY), origin=ORIGIN)
    return market.apply([Quote("IWM", at, price), Quote("QQQ", at, 480.0)], as_of_ns=at)


def added(demand: OnDemand, made):
    return demand.add(made, HISTORY, DESK)


def when_made(demand: OnDemand, made):
    """Until the thread is done: no time is measured."""
    while (shown := added(demand, made)).story is None or demand._making is not None:
        time.sleep(0.001)
    return shown


def test_nothing_is_made_that_nobody_looks_at():
    demand = OnDemand()
    assert demand.compute(WANTED) is None
    demand.compute(frozenset())
    assert added(demand, snapshot(201.0)).story is None
    assert demand._making is None


def test_who_asks_gets_it_at_once_and_who_leaves_loses_it():
    demand, made = OnDemand(), snapshot(201.0)
    added(demand, made)
    asked = demand.compute(WANTED)
    assert asked.story == StoryNow().of(Basis(made, HISTORY, DESK))
    assert replace(asked, story=None) == made
    assert demand.compute(frozenset()) is made
    assert added(demand, made).story is None


def test_newer_prices_get_a_newer_story_once_a_second():
    now = [100.0]
    demand = OnDemand(lambda: now[0])
    demand.compute(WANTED)
    first = when_made(demand, snapshot(201.0))
    newer = snapshot(207.0)
    assert added(demand, newer).story is first.story, "not due yet"
    now[0] += EVERY_S
    added(demand, newer)
    while demand._making is not None:
        shown = added(demand, newer)
    assert shown.story == StoryNow().of(Basis(newer, HISTORY, DESK))


def test_the_story_of_another_session_is_never_shown():
    demand = OnDemand()
    demand.compute(WANTED)
    when_made(demand, snapshot(201.0))
    later = replace(snapshot(201.0), session=CALENDAR[FIRST + 41])
    assert added(demand, later).story is None


def on_tape(made, *, seq: int, speed: float = 3600.0, held: bool = False):
    """The same on a tape of that session, as the ``seq``-th Snapshot of its market."""
    tape = Tape(made.as_of, from_ns(open_ns(DAY)), from_ns(close_ns(DAY)), speed, held)
    return replace(made, seq=seq, health=replace(made.health, tape=tape))


def true_story(made):
    return StoryNow().of(Basis(made, HISTORY, DESK))


def test_no_story_of_later_prices_is_shown_after_a_seek_back():
    demand = OnDemand()
    demand.compute(WANTED)
    when_made(demand, on_tape(snapshot(201.0, second=6 * 3600), seq=9))
    morning = on_tape(snapshot(207.0), seq=10)
    assert added(demand, morning).story in (None, true_story(morning))
    afternoon = replace(morning, as_of=morning.as_of + timedelta(hours=6))
    when_made(demand, replace(afternoon, seq=11))
    assert added(demand, on_tape(snapshot(201.0), seq=12, held=True)).story == true_story(snapshot(201.0))


def test_a_tape_that_is_held_has_the_story_of_its_moment_at_once():
    demand = OnDemand(lambda: 100.0)
    demand.compute(WANTED)
    first = when_made(demand, on_tape(snapshot(201.0), seq=1))
    hour_later = on_tape(snapshot(207.0, second=3660), seq=2)
    assert added(demand, hour_later).story is first.story, "of what a second plays"
    assert added(demand, on_tape(hour_later, seq=3, held=True)).story == true_story(hour_later)
    assert added(demand, on_tape(snapshot(201.0), seq=4, speed=1.0)).story is None


def test_a_story_that_fails_is_left_out_and_tried_again(monkeypatch, caplog):
    now = [100.0]
    demand = OnDemand(lambda: now[0])
    demand.compute(WANTED)
    with monkeypatch.context() as broken:
        broken.setattr(StoryNow, "of", lambda *_: 1 / 0)
        for _ in range(2):
            added(demand, snapshot(201.0))
            while demand._making is not None:
                assert added(demand, snapshot(201.0)).story is None
            now[0] += EVERY_S
    assert caplog.text.count("ZeroDivisionError") == 1
    assert when_made(demand, snapshot(201.0)).story == true_story(snapshot(201.0))
