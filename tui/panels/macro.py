"""Macro: yields and the curve, prices and jobs, what is published next, banks, and how the sources are."""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.context.wants import Part
from rotation.figures.causes.banks import led, led_status
from rotation.macro.figures import ReleaseKind
from rotation.sessions import NEW_YORK
from rotation.status import Kind
from rotation.text import MONTHS, WEEKDAYS, day, short_day, spelled_duration
from rotation.wording import state_word, word_with_venue
from tui.panels import release_days
from tui.panels.asked import not_yet
from tui.panels.base import kind_role
from tui.view.chart.axis import date_axis
from tui.view.draw import (
    UNKNOWN,
    Row,
    Span,
    arrow,
    braille,
    cells,
    change,
    clean,
    column,
    fit,
    number,
    toned,
    whole,
    wrap,
)
from tui.view.marks import marker

if TYPE_CHECKING:
    import datetime as dt

    from rotation.macro.figures import BankIncome, Curve, Inflation, Macro, MacroSource, YieldIndex
    from rotation.snapshot import Leg, Snapshot, ValueGrowth
    from rotation.status import DerivedStatus
    from tui.view.marks import Mark
    from tui.view.view_state import ViewState

BESIDE_FROM = 110
RATES, PRICES = 55, 59
"""Cells that their longest lines take, notes included."""
GAP = 2
LINE_HEIGHT = 5
NAMED = {ReleaseKind.CPI: "CPI", ReleaseKind.JOBS: "jobs", ReleaseKind.FOMC: "FOMC decision"}
HOW = (
    ": the Treasury and FRED are asked while the desk is online, "
    "and rotation-tui macro import PATH… keeps FRED's files."
)
NONE = f"Nothing is known of yields, prices and jobs{HOW}"
NO_YIELDS = f"No Treasury yields are stored{HOW}"
NO_BANKS = (
    "KRE and KBE have no prices yet (rotation-tui history sync KRE KBE); if legs are set by --legs or "
    "desk.legs, add them there."
)


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Rates on the left, all else on the right; below each other where there is no room.

    On a release day its minutes come first; ``releases`` shows release days alone.
    """
    known, now = snapshot.macro, snapshot.as_of
    later = not_yet(snapshot, view, Part.MACRO, "yields, prices and jobs", "are")
    if view.releases:
        return later or release_days.rows(known, now, width, height)
    plain = marker(view, "macro")

    def mark(role: str, figure: str) -> str:
        if figure.startswith("banks."):  # the figures are of the first pair's base leg
            return role if view.pair else plain(role, figure)
        return plain(role, f"macro.{figure}")

    if width >= BESIDE_FROM:
        half = max(RATES, min((width - GAP) // 2, width - GAP - PRICES))
        rest = width - half - GAP
        minutes = release_days.today(known, now, half, height) if known is not None else []
        left = [*minutes, *(later or _rates(snapshot, half, mark))]
        pairs = zip_longest(left, _causes(snapshot, view, rest, mark), fillvalue=())
        return [
            (*fit(whole(own, half), half), (" " * GAP, "text"), *whole(beside, rest)) for own, beside in pairs
        ]
    minutes = release_days.today(known, now, width, height) if known is not None else []
    rates = later or _rates(snapshot, width, mark)
    lines = (*minutes, *rates, (), *_causes(snapshot, view, width, mark))
    return [whole(row, width) for row in lines]


def _rates(snapshot: Snapshot, width: int, mark: Mark) -> list[Row]:
    known = snapshot.macro
    if known is None or not known.yields:
        return [((line, "muted"),) for line in wrap(NONE if known is None else NO_YIELDS, width, 4)]
    lines: list[Row] = [_head("Treasury yields", 16, {"%": 7, "1d bp": 8, "1w bp": 8, "1m bp": 8}, "  of")]
    lines += [
        (
            (column(each.tenor, 16, right=False), "text"),
            (column(number(each.pct), 7), mark("strong", f"yield.{each.tenor.lower()}.pct")),
            *_changes(each.change_bp, mark, f"yield.{each.tenor.lower()}"),
            (f"  {short_day(each.date)}", "muted"),
        )
        for each in known.yields
    ]
    lines += _session(known.indices, width)
    return [*lines, *(_curve(known.curve, width, mark) if known.curve else [])]


def _session(indices: tuple[YieldIndex, ...], width: int) -> list[Row]:
    """The session's yields by the exchange's indices, apart from the settled ones; nothing without any."""
    if not indices:
        return []
    sources = ", ".join(dict.fromkeys(each.source for each in indices))
    note = f"CBOE indices by {sources}, not settled yields; change since the index's own last close"
    return [
        *(
            (
                (column(f"{each.tenor} {each.symbol}", 16, right=False), "text"),
                (column(number(each.pct), 7), "text"),
                (column(change(each.change_bp, 0), 8), "text"),
                (f"  {state_word(each.worth)} {each.at.astimezone(NEW_YORK):%H:%M}", kind_role(each.worth)),
            )
            for each in indices
        ),
        *(((line, "faint"),) for line in wrap(note, width, 3)),
    ]


def _head(name: str, room: int, columns: dict[str, int], note: str = "") -> Row:
    """A heading as wide as the columns below it, so that it loses those that they lose."""
    heads = (column(head, width) for head, width in columns.items())
    return tuple((text, "faint") for text in (column(name, room, right=False), *heads, note))


def _changes(change_bp: dict[str, float | None], mark: Mark, figure: str) -> list[Span]:
    """Rates are no profit or loss: their direction has no colour of its own."""
    return [
        (column(change(change_bp.get(key), 0), 8), mark("text", f"{figure}.change.{key}"))
        for key in ("1d", "1w", "1m")
    ]


def _curve(curve: Curve, width: int, mark: Mark) -> list[Row]:
    head: Row = (
        (column("10Y − 2Y", 16, right=False), "text"),
        (column(f"{change(curve.bp, 0)} bp", 7), mark("strong", "curve.bp")),
        *_changes(curve.change_bp, mark, "curve"),
        (f"  {short_day(curve.date)}", "muted"),
    )
    return [head, *_chart(curve.line, min(width - 7, 70))]


@lru_cache(maxsize=8)
def _chart(line: tuple[tuple[dt.date, float], ...], room: int) -> tuple[Row, ...]:
    """The curve's line and its days; cached, since it changes once a day."""
    points = [bp for _, bp in line]
    low, high = min(points), max(points)
    if len(points) < 2 or low == high or room < 1:
        return ()
    path = [(n / (len(points) - 1), (bp - low) / (high - low)) for n, bp in enumerate(points)]
    drawn = braille(path, room, LINE_HEIGHT)
    edge = {0: change(high, 0), LINE_HEIGHT - 1: change(low, 0)}
    body: list[Row] = [
        ((column(edge.get(n, ""), 6), "faint"), (" ", "text"), (text, "accent"))
        for n, text in enumerate(drawn)
    ]
    days = [when for when, _ in line]
    axis = date_axis(days, [x for x, _ in path], room, (day(days[0]), day(days[-1])))
    return (*body, ((f"       {axis.rstrip()}", "faint"),))


