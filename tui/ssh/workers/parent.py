"""The parent of a host of several processes: one desk, one entrance, and workers that it watches."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from rotation.context.wants import NOTHING
from tui.desk import rest_of
from tui.screen.arrived import has_come
from tui.ssh import event_log, metrics, status
from tui.ssh.access.host_key import host_key
from tui.ssh.demand import Demand
from tui.ssh.host import (
    HEALTH_EVERY_S,
    SAVE_EVERY,
    STOP_S,
    authorized_keys,
    config_follower,
    has_reloaded,
    host_state,
    on_signals,
    raise_file_limit,
    run_until,
    save,
)
from tui.ssh.rooms.following import showings
from tui.ssh.rooms.pace import FRAME_S
from tui.ssh.workers import wire
from tui.ssh.workers.commands import Commands
from tui.ssh.workers.entrance import Entrance
from tui.ssh.workers.pool import Cap, Pool, shares
from tui.ssh.workers.totals import Counted, total
from tui.view import theme

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.desk import Desk
    from tui.ssh.configuration.settings import Settings
    from tui.ssh.rooms.defaults import Notice, ViewDefaults
    from tui.ssh.status import HostStatus, ViewerStatus
    from tui.ssh.workers.member import Member

BEAT_S = 0.5
"""Seconds between two signs of life to the workers."""
LAGS_KEPT = 10
"""Measurements of the loop's lag whose worst is reported: five seconds."""
UNLIMITED = 1_000_000_000
"""What the parent does not limit: each worker limits its own logins in progress, and its sessions."""


class Options(msgspec.Struct, frozen=True):
    """What a host of several processes needs beside the settings of any host."""

    workers: int
    memory_mb: float
    """Resident memory that one worker may hold."""
    log_json: bool


