"""Which rows of a frame may count, judged together: the rules of ``SessionFilter.admit`` in columns."""

from __future__ import annotations

from collections import Counter
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Literal

import msgspec
import polars as pl

from rotation.desk import is_index
from rotation.quote import FUTURE_NS, Role
from rotation.sessions import is_overnight, session_at

if TYPE_CHECKING:
    from collections.abc import Iterable

Part = Literal["PRE", "REGULAR", "POST"]
PARTS: tuple[Part, ...] = ("PRE", "REGULAR", "POST")
"""Parts of the day; a key is a symbol's code times three, plus the place of the part in this list."""
INF = float("inf")
_KEPT = ("ts_ns", "price", "seq", "size", "role")

Bounds = tuple[int, int, int, int]
"""Bounds of a session, as ``sessions.hours`` gives them, in ns."""


class Codes:
    """A number for every symbol that was ever let in; numbers stay when symbols come and go."""

    def __init__(self) -> None:
        """Know no symbol."""
        self.names: list[str] = []
        self.code_of: dict[str, int] = {}
        self._let_in: dict[str, int] = {}
        self._kind = pl.Enum([])
        self._code_at = pl.Series(dtype=pl.UInt32)
        """Of the symbols that were given last: their Enum, and by place in it the code."""
        self._indices = pl.Series(dtype=pl.UInt32)

    def expect(self, known: Iterable[str]) -> None:
        """Let these in and no others."""
        known = set(known)
        for name in sorted(known - self.code_of.keys()):
            self.code_of[name] = len(self.names)
            self.names.append(name)
        self._let_in = {name: code for name, code in self.code_of.items() if name in known}
        self._kind, self._code_at = pl.Enum([]), pl.Series(dtype=pl.UInt32)
        self._indices = pl.Series(
            [code for name, code in self.code_of.items() if is_index(name)], dtype=pl.UInt32
        )

    def of(self, symbols: pl.Series) -> pl.Series:
        """The code of every row, null where its symbol is not let in."""
        kind, let_in = symbols.dtype, self._let_in
        if not isinstance(kind, pl.Enum):
            return pl.Series([let_in.get(name) for name in symbols.to_list()], dtype=pl.UInt32)
        # A table for each row: to cast one Enum to another compares names, at 130 ns a row.
        if kind != self._kind:
            self._kind = kind
            self._code_at = pl.Series([let_in.get(name) for name in kind.categories], dtype=pl.UInt32)
        return self._code_at[symbols.to_physical()]

    def is_of_index(self, codes: pl.Series) -> pl.Series:
        """Whether the row is of an index, which is calculated after the bell too."""
        return codes.is_in(self._indices.implode())


class Verdicts(msgspec.Struct):
    """A frame judged at one moment, up to its first print of a newer session."""

    rows: pl.DataFrame
    """Those that may count, in order of arrival, with ``key``."""
    refused: Counter[str]
    """Names of the counters in ``snapshot.Counts``."""
    turn: tuple[int, date] | None = None
    """The first row of a newer session, and that session: the page turns there, and what came before it is
    without effect. None where there is none."""


