"""The figures of a pair: spread, relative streak, ratio; and value against growth."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rotation.figures.figure import RECORD, Figure, Status, Value
from rotation.figures.legs import KINDS, is_official, record_value, settled_status, since_value
from rotation.figures.runs import sign
from rotation.status import derive

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.desk import Desk
    from rotation.snapshot import Snapshot, SpreadWindow, ValueGrowth

EVEN = "even"
"""Neither leg leads: within 0.0001 pp."""


def leader(pp: float | None, base: str, against: str) -> str | None:
    """Which leg is ahead by this spread; None while it is unknown."""
    way = sign(pp)
    return None if way is None else {1: base, -1: against}.get(way, EVEN)


def pair_status(snapshot: Snapshot) -> Status:
    """Status of every figure that rests on both legs of the pair."""
    return snapshot.ratio.status


def _settled_pair_status(snapshot: Snapshot) -> Status:
    pair = (snapshot.spread.base, snapshot.spread.against)
    if all(is_official(snapshot, symbol) for symbol in pair):
        return pair_status(snapshot)
    statuses = {symbol: settled_status(snapshot, symbol) for symbol in pair}
    known = {symbol: status for symbol, status in statuses.items() if status is not None}
    return derive(known, limit_s=0.0) if len(known) == len(pair) else None


def pair_figures(desk: Desk, prefix: str = "") -> list[Figure]:
    """Figures of ``desk.base`` against ``desk.against``; their ids begin with ``prefix``."""
    base, against = desk.base, desk.against
    both = (base, against)

    figure = partial(Figure, status=pair_status, symbols=both)
    p = prefix

    def window(k: int) -> list[Figure]:
        def of(read: Callable[[SpreadWindow], Value]) -> Callable[[Snapshot], Value]:
            def value(snapshot: Snapshot) -> Value:
                # A Snapshot of before a changed file may lack the window.
                known = snapshot.spread.windows.get(str(k))
                return None if known is None else read(known)

            return value

        s = f"{p}spread.{k}"
        series = f"the {k}-session return of {base} minus that of {against}"
        return [
            figure(
                f"{s}.pp",
                "pp",
                series[0].upper() + series[1:] + ", in percentage points.",
                f"({base} / {base}[-{k}] - {against} / {against}[-{k}]) * 100",
                of(lambda w: w.pp),
            ),
            figure(
                f"{s}.leader",
                "",
                f"Which leg is ahead over {'the day' if k == 1 else f'{k} sessions'}; even within 0.0001 pp.",
                f"sign of {s}.pp",
                of(lambda w: leader(w.pp, base, against)),
                kind="word",
                words=(base, against, EVEN),
            ),
            figure(
                f"{s}.since",
                "date",
                f"The most recent earlier session on which {series} was at least as large (for a value below 0, "
                'as small); "record" if there is none. Unknown with fewer than 250 settled values.',
                "max(d < today: s[d] >= s) for s >= 0, max(d < today: s[d] <= s) for s < 0",
                of(lambda w: since_value(w.since)),
                kind="date",
            ),
            figure(
                f"{s}.since_either_way",
                "date",
                f"The most recent earlier session on which {series} was at least as far from 0, "
                "whichever leg led.",
                "max(d < today: |s[d]| >= |s|)",
                of(lambda w: since_value(w.since_either_way)),
                kind="date",
            ),
            figure(
                f"{s}.record",
                "",
                "Whether no earlier session was as far ahead (or, for a value below 0, as far behind).",
                f"{s}.since == record",
                of(lambda w: record_value(w.since)),
                kind="flag",
            ),
            figure(
                f"{s}.z",
                "sd",
                "Distance from the mean of the 252 settled values before, in their sample standard deviation. "
                "Unknown with fewer, and for windows of more than 25 sessions: too few are independent.",
                "(s - mean(s[-252..-1])) / sd(s[-252..-1])",
                of(lambda w: w.z),
            ),
            figure(
                f"{s}.percentile",
                "percentile",
                "Midrank among all settled values before.",
                "100 * (count(s[d] < s) + count(s[d] == s) / 2) / n",
                of(lambda w: w.percentile),
            ),
            figure(
                f"{s}.n",
                "sessions",
                "Settled values before today's, with which it is compared.",
                "count(s[d], d < today)",
                of(lambda w: w.n),
                is_level=True,
            ),
        ]

    relative = f"Consecutive sessions on which {base}'s day return was above that of {against} (below: negative); 0 within 0.0001 pp"
    rate = "base_rate of the relative streak"

    def provisional(snapshot: Snapshot) -> bool | None:
        known = [snapshot.legs[symbol] for symbol in both if symbol in snapshot.legs]
        return any(leg.streak.provisional for leg in known) if len(known) == len(both) else None

    return [
        *(each for k in desk.windows for each in window(k)),
        figure(
            f"{p}spread.on_pace",
            "",
            "Whether the spread rests on a price of today that is not an official close; it is then only on "
            "pace for a record.",
            "today's closes are not both settled",
            provisional,
            kind="flag",
        ),
        figure(
            f"{p}spread.status",
            "",
            "Status of the spread: that of its worse leg.",
            "kind of its DerivedStatus",
            lambda s: status.kind.value if (status := s.ratio.status) else None,
            kind="state",
            words=KINDS,
        ),
        # The short id is the usual one; the long one has its place beside ``.settled``.
        *(
            figure(
                name,
                "sessions",
                f"{relative}. Today's last prices count as closes.",
                "signed length of the run that ends with today's prices",
                lambda s: s.spread.relative_streak.with_today,
            )
            for name in (f"{p}relative_streak", f"{p}relative_streak.with_today")
        ),
        figure(
            f"{p}relative_streak.settled",
            "sessions",
            f"{relative}. Official closes only.",
            "signed length of the run that ends with the latest official closes",
            lambda s: s.spread.relative_streak.settled,
            reads="settled",
            status=_settled_pair_status,
        ),
        figure(
            f"{p}relative_streak.run.times",
            "runs",
            "Earlier relative runs in the same direction that reached the current length.",
            f"runs of the {rate}",
            lambda s: s.spread.base_rate.runs if s.spread.base_rate else None,
        ),
        figure(
            f"{p}relative_streak.run.expected",
            "runs",
            "Relative runs of this length to expect if sessions were independent.",
            "p^k * ((n - k) * (1 - p) + 1), p the share of sessions in this direction among n",
            lambda s: s.spread.base_rate.expected if s.spread.base_rate else None,
        ),
        figure(
            f"{p}ratio",
            "index",
            f"{base} / {against}, rebased to 100 at the first common session.",
            f"100 * ({base} / {against}) / ({base}[0] / {against}[0])",
            lambda s: s.ratio.value,
        ),
        figure(
            f"{p}record",
            "",
            f"Whether what the headline says is a record: the spread over 5 sessions, or the 5-session "
            f"return of {base}.",
            f"{p}spread.5.record or {base.lower()}.record.5",
            _any_record(base),
            kind="flag",
        ),
        figure(
            f"{p}on_pace",
            "",
            "Whether the headline rests on a price of today that is not an official close.",
            f"{p}spread.on_pace",
            provisional,
            kind="flag",
        ),
    ]


def _any_record(base: str) -> Callable[[Snapshot], Value]:
    def read(snapshot: Snapshot) -> Value:
        leg = snapshot.legs.get(base)
        claims = (
            record_value(snapshot.spread.windows["5"].since),
            record_value(leg.since["5"]) if leg else None,
        )
        known = [claim for claim in claims if claim is not None]
        return any(known) if known else None

    return read


def value_growth_figures(desk: Desk) -> list[Figure]:
    """Figures of ``desk.value`` against ``desk.growth``; they rest on settled closes only."""
    value, growth = desk.value, desk.growth

    def of(read: Callable[[ValueGrowth], Value]) -> Callable[[Snapshot], Value]:
        return lambda snapshot: read(snapshot.value_growth) if snapshot.value_growth else None

    figure = partial(
        Figure,
        status=lambda s: s.value_growth.status if s.value_growth else None,
        symbols=(value, growth),
        reads="settled",
    )

    ratio = f"{value} / {growth} by dividend-adjusted closes"
    year = f"of {ratio} in the trailing 252 settled sessions"
    return [
        figure(
            "value_growth",
            "index",
            f"{ratio}, rebased to 100 at the first common session: a price proxy for the valuation "
            "gap, not a valuation.",
            f"100 * ({value} / {growth}) / ({value}[0] / {growth}[0])",
            of(lambda v: v.value),
        ),
        figure(
            "value_growth.percentile",
            "percentile",
            f"Midrank of {ratio} among all settled values before.",
            "100 * (count(v[d] < v) + count(v[d] == v) / 2) / n",
            of(lambda v: v.percentile),
        ),
        figure(
            "value_growth.low", "index", f"Lowest value {year}.", "min(v[-251..0])", of(lambda v: v.low.value)
        ),
        figure(
            "value_growth.low.date",
            "date",
            f"Session of the lowest value {year}.",
            "argmin(v[-251..0])",
            of(lambda v: v.low.date),
            kind="date",
        ),
        figure(
            "value_growth.low.since",
            "date",
            'The most recent session before that low that was at least as low; "record" if there is none.',
            "max(d < low.date: v[d] <= low)",
            of(lambda v: _extreme_since(v, low=True)),
            kind="date",
        ),
        figure(
            "value_growth.high",
            "index",
            f"Highest value {year}.",
            "max(v[-251..0])",
            of(lambda v: v.high.value),
        ),
        figure(
            "value_growth.high.date",
            "date",
            f"Session of the highest value {year}.",
            "argmax(v[-251..0])",
            of(lambda v: v.high.date),
            kind="date",
        ),
        figure(
            "value_growth.high.since",
            "date",
            'The most recent session before that high that was at least as high; "record" if there is none.',
            "max(d < high.date: v[d] >= high)",
            of(lambda v: _extreme_since(v, low=False)),
            kind="date",
        ),
    ]


def _extreme_since(value_growth: ValueGrowth, *, low: bool) -> Value:
    extreme = value_growth.low if low else value_growth.high
    if extreme.since is not None:
        return extreme.since
    return RECORD if extreme.first_date is not None else None
