"""Holdings files through a hub: the newest, a few a tick, and a damaged one stops nobody."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import polars as pl
import pytest

from feeds.hub.sent.history import LISTS_AT_ONCE
from feeds.hub.wire.codec import decode
from feeds.hub.wire.messages import LISTS_MAX
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.errors import DamagedError
from tests.feeds.hub.test_relay import Hub, Viewer

FIRST = date(2026, 1, 5)


def held(number):
    row = {"symbol": ["IWM"], "name": ["x"], "sector": [""], "weight_pct": [float(number)]}
    return MemberList.of("IWM", FIRST + timedelta(days=number), pl.DataFrame(row, schema=SCHEMA))


def damaged(number):
    def read():
        raise DamagedError("the file is cut short")

    return MemberList("IWM", FIRST + timedelta(days=number), ["IWM"], read)


@pytest.fixture
def hub():
    made = Hub()
    made.out()
    return made


def ticks(hub):
    """The holdings files that are sent tick by tick, until no more are sent."""
    while True:
        out = [each for each in hub.publisher.collect(hub.now_ns) if each.subject.startswith("desk.members.")]
        if not out:
            return
        yield out


def give(hub, lists):
    asyncio.run(hub.supervisor.take_members((Membership.of("IWM", lists),)))


def test_only_the_newest_files_are_sent_and_few_in_a_tick(hub):
    give(hub, [held(number) for number in range(LISTS_MAX + 40)])
    sent = list(ticks(hub))
    assert {len(out) for out in sent} == {LISTS_AT_ONCE}
    assert len({message.subject for out in sent for message in out}) == LISTS_MAX
    viewer = Viewer(hub.desk)
    for out in sent:
        viewer.take(out)
    (fund,) = viewer.receiver.new_members()
    assert [each.as_of for each in fund.lists] == [held(n).as_of for n in range(40, LISTS_MAX + 40)]


def test_the_next_days_file_takes_the_place_of_the_oldest(hub):
    lists = [held(number) for number in range(LISTS_MAX)]
    give(hub, lists)
    before = [message for out in ticks(hub) for message in out]
    give(hub, [*lists, held(LISTS_MAX)])
    newest = next(ticks(hub))[0]
    assert decode(*newest).day == decode(*before[0]).day + 1
    oldest = min(before, key=lambda each: decode(*each).day)
    assert newest.subject == oldest.subject


def test_a_damaged_file_is_left_out(hub, caplog):
    give(hub, [held(0), damaged(1), held(2)])
    assert len({message.subject for out in ticks(hub) for message in out}) == 2
    assert "the file is cut short" in caplog.text


def test_the_same_file_from_another_hub_is_nothing_new(hub):
    give(hub, [held(0)])
    viewer = Viewer(hub.desk)
    viewer.take(hub.out())
    assert viewer.receiver.new_members() is not None
    hub.publisher.again()
    viewer.take(hub.out())
    assert viewer.receiver.new_members() is None


def of(fund, *numbers):
    lists = [
        MemberList(fund, held(number).as_of, ["IWM"], lambda n=number: held(n).frame) for number in numbers
    ]
    return Membership.of(fund, lists)


def funds(viewer):
    """What a viewer would show now: the days by fund; None where nothing is new."""
    made = viewer.receiver.new_members()
    return None if made is None else {each.fund: [held.as_of for held in each.lists] for each in made}


def test_a_fund_that_the_next_hub_does_not_have_leaves_the_viewers(hub):
    """A universe that was taken out of the file: what the server keeps of it is not shown for ever."""
    asyncio.run(hub.supervisor.take_members((of("IWM", 0, 1), of("MINE", 0))))
    viewer = Viewer(hub.desk)
    kept = dict(hub.out())
    viewer.take(kept.items())
    assert funds(viewer) == {"IWM": [held(0).as_of, held(1).as_of], "MINE": [held(0).as_of]}
    after = Hub(epoch=hub.publisher.epoch + 1)
    asyncio.run(after.supervisor.take_members((of("IWM", 0, 1),)))
    sent = after.out()
    viewer.take(sent)
    assert funds(viewer) == {"IWM": [held(0).as_of, held(1).as_of]}
    late = Viewer(after.desk)  # the server has both hubs' messages, in any order
    kept |= dict(sent)
    assert any("MINE" in subject for subject in kept)
    late.fetch(kept)
    assert funds(late) == {"IWM": [held(0).as_of, held(1).as_of]}
    late = Viewer(after.desk)
    late.fetch(dict(reversed(kept.items())))
    assert funds(late) == {"IWM": [held(0).as_of, held(1).as_of]}


def test_a_hub_without_any_fund_says_so(hub):
    give(hub, [held(0)])
    viewer = Viewer(hub.desk)
    viewer.take(hub.out())
    assert funds(viewer) == {"IWM": [held(0).as_of]}
    after = Hub(epoch=hub.publisher.epoch + 1)
    viewer.take(after.out())
    assert funds(viewer) == {}


def test_a_universe_of_another_day_takes_the_place_of_the_one_before(hub):
    asyncio.run(hub.supervisor.take_members((of("MINE", 5),)))
    viewer = Viewer(hub.desk)
    viewer.take(hub.out())
    asyncio.run(hub.supervisor.take_members((of("MINE", 9),)))
    viewer.take(hub.out())
    assert funds(viewer) == {"MINE": [held(9).as_of]}
    asyncio.run(hub.supervisor.take_members((of("MINE", 3),)))
    viewer.take(hub.out())
    assert funds(viewer) == {"MINE": [held(3).as_of]}


def test_files_older_than_a_hub_sends_stay_where_they_are_known(hub):
    """A later file changes no earlier day."""
    numbers = range(LISTS_MAX)
    asyncio.run(hub.supervisor.take_members((of("IWM", *numbers),)))
    viewer = Viewer(hub.desk)
    for out in ticks(hub):
        viewer.take(out)
    asyncio.run(hub.supervisor.take_members((of("IWM", *numbers, LISTS_MAX),)))
    for out in ticks(hub):
        viewer.take(out)
    assert funds(viewer) == {"IWM": [held(n).as_of for n in range(LISTS_MAX + 1)]}
