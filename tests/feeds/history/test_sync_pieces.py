"""However a history is fetched, in whatever pieces and at whatever hours: it ends as one import would."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.history.store import HistoryStore
from rotation.sessions import sessions_between
from tests.support.paths import ROOT
from tests.support.servers.history import Market, Share, made
from tests.support.servers.rest import RestServer
from tests.support.sync_world import SINCE, Vendor, World, ny

DAYS = sessions_between(SINCE, date(2024, 8, 30))
LATER = DAYS[25:]


@st.composite
def shares(draw: st.DrawFn) -> Share:
    raw = made(1, DAYS, seed=draw(st.integers(0, 999)))["S0"].raw
    raw |= dict.fromkeys(draw(st.sets(st.sampled_from(DAYS[1:]), max_size=5)))
    splits = draw(st.dictionaries(st.sampled_from(LATER), st.sampled_from([2.0, 4.0, 1.5, 0.1]), max_size=2))
    dividends = draw(st.dictionaries(st.sampled_from(LATER), st.sampled_from([0.05, 0.5, 2.0]), max_size=3))
    return Share(raw, splits, dividends)


INSTANTS = st.lists(
    st.tuples(st.sampled_from(LATER), st.sampled_from([0, 3, 5, 9, 10, 15, 17, 22])),
    min_size=1,
    max_size=5,
)


@given(st.lists(shares(), min_size=1, max_size=3), INSTANTS, st.data())
def test_pieces_equal_one_import(drawn, instants, data):
    names = [f"S{count}" for count in range(len(drawn))]
    with tempfile.TemporaryDirectory() as folder:
        whole, pieces = (
            World(Path(folder) / name, dict(zip(names, drawn, strict=True))) for name in ("whole", "pieces")
        )
        for day, hour in sorted(instants):
            pieces.now_ns = ny(day, hour, 45)
            some = data.draw(st.lists(st.sampled_from(names), unique=True))
            since = data.draw(st.sampled_from([SINCE, DAYS[12]]))
            if some:
                pieces.sync(
                    *some, sources=[Vendor(pieces, at_once=data.draw(st.integers(1, 3)))], since=since
                )
        whole.now_ns = pieces.now_ns
        assert not whole.sync().failed
        assert not pieces.sync().failed
        for name in names:
            assert pieces.rows(name).equals(whole.rows(name))
            assert pieces.held(name) == pieces.truth(name)


CHILD = """
import asyncio, sys
from datetime import date
from pathlib import Path
from feeds.history.sync import HistorySync
from feeds.http.paced import PacedClient
from feeds.history.renames import Renames
from feeds.history.store import HistoryStore
from feeds.vendors.yahoo.daily import YahooDaily

async def main():
    async with PacedClient("Yahoo", gap_s=0.0, clock_ns=lambda: NOW) as client:
        syncing = HistorySync(
            HistoryStore(Path(sys.argv[1])), [YahooDaily(client)], renames=Renames(()),
            tell=lambda one: print(one.done, flush=True), clock_ns=lambda: NOW,
        )
        report = await syncing.run([f"S{n}" for n in range(COUNT)], since=date(2024, 5, 1))
        sys.exit(1 if report.failed else 0)

NOW, COUNT = int(sys.argv[2]), int(sys.argv[3])
asyncio.run(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
async def test_killed_at_any_moment_and_started_again(tmp_path):
    """Killed after some symbols; from the 64th on the journal is in use."""
    count, folder = 90, tmp_path / "history"
    market = Market(made(count, DAYS), ny(DAYS[-1], 18))
    run = [sys.executable, "-c", CHILD, str(folder), str(market.now_ns), str(count)]
    kills = 0
    asked: list[int] = []
    async with RestServer(answer=market.answer) as server:
        env = os.environ | {"ROTATION_TUI_YAHOO_REST_URL": server.url, "PYTHONPATH": str(ROOT)}

        def once(stop_after: int | None) -> int:
            with subprocess.Popen(run, stdout=subprocess.PIPE, cwd=ROOT, env=env) as child:
                assert child.stdout is not None
                for line in child.stdout:
                    if stop_after is not None and int(line) >= stop_after:
                        child.send_signal(signal.SIGKILL)
                        break
                return child.wait()

        for stop_after in (1, 40, 64, 80):
            before = len(server.requests)
            code = await asyncio.to_thread(once, stop_after)
            kills += code == -signal.SIGKILL
            asked.append(len(server.requests) - before)
            store = HistoryStore(folder)
            held = store.symbols()
            assert len(held) >= stop_after  # what was told as done is there
            assert set(store.load().symbols) == set(held)  # and whole
            assert all(entry.rows == len(DAYS) for entry in held.values())
        assert await asyncio.to_thread(once, None) == 0
        total = len(server.requests)
        assert await asyncio.to_thread(once, None) == 0
        assert len(server.requests) == total  # nothing was asked for again
    assert kills == 4
    # Each start asked for what was missing, and at most for what it was killed in.
    assert count <= total <= count + 2 * kills
    killed = World(folder, market.shares, market.now_ns)
    assert all(killed.held(name) == killed.truth(name) for name in market.shares)
    names = {entry.file for entry in killed.store.symbols().values()}
    killed.now_ns = ny(DAYS[-1] + timedelta(4), 18)
    left = {path.name for path in folder.iterdir()} - names - {"manifest.json", "lock"}
    assert all(name.startswith("journal-") or name.endswith((".tmp", ".parquet")) for name in left)
