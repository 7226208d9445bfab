"""A long manifest and its journal: one symbol's change is one line, whole or not at all."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feeds.history.manifest
import feeds.history.store
from feeds.errors import StorageError
from feeds.files import journal
from feeds.history.importing import SCHEMA
from feeds.history.manifest import JOURNAL_FROM
from feeds.history.store import ChangedError, HistoryStore, Series

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_721_140_800_000_000_000
DAYS = [date(2024, 7, 15), date(2024, 7, 16)]
NAMES = [f"S{count:03}" for count in range(JOURNAL_FROM)]


def frame(symbol: str, level: float, days: list[date] = DAYS) -> pl.DataFrame:
    made = pl.DataFrame({"symbol": symbol, "date": days, "close": level})
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in made.columns]
    return made.with_columns(absent).select(SCHEMA.keys())


def put(folder: Path, symbol: str, level: float, **more: object):
    store = HistoryStore(folder)
    was = store.symbols().get(symbol)
    return store.put(Series(frame(symbol, level), "Yahoo", "Yahoo"), was=was, now_ns=NOW, **more)


@pytest.fixture
def long(tmp_path) -> Path:
    """A store whose manifest has a journal."""
    folder = tmp_path / "history"
    frames = pl.concat([frame(name, 1.0) for name in NAMES])
    HistoryStore(folder).replace(frames, {}, now_ns=NOW)
    return folder


def levels(folder: Path) -> dict[str, float]:
    store = HistoryStore(folder)
    held = dict(store.load().frame.select("symbol", "close").rows())
    assert set(held) == set(store.symbols())
    return held


def clean(folder: Path) -> bool:
    wanted = {entry.file for entry in HistoryStore(folder).symbols().values()} | {"manifest.json", "lock"}
    return {path.name for path in folder.iterdir() if not path.name.startswith("journal-")} == wanted


def test_a_short_manifest_has_no_journal(tmp_path):
    for count, name in enumerate(NAMES[:-1]):
        put(tmp_path, name, 1.0 + count)
    assert not list(tmp_path.glob("journal-*"))
    put(tmp_path, NAMES[-1], 64.0)
    assert [path.name for path in tmp_path.glob("journal-*")] == [journal.FIRST]
    assert levels(tmp_path) == {name: 1.0 + count for count, name in enumerate(NAMES)}


def test_one_change_writes_one_line(long, monkeypatch):
    manifest = (long / "manifest.json").read_bytes()
    old = HistoryStore(long).symbols()["S003"].file
    wrote: list[str] = []
    real = feeds.history.store.write_whole
    monkeypatch.setattr(
        feeds.history.store, "write_whole", lambda path, data: (wrote.append(path.name), real(path, data))
    )
    entry = put(long, "S003", 2.0)
    put(long, "NEW", 3.0)
    assert (long / "manifest.json").read_bytes() == manifest
    assert wrote == [entry.file, HistoryStore(long).symbols()["NEW"].file]
    assert (long / journal.FIRST).read_bytes().count(b"\n") == 2
    assert not (long / old).exists()
    assert levels(long) == dict.fromkeys(NAMES, 1.0) | {"S003": 2.0, "NEW": 3.0}
    assert clean(long)


def test_the_journal_is_renewed(long, monkeypatch):
    monkeypatch.setattr(feeds.history.store, "_JOURNAL_LINES", 5)
    for count in range(17):
        put(long, NAMES[count], 2.0 + count)
        assert len(list(long.glob("journal-*"))) == 1
    assert (long / "journal-000003.jsonl").read_bytes().count(b"\n") == 5
    assert levels(long) == {name: 2.0 + count if count < 17 else 1.0 for count, name in enumerate(NAMES)}
    assert clean(long)


def test_many_changes_at_once_are_a_new_manifest(long):
    put(long, "NEW", 3.0)
    HistoryStore(long).replace(pl.concat([frame(name, 5.0) for name in NAMES]), {}, now_ns=NOW)
    assert (long / "journal-000002.jsonl").read_bytes() == b""
    assert levels(long) == dict.fromkeys(NAMES, 5.0) | {"NEW": 3.0}
    assert clean(long)


def test_a_symbol_goes_with_the_one_that_takes_its_place(long):
    store = HistoryStore(long)
    former = store.symbols()["S000"]
    store.put(Series(frame("META", 9.0), "Yahoo"), was=None, now_ns=NOW, drop={"S000": former})
    assert "S000" not in store.symbols()
    assert levels(long)["META"] == 9.0
    assert clean(long)


def test_put_only_in_place_of_what_was_seen(long):
    store = HistoryStore(long)
    was = store.symbols()["S000"]
    put(long, "S000", 2.0)
    with pytest.raises(ChangedError):
        store.put(Series(frame("S000", 3.0), "Yahoo"), was=was, now_ns=NOW)
    with pytest.raises(ChangedError):
        store.put(Series(frame("S000", 3.0), "Yahoo"), was=None, now_ns=NOW)
    with pytest.raises(ChangedError):
        store.put(Series(frame("META", 3.0), "Yahoo"), was=None, now_ns=NOW, drop={"S000": was})
    assert levels(long)["S000"] == 2.0
    assert clean(long)


def test_confirm(long):
    store = HistoryStore(long)
    seen = {name: store.symbols()[name] for name in ("S000", "S001")}
    put(long, "S001", 2.0)
    store.confirm(seen, checked_ns=NOW)
    held = store.symbols()
    assert held["S000"] == msgspec.structs.replace(seen["S000"], checked_at=held["S000"].checked_at)
    assert held["S000"].checked_at.timestamp() == NOW / 1e9
    assert held["S001"].checked_at is None
    assert levels(long) == dict.fromkeys(NAMES, 1.0) | {"S001": 2.0}


def test_a_torn_line_never_happened(long):
    put(long, "S000", 2.0)
    path = long / journal.FIRST
    whole = path.read_bytes()
    put(long, "S000", 3.0)
    line = path.read_bytes()[len(whole) :]
    file = long / HistoryStore(long).symbols()["S000"].file
    for cut in (1, 16, 17, len(line) // 2, len(line) - 1):
        path.write_bytes(whole + line[:cut])
        held = HistoryStore(long).symbols()
        assert held["S000"].file != file.name
        assert len(held) == len(NAMES)
    put(long, "S001", 4.0)  # overwrites the torn line
    assert path.read_bytes().startswith(whole)
    assert path.read_bytes().count(b"\n") == 2
    assert HistoryStore(long).symbols()["S001"].rows == 2
    path.write_bytes(whole + line[:-2] + b"X\n")  # a line whose sum is wrong, the last one
    assert len(HistoryStore(long).symbols()) == len(NAMES)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"X" + path.read_bytes()[1:]),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"rows":2', b'"rows":3', 1)),
    ],
)
def test_a_damaged_journal_is_named(long, spoil):
    put(long, "S000", 2.0)
    put(long, "S001", 2.0)
    spoil(long / journal.FIRST)
    for use in (HistoryStore(long).symbols, HistoryStore(long).load, lambda: put(long, "S000", 3.0)):
        with pytest.raises(StorageError) as caught:
            use()
        assert str(caught.value) == (
            f"{long / journal.FIRST}: is damaged or from another version"
            " — delete it and import the history again"
        )


def test_a_damaged_journal_that_was_deleted(long):
    put(long, "S000", 2.0)
    (long / journal.FIRST).unlink()
    store = HistoryStore(long)
    assert len(store.symbols()) == len(NAMES)
    with pytest.raises(StorageError, match="is missing — import the history of S000 again"):
        store.load()
    put(long, "S000", 3.0)
    assert levels(long) == dict.fromkeys(NAMES, 1.0) | {"S000": 3.0}
    assert clean(long)


def test_a_journal_of_another_kind_is_named(long):
    path = long / journal.FIRST
    journal.append(path, 0, b'{"S000":{"file":"../x"}}')
    with pytest.raises(StorageError, match="is damaged"):
        HistoryStore(long).symbols()


class Died(BaseException):
    """From here on nothing reaches the disk."""


@pytest.mark.parametrize("renew", [False, True])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Died()], ids=["fails", "dies"])
def test_a_failure_at_any_step_leaves_old_or_new(long, error, renew, monkeypatch):
    outcomes = set()
    for k in range(1, 60):
        if renew:
            monkeypatch.setattr(feeds.history.store, "_JOURNAL_LINES", 0)
        before = levels(long)
        level = before["S000"] + 1.0
        calls = 0

        def guarded(real):
            def call(*args, **kwargs):
                nonlocal calls
                calls += 1
                if calls == k or (isinstance(error, Died) and calls > k):  # noqa: B023
                    raise error
                return real(*args, **kwargs)

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in ("fsync", "replace", "unlink"):
                patch.setattr(os, name, guarded(getattr(os, name)))
            with suppress(StorageError, Died):
                put(long, "S000", level)
        after = levels(long)
        assert after in (before, before | {"S000": level})
        outcomes.add(after["S000"] == level)
        put(long, "S000", level)
        assert levels(long) == before | {"S000": level}
        if calls < k:
            break
    else:
        raise AssertionError("never came to an end")
    assert outcomes == {False, True}
    monkeypatch.setattr(feeds.history.store, "_JOURNAL_LINES", 0)
    put(long, "S000", 99.0)
    assert clean(long)  # a new manifest sweeps what dead writers left
    assert len(list(long.glob("journal-*"))) == 1


def test_a_reader_whose_journal_was_renewed(long, monkeypatch):
    put(long, "S000", 2.0)
    real, reads = feeds.history.manifest._read, []

    def read_then_renew(folder):
        calendar_days = real(folder)
        if not reads:
            reads.append(1)
            HistoryStore(folder).replace(pl.concat([frame(n, 7.0) for n in NAMES]), {}, now_ns=NOW)
        return calendar_days

    monkeypatch.setattr(feeds.history.manifest, "_read", read_then_renew)
    assert set(levels(long).values()) == {7.0}


def test_writers_at_once_lose_nothing(long):
    def write(name: str) -> None:
        for level in range(2, 8):
            put(long, name, float(level))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("A", "B", "S000")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert levels(long) == dict.fromkeys(NAMES, 1.0) | {"A": 7.0, "B": 7.0, "S000": 7.0}
    assert clean(long)


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=6), st.data())
def test_lines_that_were_written_are_read(tmp_path_factory, lines, data):
    path = tmp_path_factory.mktemp("journal") / "j"
    path.write_bytes(b"")
    end = 0
    for line in lines:
        end = journal.append(path, end, line)
    written = path.read_bytes()
    printed = journal.lines(written)
    assert [line for _, line in printed] == lines
    cut = data.draw(st.integers(0, len(written)))
    kept = journal.lines(written[:cut])
    assert kept == [(at, line) for at, line in printed if at <= cut]


def test_nothing_stays_behind_a_line(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b"")
    end = journal.append(path, 0, b"1")
    path.write_bytes(path.read_bytes() + b"torn, and longer than the next line is\n" * 9)
    journal.append(path, end, b"2")
    assert [line for _, line in journal.lines(path.read_bytes())] == [b"1", b"2"]


def test_names_of_journals():
    assert journal.next_name("") == "journal-000001.jsonl"
    assert journal.next_name("journal-000001.jsonl") == "journal-000002.jsonl"
    assert journal.next_name("journal-999999.jsonl") == "journal-000001.jsonl"
