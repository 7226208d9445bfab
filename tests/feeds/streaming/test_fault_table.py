from __future__ import annotations

import pytest

from feeds.events import PrintsCorrected
from tests.support.fake_time import settle
from tests.support.fault_table import FAULTS, SUBJECTS, running, table
from tests.support.paths import ROOT
from tests.support.subjects import SYMBOLS

PAGE = ROOT / "docs/feed-faults.md"
CASES = [
    pytest.param(subject, fault, id=f"{subject}-{fault.name.replace(' ', '_')}")
    for fault in FAULTS
    for subject in SUBJECTS
    if fault.applies(subject)
]


@pytest.mark.parametrize(("subject", "fault"), CASES)
async def test_fault(monkeypatch, subject, fault):
    scripts = fault.scripts(subject)
    rest = {
        "newest": fault.newest,
        "bars": fault.bars,
        "fill_s": fault.fill_s,
        "refusals": fault.refusals,
        "reference": fault.reference,
    }
    async with running(monkeypatch, subject, *scripts, now_ns=fault.now_ns, **rest) as run:
        if fault.consumer_sleeps:
            run.reads.clear()
            while run.feed.stats().quotes < 9000:
                await settle()
            assert len(run.feed.state.buffer._quotes) <= run.feed.state.buffer._limit
            # Columns hold so many that nothing needs to be merged.
            assert run.feed.stats().conflated > 0 or run.feed.state.buffer._frames
            run.reads.set()
        await run.time.passing(fault.seconds)
        stats = run.feed.stats()
        assert run.prices == pytest.approx(fault.prices)
        assert run.states[-1] == fault.state
        assert fault.detail in run.detail
        assert fault.through <= set(run.states)
        assert run.server.upgrades == fault.connections
        assert len(run.gaps) == stats.gaps == fault.gaps
        assert not fault.backoff or run.backoff[: len(fault.backoff)] == list(fault.backoff)
        assert {name: getattr(stats, name) for name in fault.counts} == fault.counts
        assert stats.rejects >= fault.rejects_least
        corrected = sum(len(event.corrections) for event in run.events_of(PrintsCorrected))
        assert fault.corrections in (None, corrected)
        assert fault.ranges is None or run.range_of_iwm == fault.ranges
        assert fault.incomplete is None or run.incomplete == fault.incomplete
        ordered = sorted(run.quotes, key=lambda quote: (quote.ts_ns, quote.seq))
        assert fault.roles.items() <= {quote.symbol: quote.role for quote in ordered}.items()
        assert [event for event in fault.given if event not in run.events] == []
        assert fault.symbol_states.items() <= run.symbol_states.items()
        if fault.state == "LIVE" and not fault.symbol_states:
            assert run.symbol_states == {}
            assert all(subject.subscribed(client) == set(SYMBOLS) for client in run.server.clients)


def test_the_page_is_the_table():
    assert PAGE.read_text() == table()
