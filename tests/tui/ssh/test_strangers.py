"""Strangers before their login, over real sockets: what they may send, and what each refusal says to them."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys

import asyncssh
import msgspec
import pytest

from rotation.errors import InputError
from tests.support.ssh_host import EASY, Hosted, hosting, until
from tests.tui.ssh.wire.test_framing import packet
from tui.ssh.access.host_key import host_key as host_key_of
from tui.ssh.connection.traffic import STRANGER_BYTES, STRANGER_PACKETS
from tui.ssh.limits import Progress
from tui.ssh.wire.framing import DEBUG, IGNORE, KEX_REQUEST, KEXINIT

VERSION = b"SSH-2.0-stranger\r\n"
OLD_EXCHANGES = ("rsa2048-sha256", "diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha1")


@pytest.fixture
async def hosted(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"]) as hosted:
        yield hosted


def kexinit(exchange: str = "curve25519-sha256") -> bytes:
    """A client's first packet, without strict key exchange."""
    names = [exchange, "ssh-ed25519", *["aes128-gcm@openssh.com"] * 2, *["hmac-sha2-256-etm@openssh.com"] * 2]
    lists = [name.encode() for name in (*names, "none", "none", "", "")]
    body = bytes(16) + b"".join(len(each).to_bytes(4, "big") + each for each in lists) + bytes(5)
    return packet(KEXINIT, body, padding=4 + -(len(body) + 10) % 8)


