"""The prints of one look at what has come: of many frames, past those that take a print back. Pure.

A batch of columns has costs of its own, so a cancelled print among thousands must not end it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.streaming.vendor import FrameResult
from rotation.columns import PrintColumns, is_plain

if TYPE_CHECKING:
    from feeds.events import Correction
    from feeds.streaming.vendor import Band, ManyFrames
    from rotation.quote import Nbbo, Quote


class Gathered:
    """Frames in order of arrival, which say nothing of the connection."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.prints = PrintColumns()
        self.nbbo: tuple[Nbbo, ...] = ()
        self.bands: tuple[Band, ...] = ()
        self.corrections: tuple[Correction, ...] = ()
        self.members: list[Quote] = []
        self.passed_over = 0
        """See ``FrameResult``: bars of a whole market stand between trades."""

    def add(self, many: ManyFrames) -> None:
        """Frames that were read at once."""
        if len(self.prints):
            self.prints.add(many.prints)
        else:
            self.prints = many.prints
        self.nbbo = (*self.nbbo, *many.nbbo)
        self.bands = (*self.bands, *many.bands)
        self.corrections = (*self.corrections, *many.corrections)

    def add_result(self, result: FrameResult) -> bool:
        """A frame that was read by itself; False, and nothing is added, where it holds more than these.

        What it takes back is not compared with the prints that are gathered, whatever their order: that is
        done when they are handed on.
        """
        plain = FrameResult(
            result.quotes,
            corrections=result.corrections,
            heartbeat=result.heartbeat,
            members=result.members,
            passed_over=result.passed_over,
        )
        if result != plain or not all(map(is_plain, result.quotes)):
            return False
        try:
            self.prints.add(PrintColumns.of(result.quotes))
        except OverflowError:
            return False  # a number that no column holds
        self.corrections += result.corrections
        self.members += result.members
        self.passed_over += result.passed_over
        return True
