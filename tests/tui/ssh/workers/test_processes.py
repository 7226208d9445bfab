"""Real processes and real ssh: viewers on two workers, kills, limits, commands, and one vendor connection."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing
from ipaddress import ip_address
from urllib.request import urlopen

from feeds.clock import wall_ns
from tests.support import clock
from tests.support.servers.live_world import LiveStream, LiveWorld, environment, shift_to_session_ns
from tests.support.servers.rest import RestServer
from tests.support.tui.workers import alive, children, has_ended, same_cells, until
from tui.ssh.wire.proxy_protocol import SIGNATURE
from tui.ssh.workers.pool import shares


def test_one_host_of_two_workers_from_first_viewer_to_last(workers):
    """Same cells on both, sums in status and metrics, commands that reach the right worker, a clean stop."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    host = workers("--per-address", "50", "--max-sessions", "7", "--metrics", f"127.0.0.1:{port}")
    with host.look(4) as terminals:
        until(lambda: sum(each["sessions"] for each in host.status()["workers"]) == 4, "reports")
        status = host.status()
        assert [each["sessions"] for each in status["workers"]] == [2, 2]
        assert [each["most_sessions"] for each in status["workers"]] == shares(7, 2) == [4, 3]
        assert (status["sessions"], status["most_sessions"], status["rooms"]) == (4, 7, 2)
        ids = [viewer["id"] for viewer in status["viewers"]]
        assert len(set(ids)) == 4
        assert host.status(key="id")["viewers"] is None
        until(lambda: same_cells(terminals), "the same cells on both workers")

        metrics = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        assert "\nrotation_tui_viewers 4\n" in metrics
        assert (
            '\nrotation_tui_worker_viewers{worker="1"} 2\nrotation_tui_worker_viewers{worker="2"} 2\n'
            in metrics
        )
        assert "\nrotation_tui_viewers_max 7\n" in metrics

        for number in ids[:2]:
            assert host.run("kick", str(number), key="boss").stdout == f"disconnected {number}\n"
        until(lambda: sum(map(has_ended, terminals)) == 2, "two to be gone")
        until(lambda: host.status()["sessions"] == 2, "two to be gone")
        assert host.run("kick", "999", key="boss").returncode == 1
        assert host.run("kick", str(ids[2])).returncode == 127, "only administrators"
        assert [each["subject"] for each in host.events("kick")] == [str(number) for number in ids[:2]]

        assert host.run("ban", "127.9.9.9", key="boss").stdout == "banned 127.9.9.9; disconnected 0\n"
        assert host.run("bans", key="boss").stdout == "127.9.9.9/32\n"
        listed = ["ssh-keygen", "-lf", host.home / "id"]
        shown = subprocess.run(listed, capture_output=True, text=True, check=True)
        fingerprint = shown.stdout.split()[1]
        banned = host.run("ban", fingerprint, key="boss").stdout
        assert banned == f"banned {fingerprint}; disconnected 2\n", "on both workers"
        assert host.run("headline").returncode == 255
        assert host.run("unban", fingerprint, key="boss").returncode == 0
        assert host.run("headline").stdout.startswith("DEMO: ")
    with host.look(2) as terminals:
        pids = host.pids
        assert host.end() == 0
        for terminal in terminals:
            assert terminal.end() == 0
            terminal.assert_at_rest()
            assert "the host is shutting down; reconnect later." in terminal.last_words
    assert not any(map(alive, pids))


def test_a_killed_worker_is_told_replaced_and_its_viewers_come_back(workers):
    host = workers("--per-address", "6")
    with host.look(4) as terminals:
        victim, other = host.pids
        os.kill(victim, signal.SIGKILL)
        (ended,) = until(lambda: host.events("worker ended"), "the log")
        assert (ended["code"], ended["pid"], ended["next_in_s"]) == (-9, victim, 0.5)
        gone, stay = [], []
        until(lambda: sum(has_ended(each) for each in terminals) == 2, "its viewers to be cut off")
        for terminal in terminals:
            (gone if has_ended(terminal) else stay).append(terminal)
        assert len(gone) == len(stay) == 2
        before = [terminal.text for terminal in stay]
        for terminal, text in zip(stay, before, strict=True):
            terminal.wait(lambda t, text=text: t.text != text, "to go on")
        replaced = until(lambda: replacement(host), "a replacement")
        assert replaced["pid"] not in (victim, other)
        # Two stay and the dead two count no more: of six from one address four may come, a fifth may not.
        with host.look(3):
            assert Counter(each["sessions"] for each in settled(host, 5)) in (
                Counter([2, 3]),
                Counter([1, 4]),
            )
            assert host.status()["logins"] >= 7, "what a dead worker counted still counts"
    assert host.end() == 0


