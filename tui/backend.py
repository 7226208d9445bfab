"""What the screen needs of the program behind it; the composition root (``tui/__main__.py``) provides it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import date

    from rotation.fed.inputs import FedInputs
    from rotation.findings import Finding
    from rotation.snapshot import Snapshot
    from rotation.sync_report import SyncProgress, SyncReport


class Wanted(msgspec.Struct, frozen=True):
    """What a person asked to see, as the command line said it."""

    history: Path | None = None
    """A folder (or file) of daily closes; None means what was imported."""
    tapes: tuple[Path, ...] = ()
    demo: bool = False
    at: str | None = None
    """An instant or a session, still as text."""
    speed: float = 1.0
    pair: tuple[str, str] = ("IWM", "QQQ")
    returns: str = "price"
    stays: bool = True
    """At the end of a tape, wait for a seek."""
    unasked_demo: bool = True
    """Without anything else to show, the demo; never where others look on."""
    offline: bool = False
    """Ask no source; show what is here."""
    feed: str = "auto"
    """Which vendor brings the quotes."""


class Controls(Protocol):
    """What the keys can do to a tape."""

    def hold(self) -> None:
        """Stop, or run on."""
        ...

    def slower(self) -> None:
        """One speed down."""
        ...

    def faster(self) -> None:
        """One speed up."""
        ...

    def seek(self, seconds: float) -> None:
        """Move by seconds of tape."""
        ...


class Desk(Protocol):
    """A desk in operation."""

    @property
    def controls(self) -> Controls | None:
        """Of the tape being played, if there is one now."""
        ...

    async def run(self) -> None:
        """Drive the feeds until they end."""
        ...

    def listen(self) -> AsyncIterator[Snapshot]:
        """The newest snapshot, again and again, until the run ends."""
        ...


class Recording(Protocol):
    """What has been taken down."""

    quotes: int
    lost: int
    """Rows that no tape can hold."""
    paths: list[Path]
    """The files written to."""


class RecordingDesk(Desk, Protocol):
    """A desk whose feeds are taken down."""

    recording: Recording


class KeyChain(Protocol):
    """The vendors' keys of this person. No line that it gives holds a key."""

    def parts(self, feed: str) -> tuple[str, ...]:
        """What a feed's key consists of, in words. Raises InputError for a feed without one."""
        ...

    def keep(self, feed: str, parts: tuple[str, ...], *, in_file: bool) -> list[str]:
        """Keep a key, in the keyring if there is one; lines to tell. Raises InputError."""
        ...

    def forget(self, feed: str) -> list[str]:
        """Forget a key; lines to tell. Raises InputError."""
        ...

    def lines(self) -> list[str]:
        """Where each key comes from."""
        ...


class Backend(Protocol):
    """Everything the command line can have done."""

    def open(self, wanted: Wanted) -> Desk:
        """Read what is wanted; blocking. Raises InputError."""
        ...

    def snapshot(self, wanted: Wanted) -> Snapshot:
        """The one snapshot at ``wanted.at``; blocking. Raises InputError."""
        ...

    def fed_inputs(self, *, age_gap_s: float) -> tuple[FedInputs, int]:
        """What the sources know of the Fed now, and when that is; blocking. Raises InputError."""
        ...

    def fed_history(self, since: date | None, form: Literal["csv", "json", "parquet"]) -> bytes:
        """The log of probabilities as a file. Raises InputError."""
        ...

    def import_history(self, paths: tuple[Path, ...], *, replace: bool, raw: bool = False) -> list[str]:
        """Import daily closes; lines to tell the person. Raises InputError."""
        ...

    def sync_history(
        self,
        symbols: tuple[str, ...],
        *,
        source: Literal["auto", "alpaca", "yahoo", "stooq"],
        universe: Path | None,
        since: date,
        tell: Callable[[SyncProgress], None],
    ) -> SyncReport:
        """Download daily closes; ``tell`` hears how it goes. Blocking. Raises InputError."""
        ...

    def list_history(self) -> list[str]:
        """What has been imported, a line a symbol."""
        ...

    def record(self, wanted: Wanted, path: Path) -> RecordingDesk:
        """As ``open``, with a recorder beside it. Raises InputError."""
        ...

    def keys(self) -> KeyChain:
        """The vendors' keys."""
        ...

    def places(self) -> dict[str, Path]:
        """Where this program keeps what it keeps, by what it is."""
        ...

    def configured(self) -> list[str]:
        """Keys by their source, and what the environment overrides: a line each, without a secret."""
        ...

    def examine(self, *, stream: bool) -> list[Finding]:
        """Look over the installation, but for the terminal; blocking, some seconds."""
        ...
