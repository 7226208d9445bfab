"""The Fed history: append-only, whole after a kill, read while it is written."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import date

import msgspec
import pytest

from feeds.errors import InputError
from feeds.fed.log import Probabilities, checked, due, export
from feeds.fed.store import FILE, FedStore
from tests.support.paths import ROOT

S = 10**9
T0 = 1_721_140_800 * S
"""16 July 2024, 10:40 New York."""
MEETING = date(2024, 9, 18)


def row(at_s: float = 0, cut: float = 1.0, kind="live", engine="futures", meeting=MEETING) -> Probabilities:
    outcomes = {"500-525": cut, "525-550": round(1 - cut, 6)}
    return Probabilities(meeting, cut, round(1 - cut, 6), 0.0, outcomes, engine, kind, T0 + round(at_s * S))


@pytest.fixture
def store(tmp_path):
    with FedStore(tmp_path, clock_ns=lambda: T0) as opened:
        yield opened


# The rule


@pytest.mark.parametrize(
    ("new", "live", "settle", "wanted"),
    [
        (row(), None, None, True),
        (row(59.9, 0.9), row(0, 1.0), None, False),  # within the minute
        (row(60, 0.9), row(0, 1.0), None, True),
        (row(3600, 1.0), row(0, 1.0), None, False),  # nothing new
        (row(-3600, 0.9), row(0, 1.0), None, True),  # the clock was set back
        (row(60, 1.0), row(0, 1.0), row(30, 0.9, "settle"), True),  # new against the settle between
        (row(10, 0.9), None, row(0, 1.0, "settle"), True),  # a settle does not hold the first live row back
        (row(0, 1.0, "settle"), row(0, 1.0), None, True),  # each settle is kept, changed or not
        (row(60, 1.0, "settle"), None, row(0, 1.0, "settle"), False),  # once a day
        (row(60, 0.9, "settle"), None, row(0, 1.0, "settle"), True),  # unless it is corrected
        (row(86_400, 1.0, "settle"), None, row(0, 1.0, "settle"), True),
    ],
)
def test_when_a_row_is_due(new, live, settle, wanted):
    assert due(new, live, settle) is wanted


@pytest.mark.parametrize(
    "change",
    [{"cut": float("nan")}, {"hold": -0.1}, {"hike": 1.1}, {"outcomes": {"a": 2.0}}, {"engine": ""},
     {"ts_ns": 0},
     {"outcomes": {str(n): 0.0 for n in range(300)}}, {"outcomes": {"x" * 50: 0.0}}],
    ids=range(8),
)  # fmt: skip
def test_figures_that_are_none_are_refused(change, store):
    with pytest.raises(ValueError, match=r"."):
        store.log(msgspec.structs.replace(row(), **change))
    assert store.between(0, 2 * T0) == []


def test_rounding_is_forgiven():
    assert checked(row(0, 1.0 + 1e-9))


# The log


def test_at_most_one_a_minute_while_it_changes(store):
    written = [store.log(row(at, 1.0 - at / 1000)) for at in range(0, 300, 5)]
    assert [at for at, done in zip(range(0, 300, 5), written, strict=True) if done] == [0, 60, 120, 180, 240]
    assert not store.log(row(400, 0.76))  # as it was
    assert store.log(row(500, 0.75))


def test_meetings_and_engines_do_not_hold_each_other_back(store):
    rows = [row(), row(engine="Kalshi"), row(meeting=date(2024, 11, 7)), row(0, 1.0, "settle")]
    assert all(store.log(each) for each in rows)
    assert store.between(0, T0) == rows


def test_what_was_known_then(store):
    day = 86_400
    for at, cut in ((0, 0.5), (6 * day, 0.7), (7 * day - 60, 0.8), (7 * day, 0.9)):
        assert store.log(row(at, cut))
    now_ns = T0 + 7 * day * S

    def then(days):
        result = store.latest(MEETING, "futures", at_ns=now_ns - days * day * S)
        return result and result.cut

    assert [then(days) for days in (0, 1, 7, 30)] == [0.9, 0.7, 0.5, None]
    assert store.latest(MEETING, "Kalshi", at_ns=now_ns) is None
    assert store.latest(MEETING, "futures", at_ns=now_ns, kind="settle") is None


def test_a_range_and_its_newest(store):
    for at in range(5):
        store.log(row(at * 60, at / 10))
    cuts = [each.cut for each in store.between(T0 + 60 * S, T0 + 180 * S)]
    assert cuts == [0.1, 0.2, 0.3]
    assert [each.cut for each in store.between(0, 2 * T0, limit=2)] == [0.3, 0.4]
    assert (
        store.between(0, 2 * T0, engine="Kalshi") == store.between(0, 2 * T0, meeting=date(2025, 1, 29)) == []
    )


def test_it_outlives_the_process(tmp_path):
    for at, cut in ((0, 1.0), (60, 0.9)):
        with FedStore(tmp_path) as opened:
            assert opened.log(row(at, cut))
    with FedStore(tmp_path) as opened:
        assert opened.between(0, 2 * T0) == [row(0, 1.0), row(60, 0.9)]
        assert not opened.log(row(90, 0.8))  # the minute counts from another process's row


# Settlements


def test_every_value_is_kept_with_its_time(tmp_path):
    now = iter(range(T0, T0 + 100))
    with FedStore(tmp_path, clock_ns=lambda: next(now)) as opened:
        day = date(2024, 7, 15)
        collected = [
            opened.settle(2024, 9, day, price, "Yahoo") for price in (94.88, 94.88, 94.885, 94.88, 94.88)
        ]
        assert collected == [True, False, True, True, False]
        assert opened.settle(2024, 9, day, 94.88, "IBKR")
        kept = opened.settlements(2024, 9)
        assert [(each.price, each.source, each.ts_ns - T0) for each in kept] == [
            (94.88, "Yahoo", 0), (94.885, "Yahoo", 2), (94.88, "Yahoo", 3), (94.88, "IBKR", 5),
        ]  # fmt: skip


def test_an_expired_contract_keeps_its_last(store):
    for day, price in ((29, 94.6725), (31, 94.67), (30, 94.671)):
        store.settle(2024, 7, date(2024, 7, day), price, "Yahoo")
    store.settle(2024, 8, date(2024, 8, 1), 94.7, "Yahoo")
    assert store.last_settlement(2024, 7).price == 94.67
    assert store.last_settlement(2024, 7, until=date(2024, 7, 30)).price == 94.671
    assert store.last_settlement(2024, 7, until=date(2024, 7, 1)) is None
    assert [each.month for each in store.settlements()] == [7, 7, 7, 8]


def test_a_corrected_settlement_counts_as_last_corrected(store):
    for price in (94.67, 94.69, 94.68):
        assert store.settle(2024, 7, date(2024, 7, 31), price, "Yahoo")
    assert store.last_settlement(2024, 7).price == 94.68
    for cut in (0.1, 0.3, 0.2):
        assert store.log(row(cut=cut, kind="settle"))
    (point,) = store.line(MEETING, "futures", settles_since_ns=0, live_since_ns=0)
    assert (point.cut, point.settled, point.outcomes) == (0.2, True, {"500-525": 0.2, "525-550": 0.8})
    for kind in (None, "settle"):
        newest = store.latest(MEETING, "futures", at_ns=T0, kind=kind)
        assert newest is not None
        assert newest.cut == 0.2
    (only,) = store.between(0, T0, limit=1)
    assert only.cut == 0.2
    assert store.log(row(cut=0.1, kind="settle")), "compared with the last of them, not with the first"


@pytest.mark.parametrize(("month", "price"), [(0, 95.0), (13, 95.0), (7, float("nan")), (7, -1.0), (7, 1e9)])
def test_a_settlement_that_is_none_is_refused(store, month, price):
    with pytest.raises(ValueError, match="not a settlement"):
        store.settle(2024, month, date(2024, 7, 15), price, "Yahoo")


@pytest.mark.parametrize("table", ["settlements", "probabilities"])
def test_nothing_can_be_changed_or_removed(store, table):
    store.log(row())
    store.settle(2024, 7, date(2024, 7, 15), 94.67, "Yahoo")
    for statement in (f"UPDATE {table} SET ts_ns=1", f"DELETE FROM {table}"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store._db.execute(statement)


# Export


def test_export_as_csv_json_and_parquet():
    rows = [row(), row(60, 0.92, "settle")]
    lines = export(rows, "csv").decode().splitlines()
    assert lines[0] == "time,ts_ns,meeting,engine,kind,cut,hold,hike,outcomes"
    assert lines[2] == (
        "2024-07-16T14:41:00+00:00,1721140860000000000,2024-09-18,futures,settle,0.92,0.08,0.0,"
        '"{""500-525"":0.92,""525-550"":0.08}"'
    )
    assert json.loads(export(rows, "json"))[1]["outcomes"] == {"500-525": 0.92, "525-550": 0.08}
    import polars as pl

    frame = pl.read_parquet(io.BytesIO(export(rows, "parquet")))
    assert frame["ts_ns"].to_list() == [each.ts_ns for each in rows]
    assert frame["meeting"].to_list() == [MEETING] * 2
    assert frame["cut"].to_list() == [1.0, 0.92]


def test_an_empty_history_is_a_file_too():
    assert export([], "csv").startswith(b"time,")
    assert json.loads(export([], "json")) == []
    import polars as pl

    assert pl.read_parquet(io.BytesIO(export([], "parquet"))).height == 0


def test_the_store_does_not_bring_polars_in():
    code = "import sys, feeds.fed.store; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# Files


def test_wal_and_full_flushes(store):
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize("damage", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_told(tmp_path, damage):
    (tmp_path / FILE).write_bytes(damage)
    with pytest.raises(InputError, match=FILE):
        FedStore(tmp_path)
    assert (tmp_path / FILE).read_bytes() == damage


def test_a_newer_file_is_left_alone(tmp_path):
    FedStore(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version=9")
    db.close()
    with pytest.raises(InputError, match="newer rotation-tui"):
        FedStore(tmp_path)


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be opened"):
        FedStore(tmp_path / "file" / "folder")


def test_readers_and_writers_at_once(tmp_path):
    errors: list[Exception] = []
    seen: list[int] = []
    done = threading.Event()

    def write(engine: str) -> None:
        try:
            with FedStore(tmp_path) as mine:
                for at in range(40):
                    assert mine.log(row(at * 60, at / 100, engine=engine))
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    def read() -> None:
        try:
            with FedStore(tmp_path) as mine:
                while not done.is_set():
                    seen.append(len(mine.between(0, 2 * T0)))
        except Exception as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    writers = [threading.Thread(target=write, args=(f"engine {n}",)) for n in range(3)]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert errors == []
    assert seen == sorted(seen)  # append-only, for a reader too
    with FedStore(tmp_path) as mine:
        assert len(mine.between(0, 2 * T0)) == 120


WRITER = """
import sys
from datetime import date
from pathlib import Path
from feeds.fed.log import Probabilities
from feeds.fed.store import FedStore