def replacement(host):
    """The worker that serves in the place of another; None while none does."""
    workers = host.status()["workers"]
    return next((each for each in workers if each["replaced"] and each["state"] == "serving"), None)


def settled(host, sessions: int):
    return until(lambda: (s := host.status())["sessions"] == sessions and s["workers"], f"{sessions} viewers")


def test_a_worker_that_keeps_dying_is_started_ever_more_slowly(workers):
    host = workers()
    killed: set[int] = set()
    enough = threading.Event()

    def kill_each() -> None:
        while not enough.wait(0.01):
            for pid in set(children(host.process.pid)) - killed:
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)

    def waits() -> list[float]:
        return [each["next_in_s"] for each in host.events("worker ended") if each["worker"] == 1]

    killing = threading.Thread(target=kill_each)
    killing.start()
    try:
        until(lambda: len(waits()) >= 3, "the first to die three times")
        # On a busy machine it may be overloaded, too.
        until(lambda: "part of the host is restarting" in host.run("headline", again=False).stderr, "refusal")
    finally:
        enough.set()
        killing.join()
    assert waits()[:3] == [0.5, 1.0, 2.0]
    # The end of the last one may not be in the log yet.
    until(lambda: len(host.events("worker ended")) >= len(killed), "all deaths in the log")
    assert len(killed) == len(host.events("worker ended")), "nothing else was started"
    assert host.process.poll() is None
    until(lambda: host.run("headline").returncode == 0, "to serve again")
    assert host.end() == 0


def test_a_dead_parent_ends_its_workers_and_gives_terminals_back(workers):
    host = workers("--per-address", "50")
    with host.look(2) as terminals:
        pids = host.pids
        host.process.kill()
        host.process.wait()
        for terminal in terminals:
            terminal.end()
            terminal.assert_at_rest()
            assert "the host is shutting down" in terminal.last_words
    until(lambda: not any(map(alive, pids)), "its workers to end")


def test_a_silent_parent_is_offline_and_comes_back(workers):
    """After how many seconds: test_parts.py, by a clock of its own."""
    host = workers("--per-address", "50")
    with host.look(2) as terminals:
        host.process.send_signal(signal.SIGSTOP)
        for terminal in terminals:
            terminal.wait(lambda t: "OFFLINE" in t.text, "to say so")
        terminals[0].press("2z")  # keys go on
        terminals[0].wait(lambda t: "1 Legs" not in t.text, "the spread alone")
        host.process.send_signal(signal.SIGCONT)
        for terminal in terminals:
            terminal.wait(lambda t: "OFFLINE" not in t.text, "to be back")
    assert host.end() == 0


def test_what_one_viewer_alone_looks_at_is_computed_by_the_parent(workers):
    """Levels of the zoomed spread: asked for by a worker, made once, and no more once nobody looks."""
    host = workers("--per-address", "50")
    with host.look(2, size=(160, 45)) as (looks, beside):
        looks.press("2z")
        looks.wait(lambda t: "What followed" in t.text or "what followed" in t.text, "the zoomed spread")
        looks.wait(lambda t: "computing levels" not in t.text, "levels")
        assert "1 Legs" in beside.text
        looks.press("\x1b")
        looks.see("1 Legs")
    assert host.end() == 0


