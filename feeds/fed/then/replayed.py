"""A tape with the Fed, yields, prices and jobs of its time: what was known then is told beside the quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.events import FedNews, MacroNews

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from feeds.events import Event, Feed
    from rotation.fed.figures import Fed
    from rotation.macro.figures import Macro
    from rotation.snapshot import Tape
    from rotation.status import Mode

EVERY_NS = 30 * 60 * 10**9
"""Of the tape's time: settlements are made, and decisions published, on the hour."""


def nothing(_at_ns: int) -> None:
    """Nothing was known."""


class WithThen:
    """A tape's feed, and what was known then as often as its half-hours change, forwards or back."""

    def __init__(
        self,
        tape: Feed,
        fed: Callable[[int], Fed | None] = nothing,
        macro: Callable[[int], Macro | None] = nothing,
    ) -> None:
        """``fed``, ``macro``: what was known of them at an instant (UTC ns); None where nothing was."""
        self._tape = tape
        self._fed = fed
        self._macro = macro

    @property
    def name(self) -> str:
        """The tape's."""
        return self._tape.name

    @property
    def mode(self) -> Mode:
        """The tape's."""
        return self._tape.mode

    def tape(self) -> Tape | None:
        """Where it stands."""
        return self._tape.tape()

    async def events(self) -> AsyncIterator[Event]:
        """The tape's, each followed by news where it is of another half-hour."""
        shown: int | None = None
        has_fed = has_macro = False
        async for event in self._tape.events():
            yield event
            at_ns = getattr(event, "as_of_ns", None)
            if at_ns is None or at_ns // EVERY_NS == shown:
                continue
            shown = at_ns // EVERY_NS
            known = self._fed(at_ns)
            if known is not None or has_fed:  # after a seek back to before anything was known
                yield FedNews(known, at_ns)
            causes = self._macro(at_ns)
            if causes is not None or has_macro:
                yield MacroNews(causes, at_ns)
            has_fed, has_macro = known is not None, causes is not None