start = int(sys.argv[2])
with FedStore(Path(sys.argv[1]), clock_ns=lambda: start) as store:
    for n in range(start, start + 1_000_000):
        cut = n % 1000 / 1000
        outcomes = {"500-525": cut}
        ts_ns = n * 60 * 10**9
        row = Probabilities(date(2024, 9, 18), cut, 1 - cut, 0.0, outcomes, "futures", "live", ts_ns)
        assert store.log(row)
        assert store.settle(2000 + n % 90, 1 + n % 12, date(2024, 7, 15), 90 + n / 1e6, "Yahoo")
        print(n, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path):
    chance = random.Random(3)
    acknowledged: list[int] = []
    start = 1
    for _ in range(10):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(start)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            # Killed after some rows, and then within the next row: where, chance and the machine decide.
            lines = range(chance.randrange(1, 40))
            acknowledged += [int(writer.stdout.readline()) for _ in lines]
            threading.Event().wait(chance.random() * 0.004)
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
            assert writer.wait() == -signal.SIGKILL
        with FedStore(tmp_path) as store:
            assert store._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            kept = {each.ts_ns // (60 * S) for each in store.between(0, 2**62)}
            prices = {each.price for each in store.settlements()}
        assert set(acknowledged) <= kept
        assert {90 + n / 1e6 for n in acknowledged} <= prices
        assert len(kept - set(acknowledged)) <= 10  # at most the one in hand at each kill
        start = max(kept) + 1
    assert len(acknowledged) > 50
