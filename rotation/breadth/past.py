"""Breadth of settled sessions, and what today's needs of them: one pass over history, nothing that grows.

Sessions are counted on the exchange's calendar: a member that misses a close has unknown figures where that
close is needed, never shifted ones, and is not counted in them.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.breadth.figures import BreadthFigures
from rotation.breadth.members import MemberList, spelling
from rotation.history import closures_in
from rotation.moves import direction
from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.breadth.members import Membership
    from rotation.history import History

MEAN = 50
"""Sessions of the mean, the last one included."""
RANGE = 252
"""Sessions before that a new high or low is compared with."""
EMAS = (19, 39)
"""Sessions of McClellan's two exponential means (Sherman and Marian McClellan, 1969)."""
LINE = 504
"""Settled sessions computed: by then a mean of 39 has forgotten its beginning (less than 1e-11 of it)."""


class Means(msgspec.Struct, frozen=True):
    """McClellan's two means after some sessions; None before the first one."""

    fast: float | None = None
    slow: float | None = None
    n: int = 0
    """Net advance ratios in them."""

    def with_ratio(self, ratio: float | None) -> Means:
        """After one more session; the same where its ratio is unknown."""
        if ratio is None:
            return self
        if self.fast is None or self.slow is None:
            return Means(ratio, ratio, 1)
        fast, slow = (
            was + 2 / (span + 1) * (ratio - was)
            for was, span in zip((self.fast, self.slow), EMAS, strict=True)
        )
        return Means(fast, slow, self.n + 1)

    @property
    def mcclellan(self) -> float | None:
        """EMA 19 minus EMA 39; None before the 39th ratio."""
        if self.fast is None or self.slow is None or self.n < EMAS[1]:
            return None
        return self.fast - self.slow


class Past(msgspec.Struct, frozen=True, eq=False):
    """What history says of one fund's members before a session."""

    fund: str
    session: date
    """The session shown."""
    members: MemberList | None
    """The last file on or before it; None before the first one."""
    table: pl.DataFrame
    """A row a member, in its order: ``symbol``, ``back_1`` (value of the session before), ``mean_before``
    (sum of the 49 values before), ``high`` and ``low`` (of the 252 before), ``scale`` (value per unit of
    price). Unknown is null."""
    sessions: tuple[BreadthFigures, ...]
    """Settled sessions with figures, oldest first, none before the first file."""
    means: Means


def past(history: History, membership: Membership, session: date, *, column: str = "close") -> Past:
    """Look back from ``session`` over rows strictly before it. ``column``: of the values compared."""
    members = membership.on(session)
    first = membership.first
    if first is None or members is None:
        return Past(membership.fund, session, None, pl.DataFrame({"symbol": []}), (), Means())
    before = history.before(session)
    days = _calendar(before, session)
    rows = _rows(before, membership, column, days[0] if days else session)
    grid = _grid(rows, days, sorted({*rows["symbol"].unique(), *members.symbols}))
    counted = _settled(grid, membership, [day for day in days if day >= first][-LINE:])
    sessions, means = _figures(counted)
    return Past(membership.fund, session, members, _table(grid, members, len(days)), sessions, means)


def _rows(before: pl.DataFrame, membership: Membership, column: str, first: date) -> pl.DataFrame:
    """``symbol``, ``date``, ``value``, ``scale`` of all that have ever been members, from ``first`` on."""
    return (
        before.lazy()
        .filter(pl.col("date") >= first)
        .select(
            spelling(pl.col("symbol")).alias("symbol"),
            "date",
            value=pl.col(column),
            scale=pl.col(column) / pl.col("close"),
        )
        .filter(pl.col("symbol").is_in(sorted(membership.symbols())))
        .unique(["symbol", "date"], keep="first", maintain_order=True)
        .collect()
    )


def _calendar(before: pl.DataFrame, session: date) -> list[date]:
    """The sessions before this one that can matter, without closures that the calendar does not know."""
    first: date | None = before["date"].min()  # type: ignore[assignment]
    if first is None:
        return []
    days = sessions_between(first, session)
    recent = before.filter(pl.col("date") >= days[-min(len(days), LINE + RANGE + 2)])
    closures = set(closures_in(recent))
    return [day for day in days if day < session and day not in closures][-(LINE + RANGE + 1) :]


def _grid(rows: pl.DataFrame, days: Sequence[date], symbols: Sequence[str]) -> pl.DataFrame:
    """A row for each symbol and session, sorted so; ``n`` counts sessions. Unknown values are null."""
    calendar = pl.DataFrame({"date": days}, schema={"date": pl.Date}).with_row_index("n")
    names = pl.DataFrame({"symbol": symbols}, schema={"symbol": pl.String})
    return names.join(calendar, how="cross").join(
        rows, on=["symbol", "date"], how="left", maintain_order="left"
    )


