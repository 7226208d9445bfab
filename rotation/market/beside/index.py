"""One fund's breadth in one session: brought up to date with the members whose values have changed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rotation.breadth.figures import COUNTED_LEAST, IndexBreadth
from rotation.breadth.prices import Prices
from rotation.breadth.today import Counted
from rotation.context.wants import Part, Want
from rotation.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from rotation.breadth.figures import BreadthFigures, Mover, SectorBreadth
    from rotation.breadth.past import Past
    from rotation.context.wants import Wants
    from rotation.market.status import Provenance
    from rotation.status import DerivedStatus

LINE = 120
"""Sessions of McClellan's line, and of the advance/decline line."""


class IndexNow:
    """The members of one fund. Figures are made when they are asked for, not when a price comes."""

    def __init__(self, past: Past) -> None:
        """``past``: with a membership file; None of its members has a value yet."""
        self.past = past
        self.damage = ""
        """Why the members' names and sectors cannot be read; empty while they can, and before they are."""
        self._prices = Prices(past)
        self._counted = Counted(past)
        self._made: IndexBreadth | None = None
        self._made_for: Wants = frozenset()
        self._deciding: tuple[str, ...] = ()
        self._deciding_of: object = None

    def put(self, symbol: str, value: float | None, ts_ns: int) -> None:
        """Take a member's value; any other symbol is without effect. ``ts_ns``: see ``Prices``."""
        if self._prices.put(symbol, value, ts_ns):
            self._made = None

    def refresh(self, official: Container[str], asked: Wants) -> None:
        """Bring the figures up to date. ``official``: whose values are official closes."""
        asked = frozenset(each for each in asked if each.part in (Part.SECTORS, Part.MOVERS))
        if self._made is not None and asked == self._made_for:
            return
        self._counted.take(self._prices.values, self._prices.changed)
        self._prices.changed.clear()
        now = self._counted.figures()
        self._deciding_of = None
        self._made_for = asked
        is_provisional = now is not None and any(
            self._counted.is_counted(place) and symbol not in official
            for place, symbol in enumerate(self._prices.symbols)
        )
        # What nobody asks for is not even followed.
        sectors: tuple[SectorBreadth, ...] = ()
        top: tuple[Mover, ...] = ()
        bottom: tuple[Mover, ...] = ()
        if Want(Part.SECTORS) not in asked:
            self._counted.forget_sectors()
        elif now is not None and self._is_readable():
            sectors = self._counted.sectors()
        if Want(Part.MOVERS) not in asked:
            self._counted.forget_movers()
        elif now is not None and self._is_readable():
            top, bottom = self._counted.movers()
        self._made = replace(
            self._settled,
            now=now,
            is_provisional=is_provisional,
            top=top,
            bottom=bottom,
            sectors=sectors,
            share_up_percentile=self._percentile(now),
        )

    def deciding(self, provenance: Mapping[str, Provenance], other: Provenance) -> tuple[str, ...]:
        """The members that decide what the figures are worth; ``provenance``: by symbol, else ``other``."""
        assert self._made is not None
        if self._made.now is None:
            return ()
        if self._deciding_of is not provenance:
            self._deciding = self._prices.deciding(self._counted.is_counted, provenance, provenance, other)
            self._deciding_of = provenance
        return self._deciding

    def index(self, status: DerivedStatus | None) -> IndexBreadth:
        """The figures as they were refreshed, and what they are worth."""
        assert self._made is not None
        return replace(self._made, status=status)

    @cached_property
    def _settled(self) -> IndexBreadth:
        """What does not change in a session."""
        past = self.past
        recent = past.sessions[-LINE:]
        summed = accumulate(each.net or 0 for each in recent)
        return IndexBreadth(
            fund=past.fund,
            now=None,
            is_provisional=False,
            settled=past.sessions[-1] if past.sessions else None,
            status=None,
            line=tuple((each.session, each.mcclellan) for each in recent if each.mcclellan is not None),
            top=(),
            bottom=(),
            advance_decline=tuple((each.session, net) for each, net in zip(recent, summed, strict=True)),
            share_up_n=len(self._ranked),
        )

    @cached_property
    def _ranked(self) -> list[float]:
        """The shares up of the settled sessions in which enough members were counted, sorted."""
        return sorted(
            each.share_up
            for each in self.past.sessions
            if each.share_up is not None and each.counted >= COUNTED_LEAST * each.total
        )

    def _percentile(self, now: BreadthFigures | None) -> float | None:
        """Midrank of the share up among the settled sessions before; None while too few are counted."""
        ranked = self._ranked
        if now is None or now.share_up is None or not ranked or now.counted < COUNTED_LEAST * now.total:
            return None
        return 50 * (bisect_left(ranked, now.share_up) + bisect_right(ranked, now.share_up)) / len(ranked)

    def _is_readable(self) -> bool:
        """Whether the members' names and sectors are at hand; a file that is damaged is read only once."""
        if self.past.members is None or self.damage:
            return False
        try:
            _ = self.past.members.frame
        except StorageError as error:
            self.damage = str(error)
            return False
        return True
