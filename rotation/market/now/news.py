"""What is known of the Fed and of macro, as old as it is at the time of a Snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.fed.ageing import aged as fed_aged
from rotation.fed.ageing import offline as fed_offline
from rotation.fed.pairs import cut_settles, with_spread
from rotation.macro.assemble import aged as macro_aged
from rotation.macro.silent import offline as macro_offline
from rotation.sessions import from_ns

if TYPE_CHECKING:
    from datetime import date

    from rotation.desk import Desk
    from rotation.fed.comovement import CoMovement
    from rotation.fed.figures import Fed
    from rotation.history import History
    from rotation.macro.figures import Macro


class News:
    """The newest of either; at first nothing is known."""

    def __init__(self) -> None:
        self._fed: Fed | None = None
        self._macro: Macro | None = None
        self._cut_settles: dict[date, float] = {}
        """Session → P(cut) by its settlements."""
        self._comovement: CoMovement | None = None
        self.is_reader_silent = False
        """Whether the process that asks the sources has fallen silent: all is OFFLINE then."""

    def take_fed(self, fed: Fed | None, history: History, desk: Desk) -> None:
        """What is newly known of the Fed; its co-movement with the pair is found here. None forgets it."""
        if fed is None:
            self._fed, self._cut_settles, self._comovement = None, {}, None
            return
        settles = cut_settles(fed.history)
        if settles != self._cut_settles:
            self._cut_settles = settles
            self._comovement = with_spread(settles, history, desk)
        self._fed = msgspec.structs.replace(fed, comovement=self._comovement)

    def compare(self, history: History, desk: Desk) -> None:
        """The co-movement anew, over a longer or corrected history or with another pair."""
        if self._fed is not None and self._cut_settles:
            self._comovement = with_spread(self._cut_settles, history, desk)
            self._fed = msgspec.structs.replace(self._fed, comovement=self._comovement)

    def take_macro(self, macro: Macro | None) -> None:
        """What is newly known of yields, prices and jobs. None forgets it."""
        self._macro = macro

    def fed(self, as_of_ns: int) -> Fed | None:
        """What is known of the Fed at this instant."""
        if self._fed is None:
            return None
        fed = fed_aged(self._fed, as_of_ns)
        return fed_offline(fed) if self.is_reader_silent else fed

    def macro(self, as_of_ns: int) -> Macro | None:
        """What is known of macro at this instant."""
        if self._macro is None:
            return None
        at = from_ns(as_of_ns)
        macro = macro_aged(self._macro, at)
        return macro_offline(macro, at) if self.is_reader_silent else macro
