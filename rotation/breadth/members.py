"""Membership: which shares a fund held, by the day of each file that says so."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

SCHEMA = {"symbol": pl.String, "name": pl.String, "sector": pl.String, "weight_pct": pl.Float64}
"""One row a member; ``weight_pct`` is null where the file has no weights, ``name`` and ``sector`` empty."""


class MemberList:
    """One membership file: its symbols are at hand, all else is read when somebody asks for it."""

    def __init__(
        self,
        fund: str,
        as_of: date,
        symbols: list[str],
        read: Callable[[], pl.DataFrame],
        *,
        left_out: Sequence[str] = (),
    ) -> None:
        """``as_of``: the day that the file says of itself. ``symbols``: sorted, each once.

        ``read``: the ``frame`` of these symbols; it may raise what reading a file does. ``left_out``: lines
        of a file just read that are no members, in words.
        """
        self.fund = fund
        self.as_of = as_of
        self.symbols = symbols
        self.left_out = tuple(left_out)
        self._read = read

    @classmethod
    def of(cls, fund: str, as_of: date, frame: pl.DataFrame, *, left_out: Sequence[str] = ()) -> MemberList:
        """From a frame with the columns of SCHEMA. Raises ValueError where a symbol stands twice."""
        frame = frame.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).sort("symbol")
        if frame["symbol"].is_duplicated().any():
            raise ValueError(f"{fund} {as_of}: a member is listed twice")
        return cls(fund, as_of, frame["symbol"].to_list(), lambda: frame, left_out=left_out)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Columns of SCHEMA, sorted by symbol, each once."""
        return self._read()


class Membership(msgspec.Struct, frozen=True, eq=False):
    """All membership files of one fund, the oldest first; compared by identity."""

    fund: str
    lists: tuple[MemberList, ...]

    @classmethod
    def of(cls, fund: str, lists: Iterable[MemberList]) -> Membership:
        """In any order; of two of one day the later one counts."""
        by_day = {each.as_of: each for each in lists}
        return cls(fund, tuple(by_day[day] for day in sorted(by_day)))

    @property
    def first(self) -> date | None:
        """The day of the first file: before it there is no breadth."""
        return self.lists[0].as_of if self.lists else None

    def on(self, session: date) -> MemberList | None:
        """The last file on or before the session; None before the first one."""
        place = bisect_right(self.lists, session, key=lambda each: each.as_of)
        return self.lists[place - 1] if place else None

    def before(self, session: date) -> MemberList | None:
        """The last file before the session, whose weights its returns are multiplied by."""
        place = bisect_left(self.lists, session, key=lambda each: each.as_of)
        return self.lists[place - 1] if place else None

    def symbols(self) -> set[str]:
        """All that have ever been members."""
        different = {id(each.symbols): each.symbols for each in self.lists}  # most lists share theirs
        return set().union(*different.values())


def in_force(membership: Iterable[Membership], day: date) -> frozenset[str]:
    """The members of every fund by its newest file of this day or before; empty where there is none."""
    lists = [held for fund in membership if (held := fund.on(day)) is not None]
    return frozenset(symbol for held in lists for symbol in held.symbols)


def spelled(symbol: str) -> str:
    """As ``spelling``, of one symbol."""
    return symbol.replace("-", ".")


def spelling(symbol: pl.Expr) -> pl.Expr:
    """Classes of shares under one spelling: history may hold ``MOG-A`` where a list has ``MOG.A``."""
    return symbol.str.replace_all("-", ".", literal=True)