def judge(
    frame: pl.DataFrame, codes: Codes, session: date | None, bounds: Bounds | None, as_of_ns: int
) -> Verdicts:
    """Judge a frame with the columns of ``rotation.columns``; ``bounds`` are the session's."""
    code = codes.of(frame["symbol"]).alias("key")
    rows = _in_place_of_symbols(frame, code)
    if bounds is not None and _is_fine(rows, bounds, as_of_ns):
        return Verdicts(_with_key(rows, codes, bounds), Counter())
    price, ts_ns = pl.col("price"), pl.col("ts_ns")
    starts, ends = (bounds[0], bounds[3]) if bounds else (0, -1)
    rows = rows.with_columns(
        pl.when(pl.col("key").is_null())
        .then(pl.lit("unknown_symbol"))
        .when(~((price > 0.0) & (price < INF)))  # NaN is above infinity here
        .then(pl.lit("bad_price"))
        .when(ts_ns > as_of_ns + FUTURE_NS)
        .then(pl.lit("future"))
        .when(~ts_ns.is_between(starts, ends))
        .then(pl.lit("outside"))
        .alias("verdict")
    )
    refused = Counter(dict(rows["verdict"].drop_nulls().value_counts().iter_rows()))
    if refused.pop("outside", 0):
        outside = rows.with_row_index("row").filter(pl.col("verdict") == "outside").select("row", "ts_ns")
        for row, at_ns in outside.iter_rows():
            place = place_of(at_ns, at_ns, session)
            if not isinstance(place, str):
                return Verdicts(rows, Counter(), (row, place))
            refused[place] += 1
    rows = rows.filter(pl.col("verdict").is_null()).drop("verdict")
    return Verdicts(_with_key(rows, codes, bounds) if bounds else rows.clear(), refused)


def place_of(starts_ns: int, ts_ns: int, session: date | None) -> date | str:
    """The session, shown or newer, of a print or of a bar that began at ``starts_ns``; or why none.

    A bar belongs to the part of the day in which it starts: none, where that is the night.
    """
    own = session_at(ts_ns) if session_at(starts_ns) else None
    if own is None and is_overnight(starts_ns):
        return "overnight"
    if own is None or (session is not None and own < session):
        return "off_session"
    return own


def part_of(starts_ns: int, ts_ns: int, bounds: Bounds, *, is_late_value: bool) -> Part:
    """The part of the day of a print of the session, or of a bar that began at ``starts_ns``.

    ``is_late_value``: the closing auction's, which prints after the bell, or an index's.
    """
    _, opens, closes, _ = bounds
    if starts_ns < opens:
        return "PRE"
    # A print at the closing bell is the session's, as the auction's is; a bar that starts there is not.
    is_regular = starts_ns < closes or (starts_ns == closes and starts_ns == ts_ns) or is_late_value
    return "REGULAR" if is_regular else "POST"


def _is_fine(rows: pl.DataFrame, bounds: Bounds, as_of_ns: int) -> bool:
    """Whether nothing is to be refused, by a glance at the extremes."""
    if rows.is_empty() or rows["key"].null_count():
        return rows.is_empty()
    earliest, latest = _ends(rows["ts_ns"])
    price = rows["price"]
    # A sum is not finite where any price is not.
    prices_fit = price.min() > 0.0 and isfinite(price.sum())  # type: ignore[operator]
    return bool(prices_fit) and bounds[0] <= earliest and latest <= min((bounds[3], as_of_ns + FUTURE_NS))


def _in_place_of_symbols(rows: pl.DataFrame, key: pl.Series) -> pl.DataFrame:
    """The rows with ``key`` and without ``symbol``; put together without a query."""
    return pl.DataFrame([*(rows[name] for name in _KEPT), key.alias("key")])


def _ends(ts_ns: pl.Series) -> tuple[int, int]:
    return ts_ns.min(), ts_ns.max()  # type: ignore[return-value]  # of a column that is not empty


def _with_key(rows: pl.DataFrame, codes: Codes, bounds: Bounds) -> pl.DataFrame:
    """``key`` of symbol and part of the day for the symbol's code."""
    _, opens, closes, _ = bounds
    if rows.is_empty():
        return rows
    code, ts_ns = rows["key"], rows["ts_ns"]
    earliest, latest = _ends(ts_ns)
    if opens <= earliest and latest <= closes:
        return _in_place_of_symbols(rows, code * 3 + 1)
    is_late_value = (pl.col("role") == Role.CLOSE.value) | codes.is_of_index(code)
    at = pl.col("ts_ns")
    part = pl.when(at < opens).then(0).when((at <= closes) | is_late_value).then(1).otherwise(2)
    return rows.with_columns((pl.col("key") * 3 + part).cast(pl.UInt32).alias("key"))
