"""``macro``: yields, prices and jobs, now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.compose import places

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from feeds.desk.opened.sources import Source
    from rotation.macro.figures import Macro
    from rotation.macro.release_days import ReleaseDays


def then(source: Source, pair: tuple[str, str]) -> Callable[[int], Macro | None] | None:
    """What is kept of yields, prices and jobs; a recording brings its own, and the demo has none."""
    if source.is_demo or (source.tape is not None and "step" in source.tape.columns):
        return None
    from feeds.macro.macro_at import macro_then  # noqa: PLC0415

    return macro_then(places.folder("macro"), pair)


def past(now_ns: int, pair: tuple[str, str]) -> Macro | None:
    """Return what was known of yields, prices and jobs at an instant; None where nothing is kept."""
    from feeds.macro.macro_at import macro_at  # noqa: PLC0415

    return macro_at(places.folder("macro"), now_ns, pair)


def release_days(tapes: tuple[Path, ...], pair: tuple[str, str], at: str | None) -> ReleaseDays:
    """Return minute paths around publications, of tapes, kept bars and our log. Raises InputError."""
    from feeds.desk.opened import instants  # noqa: PLC0415
    from feeds.macro.macro_at import releases_kept  # noqa: PLC0415
    from rotation.history import History  # noqa: PLC0415 - brings polars

    now_ns = places.wall_ns() if at is None else instants.as_of(History.empty(), at, places.wall_ns())
    return releases_kept(places.folder("macro"), tapes, pair, now_ns)


def import_files(paths: tuple[Path, ...]) -> list[str]:
    """Keep FRED's files; a line for each series. Raises InputError and StorageError."""
    from feeds.macro import opening as macro_opening  # noqa: PLC0415

    return macro_opening.import_files(places.folder("macro"), paths)


def macro(at: str | None, *, offline: bool, pair: tuple[str, str]) -> tuple[Macro | None, datetime]:
    """Return what is known of yields, prices and jobs, and when; blocking. Raises InputError."""
    from feeds.desk.opened import instants  # noqa: PLC0415
    from rotation.history import History  # noqa: PLC0415 - brings polars
    from rotation.sessions import from_ns  # noqa: PLC0415

    if at is not None or offline:
        now_ns = places.wall_ns() if at is None else instants.as_of(History.empty(), at, places.wall_ns())
        return past(now_ns, pair), from_ns(now_ns)
    import asyncio  # noqa: PLC0415

    from feeds.macro import opening as macro_opening  # noqa: PLC0415

    feed = macro_opening.live(places.folder("macro"), places.cache(), pair=pair, tries=2, once=True)
    return asyncio.run(feed.once(places.SNAPSHOT_WAITS_S)), from_ns(places.wall_ns())
