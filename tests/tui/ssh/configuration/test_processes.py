"""A host as the installed command, of one process and of several, and its file while OpenSSH clients look."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.tui.workers import children, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.tui.workers import Workers

BEFORE = '[desk]\npairs = ["IWN/IVW"]\n[screen]\ntheme = "midnight"\n'
AFTER = (
    '[desk]\npairs = ["KRE/QQQ"]\nwindows = [1, 10]\nleg_gap_s = 30\n[screen]\ntheme = "paper"\n'
    '[keys]\npause = "x"\n[log]\nlevel = "debug"\n'
)
WRONG = AFTER.replace('"paper"', '"/srv/own-disk"')
PAPER = "faf8f3"
PROCESSES = pytest.mark.parametrize("processes", ["1", "2"])


def config_of(home: Path) -> Path:
    return home / ".config" / "rotation-tui" / "config.toml"


@pytest.fixture
def config(tmp_path) -> Path:
    path = config_of(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(BEFORE, "utf-8")
    return path


def replace(path: Path, text: str) -> None:
    """As an editor does it."""
    other = path.with_name("edited")
    other.write_text(text, "utf-8")
    other.replace(path)


def config_status(host: Workers, key: str = "boss") -> dict[str, str] | None:
    config: dict[str, str] | None = host.status(key)["config"]
    return config


@PROCESSES
def test_a_changed_file_is_on_every_screen_without_a_restart(workers, config, processes):
    host = workers("--per-address", "50", "--workers", processes)
    with host.look(2, size=(120, 40)) as strangers, host.look(size=(160, 45), key="boss") as (boss,):
        pid = host.process.pid
        replace(config, AFTER)
        boss.see("config.toml: applied")
        for stranger in strangers:
            stranger.see("10d %")
            assert "config.toml" not in stranger.raw.decode(errors="replace")
            stranger.press("x")
            stranger.see("PAUSED")
            stranger.press("x")
            stranger.press("p")
            stranger.see("KRE")
        status = config_status(host)
        assert "desk.pairs" in status["applied"]
        assert not status["error"]
        assert config_status(host, "id") is None
        with host.look(size=(120, 40)) as (newcomer,):
            newcomer.see("10d %")
        assert host.process.pid == pid
        (applied,) = host.events("configuration applied")
        assert applied["file"] == str(config)
    assert host.end() == 0


@PROCESSES
def test_a_mistake_keeps_all_as_it_was_and_shows_no_viewer_a_path(workers, config, processes):
    host = workers("--per-address", "50", "--workers", processes)
    with host.look(size=(120, 40)) as (stranger,), host.look(size=(160, 45), key="boss") as (boss,):
        replace(config, WRONG)
        host.process.send_signal(signal.SIGHUP)
        boss.see("config.toml, line 6: screen.theme cannot be used")
        (refused,) = until(lambda: host.events("configuration not applied"), "the log")
        assert (refused["level"], refused["file"], refused["line"]) == ("error", str(config), 6)
        assert "/srv/own-disk" in refused["why"]
        assert "line 6" in config_status(host)["error"]
        stranger.press("]")
        stranger.see("20d")
        seen = boss.raw + stranger.raw + host.run("status", key="boss").stdout.encode()
        seen += host.run("snapshot").stdout.encode() + host.run("headline").stdout.encode()
        for path in (b"own-disk", bytes(config.parent), str(host.home).encode()):
            assert path not in seen
        replace(config, BEFORE)
        until(lambda: not config_status(host)["error"], "to be mended")
    assert host.end() == 0


def test_a_worker_that_is_replaced_begins_with_the_newest_settings(workers, config):
    host = workers("--per-address", "50")
    replace(config, AFTER)
    until(lambda: config_status(host)["applied"], "to be applied")
    for number, pid in enumerate(host.pids, 1):
        os.kill(pid, signal.SIGKILL)
        until(lambda number=number: started(host) == 2 + number, "a replacement")
    with host.look(4, size=(120, 40)) as terminals:
        for terminal in terminals:
            terminal.see("10d %")
    assert host.end() == 0


def test_a_change_while_a_worker_starts_is_not_lost(workers, config):
    """It was sent its setup before."""
    host = workers("--per-address", "50")
    pids = host.pids
    os.kill(pids[0], signal.SIGKILL)
    until(lambda: set(children(host.process.pid)) - {*pids}, "a process in its place")
    replace(config, AFTER)
    host.process.send_signal(signal.SIGHUP)
    until(lambda: host.events("configuration applied"), "to be applied")
    until(lambda: started(host) == 3, "it to serve")
    with host.look(4, size=(120, 40)) as terminals:
        for terminal in terminals:
            terminal.see("10d %")
    assert host.end() == 0


def started(host: Workers) -> int:
    """How many workers have begun to serve, those that have ended among them."""
    return len(host.events("worker started"))


@PROCESSES
def test_no_command_of_a_viewer_reaches_the_file_or_the_disk(workers, config, processes):
    """Every entry of the list of commands, words that a shell or an editor would know, and what exports."""
    host = workers("--per-address", "50", "--workers", processes)
    with host.look(size=(120, 40)) as (viewer,), host.look(size=(160, 45), key="boss") as (boss,):
        for number, terminal in enumerate((viewer, boss)):
            before = files(host.home)
            for words in TYPED:
                terminal.press(f":{words}\r")
                terminal.press("\x1b\x1b")
            terminal.press("E")
            terminal.press("cjpstn\r")
            terminal.press("\x1b")
            replace(config, AFTER if number == 0 else BEFORE)
            until(lambda: config_status(host)["applied"], "to be applied")
            terminal.press(f":{config}\r")
            terminal.press("\x1b")
            text = config.read_text("utf-8")
            assert text in (AFTER, BEFORE)
            assert files(host.home) - before <= KEPT
            for path in (bytes(config.parent), str(host.home).encode()):
                # What is typed is echoed; the file's own path is the last.
                assert path not in terminal.raw.replace(bytes(config), b"")
    assert host.end() == 0


TYPED = (
    "config", "config show", "config check", "reload", "edit config.toml", "open /etc/passwd", "export",
    "save", "write x", "read x", "!ls", "shell", "suspend", "theme ../../x", "list /etc", "pair ../x",
    "source x", "set a",
)  # fmt: skip
KEPT = {"visitors.json", "alerts.json", "alerts.lock", "known", "edited", "log"}
"""What the host and the test write."""


def files(home: Path) -> set[str]:
    return {path.name for path in home.rglob("*") if path.is_file()}


@PROCESSES
def test_the_desk_of_a_host_becomes_another_one_before_its_viewers(workers, config, processes):
    """Another first pair and a watch list: no restart, no new login."""
    host = workers("--per-address", "50", "--workers", processes)
    with host.look(size=(160, 45)) as (viewer,), host.look(size=(160, 45), key="boss") as (boss,):
        viewer.see("IWM")
        replace(config, '[desk]\npair = "IWN/IVW"\n[watchlists]\nmine = ["DIA", "KRE"]\n')
        boss.see("config.toml: applied desk.pair, watchlists")
        viewer.see("IWN against IVW")
        viewer.press("w")
        viewer.see("list 2/2")
        assert "IVW" in host.run("headline").stdout
        with host.look(size=(160, 45)) as (newcomer,):
            newcomer.see("IWN against IVW")
            newcomer.press("w")
            newcomer.see("list 2/2")
        (changed,) = host.events("desk changed")
        assert changed["changes"] == "desk.pair, watchlists"
    assert host.end() == 0
