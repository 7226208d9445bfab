"""The configuration file while a host runs: read again, applied to the desk, handed on to the viewers."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui.settings.file import ConfigError
from tui.ssh import event_log
from tui.ssh.rooms.defaults import Told, ViewDefaults, first_view
from tui.ssh.status import ConfigStatus
from tui.view.applied import change_desk, with_pairs
from tui.view.theme import names

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from rotation.errors import InputError
    from tui.backend import Desk
    from tui.settings.reload import ConfigWatch
    from tui.view.applied import Applied

LOOK_S = 1.0
"""Seconds between two looks at the file."""
LOOKS = 2
"""Looks at once when asked to: a changed file is read when a second look finds it as the first did."""
DESK_ONLY = frozenset({"alerts", "notify.to", "export.folder", "screen.motion", "feeds.demo_when_empty"})
"""What a host has no use for."""
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
        adopt: Callable[[ViewDefaults, Told], None],
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
        self._fault = self._theme_fault = ""
        """What administrators read of the file, and of a theme, that cannot be used; "" where they can."""
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
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._asked.wait()
            except TimeoutError:
                await self._look(self._watch)
                continue
            self._asked.clear()
            for _ in range(LOOKS):
                await self._look(self._watch)

    async def _look(self, watch: ConfigWatch) -> None:
        try:
            applied = await asyncio.to_thread(watch.poll)
            if applied is not None:
                await self._take(watch, applied)
            elif watch.fault is None and self._fault:
                self._fault = ""  # mended to what is in force already
                self._note()
                event_log.event("configuration mended", file=str(watch.path))
        except Exception as error:  # noqa: BLE001 - whatever it is, no viewer loses the screen by it
            event_log.error("configuration failed", error, file=str(watch.path))
            self._fault = f"{watch.path.name}: {INTERNAL}"
            self._tell(Told(self._fault, is_error=True), self._defaults())

    async def _take(self, watch: ConfigWatch, applied: Applied) -> None:
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
            self._fault = _brief(watch.path.name, fault)
            self._tell(Told(self._fault, is_error=True), self._defaults())
            return
        if applied.is_theme:
            self._theme_fault = applied.message if applied.is_error else ""
            if applied.is_error:
                event_log.error("theme not reloaded", why=applied.message)
            else:
                event_log.event("theme reloaded", what=applied.message)
            self._tell(Told(applied.message, is_error=applied.is_error), self._defaults())
            return
        view = first_view(self._defaults(), names())
        await change_desk(self._desk, applied, view)
        applied = await with_pairs(self._desk, applied, view)
        event_log.event("configuration applied", file=str(watch.path), changes=applied.message)
        self._fault = ""
        self._note(applied.message)
        self._tell(Told(applied.message), self._defaults().after(applied, self._first))

    def _tell(self, told: Told, defaults: ViewDefaults) -> None:
        self._note()
        self._adopt(defaults, told)

    def _note(self, applied: str = "") -> None:
        """Keep the status up to date. ``applied``: what has changed just now."""
        if self.status is None:
            return
        if applied:
            self.status = replace(self.status, since=self._now(), applied=applied)
        self.status = replace(self.status, error=self._fault or self._theme_fault)


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
