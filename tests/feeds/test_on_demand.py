"""What is made only while somebody looks: beside the loop, once a second, never of another session."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from msgspec.structs import replace

from feeds.on_demand import AT_ONCE, EVERY_S, PAUSE_S, STORY, OnDemand
from rotation.desk import Desk
from rotation.figures.basis import Basis
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import close_ns, from_ns, open_ns
from rotation.snapshot import PairView, Tape
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


FIGURES = frozenset({f"figure spread.{k}.pp" for k in (1, 5, 20)} | {"legs", "line spread.5.pp"})


def test_a_line_of_closes_is_made_once_and_an_explanation_with_the_prices():
    now = [100.0]
    demand, first = OnDemand(lambda: now[0]), snapshot(201.0)
    added(demand, first)
    asked = demand.compute(FIGURES)
    assert set(asked.explained) == {"spread.1.pp", "spread.5.pp", "spread.20.pp"}
    assert set(asked.lines) == {"spread.5.pp", "IWM", "QQQ"}
    assert asked.explained["spread.5.pp"].value == first.spread.windows["5"].pp
    now[0] += 3 * EVERY_S
    newer, before = snapshot(207.0), asked.explained["spread.5.pp"].value
    while (shown := added(demand, newer)).explained["spread.5.pp"].value == before:
        time.sleep(0.001)
    assert shown.explained["spread.5.pp"].value == newer.spread.windows["5"].pp
    assert shown.lines == asked.lines
    assert all(shown.lines[name] is asked.lines[name] for name in shown.lines)
    later = replace(newer, session=CALENDAR[FIRST + 41])
    assert added(demand, later).lines == {}


def test_a_part_that_fails_takes_no_other_with_it(caplog):
    demand = OnDemand()
    added(demand, snapshot(201.0))
    asked = demand.compute(FIGURES | {"figure no.such", "figure iwm.last"})
    assert "iwm.last" in asked.explained
    assert "no.such" not in asked.explained
    assert caplog.text.count("figure no.such could not be made") == 1
    demand.compute(FIGURES | {"figure no.such"})
    assert caplog.text.count("could not be made") == 1


def test_however_many_figures_are_asked_for_a_go_makes_a_few_and_the_others_follow():
    demand, made = OnDemand(), snapshot(201.0)
    added(demand, made)
    names = [f"iwm.{name}" for name in ("last", "day_pct", "age_s", "high", "low", "status", "on_pace")]
    names += [f"{leg}.return.{k}" for leg in ("iwm", "qqq") for k in (1, 5, 20)]
    asked = demand.compute(frozenset(f"figure {name}" for name in names))
    assert len(asked.explained) == AT_ONCE
    while len(added(demand, made).explained) < len(names):
        time.sleep(0.001)
    demand.compute(frozenset())
    assert not added(demand, made).explained
    assert not demand._made


def test_what_could_not_be_made_yet_comes_with_the_pair():
    now, name = [100.0], "KRE/QQQ"
    demand, made = OnDemand(lambda: now[0]), snapshot(201.0)
    added(demand, replace(made, pairs={name: None}))
    assert demand.compute(frozenset({f"story {name}"})).pairs == {name: None}
    view = PairView(made.spread, made.ratio, "")
    desk = replace(DESK, pairs=(("KRE", "QQQ"),))
    now[0] += EVERY_S
    while demand.add(replace(made, pairs={name: view}), HISTORY, desk).pairs[name].story is None:
        time.sleep(0.001)


def test_who_goes_from_figure_to_figure_waits_a_moment_and_the_others_are_not_made_again():
    now, slept = [100.0], []
    demand, made = OnDemand(lambda: now[0], slept.append), snapshot(201.0)
    added(demand, made)
    demand.compute(frozenset({STORY, "figure iwm.last", "figure iwm.high"}))
    first = demand._made["figure iwm.last"]
    asked = demand.compute(frozenset({STORY, "figure iwm.last", "figure iwm.low"}))
    assert slept == [0.0, pytest.approx(2 * PAUSE_S)]
    assert set(asked.explained) == {"iwm.last", "iwm.low"}
    assert demand._made["figure iwm.last"] is first
    demand.compute(frozenset({STORY}))
    assert len(slept) == 2, "nothing else waits"
    demand.compute(frozenset({"figure iwm.last", "figure iwm.low", "figure iwm.high"}))
    now[0] += EVERY_S
    added(demand, made)
    assert demand._making is None, "three figures are made anew every three seconds"
