"""Contributions as text: who makes a fund's move, sector by sector and from both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.sessions import NEW_YORK
from rotation.wording import state_word
from tui.view.draw import UNKNOWN, change, column, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.breadth.figures import (
        Contribution,
        ContributionsReport,
        FundContributions,
        SpreadContributions,
    )


def text(report: ContributionsReport) -> list[str]:
    """The report in lines of at most 100 columns."""
    counted = f"{report.counted:,} of {report.total:,} counted"
    members = f"members of {report.membership_date}, {counted}" if report.total else "no members known"
    lines = [f"{report.fund}  {report.session}  {members}"]
    if report.is_provisional:
        at = f"{report.as_of.astimezone(NEW_YORK):%H:%M}"
        worth = report.status
        word = f", {state_word(worth.kind, delay_s=worth.delay_s, age_s=worth.age_s)}" if worth else ""
        lines.append(f"provisional, {at} New York{word}")
    if not report.counted:
        return [*lines, *_nothing(report)]
    for window in report.windows.values():
        lines += ["", *_fund(window)]
    for spread in (report.spread or {}).values():
        lines += ["", *_spread(spread)]
    return lines


def _nothing(report: ContributionsReport) -> list[str]:
    """Why no member is counted, and what to do about it."""
    if not report.total:
        why = f"no holdings file of {report.fund} is dated on or before this session"
        return [f"{why}; import one: rotation-tui members import --help"]
    why = "no member has a close of this session and of the one before"
    return [f"{why}; run: rotation-tui history sync --universe {report.fund}"]


def _sum(what: str, sessions: int, whole: str, parts: FundContributions | SpreadContributions) -> str:
    """``IWM, day: +1.88 % = members +1.70 pp, residual +0.18 pp``."""
    window = "day" if sessions == 1 else f"{sessions} sessions"
    members, residual = change(parts.explained_pp), change(parts.residual_pp)
    return f"{what}, {window}: {whole} = members {members} pp, residual {residual} pp"


def _fund(window: FundContributions) -> list[str]:
    lines = [
        _sum(window.fund, window.sessions, f"{change(window.fund_return_pct)} %", window),
        column("sector", 28, right=False) + column("weight %", 10) + column("pp", 9) + column("counted", 14),
    ]
    lines += [
        column(each.sector or UNKNOWN, 28, right=False)
        + column(number(each.weight_pct), 10)
        + column(change(each.contribution_pp, 3), 9)
        + column(f"{each.counted:,}/{each.total:,}", 14)
        for each in window.sectors
    ]
    return lines + _ends(window.top, window.bottom)


def _spread(spread: SpreadContributions) -> list[str]:
    return [
        _sum(f"{spread.base} − {spread.against}", spread.sessions, f"{change(spread.spread_pp)} pp", spread),
        *_ends(spread.top, spread.bottom),
    ]


def _ends(top: Sequence[Contribution], bottom: Sequence[Contribution]) -> list[str]:
    """The two ends, the highest first; a member in both stands once."""
    lines = [
        column("member", 28, right=False) + column("weight %", 10) + column("pp", 9) + column("return %", 14)
    ]
    shown = list(dict.fromkeys((*top, *bottom[::-1])))
    lines += [
        column(f"{each.symbol:<7} {each.name}", 28, right=False)
        + column(number(each.weight_pct), 10)
        + column(change(each.contribution_pp, 3), 9)
        + column(change(each.return_pct), 14)
        for each in shown
    ]
    return lines