class Parent:
    """One host of several processes; ``run`` it once."""

    def __init__(self, desk: Desk, settings: Settings, options: Options) -> None:
        """Raises InputError if a key file cannot be used."""
        self._desk = desk
        self._settings = settings
        self._options = options
        # Made and checked here, so that what is wrong is reported before anything runs.
        self._key = host_key(settings.host_key)
        self._keys = authorized_keys(settings)
        most = UNLIMITED
        limits = msgspec.structs.replace(settings.limits, sessions=most, pending=most, crowd=most)
        self.state = host_state(msgspec.structs.replace(settings, limits=limits), self._keys)
        self._shares = shares(settings.limits.sessions, options.workers)
        self.pool = Pool(
            self._setup,
            options.workers,
            Cap(options.memory_mb),
            on_message=self._take,
            on_left=lambda address: self.state.admission.leave(address, pending=True),
        )
        self._entrance = Entrance(self.state, self.pool, settings.proxies)
        self._commands = Commands(self)
        self._ended = Counted()
        """What workers that have ended had counted."""
        self._newest: bytes | None = None
        self._demand = Demand(self._wants, desk.want)
        self._config = config_follower(settings, desk, self.state, self.adopt)
        self._stop = asyncio.Event()
        self.port = 0
        self.metrics_port = 0

    def stop(self) -> None:
        """Have every worker say goodbye to its viewers, and let ``run`` return."""
        self._stop.set()

    def reload(self) -> None:
        """Have every worker read the key files again, if they can be read, and look at the configuration."""
        if has_reloaded(self._keys):
            self.pool.send(wire.Reload())
        self._config.look()

    def adopt(self, defaults: ViewDefaults, notice: Notice) -> None:
        """Have the viewers of all workers see these settings with their next frame."""
        self.state.defaults = defaults
        self.pool.send(wire.Adopt(defaults, _log_level(), notice))

    async def run(self, ready: Callable[[int], None] = lambda _port: None) -> None:
        """Serve until ``stop``; ``ready`` gets the port. Raises InputError and what the desk raises."""
        gc.collect()
        gc.freeze()
        settings = self._settings
        self.port = await self._entrance.bind(settings.address, settings.port, reuse_port=settings.reuse_port)
        metered = None
        if settings.metrics is not None:
            metered = await metrics.serve_text(self._metrics, *settings.metrics)
            self.metrics_port = metered.sockets[0].getsockname()[1]
        workers = asyncio.create_task(self.pool.run(), name="workers")
        try:
            await run_until(
                self._stop,
                desk=self._desk.run(),
                snapshots=self._follow_desk(),
                demand=self._demand.run(),
                config=self._config.run(),
                beat=self._beat(),
                sweep=self._sweep(),
                workers=_as_coroutine(workers),
                open=self._open(ready),
            )
        finally:
            self.state.closing = True
            self._entrance.close()
            if metered is not None:
                metered.close()
            await self._end_workers(workers)
            await save(self.state.preferences)
            event_log.event("host stopped")

    async def _open(self, ready: Callable[[int], None]) -> None:
        """Accept once every worker can serve."""
        await self.pool.begun()
        self._entrance.start()
        event_log.event(
            "host started",
            address=self._settings.address,
            port=self.port,
            host_key=self._key.get_fingerprint(),
            open=self._keys.is_open,
            workers=self._options.workers,
        )
        self._keys.report("keys read")
        ready(self.port)

    async def _end_workers(self, workers: asyncio.Task[None]) -> None:
        """Let every worker say goodbye; what has not ended by then is ended."""
        self.pool.stop()
        try:
            async with asyncio.timeout(STOP_S + 2.0):
                await asyncio.wait([workers])
        except TimeoutError:
            self.pool.kill()
        await asyncio.wait([workers], timeout=STOP_S)
        workers.cancel()
        await asyncio.gather(workers, return_exceptions=True)

    def _setup(self, number: int) -> wire.Setup:
        settings, state = self._settings, self.state

        def text(path: object) -> str | None:
            return None if path is None else str(path)

        # The parent admits by address. Its count is never below a worker's, but the times at which the two
        # see a connection differ a little.
        limits = msgspec.structs.replace(
            settings.limits,
            sessions=self._shares[number - 1],
            new_per_minute=2 * settings.limits.new_per_minute,
        )
        return wire.Setup(
            version=wire.VERSION,
            worker=number,
            limits=limits,
            authorized_keys=text(settings.authorized_keys),
            admin_keys=text(settings.admin_keys),
            revoked_keys=text(settings.revoked_keys),
            host_key=str(settings.host_key),
            preferences=str(settings.preferences),
            defaults=state.defaults,
            themes=text(theme.own_folder()),
            bans=tuple(state.bans.names()),
            clock=self._clock(),
            log_level=_log_level(),
            log_json=self._options.log_json,
        )

    async def _follow_desk(self) -> None:
        paced = showings(self._desk.listen(), lambda: FRAME_S, self._is_awaited, rest_of(self._desk))
        async with aclosing(paced):
            async for snapshot, _ in paced:
                if snapshot is not self.state.rooms.newest:  # it may have been awaited
                    self._show(snapshot)
                self._demand.look()  # a worker may have ended

    def _is_awaited(self, snapshot: Snapshot) -> bool:
        """Whether something has come that a viewer looks at and the newest lacks."""
        newest = self.state.rooms.newest
        return newest is not None and has_come(newest, snapshot, self._demand.asked)

    def _show(self, snapshot: Snapshot) -> None:
        """Send a Snapshot to all workers, encoded once."""
        self.state.rooms.newest = snapshot
        self._newest = wire.snapshot_frame(snapshot, time.monotonic())
        self.pool.set("snapshot", self._newest)

    def _wants(self) -> Wants:
        """What any worker's viewers look at."""
        return NOTHING.union(*(member.wants for member in self.pool))

    def _clock(self) -> wire.Clock:
        return wire.Clock(self._settings.now_s(), time.monotonic())

    async def _beat(self) -> None:
        """Tell the workers that the parent is alive, and what the Health panel says of the host."""
        loop = asyncio.get_running_loop()
        lines, due = status.health_lines(self.status()), 0.0
        lags: list[float] = []
        while True:
            began = loop.time()
            if loop.time() >= due:
                lines, due = status.health_lines(self.status()), loop.time() + HEALTH_EVERY_S
            self.pool.set("beat", wire.frame(wire.Beat(lines, self._clock())))
            await asyncio.sleep(BEAT_S)
            lags = [*lags[-LAGS_KEPT + 1 :], loop.time() - began - BEAT_S]
            self.state.lag_s = max(lags)

    async def _sweep(self) -> None:
        sweeps = 0
        while True:
            await asyncio.sleep(1)
            if self.state.bans.refresh():
                self.send_bans()
            sweeps = (sweeps + 1) % SAVE_EVERY
            if not sweeps:
                await save(self.state.preferences)

    def send_bans(self) -> None:
        """Have every worker know what is banned, and disconnect whom it concerns."""
        self.pool.send(wire.BansChanged(tuple(self.state.bans.names())))

    def _take(self, member: Member, message: wire.ToParent) -> None:
        """Take what a worker says that concerns others."""
        match message:
            case wire.Ready():
                # What has changed since its setup was made, which it was sent while it was being started.
                member.send(wire.BansChanged(tuple(self.state.bans.names())))
                member.send(wire.Adopt(self.state.defaults, _log_level()))
                if self._newest is not None:
                    member.set("snapshot", self._newest)
            case wire.LoggedIn():
                self.state.admission.logged_in(message.address)
            case wire.Chosen():
                self.state.preferences.keep(message.fingerprint, message.choice)
                self.pool.send(message, but=member)
            case wire.WantsChanged():
                self._demand.look()
            case wire.Question():
                self._commands.begin(member, message)
            case _:
                pass

    def _counted(self) -> Counted:
        for report in self.pool.lost:
            self._ended = self._ended.plus(report)
        self.pool.lost.clear()
        counted = self._ended
        for member in self.pool:
            if member.report is not None:
                counted = counted.plus(member.report)
        return counted

    def status(self, viewers: list[ViewerStatus] | None = None) -> HostStatus:
        """Return the status of the whole host. ``viewers``: for administrators."""
        own = self.state.status()
        return total(
            own if viewers is None else msgspec.structs.replace(own, config=self.state.config()),
            counted=self._counted(),
            running=[member.report.status for member in self.pool if member.report is not None],
            workers=self.pool.statuses(),
            most_sessions=self._settings.limits.sessions,
            viewers=viewers,
        )

    def _metrics(self) -> str:
        counted = self._counted()
        return metrics.text(
            self.status(),
            frames=counted.frames,
            octets=counted.bytes,
            pending=sum(member.report.pending for member in self.pool if member.report is not None),
            bans=len(self.state.bans),
        )


def _log_level() -> str:
    """As the configuration has it now."""
    return logging.getLevelName(logging.getLogger().level).lower()


async def _as_coroutine(task: asyncio.Task[None]) -> None:
    """Wait for a task that goes on when this is cancelled: workers end after everything else."""
    await asyncio.shield(task)


def serve(desk: Desk, settings: Settings, options: Options, ready: Callable[[int], None]) -> None:
    """Host until SIGTERM or SIGINT; SIGHUP reloads files. Raises InputError and what the desk raises."""
    asyncio.run(_serve(desk, settings, options, ready))


async def _serve(desk: Desk, settings: Settings, options: Options, ready: Callable[[int], None]) -> None:
    raise_file_limit(max(shares(settings.limits.sessions, options.workers)))
    parent = Parent(desk, settings, options)
    on_signals(parent.stop, parent.reload)
    await parent.run(ready)