def _settled(grid: pl.DataFrame, membership: Membership, days: Sequence[date]) -> pl.DataFrame:
    """Counts of each session in ``days``, by the members of its day; sorted by date."""
    value = pl.col("value")
    in_force = _in_force(membership, days)
    lists = pl.concat(
        [_names(each).with_columns(membership_date=pl.lit(each.as_of, pl.Date)) for each in in_force]
    )
    # A list of nobody is in force as any other: it has no row in ``lists``.
    totals = pl.DataFrame(
        [(each.as_of, len(each.symbols)) for each in in_force],
        schema={"membership_date": pl.Date, "total": pl.Int64},
        orient="row",
    )
    spans = (
        pl.DataFrame({"date": days}, schema={"date": pl.Date})
        .join_asof(totals, left_on="date", right_on="membership_date", coalesce=False)
        .drop_nulls()
    )
    counts = (
        grid.lazy()
        .with_columns(
            way=direction(value, value.shift(1)).over("symbol"),
            off_mean=direction(value, value.rolling_mean(MEAN)).over("symbol"),
            off_high=direction(value, value.shift(1).rolling_max(RANGE)).over("symbol"),
            off_low=direction(value, value.shift(1).rolling_min(RANGE)).over("symbol"),
        )
        .join(spans.lazy(), on="date")
        .join(lists.lazy(), on=["symbol", "membership_date"])
        .group_by("date")
        .agg(COUNTS)
        .collect()
    )
    return spans.join(counts, on="date", how="left").sort("date")


def _in_force(membership: Membership, days: Sequence[date]) -> Sequence[MemberList]:
    """The lists that were the last one on any of these days, and at least one."""
    lists = membership.lists
    if not days:
        return lists[:1]
    first = bisect_right(lists, days[0], key=lambda each: each.as_of)
    last = bisect_right(lists, days[-1], key=lambda each: each.as_of)
    return lists[max(first - 1, 0) : max(last, 1)]


def _names(members: MemberList) -> pl.DataFrame:
    return pl.DataFrame({"symbol": members.symbols}, schema={"symbol": pl.String})


COUNTS = (
    pl.col("way").count().cast(pl.Int64).alias("counted"),
    (pl.col("way") > 0).sum().cast(pl.Int64).alias("advances"),
    (pl.col("way") < 0).sum().cast(pl.Int64).alias("declines"),
    pl.col("off_mean").count().cast(pl.Int64).alias("mean_counted"),
    (pl.col("off_mean") > 0).sum().cast(pl.Int64).alias("above"),
    pl.min_horizontal(pl.col("off_high").count(), pl.col("off_low").count())
    .cast(pl.Int64)
    .alias("range_counted"),
    (pl.col("off_high") > 0).sum().cast(pl.Int64).alias("highs"),
    (pl.col("off_low") < 0).sum().cast(pl.Int64).alias("lows"),
)
"""Of rows with ``way``, ``off_mean``, ``off_high``, ``off_low``: directions, null where unknown."""


def _figures(counted: pl.DataFrame) -> tuple[tuple[BreadthFigures, ...], Means]:
    """Sessions in which a member is counted, and McClellan's means after the last of them."""
    means = Means()
    made: list[BreadthFigures] = []
    for row in counted.iter_rows(named=True):
        if not row["counted"]:
            continue
        means = means.with_ratio(net_ratio(row["advances"], row["declines"]))
        made.append(figures_of(row, row["date"], row["membership_date"], row["total"], means))
    return tuple(made), means


def net_ratio(advances: int, declines: int) -> float:
    """(Advances - declines) / (advances + declines); 0 where nothing moved."""
    moved = advances + declines
    return (advances - declines) / moved if moved else 0.0


def figures_of(
    counts: dict[str, int], session: date, membership_date: date, total: int, means: Means
) -> BreadthFigures:
    """The figures of a session from its COUNTS; ``means``: McClellan's with it. ``counted`` is above 0."""
    counted, advances, declines = counts["counted"], counts["advances"], counts["declines"]
    mean_counted, range_counted = counts["mean_counted"], counts["range_counted"]
    highs, lows = counts["highs"], counts["lows"]
    return BreadthFigures(
        session=session,
        membership_date=membership_date,
        total=total,
        counted=counted,
        advances=advances,
        declines=declines,
        unchanged=counted - advances - declines,
        net=advances - declines,
        share_up=advances / counted,
        above_mean=counts["above"] / mean_counted if mean_counted else None,
        mean_counted=mean_counted,
        highs=highs if range_counted else None,
        lows=lows if range_counted else None,
        net_highs=highs - lows if range_counted else None,
        range_counted=range_counted,
        net_ratio=net_ratio(advances, declines),
        mcclellan=means.mcclellan,
    )


def _table(grid: pl.DataFrame, members: MemberList, today: int) -> pl.DataFrame:
    """What today's figures need. ``today``: the place of the session shown on the calendar."""
    value, back = pl.col("value"), today - pl.col("n").cast(pl.Int64)
    mean, span = value.filter(back < MEAN), value.filter(back <= RANGE)
    latest = (
        grid.lazy()
        .group_by("symbol")
        .agg(
            back_1=value.filter(back == 1).first(),
            mean_before=pl.when(mean.count() == MEAN - 1).then(mean.sum()),
            high=pl.when(span.count() == RANGE).then(span.max()),
            low=pl.when(span.count() == RANGE).then(span.min()),
            scale=pl.col("scale").drop_nulls().last(),
        )
        .collect()
    )
    return _names(members).join(latest, on="symbol", how="left", maintain_order="left")
