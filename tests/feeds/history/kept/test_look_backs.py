"""A start with what was kept reads no series and shows the same; whatever is wrong with it is made anew."""

from __future__ import annotations

import errno
import os
from datetime import date

import msgspec
import polars as pl
import pytest

from feeds.desk.opened import desk_legs, snapshots, sources
from feeds.errors import DamagedError
from feeds.files.sealed import seal
from feeds.history.importing import SCHEMA
from feeds.history.kept import code, files, look_backs
from feeds.history.kept.look_backs import FOLDER, LookBacks
from feeds.history.loading import load_history
from feeds.history.store import HistoryStore
from rotation import sessions
from rotation.market.past.look_back import look_back
from rotation.sessions import close_ns, sessions_between

SESSION = date(2024, 7, 16)
NOW_NS = close_ns(SESSION) + 3_600 * 10**9
DAYS = sessions_between(date(2022, 1, 3), SESSION)
LEGS = ("IWM", "QQQ", "IWN", "IVW")


@pytest.fixture(autouse=True)
def _no_calendar_of_another_test():
    sessions.take_calendar(sessions._NO_YEARS)
    yield
    sessions.take_calendar(sessions._NO_YEARS)


@pytest.fixture
def store(tmp_path) -> HistoryStore:
    held = HistoryStore(tmp_path / "history")
    put(held, *LEGS)
    return held


def put(store: HistoryStore, *symbols: str, days=DAYS, factor: float = 1.0) -> None:
    """Series of closes that go up and down, each at a level of its own."""
    parts = []
    for n, symbol in enumerate(symbols):
        prices = [factor * (100.0 + n + (7 * i + n) % 13) for i in range(len(days))]
        parts.append(
            pl.DataFrame({"symbol": symbol, "date": days, "close": prices, "adj_close": prices}, strict=False)
        )
    frame = pl.concat(parts)
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    store.replace(frame.with_columns(absent).select(SCHEMA.keys()), {}, allow_shrink=True, now_ns=0)


def shown(store: HistoryStore, *, pair=("IWM", "QQQ"), reads_rows: bool | None = None, **more) -> bytes:
    """What a start on this store shows at NOW_NS, as bytes; and whether it had to read the rows."""
    source = sources.source(store, history=None, tapes=(), now_ns=NOW_NS, **more)
    desk = desk_legs.desk_for(source.history, pair, "price")
    taken = snapshots.snapshot_at(source, desk, at=None, now_ns=NOW_NS)
    if reads_rows is not None:
        assert source.history.is_read is reads_rows
    return msgspec.json.encode(taken)


def kept(store: HistoryStore) -> list[str]:
    folder = store.folder / FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_the_second_start_reads_no_series_and_shows_the_same(store, monkeypatch):
    first = shown(store, reads_rows=True)
    assert [name.rpartition("-")[0] for name in kept(store)] == ["calendar", "facts", "look-back"]

    def never(*args, **kwargs):
        raise AssertionError("a series was read")

    monkeypatch.setattr("feeds.history.store.parse_parquet", never)
    monkeypatch.setattr(look_backs, "look_back", never)
    assert shown(store, reads_rows=False) == first


@pytest.mark.parametrize(
    "change",
    [
        lambda store: put(store, "IWM", factor=1.5),
        lambda store: put(store, "DIA"),
        lambda store: put(store, "QQQ", days=DAYS[:-3]),
    ],
    ids=["another series", "one more", "a shorter one"],
)
def test_after_a_change_of_the_history_it_is_made_anew(store, change):
    before = shown(store)
    change(store)
    changed = shown(store, reads_rows=True)
    assert changed != before
    assert shown(store, reads_rows=False) == changed
    for path in (store.folder / FOLDER).iterdir():
        path.unlink()
    assert shown(store, reads_rows=True) == changed


def test_another_pair_and_another_version_are_other_files(store, monkeypatch):
    shown(store)
    shown(store, pair=("IWN", "IVW"), reads_rows=True)
    assert len([name for name in kept(store) if name.startswith("look-back")]) == 2
    shown(store, pair=("IWN", "IVW"), reads_rows=False)
    monkeypatch.setattr(code, "_core", lambda: "the next version")
    shown(store, reads_rows=True)
    shown(store, reads_rows=False)


def test_an_added_closure_makes_another_look_back(store, monkeypatch):
    before = shown(store)
    with monkeypatch.context() as closed:
        closed.setattr(sessions, "_added", {DAYS[-2]})
        sessions.add_closures([])
        assert shown(store, reads_rows=True) != before
    sessions.add_closures([])
    assert shown(store, reads_rows=False) == before


@pytest.mark.parametrize("spoil", [b"", b"\x00", b"not ours at all" * 10, None], ids=repr)
@pytest.mark.parametrize("kind", ["look-back", "facts", "calendar"])
def test_a_broken_file_is_made_anew_and_nothing_is_said(store, kind, spoil, caplog):
    first = shown(store)
    sessions.take_calendar(sessions._NO_YEARS)
    (path,) = (store.folder / FOLDER).glob(f"{kind}-*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-7] if spoil is None else spoil)
    assert shown(store) == first
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]
    if kind == "look-back":
        assert len(path.read_bytes()) == len(whole)
        assert shown(store, reads_rows=False) == first


