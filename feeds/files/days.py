"""The days that the files of one folder share: parsed and looked up once, compared for each further file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


class SharedDays:
    """Most files of a folder end on one day and differ only in where they begin."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._texts = pl.Series(dtype=pl.String)
        self._days = pl.Series(dtype=pl.Date)
        """Of these texts, each above the one before."""
        self._sessions = pl.Series(dtype=pl.Date)
        """Days that are all sessions."""

    def parsed(self, texts: pl.Series) -> pl.Series | None:
        """The days of a text column, named as it is; None where one is not written as ``2024-07-16``."""
        if _is_end_of(texts, self._texts):
            return self._days.tail(len(texts)).alias(texts.name)
        if texts.null_count() or not texts.str.contains(_PLAIN_DAY).all():
            return None
        days = texts.str.to_date("%Y-%m-%d", strict=False)
        if days.null_count():
            return None
        if len(days) > len(self._days) and (days.diff().slice(1).dt.total_days() > 0).all():
            self._texts, self._days = texts, days
        return days

    def is_rising(self, days: pl.Series) -> bool:
        """Whether each of these days is known to be above the one before."""
        return _is_end_of(days, self._days)

    def are_sessions(self, days: pl.Series, calendar: Callable[[], pl.Series]) -> pl.Series | None:
        """For each day whether it is a session; None where all are. ``calendar``: those to be found in."""
        if _is_end_of(days, self._sessions):
            return None
        mask = days.is_in(calendar().implode())
        if not mask.all():
            return mask
        if len(days) > len(self._sessions):
            self._sessions = days
        return None


def _is_end_of(part: pl.Series, whole: pl.Series) -> bool:
    return len(part) <= len(whole) and part.dtype == whole.dtype and part.equals(whole.tail(len(part)))
