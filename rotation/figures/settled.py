"""Every figure as it stood at each session's official close, a column at a time.

Row i of a column rests on the closes up to session i and on nothing later: it is what a Market says that is
given each session in turn (a test). 26 years of one column take milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from rotation.figures.segment import Segment
from rotation.history import UNIVERSE, closures_in
from rotation.sessions import next_session, sessions_between

if TYPE_CHECKING:
    from datetime import date

    from rotation.desk import Desk
    from rotation.figures.figure import Figure, Value
    from rotation.history import History


class SettledFigures:
    """The settled figures of a desk over all of a history."""

    def __init__(self, history: History, desk: Desk, through: date | None = None) -> None:
        """``through``: the last session; later rows are not looked at."""
        last = history.last(through)
        rows = history.through(last) if last else history.frame.clear()
        of_pairs = (symbol for pair in desk.pairs for symbol in pair)
        own = rows.filter(pl.col("symbol").is_in({*desk.legs, desk.base, desk.against, *of_pairs}))
        first = own["date"].min()
        self.sessions: list[date] = []
        self._segments: list[tuple[Segment, int, int]] = []
        if first is None or last is None:
            return
        closures = closures_in(rows)
        known_from = {day: _known_from(rows, day) for day in closures}
        all_days = sessions_between(first, last)  # type: ignore[arg-type]
        self.sessions = [day for day in all_days if day not in known_from]
        # A closure is known only once symbols trade after it: until then its closes count as missing.
        turns = sorted({self.sessions[0], *known_from.values()})
        places = [bisect_left(self.sessions, day) for day in turns] + [len(self.sessions)]
        for turn, (start, stop) in zip(turns, pairwise(places), strict=True):
            if start == stop:
                continue
            known = {day for day, since in known_from.items() if since <= turn}
            end = self.sessions[stop - 1]
            days = [day for day in all_days if day <= end and day not in known]
            self._segments.append((Segment(rows.filter(pl.col("date") <= end), days, desk), start, stop))

    def column(self, figure: Figure) -> list[Value]:
        """The figure at each session's close, in the order of ``sessions``; None where it is unknown."""
        values: list[Value] = []
        for segment, start, stop in self._segments:
            column = segment.column(figure.id)
            places = (
                {day: place for place, day in enumerate(segment.days)} if len(self._segments) > 1 else None
            )
            for place in range(start, stop):
                at = place if places is None else places[self.sessions[place]]
                values.append(column[at])
        return values

    def values(self, symbol: str) -> list[float | None]:
        """A leg's settled value at each session, in the units of the returns asked for."""
        days = dict.fromkeys(self.sessions)
        rows = self._segments[-1][0].values(symbol) if self._segments else []
        return [value for day, value in rows if day in days]


def _known_from(rows: pl.DataFrame, closure: date) -> date:
    """The first session that counts this day as a closure: UNIVERSE symbols traded before and after it."""
    priced = rows.filter(pl.any_horizontal(pl.col("close", "adj_close").is_not_null()))
    before = priced.filter(pl.col("date") < closure)["symbol"].unique()
    after = (
        priced.filter((pl.col("date") > closure) & pl.col("symbol").is_in(before.to_list()))
        .group_by("symbol")
        .agg(pl.col("date").min())["date"]
        .sort()
    )
    traded: date = after[UNIVERSE - 1]
    return next_session(traded)
