"""What strangers do to a host, over real sockets; the others go on getting every frame. Nothing is timed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import asyncssh
import msgspec
import pytest

from tests.support.ssh_host import EASY, Hosted, hosting, until
from tests.support.tui.scenes import with_leg
from tui.ssh.connection.traffic import CONNECTION_BURST
from tui.ssh.limits import Limits
from tui.ssh.rooms.viewer import FLOOD, INPUT_BURST


@pytest.fixture
async def hosted(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"]) as hosted:
        yield hosted


async def every_frame_arrives(hosted: Hosted, visitor, scenes, frames: int = 3) -> None:
    """Each of so many snapshots reaches the screen, one frame each."""
    viewer = visitor.viewer
    before, dropped = viewer.frames, viewer.dropped
    for n in range(frames):
        last = 1_000.25 + n
        hosted.desk.push(with_leg(scenes["live"], "IWM", last=last))
        await visitor.see(f"{last:,.2f}")
    assert (viewer.frames - before, viewer.dropped - dropped) == (frames, 0)


async def raw(hosted: Hosted, source: str) -> socket.socket:
    """A bare TCP connection from this address of the loopback network."""
    client = socket.socket()
    client.setblocking(False)
    client.bind((source, 0))
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", hosted.host.port))
    return client


async def received(client: socket.socket) -> bytes:
    """All that comes until the host hangs up."""
    data = b""
    try:
        while piece := await asyncio.get_running_loop().sock_recv(client, 4_096):
            data += piece
    except ConnectionError:
        pass
    return data


def disconnected(data: bytes) -> str:
    """The words of the unencrypted disconnect packet after the version line."""
    version, _, packet = data.partition(b"\r\n")
    assert version == b"SSH-2.0-rotation-tui"
    size, padding = int.from_bytes(packet[:4], "big"), packet[4]
    payload = packet[5 : 4 + size - padding]
    assert payload[:5] == b"\x01\x00\x00\x00\x0c"
    return payload[9 : 9 + int.from_bytes(payload[5:9], "big")].decode()


async def test_five_hundred_connections_that_never_log_in(tmp_path, scenes):
    limits = Limits(pending=40, login_s=600.0, patience_s=600.0, silent_s=600.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        visitor = await hosted.look()
        await visitor.see("1 Legs")
        strangers = [await raw(hosted, f"127.0.{n // 100 + 1}.{n % 100 + 1}") for n in range(500)]
        state = hosted.host.state
        await until(lambda: state.meter.refused["too many logins"] == 460)
        assert len(state.connections) == 41
        await every_frame_arrives(hosted, visitor, scenes)
        assert disconnected(await received(strangers[-1])) == (
            "rotation-tui: too many logins in progress; try again in a few seconds"
        )
        for client in strangers:
            client.close()
        await until(lambda: len(state.connections) == 1)
        await (await hosted.look(local_addr=("127.0.0.2", 0))).see("1 Legs")


async def test_those_who_say_nothing_give_way_to_those_who_log_in(tmp_path, scenes):
    """The places of the pending are taken: whoever is the slowest has to go."""
    limits = msgspec.structs.replace(EASY, pending=40, login_s=600.0, patience_s=0.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        state = hosted.host.state
        strangers = [await raw(hosted, f"127.0.1.{n + 1}") for n in range(60)]
        await until(lambda: state.meter.refused["slow login"] == 20)
        for _ in range(3):
            visitor = await hosted.look(local_addr=("127.0.0.2", 0))
            await visitor.see("1 Legs")
        # The first visitor took the place of a stranger, and left it to the next one.
        assert state.meter.refused == {"slow login": 21}
        assert state.admission.pending == 39
        assert len(state.admission) == 42
        assert "too many logins in progress" in disconnected(await received(strangers[0]))
        for client in strangers:
            client.close()
        await until(lambda: len(state.connections) == 3)
        assert state.admission.pending == 0


async def test_who_does_not_log_in_is_cut_off(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"], limits=Limits(login_s=2.0)) as hosted:
        silent = await raw(hosted, "127.0.0.1")
        assert disconnected(await received(silent)) == "rotation-tui: the login took too long"
        # Logging in without ever asking for a session is no way to stay either.
        async with hosted.connect() as conn:
            await conn.wait_closed()
        await until(lambda: not hosted.host.state.connections)
        assert hosted.host.state.meter.refused == {"login time": 2}
        silent.close()


async def test_a_reconnect_storm_from_one_address(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"], limits=Limits()) as hosted:
        visitor = await hosted.look(local_addr=("127.0.0.2", 0))
        await visitor.see("1 Legs")
        for _ in range(100):
            (await raw(hosted, "127.0.0.1")).close()
        refused = hosted.host.state.meter.refused
        await until(lambda: refused["too often"] + refused["too many from there"] >= 90)
        assert refused["too often"] >= 80
        await every_frame_arrives(hosted, visitor, scenes)
        assert not visitor.closed.is_set()


RUBBISH = {
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "zeros": b"\x00" * 5_000,
    "binary": b"SSH-2.0-x\r\n" + b"\xff" * 9_000,
    "flood": b"x" * 2 * CONNECTION_BURST,
}


@pytest.mark.parametrize("rubbish", RUBBISH)
async def test_what_is_no_ssh_is_cut_off(tmp_path, rubbish, scenes):
    limits = msgspec.structs.replace(EASY, login_s=3.0)
    async with hosting(tmp_path, scenes["live"], limits=limits) as hosted:
        visitor = await hosted.look()
        client = await raw(hosted, "127.0.0.1")
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(client, RUBBISH[rubbish])
        await received(client)
        client.close()
        await until(lambda: len(hosted.host.state.connections) == 1)
        await every_frame_arrives(hosted, visitor, scenes)


async def test_a_flood_of_input_cuts_the_flooder_only(hosted: Hosted, scenes):
    flooder, visitor = await hosted.look(), await hosted.look()
    await visitor.see("1 Legs")
    flooder.press(b"\x00" * 8 * CONNECTION_BURST)
    await flooder.closed.wait()
    assert hosted.host.state.meter.refused["flood"] == 1
    await every_frame_arrives(hosted, visitor, scenes)


async def test_a_slow_flood_is_dropped_and_then_hung_up_on(hosted: Hosted, scenes, monkeypatch):
    """Below the line's own limit: what is typed beyond 1 KB/s is dropped, 256 KB of it end the session."""
    monkeypatch.setattr("tui.ssh.connection.traffic.CONNECTION_BURST", 100 * FLOOD)
    flooder, visitor = await hosted.look(), await hosted.look()
    await visitor.see("1 Legs")
    flooder.press(b"\x1b[B" * INPUT_BURST)
    await until(lambda: flooder.viewer._bucket.dropped > 3_000)
    assert not flooder.closed.is_set()
    flooder.press(b"x" * 2 * FLOOD)
    await flooder.closed.wait()
    assert "too much input" in flooder.screen.raw.decode()
    await every_frame_arrives(hosted, visitor, scenes)


