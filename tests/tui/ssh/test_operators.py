"""For operators: who is looking, kick and ban, metrics, and the PROXY protocol of a balancer in front."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import struct
from ipaddress import ip_address, ip_network

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.errors import InputError
from tests.support.ssh_host import Hosted, hosting, until
from tui.ssh import metrics
from tui.ssh.access.bans import Bans
from tui.ssh.limits import Limits
from tui.ssh.reasons import FAREWELLS, Refusal
from tui.ssh.wire.proxy_protocol import SIGNATURE, Header, ProxyHeaderError, parse

LIMIT_S = 60.0
SAMPLE = re.compile(r'rotation_tui_[a-z_]+(\{[a-z]+="[a-z ]+"\})? -?[0-9.e+]+')


@pytest.fixture
def admin():
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
async def hosted(tmp_path, scenes, admin):
    (tmp_path / "admins").write_bytes(admin.export_public_key())
    more = {
        "admin_keys": tmp_path / "admins",
        "bans": tmp_path / "bans.json",
        "metrics": ("127.0.0.1", 0),
        "limits": Limits(new_per_minute=10_000, per_address=100),
    }
    async with hosting(tmp_path, scenes["live"], **more) as hosted, asyncio.timeout(LIMIT_S):
        yield hosted


async def run(hosted: Hosted, command: str, key: asyncssh.SSHKey) -> tuple[int, str, str]:
    async with hosted.connect(client_keys=[key]) as conn:
        result = await conn.run(command)
    return result.exit_status, result.stdout, result.stderr


async def test_an_administrator_sees_who_looks_and_nobody_else_does(hosted: Hosted, admin):
    viewer = await hosted.look(size=(100, 30))
    await viewer.see("1 Legs")
    fingerprint = hosted.key.get_fingerprint()
    _, out, _ = await run(hosted, "status", admin)
    assert re.search(rf"100x30 +1  127\.0\.0\.1 +{re.escape(fingerprint)}", out)
    _, out, _ = await run(hosted, "status --json", admin)
    (listed,) = json.loads(out)["viewers"]
    assert (listed["key"], listed["size"], listed["frames"]) == (fingerprint, "100x30", 1)
    _, out, _ = await run(hosted, "status --json", hosted.key)
    assert json.loads(out)["viewers"] is None
    for command in ("kick 1", "ban 127.0.0.1", "bans"):
        assert (await run(hosted, command, hosted.key))[0] == 127
    assert not viewer.closed.is_set()


async def test_kick(hosted: Hosted, admin, caplog):
    caplog.set_level("INFO", logger="tui.ssh")
    leaves, stays = await hosted.look(), await hosted.look()
    first = min(connection.number for connection in hosted.host.state.connections)
    assert await run(hosted, f"kick {first}", admin) == (0, f"disconnected {first}\n", "")
    await leaves.closed.wait()
    assert FAREWELLS["kicked"] in leaves.screen.raw.decode()
    assert not stays.closed.is_set()
    assert (await run(hosted, "kick 999", admin))[0] == 1
    assert (await run(hosted, "kick", admin))[0] == 2
    kicks = [record.fields for record in caplog.records if record.getMessage() == "kick"]
    assert kicks == [{"subject": str(first), "by": admin.get_fingerprint()}]


async def test_a_banned_key_is_out_until_the_ban_is_lifted(hosted: Hosted, admin, tmp_path):
    viewer, fingerprint = await hosted.look(), hosted.key.get_fingerprint()
    assert (await run(hosted, f"ban {fingerprint}", admin))[0] == 0
    await viewer.closed.wait()
    assert FAREWELLS["banned"] in viewer.screen.raw.decode()
    with pytest.raises(asyncssh.PermissionDenied):
        await hosted.connect()
    assert Bans(tmp_path / "bans.json").has_key(fingerprint)
    assert (await run(hosted, "bans", admin))[1] == fingerprint + "\n"
    assert (await run(hosted, f"unban {fingerprint}", admin))[0] == 0
    await (await hosted.look()).see("1 Legs")
    assert (await run(hosted, "ban nobody", admin))[0] == 1


async def test_a_banned_address_is_turned_away_before_any_cryptography(hosted: Hosted):
    hosted.host.state.bans.add("127.0.0.0/24")
    with pytest.raises((asyncssh.Error, OSError)):
        await hosted.connect()
    assert hosted.host.state.meter.refused == {"banned": 1}


async def get(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_metrics_for_prometheus(hosted: Hosted):
    await (await hosted.look()).see("1 Legs")
    hosted.host.state.meter.refused[Refusal.NO_LOGIN] += 2
    port = hosted.host.metrics_port
    answered = await get(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = answered.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK")
    samples = [line for line in body.splitlines() if not line.startswith("#")]
    assert all(SAMPLE.fullmatch(line) for line in samples)
    assert {"rotation_tui_viewers 1", 'rotation_tui_refused_total{reason="no login"} 2'} <= set(samples)
    assert (await get(port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 404")
    assert await get(port, b"x" * 100_000) == b""
    with pytest.raises(InputError, match="loopback"):
        await metrics.serve(hosted.host.state, "0.0.0.0", 0)


def header(source: str, port: int, *, command: int = 1, extra: bytes = b"") -> bytes:
    ip = ip_address(source)
    body = ip.packed * 2 + struct.pack("!HH", port, 22) + extra
    return (
        SIGNATURE
        + bytes([0x20 | command, 0x11 if ip.version == 4 else 0x21])
        + struct.pack("!H", len(body))
        + body
    )


@pytest.mark.parametrize("source", ["192.0.2.9", "2001:db8::9"])
def test_a_proxy_header_is_read_byte_by_byte(source):
    data = header(source, 4242, extra=b"\x04\x00\x01x")
    assert {parse(data[:n]) for n in range(len(data))} == {None}
    assert parse(data + b"SSH-2.0") == Header((source, 4242), len(data))
    assert parse(header(source, 1, command=0)).source is None


@given(st.binary(max_size=64))
def test_no_bytes_break_the_reader_of_headers(data):
    for text in (data, SIGNATURE + data):
        with contextlib.suppress(ProxyHeaderError):
            parse(text)


async def test_a_balancer_says_where_a_connection_comes_from(tmp_path, scenes):
    """Limits, bans and log count the client, not the balancer; without a header nothing is served."""
    proxies = (ip_network("127.0.0.1"),)
    async with hosting(tmp_path, scenes["live"], proxies=proxies) as hosted, asyncio.timeout(LIMIT_S):
        hosted.host.state.bans.add("192.0.2.66")
        await spoken(hosted, header("192.0.2.66", 1))
        assert hosted.host.state.meter.refused == {Refusal.BANNED: 1}
        assert not hosted.host.state.connections
        reader, writer = await asyncio.open_connection("127.0.0.1", hosted.host.port)
        writer.write(header("192.0.2.9", 4242))
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        await until(lambda: hosted.host.state.connections)
        assert next(iter(hosted.host.state.connections)).address == "192.0.2.9"
        writer.close()
        assert await spoken(hosted, b"SSH-2.0-OpenSSH_9.2\r\n") == b""


async def test_broken_proxy_headers_are_counted_and_do_not_fill_the_log(
    tmp_path, scenes, caplog, monkeypatch
):
    """A health check without a header comes every second; a scanner of the balancer's network more often."""
    caplog.set_level("INFO", logger="tui.ssh")
    monkeypatch.setattr("tui.ssh.host_state.REFUSALS_EVERY_S", 1e9)
    proxies = (ip_network("127.0.0.1"),)
    async with hosting(tmp_path, scenes["live"], proxies=proxies) as hosted, asyncio.timeout(LIMIT_S):
        for data in (b"GET / HTTP/1.1\r\n", SIGNATURE + b"\xff" * 8):
            for _ in range(10):
                await spoken(hosted, data)
        assert hosted.host.state.meter.refused[Refusal.PROXY_HEADER] == 20
    logged = [record.fields for record in caplog.records if record.getMessage() == "refused"]
    assert len(logged) == 1
    assert logged[0] == {
        "reason": "proxy header", "address": "127.0.0.1", "why": "no PROXY protocol header of version 2",
    }  # fmt: skip


async def spoken(hosted: Hosted, data: bytes) -> bytes:
    """Return what SSH says to a connection that sends this, after the host's own words."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hosted.host.port)
    writer.write(data)
    try:
        lines = (await reader.read()).splitlines()
    except ConnectionError:
        lines = []
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return b"".join(line for line in lines if line.startswith(b"SSH-"))
