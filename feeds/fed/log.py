"""Rows of the probability log: what one is, when it is due, and how rows are written out. Pure."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.sessions import from_ns, new_york_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind = Literal["live", "settle"]
Format = Literal["csv", "json", "parquet"]
SPACING_NS = 60 * 10**9
"""At most one live row a minute."""
OUTCOMES_MAX = 200
ROUNDING = 1e-6


class Probabilities(msgspec.Struct, frozen=True):
    """What one engine gave one meeting at one instant."""

    meeting: date
    cut: float
    hold: float
    hike: float
    outcomes: dict[str, float]
    """Probability by target range in bp, like ``"475-500"``."""
    engine: str
    kind: Kind
    ts_ns: int

    @property
    def figures(self) -> tuple[float, float, float, dict[str, float]]:
        """All that can change."""
        return self.cut, self.hold, self.hike, self.outcomes


def due(new: Probabilities, live: Probabilities | None, settle: Probabilities | None) -> bool:
    """Whether a row is to be written, after the newest live and settle rows of its meeting and engine.

    A live row: when it says something new and a minute has passed since the last live one (a clock set
    back counts as passed). A settle row: once a New York day, and again if its figures are corrected.
    """
    if new.kind == "settle":
        same_day = settle is not None and new_york_day(settle.ts_ns) == new_york_day(new.ts_ns)
        return settle is None or not same_day or settle.figures != new.figures
    rows = [row for row in (live, settle) if row is not None]
    if not rows:
        return True
    spaced = live is None or abs(new.ts_ns - live.ts_ns) >= SPACING_NS
    return spaced and max(rows, key=lambda row: row.ts_ns).figures != new.figures


def checked(row: Probabilities) -> Probabilities:
    """The same row. Raises ValueError for figures outside [0, 1], or a row that is too large."""
    figures = (row.cut, row.hold, row.hike, *row.outcomes.values())
    if not all(-ROUNDING <= p <= 1 + ROUNDING for p in figures):  # false for NaN, too
        raise ValueError("a probability is outside 0 to 1")
    if len(row.outcomes) > OUTCOMES_MAX or any(len(name) > 40 for name in row.outcomes):
        raise ValueError("too many outcomes")
    if not 0 < len(row.engine) <= 40 or row.ts_ns <= 0:
        raise ValueError("an engine needs a name, and a row its time")
    return row


def export(rows: Sequence[Probabilities], kind: Format) -> bytes:
    """The rows as a file: CSV and Parquet with outcomes as JSON text, JSON as a list of objects."""
    if kind == "json":
        return msgspec.json.format(msgspec.json.encode([_flat(row, text=False) for row in rows]), indent=2)
    table = [_flat(row, text=True) for row in rows]
    return _csv(table) if kind == "csv" else _parquet(table)


_HEADS = ("time", "ts_ns", "meeting", "engine", "kind", "cut", "hold", "hike", "outcomes")


def _flat(row: Probabilities, *, text: bool) -> dict[str, object]:
    outcomes = msgspec.json.encode(row.outcomes, order="sorted").decode() if text else row.outcomes
    values = (
        from_ns(row.ts_ns).isoformat(timespec="seconds"), row.ts_ns, row.meeting.isoformat(), row.engine,
        row.kind, row.cut, row.hold, row.hike, outcomes,
    )  # fmt: skip
    return dict(zip(_HEADS, values, strict=True))


def _csv(table: Iterable[dict[str, object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _HEADS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode()


def _parquet(table: list[dict[str, object]]) -> bytes:
    # Imported on use: the store is opened before the first paint, Parquet is rarely asked for.
    import polars as pl  # noqa: PLC0415

    kinds = dict.fromkeys(_HEADS, pl.String) | dict.fromkeys(("cut", "hold", "hike"), pl.Float64)
    buffer = io.BytesIO()
    frame = pl.DataFrame(table, schema=kinds | {"ts_ns": pl.Int64})
    frame.with_columns(pl.col("meeting").str.to_date()).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
