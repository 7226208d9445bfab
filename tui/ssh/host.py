"""The host: listens, runs the desk, paints the rooms, and stops without leaving a terminal broken."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
import time
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from rotation.errors import InputError
from tui.desk import rest_of
from tui.screen.arrived import has_come
from tui.ssh import event_log, metrics, status
from tui.ssh.access.authorized_keys import AuthorizedKeys
from tui.ssh.access.bans import Bans
from tui.ssh.access.host_key import host_key
from tui.ssh.configuration.follow import ConfigFollower
from tui.ssh.demand import Demand
from tui.ssh.host_state import HostState
from tui.ssh.listener import listen
from tui.ssh.preferences import Preferences
from tui.ssh.reasons import EndReason
from tui.ssh.rooms.colours import mix_anew
from tui.ssh.rooms.following import showings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import asyncssh

    from rotation.snapshot import Snapshot
    from tui.desk import Desk
    from tui.ssh.configuration.settings import Settings
    from tui.ssh.rooms.defaults import Notice, ViewDefaults

LAG_EVERY_S = 0.25
"""Seconds between two measurements of the loop's lag."""
LAGS_KEPT = 20
"""Measurements whose worst is reported: five seconds."""
HEALTH_EVERY_S = 5.0
"""Seconds between two updates of the host's lines in the Health panel."""
SAVE_EVERY = 10
"""Sweeps (seconds) between two writes of the preferences."""
STOP_S = 5.0
"""Seconds that viewers get to receive the farewell."""
SPARE_FILES = 256
"""Open files beside those of the viewers: connections about to be refused, feeds, stores."""


class Host:
    """One host; ``run`` it once."""

    kind = "host"
    """What it is called in the log."""

    def __init__(self, desk: Desk, settings: Settings, preferences: Preferences | None = None) -> None:
        """Raises InputError if a key file cannot be used. ``preferences``: None for those of the settings."""
        self._desk = desk
        self._settings = settings
        self._key = host_key(settings.host_key)
        self._authorized_keys = authorized_keys(settings)
        self._stop = asyncio.Event()
        self._adopted = asyncio.Event()
        """Set when some viewer's view has changed by new settings."""
        self._newest: Snapshot | None = None
        self._health_lines: tuple[str, ...] = ("starting",)
        self.state = host_state(settings, self._authorized_keys, preferences)
        self._config = config_follower(settings, desk, self.state, self.adopt)
        self._demand = Demand(self.state.rooms.wants, desk.want)
        self.state.rooms.on_change = self._demand.look
        self.port = 0
        """The port, once the host listens."""
        self.metrics_port = 0
        """The port of the metrics; 0 without them."""
        self._servers: list[asyncio.Server] = []

    def stop(self) -> None:
        """Say goodbye to every viewer and let ``run`` return."""
        self._stop.set()

    def reload(self) -> None:
        """Read the key files again, disconnect clients whose keys are gone, and look at the configuration."""
        if has_reloaded(self._authorized_keys):
            self.state.recheck_keys()
        self._config.look()

    def adopt(self, defaults: ViewDefaults, notice: Notice | None) -> None:
        """Have viewers see these settings with their next frame."""
        has_new_inks = mix_anew()
        self.state.adopt(defaults, notice)
        for session in self.state.sessions if has_new_inks else ():
            if session.viewer is not None:
                session.viewer.has_new_view = True
        self._adopted.set()

    async def run(self, ready: Callable[[int], None] = lambda _port: None) -> None:
        """Serve until ``stop``; ``ready`` gets the port. Raises InputError and what the desk raises."""
        # What exists now stays: full collections need not look at it again.
        gc.collect()
        gc.freeze()
        await self._open(self._key)
        self._authorized_keys.report("keys read")
        ready(self.port)
        try:
            await run_until(
                self._stop,
                desk=self._desk.run(),
                rooms=self._follow_desk(),
                config=self._config.run(),
                adopted=self._repaint_adopted(),
                demand=self._demand.run(),
                health=self._update_health(),
                lag=self._measure_lag(),
                sweep=self._sweep(),
            )
        finally:
            self.state.closing = True
            self._close()
            await self._say_goodbye()
            await save(self.state.preferences)
            event_log.event(f"{self.kind} stopped")

    async def _open(self, key: asyncssh.SSHKey) -> None:
        """Take connections from now on. Raises InputError."""
        settings = self._settings
        server = await listen(
            self.state,
            address=settings.address,
            port=settings.port,
            reuse_port=settings.reuse_port,
            key=key,
            proxies=settings.proxies,
        )
        self._servers.append(server)
        if settings.metrics is not None:
            self._servers.append(await metrics.serve(self.state, *settings.metrics))
            self.metrics_port = self._servers[-1].sockets[0].getsockname()[1]
        self.port = int(server.sockets[0].getsockname()[1])
        event_log.event(
            "host started",
            address=settings.address,
            port=self.port,
            host_key=key.get_fingerprint(),
            open=self._authorized_keys.is_open,
        )

    def _close(self) -> None:
        """Take no more connections."""
        for server in self._servers:
            server.close()

    async def _follow_desk(self) -> None:
        state = self.state
        rest = rest_of(self._desk)
        paced = showings(self._desk.listen(), lambda: state.pace.frame_s, self._is_awaited, rest)
        async with aclosing(paced):
            async for snapshot, is_frame in paced:
                await self._show(snapshot, only_awaited=not is_frame)

    def _is_awaited(self, snapshot: Snapshot) -> bool:
        """Whether something has come that a viewer looks at and the newest lacks."""
        return self._newest is not None and has_come(self._newest, snapshot, self._demand.asked)

    async def _show(self, snapshot: Snapshot, *, only_awaited: bool = False) -> None:
        """Bring every room to this snapshot of the desk, or those that wait for something in it."""
        self._newest = snapshot
        self.state.rooms.take(self._with_health(snapshot))
        await self.state.rooms.paint(only_awaited=only_awaited)

    async def _repaint_adopted(self) -> None:
        """Paint for the viewers whose views new settings have changed, and let others act in between."""
        while True:
            await self._adopted.wait()
            self._adopted.clear()
            for session in self.state.sessions:
                viewer = session.viewer
                if viewer is None or not viewer.has_new_view:
                    continue
                try:
                    viewer.repaint()
                except Exception as error:  # noqa: BLE001 - a view that cannot be drawn ends its viewer alone
                    viewer.fail(error)
                await asyncio.sleep(0)

    def _with_health(self, snapshot: Snapshot) -> Snapshot:
        """Return the desk's snapshot with the host's lines for the Health panel."""
        health = msgspec.structs.replace(snapshot.health, host=self._health_lines)
        return msgspec.structs.replace(snapshot, health=health)

    async def _update_health(self) -> None:
        """Renew the host's lines in the Health panel, also while the desk is still."""
        while True:
            self._health_lines = self._host_lines()
            if self._newest is not None:
                await self._show(self._newest)
            await asyncio.sleep(HEALTH_EVERY_S)

    def _host_lines(self) -> tuple[str, ...]:
        """Return the host's lines for the Health panel."""
        return status.health_lines(self.state.status())

    async def _measure_lag(self) -> None:
        state, loop = self.state, asyncio.get_running_loop()
        lags: list[float] = []
        while True:
            began = loop.time()
            await asyncio.sleep(LAG_EVERY_S)
            lag = loop.time() - began - LAG_EVERY_S
            lags = [*lags[-LAGS_KEPT + 1 :], lag]
            state.lag_s = max(lags)
            before = state.pace.level
            state.pace.observe(lag, loop.time())
            if state.pace.level != before:
                event_log.event("pace", pace=state.pace.level, lag_ms=round(lag * 1e3))

    async def _sweep(self) -> None:
        sweeps = 0
        while True:
            await asyncio.sleep(1)
            self.state.sweep()
            sweeps += 1
            if sweeps % SAVE_EVERY == 0:
                await save(self.state.preferences)

    async def _say_goodbye(self) -> None:
        connections = self.state.connections
        for connection in list(connections):
            if connection.session is not None and connection.session.viewer is not None:
                connection.session.end(EndReason.HOST_STOPPED)
            else:
                connection.cut()
        if connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.state.empty.wait(), STOP_S)
        for connection in list(connections):
            connection.cut()


