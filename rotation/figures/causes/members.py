"""The figures of breadth: members of the pair's indices, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.context.wants import Part, wants
from rotation.figures.figure import Figure, Status, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.breadth.figures import BreadthFigures, IndexBreadth
    from rotation.desk import Desk
    from rotation.snapshot import Snapshot

PREFIX = "breadth."
SHARE = "share_up"


def fund_of(name: str) -> str:
    """``IWM`` of ``breadth.iwm.advances``."""
    return name.split(".")[1].upper()


def index_of(name: str, snapshot: Snapshot) -> IndexBreadth | None:
    """What the Snapshot says of the figure's fund; None where no membership of it is held."""
    return snapshot.breadth.indices.get(fund_of(name)) if snapshot.breadth else None


def breadth_figures(desk: Desk) -> list[Figure]:
    """Of both legs of the pair, known where a membership file of the fund is held; and of own universes."""
    return [figure for fund in (desk.base, desk.against, *desk.universes) for figure in _of(fund)]


def _of(fund: str) -> list[Figure]:
    members = f"members of {fund}"

    def counted(name: str, unit: str, definition: str, formula: str) -> Figure:
        def read(now: BreadthFigures) -> Value:
            value: Value = getattr(now, name)
            return value

        return _figure(f"{fund.lower()}.{name}", unit, definition, formula, _now(read))

    return [
        counted("advances", "members", f"How many {members} are above their close of the session before.",
                "count(P > P[-1])"),
        counted("declines", "members", f"How many {members} are below their close of the session before.",
                "count(P < P[-1])"),
        counted("net", "members", "Advances minus declines.", "advances - declines"),
        counted("counted", "members", f"How many {members} have a price now and of the session before.",
                "count(P, P[-1])"),
        counted("total", "members",
                f"How many {members} the latest holdings file on or before the session lists.", "count"),
        counted(SHARE, "share", "Advances by members counted.", "advances / counted"),
        counted("above_mean", "share",
                f"Share of the {members} above the mean of their last 50 closes, "
                "among those with a price now and all of these closes.",
                "count(P > mean(P[-49..0])) / count(P and its last 50 closes known)"),
        counted("net_highs", "members", "New highs of 252 sessions minus new lows.",
                "count(P > max(P[-252..-1])) - count(P < min(P[-252..-1]))"),
        counted("mcclellan", "", "McClellan oscillator of the net advance ratio.", "EMA19 - EMA39"),
        _figure(
            f"{fund.lower()}.{SHARE}.percentile",
            "percentile",
            "Midrank of the share up among at most 504 settled sessions before, all with 80 % of members "
            "counted; unknown while fewer are.",
            "100 * (count(s[d] < s) + count(s[d] == s) / 2) / n",
            lambda index: index.share_up_percentile,
        ),
        _figure(
            f"{fund.lower()}.{SHARE}.n",
            "sessions",
            "Settled sessions, with 80 % of the members counted, with which the share up is compared.",
            "count(s[d], d < today, counted[d] >= 0.8 * total[d])",
            lambda index: index.share_up_n,
        ),
    ]  # fmt: skip


def _now(read: Callable[[BreadthFigures], Value]) -> Callable[[IndexBreadth], Value]:
    return lambda index: read(index.now) if index.now else None


def _figure(
    key: str, unit: str, definition: str, formula: str, read: Callable[[IndexBreadth], Value]
) -> Figure:
    name = PREFIX + key

    def value(snapshot: Snapshot) -> Value:
        index = index_of(name, snapshot)
        return read(index) if index else None

    def status(snapshot: Snapshot) -> Status:
        index = index_of(name, snapshot)
        return index.status if index else None

    return Figure(
        name,
        unit,
        definition,
        formula,
        value,
        status,
        reads="members",
        wants=wants(Part.BREADTH),
        is_level=key.endswith(".n"),
    )


def again(name: str, index: IndexBreadth | None) -> Value:
    """Counts and shares once more from the sectors; None of what rests on more than they hold."""
    if index is None or index.now is None or not index.sectors:
        return None
    counted = sum(each.counted for each in index.sectors)
    by_field: dict[str, Value] = {
        "advances": sum(each.advances for each in index.sectors),
        "counted": counted,
        "total": sum(each.total for each in index.sectors),
        SHARE: sum(each.advances for each in index.sectors) / counted if counted else None,
    }
    return by_field.get(name.rpartition(".")[2])
