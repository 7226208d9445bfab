"""Columns of a tape, plain or recorded, and its rows as quotes."""

from __future__ import annotations

import polars as pl

from rotation.quote import Quote

SCHEMA = {
    "symbol": pl.String,
    "ts_ns": pl.Int64,
    "seq": pl.Int64,
    "price": pl.Float64,
    "size": pl.Int64,
    "high": pl.Float64,
    "low": pl.Float64,
    "bar_ns": pl.Int64,
    "role": pl.Int64,
}
"""Columns of a tape. ``high`` and ``low`` are null for prints, and a bar's own; ``bar_ns`` is the length of a
bar, 0 for a print and where a tape, as all did once, does not tell it. ``role``: a ``Role``."""
LATER = ("bar_ns", "role")
"""Columns that older tapes lack, as 0."""
RECORDED = SCHEMA | {
    "as_of_ns": pl.Int64,
    "batch": pl.Int64,
    "kind": pl.String,
    "feed": pl.String,
    "said": pl.String,
}
"""Columns of a recorded tape: ``as_of_ns`` is the time at which the market was told, ``batch`` counts the
events of a file on, ``kind`` says what an event was and ``feed`` whose; what is no quotes stands as JSON in
``said``. Where ``symbol`` is null the event had no quotes, and ``ts_ns`` repeats its time."""


def completed(frame: pl.DataFrame) -> pl.DataFrame:
    """A tape with the columns of LATER."""
    absent = [name for name in LATER if name not in frame.columns]
    return frame.with_columns(pl.lit(0, pl.Int64).alias(name) for name in absent)


def quotes(frame: pl.DataFrame) -> list[Quote]:
    """The rows of a tape as quotes, in their order."""
    columns = (frame[name].to_list() for name in Quote.__struct_fields__)
    return list(map(Quote, *columns))
