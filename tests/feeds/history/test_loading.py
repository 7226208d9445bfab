"""Few symbols are loaded whole; of a long list only the desk's."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from feeds.history.importing import SCHEMA
from feeds.history.loading import FEW, REACH_DAYS, load_history
from feeds.history.store import HistoryStore
from rotation.sessions import close_ns, sessions_between

TODAY = date(2024, 7, 16)
DAYS = sessions_between(date(2022, 1, 3), TODAY)[::5]


@pytest.fixture(params=[FEW, FEW + 1])
def count(request) -> int:
    return request.param


def test_what_is_loaded(tmp_path, count):
    names = ["IWM", "QQQ", *(f"S{n}" for n in range(count - 2))]
    frame = pl.concat(pl.DataFrame({"symbol": name, "date": DAYS, "close": 1.0}) for name in names)
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    store = HistoryStore(tmp_path)
    store.replace(frame.with_columns(absent).select(SCHEMA.keys()), {}, now_ns=0)
    members = frozenset(names[2:]) - {"S7"} | {"NEITHER"}
    history = load_history(store, ["IWM", "NONE", "QQQ"], now_ns=close_ns(TODAY), members=members)
    held = {name: rows for (name,), rows in history.frame.group_by("symbol")}
    wanted = names if count <= FEW else [name for name in names if name != "S7"]
    assert sorted(held) == sorted(wanted)
    assert history.symbols == sorted(wanted)
    reach = [day for day in DAYS if day >= TODAY - timedelta(REACH_DAYS)]
    for name, rows in held.items():
        whole = count <= FEW or name in {"IWM", "QQQ"}
        assert rows["date"].to_list() == (DAYS if whole else reach)
    assert len(sessions_between(reach[0], TODAY)) > 252


@pytest.mark.parametrize(("deep", "held"), [(["QQQ"], ["QQQ"]), (["NONE"], [])])
def test_of_a_long_list_nothing_is_read_that_nobody_asked_for(tmp_path, deep, held):
    names = ["QQQ", *(f"S{n}" for n in range(FEW))]
    frame = pl.concat(pl.DataFrame({"symbol": name, "date": DAYS, "close": 1.0}) for name in names)
    absent = [pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in frame.columns]
    store = HistoryStore(tmp_path)
    store.replace(frame.with_columns(absent).select(SCHEMA.keys()), {}, now_ns=0)
    for file in tmp_path.glob("S*.parquet"):
        file.write_bytes(b"never looked at")
    assert load_history(store, deep, now_ns=close_ns(TODAY)).symbols == held
