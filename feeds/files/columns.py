"""What the cells of a Table mean: numbers, prices, share counts. Each check names the first bad row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from feeds.errors import InputError, StrayError
from feeds.files.names import shown
from feeds.files.tables import AT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from feeds.files.tables import Table

FIX = "fix or remove the row"
MOST_SHARES = 2.0**53
"""Above this a float no longer counts single shares."""


def require(table: Table, names: Iterable[str], needs: str) -> None:
    """Raise InputError unless every one of these columns is there; ``needs`` words the demand."""
    if not set(names) <= set(table.frame.columns):
        held = [*table.frame.columns[1:], *table.extra]
        raise StrayError(f"{table.name}: has the columns {shown(', '.join(held), 80)} — it needs {needs}")


def parse_numbers(table: Table, names: Sequence[str]) -> Table:
    """Columns as f64, nulls kept. Raises InputError on a cell or a column that holds no number."""
    for name in names:
        kind = table.frame.schema[name]
        if kind == pl.String and table.unit == "line":
            table.refuse(
                pl.col(name).is_not_null() & pl.col(name).cast(pl.Float64, strict=False).is_null(),
                lambda row, name=name: f"{name} is {shown(row[name])!r}, not a number",  # type: ignore[misc]
                FIX,
            )
        elif not (kind.is_numeric() or kind == pl.Null):
            raise InputError(f"{table.name}: column {name} is of type {kind}, not numbers — export it again")
    return table.with_frame(table.frame.with_columns(pl.col(*names).cast(pl.Float64)))


def check_prices(table: Table, names: Iterable[str]) -> None:
    """Raise InputError on a price that is NaN, infinite or not above 0; nulls pass."""
    for name in names:
        column = pl.col(name)
        table.refuse(
            ~column.is_finite() | (column <= 0),
            lambda row, name=name: (  # type: ignore[misc]
                f"{name} is {row[name]}; prices must be "
                + ("above 0" if math.isfinite(row[name]) else "finite numbers")
            ),
            FIX,
        )


def parse_shares(table: Table, name: str) -> Table:
    """A volume as i64, nulls kept, fractions of a share rounded.

    Raises InputError if it is not a number, below 0 or absurdly large.
    """
    table = parse_numbers(table, [name])
    table.refuse(
        ~pl.col(name).is_between(0, MOST_SHARES),
        lambda row: f"{name} is {row[name]}; it must be 0 or more shares",
        FIX,
    )
    return table.with_frame(table.frame.with_columns(pl.col(name).round().cast(pl.Int64)))


def drop_repeats(table: Table, key: str, shown_key: Callable[[Any], object] = str) -> Table:
    """Drop rows that say again, in every column, what an earlier one said.

    Raises InputError where rows with the same ``key`` differ.
    """
    rows = table.frame.unique(pl.exclude(AT), keep="first", maintain_order=True)
    table.with_frame(rows).refuse(
        ~pl.col(key).is_first_distinct(),
        lambda row: f"{shown_key(row[key])} appears again with other values",
        "keep the right row",
    )
    return table.with_frame(rows)
