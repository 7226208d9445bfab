"""Which rows of a frame are in order, each above all of its key before it, and which are not.

Almost all of a tape is in order. To see it takes no sort: times that never fall back in the whole frame do
not within a key either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from rotation.market import prints as limits
from rotation.market.reduce.ends import chosen, parted, stacked

if TYPE_CHECKING:
    from rotation.market.reduce.ends import Ends

SPAN_BITS = 46
"""A session's nanoseconds, 16 hours, are fewer than 2^46."""
KEYS = 1 << (63 - SPAN_BITS)
"""So many keys go with a time of the session into one 64-bit number; more are taken one by one."""
FEW = 8
"""Up to one row in so many that is out of order is set aside; more, and all are sorted."""


class Sifted(NamedTuple):
    """Rows with a ``key``, told apart."""

    ordered: pl.DataFrame
    """Of every key in the order of their identities, which are distinct and above all that came before."""
    late: pl.DataFrame
    """The others, as they came."""
    doubtful: set[int]
    """Keys of which the order of arrival may matter: all their rows are to be taken one by one."""


def sift(rows: pl.DataFrame, newest: Ends, starts_ns: int) -> Sifted:
    """Tell rows apart, which came in this order; ``newest``: of each key before; the session's start."""
    late: list[pl.DataFrame] = []
    doubtful: set[int] = set()
    ordered = rows
    if not rows["ts_ns"].is_sorted():
        ts_ns = rows["ts_ns"]
        ordered, back = parted(rows, ts_ns >= ts_ns.cum_max())
        late.append(back)
    tied = _tied(ordered)
    if tied is not None:
        ordered, apart = _parted_from(ordered, tied)
        late.append(apart)
    if FEW * sum(each.height for each in late) > rows.height:
        ordered, doubtful = _sorted(rows, starts_ns)
        late = []
    above = newest.are_above(ordered)
    if not above.all():
        ordered, known = parted(ordered, above)
        late.append(known)
    return Sifted(ordered, stacked(late) if late else rows.clear(), doubtful)


def _parted_from(rows: pl.DataFrame, mask: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows where it is false, and the others."""
    apart, rest = parted(rows, mask)
    return rest, apart


def _tied(rows: pl.DataFrame) -> pl.Series | None:
    """Which rows have the time of a neighbour; None where their numbers tell them apart, in this order.

    Times do not fall back.
    """
    n, ts_ns, seq = rows.height, rows["ts_ns"], rows["seq"]
    same = ts_ns.slice(1) == ts_ns.slice(0, n - 1)
    if not same.any() or not (same & (seq.slice(1) <= seq.slice(0, n - 1))).any():
        return None
    edge = pl.Series([False])
    return pl.concat([edge, same]) | pl.concat([same, edge])


def _sorted(rows: pl.DataFrame, starts_ns: int) -> tuple[pl.DataFrame, set[int]]:
    """By key and identity; and the keys with rows that repeat each other or may come too late."""
    place = rows["key"].cast(pl.Int64) * (1 << SPAN_BITS) + (rows["ts_ns"] - starts_ns)
    ordered = rows.hstack([place.alias("place")]).sort("place")
    keys, place, n = ordered["key"], ordered["place"], rows.height
    doubtful: set[int] = set()
    if (place.slice(1) == place.slice(0, n - 1)).any():
        ordered = ordered.sort("place", "seq")
        place, seq = ordered["place"], ordered["seq"]
        repeats = (place.slice(1) == place.slice(0, n - 1)) & (seq.slice(1) == seq.slice(0, n - 1))
        doubtful.update(keys.slice(1).filter(repeats).to_list())
    if n > limits.KEPT_MAX:
        doubtful.update(key for key, rows_of in keys.value_counts().iter_rows() if rows_of > limits.KEPT_MAX)
    doubtful.update(too_late(ordered, _latest_ns(rows)).to_list())
    return ordered.drop("place"), doubtful


def too_late(rows: pl.DataFrame, latest_ns: int) -> pl.Series:
    """Keys of the rows that are older than any may be that comes after one of ``latest_ns``."""
    return chosen(rows.select("key"), rows["ts_ns"] < latest_ns - limits.KEPT_NS)["key"]


def _latest_ns(rows: pl.DataFrame) -> int:
    latest: int = rows["ts_ns"].max()  # type: ignore[assignment] # there are rows
    return latest
