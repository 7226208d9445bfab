"""Bars around publications on disk: a file a symbol and publication, written once the day is settled."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import StorageError
from feeds.files.durable import set_aside, write_whole
from feeds.files.names import shown_path
from rotation.desk import is_index
from rotation.macro.release_days import AFTER, OLDEST_NS, Values
from rotation.quote import MINUTE_NS
from rotation.sessions import from_ns

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

FOLDER = "release-bars"
LAYOUT = 1
SETTLED_NS = (AFTER + 30) * MINUTE_NS
"""So long after a publication every vendor has its minutes, those that are late by contract too."""
ENDS_MIN = OLDEST_NS // MINUTE_NS
"""How far before the end of the window the last trade may be: a price holds for so long."""
_NAME = re.compile(r"[A-Z0-9^.-]{1,15}", re.ASCII)


class ReleaseBars(msgspec.Struct, frozen=True):
    """Closing prices of one symbol's bars around one publication, and where they come from.

    They are as traded: a path is a return within some hours, which no split changes.
    """

    symbol: str
    at_ns: int
    """Of the publication, UTC."""
    source: str
    step_min: int
    """Minutes of a bar."""
    fetched_ns: int
    bars: tuple[tuple[int, float], ...]
    """(minute of the bar's end after the publication, close), oldest first; only minutes with a trade."""
    layout: int = LAYOUT

    @property
    def is_settled(self) -> bool:
        """Whether no minute of it can have come later, and both ends of the window are in it.

        An index needs no value of before: it has none before the bell.
        """
        minutes = [minute for minute, _ in self.bars]
        if not minutes or self.fetched_ns < self.at_ns + SETTLED_NS:
            return False
        return minutes[-1] >= AFTER - ENDS_MIN and (minutes[0] <= 0 or is_index(self.symbol))

    def values(self) -> Values:
        """Its prices by the instants at which bars ended."""
        return Values(
            [self.at_ns + minute * MINUTE_NS for minute, _ in self.bars], [close for _, close in self.bars]
        )


class BarStore:
    """The files of one folder, each read once; a day that still runs is held in memory alone."""

    def __init__(self, folder: Path) -> None:
        """``folder``: the one of all macro figures."""
        self._folder = folder / FOLDER
        self._held: dict[tuple[str, int], ReleaseBars] = {}

    def get(self, symbol: str, at_ns: int) -> ReleaseBars | None:
        """What is held of a symbol around a publication; None without any, or where it cannot be read."""
        held = self._held.get((symbol, at_ns))
        if held is None and _NAME.fullmatch(symbol):
            held = self._read(symbol, at_ns)
            if held is not None:
                self._held[symbol, at_ns] = held
        return held

    def hold(self, bars: ReleaseBars) -> None:
        """Have these from now on, on disk too once they are settled. Raises StorageError for the disk."""
        self._held[bars.symbol, bars.at_ns] = bars
        if not bars.is_settled or not _NAME.fullmatch(bars.symbol):
            return
        path = self._path(bars.symbol, bars.at_ns)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, msgspec.json.encode(bars))
        except OSError as error:
            raise StorageError(f"{shown_path(path)}: {error.strerror or 'it cannot be written'}") from error

    def _path(self, symbol: str, at_ns: int) -> Path:
        return self._folder / f"{from_ns(at_ns):%Y%m%dT%H%MZ}-{symbol}.json"

    def _read(self, symbol: str, at_ns: int) -> ReleaseBars | None:
        path = self._path(symbol, at_ns)
        try:
            held = msgspec.json.decode(path.read_bytes(), type=ReleaseBars)
        except OSError:
            return None
        except (msgspec.MsgspecError, UnicodeError):
            held = None
        if held is not None and held.layout == LAYOUT and (held.symbol, held.at_ns) == (symbol, at_ns):
            return held
        try:
            log.warning("%s: is damaged; it is now %s", shown_path(path), set_aside(path).name)
        except OSError as error:
            log.warning("%s: is damaged (%s)", shown_path(path), error.strerror)
        return None