def _causes(snapshot: Snapshot, view: ViewState, width: int, mark: Mark) -> list[Row]:
    known = snapshot.macro
    lines: list[Row] = []
    if known is not None:
        lines += _prices(known, mark)
        lines += [(), *_next(known, snapshot.as_of)] if known.releases else []
    lines += [*([()] if lines else []), *_banks(snapshot, view, width, mark)]
    if known is not None and known.banks:
        lines += _incomes(known.banks, width)
    if snapshot.value_growth is not None:
        lines += _value_growth(snapshot.value_growth, width)
    if known is not None:
        lines += [(), *_sources(known, width)]
    return lines


def _prices(known: Macro, mark: Mark) -> list[Row]:
    lines: list[Row] = []
    if known.inflation:
        lines.append(_head("", 10, {"month": 9, "year": 9, "before": 9}, "  of"))
        lines += [_inflation(each, mark) for each in known.inflation]
    jobs = known.jobs
    if jobs is not None:
        payrolls = UNKNOWN if jobs.payrolls_change is None else f"{change(jobs.payrolls_change, 0)} thousand"
        rate = UNKNOWN if jobs.unemployment_pct is None else f"{jobs.unemployment_pct:.1f} %"
        lines.append(
            (
                ("payrolls  ", "text"),
                (payrolls, mark("strong", "payrolls.change")),
                (", unemployment ", "muted"),
                (rate, mark("strong", "unemployment.pct")),
                (f"  {_month(jobs.month)}", "muted"),
                (_out(jobs.released_at), "muted"),
            )
        )
    return lines


