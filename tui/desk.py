"""A running desk as the screen sees it: its snapshots, and what else it may be able to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from rotation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from rotation.alerts.target import AlertSettings
    from rotation.context.wants import Wants
    from rotation.desk import DeskChange, EventKind, PairOptions
    from rotation.snapshot import Snapshot
    from tui.wanted import Wanted


Pairs = tuple[tuple[str, str], ...]


class DeskError(InputError):
    """A desk cannot be what was asked for."""

    def __init__(self, message: str, setting: str = "") -> None:
        """``setting``: which one stands in the way, as the configuration file calls it; "" if none does."""
        super().__init__(message)
        self.setting = setting


class Controls(Protocol):
    """What keys can do to a tape."""

    def hold(self) -> None:
        """Hold the tape, or resume it."""
        ...

    def slower(self) -> None:
        """Play one step slower."""
        ...

    def faster(self) -> None:
        """Play one step faster."""
        ...

    def seek(self, seconds: float) -> None:
        """Move by seconds of tape time; negative moves back."""
        ...


class Desk(Protocol):
    """A running desk."""

    @property
    def controls(self) -> Controls | None:
        """The controls of the tape that is playing; None without one."""
        ...

    async def run(self) -> None:
        """Drive the feeds until they end."""
        ...

    def listen(self) -> AsyncIterator[Snapshot]:
        """Yield the newest snapshot after every change, until the run ends."""
        ...

    def want(self, asked: Wants) -> None:
        """Have these parts in the snapshots from now on, and no others beside those of alerts.

        They come with a snapshot of their own, as soon as they are made.
        """
        ...


@runtime_checkable
class RefreshingDesk(Protocol):
    """A desk with sources that are asked from time to time, and can be asked before it."""

    def ask_now(self) -> tuple[tuple[str, ...], float]:
        """Have them asked now: their names, and the seconds until another wish is heard.

        None of them is asked sooner than is polite. Names come with 0 seconds; neither names nor seconds
        where there is nobody to ask, or each was asked a moment ago.
        """
        ...


@runtime_checkable
class AlertDesk(Protocol):
    """A desk whose alerts can be replaced while it runs."""

    def set_alerts(self, alerts: AlertSettings, *, awaits_desk: bool = False) -> None:
        """Watch for these alerts from now on.

        ``awaits_desk``: ``reopen`` follows at once, and the other desk may have what they lack on this one.
        """
        ...

    def note(self, kind: EventKind, subject: str, text: str) -> None:
        """Add an event to the next snapshot."""
        ...


@runtime_checkable
class RestingDesk(Protocol):
    """A desk that need not make Snapshots which nobody would draw."""

    def rest(self, seconds: float) -> None:
        """Its readers need no newer prices for so long from now; all else they are told at once."""
        ...


@runtime_checkable
class YieldingDesk(Protocol):
    """A desk whose own work can wait for a key."""

    def give_way(self) -> None:
        """A key has come: prices are taken in after it, or after a tenth of a second."""
        ...

    def go_on(self) -> None:
        """It has been answered."""
        ...


class BeforePrices:
    """What a desk's own work waits for: a key until it is painted, newer figures until they are."""

    def __init__(self) -> None:
        """Nothing has come."""
        self.desk: YieldingDesk | None = None
        """None: no desk yet, or one that does not wait."""
        self._has_typed = self._has_pressed = self._has_drawn = False

    def typed(self) -> None:
        """A key has come, and is about to be acted on."""
        self._has_typed = True
        if self.desk is not None:
            self.desk.give_way()

    def pressed(self) -> None:
        """It has been: it is in the next frame."""
        self._has_pressed = True

    def drawn(self) -> None:
        """Newer figures are in the next frame."""
        if self._has_typed:
            return  # prices wait already, until the key is answered
        self._has_drawn = True
        if self.desk is not None:
            self.desk.give_way()

    def written(self) -> None:
        """A frame has been written. One without the key that has come does not end the wait for it."""
        has_drawn, self._has_drawn = self._has_drawn, False
        if self._has_pressed or (has_drawn and not self._has_typed):
            self._has_pressed = self._has_typed = False
            if self.desk is not None:
                self.desk.go_on()


def rest_of(desk: object) -> Callable[[float], None]:
    """``RestingDesk.rest`` of a desk; of another nothing."""
    return desk.rest if isinstance(desk, RestingDesk) else lambda _: None


@runtime_checkable
class PairsDesk(Protocol):
    """A desk whose more pairs can be replaced while it runs."""

    async def set_pairs(self, pairs: Pairs, options: tuple[PairOptions, ...]) -> Pairs:
        """Have these from now on; returns those that it cannot have: a symbol of theirs is no leg."""
        ...


@runtime_checkable
class ChangingDesk(Protocol):
    """A desk whose windows and limits can be replaced while it runs."""

    async def change_desk(self, change: DeskChange) -> None:
        """Have these from now on; nothing that has come is lost."""
        ...


@runtime_checkable
class ReopeningDesk(Protocol):
    """A desk that can become another one while it runs: other symbols, feeds, history, universes."""

    @property
    def wanted(self) -> Wanted:
        """What it shows; what is being prepared is not in it yet."""
        ...

    async def reopen(self, wanted: Wanted) -> tuple[str, ...] | None:
        """Show this from now on, as if it had been opened; listeners, wants and alerts stay.

        Until the new feeds are as well as the present ones, some seconds at most, the present desk goes on;
        then one Snapshot is of the new desk, and feeds that are needed no more are closed before this
        returns. Today's prints stay. Returns the symbols that were named and that its hub does not bring:
        nothing is shown of them. None where a later call took its place: the later one counts.
        Cancelled, the present desk stays. Raises DeskError, and the present desk stays.
        """
        ...


class Recording(Protocol):
    """What has been recorded so far."""

    quotes: int
    lost: int
    """Quotes whose values are outside the range of a tape."""
    paths: list[Path]
    """The files of the recording."""


class RecordingDesk(Desk, Protocol):
    """A desk whose feeds are recorded; a hub's tape is recorded without any Snapshot."""

    recording: Recording
