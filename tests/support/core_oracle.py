"""The definitions, by brute force: lists, loops and whole rescans, nothing incremental, no Polars.

Only the exchange's calendar and the types Quote and Desk come from the product; test_sessions.py holds
the calendar equal to exchange_calendars. A series is a list of (day, value or None), oldest first.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.sessions import (
    NEW_YORK,
    close_ns,
    is_session,
    last_closed,
    open_ns,
    phase_at,
    previous_session,
    session_at,
    sessions_between,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.desk import Desk
    from rotation.quote import Quote

WINDOWS = (1, 5, 20, 60, 252)
MINUTE = 60 * 10**9
MEMORY = 4096
"""Prints a symbol's part of the day remembers, at most."""

NAMES = {
    "IWM": "Russell 2000 (IWM)",
    "QQQ": "Nasdaq 100 (QQQ)",
    "IWN": "Russell 2000 Value (IWN)",
    "IVW": "S&P 500 Growth (IVW)",
    "NEW": "NEW (NEW)",
}

SINCE_LEAST = 250
"""Settled values that a "since" needs; tests with short histories lower it here and in the product."""

SHARES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 100)
"""For one share, or shares for one."""

PROXY = "Ratio of dividend-adjusted closes: a price proxy for the valuation gap, not a valuation."

Series = Sequence[tuple[date, float | None]]


# Series ------------------------------------------------------------------------------------------------


def same(value: float, other: float) -> bool:
    """Equal returns, whatever the division's last digits: 1e-9 of the price ratio."""
    return abs(value - other) <= 1e-9 * max(100, abs(value))


def since(series: Series, value: float | None, *, low: bool | None = None) -> tuple[Any, Any, Any] | None:
    """(day, value, first day): scan backwards for the first at least as large, or as small for a fall."""
    known = [(day, was) for day, was in series if was is not None]
    if value is None or len(known) < SINCE_LEAST:
        return None
    falling = value < 0 if low is None else low
    for day, was in reversed(known):
        if ((was <= value) if falling else (was >= value)) or same(value, was):
            return day, was, None
    return None, None, known[0][0]


def since_either_way(series: Series, value: float | None) -> tuple[Any, Any, Any] | None:
    """The same for the distance from 0."""
    distances = [(day, None if was is None else abs(was)) for day, was in series]
    record = since(distances, None if value is None else abs(value), low=False)
    if record is None or record[0] is None:
        return record
    return record[0], dict(series)[record[0]], None


def percentile(values: Sequence[float], value: float | None) -> float | None:
    """Midrank: those below, and half of those equal, in percent."""
    if value is None or not values:
        return None
    equal = sum(same(value, was) for was in values)
    below = sum(was < value and not same(value, was) for was in values)
    return 100 * (below + equal / 2) / len(values)


def z(values: Sequence[float], value: float | None, k: int = 1) -> float | None:
    """Against the trailing 252, the current one not among them, if they hold ten windows side by side."""
    if value is None or len(values) < 252 or k * 10 > 252:
        return None
    trailing = values[-252:]
    if all(same(trailing[0], was) for was in trailing):
        return None
    return (value - statistics.mean(trailing)) / statistics.stdev(trailing)


def run_lengths(changes: Sequence[float | None], *, whole: bool = True) -> list[int | None]:
    """At each change: how many in a row went this way, signed; 0 for none; None where unknown.

    A run that goes back to a missing close, or to the series' first one, may be longer: unknown too, unless
    ``whole`` is False.
    """
    lengths: list[int | None] = []
    for i, change in enumerate(changes):
        if change is None:
            lengths.append(None)
            continue
        way = direction(change)
        back = i
        while way and back >= 0 and changes[back] is not None and direction(changes[back]) == way:
            back -= 1
        is_cut = way and (back < 0 or changes[back] is None)
        lengths.append(None if is_cut and whole else way * (i - back))
    return lengths


