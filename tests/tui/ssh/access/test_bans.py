"""Bans in a file that several hosts share."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys

import asyncssh
import pytest

from tests.support.ssh_host import EASY, hosting, until
from tui.ssh.access import bans as module
from tui.ssh.access.bans import Bans
from tui.ssh.reasons import FAREWELLS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "bans.json"


def test_a_ban_of_one_host_reaches_the_other(path):
    ours, theirs = Bans(path), Bans(path)
    assert not ours.refresh()
    theirs.add("192.0.2.7")
    assert ours.refresh()
    assert ours.has_address("192.0.2.7")
    assert not ours.refresh()
    theirs.lift("192.0.2.7")
    assert ours.refresh()
    assert not ours.has_address("192.0.2.7")


def test_two_hosts_do_not_overwrite_each_others_bans(path):
    ours, theirs = Bans(path), Bans(path)
    ours.add("192.0.2.1")
    theirs.add("192.0.2.2")
    ours.add("192.0.2.3")
    assert Bans(path).names() == ["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"]
    assert theirs.lift("192.0.2.3")
    assert ours.lift("192.0.2.2")
    assert Bans(path).names() == ["192.0.2.1/32"]


def test_processes_that_ban_at_once_lose_nothing(path):
    code = "import sys; from pathlib import Path; from tui.ssh.access.bans import Bans"
    code += "\nbans = Bans(Path(sys.argv[1]))"
    code += "\nfor n in range(30): bans.add(f'192.0.{sys.argv[2]}.{n}')"
    hosts = [subprocess.Popen([sys.executable, "-c", code, path, str(n)]) for n in range(2)]
    assert [host.wait() for host in hosts] == [0, 0]
    assert len(Bans(path)) == 60


@pytest.mark.parametrize("rubbish", ['["192.0.2.1/32', '["nobody"]', "{}"])
def test_a_torn_file_keeps_the_bans_is_logged_once_and_not_overwritten(path, caplog, rubbish):
    ours = Bans(path)
    ours.add("192.0.2.1")
    path.write_text(rubbish, "utf-8")
    assert not ours.refresh()
    assert not ours.refresh()
    assert ours.names() == ["192.0.2.1/32"]
    assert caplog.text.count("bans unreadable, keeping the 1 read before") == 1
    ours.add("192.0.2.2")
    assert "cannot be read, and is left as it is" in caplog.text
    assert path.read_text("utf-8") == rubbish
    path.write_text(json.dumps(["192.0.2.9"]), "utf-8")
    assert ours.refresh()
    assert ours.names() == ["192.0.2.9/32", "192.0.2.2/32"]
    ours.add("192.0.2.3")
    assert Bans(path).names() == ["192.0.2.9/32", "192.0.2.2/32", "192.0.2.3/32"]


def test_a_file_that_is_gone_lifts_nothing(path, caplog):
    ours = Bans(path)
    ours.add("192.0.2.1")
    path.unlink()
    assert not ours.refresh()
    assert not ours.refresh()
    assert caplog.text.count("bans are gone from disk; keeping the 1 read before") == 1
    ours.add("192.0.2.2")
    assert Bans(path).names() == ["192.0.2.1/32", "192.0.2.2/32"]


def test_a_lock_that_is_never_given_back_does_not_stop_a_ban(path, caplog, monkeypatch):
    monkeypatch.setattr(module, "LOCK_S", 0.02)
    ours = Bans(path)
    ours.add("192.0.2.1")
    lock = os.open(path.with_name("bans.json.lock"), os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    ours.add("192.0.2.2")
    assert ours.has_address("192.0.2.2")
    assert "another host has locked them" in caplog.text
    assert Bans(path).names() == ["192.0.2.1/32"]
    os.close(lock)
    ours.add("192.0.2.3")
    assert len(Bans(path)) == 3


async def test_a_ban_of_another_host_disconnects_the_viewer_here(tmp_path, path, scenes):
    async with hosting(tmp_path, scenes["live"], bans=path, limits=EASY) as hosted:
        viewer = await hosted.look()
        Bans(path).add(hosted.key.get_fingerprint())
        await viewer.closed.wait()
        assert FAREWELLS["banned"] in viewer.screen.raw.decode()
        with pytest.raises(asyncssh.PermissionDenied):
            await hosted.connect()


@pytest.mark.parametrize("by_address", [False, True])
async def test_a_ban_counts_at_the_next_login(tmp_path, path, scenes, monkeypatch, by_address):
    monkeypatch.setattr("tui.ssh.host_state.HostState.sweep", lambda _state: None)
    async with hosting(tmp_path, scenes["live"], bans=path, limits=EASY) as hosted:
        viewer = await hosted.look()
        Bans(path).add("127.0.0.1" if by_address else hosted.key.get_fingerprint())
        with pytest.raises((asyncssh.Error, OSError)):
            await hosted.connect()
        await viewer.closed.wait()
        await until(lambda: not hosted.host.state.connections)
