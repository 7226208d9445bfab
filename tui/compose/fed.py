"""``fed``: what the sources and what is kept say about the Fed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rotation.text import counted
from tui.compose import places

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from feeds.desk.opened.sources import Source
    from rotation.fed.calibration import CalibrationReport
    from rotation.fed.figures import Fed
    from rotation.fed.inputs import FedInputs
    from tui.wanted import Wanted


def inputs(*, age_gap_s: float) -> tuple[FedInputs, int]:
    """Return what the sources say about the Fed, and when (UTC ns); blocking. Raises InputError."""
    import asyncio  # noqa: PLC0415

    from feeds.fed import opening as fed_opening  # noqa: PLC0415

    asked = fed_opening.live(places.folder("fed"), places.cache(), age_gap_s=age_gap_s, tries=2, once=True)
    return asyncio.run(asked.once())


def history(since: date | None, form: Literal["csv", "json", "parquet"]) -> bytes:
    """Return the log of probabilities as the bytes of a file. Raises InputError."""
    from feeds.fed import opening as fed_opening  # noqa: PLC0415

    return fed_opening.history(places.folder("fed"), since=since, form=form)


def calibration(at: str | None) -> CalibrationReport:
    """Return how good the odds were before past decisions, by what is kept. Raises InputError."""
    from feeds.desk.opened import instants  # noqa: PLC0415
    from feeds.fed.then.fed_at import calibration_at  # noqa: PLC0415
    from rotation.history import History  # noqa: PLC0415 - brings polars

    now_ns = places.wall_ns() if at is None else instants.as_of(History.empty(), at, places.wall_ns())
    return calibration_at(places.folder("fed"), now_ns)


def import_files(paths: tuple[Path, ...]) -> list[str]:
    """Keep the settlements in these files; a line for each contract. Raises InputError."""
    from feeds.fed.then.importing import import_settlements  # noqa: PLC0415

    report = import_settlements(places.folder("fed"), paths, places.wall_ns())
    lines = [
        f"{each.symbol}  {counted(each.settlements, 'settlement'):<17}  "
        f"{each.first} to {each.last}  {each.file}"
        for each in report.contracts
    ]
    return [*lines, f"{counted(report.new, 'settlement')} new", *report.notes]


def cut_then(wanted: Wanted) -> Callable[[date], float | None] | None:
    """P(cut at the meeting that was next) after a session's close; of an invented history of nobody."""
    if wanted.demo:
        return None
    then = after_close()

    def cut(session: date) -> float | None:
        known = then(session) if then is not None else None
        return None if known is None else known.cut

    return cut


def after_close() -> Callable[[date], Fed | None] | None:
    """Return what the settlements kept said after a session's close; None where none are kept.

    Raises InputError.
    """
    from feeds.fed.then.fed_at import after_close, fed_then  # noqa: PLC0415

    then = fed_then(places.folder("fed"))
    return None if then is None else after_close(then)


def of_tape(source: Source) -> Callable[[int], Fed | None] | None:
    """The Fed of then for a tape of prices; a recording and the demo bring their own."""
    if source.tape is None or source.is_demo or "step" in source.tape.columns:
        return None
    from feeds.fed.then.fed_at import fed_then  # noqa: PLC0415

    then = fed_then(places.folder("fed"))
    return None if then is None else then.at


def past(now_ns: int) -> Fed | None:
    """Return what the settlements kept said at an instant; None where none are kept."""
    from feeds.fed.then.fed_at import fed_at  # noqa: PLC0415

    return fed_at(places.folder("fed"), now_ns)