def test_limits_by_address_hold_over_all_workers(workers):
    host = workers("--per-address", "3")
    with host.look(3):
        refused = host.run("headline")
        assert refused.returncode == 255
        assert "too many open connections from your address" in refused.stderr
    until(lambda: host.run("headline").returncode == 0, "places to be free again")
    assert {each["reason"] for each in host.events("refused")} == {"too many from there"}
    assert host.end() == 0


def test_new_connections_by_address_count_over_all_workers(workers):
    host = workers("--new-per-minute", "4")

    def code() -> int:
        """Of an answer that is there from the start; whom a busy machine refuses is not counted."""
        while "overloaded" in (done := host.run("status", key="boss", again=False)).stderr:
            pass
        return done.returncode

    assert [code() for _ in range(6)] == [0, 0, 0, 0, 255, 255]
    assert host.end() == 0


def test_a_hang_up_reloads_the_keys_of_all_workers(workers):
    host = workers("--per-address", "50")
    with host.look(2) as terminals:
        (host.home / "keys").write_text("# nobody\n", "utf-8")
        host.process.send_signal(signal.SIGHUP)
        for terminal in terminals:
            terminal.end()
            assert "your key is no longer authorized." in terminal.last_words
    assert host.run("headline").returncode == 255
    assert host.end() == 0


def proxied(source: str) -> bytes:
    ip = ip_address(source)
    body = ip.packed * 2 + struct.pack("!HH", 4242, 22) + b"\x04\x00\x01x"
    return SIGNATURE + bytes([0x21, 0x11]) + struct.pack("!H", len(body)) + body


def greeted(host, header: bytes) -> tuple[socket.socket, bytes]:
    """A connection that begins so, and all that is sent to it before a pause."""
    conn = socket.create_connection(("127.0.0.1", host.port))
    conn.sendall(header[:5])
    time.sleep(0.05)
    conn.sendall(header[5:] + b"SSH-2.0-test\r\n")
    conn.settimeout(20)
    return conn, conn.recv(4_096)


def test_a_balancers_header_is_read_before_a_worker_is_chosen(workers):
    """What follows the header is the worker's, byte for byte; the limits are the client's."""
    host = workers("--per-address", "1", "--proxy-from", "127.0.0.1")
    first, banner = greeted(host, proxied("192.0.2.9"))
    assert banner.startswith(b"SSH-2.0-")
    second, refused = greeted(host, proxied("192.0.2.9"))
    until(lambda: host.events("refused"), "the log")
    assert host.events("refused")[0]["address"] == "192.0.2.9"
    other, banner = greeted(host, proxied("192.0.2.10"))
    assert banner.startswith(b"SSH-2.0-")
    third, nothing = greeted(host, b"GET / HTTP/1.1\r\n")
    assert nothing == b""
    for each in (first, second, other, third):
        each.close()
    assert refused
    assert host.end() == 0


async def test_vendors_are_asked_once_whatever_the_number_of_workers(workers):
    """One stream for each thing to stream, as a single process has it, and one round of REST."""
    shift_ns = shift_to_session_ns(wall_ns())
    world = LiveWorld(lambda: wall_ns() + shift_ns)
    rest, stream = RestServer(answer=world.answer), LiveStream(world)
    await rest.start(0)
    await stream.start(0)
    env = environment(rest.url, stream.url) | clock.setting(world.clock_ns())
    try:
        host = await asyncio.to_thread(workers, "--per-address", "50", env=env, demo=False)
        looking = host.look(4)
        terminals = await asyncio.to_thread(looking.__enter__)

        def priced() -> bool:
            for terminal in terminals:
                terminal.read()
            return all("LIVE" in terminal.text for terminal in terminals)

        await asyncio.to_thread(until, priced, "live prices on all")
        await asyncio.sleep(3)
        asked = [client.state["symbols"] for client in stream.clients]
        assert sum("IWM" in symbols for symbols in asked) == 1
        assert len(asked) <= 2, "quotes, and the futures of the Fed"
        await asyncio.to_thread(until, lambda: same_cells(terminals), "the same prices on all")
        await asyncio.to_thread(looking.__exit__, None, None, None)
        assert await asyncio.to_thread(host.end) == 0
    finally:
        await stream.stop()
        await rest.__aexit__()
