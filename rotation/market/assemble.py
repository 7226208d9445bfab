"""From the desk's figures to the parts of a Snapshot."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from rotation.desk import STALE_AFTER_S, name_of
from rotation.market import auction
from rotation.market import status as worth
from rotation.market.bid_ask import shown
from rotation.market.ratios import CHART_SESSIONS, settled_ratio, value_growth
from rotation.market.records import is_few
from rotation.market.streaks import streak_of
from rotation.quote import MINUTE_NS
from rotation.sessions import close_ns, open_ns
from rotation.snapshot import Leg, Ratio, SincePp, Spread, SpreadWindow, Streak, ValueGrowth
from rotation.status import Kind
from rotation.wording import word

if TYPE_CHECKING:
    from rotation.desk import Desk
    from rotation.history import History
    from rotation.market.ratios import MinuteChanges, MinuteLine
    from rotation.market.records import Since
    from rotation.market.rows import Figures, Row
    from rotation.market.session_filter import SessionFilter
    from rotation.market.settled import Baseline
    from rotation.market.status import Provenance
    from rotation.quote import Nbbo
    from rotation.status import DerivedStatus

UNKNOWN = Streak(None, None, provisional=False)


class Moment(msgspec.Struct, frozen=True):
    """What holds for every leg of one snapshot."""

    session: date | None
    as_of_ns: int
    history: str
    """Provenance of settled closes."""
    stale_s: float = STALE_AFTER_S
    """Silence that makes a live print stale."""


def leg(
    row: Row,
    session_filter: SessionFilter,
    now: Moment,
    origin: Provenance,
    newest: Nbbo | None = None,
) -> Leg:
    """One leg of the desk. ``newest``: bid and ask, shown while they are current."""
    regular, late = session_filter.prints(row.symbol, "REGULAR"), session_filter.prints(row.symbol, "POST")
    closes_ns = close_ns(now.session) if now.session else None
    settled = row.closed == now.session and row.close is not None
    current = None if settled else session_filter.current(row.symbol)
    # Dividend-adjusted closes alone are no price: without returns made of them nothing has a worth.
    closed = None if row.close is None and row.value is None else row.closed
    last, age_s, session = row.close, None, row.closed
    if current and current.last:
        last, session = current.last.price, now.session
        status = worth.of_print(origin, current.last.ts_ns, now.as_of_ns, stale_s=now.stale_s)
        age_s = status.age_s
        if status.kind is Kind.PROVISIONAL and closes_ns is not None:
            is_missing = auction.is_missing(
                row.symbol, regular, late, closes_ns, range_incomplete=status.range_incomplete
            )
            is_unsized = worth.has_volume(origin) and auction.lacks_size(regular)
            is_incomplete = status.range_incomplete or is_missing or is_unsized
            status = replace(status, auction_missing=is_missing, range_incomplete=is_incomplete)
    else:
        status = worth.of_close(
            origin, closed, now.session, now.as_of_ns, source=now.history, stale_s=now.stale_s
        )
    if row.is_unadjusted:
        status = replace(status, kind=Kind.UNADJUSTED)
    market = shown(newest, origin, now.session, now.as_of_ns, stale_s=now.stale_s)
    late_trade = auction.late_trade(late, closes_ns) if closes_ns is not None else None
    return Leg(
        name=f"{name_of(row.symbol)} ({row.symbol})",
        last=last,
        state=word(status),
        status=status,
        age_s=age_s,
        source=status.source,
        session=session,
        high=regular.high if regular and regular.last else None,
        low=regular.low if regular and regular.last else None,
        volume=(regular.volume or None) if regular and worth.has_volume(origin) else None,
        extended=late_trade.price if late_trade else None,
        return_pct=row.return_pct,
        streak=row.streak,
        base_rate=row.base_rate,
        since=row.since,
        bid=market.bid,
        ask=market.ask,
        mid=market.mid,
        quote_age_s=market.age_s,
        settled_session=session if age_s is None else None,
    )


class Pair:
    """The spread of the pair, ranked anew only when a leg's row is another one."""

    def __init__(self, desk: Desk, baseline: Baseline | None) -> None:
        """``baseline``: the spread as settled before the session; None while there is no session."""
        self._desk = desk
        self._baseline = baseline
        self._of: tuple[Row | None, Row | None] = (None, None)
        self._spread = self._ranked(None, None, None)

    def spread(
        self, base: Row | None, against: Row | None, today: Figures | None, status: DerivedStatus | None
    ) -> Spread:
        """Its windows and relative streak; unknown where a leg is. ``status``: the pair's.

        ``today``: of the pair as of these rows; None where it has no figures.
        """
        if self._of[0] is not base or self._of[1] is not against:
            self._of, self._spread = (base, against), self._ranked(base, against, today)
        windows = {k: replace(window, status=status) for k, window in self._spread.windows.items()}
        return replace(self._spread, windows=windows)

    def _ranked(self, base: Row | None, against: Row | None, today: Figures | None) -> Spread:
        baseline, streak = self._baseline, UNKNOWN
        pps: tuple[float | None, ...] = (None,) * len(self._desk.windows)
        if baseline and base and against and today:
            pps = today.changes
            official = base.official and against.official
            streak = streak_of(baseline.before.streak, today.with_today, official=official)
        return Spread(
            base=self._desk.base,
            against=self._desk.against,
            relative_streak=streak,
            base_rate=baseline.runs.rate(streak) if baseline else None,
            windows={
                str(k): _spread_window(baseline, k, pp) for k, pp in zip(self._desk.windows, pps, strict=True)
            },
        )


