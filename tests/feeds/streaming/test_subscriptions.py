"""Desired against acknowledged, holes and late acknowledgements, with a vendor that sends what it is told."""

from __future__ import annotations

import json
import os

from feeds.events import Status
from feeds.streaming.vendor import FrameResult, VendorError
from rotation.quote import NS, Quote
from rotation.status import LIVE
from tests.support.fake_time import NOW_NS, settle
from tests.support.fault_table import FIRST, running
from tests.support.servers.ws import ABORT, STAY, Refuse, WsServer
from tests.support.subjects import NOWHERE, SYMBOLS, YAHOO, Subject

RESULTS: list[FrameResult] = []


class Plain:
    """A frame is the number of a FrameResult in ``RESULTS``; a message sent is a list of symbols."""

    name, mode, headers, beat_s = "Plain", LIVE, {}, None
    heartbeats, keyed, acknowledges, most_symbols = False, True, True, None

    def __init__(self) -> None:
        self.url = os.environ["ROTATION_TUI_PLAIN_STREAM_URL"]

    def conversation(self):
        return self

    def opened(self):
        return ()

    def received(self, frame):
        return RESULTS[int(frame)]

    def subscribe(self, symbols):
        return (json.dumps(sorted(symbols)),)

    def beat(self):
        return ()


PLAIN = Subject("Plain", WsServer, Plain, NOWHERE, None, (), lambda client: set())


def frame(**fields) -> str:
    RESULTS.append(FrameResult(**fields))
    return str(len(RESULTS) - 1)


def acknowledged(*symbols: str) -> str:
    return frame(subscribed=frozenset(symbols or SYMBOLS))


def quotes(run, *symbols: str) -> str:
    now_ns = run.time.clock_ns()
    return frame(quotes=tuple(Quote(name, now_ns, FIRST[name]) for name in symbols))


async def test_what_is_missing_is_asked_for_every_15_seconds(monkeypatch):
    async with running(monkeypatch, PLAIN, (acknowledged("IWM", "QQQ"), STAY), newest={}) as run:
        await run.time.passing(2)
        assert run.symbol_states["SPY"] == "OFFLINE"
        for _ in range(46):
            await run.server.send(quotes(run, *SYMBOLS))
            await run.time.passing(1)
        assert [json.loads(sent) for sent in run.server.clients[0].sent] == [sorted(SYMBOLS)] * 4
        assert run.states[-1] == "LIVE"


async def test_what_has_come_in_is_not_asked_for_again(monkeypatch):
    async with running(monkeypatch, PLAIN, (acknowledged(), STAY), newest=FIRST) as run:
        await run.time.passing(29)
        assert len(run.server.clients[0].sent) == 1
        assert run.symbol_states == {}


async def test_a_limit_is_not_asked_against(monkeypatch):
    limit = frame(subscribed=frozenset({"IWM"}), error=VendorError("limit", "no more"))
    async with running(monkeypatch, PLAIN, (limit, STAY), newest=FIRST) as run:
        await run.time.passing(29)
        assert len(run.server.clients[0].sent) == 1
        assert run.symbol_states == {"QQQ": "OFFLINE", "SPY": "OFFLINE"}
        assert run.feed.stats().subscribed == 1


