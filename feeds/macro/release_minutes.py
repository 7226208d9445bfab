"""Which publications' bars are asked for, of whom and when, and the views that they give."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from feeds.errors import SourceError, StorageError
from feeds.macro.minutes.store import SETTLED_NS, ReleaseBars
from feeds.macro.release_days import Kept
from rotation.macro.release_days import BEFORE
from rotation.macro.release_views import LOOKED_AT, views_of
from rotation.quote import MINUTE_NS, NS
from rotation.sessions import NEW_YORK, from_ns, to_ns

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from feeds.macro.minutes.store import BarStore
    from feeds.macro.minutes.vendors import BarVendor
    from rotation.macro.figures import ReleaseKind, ReleaseView

    Published = Mapping[ReleaseKind, Sequence[dt.datetime]]

log = logging.getLogger(__name__)

EVERY_NS = 50 * NS
"""Between two requests for a day that runs: less than the minute in which the feed looks again."""
AGAIN_NS = 3600 * NS
"""After a settled day of which nobody had all bars."""
AT_ONCE = 4
"""Settled days asked for in one round, the newest first; a round a minute leaves quotes their turn."""


class ReleaseMinutes:
    """The bars of one pair around publications."""

    def __init__(
        self,
        store: BarStore,
        vendors: Sequence[BarVendor],
        fed: Path,
        pair: tuple[str, str],
        *,
        clock_ns: Callable[[], int],
    ) -> None:
        """``vendors``: the best for settled days first; of a day that runs the last one is asked first.

        ``fed``: the folder of the log of P(cut).
        """
        self._store = store
        self._vendors = tuple(vendors)
        self._pair = pair
        self._reach = "; ".join(each.reach for each in self._vendors)
        self._kept = Kept(fed, pair, bars=store)
        self._clock_ns = clock_ns
        self._asked_ns: dict[int, int] = {}
        self._errors: dict[int, str] = {}
        self._cuts: dict[int, int] = {}
        """How often each settled day came without all its minutes."""

    def due(self, published: Published, *, running: bool = False) -> list[int]:
        """The publications to ask for now, UTC ns: one that runs, then settled ones unless ``running``."""
        now_ns = self._clock_ns()
        times = sorted(
            {to_ns(at) for all_ in published.values() for at in _newest(all_, now_ns)}, reverse=True
        )
        runs = [at for at in times if self._runs(at, now_ns) and self._is_due(at, now_ns, EVERY_NS)]
        if running:
            return runs
        settled = [
            at
            for at in times
            if now_ns >= at + SETTLED_NS
            and self._lacking(at)
            and self._is_due(at, now_ns, self._again_ns(at))
        ]
        return [*runs, *[at for at in settled if self._has_vendor(at, now_ns)][:AT_ONCE]]

    async def ask(self, at_ns: int) -> None:
        """Ask for one publication's bars and keep them. Never raises for what a vendor or the disk does."""
        now_ns = self._clock_ns()
        self._asked_ns[at_ns] = now_ns
        is_over = now_ns >= at_ns + SETTLED_NS
        errors: list[str] = []
        cut: list[ReleaseBars] = []
        for vendor in self._vendors if is_over else tuple(reversed(self._vendors)):
            step = vendor.step_min(at_ns, now_ns)
            symbols = self._wanting(at_ns, vendor.name, step)
            if step is None or not all(map(vendor.serves, symbols)):
                continue
            try:
                got = await vendor.bars(symbols, at_ns, now_ns)
            except SourceError as error:
                errors.append(str(error))
                continue
            if any(symbol not in got for symbol in symbols):
                errors.append(f"{vendor.name}: no bars in the answer")
                continue
            made = [
                ReleaseBars(symbol, at_ns, vendor.name, step, now_ns, tuple(got[symbol]))
                for symbol in symbols
            ]
            if is_over and not all(each.is_settled for each in made):
                errors.append(f"{vendor.name}: not all minutes in the answer")
                cut = cut or made
                continue
            for each in made:
                self._hold(each)
            self._errors.pop(at_ns, None)
            return
        self._errors[at_ns] = "; ".join(errors) or self._reach
        self._show_cut(at_ns, cut)

    def _show_cut(self, at_ns: int, cut: Sequence[ReleaseBars]) -> None:
        """Until there are better ones: a path of some minutes is true as far as it goes."""
        if cut:
            self._cuts[at_ns] = self._cuts.get(at_ns, 0) + 1
        for bars in cut:
            held = self._store.get(bars.symbol, at_ns)
            if held is None or (not held.is_settled and len(held.bars) <= len(bars.bars)):
                self._hold(bars)

    def views(self, published: Published) -> tuple[ReleaseView, ...]:
        """What the page shows now; blocking. Without P(cut) where the log cannot be read."""
        now_ns = self._clock_ns()
        days = self._kept.usable_days(published, now_ns, newest=LOOKED_AT + 1)
        errors = {from_ns(at_ns).astimezone(NEW_YORK): why for at_ns, why in self._reasons(published).items()}
        return views_of(days, published, self._pair, from_ns(now_ns), errors)

    def _reasons(self, published: Published) -> dict[int, str]:
        """Why prices are missing: what failed, or that no vendor has them by now."""
        now_ns = self._clock_ns()
        times = {to_ns(at) for all_ in published.values() for at in _newest(all_, now_ns)}
        gone = {at: self._reach for at in times if at < now_ns and not self._has_vendor(at, now_ns)}
        return {at: why for at, why in (gone | self._errors).items() if self._lacking(at)}

    def _hold(self, bars: ReleaseBars) -> None:
        try:
            self._store.hold(bars)
        except StorageError as error:
            log.warning("release days: %s", error)

    def _lacking(self, at_ns: int) -> tuple[str, ...]:
        """The symbols of which no settled bars are held."""
        held = ((symbol, self._store.get(symbol, at_ns)) for symbol in self._pair)
        return tuple(symbol for symbol, bars in held if bars is None or not bars.is_settled)

    def _wanting(self, at_ns: int, vendor: str, step: int | None) -> tuple[str, ...]:
        """The symbols to ask a vendor for: both where one is held of another vendor or step."""
        lacking = self._lacking(at_ns)
        held = [self._store.get(symbol, at_ns) for symbol in self._pair if symbol not in lacking]
        differs = any(bars is not None and (bars.source, bars.step_min) != (vendor, step) for bars in held)
        return self._pair if differs else lacking

    def _again_ns(self, at_ns: int) -> int:
        """Between two requests for a settled day: longer each time where the answers are cut, up to a day."""
        return AGAIN_NS * min(1 << max(self._cuts.get(at_ns, 0) - 1, 0), 24)

    def _has_vendor(self, at_ns: int, now_ns: int) -> bool:
        return any(
            each.step_min(at_ns, now_ns) is not None and all(map(each.serves, self._pair))
            for each in self._vendors
        )

    def _is_due(self, at_ns: int, now_ns: int, every_ns: int) -> bool:
        return now_ns - self._asked_ns.get(at_ns, -every_ns) >= every_ns

    @staticmethod
    def _runs(at_ns: int, now_ns: int) -> bool:
        return at_ns - BEFORE * MINUTE_NS <= now_ns < at_ns + SETTLED_NS


def _newest(times: Iterable[dt.datetime], now_ns: int) -> list[dt.datetime]:
    """Those that are looked for: of a kind the newest past ones, and one of today to come."""
    ahead_ns = now_ns + BEFORE * MINUTE_NS
    return sorted(at for at in times if to_ns(at) <= ahead_ns)[-LOOKED_AT - 1 :]
