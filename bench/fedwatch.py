"""FedWatch: a whole nine-meeting table from its strip, and what else is computed when a price changes."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

from bench.common import Measured, mid, quantile
from rotation.fed_levers import levers, tick_effects
from rotation.fed_table import checked_table, fed_table
from rotation.fedwatch import StripCase
from rotation.strip_fit import fit

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 2_000
AIMS = {"table_us": 1000.0}
MEETINGS = 9
# CME's settlements of 19 March 2026, which price nine meetings.
STRIP = StripCase(
    date(2026, 3, 19),
    (350, 375),
    tuple(
        date(year, month, day)
        for year, month, day in (
            (2025, 12, 10), (2026, 1, 28), (2026, 3, 18), (2026, 4, 29), (2026, 6, 17), (2026, 7, 29),
            (2026, 9, 16), (2026, 10, 28), (2026, 12, 9), (2027, 1, 27), (2027, 3, 17), (2027, 4, 28),
        )
    ),
    dict(
        zip(
            [(2026, month) for month in range(3, 13)] + [(2027, month) for month in range(1, 6)],
            (96.3575, 96.37, 96.355, 96.34, 96.355, 96.355, 96.36, 96.36, 96.36, 96.4, 96.395, 96.4, 96.42,
             96.415, 96.425),
            strict=True,
        )
    ),
)  # fmt: skip


def measure(*, quick: bool) -> Measured:
    runs = 20 if quick else RUNS
    calls: dict[str, Callable[[], object]] = {
        "table": lambda: fed_table(STRIP),
        "checked_table": lambda: checked_table(STRIP),
        "tick_effects": lambda: tick_effects(STRIP),
        "levers": lambda: levers(STRIP, 0.5),
        "fit": lambda: fit(STRIP),
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            took[name].append((time.perf_counter() - start) * 1e6)
    meetings = len(fed_table(STRIP).meetings)
    assert meetings == MEETINGS
    return Measured(
        runs,
        {
            "meetings": meetings,
            **{f"{name}_us": mid(times, 1) for name, times in took.items()},
            "table_p99_us": round(quantile(took["table"], 99), 1),
            "table_worst_us": round(max(took["table"]), 1),
        },
        AIMS,
    )
