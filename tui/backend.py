"""What the screen needs from the program behind it; the composition (``tui/compose``) has it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import msgspec

from rotation.alerts.target import AlertSettings
from rotation.desk import STALE_AFTER_S, LegList, PairOptions, Universe
from rotation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from datetime import datetime

    from rotation.alerts.rule import AlertState, Fired, Rule
    from rotation.breadth.figures import ContributionsReport
    from rotation.context.wants import Wants
    from rotation.desk import Desk as WatchedDesk
    from rotation.desk import DeskChange, EventKind
    from rotation.fed.calibration import CalibrationReport
    from rotation.fed.figures import Fed
    from rotation.fed.inputs import FedInputs
    from rotation.figures.basis import Basis
    from rotation.findings import Finding
    from rotation.history import History
    from rotation.macro.figures import Macro
    from rotation.macro.release_days import ReleaseDays
    from rotation.snapshot import Snapshot
    from rotation.sync_report import SyncProgress, SyncReport


Pairs = tuple[tuple[str, str], ...]


class Wanted(msgspec.Struct, frozen=True):
    """What a person asked for on the command line."""

    history: Path | None = None
    """A folder (or file) of daily closes; None means the stored history."""
    tapes: tuple[Path, ...] = ()
    demo: bool = False
    at: str | None = None
    """An instant or a session, as typed; None means now."""
    at_option: str = "--at"
    """The option by which it was given, for errors."""
    speed: float = 1.0
    pair: tuple[str, str] = ("IWM", "QQQ")
    pairs: tuple[tuple[str, str], ...] = ()
    """More pairs, which can be shown in its place."""
    pair_options: tuple[PairOptions, ...] = ()
    """What some of them have of their own."""
    universes: tuple[Universe, ...] = ()
    """Lists of shares of the person's own, of which breadth is counted."""
    lists: tuple[LegList, ...] = ()
    """Groups and watch lists, whose symbols are legs too."""
    legs: tuple[str, ...] = ()
    """The legs beside the pair; none: the usual ones, and what else history holds."""
    value_growth: tuple[str, str] = ("IWN", "IVW")
    benchmark: str | None = None
    """What the rotation graph compares with, a leg then; None: the usual one where it is a leg."""
    returns: str = "price"
    leg_gap_s: float = 60.0
    """Seconds by which the prices of the pair may differ in time."""
    stale_s: float = STALE_AFTER_S
    """Seconds without a print after which a live price is STALE."""
    windows: tuple[int, ...] = ()
    """Return windows in sessions that are shown; none: the usual ones."""
    leg_returns: tuple[int, ...] = ()
    """Those of them that legs have a column of; none: all."""
    stays: bool = True
    """Whether to wait for a seek at the end of a tape instead of ending."""
    unasked_demo: bool = True
    """Whether the demo may stand in when there is nothing else to show; never for a host of viewers."""
    offline: bool = False
    """Use no source on the network."""
    feed: str = "auto"
    """The source of the quotes; "auto" chooses one. Several with commas between: in order of preference."""
    nats: str = ""
    """With the feed "nats": where the NATS server of a hub is."""
    nats_creds: Path | None = None
    nats_nkey: Path | None = None
    nats_ca: Path | None = None
    nats_cert: Path | None = None
    nats_key: Path | None = None
    hub_tape: bool = False
    """Whether to play the tape that a hub has written to its NATS server."""
    hub_day: date | None = None
    """Of which day; None means the newest."""
    from_start: bool = False
    """Whether to record a hub's tape from the oldest that its server has."""
    story: bool = False
    """Whether one snapshot is to have levels and episodes, of every pair."""
    lines: bool = False
    """Whether it is to have every spread over the years, and a year of every leg."""
    ask_members: bool = False
    """Whether prices of the funds' members are asked for too, for breadth of today."""
    alerts: AlertSettings = AlertSettings()
    """The alerts and their targets; a host has none."""
    closures: tuple[date, ...] | None = None
    """Days on which the exchange is closed beside those that the calendar knows, for ``reopen``; None: those
    of now."""

    def named(self) -> set[str]:
        """The symbols of figures that a person has named, beside those that are usual."""
        growth = () if self.value_growth == Wanted().value_growth else self.value_growth
        listed = (symbol for each in self.lists for symbol in each.symbols)
        paired = (symbol for pair in self.pairs for symbol in pair)
        benchmark = () if self.benchmark is None else (self.benchmark,)
        return {*self.pair, *self.legs, *growth, *listed, *paired, *benchmark}


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


class KeyChain(Protocol):
    """The vendor keys of this person. No line that it returns holds a key."""

    def parts(self, feed: str) -> tuple[str, ...]:
        """Return the names of the parts of a feed's key. Raises InputError for a feed without a key."""
        ...

    def keep(self, feed: str, parts: tuple[str, ...], *, in_file: bool) -> list[str]:
        """Store a key, in the keyring if there is one, and return lines for the person. Raises InputError."""
        ...

    def forget(self, feed: str) -> list[str]:
        """Delete a key and return lines for the person. Raises InputError."""
        ...

    def lines(self) -> list[str]:
        """Return lines that say where each key comes from."""
        ...


