"""Settled figures over sessions that are counted on one calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rotation.desk import pair_name, pair_prefix
from rotation.figures import walk
from rotation.figures.figure import RECORD
from rotation.figures.graph import step_of
from rotation.figures.legs import prefix
from rotation.figures.more_pairs import desk_of
from rotation.figures.pair import leader
from rotation.graph import walk as walk_graph
from rotation.market.records import TRAILING, is_few, tie
from rotation.market.streaks import is_whole, streaks
from rotation.moves import SAME, direction, return_pct
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from rotation.desk import Desk
    from rotation.figures.figure import Value

Column = list[Any]


class Segment:
    """Columns over ``days``: one row a session, oldest first."""

    def __init__(self, rows: pl.DataFrame, days: list[date], desk: Desk) -> None:
        """``rows``: of History, up to the last of ``days``."""
        self.days = days
        self._rows = rows
        self._desk = desk
        self._field = "adj_close" if desk.returns == "total" else "close"
        self._symbols = {
            prefix(symbol): symbol for symbol in dict.fromkeys((desk.base, desk.against, *desk.legs))
        }
        self._pairs = {pair_prefix(name): name for name in map(pair_name, desk.pairs)}
        self._more: dict[str, Segment] = {}
        self._wide: pl.DataFrame | None = None
        self._columns: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        """The figure of this id, made once."""
        if name not in self._columns:
            start = next((each for each in self._pairs if name.startswith(each)), "")
            made = self._of_pair(start).column(name.removeprefix(start)) if start else self._make(name)
            self._columns[name] = made
        return self._columns[name]

    def _make(self, name: str) -> Column:  # noqa: C901, PLR0911 - a table of ids
        unknown: Column = [None] * len(self.days)
        for p in sorted(self._symbols, key=len, reverse=True):
            if name.startswith(f"{p}."):
                return self._leg(self._symbols[p], name.removeprefix(f"{p}."))
        first, _, rest = name.partition(".")
        if first == "spread":
            return self._spread(rest)
        if first == "relative_streak":
            return self._run(self._pair_way(), rest or "with_today")
        if name == "ratio":
            return self._ratio()
        if first == "banks":
            return self._bank(*rest.split("."))
        if first == "graph":
            return self._graph(rest)
        if first == "value_growth":
            return self._value_growth().get(name, unknown)
        if name == "record":
            of_base = self.column(f"{prefix(self._desk.base)}.record.5")
            pair = zip(self.column("spread.5.record"), of_base, strict=True)
            return [_any(claims) for claims in pair]
        if name == "on_pace":
            return self._flag_of_pair(value=False)
        return unknown

    def _of_pair(self, start: str) -> Segment:
        """The same sessions of the pair whose ids begin like this."""
        if start not in self._more:
            desk = desk_of(self._desk, self._pairs[start])
            self._more[start] = Segment(self._rows, self.days, desk)
        return self._more[start]

    # Values

    @property
    def _grid(self) -> pl.DataFrame:
        """``date`` and two columns a symbol: its value, and its close as ``SYMBOL close``."""
        if self._wide is None:
            wide = pl.DataFrame({"date": self.days}, schema={"date": pl.Date})
            for symbol in self._symbols.values():
                own = self._rows.filter(pl.col("symbol") == symbol)
                own = own.select(
                    "date", pl.col(self._field).alias(symbol), pl.col("close").alias(f"{symbol} close")
                )
                wide = wide.join(own, on="date", how="left", maintain_order="left")
            self._wide = wide
        return self._wide

    def values(self, symbol: str) -> list[tuple[date, float | None]]:
        """A leg's value at each session."""
        return list(zip(self.days, self._grid[symbol].to_list(), strict=True))

    def _pcts(self, symbol: str, k: int) -> pl.Series:
        return self._grid.select(return_pct(pl.col(symbol), pl.col(symbol).shift(k))).to_series()

    def _is_priced(self) -> pl.Series:
        return self._grid.select(
            pl.all_horizontal(pl.col(self._desk.base).is_not_null(), pl.col(self._desk.against).is_not_null())
        ).to_series()

    def _pair_way(self) -> pl.Series:
        day = pl.Series("pp", self.column("spread.1.pp"), dtype=pl.Float64)
        pp = pl.col("pp")
        way = pl.when(pp.abs() <= 100 * SAME).then(0.0).otherwise(pp.sign())
        return day.to_frame().select(way).to_series()

    # Figures

    def _leg(self, symbol: str, name: str) -> Column:  # noqa: PLR0911 - a table of ids
        field, _, rest = name.partition(".")
        grid = self._grid
        if field == "last":
            return grid[f"{symbol} close"].to_list()
        if field == "day_pct":
            return self.column(f"{prefix(symbol)}.return.1")
        if field == "return":
            return self._pcts(symbol, int(rest)).to_list()
        if field in ("since", "record"):
            values = self.column(f"{prefix(symbol)}.return.{rest}")
            return self._since(f"{prefix(symbol)}.since.{rest}", values, field, walk.since)
        if field in ("streak", "run"):
            way = grid.select(direction(pl.col(symbol), pl.col(symbol).shift(1))).to_series()
            return self._run(way, name)
        known = grid[symbol].is_not_null().to_list()
        if field == "on_pace":
            return [False if is_known else None for is_known in known]
        if field == "status":
            return [Kind.CLOSED.value if is_known else None for is_known in known]
        return [None] * len(self.days)

    def _spread(self, name: str) -> Column:  # noqa: PLR0911 - a table of ids
        desk = self._desk
        if name == "on_pace":
            return self._flag_of_pair(value=False)
        if name == "status":
            return self._flag_of_pair(value=Kind.CLOSED.value)
        window, _, field = name.partition(".")
        if field == "pp":
            base, against = (self._pcts(symbol, int(window)) for symbol in (desk.base, desk.against))
            return (base - against).to_list()
        values = self.column(f"spread.{window}.pp")
        if field == "leader":
            return [leader(pp, desk.base, desk.against) for pp in values]
        if field in ("since", "record"):
            return self._since(f"spread.{window}.since", values, field, walk.since)
        if field == "since_either_way":
            return walk.since_either_way(self.days, values)
        if field == "z":
            return _z(values, int(window))
        if field == "percentile":
            return walk.percentiles(values)
        return walk.counts(values) if field == "n" else [None] * len(self.days)

    def _since(
        self, name: str, values: Column, field: str, find: Callable[[list[date], Column], list[Value]]
    ) -> Column:
        if field == "since":
            return find(self.days, values)
        return [None if since is None else since == RECORD for since in self.column(name)]

    def _run(self, way: pl.Series, name: str) -> Column:
        """Streaks and base rates of a series of directions."""
        w = pl.col("way")
        frame = pl.DataFrame({"way": way.cast(pl.Int64)}).with_columns(length=streaks(w), whole=is_whole(w))
        before = pl.when(pl.col("whole")).then(pl.col("length")).shift(1)
        # As ``streaks.extend``: on top of the session before.
        shown = (
            pl.when(w == 0)
            .then(0)
            .when(w.is_null() | w.shift(1).is_null())
            .then(None)
            .when(w != w.shift(1))
            .then(w)
            .otherwise(before + w)
        )
        frame = frame.with_columns(shown=shown)
        if name.startswith("run."):
            times, expected = walk.run_rates(frame["length"].to_list(), frame["shown"].to_list())
            return times if name == "run.times" else expected
        return frame["shown"].to_list()

    def _flag_of_pair(self, *, value: bool | str) -> Column:
        return [value if is_known else None for is_known in self._is_priced().to_list()]

    def _ratio(self) -> Column:
        base, against = (pl.col(symbol) for symbol in (self._desk.base, self._desk.against))
        ratio = base / against
        unit = 100 / ratio.drop_nulls().first()
        return self._grid.select(ratio * unit).to_series().to_list()

    def _graph(self, name: str) -> Column:
        own = next((p for p in sorted(self._symbols, key=len, reverse=True) if name.startswith(f"{p}.")), "")
        parts = name.removeprefix(f"{own}.").split(".")
        symbol, step, field = self._symbols.get(own, ""), step_of(parts), parts[-1]
        heads = walk_graph.heads(self._rows, symbol, self._desk, step)
        return [walk_graph.figure(heads[day], field) if day in heads else None for day in self.days]

    def _bank(self, fund: str, k: str, field: str) -> Column:
        symbol = self._symbols.get(fund)
        if symbol is None:
            return [None] * len(self.days)
        pps = (self._pcts(symbol, int(k)) - self._pcts(self._desk.base, int(k))).to_list()
        if field == "pp":
            return pps
        return walk.percentiles(pps) if field == "percentile" else walk.counts(pps)

    def _value_growth(self) -> dict[str, Column]:
        """All of its figures; None at sessions without both closes."""
        value, growth = (
            self._rows.filter(pl.col("symbol") == symbol).select("date", "adj_close").drop_nulls()
            for symbol in (self._desk.value, self._desk.growth)
        )
        both = value.join(growth, on="date", suffix="_against").sort("date")
        ratio = pl.col("adj_close") / pl.col("adj_close_against")
        line = both.select("date", value=ratio * (100 / ratio.first()))
        days, values = line["date"].to_list(), line["value"].to_list()
        columns: dict[str, Column] = {
            "value_growth": values,
            "value_growth.percentile": walk.percentiles(values),
        }
        for side, low in (("low", True), ("high", False)):
            places = _extremes(values, low=low)
            since = walk.since_rows(values, low=low)
            columns[f"value_growth.{side}"] = [values[at] for at in places]
            columns[f"value_growth.{side}.date"] = [days[at] for at in places]
            columns[f"value_growth.{side}.since"] = [_day_of(days, since[at]) for at in places]
        rows = {day: row for row, day in enumerate(days)}
        return {
            name: [column[rows[day]] if day in rows else None for day in self.days]
            for name, column in columns.items()
        }


