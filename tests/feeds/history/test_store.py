"""What was stored is there whole: after kills, failures, damage, and writers and readers at once."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import feeds.history.store
from feeds.errors import InputError, StorageError
from feeds.files.names import SYMBOL
from feeds.history.importing import SCHEMA as COLUMNS
from feeds.history.store import HistoryStore, Series
from rotation.history import SCHEMA, rounded
from rotation.sessions import from_ns, sessions_between
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = 1_721_140_800_000_000_000
SYMBOLS = ("IWM", "QQQ", "^RUT")
DAYS = sessions_between(date(2016, 1, 1), date(2024, 12, 31))[:2000]


def series(level: float, symbols: tuple[str, ...] = SYMBOLS, days: list[date] = DAYS) -> pl.DataFrame:
    """Every close of every symbol on one level, so that any mixture shows."""
    parts = [pl.DataFrame({"symbol": symbol, "date": days, "close": level}) for symbol in symbols]
    return pl.concat(parts).with_columns(
        pl.lit(None, kind).alias(name) for name, kind in COLUMNS.items() if name not in parts[0].columns
    )


A, B = series(100.0), series(200.0)


def levels(folder: Path) -> set[float]:
    """The distinct closes in a store, seen by a fresh reader; each symbol must be complete."""
    frame = HistoryStore(folder).load().frame
    assert frame.group_by("symbol").len().sort("symbol").rows() == [(s, len(DAYS)) for s in SYMBOLS]
    return set(frame["close"].to_list())


def only_live_files(folder: Path) -> bool:
    wanted = {entry.file for entry in HistoryStore(folder).symbols().values()} | {"manifest.json", "lock"}
    return {path.name for path in folder.iterdir()} == wanted


def test_an_empty_store(tmp_path):
    store = HistoryStore(tmp_path / "not" / "yet")
    assert store.symbols() == {}
    assert store.load().frame.height == 0
    assert store.load().source == "no history"
    assert not (tmp_path / "not").exists()


def test_what_an_import_leaves(tmp_path):
    store = HistoryStore(tmp_path / "data")
    entries = store.replace(A, {"IWM": "IWM.csv", "QQQ": "q.parquet"}, now_ns=NOW)
    assert entries == [store.symbols()[symbol] for symbol in SYMBOLS]
    iwm = store.symbols()["IWM"]
    assert (iwm.rows, iwm.first, iwm.last, iwm.source) == (2000, DAYS[0], DAYS[-1], "IWM.csv")
    assert iwm.imported_at == from_ns(NOW)
    assert store.symbols()["^RUT"].source == ""
    assert only_live_files(tmp_path / "data")
    stored = pl.read_parquet(tmp_path / "data" / iwm.file)
    assert stored.equals(A.filter(pl.col("symbol") == "IWM"))
    history = store.load()
    assert history.source == "history"
    assert history.frame.schema == pl.Schema(SCHEMA)
    assert history.frame.equals(A.select(SCHEMA.keys()))


def test_an_import_leaves_other_symbols_alone(tmp_path):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    before = store.symbols()
    store.replace(series(300.0, ("QQQ", "SPY")), {}, now_ns=NOW)
    assert sorted(store.symbols()) == ["IWM", "QQQ", "SPY", "^RUT"]
    assert store.symbols()["IWM"] == before["IWM"]
    assert store.load(["QQQ", "IWM", "NONE"]).frame.group_by("symbol").first().sort("symbol")[
        "close"
    ].to_list() == [100.0, 300.0]
    assert store.load([]).symbols == []
    assert only_live_files(tmp_path)


def test_a_folders_other_files_are_not_touched(tmp_path):
    for name in ("notes.txt", "IWM.parquet", "x.tmp", "tape-2024.parquet"):
        (tmp_path / name).write_text("mine")
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    store.replace(B, {}, now_ns=NOW)
    assert sorted(p.name for p in tmp_path.iterdir() if p.read_bytes() == b"mine") == [
        "IWM.parquet",
        "notes.txt",
        "tape-2024.parquet",
        "x.tmp",
    ]


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (
            DAYS[1:],
            (
                f"QQQ: the new series begins {DAYS[1]}, after the stored one ({DAYS[0]})"
                " — pass --replace to shorten it anyway"
            ),
        ),
        (
            DAYS[:-1],
            (
                f"QQQ: the new series ends {DAYS[-2]}, before the stored one ({DAYS[-1]})"
                " — pass --replace to shorten it anyway"
            ),
        ),
    ],
)
def test_a_shorter_series_is_taken_only_on_request(tmp_path, days, message):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    shorter = pl.concat([series(200.0, ("IWM",)), series(200.0, ("QQQ",), days)])
    with pytest.raises(InputError) as caught:
        store.replace(shorter, {}, now_ns=NOW)
    assert str(caught.value) == message
    assert levels(tmp_path) == {100.0}  # IWM, which was long enough, was not taken either
    assert store.replace(shorter, {}, allow_shrink=True, now_ns=NOW)[1].rows == len(days)
    assert store.symbols()["QQQ"].first == days[0]


@pytest.mark.parametrize(
    "bad",
    [
        pl.concat([A, A.head(1)]),
        A.with_columns(close=pl.lit(float("nan"))),
        A.with_columns(symbol=pl.lit("../x")).head(1),
    ],
)
def test_what_could_not_be_loaded_again_is_never_stored(tmp_path, bad):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    with pytest.raises(ValueError, match=r"history holds two rows|a close must be|is not a symbol"):
        store.replace(bad, {}, now_ns=NOW)
    assert levels(tmp_path) == {100.0}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"symbols":{"IWM":{}}}', b'{"version":2}', b"\xff{}"]
)
def test_a_damaged_manifest_is_named(tmp_path, content):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    (tmp_path / "manifest.json").write_bytes(content)
    for use in (store.symbols, store.load, lambda: store.replace(B, {}, now_ns=NOW)):
        with pytest.raises(StorageError) as caught:
            use()
        assert str(caught.value) == (
            f"{tmp_path / 'manifest.json'}: is damaged or from another version"
            " — delete it and import the history again"
        )
    (tmp_path / "manifest.json").unlink()
    store.replace(B, {}, now_ns=NOW)
    assert levels(tmp_path) == {200.0}
    assert only_live_files(tmp_path)


def test_a_manifest_cannot_lead_out_of_the_folder(tmp_path):
    store = HistoryStore(tmp_path / "data")
    [entry] = store.replace(series(1.0, ("IWM",)), {}, now_ns=NOW)
    manifest = tmp_path / "data" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(entry.file, f"../{entry.file}"))
    with pytest.raises(StorageError, match="is damaged"):
        store.load()


@pytest.mark.parametrize(
    ("spoil", "how"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"IWM", b"IWN", 1)), "is damaged"),
        (lambda path: path.write_bytes(b""), "is damaged"),
    ],
)
def test_a_damaged_series_is_named_and_an_import_mends_it(tmp_path, spoil, how):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    path = tmp_path / store.symbols()["IWM"].file
    spoil(path)
    with pytest.raises(StorageError) as caught:
        store.load()
    assert str(caught.value) == f"{path}: {how} — import the history of IWM again"
    assert store.load(["QQQ"]).frame.height == len(DAYS)
    store.replace(series(100.0, ("IWM",)), {}, now_ns=NOW)  # the same content, so the same file name
    assert levels(tmp_path) == {100.0}


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    with pytest.raises(StorageError) as caught:
        HistoryStore(folder).replace(A, {}, now_ns=NOW)
    assert str(caught.value) == (
        f"{folder}: the history cannot be written (Not a directory)"
        " — check free space and permissions, then start again"
    )


PRICE = st.floats(1e-9, 1e9)
ROWS = st.lists(
    st.tuples(
        st.from_regex(r"[A-Z0-9.^=-]{1,15}", fullmatch=True).filter(re.compile(SYMBOL).fullmatch),
        st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        PRICE,
        st.none() | PRICE,
        st.none() | st.integers(0, 2**53),
    ),
    unique_by=lambda row: row[:2],
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_what_is_written_is_loaded(rows):
    names = ["symbol", "date", "close", "adj_close", "volume"]
    frame = pl.DataFrame(rows, schema={name: COLUMNS[name] for name in names}, orient="row")
    with tempfile.TemporaryDirectory() as folder:
        store = HistoryStore(Path(folder))
        entries = store.replace(frame, {}, now_ns=NOW)
        held = frame.select(SCHEMA.keys()).sort("symbol", "date").with_columns(rounded("close", "adj_close"))
        assert store.load().frame.equals(held)
        assert sum(entry.rows for entry in entries) == len(rows)
        assert {s: e.first for s, e in store.symbols().items()} == {
            symbol: min(row[1] for row in rows if row[0] == symbol) for symbol in {row[0] for row in rows}
        }


class Died(BaseException):
    """The process is gone: from here on nothing reaches the disk."""


def break_at(monkeypatch: pytest.MonkeyPatch, k: int, error: BaseException) -> Callable[[], int]:
    """Let the k-th call that changes the disk raise; after Died, all later ones too."""
    calls = 0

    def guarded(real):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == k or (isinstance(error, Died) and calls > k):
                raise error
            return real(*args, **kwargs)

        return call

    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, guarded(getattr(os, name)))
    return lambda: calls


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Died()], ids=["fails", "dies"])
def test_a_failure_at_any_step_leaves_old_or_new(tmp_path, error):
    HistoryStore(tmp_path).replace(A, {}, now_ns=NOW)
    seen = []
    for k in range(1, 100):
        old = levels(tmp_path)
        version, level = (B, 200.0) if old == {100.0} else (A, 100.0)
        with pytest.MonkeyPatch.context() as patch:
            calls = break_at(patch, k, error)
            try:
                HistoryStore(tmp_path).replace(version, {}, now_ns=NOW)
            except StorageError as caught:
                assert "cannot be written (No space left on device)" in str(caught)  # noqa: PT017
                assert not list(tmp_path.glob("*.tmp"))
            except Died:
                pass
            done = calls() < k
        assert levels(tmp_path) in (old, {level})
        seen.append(levels(tmp_path) == {level})
        HistoryStore(tmp_path).replace(version, {}, now_ns=NOW)
        assert levels(tmp_path) == {level}
        assert only_live_files(tmp_path)
        if done:
            break
    # Three series (clear, write, rename), the folder, the manifest (the same): nothing new before its rename.
    assert len(seen) > 10
    assert seen.index(True) == 13


WRITER = """
import sys
from pathlib import Path
import polars as pl
from feeds.history.store import HistoryStore, Series

