"""Tapes to replay: intraday bars from CSV files, prints in Parquet, and what rotation-tui recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import InputError
from feeds.files.columns import FIX, require
from feeds.files.names import find_files
from feeds.files.tables import Table, read_table
from feeds.tapes.bars import read_bars
from feeds.tapes.recording import played
from feeds.tapes.tape_file import read_recording
from feeds.tapes.tape_schema import SCHEMA, quotes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SCHEMA", "quotes", "read_tape"]

NEEDS = "symbol, ts_ns, price; seq, size, high, low, bar_ns, role may follow"


def read_tape(paths: Sequence[Path]) -> pl.DataFrame:
    """Files and folders as one tape: the columns of SCHEMA, stably sorted by ``ts_ns``, no row twice.

    ``ts_ns`` is UTC nanoseconds, of a bar its end; ``high`` and ``low`` are null for prints. If a recording
    is among them, the columns of RECORDED, ``at_ns`` and ``step`` (see ``feeds.tapes.recording.played``),
    sorted
    by ``at_ns``; what was recorded twice is there twice, for the session filter to count again.
    Raises InputError on the first thing that is wrong, naming the file and its line or row.
    """
    parts, recordings = [pl.DataFrame(schema=SCHEMA)], []
    has_repeats, barred = False, set[str]()
    for path in find_files(paths):
        recording = None if path.suffix.lower() == ".csv" else read_recording(path)
        if recording is not None:
            recordings.append(recording)
        else:
            bars = path.suffix.lower() == ".csv"
            rows = read_bars(path) if bars else _read_prints(path)
            # A file of bars has no row twice; looking for them costs more than reading.
            has_repeats = has_repeats or not bars or rows["symbol"][0] in barred
            barred |= set(rows["symbol"].head(1)) if bars else set()
            parts.append(rows.select(*SCHEMA))
    plain = pl.concat(parts)
    plain = (plain.unique(maintain_order=True) if has_repeats else plain).sort("ts_ns", maintain_order=True)
    if not recordings:
        return plain
    recordings.sort(key=lambda part: part.select("as_of_ns", "batch").row(0))
    return played([*recordings, plain])


def _read_prints(path: Path) -> pl.DataFrame:
    """A recorded tape. It holds what a feed sent; the session filter judges its prices."""
    table = read_table(path, tuple(SCHEMA))
    require(table, ("symbol", "ts_ns", "price"), NEEDS)
    _check_types(table)
    absent = (
        pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in table.frame.columns
    )
    frame = table.frame.with_columns(*absent)
    # Unsigned values that no i64 holds become null and are refused or unknown with the others.
    table = table.with_frame(frame.with_columns(pl.col(n).cast(k, strict=False) for n, k in SCHEMA.items()))
    for name in ("symbol", "ts_ns"):
        table.refuse(pl.col(name).is_null(), lambda _, name=name: f"{name} is missing", FIX)  # type: ignore[misc]
    return table.frame.with_columns(
        pl.col("price").fill_null(float("nan")), pl.col("seq", "size", "bar_ns", "role").fill_null(0)
    )


def _check_types(table: Table) -> None:
    for name, kind in table.frame.schema.items():
        wanted = SCHEMA.get(name)
        if wanted == pl.String:
            fits, demand = kind in (pl.String, pl.Categorical, pl.Enum), "text"
        elif wanted == pl.Int64:
            fits, demand = kind.is_integer(), "whole numbers"
        else:
            fits, demand = kind.is_numeric(), "numbers"
        optional = kind == pl.Null and name not in ("symbol", "ts_ns", "price")
        if wanted is not None and not fits and not optional:
            raise InputError(
                f"{table.name}: column {name} is of type {kind}, not {demand} — record the tape again"
            )
