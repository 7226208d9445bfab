"""The table of ``rotation-tui fed``: what its JSON holds."""

from __future__ import annotations

from datetime import date

import msgspec

from rotation.fed.odds import View, distributions, odds
from rotation.fed.strip.chain import State, StripCase, solve
from rotation.fed.strip.checks import check, check_chain


class FedRow(msgspec.Struct, frozen=True):
    """One solved meeting. Probabilities are shares of 1."""

    date: date
    move: float
    """Expected move at this meeting in steps of 25 bp; a cut is negative."""
    outcomes: dict[str, float]
    """Target range in bp → probability, lowest first; in the local view as if this were the only meeting."""
    cut: float
    hold: float
    hike: float
    state: State


class FedTable(msgspec.Struct, frozen=True):
    """The coming meetings in order, up to where the chain stops."""

    watch_date: date
    view: View
    meetings: tuple[FedRow, ...]
    stopped_at: date | None
    """The first coming meeting that the strip does not solve; None where it solves all."""
    warnings: tuple[str, ...] = ()
    """What a reader should know of the strip: negative rates, a calendar that begins too late."""


def fed_table(case: StripCase, view: View = "conditional", *, legacy: bool = False) -> FedTable:
    """The table of a strip, taken as it is; empty where nothing can be solved."""
    chain = solve(case, legacy=legacy)
    rows = []
    for meeting, distribution in zip(chain.solved, distributions(chain, view), strict=True):
        row = odds(distribution, case.target_range_bp)
        assert meeting.x is not None
        rows.append(FedRow(meeting.date, meeting.x, row.outcomes, row.cut, row.hold, row.hike, meeting.state))
    return FedTable(case.watch_date, view, tuple(rows), chain.stopped_at)


def checked_table(
    case: StripCase, view: View = "conditional", *, legacy: bool = False
) -> tuple[FedTable, tuple[str, ...]]:
    """The table, and its warnings once more. Raises StripError for a strip that gives no figures."""
    warnings = check(case)
    check_chain(case, solve(case, legacy=legacy))
    table = fed_table(case, view, legacy=legacy)
    return msgspec.structs.replace(table, warnings=warnings), warnings