async def run_until(stop: asyncio.Event, **works: Coroutine[Any, Any, None]) -> None:
    """Run these, as tasks of these names, until told to stop; what one of them raises ends all."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work, name=name) for name, work in works.items()]
        await stop.wait()
        for task in tasks:
            task.cancel()


def authorized_keys(settings: Settings) -> AuthorizedKeys:
    """Return who may log in. Raises InputError if a key file cannot be used."""
    return AuthorizedKeys(
        settings.authorized_keys,
        admins=settings.admin_keys,
        revoked=settings.revoked_keys,
        now=settings.now_s,
    )


def host_state(settings: Settings, keys: AuthorizedKeys, preferences: Preferences | None = None) -> HostState:
    """Return the state of a host without connections; ``preferences``: None for those of the settings."""
    return HostState(
        defaults=settings.defaults,
        limits=settings.limits,
        authorized_keys=keys,
        bans=Bans(settings.bans),
        preferences=preferences or Preferences(settings.preferences),
        clock=time.monotonic,
        now=settings.now_s,
    )


def config_follower(
    settings: Settings, desk: Desk, state: HostState, adopt: Callable[[ViewDefaults, Notice], None]
) -> ConfigFollower:
    """Return what follows the configuration file of these settings, and note it in the state."""
    follower = ConfigFollower(
        settings.config,
        desk,
        first=settings.pair,
        defaults=lambda: state.defaults,
        adopt=adopt,
        now=lambda: datetime.fromtimestamp(settings.now_s(), UTC),
    )
    state.config = lambda: follower.status
    return follower


def has_reloaded(keys: AuthorizedKeys) -> bool:
    """Read the key files again; False, and a line in the log, if the keys read before stay in force."""
    try:
        keys.reload()
    except InputError as error:
        event_log.error("keys not reloaded", why=str(error), keeps="the keys read before")
        return False
    keys.report("keys reloaded")
    return True


async def save(preferences: Preferences) -> None:
    """Bring what viewers have chosen to disk."""
    unsaved = preferences.take_unsaved()
    if unsaved:
        await asyncio.to_thread(preferences.write, unsaved)


def on_signals(stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """Stop at SIGTERM and SIGINT, and reload at SIGHUP."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)


def serve(desk: Desk, settings: Settings, ready: Callable[[int], None]) -> None:
    """Host until SIGTERM or SIGINT; SIGHUP reloads files. Raises InputError and what the desk raises."""
    asyncio.run(_serve(desk, settings, ready))


async def _serve(desk: Desk, settings: Settings, ready: Callable[[int], None]) -> None:
    raise_file_limit(settings.limits.sessions)
    host = Host(desk, settings)
    on_signals(host.stop, host.reload)
    await host.run(ready)


def raise_file_limit(sessions: int) -> None:
    """Allow this process an open file for every viewer; the default is about a thousand."""
    needed = sessions + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise InputError(
            f"--max-sessions {sessions} needs {needed} open files, but the system allows {hard}; "
            "lower it, or raise ulimit -n (systemd: LimitNOFILE)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
