"""Holdings files through a hub: the newest, a few a tick, and a damaged one stops nobody."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import polars as pl
import pytest

from feeds.hub.sent.history import LISTS_AT_ONCE, LISTS_MAX
from feeds.hub.wire.codec import decode
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