async def send(hosted: Hosted, *pieces: bytes) -> bytes:
    """What comes back until the host hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hosted.host.port)
    received = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        received = await reader.read(-1)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return received


async def connect(hosted: Hosted) -> asyncssh.SSHClientConnection:
    return await hosted.connect()


@pytest.mark.parametrize("name", OLD_EXCHANGES)
async def test_costly_key_exchanges_are_not_offered(hosted: Hosted, name):
    with pytest.raises(asyncssh.KeyExchangeFailed):
        await hosted.connect(kex_algs=[name])


@pytest.mark.parametrize("host_key", ["ssh-ed25519", "ssh-rsa"])
async def test_an_audit_finds_nothing_to_fail(tmp_path, scenes, host_key):
    if host_key == "ssh-rsa":
        key = asyncssh.generate_private_key("ssh-rsa", key_size=3_072)
        (tmp_path / "host_key").write_bytes(key.export_private_key())
        (tmp_path / "host_key").chmod(0o600)
    async with hosting(tmp_path, scenes["live"]) as hosted:
        offered = await audited(hosted)
    assert "kex-strict-s-v00@openssh.com" in offered["kex"]
    assert {"curve25519-sha256", "mlkem768x25519-sha256"} < set(offered["kex"])
    rsa = {"rsa-sha2-256", "rsa-sha2-512"}
    assert set(offered["key"]) == (rsa if host_key == "ssh-rsa" else {"ssh-ed25519"})
    assert not [name for names in offered.values() for name in names if "sha1" in name or "umac-64" in name]


@pytest.mark.parametrize(("kind", "bits"), [("ssh-rsa", {"key_size": 1_024}), ("ssh-dss", {})])
def test_a_weak_host_key_is_refused(tmp_path, kind, bits):
    (tmp_path / "key").write_bytes(asyncssh.generate_private_key(kind, **bits).export_private_key())
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(InputError, match="too weak"):
        host_key_of(tmp_path / "key")


async def audited(hosted: Hosted) -> dict[str, list[str]]:
    """What the host offers, by kind; nothing of it fails the audit."""
    audit = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ssh_audit.ssh_audit", "--skip-rate-test", "-j", "-p", str(hosted.host.port),
        "127.0.0.1", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await audit.communicate()
    report = json.loads(out)
    offered = {kind: [each["algorithm"] for each in report[kind]] for kind in ("kex", "key", "enc", "mac")}
    failed = [each for kind in offered for each in report[kind] if each["notes"].get("fail")]
    assert failed == []
    assert not report["cves"]
    return offered


@pytest.mark.parametrize("kind", [IGNORE, DEBUG])
async def test_a_burst_of_small_packets_is_cut_before_it_is_parsed(hosted: Hosted, monkeypatch, kind):
    """8,000 packets in 126 KB kept the loop busy for 150 ms."""
    parsed = []
    real = asyncssh.SSHServerConnection.process_packet
    monkeypatch.setattr(
        asyncssh.SSHServerConnection,
        "process_packet",
        lambda self, kind, *more: (parsed.append(kind), real(self, kind, *more))[1],
    )
    body = {IGNORE: bytes(4), DEBUG: bytes(9)}[kind]
    small = packet(kind, body, padding=4 + -(len(body) + 10) % 8)
    await send(hosted, VERSION, small * 600)
    assert 0 < len(parsed) < STRANGER_PACKETS
    parsed.clear()
    await send(hosted, VERSION, small * 8_000)
    assert parsed == []
    assert hosted.host.state.meter.refused == {"flood": 2}


async def test_large_packets_are_counted_in_bytes(hosted: Hosted):
    large = packet(IGNORE, (4_000).to_bytes(4, "big") + bytes(4_000), padding=6)
    answer = await send(hosted, VERSION, *[large] * (STRANGER_BYTES // len(large) + 1))
    assert b"rotation-tui: too much data" in answer
    assert hosted.host.state.meter.refused == {"flood": 1}


async def test_no_second_key_exchange_in_the_clear(hosted: Hosted):
    """Without strict key exchange asyncssh would begin another one instead of new keys."""
    request = packet(KEX_REQUEST, (32).to_bytes(4, "big") + b"\x09" + bytes(31), padding=6)
    await send(hosted, VERSION, kexinit(), request, kexinit())
    assert hosted.host.state.meter.refused == {"protocol": 1}


class Rekeys(asyncssh.SSHClientConnection):
    """A client that asks for new keys instead of logging in."""

    def send_service_request(self, service: bytes) -> None:
        self._send_kexinit()
        self._kexinit_sent = True


async def test_no_later_key_exchange_before_the_login(hosted: Hosted):
    loop = asyncio.get_running_loop()
    options = await asyncssh.SSHClientConnectionOptions.construct(known_hosts=None, config=[], username="eve")
    _, client = await loop.create_connection(lambda: Rekeys(loop, options), "127.0.0.1", hosted.host.port)
    await client.wait_closed()
    await until(lambda: not hosted.host.state.connections)
    assert hosted.host.state.meter.refused == {"key exchange": 1}


async def test_a_viewer_renews_keys_and_does_not_storm(hosted: Hosted):
    visitor = await hosted.look(size=(160, 45))
    await visitor.see("1 Legs")
    for _ in range(2):
        visitor.conn._send_kexinit()
        visitor.conn._kexinit_sent = True
        await until(lambda: visitor.conn._kex_complete)
    visitor.press(b"?")
    await visitor.see("more or fewer colours")
    for _ in range(3):
        visitor.conn._send_kexinit()
        visitor.conn._kexinit_sent = True
        await until(lambda: visitor.conn._kex_complete or visitor.closed.is_set())
    await visitor.closed.wait()
    assert hosted.host.state.meter.refused == {"key exchange": 1}


async def test_frames_do_not_wait_for_a_key_exchange_without_end(tmp_path, scenes):
    """What is written during a key exchange waits in memory: frames are dropped, and the client is cut."""
    limits = msgspec.structs.replace(EASY, login_s=3.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        visitor = await hosted.look()
        await visitor.see("1 Legs")
        visitor.conn.send_packet = lambda *_, **__: None
        (connection,) = hosted.host.state.connections
        connection._conn._send_kexinit()
        assert connection.traffic.stalled_parts == {"key exchange"}
        await visitor.closed.wait()
        assert hosted.host.state.meter.refused == {"key exchange": 1}


async def test_key_exchanges_of_strangers_wait_for_their_turn(tmp_path, scenes):
    """However many ask: here one in a minute, and those who have logged in before are not held up."""
    limits = msgspec.structs.replace(EASY, exchanges_per_s=1 / 60)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        visitor = await hosted.look(local_addr=("127.0.0.2", 0))
        waiting = [asyncio.create_task(connect(hosted)) for _ in range(3)]
        state = hosted.host.state
        await until(lambda: len(state._strangers_turns) == 3)
        assert all(each.traffic.idle_since is None for each in state.newcomers)
        again = await hosted.look(local_addr=("127.0.0.2", 0))
        await again.see("1 Legs")
        assert not visitor.closed.is_set()
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await until(lambda: not len(state._strangers_turns))


async def test_six_keys_on_a_connection(hosted: Hosted):
    strangers = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(8)]
    with pytest.raises(asyncssh.DisconnectError, match="Too many authentication failures"):
        await hosted.connect(client_keys=strangers)
    assert hosted.host.state.meter.refused == {"too many keys": 1}
    async with hosted.connect(client_keys=[*strangers[:5], hosted.key]) as conn:
        assert (await conn.run("headline")).exit_status == 0


async def test_a_signature_on_sha1_counts_for_nothing(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"], is_open=True) as hosted:
        key = asyncssh.generate_private_key("ssh-rsa", key_size=2_048)
        (pair,) = asyncssh.load_keypairs([key])
        pair.set_sig_algorithm(b"ssh-rsa")
        pair.sig_algorithms = [b"ssh-rsa"]
        with pytest.raises(asyncssh.PermissionDenied):
            await hosted.connect(client_keys=[pair])
        (modern,) = asyncssh.load_keypairs([key])
        async with hosted.connect(client_keys=[modern]) as conn:
            assert (await conn.run("headline")).exit_status == 0


async def test_who_asks_without_reading_is_ended(hosted: Hosted, monkeypatch):
    """Each request has a reply; at the line's limit they grew by a megabyte a minute for each client."""
    monkeypatch.setattr("tui.ssh.connection.traffic.PACKETS_BURST", 1_000_000)
    monkeypatch.setattr("tui.ssh.connection.traffic.CONNECTION_BURST", 100_000_000)
    asker = await hosted.look()
    (connection,) = hosted.host.state.connections
    transport = connection._conn._transport
    asker.conn._transport.pause_reading()
    most = 0
    while not connection.traffic.is_over and connection in hosted.host.state.connections:
        for _ in range(200):
            asker.chan._send_request(b"nothing@example.com", want_reply=True)
        await asyncio.sleep(0)
        most = max(most, transport.get_write_buffer_size())
    assert hosted.host.state.meter.refused == {"unread": 1}
    assert most < 256 * 1024


