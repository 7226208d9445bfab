"""What a hub's viewer shows is what the hub shows: any prints, conflated anywhere, lost and fetched again."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.clock import Moment
from feeds.events import Batch, BidAsks, HistoryUpdated, PrintsReplaced, Status, SymbolDays
from feeds.hub.publisher import Publisher
from feeds.hub.receiver import SILENT_S, Receiver
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import MINUTE_NS, NS, Nbbo, Quote, Role
from rotation.sessions import hours
from rotation.status import LIVE, Kind
from tests.support.live_desk import closes

DAY = date(2026, 11, 25)
BEGINS, OPENS, CLOSES, ENDS = hours(DAY)
SYMBOLS = ("IWM", "QQQ", "BRK.B")


class Source:
    """A stream that yields nothing by itself; the test hands its events over."""

    name = "Source"
    mode = LIVE
    symbols = frozenset(SYMBOLS)

    def mode_of(self, symbol):
        return LIVE

    def stats(self):
        return None

    def tape(self):
        return None

    async def events(self):
        return
        yield


class Hub:
    def __init__(self, now_ns=OPENS, epoch=1):
        self.source = Source()
        self.desk = Desk(legs=("IWM", "QQQ", "BRK.B", "DIA"))
        self.now_ns = now_ns
        history = closes(OPENS)
        market = Market(history, self.desk, as_of_ns=now_ns, members=SYMBOLS)
        self.supervisor = Supervisor(market, [self.source], clock_ns=lambda: self.now_ns)
        self.publisher = Publisher(epoch=epoch, hub="hub-1")
        self.publisher.attach(self.supervisor, self.desk.legs)
        self.supervisor.observer = self.publisher.observe
        self.take(Status(Kind.LIVE))

    def take(self, event):
        self.supervisor._take(self.source, event)

    def out(self):
        return [*self.publisher.collect(self.now_ns), self.publisher.beat(self.now_ns)]


class Viewer:
    def __init__(self, desk):
        self.receiver = Receiver(grace_s=0.0)
        self.source = Source()
        self.source.symbols = frozenset()
        self.now = Moment(100.0, 5)
        market = Market(History.empty(), desk, as_of_ns=OPENS, members=SYMBOLS)
        self.supervisor = Supervisor(market, [self.source], clock_ns=self.clock_ns)

    def clock_ns(self):
        return self.receiver.clock_ns(self.now)

    def take(self, messages, *, pushed=True):
        for subject, data in messages:
            self.receiver.take(subject, data, self.now, pushed=pushed)

    def fetch(self, kept):
        self.receiver.fetching()
        self.take(kept.items(), pushed=False)
        self.receiver.fetched(self.now)

    def show(self):
        for event in self.receiver.events(self.now):
            self.supervisor._take(self.source, event)
        return self.supervisor.latest


def same(hub, viewer):
    """Every figure, but for the count of Snapshots."""
    theirs, ours = hub.supervisor.latest, viewer.supervisor.latest
    rows = tuple(row for row in ours.health.feeds if row.name != "hub")  # which says that a gap was refilled
    ours = msgspec.structs.replace(ours, health=msgspec.structs.replace(ours.health, feeds=rows))
    assert msgspec.structs.replace(ours, seq=0) == msgspec.structs.replace(theirs, seq=0)


PRINTS = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS),
        st.one_of(
            st.integers(BEGINS // NS, ENDS // NS).map(lambda s: s * NS),
            st.integers(OPENS // NS - 90, OPENS // NS + 300).map(lambda s: s * NS + 7),
            st.integers(CLOSES // NS - 90, CLOSES // NS + 200).map(lambda s: s * NS),
        ),
        st.integers(100, 130),
        st.integers(0, 3),
        st.integers(0, 900),
        st.sampled_from((Role.PRICE, Role.PRICE, Role.SIZE, Role.CLOSE, Role.MINUTE)),
    ),
    max_size=8,
)


def quote(symbol, ts_ns, price, seq, size, role):
    if role == Role.MINUTE:
        ts_ns = ts_ns // MINUTE_NS * MINUTE_NS + MINUTE_NS
        return Quote(symbol, ts_ns, price, seq, size, price + 1.0, price - 1.0, MINUTE_NS, role)
    return Quote(symbol, ts_ns, float(price), seq, size, role=role)


@given(
    st.lists(
        st.tuples(PRINTS, st.booleans(), st.sampled_from(("push", "lose", "late", "replace"))), max_size=6
    )
)
def test_a_viewer_shows_what_its_hub_shows(steps):
    hub = Hub(now_ns=ENDS)
    kept, viewer = {}, Viewer(hub.desk)
    first = hub.out()
    kept.update(first)
    viewer.take(first)
    viewer.fetch(kept)
    for prints, is_bid, way in steps:
        made = tuple(quote(*each) for each in prints)
        hub.take(PrintsReplaced(frozenset({"IWM"}), made) if way == "replace" else Batch(made))
        if is_bid:
            hub.take(BidAsks({"IWM": Nbbo("IWM", 100.0, 100.1, ENDS - NS)}))
        out = hub.out()
        kept.update(out)
        if way == "late":  # somebody who comes now has all from what the server keeps
            viewer = Viewer(hub.desk)
            viewer.fetch(kept)
            viewer.take(out[-1:])
        elif way != "lose":
            viewer.take(out)
        else:
            viewer.take(out[-1:])
        if viewer.receiver.wants_fetch:
            viewer.fetch(kept)
        viewer.show()
        same(hub, viewer)


def test_a_silent_hub_is_offline_and_says_so():
    hub = Hub()
    viewer = Viewer(hub.desk)
    hub.take(Batch((Quote("IWM", OPENS, 221.0),)))
    out = hub.out()
    viewer.take(out)
    viewer.fetch(dict(out))
    assert viewer.show().legs["IWM"].status.kind is Kind.LIVE
    viewer.now = Moment(viewer.now.s + SILENT_S + 0.1, 5)
    late = viewer.show()
    assert late.legs["IWM"].status.kind is Kind.OFFLINE
    assert late.legs["IWM"].last == 221.0
    assert [row.name for row in late.health.feeds] == ["hub", "Source"]
    assert {row.state for row in late.health.feeds} == {"OFFLINE"}
    assert "silent for" in late.health.feeds[0].detail


def test_nothing_of_an_earlier_hub_overwrites_a_later_one():
    old, new = Hub(epoch=7), Hub(epoch=8)
    viewer = Viewer(new.desk)
    old.take(Batch((Quote("IWM", OPENS, 100.0),)))
    before = old.out()
    viewer.take(before)
    viewer.fetch(dict(before))
    new.take(Batch((Quote("IWM", OPENS, 101.0),)))
    after = new.out()
    viewer.take(after)
    old.take(Batch((Quote("IWM", OPENS + NS, 99.0),)))
    woken = old.out()
    viewer.take(woken)  # it was paused, and does not know yet
    viewer.fetch(dict(woken))
    assert viewer.show().legs["IWM"].last == 101.0
    assert viewer.receiver.counters.older > 0


def test_a_gap_is_shown_until_the_last_values_have_been_fetched():
    hub = Hub()
    viewer = Viewer(hub.desk)
    hub.take(Batch((Quote("IWM", OPENS, 221.0),)))
    out = hub.out()
    viewer.take(out)
    viewer.fetch(dict(out))
    viewer.show()
    hub.take(Batch((Quote("IWM", OPENS + NS, 222.0),)))
    lost = hub.out()
    viewer.take(hub.out())
    assert viewer.receiver.wants_fetch
    assert viewer.show().legs["IWM"].status.kind is Kind.GAPPED
    viewer.fetch(dict(lost))
    viewer.show()
    assert viewer.show().legs["IWM"].last == 222.0
    assert viewer.supervisor.latest.legs["IWM"].status.kind is Kind.LIVE
    assert viewer.supervisor.latest.health.feeds[0].detail == "1 gap refilled"


@pytest.mark.parametrize(("limit_s", "kind"), [(5.0, Kind.STALE), (30.0, Kind.LIVE)])
def test_a_viewer_s_own_limit_says_when_a_price_is_stale(limit_s, kind):
    """Whatever the hub calls it: the desk that is looked at decides."""
    hub = Hub(now_ns=OPENS + 600 * NS)
    hub.take(Batch((Quote("IWM", hub.now_ns - 10 * NS, 221.0),)))
    assert hub.supervisor.latest.legs["IWM"].status.kind is Kind.LIVE
    viewer = Viewer(msgspec.structs.replace(hub.desk, stale_s=limit_s))
    viewer.take(hub.out())
    viewer.fetch(dict(hub.out()))
    viewer.show()
    assert viewer.show().legs["IWM"].status.kind is kind


def known():
    hub = Hub()
    hub.take(Batch((Quote("IWM", OPENS, 221.0),)))
    return hub.out()


KNOWN = known()
VALUES = st.recursive(st.integers(-(2**63), 2**64 - 1) | st.text(), st.lists)
SUBJECTS = ["quotes.IWM", "desk.beat", "desk.state", "desk.fed", "desk.history.IWM", "x"]


@pytest.mark.parametrize("subject", SUBJECTS)
@given(data=st.one_of(st.binary(), VALUES.map(msgspec.msgpack.encode)))
def test_hostile_bytes_change_nothing_and_are_counted(subject, data):
    receiver, now = Receiver(), Moment(100.0, 5)
    for name, sent in KNOWN:
        receiver.take(name, sent, now)
    receiver.events(now)
    assert not receiver.take(subject, data, now)
    assert receiver.counters.hostile == 1
    days = [event for event in receiver.events(now) if isinstance(event, SymbolDays)]
    assert not days


def test_another_version_is_refused_with_a_clear_error():
    viewer = Viewer(Desk())
    viewer.take([("desk.beat", msgspec.msgpack.encode([2, "whatever", {}]))])
    viewer.fetch({})
    row = viewer.show().health.feeds[0]
    assert row.state == "OFFLINE"
    sends, update = row.detail.split("; ")[:2]
    assert sends == "the hub sends version 2 of its messages, this program reads version 1"
    assert update == "update this program"


def test_a_history_that_grows_is_sent_symbol_by_symbol():
    hub = Hub()
    viewer = Viewer(hub.desk)
    out = hub.out()
    viewer.take(out)
    viewer.fetch(dict(out))
    viewer.show()
    assert viewer.supervisor.history.frame.equals(hub.supervisor.history.frame)
    hub.take(HistoryUpdated(closes(ENDS, sessions=13)))
    more = hub.out()
    viewer.take(more)
    viewer.show()
    assert viewer.supervisor.history.frame.equals(hub.supervisor.history.frame)


def test_minutes_that_were_wrong_go_at_the_viewer_too():
    hub = Hub(now_ns=ENDS)
    viewer = Viewer(hub.desk)
    hub.take(Batch((Quote("IWM", OPENS + NS, 221.0), Quote("QQQ", OPENS + NS, 500.0))))
    viewer.take(hub.out())
    viewer.fetch({})
    assert viewer.show().ratio.intraday
    hub.take(PrintsReplaced(frozenset({"IWM"}), (Quote("IWM", OPENS + NS, 221.0, role=Role.SIZE),)))
    viewer.take(hub.out())
    viewer.show()
    same(hub, viewer)
    assert not viewer.supervisor.latest.ratio.intraday


def test_who_comes_while_a_history_is_being_sent_fetches_what_came_before():
    hub = Hub()
    out = hub.out()
    index = next(place for place, message in enumerate(out) if message.subject == "desk.index")
    viewer = Viewer(hub.desk)
    viewer.fetch({})
    viewer.take(out[index:])
    assert viewer.receiver.wants_fetch
    viewer.fetch(dict(out[:index]))
    viewer.show()
    assert viewer.receiver.is_complete
    assert viewer.supervisor.history.frame.equals(hub.supervisor.history.frame)
