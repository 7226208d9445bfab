"""Who makes a fund's return: each member's weight times its return, by sectors, and what is left over.

Weights are those of the last membership file before the session shown, for every window: members and
residual add up to the fund's return, and the residual holds what weights have drifted within the window.
"""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.breadth.figures import (
    Contribution,
    FundContributions,
    SectorContribution,
    SpreadContributions,
)
from rotation.breadth.members import spelling
from rotation.history import closures_in
from rotation.moves import return_pct
from rotation.sessions import sessions_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from rotation.breadth.members import Membership
    from rotation.history import History

AROUND = 20
"""Sessions further back that tell a closed day from one that nobody has closes of."""
MOST = 10
"""Members at either end of a report."""


def values_before(history: History, session: date, back: int, *, column: str = "close") -> pl.DataFrame:
    """``symbol`` and ``was``: every value ``back`` sessions before the session; empty if there is none.

    A day without any trading is no session, though the calendar does not know that it was closed.
    """
    days = [day for day in sessions_between(history.first or session, session) if day < session]
    if days:
        before = history.before(session)
        recent = before.filter(pl.col("date") >= days[-min(len(days), back + AROUND)])
        closures = set(closures_in(recent))
        days = [day for day in days if day not in closures]
    if len(days) < back:
        return pl.DataFrame(schema={"symbol": pl.String, "was": pl.Float64})
    return (
        history.on(days[-back])
        .select(spelling(pl.col("symbol")).alias("symbol"), was=pl.col(column))
        .unique("symbol", keep="first", maintain_order=True)
    )


def contributions(
    membership: Membership,
    session: date,
    *,
    sessions: int,
    was: pl.DataFrame,
    values: Mapping[str, float | None],
    fund_return_pct: float | None,
) -> FundContributions:
    """For the session shown. ``was``: see ``values_before``; ``values``: of the members on the session."""
    held = membership.before(session)
    if held is None:
        return FundContributions(
            membership.fund, sessions, session, None, fund_return_pct, None, None, 0, 0, (), (), (), ()
        )
    now = pl.Series("value", [values.get(symbol) for symbol in held.symbols], dtype=pl.Float64)
    pct = return_pct(pl.col("value"), pl.col("was"))
    frame = (
        held.frame.hstack([now])
        .join(was, on="symbol", how="left", maintain_order="left")
        .select(
            "symbol",
            "name",
            "sector",
            "weight_pct",
            return_pct=pct,
            contribution_pp=pl.col("weight_pct") * pct / 100,
        )
        .sort("contribution_pp", "symbol", descending=[True, False], nulls_last=True)
    )
    members = tuple(Contribution(*row) for row in frame.iter_rows())
    ranked = [each for each in members if each.contribution_pp is not None]
    known = [each.contribution_pp or 0.0 for each in ranked]
    explained = fsum(known) if known else None
    return FundContributions(
        fund=membership.fund,
        sessions=sessions,
        session=session,
        membership_date=held.as_of,
        fund_return_pct=fund_return_pct,
        explained_pp=explained,
        residual_pp=_minus(fund_return_pct, explained),
        counted=len(known),
        total=len(members),
        sectors=_sectors(members),
        top=tuple(ranked[:MOST]),
        bottom=tuple(ranked[::-1][:MOST]),
        members=members,
    )


def _minus(whole: float | None, part: float | None) -> float | None:
    return None if whole is None or part is None else whole - part


def _sectors(members: Iterable[Contribution]) -> tuple[SectorContribution, ...]:
    by_sector: dict[str, list[Contribution]] = {}
    for member in members:
        by_sector.setdefault(member.sector, []).append(member)
    made = []
    for sector, group in by_sector.items():
        known = [each for each in group if each.contribution_pp is not None]
        made.append(
            SectorContribution(
                sector=sector,
                weight_pct=fsum(each.weight_pct or 0.0 for each in known) if known else None,
                contribution_pp=fsum(each.contribution_pp or 0.0 for each in known) if known else None,
                counted=len(known),
                total=len(group),
            )
        )
    return tuple(sorted(made, key=_by_contribution))


def _by_contribution(of: SectorContribution) -> tuple[bool, float, str]:
    """The highest first, those of which nothing is known last."""
    return of.contribution_pp is None, -(of.contribution_pp or 0.0), of.sector


def of_spread(
    base: FundContributions, against: FundContributions, spread_pp: float | None
) -> SpreadContributions:
    """The spread's: what the base's members add, less what those of the other fund add."""
    signed = [each for each in base.members if each.contribution_pp is not None]
    signed += [
        msgspec.structs.replace(each, contribution_pp=-each.contribution_pp)
        for each in against.members
        if each.contribution_pp is not None
    ]
    ranked = sorted(signed, key=lambda each: (-(each.contribution_pp or 0.0), each.symbol))
    explained = None
    if base.explained_pp is not None and against.explained_pp is not None:
        explained = base.explained_pp - against.explained_pp
    return SpreadContributions(
        base=base.fund,
        against=against.fund,
        sessions=base.sessions,
        spread_pp=spread_pp,
        explained_pp=explained,
        residual_pp=_minus(spread_pp, explained),
        top=tuple(ranked[:MOST]),
        bottom=tuple(ranked[::-1][:MOST]),
    )