def direction(change: float | None) -> int:
    """1, -1 or 0; 0 too where it is unknown."""
    return 0 if change is None else 1 if change > 0 else -1 if change < 0 else 0


def way_of(spread: float | None) -> int | None:
    """Which leg gained on the day, in pp; neither within a millionth of a price."""
    return None if spread is None else 0 if abs(spread) <= 1e-4 else direction(spread)


def whole_runs(changes: Sequence[float | None]) -> list[int]:
    """The signed lengths of all maximal runs."""
    runs: list[int] = []
    before = 0
    for change in changes:
        way = direction(change)
        if way and way == before:
            runs[-1] += way
        elif way:
            runs.append(way)
        before = way
    return runs


def p_longest(n: int, k: int, p: float) -> float:
    """A Markov chain over the current run: 0 … k-1, and k where it stays."""
    if k <= 0:
        return 1.0
    state = [1.0] + [0.0] * k
    for _ in range(n):
        after = [0.0] * (k + 1)
        after[k] = state[k]
        for run in range(k):
            after[run + 1] += state[run] * p
            after[0] += state[run] * (1 - p)
        state = after
    return state[k]


def expected_runs(n: int, k: int, p: float) -> float:
    """A run of k or more may begin at each trial that leaves room: after a failure, or at the first."""
    return math.fsum((1.0 if start == 0 else 1 - p) * p**k for start in range(n - k + 1))


def base_rate(
    changes: Sequence[float | None], with_today: int | None, settled: int | None
) -> dict[str, Any] | None:
    """How often a run like the one shown came before it."""
    length = settled if with_today is None else with_today
    if not length:
        return None
    known = [change for change in changes if change is not None]
    runs = whole_runs(changes)
    if with_today is None:
        # The run shown is the sample's last: neither it nor its last session is an earlier one.
        known.pop()
        runs.pop()
    if not known:
        return None
    same_way = sum(direction(change) == direction(length) for change in known)
    return {
        "length": length,
        "runs": sum(run * length > 0 and abs(run) >= abs(length) for run in runs),
        "n": len(known),
        "p_longest": p_longest(len(known), abs(length), same_way / len(known)),
        "expected": expected_runs(len(known), abs(length), same_way / len(known)),
    }


def streak(changes: Sequence[float | None], change: float | None, *, official: bool) -> dict[str, Any]:
    """The settled streak, and the one with today's change as one session more."""
    settled = run_lengths(changes)[-1] if changes else None
    with_today = run_lengths([*changes, change])[-1]
    if official:
        return {"settled": with_today, "with_today": with_today, "provisional": False}
    return {"settled": settled, "with_today": with_today, "provisional": with_today is not None}


# Prints ------------------------------------------------------------------------------------------------


