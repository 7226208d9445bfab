"""The configuration file while a host runs: read again, applied to the desk, handed on to the viewers."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui.desk import DeskError, ReopeningDesk
from tui.settings.file import ConfigError
from tui.ssh import event_log
from tui.ssh.rooms.defaults import Notice, ViewDefaults, first_view
from tui.ssh.status import ConfigStatus
from tui.view.applied import change_desk, with_pairs
from tui.view.theme import names

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from rotation.errors import InputError
    from tui.desk import Desk
    from tui.settings.reload import ConfigWatch
    from tui.view.applied import Applied, Reopening

LOOK_S = 1.0
"""Seconds between two looks at the file."""
LOOKS = 2
"""Looks at once when asked to: a changed file is read when a second look finds it as the first did."""
DESK_ONLY = frozenset({"notify.to", "export.folder"})
"""What a host has no use for, beside settings of options that it does not have."""
GLYPHS = frozenset({"screen.glyphs"})
"""What it takes without an option: nobody's own terminal is meant."""
INTERNAL = "internal error; the host's log has the details"
_KEY = re.compile(r"[A-Za-z0-9_.#-]{1,60}")


class ConfigFollower:
    """Follows one file. ``run`` it once; without a watch it waits for ever."""

    def __init__(
        self,
        watch: ConfigWatch | None,
        desk: Desk,
        *,
        first: tuple[str, str],
        defaults: Callable[[], ViewDefaults],
        adopt: Callable[[ViewDefaults, Notice], None],
        now: Callable[[], dt.datetime],
    ) -> None:
        """``first``: the desk's first pair. ``defaults``: those in force.

        ``adopt`` gets those of a changed file, or the same where it cannot be used, and what to say.
        """
        self._watch = watch
        self._desk = desk
        self._first = first
        self._defaults = defaults
        self._adopt = adopt
        self._now = now
        self._asked = asyncio.Event()
        self._faults = {"file": "", "theme": "", "desk": ""}
        """What administrators read of each where it cannot be used; "" where it can."""
        self._opened = 0
        """How often the desk has become another one."""
        self.status = None if watch is None else ConfigStatus(watch.path.name, now())
        """For administrators; None without a file to follow."""

    def look(self) -> None:
        """Read the file now, if it has changed."""
        self._asked.set()

    async def run(self) -> None:
        """Look at the file now and then, and whenever asked to."""
        if self._watch is None:
            await asyncio.Event().wait()
            return
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._asked.wait()
                except TimeoutError:
                    await self._look(self._watch, group)
                    continue
                self._asked.clear()
                for _ in range(LOOKS):
                    await self._look(self._watch, group)

    async def _look(self, watch: ConfigWatch, group: asyncio.TaskGroup) -> None:
        with self._contained(watch):
            applied = await asyncio.to_thread(watch.poll)
            if applied is not None:
                await self._take(watch, applied, group)
            elif watch.fault is None and self._faults["file"]:
                self._faults["file"] = ""  # mended to what is in force already
                self._note()
                event_log.event("configuration mended", file=str(watch.path))

    @contextmanager
    def _contained(self, watch: ConfigWatch) -> Iterator[None]:
        """Whatever goes wrong, no viewer loses the screen by it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            event_log.error("configuration failed", error, file=str(watch.path))
            self._fail("desk", f"{watch.path.name}: {INTERNAL}")

    async def _take(self, watch: ConfigWatch, applied: Applied, group: asyncio.TaskGroup) -> None:
        fault = applied.fault
        if fault is not None:
            event_log.error(
                "configuration not applied",
                cause=None,
                file=str(watch.path),
                **_place(fault),
                why=fault.problem if isinstance(fault, ConfigError) else str(fault),
                keeps="the settings read before",
            )
            self._fail("file", _brief(watch.path.name, fault))
            return
        if applied.is_theme and applied.is_error:
            event_log.error("theme not reloaded", why=applied.message)
            self._fail("theme", applied.message)
            return
        if applied.is_theme:
            event_log.event("theme reloaded", what=applied.message)
            self._faults["theme"] = ""
            self._tell(applied.message, self._defaults())
            return
        view = first_view(self._defaults(), names())
        await change_desk(self._desk, applied, view)
        applied = await with_pairs(self._desk, applied, view)
        event_log.event("configuration applied", file=str(watch.path), changes=applied.message)
        self._faults["file"] = self._faults["desk"] = ""
        self._tell(applied.message, self._defaults().after(applied, self._pair))
        reopening = applied.reopening
        if reopening is not None and reopening.names and isinstance(self._desk, ReopeningDesk):
            # The file may change again meanwhile: then the desk becomes what the later one says.
            group.create_task(self._reopen(watch, self._desk, reopening), name="another desk")

    async def _reopen(self, watch: ConfigWatch, desk: ReopeningDesk, reopening: Reopening) -> None:
        """Have the desk become another one; where it cannot, it stays, and the log says why."""
        with self._contained(watch):
            names = ", ".join(reopening.names)
            try:
                lacking = await desk.reopen(reopening.wanted(desk.wanted))
            except DeskError as error:
                why = reopening.blame(reopening.names, error.setting, str(error))
                event_log.error("desk not changed", file=str(watch.path), key=error.setting or names, why=why)
                self._fail(
                    "desk",
                    f"{reopening.file}: {error.setting or names} cannot be applied (see the host's log); "
                    "the desk stays as it is",
                )
                return
            if lacking is None:
                return
            event_log.event("desk changed", file=str(watch.path), changes=names)
            self._faults["desk"] = ""
            self._opened += 1
            self._tell(reopening.done(lacking), self._defaults().of_desk(desk.wanted, self._opened))

    @property
    def _pair(self) -> tuple[str, str]:
        """The desk's first pair."""
        return self._desk.wanted.pair if isinstance(self._desk, ReopeningDesk) else self._first

    def _fail(self, what: str, message: str) -> None:
        self._faults[what] = message
        self._note()
        self._adopt(self._defaults(), Notice(message, is_error=True))

    def _tell(self, message: str, defaults: ViewDefaults) -> None:
        self._note(message)
        self._adopt(defaults, Notice(message))

    def _note(self, applied: str = "") -> None:
        """Keep the status up to date. ``applied``: what has changed just now."""
        if self.status is None:
            return
        if applied:
            self.status = replace(self.status, since=self._now(), applied=applied)
        self.status = replace(self.status, error=next(filter(None, self._faults.values()), ""))


def _place(fault: InputError) -> dict[str, object]:
    """Line and key of a mistake, as far as it has them, as fields of the log."""
    if not isinstance(fault, ConfigError):
        return {}
    given = {"line": fault.line, "key": fault.key}
    return {name: value for name, value in given.items() if value}


def _brief(file: str, fault: InputError) -> str:
    """Where the mistake is, in no words of the file's own: they may name folders of the host."""
    place = _place(fault)
    line = f", line {place['line']}" if "line" in place else ""
    key = f": {place['key']}" if _KEY.fullmatch(str(place.get("key", ""))) else ""
    return f"{file}{line}{key} cannot be used (see the host's log); the previous configuration stays in use"
