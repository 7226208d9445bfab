"""A disk that is full, failing or read-only: one clear error, and what was kept is kept whole."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from feeds.errors import StorageError
from feeds.files import journal
from feeds.history.importing import SCHEMA
from feeds.history.manifest import JOURNAL_FROM
from feeds.history.store import HistoryStore, Series
from feeds.http.last_good import LastGood, LastGoodFolder
from feeds.keys.file import KeyFile
from tests.support.sync_world import DAYS, World, ny, share

if TYPE_CHECKING:
    from collections.abc import Callable

ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS]
NOW_NS = 1_721_174_400 * 10**9


def failing(code: int) -> Callable[..., object]:
    def call(*_args: object, **_kwargs: object) -> object:
        raise OSError(code, os.strerror(code))

    return call


@pytest.fixture(params=ERRORS, ids=errno.errorcode.get)
def disk(request, monkeypatch):
    """Breaks the disk as the error would: a read-only one opens nothing, the others fail when flushed."""
    code = request.param
    opens = Path.open

    def reading_only(path, mode="r", *args, **kwargs):
        if set(mode) & set("wax+"):
            failing(code)()
        return opens(path, mode, *args, **kwargs)

    def break_it() -> str:
        if code == errno.EROFS:
            monkeypatch.setattr(Path, "open", reading_only)
            monkeypatch.setattr("feeds.files.durable.os.open", failing(code))
        else:
            monkeypatch.setattr(os, "fsync", failing(code))
        return os.strerror(code)

    break_it.mend = monkeypatch.undo
    return break_it


def content(folder: Path) -> dict[str, bytes]:
    """All files but the locks, which are empty."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.stat().st_size}


def series(symbol: str, close: float) -> Series:
    frame = pl.DataFrame({"symbol": symbol, "date": DAYS[:3], "close": [close] * 3})
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    return Series(frame.with_columns(absent).select(SCHEMA.keys()), "Yahoo", "Yahoo", DAYS[0])


@pytest.mark.parametrize("count", [1, JOURNAL_FROM + 1], ids=["manifest", "journal"])
def test_the_history_store(tmp_path, disk, count):
    store = HistoryStore(tmp_path)
    for number in range(count):
        store.put(series(f"S{number}", 1.0), was=None, now_ns=NOW_NS)
    before, held = content(tmp_path), store.symbols()
    why = disk()
    with pytest.raises(StorageError) as caught:
        store.put(series("S0", 2.0), was=held["S0"], now_ns=NOW_NS)
    assert str(caught.value) == (
        f"{tmp_path}: the history cannot be written ({why})"
        " — check free space and permissions, then start again"
    )
    disk.mend()
    assert not list(tmp_path.glob("*.tmp"))
    assert store.symbols() == held
    assert {name: content(tmp_path)[name] for name in before} == before
    store.put(series("S0", 2.0), was=held["S0"], now_ns=NOW_NS)
    assert set(store.load(["S0"]).frame["close"]) == {2.0}


def test_a_line_of_the_journal_is_cut_off_again(tmp_path, monkeypatch):
    path = tmp_path / journal.FIRST
    path.write_bytes(b"")
    end = journal.append(path, 0, b'{"a":1}')
    monkeypatch.setattr(os, "fsync", failing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        journal.append(path, end, b'{"b":2}')
    assert path.stat().st_size == end


def test_the_key_file(tmp_path, disk):
    keys = KeyFile(tmp_path)
    keys.put("finnhub", ("OLD-KEY",))
    before = content(tmp_path)
    why = disk()
    for change in (lambda: keys.put("finnhub", ("NEW-KEY",)), lambda: keys.put("massive", ("K",))):
        with pytest.raises(StorageError) as caught:
            change()
        assert str(caught.value) == (
            f"{keys.path}: cannot be written ({why}) — check free space and permissions"
        )
        assert "KEY" not in str(caught.value).replace(str(keys.path), "")
    disk.mend()
    assert content(tmp_path) == before
    assert keys.get("finnhub") == ("OLD-KEY",)


def test_the_last_good_cache_goes_without_and_says_so_once(tmp_path, disk, caplog):
    caplog.set_level(logging.WARNING)
    folder = LastGoodFolder(tmp_path, limit=1000)
    old = LastGood("https://h:", "sha", b"old", 1, 1)
    folder.write("h-1", old)
    why = disk()
    for _ in range(3):
        folder.write("h-1", LastGood("https://h:", "sha", b"new", 2, 2))
    assert [record.getMessage() for record in caplog.records] == [
        f"last-good cache h-1.last: not written ({why})"
    ]
    disk.mend()
    assert folder.read("h-1") == old
    assert [path.name for path in tmp_path.iterdir()] == ["h-1.last"]


def test_a_download_stops_with_that_error_and_keeps_what_it_had(tmp_path, disk):
    world = World(tmp_path, {"IWM": share(), "QQQ": share(400.0)}, ny(DAYS[-2], 18))
    spoil = world.yahoo.spoil

    def full_at_the_second(symbol, bars):
        if symbol == "QQQ":
            disk()
        return spoil(symbol, bars)

    world.yahoo.spoil = full_at_the_second
    with pytest.raises(StorageError, match="the history cannot be written"):
        world.sync()
    disk.mend()
    world.yahoo.spoil = spoil
    assert world.held("IWM") == world.truth("IWM")
    assert world.sync().loaded == ("QQQ",)


def test_the_cache_keeps_a_bounded_number_of_answers(tmp_path, monkeypatch):
    monkeypatch.setattr("feeds.http.last_good.FILES_MAX", 3)
    folder = LastGoodFolder(tmp_path, limit=1000)
    for number in range(5):
        folder.write(f"h-{number}", LastGood("https://h:", "sha", b"x", number, number))
        os.utime(tmp_path / f"h-{number}.last", (number, number))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h-2.last", "h-3.last", "h-4.last"]
