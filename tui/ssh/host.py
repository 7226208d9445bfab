"""The host: listens, drives the desk, paints the rooms, and stops without leaving a terminal broken."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import msgspec

from rotation.errors import InputError
from tui.ssh import journal, status
from tui.ssh.gate import SshConnection
from tui.ssh.house import HostState
from tui.ssh.identity import AuthorizedKeys, host_key
from tui.ssh.limits import Limits
from tui.ssh.prefs import Preferences

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.backend import Desk

BEAT_S = 0.25
"""Between two measurements of the loop's lag."""
LAG_BEATS = 20
"""The worst of so many is told."""
TELL_S = 5.0
"""Between two words on the host in the Health panel."""
SAVE_S = 10
"""Sweeps between two writes of the preferences."""
STOP_S = 5.0
"""What viewers get to swallow the farewell."""
BACKLOG = 256
FILES = 256
"""Open files beside those of the viewers: connections about to be refused, feeds, stores."""


class Settings(msgspec.Struct, frozen=True):
    """How to host."""

    address: str
    port: int
    authorized_keys: Path | None
    """None: anyone may come in."""
    host_key: Path
    preferences: Path
    theme: str
    now_s: Callable[[], float]
    """The wall clock, in UTC seconds."""
    limits: Limits = Limits()
    reuse_port: bool = False
    """Share the port with other hosts, one a core."""


class Host:
    """Run it once."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        """Raises InputError if a key file cannot be used."""
        self._desk = desk
        self._settings = settings
        self._key = host_key(settings.host_key)
        self._guests = AuthorizedKeys(settings.authorized_keys) if settings.authorized_keys else None
        self._stop = asyncio.Event()
        self._desks: Snapshot | None = None
        self._words: tuple[str, ...] = ("begins",)
        self.house = HostState(
            theme=settings.theme,
            limits=settings.limits,
            guests=self._guests,
            prefs=Preferences(settings.preferences),
            clock=time.monotonic,
            now=settings.now_s,
        )
        self.port = 0
        """Where it listens, once it does."""

    def stop(self) -> None:
        """Say goodbye to everyone and end."""
        self._stop.set()

    def reload(self) -> None:
        """Read the authorized keys again; whoever is not in them any more is sent away."""
        if self._guests is None:
            return
        try:
            self._guests.reload()
        except InputError as error:
            journal.log.error("keys not reloaded", extra={"told": {"why": str(error)}})
            return
        journal.tell("keys reloaded")
        self.house.withdraw()

    async def run(self, ready: Callable[[int], None] = lambda _port: None) -> None:
        """Serve until ``stop``; ``ready`` gets the port. Raises what the desk raises, and InputError."""
        # What exists now stays: full collections need not look at it again.
        gc.collect()
        gc.freeze()
        server = await self._listen()
        self.port = server.get_port()
        journal.tell(
            "host begins",
            address=self._settings.address,
            port=self.port,
            host_key=self._key.get_fingerprint(),
            open=self._guests is None,
        )
        ready(self.port)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(work, name=name)
                    for name, work in (
                        ("desk", self._desk.run()),
                        ("rooms", self._paint()),
                        ("word", self._tell()),
                        ("lag", self._measure()),
                        ("sweep", self._sweep()),
                    )
                ]
                await self._stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self.house.closing = True
            server.close()
            await self._farewell()
            await self._save()
            journal.tell("host ends")

    async def _listen(self) -> asyncssh.SSHAcceptor:
        limits = self._settings.limits
        try:
            return await asyncssh.listen(
                self._settings.address,
                self._settings.port,
                reuse_port=self._settings.reuse_port or None,
                backlog=BACKLOG,
                server_factory=lambda: SshConnection(self.house),
                server_host_keys=[self._key],
                server_version="rotation-tui",
                config=[],
                encoding=None,
                line_editor=False,
                public_key_auth=True,
                kbdint_auth=self._guests is None,
                password_auth=False,
                host_based_auth=False,
                gss_auth=False,
                gss_kex=False,
                compression_algs=["none"],
                agent_forwarding=False,
                x11_forwarding=False,
                allow_scp=False,
                login_timeout=2 * limits.login_s,  # the gate counts its own, to the session
                keepalive_interval=limits.keepalive_s,
                keepalive_count_max=limits.keepalives,
                window=64 * 1024,
            )
        except OSError as error:
            where = f"{self._settings.address}:{self._settings.port}"
            raise InputError(f"--listen: {where}: {error.strerror or error}") from error

    async def _paint(self) -> None:
        house, loop = self.house, asyncio.get_running_loop()
        async for snapshot in self._desk.listen():
            began = loop.time()
            self._desks = snapshot
            house.rooms.take(self._told(snapshot))
            await house.rooms.paint()
            await asyncio.sleep(max(house.pace.frame_s - (loop.time() - began), 0))

    def _told(self, snapshot: Snapshot) -> Snapshot:
        """The desk's snapshot with a word on the host."""
        health = msgspec.structs.replace(snapshot.health, host=self._words)
        return msgspec.structs.replace(snapshot, health=health)

    async def _tell(self) -> None:
        """Renew the word on the host, also while the desk stands still."""
        while True:
            self._words = status.words(self.house.status())
            if self._desks is not None:
                self.house.rooms.take(self._told(self._desks))
                await self.house.rooms.paint()
            await asyncio.sleep(TELL_S)

    async def _measure(self) -> None:
        house, loop = self.house, asyncio.get_running_loop()
        lags: list[float] = []
        while True:
            began = loop.time()
            await asyncio.sleep(BEAT_S)
            lag = loop.time() - began - BEAT_S
            lags = [*lags[-LAG_BEATS + 1 :], lag]
            house.lag_s = max(lags)
            before = house.pace.level
            house.pace.observe(lag, loop.time())
            if house.pace.level != before:
                journal.tell("pace", pace=house.pace.level, lag_ms=round(lag * 1e3))

    async def _sweep(self) -> None:
        sweeps = 0
        while True:
            await asyncio.sleep(1)
            self.house.sweep()
            sweeps += 1
            if sweeps % SAVE_S == 0:
                await self._save()

    async def _save(self) -> None:
        changed = self.house.prefs.changes()
        if changed:
            await asyncio.to_thread(self.house.prefs.write, changed)

    async def _farewell(self) -> None:
        gates = self.house.gates
        for gate in list(gates):
            if gate.session is not None and gate.session.viewer is not None:
                gate.session.end("stop")
            else:
                gate.cut()
        if gates:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.house.empty.wait(), STOP_S)
        for gate in list(gates):
            gate.cut()


def serve(desk: Desk, settings: Settings, ready: Callable[[int], None]) -> None:
    """Host until SIGTERM or SIGINT; SIGHUP reloads the keys. Raises InputError and what the desk raises."""
    asyncio.run(_serve(desk, settings, ready))


async def _serve(desk: Desk, settings: Settings, ready: Callable[[int], None]) -> None:
    _allow_files(settings.limits.sessions)
    host = Host(desk, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, host.stop)
    loop.add_signal_handler(signal.SIGHUP, host.reload)
    await host.run(ready)


def _allow_files(sessions: int) -> None:
    """Every viewer is an open file; by default a process may have about a thousand."""
    needed = sessions + FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise InputError(
            f"--max-sessions {sessions} needs {needed} open files and the system allows {hard}; "
            "raise ulimit -n (systemd: LimitNOFILE)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
