"""Which panels share the screen at which width, where a person has chosen them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

Columns = tuple[tuple[str, ...], ...]
"""Panels from top to bottom, a column beside the other; () for the usual ones."""
Width = Literal["wide", "normal", "narrow"]

WIDE_FROM, COLUMNS_FROM = 140, 100
"""Cells from which a screen is wide, and from which it is normal; a narrower one has one column."""


class PanelLists(msgspec.Struct, frozen=True):
    """The panels for each width of the screen."""

    wide: Columns = ()
    normal: Columns = ()
    narrow: Columns = ()
    """One column."""

    def of(self, width: int) -> Columns:
        """Those for a screen of so many cells."""
        columns: Columns = getattr(self, width_of(width))
        return columns

    @property
    def home(self) -> str:
        """A panel that is there at every width, as far as there is one; "" where nothing has been chosen."""
        lists = [[panel for column in each for panel in column] for each in self._chosen()]
        if not lists:
            return ""
        return next((panel for panel in lists[0] if all(panel in each for each in lists)), lists[0][0])

    def has_everywhere(self, panel: str) -> bool:
        """Whether it shares the screen at every width that has a list."""
        return all(any(panel in column for column in each) for each in self._chosen())

    def has(self, panel: str) -> bool:
        """Whether it shares the screen at some width."""
        return any(panel in column for each in self._chosen() for column in each)

    def _chosen(self) -> Iterator[Columns]:
        return (each for each in (self.wide, self.normal, self.narrow) if each)


def width_of(width: int) -> Width:
    """The name of a screen's width."""
    return "wide" if width >= WIDE_FROM else "normal" if width >= COLUMNS_FROM else "narrow"