def _inflation(each: Inflation, mark: Mark) -> Row:
    figure = each.name.lower().replace(" ", "_")
    figures = (each.month_pct, each.year_pct, each.year_before_pct)
    shown = [UNKNOWN if pct is None else f"{change(pct)} %" for pct in figures]
    return (
        (column(each.name, 10, right=False), "text"),
        (column(shown[0], 9), mark("strong", f"{figure}.month_pct")),
        (column(shown[1], 9), mark("strong", f"{figure}.year_pct")),
        (column(shown[2], 9), "muted"),
        (f"  {_month(each.month)}", "muted"),
        (_out(each.released_at), "muted"),
    )


def _month(month: dt.date) -> str:
    return f"{MONTHS[month.month - 1]} {month.year}"


def _out(at: dt.datetime | None) -> str:
    return "" if at is None else f", out {short_day(at.astimezone(NEW_YORK).date())}"


def _next(known: Macro, now: dt.datetime) -> list[Row]:
    lines: list[Row] = []
    for each in known.releases:
        local = each.at.astimezone(NEW_YORK)
        left = max(0.0, (each.at - now).total_seconds())
        when = f"{WEEKDAYS[local.weekday()]} {short_day(local.date())} {local:%H:%M}"
        lines.append(
            (
                ("next " if not lines else "     ", "muted"),
                (column(NAMED[each.kind], 14, right=False), "text"),
                (column(when, 17, right=False), "strong"),
                (f" in {_left(left)}", "muted"),
            )
        )
    return lines


def _left(seconds: float) -> str:
    """``15 d 3 h``, ``3 h 20 min``, ``20 min``."""
    days, hours, minutes = int(seconds) // 86_400, int(seconds) // 3600 % 24, int(seconds) // 60 % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _worth(status: DerivedStatus, pair: dict[str, Leg], today: dt.date) -> str:
    """``LIVE``, ``STALE 42s``, ``close of 15 Jul``; ``OFFLINE, KRE close of 15 Jul`` where one is a print."""
    closes = {symbol: leg.settled_session for symbol, leg in pair.items() if leg.settled_session}
    dated = {
        symbol: short_day(session) if session.year == today.year else day(session)
        for symbol, session in closes.items()
    }
    if len(dated) == len(pair) and len(set(dated.values())) == 1:
        parts = [f"close of {next(iter(dated.values()))}"]
    else:
        parts = [f"{symbol} close of {when}" for symbol, when in dated.items()]
    is_one_close = status.kind is Kind.CLOSED and len(parts) == 1 and len(dated) == len(pair)
    return ", ".join(parts if is_one_close else [word_with_venue(status), *parts])


