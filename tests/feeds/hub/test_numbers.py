"""A hub numbers what it sends, and nothing else: a number that is missing is a message that was lost."""

from __future__ import annotations

from feeds.events import Batch
from feeds.hub.publisher import HEADERS, Publisher
from feeds.hub.wire.codec import decode
from feeds.hub.wire.messages import HistoryMessage, IndexMessage
from rotation.quote import Quote
from tests.feeds.hub.test_relay import OPENS, Hub


def sent(hub, max_bytes):
    hub.publisher = Publisher(epoch=1, hub="hub-1", max_bytes=max_bytes)
    hub.publisher.attach(hub.supervisor, hub.desk.legs)
    hub.supervisor.observer = hub.publisher.observe
    hub.take(Batch((Quote("IWM", OPENS, 221.0),)))
    return [decode(*each) for each in hub.out()]


def test_what_is_too_long_for_the_server_takes_no_number(caplog):
    hub = Hub()
    all_of_it = sent(hub, 2**20)
    fewer = sent(hub, HEADERS + 120)
    assert len(fewer) < len(all_of_it)
    assert [each.seq for each in fewer] == list(range(1, len(fewer) + 1))
    assert "more than the server takes" in caplog.text


def test_closes_that_are_too_long_are_not_promised():
    hub = Hub()
    everything = sent(hub, 2**20)
    assert any(isinstance(each, HistoryMessage) for each in everything)
    lengths = {each.symbol: len(each.columns) for each in everything if isinstance(each, HistoryMessage)}
    fewer = sent(hub, HEADERS + max(lengths.values()))
    arrived = {each.symbol for each in fewer if isinstance(each, HistoryMessage)}
    (index,) = [each for each in fewer if isinstance(each, IndexMessage)]
    assert arrived < lengths.keys()
    assert index.digests.keys() == arrived
