"""The passes over history of one market: the one in use, and one that was made ahead of its time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rotation.market.past.look_back import look_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from rotation.breadth.members import Membership
    from rotation.desk import Desk
    from rotation.history import History
    from rotation.market.past.look_back import Look, LookBack


class Inputs(NamedTuple):
    """What a pass is made from: the arguments of a ``Look``."""

    history: History
    session: date | None
    desk: Desk
    membership: tuple[Membership, ...] = ()

    def fits(self, made: LookBack) -> bool:
        """Whether a pass is of these."""
        history, session, desk, membership = self
        pairs = tuple((each.base, each.against) for each in made.pairs)
        if pairs != desk.pairs or made.returns != desk.returns:
            return False
        if made.settled and made.settled.windows != desk.windows:
            return False
        is_same = made.history is history or (history.identity and made.history.identity == history.identity)
        return bool(is_same) and (made.session, made.membership) == (session, membership)


class Passes:
    """A pass takes tens of milliseconds; one that a thread has made ahead need not be made when it is due."""

    def __init__(self, look: Look | None) -> None:
        """``look`` makes a pass, or knows what came of it; None: ``look_back``."""
        self._look = look or (lambda *of: look_back(*of))  # noqa: PLW0108 - looked up when it is called
        self._ahead: LookBack | None = None
        self._used: LookBack | None = None

    def work(self, of: Inputs, look: Look | None = None) -> Callable[[], LookBack]:
        """What makes a pass, for ``take_ahead``; it may run in a thread. ``look``: None for that of now."""
        return partial(look or self._look, *of)

    def has(self, of: Inputs) -> bool:
        """Whether such a pass has been made."""
        return any(made is not None and of.fits(made) for made in (self._ahead, self._used))

    def take_ahead(self, made: LookBack) -> None:
        """Keep a pass for when it is due; one that does not fit then is not used."""
        self._ahead = made

    def forget(self) -> None:
        """Use none that has been made until now: it rests on more than ``Inputs.fits`` compares."""
        self._ahead = self._used = None

    def replace(self, look: Look) -> None:
        """Have passes made by another one from now on."""
        self._look = look

    def due(self, of: Inputs) -> LookBack:
        """The pass that is used from now on: one that has been made, or made now."""
        known = (made for made in (self._ahead, self._used) if made is not None and of.fits(made))
        self._used, self._ahead = next(known, None) or self._look(*of), None
        return self._used
