"""``rotation-tui fed``: the rate-cut table of a strip or of the market now, as text, JSON or CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec

from rotation.errors import InputError, UnavailableError
from rotation.fed.assemble import fed
from rotation.fed.calibration import HORIZONS
from rotation.fed.prices import prices
from rotation.fed.strip.errors import StripError
from rotation.fed.strip.file import parse_strip
from rotation.fed.table import checked_table
from rotation.text import counted, day, duration
from tui.view.draw import UNKNOWN, change, clean, column, number

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rotation.fed.calibration import CalibrationReport, Forecast, Score
    from rotation.fed.figures import Fed
    from rotation.fed.inputs import FedInputs
    from rotation.fed.odds import View
    from rotation.fed.strip.chain import StripCase
    from rotation.fed.table import FedRow, FedTable


def of_file(strip: Path, view: View, form: str, *, legacy: bool) -> str:
    """The table of the strip in a file. Raises InputError for a file or a strip that makes no sense."""
    shown = clean(strip.name or str(strip))
    try:
        data = strip.read_bytes()
    except OSError as error:
        raise InputError(f"{shown}: cannot be read ({error.strerror}); check the path") from error
    try:
        case = parse_strip(data)
        table, warnings = checked_table(case, view, legacy=legacy)
    except (InputError, StripError) as error:
        raise InputError(f"{shown}: {error}") from error
    return _FORMS[form](case, table, warnings)


def of_now(inputs: FedInputs, now_ns: int, view: View, form: str, *, legacy: bool) -> str:
    """The table of the market now, in text with the markets beside it and where everything comes from.

    Raises UnavailableError where the sources gave too little, and says which failed.
    """
    known = fed(inputs, now_ns)
    if known is None or known.cut is None or inputs.target_range_bp is None:
        raise UnavailableError(
            f"no odds now: {_missing(known, inputs)} — try again later, or give a strip with --strip FILE"
        )
    case = prices(inputs, now_ns).case(inputs, now_ns)
    try:
        table, warnings = checked_table(case, view, legacy=legacy)
    except StripError as error:
        raise UnavailableError(f"no odds now: {error}") from error
    warnings = tuple(dict.fromkeys((*known.warnings, *warnings)))
    table = msgspec.structs.replace(table, warnings=warnings)
    text = _FORMS[form](case, table, warnings)
    return text if form != "table" else text + _beside(known)


def _missing(known: Fed | None, inputs: FedInputs) -> str:
    """Why there is no table."""
    warnings = known.warnings if known else ("no upcoming FOMC decision is known",)
    lines = [clean(line) for line in warnings]
    if known and known.cut is None and not inputs.strip:
        lines.insert(0, "no futures price")
    return "; ".join(dict.fromkeys(lines)) or "no source answered"


def _beside(known: Fed) -> str:
    """The next meeting by futures and prediction markets, changes, and the age of everything."""
    lines = [
        "",
        f"next decision {day(known.meeting)}        cut %   hold %   hike %  mean bp  vs futures  prices",
    ]
    for name, engine in known.engines.items():
        shares = (None if p is None else 100 * p for p in (engine.cut, engine.hold, engine.hike))
        age = f", {duration(engine.age_s)} old" if engine.age_s is not None else ""
        note = f"; {engine.note}" if engine.note else ""
        lines.append(
            column(name, 26, right=False)
            + "".join(column(number(p, 1), 9) for p in shares)
            + column(change(engine.mean_bp, 1), 9)
            + column(change(engine.gap_bp, 1), 12)
            + f"  {engine.kind} [{engine.state}]{age}{note}"
        )
    moved = ", ".join(
        f"{word} {change(None if by is None else 100 * by, 1)}" for word, by in known.change.items()
    )
    lines += ["", f"P(cut) change in percentage points: {moved}", f"source {known.source} [{known.state}]"]
    return "\n".join(clean(line).rstrip() for line in lines) + "\n"


def _text(case: StripCase, table: FedTable, flags: tuple[str, ...]) -> str:
    low, high = case.target_range_bp
    lines = [
        f"{day(table.watch_date)}, target range {low}-{high} bp, {table.view} view",
        "",
        "meeting      move bp    cut %   hold %   hike %  ranges, most likely first",
        *(_line(row) for row in table.meetings),
    ]
    if table.stopped_at:
        lines.append(
            f"{column(day(table.stopped_at), 11, right=False)}{column(UNKNOWN, 9)}  no odds from here on"
        )
    lines += [f"note: {flag}" for flag in flags]
    return "\n".join(clean(line).rstrip() for line in lines) + "\n"


def _line(row: FedRow) -> str:
    likely = sorted(row.outcomes.items(), key=lambda item: -item[1])[:3]
    return (
        column(day(row.date), 11, right=False)
        + column(change(25 * row.move, 1), 9)
        + "".join(column(f"{100 * p:.1f}", 9) for p in (row.cut, row.hold, row.hike))
        + "  "
        + ", ".join(f"{name} {100 * p:.1f} %" for name, p in likely)
        + ("" if row.state == "ok" else f"  [{row.state}]")
    )


def _json(_case: StripCase, table: FedTable, _flags: tuple[str, ...]) -> str:
    return msgspec.json.encode(table).decode() + "\n"


def _csv(_case: StripCase, table: FedTable, _flags: tuple[str, ...]) -> str:
    """A line per meeting, a column per target range; a range a meeting cannot reach is 0."""
    ranges = sorted({name for row in table.meetings for name in row.outcomes}, key=_lower_bp)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["meeting", "move", "cut", "hold", "hike", "state", *ranges])
    for row in table.meetings:
        shares = [row.outcomes.get(name, 0.0) for name in ranges]
        lines.writerow([row.date, row.move, row.cut, row.hold, row.hike, row.state, *shares])
    return out.getvalue()


def _lower_bp(name: str) -> int:
    """``475-500`` → 475; a range below zero begins with a minus."""
    return int(name[: name.index("-", 1)])


def of_decisions(report: CalibrationReport, form: str) -> str:
    """Past decisions with what was said before each, and the scores of every engine."""
    if form == "json":
        return msgspec.json.encode(report).decode() + "\n"
    if not report.scores and not report.left_out:
        return "no odds of a past decision are stored — let a desk run, or: rotation-tui fed import FILES\n"
    engines = list(report.scores)
    lines = [
        " " * 21 + "".join(column(engine, CELL * len(HORIZONS)) for engine in engines),
        column("decision", 12, right=False)
        + column("move bp", 9)
        + "".join(column(f"{days} d", CELL - 1) + " " for _ in engines for days in HORIZONS),
    ]
    for each in report.decisions:
        known = {(forecast.engine, forecast.days): forecast for forecast in each.forecasts}
        if known:
            shares = (_before(known.get((engine, days))) for engine in engines for days in HORIZONS)
            move = change(each.move_bp, 0) if each.move_bp else "0"
            lines.append(column(day(each.date), 12, right=False) + column(move, 9) + "".join(shares))
    rows = [(engine, days, by[days]) for engine, by in report.scores.items() for days in by]
    lines += ["", "by          days before      n     Brier    mean P(cut) %   cuts %"]
    for engine, by in report.scores.items():
        for days in map(str, HORIZONS):
            reasons = report.absent.get(engine, {}).get(days, {})
            lines.append(
                _scored(engine, days, by[days], report.least_n) if days in by else _none(engine, days)
            )
            lines += [f"{'':30}no forecast for {n}: {why}" for why, n in reasons.items()]
    lines += [
        "",
        "P(cut) in %, at the end of that day, New York. Brier: 0 is perfect, 0.25 a steady one half",
    ]
    if any(score.by_settlements for _, _, score in rows):
        lines.append("*: by settlements of that day, not by a live row of the log")
    if report.left_out:
        what = counted(report.left_out, "decision")
        lines.append(f"left out: {what} whose outcome neither the shipped ranges nor the log shows")
    return "\n".join(line.rstrip() for line in lines) + "\n"


CELL = 8


def _before(forecast: Forecast | None) -> str:
    if forecast is None:
        return column(UNKNOWN, CELL - 1) + " "
    return column(f"{100 * forecast.cut:.1f}", CELL - 1) + ("*" if forecast.by == "settlements" else " ")


def _scored(engine: str, days: str, score: Score, least_n: int) -> str:
    mean, share = (None if p is None else 100 * p for p in (score.mean_cut, score.share_cut))
    return (
        column(engine, 12, right=False)
        + column(days, 11)
        + column(f"{score.n}", 7)
        + column(number(score.brier, 4), 10)
        + column(number(mean, 1), 17)
        + column(number(share, 1), 9)
        + ("" if score.brier is not None else f"   too few: {least_n} needed")
    )


def _none(engine: str, days: str) -> str:
    return column(engine, 12, right=False) + column(days, 11) + column("0", 7)


_FORMS: dict[str, Callable[[StripCase, FedTable, tuple[str, ...]], str]] = {
    "table": _text,
    "json": _json,
    "csv": _csv,
}