def _banks(snapshot: Snapshot, view: ViewState, width: int, mark: Mark) -> list[Row]:
    base = snapshot.spread.base
    head = _head("banks, pp", 12, {f"{k}d": 9 for k in view.windows})
    lines: list[Row] = [head]
    today = snapshot.as_of.astimezone(NEW_YORK).date()
    statuses = led_status(snapshot)
    for symbol, by_window in led(snapshot).items():
        figures: Row = (
            (column(f"{symbol} − {base}", 12, right=False), "text"),
            *(
                (column(f"{arrow(pp)}{change(pp)}", 9), mark(toned(pp), f"banks.{symbol.lower()}.{k}.pp"))
                for k, pp in ((k, by_window.get(str(k))) for k in view.windows)
            ),
        )
        pair = {name: snapshot.legs[name] for name in (symbol, base)}
        worth, role = _worth(statuses[symbol], pair, today), kind_role(statuses[symbol].kind)
        if sum(len(text) for text, _ in head) + 2 + len(worth) <= width:
            lines.append((*figures, ("  ", "text"), (worth, role)))
        else:
            lines += [figures, *((("  ", "text"), (line, role)) for line in wrap(worth, width - 2, 2))]
    return lines if len(lines) > 1 else [((line, "muted"),) for line in wrap(NO_BANKS, width, 3)]


def _incomes(banks: tuple[BankIncome, ...], width: int) -> list[Row]:
    """Net interest income on the year, a group a line, and what is unlike about some of them."""
    lines: list[Row] = [(("net interest income, newest quarter filed, on the year", "faint"),)]
    for group in dict.fromkeys(each.group for each in banks):
        own = [each for each in banks if each.group == group]
        text = ", ".join(f"{each.ticker}\N{NO-BREAK SPACE}{_year(each)}" for each in own)
        lines += [
            ((column(group if n == 0 else "", 10, right=False), "text"), (line, "strong"))
            for n, line in enumerate(wrap(text, width - 10, 3))
        ]
    newest = max(banks, key=lambda each: each.end)
    filed = max(each.filed for each in banks)
    note = f"to {newest.quarter}, last filed {day(filed)}; * after loan losses"
    lines += [((" " * 10, "text"), (line, "faint")) for line in wrap(note, width - 10, 3)]
    return lines


def _year(each: BankIncome) -> str:
    pct = UNKNOWN if each.year_pct is None else f"{change(each.year_pct, 1)}\N{NO-BREAK SPACE}%"
    return pct + "*" * each.is_after_provision


def _value_growth(stated: ValueGrowth, width: int) -> list[Row]:
    """Its level, then the trailing year's ends and since when the low is one."""
    low, high = stated.low, stated.high
    since = f"since {day(low.since)}" if low.since else f"on record (from {day(stated.first_date)})"
    return [
        (
            (f"{stated.base}/{stated.against} ", "text"),
            (number(stated.value), "strong"),
            (f"  at the close of {short_day(stated.session)}", "muted"),
        ),
        *(
            (("  ", "text"), (line, "muted"))
            for text in (
                f"year's low {number(low.value)} on {day(low.date)}, lowest {since}",
                f"year's high {number(high.value)} on {day(high.date)}",
            )
            for line in wrap(text, width - 2, 2)
        ),
    ]


def _sources(known: Macro, width: int) -> list[Row]:
    lines = [row for name, each in known.sources.items() for row in _source(name, each, width)]
    if not known.sources:
        lines.append((("from what is kept; no source was asked", "muted"),))
    for warning in known.warnings:
        lines += [((line, "warn"),) for line in wrap(warning, width, 2)]
    return lines


def _source(name: str, each: MacroSource, width: int) -> list[Row]:
    """Its worth and age; an error that has no room beside them below."""
    never = "invented" if each.kind is Kind.DEMO else "never answered"
    age = never if each.age_s is None else f"answered {spelled_duration(each.age_s)} ago"
    spans: list[Span] = [
        (column(name, 10, right=False), "text"),
        (column(each.kind.value, 8, right=False), kind_role(each.kind)),
        (age, "muted"),
    ]
    error = clean(each.error)
    if not error:
        return [tuple(spans)]
    if sum(cells(text) for text, _ in spans) + 2 + cells(error) <= width:
        return [(*spans, (f": {error}", "warn"))]
    return [tuple(spans), *(((f"  {line}", "warn"),) for line in wrap(error, width - 2, 4))]