def _trades_at_night(ts_ns: int) -> bool:
    """Eight hours before 04:00 of a session, by New York's clock."""
    moment = datetime.fromtimestamp(ts_ns // 10**9, NEW_YORK)
    day = (moment.replace(tzinfo=None) + timedelta(hours=4)).date()
    return (moment.hour >= 20 or moment.hour < 4) and is_session(day)


class Book:
    """All prints of a symbol in one part of one session; every figure is computed from all of them."""

    def __init__(self, opens_ns: int, memory: int = MEMORY) -> None:
        self.opens_ns = opens_ns
        self.memory = memory
        self.prints: dict[tuple[int, int], Quote] = {}

    def take(self, quote: Quote) -> str:
        identity = quote.ts_ns, quote.seq
        if self.prints:
            newest = max(self.prints)
            forgotten = sorted(self.prints)[: -self.memory]
            if quote.ts_ns < newest[0] - MINUTE or (forgotten and identity <= forgotten[-1]):
                return "late"
        if self.prints.get(identity) == quote:
            return "duplicates"
        outcome = "revised" if identity in self.prints else "accepted"
        self.prints[identity] = quote
        return outcome

    @property
    def last(self) -> Quote | None:
        return self.prints[max(self.prints)] if self.prints else None

    @property
    def high(self) -> float:
        return max(max(q.price, q.price if q.high is None else q.high) for q in self.prints.values())

    @property
    def low(self) -> float:
        return min(min(q.price, q.price if q.low is None else q.low) for q in self.prints.values())

    @property
    def volume(self) -> int:
        return sum(q.size for q in self.prints.values())

    @property
    def minutes(self) -> dict[int, Quote]:
        """The last print of each minute; minute m runs from just after m - 1 to exactly m past the open."""
        last: dict[int, Quote] = {}
        for identity in sorted(self.prints):
            ts_ns = identity[0]
            minute = -400
            while self.opens_ns + minute * MINUTE < ts_ns:
                minute += 1
            last[minute] = self.prints[identity]
        return last


# The market --------------------------------------------------------------------------------------------


class Close(NamedTuple):
    """One row of history."""

    symbol: str
    day: date
    close: float | None
    adj_close: float | None


class Expected:
    """A market that remembers every quote it was given and computes everything anew when asked."""

    def __init__(
        self,
        rows: list[Close],
        desk: Desk,
        *,
        started_ns: int,
        mode: str = "",
        source: str = "",
        members: Iterable[str] = (),
    ) -> None:
        # A row on a day without trading is not a settled session; closes have the digits of 32-bit floats.
        self.rows = [
            Close(row.symbol, row.day, seven_digits(row.close), seven_digits(row.adj_close))
            for row in rows
            if is_session(row.day)
        ]
        self.desk = desk
        self.mode, self.source = mode, source
        self.known = {*desk.legs, *members, *(row.symbol for row in rows)}
        self.session = max((row.day for row in self.rows if row.day <= last_closed(started_ns)), default=None)
        self.counts: dict[str, int] = {}
        self.books: dict[tuple[str, str], Book] = {}

    @property
    def day(self) -> date:
        """The session shown, where there must be one."""
        assert self.session is not None
        return self.session

    # The session filter

    def take(self, quotes: Iterable[Quote], as_of_ns: int) -> None:
        for quote in quotes:
            outcome = self._take(quote, as_of_ns)
            self.counts[outcome] = self.counts.get(outcome, 0) + 1

    def _take(self, quote: Quote, as_of_ns: int) -> str:
        if quote.symbol not in self.known:
            return "unknown_symbol"
        for price in (quote.price, quote.high, quote.low):
            if price is not None and (math.isnan(price) or math.isinf(price) or price <= 0):
                return "bad_price"
        if quote.ts_ns > as_of_ns + MINUTE:
            return "future"
        session = session_at(quote.ts_ns)
        starts_ns = quote.ts_ns - quote.bar_ns
        if session_at(starts_ns) is None:
            session = None
        if session is None and _trades_at_night(starts_ns):
            return "overnight"
        if session is None or (self.session and session < self.session):
            return "off_session"
        if session != self.session:
            self.session = session
            self.counts.clear()
            self.books.clear()
        if starts_ns < open_ns(session):
            part = "PRE"
        elif starts_ns < close_ns(session) or (starts_ns == close_ns(session) and not quote.bar_ns):
            part = "REGULAR"
        else:
            part = "POST"
        return self.books.setdefault((quote.symbol, part), Book(open_ns(session))).take(quote)

    def current(self, symbol: str) -> Quote | None:
        """Regular prints; pre-market ones until there is one; never late ones."""
        book = self.books.get((symbol, "REGULAR")) or self.books.get((symbol, "PRE"))
        return book.last if book else None

    # History

    def value(self, row: Close | None) -> float | None:
        if row is None:
            return None
        return row.adj_close if self.desk.returns == "total" else row.close

    def past(self, symbol: str) -> dict[date, Close]:
        """Settled before the session."""
        return {row.day: row for row in self.rows if row.symbol == symbol and row.day < self.day}

    def official(self, symbol: str, as_of_ns: int) -> Close | None:
        """The session's own close, once its bell has rung and history has it."""
        if as_of_ns < close_ns(self.day):
            return None
        rows = [row for row in self.rows if row.symbol == symbol and row.day == self.day]
        return rows[0] if rows else None

    def days(self) -> list[date]:
        """Every session before the one shown, from the first row on."""
        past = [row for row in self.rows if row.day < self.day]
        first = min((row.day for row in past), default=self.day)
        days = [day for day in sessions_between(first, self.day) if day < self.day]
        traded = {row.day for row in past if row.close is not None or row.adj_close is not None}
        return [day for day in days if day in traded or not was_closed(past, day)]

    def line(self, symbol: str) -> Series:
        past = self.past(symbol)
        return [(day, self.value(past.get(day))) for day in self.days()]

    # Today

    def looks_split(self, symbol: str) -> bool:
        """No print of today is near the close before, and the newest is a split's ratio away from it.

        What the other legs have moved, in the median, is no part of that.
        """
        moves = {leg: self._move(leg) for leg in self.desk.legs}
        own, close = moves.get(symbol), self._close_before(symbol)
        if own is None or close is None:
            return False
        books = [self.books.get((symbol, part)) for part in ("REGULAR", "PRE")]
        seen = [end for book in books if book and book.last for end in (book.high, book.low)]
        current = self.current(symbol)
        assert current is not None
        prices = [price for price in (current.price, *seen) if price is not None]
        if min(prices) < close < max(prices) or any(close / 1.25 < price < close * 1.25 for price in prices):
            return False  # a range around the close has been near it
        others = [move for leg, move in moves.items() if leg != symbol and move is not None]
        away = own - (statistics.median(others) if others else 0.0)
        ways = [(new, 1) for new in SHARES] + [(1, new) for new in SHARES] + [(3, 2)]
        return any(abs(away - math.log(old / new)) <= math.log(1.08) for new, old in ways)

    def _move(self, leg: str) -> float | None:
        current, close = self.current(leg), self._close_before(leg)
        return math.log(current.price) - math.log(close) if current and close else None

    def _close_before(self, leg: str) -> float | None:
        """Of the session before, or of the one before that where it has none."""
        before = previous_session(self.day)
        for day in (before, previous_session(before)):
            for row in self.rows:
                if (row.symbol, row.day) == (leg, day) and row.close:
                    return row.close
        return None

    def scale(self, symbol: str) -> float | None:
        """Value per unit of price, at the latest session that has a value."""
        if self.looks_split(symbol):
            return None
        valued = [row for _, row in sorted(self.past(symbol).items()) if self.value(row) is not None]
        if not valued or valued[-1].close is None:
            return None
        value = self.value(valued[-1])
        assert value is not None
        return value / valued[-1].close

    def today(self, symbol: str, as_of_ns: int) -> tuple[float | None, bool]:
        """(value, whether it is official)."""
        if self.looks_split(symbol):
            return None, False
        official = self.value(self.official(symbol, as_of_ns))
        if official is not None:
            return official, True
        print_, scale = self.current(symbol), self.scale(symbol)
        return (print_.price * scale if print_ and scale else None), False

    def snapshot(self, as_of_ns: int) -> dict[str, Any]:
        """All that ``msgspec.to_builtins(snapshot)`` shows, but seq and the two texts made of it."""
        legs = {}
        if self.session:
            shown = [symbol for symbol in self.desk.legs if self._has_leg(symbol, as_of_ns)]
            legs = {symbol: self._leg(symbol, as_of_ns) for symbol in shown}
        return {
            "as_of": datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=as_of_ns // 1000),
            "session": self.session,
            "phase": phase_at(as_of_ns),
            "mode": self.mode if self.mode in ("DEMO", "REPLAY") else "",
            "legs": legs,
            "spread": self._spread(legs, as_of_ns),
            "ratio": self._ratio(legs, as_of_ns),
            "value_growth": self._value_growth(as_of_ns),
            "fed": None,
            "breadth": None,
            "banks": self._banks(legs),
            "counts": dict(sorted(self.counts.items())),
        }

    def _has_leg(self, symbol: str, as_of_ns: int) -> bool:
        return bool(self.past(symbol) or self.official(symbol, as_of_ns) or self.current(symbol))

    def _leg(self, symbol: str, as_of_ns: int) -> dict[str, Any]:
        series = self.line(symbol)
        value, official = self.today(symbol, as_of_ns)
        changes = differences(from_first([was for _, was in series]))
        change = difference_of(value, series[-1][1] if series else None)
        returns = {k: return_on(series, value, k) for k in WINDOWS}
        shown = streak(changes, change, official=official)
        last = self._last(symbol, as_of_ns)
        settled = last.pop("settled_session")
        if self.looks_split(symbol):
            shown = {"settled": None, "with_today": None, "provisional": False}
            last["state"] = "UNADJUSTED"
        regular, late = self.books.get((symbol, "REGULAR")), self.books.get((symbol, "POST"))
        return {
            "name": NAMES[symbol],
            **last,
            "high": regular.high if regular else None,
            "low": regular.low if regular else None,
            "volume": (regular.volume or None)
            if regular and not self.mode.startswith(("LIVE", "DELAYED"))
            else None,
            "extended": self._late_price(late),
            "return_pct": {str(k): pct for k, pct in returns.items()},
            "streak": shown,
            "base_rate": base_rate(changes, shown["with_today"], shown["settled"]),
            "since": {
                str(k): since_fields(since(returns_of(series, k), pct), "value_pct")
                for k, pct in returns.items()
            },
            **dict.fromkeys(("bid", "ask", "mid", "quote_age_s")),
            "settled_session": settled,
        }

    def _late_price(self, late: Book | None) -> float | None:
        """Of the last trade after hours; a bar of the two minutes after the bell may be the auction's."""
        last = late.last if late else None
        is_mixed = (
            last is not None and last.bar_ns and last.ts_ns - last.bar_ns < close_ns(self.day) + 120 * 10**9
        )
        return None if last is None or is_mixed else last.price

    def _last(self, symbol: str, as_of_ns: int) -> dict[str, Any]:
        """Today's official close, else today's print, else the latest close known."""
        official, print_ = self.official(symbol, as_of_ns), self.current(symbol)
        past = sorted(self.past(symbol).items())
        if print_ and not (official and official.close is not None):
            age_s = max(0.0, (as_of_ns - print_.ts_ns) / 1e9)
            return {
                "last": print_.price,
                "state": self._state_of_print(print_.ts_ns, as_of_ns, age_s),
                "age_s": age_s,
                "source": self.source,
                "session": self.session,
                "settled_session": None,
            }
        if official:
            past.append((self.day, official))
        closes = [(row.close, day) for day, row in past if row.close is not None]
        close, closed = closes[-1] if closes else (None, past[-1][0] if past else None)
        # Dividend-adjusted closes alone are worth something only where returns are made of them.
        is_worth = close is not None or (official is not None and self.value(official) is not None)
        return {
            "last": close,
            "state": self._state_of_close(closed if is_worth else None, as_of_ns),
            "age_s": None,
            "source": "history",
            "session": closed,
            "settled_session": closed,
        }

    def _state_of_print(self, ts_ns: int, as_of_ns: int, age_s: float) -> str:
        late_by = {"LIVE": 0, "DELAYED 15m": 15 * 60}.get(self.mode)
        if late_by is None:
            return self.mode or "OFFLINE"  # a price that no feed vouches for
        bell_ns = close_ns(self.day)
        if as_of_ns > bell_ns + late_by * 10**9:
            newest = last_closed(as_of_ns) == self.session and not self._has_been_open(late_by, as_of_ns)
            is_last = newest and ts_ns >= bell_ns - 900 * 10**9
            return "PROVISIONAL" if is_last else f"STALE {duration(age_s)}"
        patience = 30 if self._has_been_open(late_by, as_of_ns) else 15 * 60
        return f"STALE {duration(age_s)}" if age_s > patience + late_by else self.mode

    def _has_been_open(self, late_by: int, as_of_ns: int) -> bool:
        return phase_at(as_of_ns) == "REGULAR" and phase_at(as_of_ns - (30 + late_by) * 10**9) == "REGULAR"

    def _state_of_close(self, closed: date | None, as_of_ns: int) -> str:
        if self.mode == "DEMO":
            return "DEMO"
        if self.mode in ("LIVE", "DELAYED 15m") and closed is not None:
            today = datetime.fromtimestamp(as_of_ns // 10**9, NEW_YORK).date()
            late_by = 15 * 60 if self.mode.startswith("DELAYED") else 0
            newest = closed == last_closed(as_of_ns) and not self._has_been_open(late_by, as_of_ns)
            return "CLOSED" if newest else f"STALE {(today - closed).days}d"
        if closed == self.session:
            overtaken = last_closed(as_of_ns) != self.session or phase_at(as_of_ns) == "REGULAR"
            return "OFFLINE" if overtaken else "CLOSED"
        if closed is None or closed == previous_session(self.day):
            return "OFFLINE"
        today = datetime.fromtimestamp(as_of_ns // 10**9, NEW_YORK).date()
        return f"STALE {(today - closed).days}d"

    # The pair

    def _spread(self, legs: dict[str, Any], as_of_ns: int) -> dict[str, Any]:
        base, against = self.desk.base, self.desk.against
        both = base in legs and against in legs
        settled: dict[int, list[tuple[date, float | None]]] = {k: [] for k in WINDOWS}
        if self.session:
            upper, lower = self.line(base), self.line(against)
            for k in WINDOWS:
                pairs = zip(returns_of(upper, k), returns_of(lower, k), strict=True)
                settled[k] = [(day, minus(b, a)) for (day, b), (_, a) in pairs]
        pps = dict.fromkeys(WINDOWS)
        if both:
            pps = {
                k: minus(legs[base]["return_pct"][str(k)], legs[against]["return_pct"][str(k)])
                for k in WINDOWS
            }
        relative = {"settled": None, "with_today": None, "provisional": False}
        rate = None
        changes = [way_of(change) for _, change in settled[1]]
        if self.session:
            both_priced = [
                None if None in (b, a) else 1.0 for (_, b), (_, a) in zip(upper, lower, strict=True)
            ]
            changes = changes[len(changes) - len(from_first(both_priced)) :]
        if both:
            official = self.today(base, as_of_ns)[1] and self.today(against, as_of_ns)[1]
            relative = streak(changes, way_of(pps[1]), official=official)
            rate = base_rate(changes, relative["with_today"], relative["settled"])
        windows = {}
        for k in WINDOWS:
            ranked = [pp for _, pp in settled[k] if pp is not None]
            windows[str(k)] = {
                "pp": pps[k],
                "since": since_fields(since(settled[k], pps[k]), "value_pp"),
                "z": z(ranked, pps[k], k),
                "percentile": percentile(ranked, pps[k]),
                "n": len(ranked),
                "n_effective": len(ranked) / k,
                "is_few": k * 10 > 252,
                "since_either_way": since_fields(since_either_way(settled[k], pps[k]), "value_pp"),
            }
        return {
            "base": base,
            "against": against,
            "relative_streak": relative,
            "base_rate": rate,
            "windows": windows,
        }

    def _banks(self, legs: dict[str, Any]) -> dict[str, Any]:
        """Day return of KRE and KBE minus the base leg's, and its rank among those settled before."""
        base = self.desk.base
        made: dict[str, Any] = {}
        for fund in ("KRE", "KBE"):
            if fund == base or fund not in legs or base not in legs:
                continue
            own, other = (returns_of(self.line(symbol), 1) for symbol in (fund, base))
            before = [minus(b, a) for (_, b), (_, a) in zip(own, other, strict=True)]
            ranked = [pp for pp in before if pp is not None]
            now = None
            if legs[fund]["session"] == legs[base]["session"]:
                now = minus(legs[fund]["return_pct"]["1"], legs[base]["return_pct"]["1"])
            made[fund] = {"day_pp": now, "percentile": percentile(ranked, now), "n": len(ranked)}
        return made

    # The ratios

    def through(self, as_of_ns: int) -> date:
        """The latest session whose closes may be used."""
        return self.day if as_of_ns >= close_ns(self.day) else previous_session(self.day)

    def _pair(self, base: str, against: str, as_of_ns: int, *, total: bool) -> list[tuple[date, float]]:
        """base / against of every session that has both."""
        column = "adj_close" if total else "close"
        through = self.through(as_of_ns)
        closes = {
            (row.symbol, row.day): getattr(row, column)
            for row in self.rows
            if row.day <= through and getattr(row, column) is not None
        }
        days = sorted(day for symbol, day in closes if symbol == base and (against, day) in closes)
        return [(day, closes[base, day] / closes[against, day]) for day in days]

    def _ratio(self, legs: dict[str, Any], as_of_ns: int) -> dict[str, Any]:
        base, against = self.desk.base, self.desk.against
        shown: dict[str, Any] = {
            "base": base,
            "against": against,
            "value": None,
            "first_date": None,
            "daily": (),
            "intraday": (),
            "minutes": 390,
        }
        if self.session:
            shown["minutes"] = (close_ns(self.session) - open_ns(self.session)) // MINUTE
        pair = self._pair(base, against, as_of_ns, total=self.desk.returns == "total") if self.session else []
        if not pair:
            return shown
        first = pair[0][1]
        shown["first_date"] = pair[0][0]
        shown["daily"] = tuple((day, ratio / first * 100) for day, ratio in pair[-252:])
        if not (base in legs and against in legs):
            return shown
        upper, lower = self.today(base, as_of_ns)[0], self.today(against, as_of_ns)[0]
        if upper is not None and lower is not None:
            shown["value"] = upper / lower / first * 100
        shown["intraday"] = self._intraday(first)
        return shown

    def _intraday(self, first: float) -> tuple[tuple[int, float], ...]:
        base, against = self.desk.base, self.desk.against
        base_book, against_book = self.books.get((base, "REGULAR")), self.books.get((against, "REGULAR"))
        base_scale, against_scale = self.scale(base), self.scale(against)
        if not (base_book and against_book and base_scale and against_scale):
            return ()
        upper, lower = base_book.minutes, against_book.minutes
        line = []
        for minute in sorted({*upper, *lower}):
            # The last print of each leg up to the end of this minute.
            b = [upper[m].price for m in sorted(upper) if m <= minute]
            a = [lower[m].price for m in sorted(lower) if m <= minute]
            if b and a:
                line.append((minute, b[-1] * base_scale / (a[-1] * against_scale) / first * 100))
        return tuple(line)

    def _value_growth(self, as_of_ns: int) -> dict[str, Any] | None:
        base, against = self.desk.value, self.desk.growth
        pair = self._pair(base, against, as_of_ns, total=True) if self.session else []
        if not pair:
            return None
        series = [(day, ratio * (100 / pair[0][1])) for day, ratio in pair]
        values = [ratio for _, ratio in series]
        year = values[-252:]
        return {
            "base": base,
            "against": against,
            "session": series[-1][0],
            "value": values[-1],
            "first_date": series[0][0],
            "low": extreme(series, min(year)),
            "high": extreme(series, max(year), low=False),
            "percentile": percentile(values[:-1], values[-1]),
            "n": len(values) - 1,
            "note": PROXY,
        }


def extreme(series: Series, value: float, *, low: bool = True) -> dict[str, Any]:
    """The first session of the trailing 252 that stood at ``value``, and since when that is extreme."""
    start = max(0, len(series) - 252)
    at = next(i for i in range(start, len(series)) if series[i][1] == value)
    record = since(series[:at], value, low=low)
    return {
        "date": series[at][0],
        "value": value,
        "since": record[0] if record else None,
        "first_date": record[2] if record else None,
    }


def differences(values: Sequence[float | None]) -> list[float | None]:
    return [None] * bool(values) + [difference_of(b, a) for a, b in pairwise(values)]


def from_first(values: list[float | None]) -> list[float | None]:
    """Without the sessions before the first that has a value."""
    known = [i for i, value in enumerate(values) if value is not None]
    return values[known[0] :] if known else []


def difference_of(now: float | None, was: float | None) -> float | None:
    """0 for prices that are equal but for a millionth."""
    return None if now is None or was is None else 0.0 if abs(now - was) <= was / 1e6 else now - was


def seven_digits(price: float | None) -> float | None:
    """Rounded as on paper: half up, from the digits that a person would write."""
    if price is None:
        return None
    written = Decimal(repr(price))
    return float(written.quantize(Decimal(1).scaleb(written.adjusted() - 6), ROUND_HALF_UP))


def was_closed(past: Sequence[Close], day: date) -> bool:
    """No symbol has a close on this day, though five have one before it and one after it."""
    priced = [row for row in past if row.close is not None or row.adj_close is not None]
    if any(row.day == day for row in priced):
        return False
    before = {row.symbol for row in priced if row.day < day}
    after = {row.symbol for row in priced if row.day > day}
    return len(before & after) >= 5


def minus(b: float | None, a: float | None) -> float | None:
    return None if a is None or b is None else b - a


def percent(now: float | None, was: float | None) -> float | None:
    if now is None or was is None:
        return None
    return 0.0 if difference_of(now, was) == 0 else (now / was - 1) * 100


def return_on(series: Series, now: float | None, k: int) -> float | None:
    """Today against k sessions back; the session before today is one back."""
    return percent(now, series[-k][1]) if len(series) >= k else None


def returns_of(series: Series, k: int) -> Series:
    return [(day, percent(now, series[i - k][1]) if i >= k else None) for i, (day, now) in enumerate(series)]


def since_fields(record: tuple[Any, Any, Any] | None, value: str) -> dict[str, Any] | None:
    return None if record is None else {"date": record[0], value: record[1], "first_date": record[2]}


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{math.floor(seconds)}s"
    if seconds < 3600:
        return f"{math.floor(seconds / 60)}m"
    if seconds < 86400:
        return f"{math.floor(seconds / 3600)}h"
    return f"{math.floor(seconds / 86400)}d"


# Comparing ---------------------------------------------------------------------------------------------


def difference(given: Any, wanted: Any, path: str = "") -> str:
    """Where two trees of dicts, tuples and values differ first; "" where they do not.

    Floats may differ in the last digits, as a sum or a quotient taken in another order does.
    """
    if isinstance(wanted, dict) and isinstance(given, dict):
        if list(given) != list(wanted):
            return f"{path}: has {list(given)}, not {list(wanted)}"
        pairs = [(given[key], wanted[key], f"{path}.{key}") for key in wanted]
    elif isinstance(wanted, tuple) and isinstance(given, tuple):
        if len(given) != len(wanted):
            return f"{path}: {len(given)} items, not {len(wanted)}"
        pairs = [(f, w, f"{path}[{i}]") for i, (f, w) in enumerate(zip(given, wanted, strict=True))]
    elif isinstance(wanted, float) and isinstance(given, float):
        # z divides by a sample sd, which magnifies the rounding of the mean.
        close = math.isclose(given, wanted, rel_tol=1e-9, abs_tol=1e-6 if path.endswith(".z") else 1e-9)
        return "" if close else f"{path}: {given!r}, not {wanted!r}"
    else:
        same = type(given) is type(wanted) and given == wanted
        return "" if same else f"{path}: {given!r}, not {wanted!r}"
    return next((shown for pair in pairs if (shown := difference(*pair))), "")