async def test_one_that_comes_in_late_has_a_gap(monkeypatch):
    async with running(monkeypatch, PLAIN, (acknowledged("IWM", "QQQ"), STAY), newest={}) as run:
        await run.time.passing(2)
        await run.server.send(quotes(run, "IWM", "QQQ"))
        await run.time.passing(10)
        await run.server.send(acknowledged())
        await run.time.passing(1)
        (gap,) = run.gaps
        assert (gap.symbols, (gap.end_ns - gap.start_ns) // NS) == ({"SPY"}, 12)
        assert run.symbol_states == {"SPY": "GAPPED"}
        await run.server.send(quotes(run, "SPY"))
        await settle()
        assert run.symbol_states == {}


async def test_without_an_acknowledgement_it_is_not_live(monkeypatch):
    async with running(monkeypatch, PLAIN, (STAY,), newest=FIRST) as run:
        await run.time.passing(2)
        await run.server.send(quotes(run, *SYMBOLS))
        await run.time.passing(1)
        assert run.events_of(Status)[-1].detail == "0 of 3 symbols, not acknowledged yet"
        assert run.symbol_states == dict.fromkeys(SYMBOLS, "OFFLINE")


async def test_a_hole_of_one_symbol(monkeypatch):
    async with running(monkeypatch, PLAIN, (acknowledged(), STAY), newest={}) as run:
        await run.time.passing(2)
        await run.server.send(
            quotes(run, *SYMBOLS), *(frame(sequence=(("IWM", n),)) for n in (5, 6, 6, 5, 9))
        )
        await run.time.passing(1)
        assert [gap.symbols for gap in run.gaps] == [{"IWM"}]
        assert run.symbol_states == {"IWM": "GAPPED"}  # nothing is known of it since
        assert run.states[-1] == "GAPPED"
        await run.server.send(frame(sequence=(("IWM", 10), ("TSLA", 1), ("TSLA", 99))), quotes(run, "IWM"))
        await run.time.passing(1)
        assert (len(run.gaps), run.symbol_states) == (1, {})


async def test_a_new_connection_counts_anew(monkeypatch):
    first = (acknowledged(), frame(sequence=(("IWM", 5),)), STAY)
    two = (acknowledged(), frame(sequence=(("IWM", 900),)), STAY)
    async with running(monkeypatch, PLAIN, first, two, newest=FIRST) as run:
        await run.time.passing(2)
        run.server.clients[0].connection.transport.abort()
        await run.time.passing(3)
        assert run.server.upgrades == 2
        assert run.feed.stats().gaps == len(run.gaps) == 1  # the outage, not the numbers


async def test_an_outage_is_one_gap_however_often_it_fails(monkeypatch):
    cut = (acknowledged(), ABORT)
    async with running(
        monkeypatch, PLAIN, (acknowledged(), STAY), cut, cut, cut, (acknowledged(), STAY)
    ) as run:
        await run.time.passing(2)
        run.vendor.is_down = True
        await run.server.send(quotes(run, *SYMBOLS))
        await run.time.passing(1)
        run.server.clients[0].connection.transport.abort()
        await run.time.passing(20)
        assert run.server.upgrades == 5
        assert run.feed.stats().gaps == len(run.gaps) == 1
        assert run.gaps[0].start_ns == NOW_NS + 2 * NS


async def test_a_night_and_a_day_without_a_connection_have_missed_something(monkeypatch):
    """A laptop closed at 22:40 and opened the next night at 22:40."""
    night_ns = NOW_NS + 12 * 3600 * NS
    scripts = (STAY,), Refuse(503, "86400"), (STAY,)
    async with running(monkeypatch, YAHOO, *scripts, now_ns=night_ns, newest={}) as run:
        await run.time.passing(60, step=10)
        run.server.clients[0].connection.transport.abort()
        await run.time.passing(86_500, step=100)
        await settle()
        await run.time.passing(5)
        assert run.server.upgrades == 3
        (gap,) = run.gaps
        assert (gap.end_ns - gap.start_ns) // NS >= 86_000


async def test_no_control_byte_comes_through(monkeypatch):
    hostile = "\x1b]52;c;aGk=\x07\x9b31m\u202e" + "x" * 100_000
    refused = frame(rejected=(hostile,)), frame(error=VendorError("fatal", hostile))
    async with running(monkeypatch, PLAIN, (*refused, STAY), newest={}) as run:
        await run.time.passing(2)
        shown = (run.events_of(Status)[-1].detail, run.feed.stats().last_reject)
        assert run.states[-1] == "AUTH_FAILED"
        assert all(text.isprintable() and len(text) <= 200 and text.startswith("]52;c;") for text in shown)