store = HistoryStore(Path(sys.argv[1]))
versions = [pl.read_parquet(path) for path in sys.argv[2:]]
print("ready", flush=True)
while True:
    for version in versions:
        store.replace(version, {}, now_ns=1)
"""


def start_writer(folder: Path, *versions: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(folder), *map(str, versions)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_writer_leaves_old_or_new(tmp_path):
    folder, versions = tmp_path / "data", [tmp_path / "a", tmp_path / "b"]
    A.write_parquet(versions[0])
    B.write_parquet(versions[1])
    HistoryStore(folder).replace(B, {}, now_ns=NOW)
    started = time.perf_counter()
    HistoryStore(folder).replace(A, {}, now_ns=NOW)
    one_import = time.perf_counter() - started
    rng = random.Random(20240716)
    result: list[set[float]] = []
    cut_short = 0
    # At least 15 kills; more only where none of them hit an import midway, or met both versions.
    while len(result) < 15 or (
        len(result) < 60 and not (cut_short and {100.0} in result and {200.0} in result)
    ):
        versions.reverse()
        with start_writer(folder, *versions) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0.0, 4 * one_import))
            writer.send_signal(signal.SIGKILL)
            assert writer.wait() == -signal.SIGKILL
        result.append(levels(folder))
        assert result[-1] in ({100.0}, {200.0})
        cut_short += not only_live_files(folder)
    assert cut_short
    assert {100.0} in result
    assert {200.0} in result
    HistoryStore(folder).replace(B, {}, now_ns=NOW)
    assert levels(folder) == {200.0}
    assert only_live_files(folder)


def test_writers_at_once_lose_nothing(tmp_path):
    symbols = [f"S{i}" for i in range(4)]

    def write(symbol: str) -> None:
        for level in range(1, 9):
            HistoryStore(tmp_path).replace(series(level, (symbol,), DAYS[:5]), {}, now_ns=NOW)

    writers = [threading.Thread(target=write, args=(symbol,)) for symbol in symbols]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    frame = HistoryStore(tmp_path).load().frame
    assert frame["symbol"].unique().sort().to_list() == symbols
    assert set(frame["close"]) == {8.0}
    assert only_live_files(tmp_path)


def test_a_reader_follows_a_swap_under_its_feet(tmp_path, monkeypatch):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    real, reads = feeds.history.store.read_manifest, []

    def read_then_swap(folder):
        entries = real(folder)
        if not reads:  # the files just named are gone before the reader opens them
            reads.append(1)
            HistoryStore(folder).replace(B, {}, now_ns=NOW)
        return entries

    monkeypatch.setattr(feeds.history.store, "read_manifest", read_then_swap)
    assert set(store.load().frame["close"]) == {200.0}


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot rename over a file that is being read")
def test_a_reader_beside_a_busy_writer_sees_whole_versions(tmp_path):
    folder, versions = tmp_path / "data", [tmp_path / "a", tmp_path / "b"]
    A.write_parquet(versions[0])
    B.write_parquet(versions[1])
    HistoryStore(folder).replace(A, {}, now_ns=NOW)
    with start_writer(folder, *versions) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        result, reads = set(), 0
        while reads < 100 or len(result) < 2:
            result.add(frozenset(levels(folder)))
            reads += 1
        writer.kill()
    assert result == {frozenset([100.0]), frozenset([200.0])}


def each(frame: pl.DataFrame, *, then: BaseException | None = None) -> Iterator[Series]:
    """The series of a frame one by one, and then this error."""
    for part in frame.partition_by("symbol", maintain_order=True):
        yield Series(part, "file.csv")
    if then is not None:
        raise then


def test_series_given_one_by_one_are_stored_like_a_frame(tmp_path):
    whole, single = HistoryStore(tmp_path / "whole"), HistoryStore(tmp_path / "single")
    sources = dict.fromkeys(SYMBOLS, "file.csv")
    for version in (A, B):
        assert single.replace_each(each(version), now_ns=NOW) == whole.replace(version, sources, now_ns=NOW)
        assert single.symbols() == whole.symbols()
        assert only_live_files(single.folder)
    with pytest.raises(InputError, match="--replace"):
        single.replace_each(each(series(1.0, ("QQQ",), DAYS[1:])), now_ns=NOW)
    assert levels(single.folder) == {200.0}
    assert only_live_files(single.folder)


@pytest.mark.parametrize("error", [InputError("bad line"), OSError(28, "No space left on device")])
def test_an_import_that_fails_halfway_leaves_all_as_it_was(tmp_path, error):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    with pytest.raises(InputError if isinstance(error, InputError) else StorageError):
        store.replace_each(each(B, then=error), now_ns=NOW)
    assert levels(tmp_path) == {100.0}
    assert only_live_files(tmp_path)


def test_every_series_given_one_by_one_is_flushed_before_the_manifest_names_it(tmp_path, monkeypatch):
    flushed: set[int] = set()
    named: list[bool] = []
    fsync, replace = os.fsync, os.replace

    def noted(handle: int) -> None:
        fsync(handle)
        flushed.add(os.fstat(handle).st_ino)

    def moved(source, target, **kwargs) -> None:
        if str(target).endswith(".parquet"):
            named.append(Path(source).stat().st_ino in flushed)
        replace(source, target, **kwargs)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "replace", moved)
    many = tuple(f"M{i:03d}" for i in range(150))  # more than are flushed at a time
    HistoryStore(tmp_path).replace_each(each(series(1.0, many)), now_ns=NOW)
    assert named == [True] * len(many)


@pytest.mark.skipif(os.name == "nt", reason="nobody can lock there")
def test_what_a_killed_import_left_goes_with_the_next_and_a_running_one_keeps_its_own(tmp_path):
    store = HistoryStore(tmp_path)
    store.replace(A, {}, now_ns=NOW)
    left = tmp_path / "importing-killed"
    left.mkdir()
    (left / "IWM-0123456789ab.parquet").write_bytes(b"half")
    assert store.replace_each(iter(()), now_ns=NOW) == []
    assert not left.exists()

    def slowly() -> Iterator[Series]:
        for given_series in each(B):
            yield given_series
            HistoryStore(tmp_path).replace_each(iter(()), now_ns=NOW)

    store.replace_each(slowly(), now_ns=NOW)
    assert levels(tmp_path) == {200.0}
    assert only_live_files(tmp_path)
