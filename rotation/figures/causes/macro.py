"""The figures of yields, prices and jobs, and how each is computed once more from its observations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.context.wants import Part, wants
from rotation.figures.figure import Figure, Status, Value
from rotation.macro.stated import RANKED, TENORS
from rotation.macro.worth import worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.macro.figures import Observation
    from rotation.snapshot import Snapshot

PREFIX = "macro."
SPANS = {"1d": "the day before that has one", "1w": "a week before", "1m": "a month before"}
INDICES = {"cpi": "the consumer price index", "core_cpi": "the consumer price index without food and energy"}


def key_of(name: str) -> str:
    """The key in ``Macro.stated`` of a figure's id; that of the change for its percentile and n."""
    key = name.removeprefix(PREFIX)
    ranked = key.removesuffix(".percentile").removesuffix(".n")
    return ranked if ranked == RANKED else key


def macro_figures() -> list[Figure]:
    """All of them: known where a source has been asked, or observations are kept."""
    return [
        *(each for tenor in TENORS for each in _yield(tenor)),
        _figure("curve.bp", "bp", "The ten-year yield minus the two-year's, of one day.", "(10Y - 2Y) * 100"),
        *_changes("curve", "the ten-year yield minus the two-year's", "curve - curve then"),
        _ranked("percentile", "percentile", "Midrank of {} among those to all earlier days."),
        _ranked("n", "days", "Earlier days with which {} is compared."),
        *(each for key in INDICES for each in _index(key)),
        _figure(
            "payrolls.change",
            "thousand",
            "Nonfarm payrolls of the newest month published against the month before, seasonally adjusted.",
            "PAYEMS - PAYEMS[-1 month]",
        ),
        _figure("unemployment.pct", "%", "Unemployment rate of the newest month published.", "UNRATE"),
    ]


def _yield(tenor: str) -> list[Figure]:
    key = f"yield.{tenor.lower()}"
    what = f"The Treasury's {tenor} par yield, constant maturity"
    return [
        _figure(f"{key}.pct", "%", f"{what}, of the newest day published.", TENORS[tenor]),
        *_changes(key, f"the Treasury's {tenor} par yield", "(yield - yield then) * 100"),
    ]


def _changes(key: str, what: str, formula: str) -> list[Figure]:
    return [
        _figure(f"{key}.change.{span}", "bp", f"Change of {what} since {then}.", formula)
        for span, then in SPANS.items()
    ]


def _index(key: str) -> list[Figure]:
    series = "CPILFESL" if key == "core_cpi" else "CPIAUCSL"
    of_year = series if key == "core_cpi" else "CPIAUCNS (not adjusted; else CPIAUCSL)"
    return [
        _figure(
            f"{key}.month_pct",
            "%",
            f"Change of {INDICES[key]} on the month, seasonally adjusted, of the newest month published.",
            f"({series} / {series}[-1 month] - 1) * 100",
        ),
        _figure(
            f"{key}.year_pct",
            "%",
            f"Change of {INDICES[key]} on the year, of the newest month published.",
            f"(index / index[-12 months] - 1) * 100, index {of_year}",
        ),
    ]


def _ranked(field: str, unit: str, definition: str) -> Figure:
    return _figure(
        f"{RANKED}.{field}",
        unit,
        definition.format(PREFIX + RANKED),
        "100 * (count(s[d] < s) + count(s[d] == s) / 2) / n" if field == "percentile" else "count(s[d])",
    )


def _figure(key: str, unit: str, definition: str, formula: str) -> Figure:
    def value(snapshot: Snapshot) -> Value:
        figure = snapshot.macro.stated.get(key_of(key)) if snapshot.macro else None
        if figure is None:
            return None
        if key_of(key) != key:
            return figure.percentile if key.endswith(".percentile") else figure.n
        return figure.value

    def status(snapshot: Snapshot) -> Status:
        return worth(snapshot.macro, key_of(key), snapshot.as_of) if snapshot.macro else None

    return Figure(
        PREFIX + key,
        unit,
        definition,
        formula,
        value,
        status,
        reads="macro",
        wants=wants(Part.MACRO),
        is_level=key.endswith((".pct", ".n")),
    )


def again(name: str, inputs: Sequence[Observation]) -> Value:
    """The figure from its observations alone; None of a rank, whose observations are too many."""
    if not inputs or key_of(name) != name.removeprefix(PREFIX):
        return None
    values = [each.value for each in inputs]
    if "change" in name and not name.endswith("payrolls.change"):
        half = len(values) // 2
        return round(100 * (_level(values[:half]) - _level(values[half:])), 6)
    if name.endswith(".bp"):
        return round(100 * _level(values), 6)
    if name.endswith(("month_pct", "year_pct")):
        return (values[0] / values[1] - 1) * 100
    return round(_level(values), 3) if name.endswith("payrolls.change") else values[0]


def _level(values: Sequence[float]) -> float:
    return values[0] - sum(values[1:])
