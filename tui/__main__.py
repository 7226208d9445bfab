"""The composition root: the only module of the screen that knows where quotes come from."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from tui.cli import app as cli
from tui.cli import logs

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from feeds.desk.demo_fallback import DemoFallback
    from feeds.desk.open import Source
    from feeds.history.store import HistoryStore
    from feeds.keys.chain import KeyChain
    from feeds.supervisor import Listener, Supervisor
    from feeds.tapes.player import TapeFeed
    from feeds.tapes.recorder import Recorder
    from rotation.fed.inputs import FedInputs
    from rotation.findings import Finding
    from rotation.snapshot import Snapshot
    from rotation.sync_report import SyncProgress, SyncReport
    from tui.backend import Controls, Recording, Wanted


SNAPSHOT_WAITS_S = 10.0
"""For the live sources, in a single snapshot: what answers later is left out."""


class _Opened(NamedTuple):
    supervisor: Supervisor
    tape: TapeFeed | None
    is_empty: bool
    """A live desk without any history yet."""


class LocalDesk:
    """A supervisor in this process, as the screen wants it."""

    def __init__(self, supervisor: Supervisor | DemoFallback, controls: Controls | None) -> None:
        self._supervisor = supervisor
        self._controls = controls

    @property
    def controls(self) -> Controls | None:
        """Of the tape that is being played, be it the demo that stands in."""
        return self._controls or getattr(self._supervisor, "controls", None)

    async def run(self) -> None:
        """Drive the feeds until they end."""
        await self._supervisor.run()

    def listen(self) -> Listener:
        """The newest snapshot, again and again."""
        return self._supervisor.listen()


class LocalRecordingDesk(LocalDesk):
    """The same, and every event is written down."""

    def __init__(self, supervisor: Supervisor, controls: Controls | None, recorder: Recorder) -> None:
        super().__init__(supervisor, controls)
        self.recording: Recording = recorder
        self._recorder = recorder
        supervisor.observer = recorder.take

    async def run(self) -> None:
        """Drive the feeds until they end, and leave whole files behind."""
        from feeds.tapes.recorder import recorded  # noqa: PLC0415

        await recorded(super().run(), self._recorder)


class LocalBackend:
    """Feeds, store and market of this machine. Imports them when asked: the first paint waits for none."""

    def open(self, wanted: Wanted) -> LocalDesk:
        """Read what is wanted; blocking. Raises InputError."""
        opened = self._supervised(wanted)
        if not opened.is_empty or not wanted.unasked_demo:
            return LocalDesk(opened.supervisor, opened.tape)
        from feeds.desk.demo_fallback import DemoFallback  # noqa: PLC0415

        demo = msgspec.structs.replace(wanted, demo=True, at=None)
        return LocalDesk(DemoFallback(opened.supervisor, lambda: self._supervised(demo)[:2]), None)

    def record(self, wanted: Wanted, path: Path) -> LocalRecordingDesk:
        """As ``open``, with a recorder beside it. Raises InputError."""
        from feeds.tapes.recorder import Recorder  # noqa: PLC0415

        recorder = Recorder(path)
        opened = self._supervised(wanted)
        return LocalRecordingDesk(opened.supervisor, opened.tape, recorder)

    def _supervised(self, wanted: Wanted) -> _Opened:
        from feeds.desk import open as opening  # noqa: PLC0415

        source = self._source(wanted)
        desk = opening.desk_for(source.history, wanted.pair, wanted.returns)
        supervise = partial(
            opening.supervise, start=wanted.at, speed=wanted.speed, stays=wanted.stays, now_ns=time.time_ns()
        )
        if wanted.offline or source.tape is not None:
            return _Opened(*supervise(source, desk), is_empty=False)
        from feeds.desk import live  # noqa: PLC0415

        feeds = live.feeds(
            desk,
            source.history,
            None if wanted.history else self._store(),
            choice=wanted.feed,
            data=self._folder(""),
            cache=self._cache(),
        )
        return _Opened(*supervise(source, desk, live=feeds), is_empty=not source.history.symbols)

    def snapshot(self, wanted: Wanted) -> Snapshot:
        """The one snapshot at ``wanted.at``; blocking. Raises InputError."""
        from feeds.desk import open as opening  # noqa: PLC0415

        source = self._source(wanted)
        desk = opening.desk_for(source.history, wanted.pair, wanted.returns)
        now = None
        if not wanted.offline and source.tape is None and wanted.at is None:
            import asyncio  # noqa: PLC0415

            from feeds.desk import live  # noqa: PLC0415

            now = asyncio.run(
                live.once(
                    desk,
                    choice=wanted.feed,
                    data=self._folder(""),
                    cache=self._cache(),
                    limit_s=SNAPSHOT_WAITS_S,
                )
            )
            if not now.quotes and not source.history.symbols and wanted.unasked_demo:
                return self.snapshot(msgspec.structs.replace(wanted, demo=True))
        return opening.snapshot_at(source, desk, at=wanted.at, now_ns=time.time_ns(), now=now)

    def fed_inputs(self, *, age_gap_s: float) -> tuple[FedInputs, int]:
        """What the sources know of the Fed now, and when that is; blocking. Raises InputError."""
        import asyncio  # noqa: PLC0415

        from feeds.fed import opening as fed_opening  # noqa: PLC0415

        asked = fed_opening.live(self._folder("fed"), self._cache(), age_gap_s=age_gap_s, tries=2)
        return asyncio.run(asked.once())

    def fed_history(self, since: date | None, form: Literal["csv", "json", "parquet"]) -> bytes:
        """The log of probabilities as a file. Raises InputError."""
        from feeds.fed import opening as fed_opening  # noqa: PLC0415

        return fed_opening.history(self._folder("fed"), since=since, form=form)

    def _cache(self) -> Path:
        from platformdirs import user_cache_path  # noqa: PLC0415

        return user_cache_path("rotation-tui") / "http"

    def _folder(self, name: str) -> Path:
        from platformdirs import user_data_path  # noqa: PLC0415

        return user_data_path("rotation-tui") / name

    def import_history(self, paths: tuple[Path, ...], *, replace: bool, raw: bool = False) -> list[str]:
        """Import daily closes; lines to tell the person. Raises InputError."""
        from feeds.files.names import find_files, symbol_from  # noqa: PLC0415
        from feeds.history.importing import read_history  # noqa: PLC0415

        now_ns = time.time_ns()
        frame, notes = read_history(paths, now_ns=now_ns, raw=raw)
        sources = {symbol_from(file, file.stem): file.name for file in find_files(paths)}
        self._store().replace(frame, sources, allow_shrink=replace, now_ns=now_ns)
        return [*notes, *(line for line in self.list_history() if line.split()[0] in sources)]

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
        from feeds.desk import history_run  # noqa: PLC0415

        return history_run.run(
            self._store(), symbols, universe=universe, choice=source, since=since, tell=tell
        )

    def list_history(self) -> list[str]:
        """What has been imported, a line a symbol."""
        held = self._store().symbols()
        return [f"{s:<8} {e.rows:>7,} sessions  {e.first} to {e.last}  {e.source}" for s, e in held.items()]

    def keys(self) -> KeyChain:
        """The vendors' keys."""
        from feeds.keys.chain import KeyChain  # noqa: PLC0415

        return KeyChain()

    def places(self) -> dict[str, Path]:
        """Where this program keeps what it keeps, by what it is."""
        from platformdirs import user_cache_path  # noqa: PLC0415

        from feeds.keys.keys import key_file  # noqa: PLC0415

        return {
            "keys": key_file().path,
            "history": self._store().folder,
            "cache": user_cache_path("rotation-tui"),
            "log": logs.log_file(),
        }

    def examine(self, *, stream: bool) -> list[Finding]:
        """Look over the installation, but for the terminal; blocking, some seconds."""
        from feeds.doctor import examine as doctor  # noqa: PLC0415

        return doctor.examine(self.places(), stream=stream)

    def configured(self) -> list[str]:
        """Keys by their source, and what the environment overrides: a line each, without a secret."""
        from feeds.doctor.overrides import overrides  # noqa: PLC0415

        changed = [f"{name} = {value}" for name, value in overrides().items()]
        return [*self.keys().lines(), *(changed or ["no variable of the environment changes anything"])]

    def _source(self, wanted: Wanted) -> Source:
        from feeds.desk import open as opening  # noqa: PLC0415

        if wanted.demo:
            return opening.demo()
        found = opening.source(
            self._store(),
            history=wanted.history,
            tapes=wanted.tapes,
            now_ns=time.time_ns(),
            pair=wanted.pair,
            demo_instead=wanted.offline,
        )
        if found.origin.mode == "DEMO" and not wanted.unasked_demo:
            from rotation.errors import InputError  # noqa: PLC0415

            raise InputError(
                "nothing to show: import daily closes (rotation-tui history import) or name a --tape"
            )
        return found

    def _store(self) -> HistoryStore:
        from feeds.history.store import HistoryStore  # noqa: PLC0415

        return HistoryStore(self._folder("history"))


def _veil(text: str) -> str:
    """Without the keys that were found; while none was looked for, there is none to hide."""
    keys = sys.modules.get("feeds.keys.keys")
    return keys.redact(text) if keys else text


def main() -> None:
    """Run the command line."""
    logs.redact = _veil
    sys.exit(cli.run(LocalBackend()))


if __name__ == "__main__":
    main()
