"""The vectorised step: today's value, returns and direction of every symbol, in one expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rotation.desk import WINDOWS
from rotation.market.streaks import direction, return_pct

if TYPE_CHECKING:
    from collections.abc import Sequence


def figures(
    table: pl.DataFrame, prices: Sequence[float | None], official: Sequence[float | None]
) -> pl.DataFrame:
    """``value``, ``direction`` (of today's change: -1, 0, 1) and ``ret_1`` … ``ret_252`` in percent.

    A row for each of ``table`` (see ``settled.Settled``). ``prices``: today's prints. ``official``:
    today's settled values, which win. Unknown is null.
    """
    provisional = pl.Series(prices, dtype=pl.Float64) * table["scale"]
    value = pl.Series(official, dtype=pl.Float64).fill_null(provisional)
    return table.with_columns(value=value).select(
        "value",
        direction=direction(pl.col("value"), pl.col("back_1")).cast(pl.Int8),
        **{f"ret_{k}": return_pct(pl.col("value"), pl.col(f"back_{k}")) for k in WINDOWS},
    )
