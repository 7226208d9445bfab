"""A viewer shows no price as sound that may be missed, late, or of a hub that has ended."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from feeds.clock import Moment
from feeds.demo.fed import demo_fed
from feeds.demo.macro import demo_macro
from feeds.events import Batch, FedNews, MacroNews, RelayedStates
from feeds.hub.broker.connection import Access
from feeds.hub.broker.viewer import HubFeed
from feeds.hub.lateness import Lateness
from feeds.hub.receiver import SILENT_S
from feeds.hub.wire.codec import decode, encode
from feeds.hub.wire.messages import SCHEMA, HistoryMessage, MembersMessage, QuoteMessage
from rotation.quote import NS, Quote
from rotation.status import Kind
from tests.feeds.hub.test_relay import OPENS, Hub, Viewer
from tests.support.fake_time import NOW_NS


@pytest.fixture
def hub():
    made = Hub()
    made.take(Batch((Quote("IWM", OPENS, 221.0),)))
    return made


@pytest.fixture
def viewer(hub):
    """Up to date."""
    made = Viewer(hub.desk)
    out = hub.out()
    made.take(out)
    made.fetch(dict(out))
    made.show()
    assert kind(made) is Kind.LIVE
    return made


def kind(viewer):
    return viewer.show().legs["IWM"].status.kind


def lose(hub, viewer):
    """The hub sends a quote that never comes; the viewer learns so from the next message."""
    hub.take(Batch((Quote("IWM", OPENS + NS, 222.0),)))
    lost = hub.out()
    viewer.take(hub.out())
    return dict(lost)


def test_a_gap_stays_one_until_its_fetch_has_ended(hub, viewer):
    lose(hub, viewer)
    viewer.receiver.fetching()
    assert kind(viewer) is Kind.GAPPED
    viewer.receiver.fetch_failed()
    assert kind(viewer) is Kind.GAPPED


def test_a_gap_that_comes_during_a_fetch_outlives_it(hub, viewer):
    kept = lose(hub, viewer)
    viewer.receiver.fetching()
    viewer.take(kept.items(), pushed=False)
    later = lose(hub, viewer)
    viewer.receiver.fetched(viewer.now)
    assert viewer.receiver.wants_fetch
    assert kind(viewer) is Kind.GAPPED
    viewer.fetch(later)
    viewer.show()
    assert kind(viewer) is Kind.LIVE


@pytest.mark.parametrize("is_late", [False, True])
def test_states_of_the_hub_before_are_not_those_of_the_one_that_starts(hub, viewer, is_late):
    new = Hub(epoch=2)
    claim = [new.publisher.beat(OPENS)]
    if is_late:
        kept = dict(hub.out())
        hub.publisher.again()
        kept |= dict(hub.out()) | dict(claim)
        viewer = Viewer(hub.desk)
        viewer.fetch(kept)
    viewer.take(claim)
    assert kind(viewer) is Kind.OFFLINE
    row = viewer.supervisor.latest.health.feeds[0]
    assert (row.state, row.detail) == ("OFFLINE", "the hub is starting")
    new.take(Batch((Quote("IWM", OPENS, 221.0),)))
    out = new.out()
    viewer.take(out)
    viewer.fetch(dict(out))
    viewer.show()
    assert kind(viewer) is Kind.LIVE


def test_a_take_over_that_is_fetched_first_hides_no_gap_of_the_new_hub(hub, viewer):
    for _ in range(50):
        viewer.take([hub.publisher.beat(OPENS)])
    new = Hub(epoch=2)
    new.take(Batch((Quote("IWM", OPENS, 221.0),)))
    viewer.receiver.fetching()
    viewer.take(new.out(), pushed=False)
    viewer.receiver.fetched(viewer.now)
    assert viewer.receiver.wants_fetch
    viewer.fetch({})
    viewer.take(new.out())
    lose(new, viewer)
    assert viewer.receiver.wants_fetch
    assert kind(viewer) is Kind.GAPPED


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("desk.history.IWM", HistoryMessage(SCHEMA, 2**62, 1, 0, "IWM", 3, b"junk")),
        ("desk.members.IWM.2026-11-25", MembersMessage(SCHEMA, 2**62, 1, 0, "IWM", 20_000, b"junk")),
    ],
)
@pytest.mark.parametrize("pushed", [True, False])
def test_a_refused_message_does_not_end_the_hub_that_is_true(hub, viewer, subject, message, pushed):
    assert not viewer.receiver.take(subject, encode(message), viewer.now, pushed=pushed)
    hub.take(Batch((Quote("IWM", OPENS + NS, 222.0),)))
    viewer.take(hub.out())
    assert viewer.show().legs["IWM"].last == 222.0
    assert kind(viewer) is Kind.LIVE


def test_a_refused_message_is_no_gap(hub, viewer):
    hub.take(Batch((Quote("IWM", OPENS + NS, 222.0),)))
    (subject, data), *rest = hub.out()
    refused = msgspec.structs.replace(decode(subject, data), session=0)
    assert isinstance(refused, QuoteMessage)
    viewer.take([(subject, encode(refused)), *rest])
    assert viewer.receiver.counters.hostile == 1
    assert not viewer.receiver.wants_fetch
    viewer.take([(subject, encode(msgspec.structs.replace(refused, seq=2**62)))])
    lose(hub, viewer)
    assert viewer.receiver.wants_fetch


def pass_s(viewer, seconds):
    viewer.now = Moment(viewer.now.s + seconds, 5)


def test_messages_that_come_late_are_no_sign_of_life(hub, viewer):
    pass_s(viewer, 60.5)
    clock_ns = viewer.clock_ns()
    hub.now_ns += NS
    viewer.take(hub.out())
    assert kind(viewer) is Kind.OFFLINE
    assert viewer.clock_ns() == clock_ns
    row = viewer.supervisor.latest.health.feeds[0]
    assert (row.state, row.detail) == ("OFFLINE", "messages arrive 59s late")
    hub.now_ns += 59 * NS + NS // 2
    hub.take(Batch((Quote("IWM", hub.now_ns, 222.0),)))
    viewer.take(hub.out())
    assert kind(viewer) is Kind.LIVE


@pytest.mark.parametrize("step_s", [-3600, -10, -2.6, -0.4, 2.6, 3600])
@pytest.mark.parametrize("late_s", [0.0, 1.0])
def test_a_hub_whose_clock_is_set_keeps_its_viewers(hub, viewer, step_s, late_s):
    def seconds(count, shift_s=0.0):
        for _ in range(count):
            pass_s(viewer, 1.0 + shift_s)
            hub.now_ns += NS
            viewer.take([hub.publisher.beat(hub.now_ns)])
            shift_s = 0.0

    seconds(3, late_s)
    hub.now_ns += int(step_s * NS)
    for _ in range(5):
        seconds(1)
        assert kind(viewer) is not Kind.OFFLINE
        assert abs(viewer.clock_ns() - hub.now_ns) < NS
    pass_s(viewer, 60.0)  # and what is late is late still
    seconds(1)
    assert kind(viewer) is Kind.OFFLINE


def test_a_clock_that_is_set_back_during_an_outage_is_no_delay(hub, viewer):
    pass_s(viewer, 30.0)
    viewer.receiver.reconnected(viewer.now)
    hub.now_ns += 20 * NS
    out = hub.out()
    viewer.take(out)
    viewer.fetch(dict(out))
    viewer.show()
    assert kind(viewer) is not Kind.OFFLINE


def test_another_hub_has_a_clock_of_its_own(hub, viewer):
    new = Hub(epoch=2, now_ns=OPENS - 30 * NS)
    viewer.take(new.out())
    assert viewer.receiver.is_alive(viewer.now.s)


def test_clocks_that_drift_apart_for_weeks_make_nobody_late():
    lateness = Lateness()
    drift = 1 + 5e-5
    assert all(lateness.of(s * drift, s * NS) < SILENT_S for s in range(0, 20 * 86_400, 3600))


async def test_a_feed_that_is_started_again_says_its_states_again(hub):
    feed = HubFeed(Access("nats://127.0.0.1:1"))
    receiver = feed.receiver
    for _ in range(2):
        async with asyncio.timeout(10), contextlib.aclosing(feed.events()) as events:
            async for event in events:
                if isinstance(event, RelayedStates):
                    break
        assert receiver.wants_fetch
        receiver.fetching()  # which the end of the feed breaks off


def test_of_a_dead_hub_the_fed_and_macro_are_offline_too(hub, viewer):
    hub.take(FedNews(demo_fed(NOW_NS)))
    hub.take(MacroNews(demo_macro(NOW_NS)))
    viewer.take(hub.out())
    alive = viewer.show()
    assert (alive.fed, alive.macro) == (hub.supervisor.latest.fed, hub.supervisor.latest.macro)
    pass_s(viewer, SILENT_S + 0.5)
    silent = viewer.show()
    assert silent.fed.state == "OFFLINE"
    assert {each.status.kind for each in silent.fed.engines.values()} == {Kind.OFFLINE}
    assert {each.state for each in silent.fed.contracts} == {"OFFLINE"}
    assert {each.kind for each in silent.macro.sources.values()} == {Kind.OFFLINE}
    assert silent.fed.cut == alive.fed.cut
    hub.now_ns += int((SILENT_S + 0.5) * NS)
    hub.supervisor._refresh(hub.now_ns)
    viewer.take(hub.out())
    again = viewer.show()
    assert (again.fed, again.macro) == (hub.supervisor.latest.fed, hub.supervisor.latest.macro)