def test_what_is_of_another_key_under_the_right_name_is_not_used(store):
    first = shown(store)
    put(store, "IWM", factor=1.5)
    second = shown(store)
    assert first != second
    names = sorted((store.folder / FOLDER).glob("look-back-*"), key=lambda path: path.stat().st_mtime_ns)
    names[1].write_bytes(names[0].read_bytes())
    assert shown(store) == second


def test_facts_that_are_whole_and_of_another_layout_are_not_used(store):
    shown(store)
    (path,) = (store.folder / FOLDER).glob("facts-*")
    path.write_bytes(seal(b"\xff not of ours"))
    identity = load_history(store, LEGS, now_ns=NOW_NS).identity
    assert LookBacks(store.folder).facts(identity) is None


@pytest.mark.parametrize(("of", "name"), [(code.pl, "__version__"), (code.rotation, "__version__")])
def test_another_version_of_what_computes_has_another_name(of, name, monkeypatch):
    known = code.code()
    monkeypatch.setattr(of, name, "another")
    code._core.cache_clear()
    try:
        assert code.code() != known
    finally:
        code._core.cache_clear()


def test_a_folder_that_is_only_to_be_read_is_read(tmp_path, monkeypatch):
    held = files.KeptFiles(tmp_path)
    held.write("name", b"held")

    def refuse(*_args, **_more):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "utime", refuse)
    assert held.read("name") == b"held"


def test_facts_of_another_history_or_version_are_not_used(store, monkeypatch):
    shown(store)
    (first,) = (store.folder / FOLDER).glob("facts-*")
    put(store, "IWM", days=DAYS[:-3])
    shown(store)
    (second,) = {*(store.folder / FOLDER).glob("facts-*")} - {first}
    identity, held = load_history(store, LEGS, now_ns=NOW_NS).identity, LookBacks(store.folder)
    assert held.facts(identity) is not None
    with monkeypatch.context() as later:
        later.setattr(code, "_core", lambda: "the next version")
        assert held.facts(identity) is None
    second.write_bytes(first.read_bytes())
    assert held.facts(identity) is None


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_costs_nothing_but_time(store, error, monkeypatch):
    first = shown(store)
    for path in (store.folder / FOLDER).iterdir():
        path.unlink()

    def refuse(*args, **kwargs):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(files, "write_whole", refuse)
    assert shown(store, reads_rows=True) == first
    assert shown(store, reads_rows=True) == first
    assert kept(store) == []


def test_a_file_where_the_folder_should_be_costs_nothing_but_time(store):
    (store.folder / FOLDER).write_text("in the way")
    assert shown(store) == shown(store)


def test_a_damaged_series_is_noticed_at_the_start_as_without_it(store):
    shown(store)
    (path,) = store.folder.glob("IWM-*.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedError, match="IWM"):
        shown(store)
    path.unlink()
    with pytest.raises(DamagedError, match="missing"):
        shown(store)


def test_a_history_replaced_between_start_and_reading_is_not_kept_as_the_old_one(store):
    shown(store)
    known = load_history(store, LEGS, now_ns=NOW_NS)
    assert not known.is_read
    put(store, "IWM", factor=1.5)
    desk = desk_legs.desk_for(known, ("IWN", "QQQ"), "price")
    before = kept(store)
    made = LookBacks(store.folder).look(known, SESSION, desk)
    assert made.settled is not None
    assert made.settled.table.equals(
        look_back(load_history(store, LEGS, now_ns=NOW_NS), SESSION, desk).settled.table
    )
    assert kept(store) == before


def test_a_snapshot_of_the_past_uses_what_is_kept_and_keeps_nothing(store):
    shown(store)
    before = kept(store)
    shown(store, reach_ns=close_ns(DAYS[-30]))
    assert kept(store) == before


def test_few_files_are_kept(tmp_path):
    held = files.KeptFiles(tmp_path)
    for n in range(30):
        held.write(f"f{n:02}", b"x")
        os.utime(tmp_path / f"f{n:02}", ns=(n, n))
        held.read("f00")
    assert len(list(tmp_path.iterdir())) == files.MOST_FILES
    assert held.read("f29") == held.read("f00") == b"x", "the latest written and the latest read"
    assert held.read("f01") is None
    (tmp_path / "large").write_bytes(b"")
    os.truncate(tmp_path / "large", files.MOST_BYTES + 1)
    assert held.read("large") is None


def test_a_long_list_with_members_is_kept_too(store):
    names = [f"M{n}" for n in range(20)]
    put(store, *names)
    members = frozenset(names[:12])
    first = shown(store, members=members, reads_rows=True)
    assert shown(store, members=members, reads_rows=False) == first
    (path,) = store.folder.glob("M3-*.parquet")
    path.unlink()
    with pytest.raises(DamagedError, match="missing"):
        shown(store, members=members)
