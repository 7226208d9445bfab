"""FedWatch: a whole nine-meeting table from its strip, and what else is computed when a price changes.

``view_us`` is all of the Fed's part of the Snapshot after a price has changed: nine meetings, 19 contracts,
two prediction markets, and a log of six days of minutes. ``view_again_us`` is the same strip once more,
``aged_us`` what a second without news costs.
"""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

from bench.common import Measured, mid, quantile
from rotation.fed.ageing import aged
from rotation.fed.assemble import fed
from rotation.fed.breakevens import breakevens, tick_effects
from rotation.fed.inputs import FedInputs, OutcomeQuote, PastCut, Sourced, StripQuote
from rotation.fed.prices import settled_ns
from rotation.fed.strip.chain import StripCase
from rotation.fed.strip.fit import fit
from rotation.fed.table import checked_table, fed_table
from rotation.status import Kind

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
VIEWS = 300
MINUTE_NS = 60 * 10**9
NOW_NS = settled_ns(date(2026, 3, 19)) - 4 * 60 * MINUTE_NS
CONTRACTS = 19
BOOKS = {-50: 0.005, -25: 0.02, 0: 0.93, 25: 0.04, 50: 0.005}


def inputs(price: float) -> FedInputs:
    """The strip and four far months, all traded just now; the second contract at ``price``."""
    prices = STRIP.prices | dict.fromkeys(((2027, month) for month in range(6, 10)), 96.425)
    prices[2026, 4] = price
    meeting = min(day for day in STRIP.fomc_dates if day >= STRIP.watch_date)
    quotes = tuple(
        StripQuote(
            year=year, month=month, price=known, settle=known, settle_date=date(2026, 3, 18), ts_ns=NOW_NS,
            source="bench",
        )
        for (year, month), known in prices.items()
    )  # fmt: skip
    outcomes = tuple(
        OutcomeQuote(
            venue=venue, contract=f"{move}", event="bench", label=f"{move}", year=meeting.year,
            month=meeting.month, move_bp=move, bid=chance - 0.005, ask=chance + 0.005,
        )
        for venue in ("Kalshi", "Polymarket")
        for move, chance in BOOKS.items()
    )  # fmt: skip
    past = tuple(
        PastCut(NOW_NS - age * MINUTE_NS, age % 7 / 100, settled=age % 1440 == 0)
        for age in range(6 * 1440, 0, -1)
    )
    return FedInputs(
        strip=quotes, fomc_dates=STRIP.fomc_dates, target_range_bp=STRIP.target_range_bp, effr_pct=3.63,
        outcomes=outcomes, sources=dict.fromkeys(("Kalshi", "Polymarket"), Sourced(Kind.LIVE, NOW_NS)),
        past={meeting: past},
    )  # fmt: skip


def measure_views(runs: int) -> dict[str, float]:
    """The Fed's part of the Snapshot, in microseconds."""
    took: dict[str, list[float]] = {"view": [], "view_again": [], "aged": []}
    for run in range(runs):
        given = inputs(96.37 + 0.0025 * (run % 8))
        start = time.perf_counter()
        fed(given, NOW_NS)
        changed = time.perf_counter()
        known = fed(given, NOW_NS)
        again = time.perf_counter()
        assert known is not None
        older = time.perf_counter()
        aged(known, NOW_NS + 10**9)
        end = time.perf_counter()
        for times, seconds in zip(
            took.values(), (changed - start, again - changed, end - older), strict=True
        ):
            times.append(seconds * 1e6)
        assert len(known.meetings) == MEETINGS == sum(row.cut is not None for row in known.meetings)
        assert len(known.contracts) == CONTRACTS
        assert len(known.engines) == len(("futures", "Kalshi", "Polymarket"))
    result: dict[str, float] = {f"{name}_us": mid(times, 1) for name, times in took.items()}
    return {**result, "view_p99_us": round(quantile(took["view"], 99), 1)}


def measure(*, quick: bool) -> Measured:
    runs = 20 if quick else RUNS
    calls: dict[str, Callable[[], object]] = {
        "table": lambda: fed_table(STRIP),
        "checked_table": lambda: checked_table(STRIP),
        "tick_effects": lambda: tick_effects(STRIP),
        "levers": lambda: breakevens(STRIP, 0.5),
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
            **measure_views(20 if quick else VIEWS),
        },
        AIMS,
    )