async def test_a_flood_leaves_the_terminal_restored(hosted: Hosted):
    flooder = await hosted.look()
    await flooder.see("1 Legs")
    flooder.press(b"\x00" * 1_000_000)
    await flooder.closed.wait()
    assert flooder.screen.raw.endswith(b"rotation-tui: disconnected: too much input.\r\n")
    assert hosted.host.state.meter.refused == {"flood": 1}


async def test_a_silent_place_is_given_to_who_speaks(tmp_path, scenes):
    """All places are taken by clients that say nothing: a newcomer takes the oldest one's."""
    limits = msgspec.structs.replace(EASY, pending=20, crowd=20, silent_s=0.0, login_s=600.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        silent = [socket.create_connection(("127.0.0.1", hosted.host.port)) for _ in range(20)]
        state = hosted.host.state
        await until(lambda: len(state.newcomers) == 20)
        visitor = await hosted.look()
        await visitor.see("1 Legs")
        assert state.meter.refused == {"slow login": 1}
        for each in silent:
            each.close()


async def test_a_refusal_names_the_wait(tmp_path, scenes):
    limits = msgspec.structs.replace(EASY, new_per_minute=1)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        await hosted.look()
        with pytest.raises(asyncssh.DisconnectError, match=r"too many new connections .* in \d\d s"):
            await hosted.connect()
        assert hosted.host.state.meter.refused == {"too often": 1}
        await until(lambda: not hosted.host.state.lingering)


async def test_a_refused_client_that_has_gone_leaves_no_traceback(tmp_path, scenes, caplog):
    """It closes before the refusal is written, and answers that with a reset: nobody may fill the log so."""
    limits = msgspec.structs.replace(EASY, new_per_minute=1)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        await hosted.look()
        refused = hosted.host.state.meter.refused
        for count in range(1, 11):
            socket.create_connection(("127.0.0.1", hosted.host.port)).close()
            await until(lambda count=count: refused["too often"] == count)
        await until(lambda: not hosted.host.state.lingering)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_who_begins_a_key_exchange_and_waits_holds_no_place_for_long(tmp_path, scenes):
    """ssh goes on as soon as it has our half; to begin costs a stranger nothing, so it earns no patience."""
    limits = msgspec.structs.replace(EASY, pending=20, crowd=2, greeted_s=0.0, login_s=600.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        halves = [socket.create_connection(("127.0.0.1", hosted.host.port)) for _ in range(20)]
        for each in halves:
            each.sendall(VERSION + kexinit())
        state = hosted.host.state
        await until(lambda: [each.traffic.progress for each in state.newcomers] == [Progress.OFFERED] * 20)
        visitor = await hosted.look()
        await visitor.see("1 Legs")
        assert state.meter.refused == {"slow login": 1}
        for each in halves:
            each.close()


async def test_half_a_key_exchange_holds_no_place_for_long(tmp_path, scenes):
    """A version and the beginning of a packet are no reason to refuse others."""
    limits = msgspec.structs.replace(EASY, pending=20, crowd=2, greeted_s=0.0, login_s=600.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        halves = [socket.create_connection(("127.0.0.1", hosted.host.port)) for _ in range(20)]
        for each in halves:
            each.sendall(VERSION + b"\x00\x00\x40\x00" + bytes(8_000))
        state = hosted.host.state
        await until(lambda: [each.traffic.progress for each in state.newcomers] == [Progress.GREETED] * 20)
        visitor = await hosted.look()
        await visitor.see("1 Legs")
        assert state.meter.refused == {"slow login": 1}
        for each in halves:
            each.close()


async def test_a_login_without_a_session_holds_no_place_for_long(tmp_path, scenes):
    limits = msgspec.structs.replace(EASY, pending=5, kept=0, crowd=1, entered_s=0.0, login_s=600.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        state = hosted.host.state
        idle = [await hosted.connect(local_addr=("127.0.0.2", 0)) for _ in range(5)]
        assert [each.traffic.progress for each in state.newcomers] == [Progress.LOGGED_IN] * 5
        visitor = await hosted.look()
        await visitor.see("1 Legs")
        assert state.meter.refused == {"slow login": 1}
        for each in idle:
            each.abort()
