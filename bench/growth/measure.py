"""Growth: what a batch costs with short and with long history, with few and with many symbols.

All within one process: the markets compared get the same quotes and take turns, batch by batch.
"""

from __future__ import annotations

import time
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import polars as pl

from bench import worlds
from bench.common import Measured, mid, quantile
from rotation.desk import Desk
from rotation.market.market import Market
from rotation.market.session_filter import SessionFilter
from rotation.market.settled import settle
from rotation.market.status import Provenance
from rotation.sessions import open_ns
from rotation.status import LIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.history import History
    from rotation.quote import Quote

RUNS = 5
BATCHES = 200
WARM_UP = 20
PASSES = 5
SHORT, LONG = 510, 25_000
"""Sessions of history; 25,000 are 99 years. From 505 on every figure is known: with fewer, a batch costs less
because some windows have no records and no z, which says nothing about growth."""
FEW, MANY = 12, 2_100
"""Symbols."""
MANY_SESSIONS = 300
"""Enough for every window of 2,100 symbols."""
TURNS = (
    ("few_short_all", "few_long_all"),
    ("few_short_one", "few_long_one"),
    ("many_all",),
    ("many_one",),
)
"""Symbols and history, then who prints in a batch: all of them, or one. Those of a group take turns."""
CASES = tuple(name for names in TURNS for name in names)
DESK = Desk(legs=worlds.TWELVE)
AIMS = {"history_ratio": 1.1}

Spent = tuple[float, float]
"""Wall and CPU seconds."""


def measure(*, quick: bool) -> Measured:
    runs, batches, passes, long = (1, 10, 1, 2_500) if quick else (RUNS, BATCHES, PASSES, LONG)
    few, many = worlds.symbols(FEW), worlds.symbols(MANY)
    histories = {
        "few_short": worlds.history(few, SHORT),
        "few_long": worlds.history(few, long),
        "many": worlds.history(many, 60 if quick else MANY_SESSIONS),
    }
    seen = [_batches_by_case(histories, few, many, batches) for _ in range(runs)]
    return Measured(
        runs,
        {
            "batches": batches,
            "sessions": [SHORT, long],
            "symbols": [FEW, MANY],
            "history_ratio": _ratio(seen, "few_long_all", "few_short_all"),
            "history_one_printing_ratio": _ratio(seen, "few_long_one", "few_short_one"),
            "symbols_ratio": _ratio(seen, "many_all", "few_short_all"),
            "symbols_one_printing_ratio": _ratio(seen, "many_one", "few_short_one"),
            "batch": {name: _spent([run[name] for run in seen]) for name in CASES},
            "look_back_ms": _look_backs(histories, passes),
            "reduction_us": {
                "12": _reductions(few, 5 if quick else 200),
                "2100": _reductions(many, 2 if quick else 20),
            },
        },
        AIMS,
    )


def _batches_by_case(
    histories: dict[str, History], few: list[str], many: list[str], batches: int
) -> dict[str, list[Spent]]:
    """What every batch took, case by case."""
    spent: dict[str, list[Spent]] = {}
    for names in TURNS:
        prints = worlds.Prints(many if names[0].startswith("many") else few)
        markets = {name: _market(histories[name.rpartition("_")[0]]) for name in names}
        spent |= {name: [] for name in names}
        for step in range(WARM_UP + batches):
            batch = prints.second(1 if names[0].endswith("_one") else None)
            # Who comes second finds the quotes in the processor's caches: take turns at that, too.
            for name in names if step % 2 else reversed(names):
                wall, cpu = time.perf_counter(), time.process_time()
                markets[name].apply(batch, as_of_ns=prints.now_ns)
                took = time.perf_counter() - wall, time.process_time() - cpu
                if step >= WARM_UP:
                    spent[name].append(took)
    return spent


def _ratio(runs: Sequence[dict[str, list[Spent]]], name: str, to: str) -> float:
    """How many times as long a batch of one case takes as one of another, in the same run."""
    return mid([_median_s(run[name]) / _median_s(run[to]) for run in runs])


def _median_s(spent: list[Spent]) -> float:
    return median(wall for wall, _ in spent)


def _market(history: History) -> Market:
    return Market(history, DESK, as_of_ns=open_ns(worlds.SESSION), origin=Provenance(LIVE, "generated"))


def _spent(runs: Sequence[list[Spent]]) -> dict[str, float]:
    """Medians over the runs, and the dearest batch of them all."""
    walls = [[wall * 1e6 for wall, _ in run] for run in runs]
    return {
        "us": mid([median(run) for run in walls], 1),
        "p99_us": mid([quantile(run, 99) for run in walls], 1),
        "worst_us": round(max(max(run) for run in walls), 1),
        "cpu_us": mid([1e6 * sum(cpu for _, cpu in run) / len(run) for run in runs], 1),
    }


def _look_backs(histories: dict[str, History], passes: int) -> dict[str, float]:
    """The one pass over history at a session's start, in turns."""
    took: dict[str, list[float]] = {name: [] for name in histories}
    for _ in range(passes + 1):
        for name, history in histories.items():
            start = time.perf_counter()
            settle(history, worlds.SESSION, DESK)
            took[name].append((time.perf_counter() - start) * 1e3)
    return {name: mid(times[1:], 1) for name, times in took.items()}


def _reductions(names: list[str], batches: int) -> dict[str, float]:
    """One batch reduced to last, high, low and volume a symbol: by the session filter, and by Polars.

    The session filter also judges every print and remembers it against duplicates and revisions; ``group_by``
    does not. ``polars_from_frame`` leaves out what turning quotes into columns costs.
    """
    prints = worlds.Prints(names)
    session_filter = SessionFilter()
    session_filter.expect(set(names), worlds.SESSION)
    took: dict[str, list[float]] = {"door": [], "polars": [], "polars_from_frame": []}
    for _ in range(batches):
        batch = prints.second()
        ready = _frame(batch)
        for name, call in (
            ("door", partial(_admitted, session_filter, batch, prints.now_ns)),
            ("polars", partial(_made_and_reduced, batch)),
            ("polars_from_frame", partial(_reduced, ready)),
        ):
            start = time.perf_counter()
            call()
            took[name].append((time.perf_counter() - start) * 1e6)
    return {name: mid(times, 1) for name, times in took.items()}


def _admitted(session_filter: SessionFilter, batch: list[Quote], as_of_ns: int) -> list[bool]:
    return [session_filter.admit(quote, as_of_ns) for quote in batch]


def _made_and_reduced(batch: list[Quote]) -> pl.DataFrame:
    return _reduced(_frame(batch))


def _frame(batch: list[Quote]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "symbol": [quote.symbol for quote in batch],
            "ts_ns": [quote.ts_ns for quote in batch],
            "seq": [quote.seq for quote in batch],
            "price": [quote.price for quote in batch],
            "size": [quote.size for quote in batch],
        }
    )


def _reduced(frame: pl.DataFrame) -> pl.DataFrame:
    return (
        frame.sort("ts_ns", "seq")
        .group_by("symbol")
        .agg(
            last=pl.col("price").last(),
            high=pl.col("price").max(),
            low=pl.col("price").min(),
            volume=pl.col("size").sum(),
        )
    )
