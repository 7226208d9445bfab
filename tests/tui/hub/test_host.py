"""A host of two workers fed by a hub, as processes: the hub's own screen, deaths, no vendor asked."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from shutil import which

import pytest

from feeds.clock import wall_ns
from tests.support import clock
from tests.support.hub.programs import Run, key_of
from tests.support.pty_terminal import Terminal
from tests.support.servers.live_world import LiveStream, LiveWorld, environment, shift_to_session_ns
from tests.support.servers.nats import nats_server
from tests.support.servers.rest import RestServer
from tests.support.tui.openssh import ssh_words
from tests.support.tui.workers import Workers, alive, has_ended, same_cells, until

VIEWERS = 4
HAS_ALL = bool(which("ssh") and which("ssh-keygen")) and Path("/proc/self/stat").exists()


class Vendors:
    """They count who asks them; nobody should."""

    def __init__(self, shift_ns):
        self.world = LiveWorld(lambda: wall_ns() + shift_ns)
        self.rest, self.stream = RestServer(answer=self.world.answer), LiveStream(self.world)

    async def __aenter__(self):
        await self.rest.start(0)
        await self.stream.start(0)
        return self

    async def __aexit__(self, *_):
        await self.stream.stop()
        await self.rest.__aexit__()

    @property
    def environment(self):
        return environment(self.rest.url, self.stream.url)

    @property
    def asked(self):
        return self.world.asked + [client.path for client in self.stream.clients]


@pytest.fixture
def stack():
    with ExitStack() as made:
        yield made


class Scene:
    """A server, a hub that shows its own desk, and a host of two workers on it."""

    def __init__(self, stack, folder, vendors, shift_ns):
        self.stack, self.folder, self.vendors = stack, folder, vendors
        self.now = clock.setting(wall_ns() + shift_ns)
        (folder / "keys").write_bytes(key_of(folder, "id").with_suffix(".pub").read_bytes())
        (folder / "keys").chmod(0o600)
        server = stack.enter_context(nats_server(folder))
        command = [sys.executable, "-m", "tests.support.hub.own_desk", server.url, str(folder)]
        self.hub = Run(stack, command, folder, "hub", self.now)
        for words in ("publishing as hub", "listening on"):
            self.hub.until(words)
        options = ("--per-address", "50", "--new-per-minute", "1000", "--feed", "nats", "--nats", server.url)
        self.host = Workers(folder, *options, env={**vendors.environment, **self.now}, demo=False)
        stack.callback(self.end_host)

    def end_host(self):
        if self.host.process.poll() is None:
            self.host.process.kill()
        self.host.process.wait()

    def own_screen(self):
        """The hub's own desk, looked at with ssh."""
        port = int(self.hub.log.partition("listening on 127.0.0.1 port ")[2].split()[0])
        words = ssh_words(self.folder, port, self.folder / "id", (), ("-tt",))
        terminal = self.stack.enter_context(Terminal(words, size=(100, 30), env=dict(os.environ)))
        terminal.see("1 Legs")
        return terminal


def shows(terminals, words):
    for terminal in terminals:
        terminal.read(0.01)
    return all(words in terminal.text for terminal in terminals)


def watch(scene):
    """From the first viewer to a dead hub."""
    own = scene.own_screen()
    with scene.host.look(VIEWERS) as viewers:
        until(lambda: sum(each["sessions"] for each in scene.host.status()["workers"]) == VIEWERS, "reports")
        assert [each["sessions"] for each in scene.host.status()["workers"]] == [2, 2]
        until(lambda: shows(viewers, "221."), "prices")
        equal_screens(scene, own, viewers)
        killed_hub(scene, killed_worker(scene, viewers))
        assert scene.vendors.asked == []


def equal_screens(scene, own, viewers):
    """Every panel, as wide as the screen, is the hub's own on both workers; Health is about the host."""
    (scene.folder / "hold").write_text("")
    for keys in ("1z", "z2z", "z3z", "z4z"):
        for terminal in (own, *viewers):
            terminal.press(keys)
        until(lambda: same_cells([own, *viewers]), f"{keys}: the hub's own screen")
    for terminal in (own, *viewers):
        terminal.press("z")
    (scene.folder / "hold").unlink()


def is_replacement(worker):
    return worker["replaced"] and worker["state"] == "serving"


def killed_worker(scene, viewers):
    """Its viewers are cut off and replaced; those of the other go on. Returns who is left."""
    victim, other = scene.host.pids
    os.kill(victim, signal.SIGKILL)
    until(lambda: scene.host.events("worker ended"), "the log")
    until(lambda: sum(map(has_ended, viewers)) == 2, "its viewers to be told")
    stay = [terminal for terminal in viewers if not has_ended(terminal)]
    assert len(stay) == 2
    for terminal, text in [(terminal, terminal.text) for terminal in stay]:
        terminal.wait(lambda t, text=text: t.text != text, "to go on")
    until(lambda: any(map(is_replacement, scene.host.status()["workers"])), "a replacement")
    assert alive(other)
    with scene.host.look(1) as (late,):
        until(lambda: shows([late], "221."), "prices for who comes back")
    return stay


def killed_hub(scene, viewers):
    """OFFLINE with the last prices; after how long is in tests/feeds/hub/test_processes.py, by no clock."""
    assert not shows(viewers, "OFFLINE")
    scene.hub.kill()
    until(lambda: shows(viewers, "OFFLINE"), "to be told")
    assert shows(viewers, "221.")


@pytest.mark.skipif(not HAS_ALL, reason="needs the OpenSSH client (apt: openssh-client) and /proc")
async def test_a_host_of_two_workers_shows_the_hubs_own_screen_and_asks_no_vendor(stack, tmp_path):
    shift_ns = shift_to_session_ns(wall_ns())
    async with Vendors(shift_ns) as vendors:
        scene = await asyncio.to_thread(Scene, stack, tmp_path, vendors, shift_ns)
        await asyncio.to_thread(watch, scene)
        assert await asyncio.to_thread(scene.host.end) == 0