def _spread_window(baseline: Baseline | None, k: int, pp: float | None) -> SpreadWindow:
    if baseline is None:
        return SpreadWindow(pp, None, None, None, 0, is_few=is_few(k))
    records = baseline.records[k]
    return SpreadWindow(
        pp=pp,
        since=_since_pp(records.since(pp)),
        z=records.z(pp),
        percentile=records.percentile(pp),
        n=records.n,
        n_effective=records.n_effective,
        is_few=is_few(k),
        since_either_way=_since_pp(records.since_either_way(pp)),
    )


def _since_pp(since: Since | None) -> SincePp | None:
    return SincePp(since.date, since.value, since.first_date) if since else None


class Charts(msgspec.Struct, frozen=True):
    """The settled lines of the ratio panels, which change only when history gains a session."""

    base: str
    against: str
    daily: tuple[tuple[date, float], ...] = ()
    first_date: date | None = None
    unit: float | None = None
    """What makes 100 of base / against at ``first_date``; None where they have no common session."""
    value_growth: ValueGrowth | None = None

    @classmethod
    def of(
        cls, history: History, desk: Desk, through: date | None, pair: tuple[str, str] | None = None
    ) -> Charts:
        """``through``: the latest session whose closes may be used; None: of none.

        ``pair``: another than the desk's first; value against growth stands beside the first alone.
        """
        base, against = pair or (desk.base, desk.against)
        if through is None:
            return cls(base, against)
        column = "adj_close" if desk.returns == "total" else "close"
        growth = None if pair else value_growth(history, desk.value, desk.growth, through)
        line = settled_ratio(history, base, against, column, through)
        if line.is_empty():
            return cls(base, against, value_growth=growth)
        daily = tuple(line.select("date", "value").tail(CHART_SESSIONS).iter_rows())
        return cls(base, against, daily, line["date"][0], line["unit"][0], growth)

    def ratio(  # noqa: PLR0917 - what a snapshot is made of
        self,
        base: Row | None,
        against: Row | None,
        today: MinuteLine,
        session_filter: SessionFilter,
        status: DerivedStatus | None,
        changes: MinuteChanges,
    ) -> Ratio:
        """Base / against now, with the daily and ``today``'s line, in units of the first common session."""
        value: float | None = None
        intraday: tuple[tuple[int, float], ...] = ()
        if self.unit and base and against:
            if base.value and against.value:
                value = base.value / against.value * self.unit
            if base.scale and against.scale:
                unit = self.unit * (base.scale / against.scale)
                upper, lower = (
                    session_filter.prints(self.base, "REGULAR"),
                    session_filter.prints(self.against, "REGULAR"),
                )
                intraday = today.of(upper, lower, unit, changes)
        if not intraday:
            today.forget()  # another pair may take note of what changes meanwhile
        return Ratio(
            base=self.base,
            against=self.against,
            value=value,
            first_date=self.first_date,
            daily=self.daily,
            intraday=intraday,
            minutes=_length(session_filter.session),
            status=status,
        )


def _length(session: date | None) -> int:
    """Minutes from bell to bell; a full session's while none is shown."""
    return (close_ns(session) - open_ns(session)) // MINUTE_NS if session else 390
