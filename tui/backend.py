"""What the command line needs done by the program behind it; the composition (``tui/compose``) does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import date, datetime
    from pathlib import Path

    from rotation.alerts.rule import AlertState, Fired, Rule
    from rotation.breadth.figures import ContributionsReport
    from rotation.desk import Desk as WatchedDesk
    from rotation.desk import Universe
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
    from tui.desk import Desk, RecordingDesk
    from tui.wanted import Wanted


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