class Backend(Protocol):
    """Everything that the command line needs done."""

    def notices(self) -> list[str]:
        """Lines to print on stderr before a command runs. Raises InputError."""
        ...

    def now_s(self) -> float:
        """Now, in UTC seconds."""
        ...

    def open(self, wanted: Wanted) -> Desk:
        """Open what was asked for; blocking. Raises InputError."""
        ...

    def snapshot(self, wanted: Wanted) -> Snapshot:
        """Return the snapshot at ``wanted.at``; blocking. Raises InputError."""
        ...

    def basis(self, wanted: Wanted) -> Basis:
        """Return that snapshot with the history and the desk behind it; blocking. Raises InputError."""
        ...

    def settled(self, wanted: Wanted) -> tuple[History, WatchedDesk]:
        """Return the settled history and the desk on it; blocking, no network. Raises InputError."""
        ...

    def fed_after_close(self) -> Callable[[date], Fed | None] | None:
        """Return what the settlements kept said after a session's close; None where none are kept.

        Raises InputError.
        """
        ...

    def fed_inputs(self, *, age_gap_s: float) -> tuple[FedInputs, int]:
        """Return what the sources say about the Fed, and when (UTC ns); blocking. Raises InputError."""
        ...

    def fed_history(self, since: date | None, form: Literal["csv", "json", "parquet"]) -> bytes:
        """Return the log of probabilities as the bytes of a file. Raises InputError."""
        ...

    def fed_calibration(self, at: str | None) -> CalibrationReport:
        """Return how good the odds were, by what is kept of them; blocking. Raises InputError."""
        ...

    def fed_import(self, paths: tuple[Path, ...]) -> list[str]:
        """Keep the settlements in these files; a line for each contract. Raises InputError."""
        ...

    def release_days(self, tapes: tuple[Path, ...], pair: tuple[str, str], at: str | None) -> ReleaseDays:
        """Return minute paths around publications, of tapes, kept bars and our log; blocking.

        Raises InputError.
        """
        ...

    def import_macro(self, paths: tuple[Path, ...]) -> list[str]:
        """Keep FRED's files; a line for each series. Raises InputError and StorageError."""
        ...

    def macro(self, at: str | None, *, offline: bool, pair: tuple[str, str]) -> tuple[Macro | None, datetime]:
        """Return what is known of yields, prices and jobs, and when; blocking. Raises InputError.

        ``pair``: whose minutes release days have.
        """
        ...

    def import_history(self, paths: tuple[Path, ...], *, replace: bool, raw: bool = False) -> list[str]:
        """Import daily closes and return lines for the person. Raises InputError."""
        ...

    def remove_history(self, symbols: tuple[str, ...]) -> list[str]:
        """Remove these stored series and return lines for the person. Raises InputError."""
        ...

    def sync_history(
        self,
        symbols: tuple[str, ...],
        *,
        source: Literal["auto", "alpaca", "yahoo", "tiingo", "stooq"],
        universe: Path | None,
        since: date,
        tell: Callable[[SyncProgress], None],
    ) -> SyncReport:
        """Download daily closes; ``tell`` gets the progress. Blocking. Raises InputError."""
        ...

    def import_members(self, path: Path, *, fund: str, day: date | None) -> list[str]:
        """Keep a fund's holdings file and return lines for the person. Raises InputError."""
        ...

    def sync_members(self, funds: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """Download the funds' holdings; blocking. Lines on what was stored, and on what failed.

        Raises InputError.
        """
        ...

    def check_universe(self, universe: Universe) -> str:
        """Return a line on a universe's file; blocking. Raises InputError for one that cannot be read."""
        ...

    def list_members(self) -> list[str]:
        """Return the stored membership files, one line each."""
        ...

    def contributions(self, fund: str, wanted: Wanted) -> ContributionsReport:
        """Return who makes a fund's move in the session at ``wanted.at``; blocking. Raises InputError."""
        ...

    def list_history(self) -> list[str]:
        """Return the stored series, one line per symbol."""
        ...

    def record(self, wanted: Wanted, path: Path, report: Callable[[str], None]) -> RecordingDesk:
        """Open what was asked for, with a recorder to this path; blocking. Raises InputError.

        ``report``: given lines for the person while it runs.
        """
        ...

    def alerts_on_tape(self, wanted: Wanted, rules: tuple[Rule, ...]) -> tuple[list[Fired], WatchedDesk]:
        """Return the calls that these alerts make on the tapes, and the desk; blocking. Raises InputError."""
        ...

    def remembered_alerts(self) -> tuple[dict[str, AlertState], tuple[Fired, ...]]:
        """Return what alerts remember, by name, and their newest calls, oldest first; blocking.

        Raises UnavailableError for a file that cannot be read.
        """
        ...

    def hub(
        self,
        wanted: Wanted,
        *,
        replicas: int,
        tape_days: float,
        tape_mb: int,
        report: Callable[[str], None],
    ) -> Coroutine[None, None, None]:
        """Return what publishes the vendors' data to ``wanted.nats`` until cancelled. Raises InputError.

        ``tape_days``, ``tape_mb``: how much of the tape the server keeps; 0 days for none.
        """
        ...

    def keys(self) -> KeyChain:
        """Return the store of vendor keys."""
        ...

    def places(self) -> dict[str, Path]:
        """Return where this program stores its files, by kind."""
        ...

    def configured(self) -> list[str]:
        """Return lines on keys and environment overrides; none holds a secret."""
        ...

    def export(self, folder: str, name: str, data: bytes) -> Path:
        """Write a new file, whole or not at all; blocking. A name that is taken gets a number.

        ``folder``: "" is the usual one. Raises UnavailableError where it cannot be written.
        """
        ...

    def examine(self, *, stream: bool, feed: str = "auto") -> list[Finding]:
        """Check the installation except for the terminal; blocking, takes some seconds.

        ``feed``: that in force, or several in order with commas between.
        """
        ...

    def capture(self, path: Path, seconds: float) -> list[str]:
        """Write what the live sources send to a new file, redacted; lines for the person.

        Blocking for ``seconds``. Raises InputError.
        """
        ...