def _any(claims: tuple[bool | None, ...]) -> bool | None:
    known = [claim for claim in claims if claim is not None]
    return any(known) if known else None


def _day_of(days: list[date], row: int | None) -> Value:
    return None if row is None else RECORD if row < 0 else days[row]


def _extremes(values: list[float], *, low: bool) -> list[int]:
    """At each row the place of the extreme of the TRAILING values up to it, the first of equal ones."""
    best: list[int] = []
    queue: list[int] = []
    head = 0
    for row, value in enumerate(values):
        while len(queue) > head and ((values[queue[-1]] > value) if low else (values[queue[-1]] < value)):
            queue.pop()
        queue.append(row)
        while queue[head] <= row - TRAILING:
            head += 1
        best.append(queue[head])
    return best


def _z(values: Column, window: int) -> Column:
    """As ``records.Records.z``, of the TRAILING known values before each."""
    if is_few(window):
        return [None] * len(values)
    known = pl.Series("v", [value for value in values if value is not None], dtype=pl.Float64)
    v = pl.col("v")
    past = v.shift(1)
    frame = known.to_frame().select(
        v,
        mean=past.rolling_mean(TRAILING),
        sd=past.rolling_std(TRAILING),
        low=past.rolling_min(TRAILING),
        high=past.rolling_max(TRAILING),
    )
    zs = iter(
        None if mean is None or high - low <= tie(high) or not sd else (value - mean) / sd
        for value, mean, sd, low, high in frame.iter_rows()
    )
    return [None if value is None else next(zs) for value in values]