async def test_a_flood_beside_the_keys_is_cut_too(hosted: Hosted, scenes, monkeypatch):
    """Environment variables, window sizes and pings without end never reach a session's bucket."""
    # A quarter of what is allowed, and hardly more by the second: a slow machine's flood is cut as well.
    monkeypatch.setattr("tui.ssh.connection.traffic.CONNECTION_BURST", CONNECTION_BURST // 4)
    monkeypatch.setattr("tui.ssh.connection.traffic.CONNECTION_PER_S", 100)
    flooder, visitor = await hosted.look(), await hosted.look()
    await visitor.see("1 Legs")
    for n in range(2_000):
        flooder.chan.change_terminal_size(40 + n % 200, 10 + n % 100)
    await flooder.closed.wait()
    assert hosted.host.state.meter.refused["flood"] == 1
    await every_frame_arrives(hosted, visitor, scenes)


async def frames_until_a_drop(viewer) -> None:
    """Whole frames, faster than any market: the line fills within few turns of the loop."""
    while not viewer.dropped:
        for _ in range(100):
            viewer._shown = None
            viewer._show(viewer._room)
        await asyncio.sleep(0)


async def test_a_stopped_client_is_not_queued_for(hosted: Hosted, scenes):
    """The client stops reading its socket: what waits for it stays small, and in the end it sees all."""
    stopped, visitor = await hosted.look(size=(160, 45)), await hosted.look()
    await stopped.see("1 Legs")
    connection = next(
        connection
        for connection in hosted.host.state.connections
        if connection.session.viewer is stopped.viewer
    )
    stopped.conn._transport.pause_reading()
    await frames_until_a_drop(stopped.viewer)
    waiting = connection._conn._transport.get_write_buffer_size()
    assert waiting < 128 * 1024
    await every_frame_arrives(hosted, visitor, scenes)
    assert connection._conn._transport.get_write_buffer_size() <= waiting
    stopped.conn._transport.resume_reading()
    await stopped.see("1,002.25")
    late = await hosted.look(size=(160, 45))
    await until(lambda: stopped.screen.cells() == late.screen.cells())


async def test_a_client_whose_window_is_full_is_not_queued_for(hosted: Hosted, scenes):
    """The client reads its socket and does not open its window."""
    stopped, visitor = await hosted.look(size=(160, 45)), await hosted.look()
    await stopped.see("1 Legs")
    connection = next(
        connection
        for connection in hosted.host.state.connections
        if connection.session.viewer is stopped.viewer
    )
    stopped.chan.pause_reading()
    while not stopped.viewer.dropped:
        stopped.viewer._shown = None
        stopped.viewer._show(stopped.viewer._room)
        await until(lambda: not connection._conn._transport.get_write_buffer_size())
    assert connection.traffic.stalled_parts == {"channel"}
    await every_frame_arrives(hosted, visitor, scenes)
    stopped.chan.resume_reading()
    await stopped.see("1,002.25")


async def test_a_stopped_client_does_not_keep_the_host_from_stopping(hosted: Hosted):
    stopped = await hosted.look(size=(160, 45))
    stopped.conn._transport.pause_reading()
    await frames_until_a_drop(stopped.viewer)
    hosted.host.stop()
    await hosted.task


async def test_a_storm_of_keys_and_sizes_costs_the_others_nothing(hosted: Hosted, scenes):
    stormer, visitor = await hosted.look(), await hosted.look()
    await visitor.see("1 Legs")
    for n in range(300):
        stormer.press(b"]t[2z?\x1b"[n % 7 :][:1])
        stormer.chan.change_terminal_size(n % 400, n % 150)
    await every_frame_arrives(hosted, visitor, scenes)
    assert not visitor.closed.is_set()


async def test_a_login_storm_of_strangers_ends_with_refusals(hosted: Hosted, scenes):
    visitor = await hosted.look()
    await visitor.see("1 Legs")
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    tries = await asyncio.gather(
        *(hosted.connect(client_keys=[stranger]) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(each, asyncssh.PermissionDenied) for each in tries)
    await every_frame_arrives(hosted, visitor, scenes)


async def test_a_storm_is_not_a_storm_of_log_lines(hosted: Hosted, caplog, monkeypatch):
    caplog.set_level("INFO", logger="tui.ssh")
    monkeypatch.setattr(hosted.host.state, "clock", lambda: now)
    now = time.monotonic()
    for _ in range(1_000):
        hosted.host.state.refuse("full", address="192.0.2.1")
    now += 2
    hosted.host.state.refuse("full", address="192.0.2.1")
    logged = [record.fields for record in caplog.records if record.getMessage() == "refused"]
    assert [each.get("and_more") for each in logged] == [None, 999]


async def test_overload_refuses_newcomers_for_the_sake_of_viewers_alone(hosted: Hosted):
    """A host that nobody looks at is slow because of other programs: whoever comes then is let in."""
    hosted.host.state.pace.level = "closed"
    visitor = await hosted.look()
    with pytest.raises(asyncssh.DisconnectError, match="the host is overloaded"):
        await hosted.connect()
    visitor.conn.abort()
    await until(lambda: not hosted.host.state.connections)
    async with hosted.connect() as conn:
        assert (await conn.run("headline")).exit_status == 0
