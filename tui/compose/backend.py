"""What the command line needs done: each command's composition is imported when it is named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

from tui.loading import loading

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import date, datetime
    from pathlib import Path

    from feeds.keys.chain import KeyChain
    from rotation.alerts.rule import AlertState, Fired, Rule
    from rotation.breadth.figures import ContributionsReport
    from rotation.desk import Desk, Universe
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
    from tui.compose.desk.desks import HubTapeDesk, LocalDesk, LocalRecordingDesk
    from tui.wanted import Wanted


class LocalBackend:
    """Feeds, store and market of this machine, imported when needed: the first paint waits for none."""

    def notices(self) -> list[str]:
        """What to print before anything else: that the clock is not the machine's. Raises InputError."""
        from tui.compose import machine

        return machine.notices()

    def now_s(self) -> float:
        """Now, in UTC seconds, by the one clock of this program."""
        from tui.compose import machine

        return machine.now_s()

    def open(self, wanted: Wanted) -> LocalDesk:
        """Open what was asked for; blocking. Raises InputError."""
        with loading():
            import_module("feeds.desk.opened.supervision")  # brings Polars
            from tui.compose.desk import opening

        return opening.open_desk(wanted)

    def record(
        self, wanted: Wanted, path: Path, report: Callable[[str], None]
    ) -> LocalRecordingDesk | HubTapeDesk:
        """Open what was asked for, with a recorder to this path; blocking. Raises InputError."""
        from tui.compose.desk import opening

        return opening.record(wanted, path, report)

    def hub(
        self,
        wanted: Wanted,
        *,
        replicas: int,
        tape_days: float,
        tape_mb: int,
        report: Callable[[str], None],
    ) -> Coroutine[None, None, None]:
        """Return what publishes the vendors' data to ``wanted.nats`` until cancelled. Raises InputError."""
        from tui.compose.desk import opening

        return opening.hub(wanted, replicas=replicas, tape_days=tape_days, tape_mb=tape_mb, report=report)

    def alerts_on_tape(self, wanted: Wanted, rules: tuple[Rule, ...]) -> tuple[list[Fired], Desk]:
        """Return the calls that these alerts make on the tapes, and the desk; blocking. Raises InputError."""
        from tui.compose import taken

        return taken.alerts_on_tape(wanted, rules)

    def remembered_alerts(self) -> tuple[dict[str, AlertState], tuple[Fired, ...]]:
        """Return what alerts remember, by name, and their newest calls. Raises UnavailableError."""
        from tui.compose import taken

        return taken.remembered_alerts()

    def snapshot(self, wanted: Wanted) -> Snapshot:
        """Return the snapshot at ``wanted.at``; blocking. Raises InputError."""
        from tui.compose import taken

        return taken.snapshot(wanted)

    def settled(self, wanted: Wanted) -> tuple[History, Desk]:
        """Return the settled history and the desk on it; blocking. Raises InputError."""
        from tui.compose import taken

        return taken.settled(wanted)

    def basis(self, wanted: Wanted) -> Basis:
        """Return the snapshot at ``wanted.at`` and what it rests on; blocking. Raises InputError."""
        from tui.compose import taken

        return taken.basis(wanted)

    def fed_inputs(self, *, age_gap_s: float) -> tuple[FedInputs, int]:
        """Return what the sources say about the Fed, and when (UTC ns); blocking. Raises InputError."""
        from tui.compose import fed

        return fed.inputs(age_gap_s=age_gap_s)

    def fed_history(self, since: date | None, form: Literal["csv", "json", "parquet"]) -> bytes:
        """Return the log of probabilities as the bytes of a file. Raises InputError."""
        from tui.compose import fed

        return fed.history(since, form)

    def fed_calibration(self, at: str | None) -> CalibrationReport:
        """Return how good the odds were before past decisions, by what is kept. Raises InputError."""
        from tui.compose import fed

        return fed.calibration(at)

    def fed_import(self, paths: tuple[Path, ...]) -> list[str]:
        """Keep the settlements in these files; a line for each contract. Raises InputError."""
        from tui.compose import fed

        return fed.import_files(paths)

    def fed_after_close(self) -> Callable[[date], Fed | None] | None:
        """Return what the settlements kept said after a session's close; None where none are kept."""
        from tui.compose import fed

        return fed.after_close()

    def release_days(self, tapes: tuple[Path, ...], pair: tuple[str, str], at: str | None) -> ReleaseDays:
        """Return minute paths around publications, of tapes, kept bars and our log. Raises InputError."""
        from tui.compose import macro

        return macro.release_days(tapes, pair, at)

    def import_macro(self, paths: tuple[Path, ...]) -> list[str]:
        """Keep FRED's files; a line for each series. Raises InputError and StorageError."""
        from tui.compose import macro

        return macro.import_files(paths)

    def macro(self, at: str | None, *, offline: bool, pair: tuple[str, str]) -> tuple[Macro | None, datetime]:
        """Return what is known of yields, prices and jobs, and when; blocking. Raises InputError."""
        from tui.compose import macro

        return macro.macro(at, offline=offline, pair=pair)

    def import_history(self, paths: tuple[Path, ...], *, replace: bool, raw: bool = False) -> list[str]:
        """Import daily closes and return lines for the person. Raises InputError."""
        from tui.compose import history

        return history.import_files(paths, replace=replace, raw=raw)

    def remove_history(self, symbols: tuple[str, ...]) -> list[str]:
        """Remove these stored series and return lines for the person. Raises InputError."""
        from tui.compose import history

        return history.remove(symbols)

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
        from tui.compose import history

        return history.sync(symbols, source=source, universe=universe, since=since, tell=tell)

    def list_history(self) -> list[str]:
        """Return the stored series, one line per symbol."""
        from tui.compose import history

        return history.lines()

    def keys(self) -> KeyChain:
        """Return the store of vendor keys."""
        from tui.compose import machine

        return machine.keys()

    def places(self) -> dict[str, Path]:
        """Return where this program stores its files, by kind."""
        from tui.compose import machine

        return machine.stored_at()

    def export(self, folder: str, name: str, data: bytes) -> Path:
        """Write a new file, whole or not at all; blocking. Raises UnavailableError."""
        from tui.compose import machine

        return machine.export(folder, name, data)

    def examine(self, *, stream: bool, feed: str = "auto") -> list[Finding]:
        """Check the installation except for the terminal; blocking, takes some seconds."""
        from tui.compose import machine

        return machine.examine(stream=stream, feed=feed)

    def capture(self, path: Path, seconds: float) -> list[str]:
        """Write what the live sources send to a new file, redacted. Raises InputError."""
        from tui.compose import machine

        return machine.capture(path, seconds)

    def configured(self) -> list[str]:
        """Return lines on keys and environment overrides; none holds a secret."""
        from tui.compose import machine

        return machine.configured()

    def import_members(self, path: Path, *, fund: str, day: date | None) -> list[str]:
        """Keep a fund's holdings file and return lines for the person. Raises InputError."""
        from tui.compose import members

        return members.import_file(path, fund=fund, day=day)

    def sync_members(self, funds: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """Download holdings and return lines on what was stored and what failed. Raises InputError."""
        from tui.compose import members

        return members.sync(funds)

    def check_universe(self, universe: Universe) -> str:
        """Return a line on a universe's file. Raises InputError for one that cannot be read."""
        from tui.compose import members

        return members.check_universe(universe)

    def list_members(self) -> list[str]:
        """Return the stored membership files, one line each."""
        from tui.compose import members

        return members.lines()

    def contributions(self, fund: str, wanted: Wanted) -> ContributionsReport:
        """Return who makes a fund's move in the session at ``wanted.at``. Raises InputError."""
        from tui.compose import taken

        return taken.contributions(fund, wanted)
