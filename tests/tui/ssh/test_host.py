"""The host and its visitors over SSH, with asyncssh clients: who comes in, what they see, how it ends."""

from __future__ import annotations

import asyncio
import gc
import json

import asyncssh
import msgspec
import pytest

from rotation.context.figures import Story
from rotation.context.wants import Part, Want
from rotation.errors import InputError
from tests.support.ssh_host import EASY, Hosted, hosting, until
from tests.support.ssh_scenes import THEMED, Screen, Time
from tests.support.tui.scenes import with_leg
from tui.output.text import quotation, text
from tui.panels.asked import HEADLINE
from tui.screen.scene import scene
from tui.ssh import host as hosts
from tui.ssh.connection.ssh_connection import SshConnection
from tui.ssh.connection.traffic import CONNECTION_BURST
from tui.ssh.limits import Limits
from tui.ssh.reasons import FAREWELLS
from tui.ssh.rooms import pace
from tui.ssh.rooms.colours import ink
from tui.ssh.rooms.defaults import ViewDefaults
from tui.ssh.rooms.painter import LEAVE, opening, whole
from tui.ssh.rooms.viewer import Viewer
from tui.ssh.session import Session
from tui.ssh.status import HostStatus
from tui.ssh.wire.guard import SocketGuard
from tui.ssh.wire.server import ServerConnection
from tui.view.places import PanelLists


@pytest.fixture
async def hosted(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"]) as hosted:
        yield hosted


def seen(snapshot, view=THEMED, size=(80, 24)) -> list:
    """What a visitor should see: as on a desk, but a host does not say how to go live."""
    health = msgspec.structs.replace(snapshot.health, host=("of a host",))
    snapshot = msgspec.structs.replace(snapshot, health=health)
    screen = Screen(*size)
    look = ink(view.theme, "true")
    screen.feed(opening(look, 0, 0) + whole(scene(snapshot, view, *size), look))
    return screen.cells()


async def test_login_by_key_and_keys_work(hosted: Hosted, scenes):
    visitor = await hosted.look()
    await until(lambda: visitor.screen.cells() == seen(scenes["live"]))
    visitor.press(b"3z")
    await until(lambda: "1 Legs" not in visitor.screen.text)
    visitor.press(b"\x1b")
    await visitor.see("3 Ratio", "1 Legs")
    visitor.press(b"q")
    await visitor.closed.wait()
    assert visitor.screen.raw.endswith(LEAVE)
    assert visitor.chan.get_exit_status() == 0
    await until(lambda: len(hosted.host.state.admission) == 0)


async def test_viewers_have_the_windows_and_panels_of_the_host(tmp_path, scenes):
    own = {
        "windows": (1, 20),
        "returns": (20,),
        "panels": PanelLists(narrow=(("spread", "ratio"),)),
    }
    async with hosting(tmp_path, scenes["live"], defaults=ViewDefaults(**own)) as hosted:
        visitor = await hosted.look()
        view = msgspec.structs.replace(THEMED, focus="spread", window=1, **own)
        await until(lambda: visitor.screen.cells() == seen(scenes["live"], view))
        visitor.press(b"]")
        later = msgspec.structs.replace(view, window=20)
        await until(lambda: visitor.screen.cells() == seen(scenes["live"], later))
        visitor.press(b"]1")
        await visitor.see("1 Legs", "20d %")
        assert "5d %" not in visitor.screen.text


async def test_the_desk_is_asked_for_what_some_viewer_looks_at_and_for_nothing_else(hosted: Hosted, scenes):
    def asked(part: Part) -> bool:
        return bool(hosted.desk.wants) and Want(part) in hosted.desk.wants[-1]

    # `ssh HOST headline` is answered from the newest snapshot, whoever looks.
    await until(lambda: hosted.desk.wants == [HEADLINE])
    story, other = await hosted.look(), await hosted.look()
    story.press(b"2z")
    await until(lambda: asked(Part.STORY))
    other.press(b"8")
    await until(lambda: asked(Part.GRAPH))
    assert asked(Part.STORY), "the one is asked for beside the other"
    story.press(b"z")
    await until(lambda: not asked(Part.STORY))
    hosted.desk.push(with_leg(scenes["live"], "IWM", last=987.65))
    await story.see("987.65")
    other.press(b"q")
    await until(lambda: not asked(Part.GRAPH))
    story.press(b"6")
    await until(lambda: asked(Part.SECTORS))
    story.press(b"q")
    await until(lambda: hosted.desk.wants[-1] == HEADLINE)


async def test_what_the_desk_has_computed_is_shown_as_soon_as_it_is_there(hosted: Hosted, scenes):
    visitor = await hosted.look(size=(160, 45))
    visitor.press(b"2z")
    await visitor.see("computing levels")
    hosted.desk.push(msgspec.structs.replace(scenes["live"], story=Story((), {})))
    await visitor.see("at which a 5d statement changes")


async def test_what_a_viewer_waits_for_is_painted_for_it_before_the_next_frame(tmp_path, scenes, monkeypatch):
    """And for nobody else: one viewer's keys cost the others no frames."""
    monkeypatch.setattr(pace, "FRAME_S", 10_000.0)
    monkeypatch.setattr(hosts, "HEALTH_EVERY_S", 10_000.0)
    async with hosting(tmp_path, scenes["live"]) as hosted, asyncio.timeout(60):
        waits, other = await hosted.look(size=(160, 45)), await hosted.look()
        waits.press(b"2z")
        await waits.see("computing levels")
        frames = other.viewer.frames
        hosted.desk.push(with_leg(scenes["live"], "IWM", last=987.65))
        hosted.desk.push(msgspec.structs.replace(scenes["live"], story=Story((), {})))
        await waits.see("at which a 5d statement changes")
        assert other.viewer.frames == frames
        assert "987.65" not in other.screen.text


async def test_refused_without_a_key_or_with_anothers(hosted: Hosted):
    for keys in ((), [asyncssh.generate_private_key("ssh-ed25519")]):
        with pytest.raises(asyncssh.PermissionDenied):
            await hosted.connect(client_keys=keys)
    with pytest.raises(asyncssh.PermissionDenied):
        await hosted.connect(client_keys=None, password="rotation")
    await until(lambda: hosted.host.state.meter.refused["no login"] == 3)


class Answers(asyncssh.SSHClient):
    """As ssh does: it would answer questions, and none is asked."""

    def kbdint_auth_requested(self) -> str:
        return ""

    def kbdint_challenge_received(self, *_: object) -> list[str]:
        raise AssertionError


async def test_an_open_host_lets_in_with_a_key_or_without(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"], is_open=True) as hosted:
        stranger = asyncssh.generate_private_key("ssh-ed25519")
        for keys, known in (([stranger], True), ((), False)):
            visitor = await hosted.look(client_keys=keys, client_factory=Answers)
            await visitor.see("1 Legs")
            connection = next(iter(hosted.host.state.connections))
            assert bool(connection.fingerprint) == known
            visitor.press(b"q")
            await visitor.closed.wait()
            await until(lambda: not hosted.host.state.connections)


async def test_two_sizes_at_once_and_a_late_joiner(hosted: Hosted, scenes):
    early, large = await hosted.look(), await hosted.look(size=(160, 45))
    moved = with_leg(scenes["live"], "IWM", last=987.65)
    hosted.desk.push(moved)
    await early.see("987.65")
    await large.see("987.65")
    late = await hosted.look()
    await until(lambda: late.screen.cells() == seen(moved))
    assert early.screen.cells() == late.screen.cells()
    newest = hosted.host.state.rooms.newest
    assert large.screen.cells() == seen(newest, size=(160, 45))
    assert hosted.host.state.status().rooms == 2


async def test_resize_and_what_no_terminal_has(hosted: Hosted, scenes):
    visitor = await hosted.look(size=(0, 0))
    visitor.screen.resize(80, 24)
    for width, height, shown in ((120, 40, (120, 40)), (0, 0, (80, 24)), (2**31, 2**31, (300, 80))):
        visitor.screen.resize(max(shown[0], 80), max(shown[1], 24))
        visitor.chan.change_terminal_size(width, height)
        await until(lambda shown=shown: visitor.viewer._frame.size == shown)
    visitor.screen.resize(80, 24)
    visitor.chan.change_terminal_size(80, 24)
    await until(lambda: visitor.screen.cells() == seen(scenes["live"]))


async def test_the_health_panel_says_how_the_host_is_doing(tmp_path, scenes, monkeypatch):
    """Also while the desk stands still. Help leaves out the tape's keys, which are not a visitor's."""
    monkeypatch.setattr("tui.ssh.host.HEALTH_EVERY_S", 0.05)
    async with hosting(tmp_path, scenes["live"]) as again:
        visitor = await again.look(size=(160, 45))
        visitor.press(b"5")
        await visitor.see("1 of 200 viewers in 1 room, pace full")
        visitor.press(b"z")
        await visitor.see("1 of 200 viewers in 1 room, pace full", "frames/s", "0 refused")
        visitor.press(b"?")
        await visitor.see("more or fewer colours")
        assert "tape slower" not in visitor.screen.text


async def test_commands_answer_and_close(hosted: Hosted, scenes):
    async with hosted.connect() as conn:
        result = await conn.run("status --json")
    status = msgspec.json.decode(result.stdout, type=HostStatus)
    assert (result.exit_status, status.mode, status.most_sessions) == (0, "DEMO", EASY.sessions)
    wanted = {"snapshot": text(scenes["live"]), "headline": quotation(scenes["live"]) + "\n"}
    for command, says in wanted.items():
        async with hosted.connect() as conn:
            result = await conn.run(command)
        assert (result.stdout, result.stderr, result.exit_status) == (says, "", 0)
    async with hosted.connect() as conn:
        result = await conn.run("status", term_type="xterm")
    assert "viewers   0 of 200 in 0 rooms\r\n" in result.stdout


@pytest.mark.parametrize("command", ["ls", "sh -c id", "status; id", "snapshot /etc/passwd", "scp -f /etc"])
async def test_nothing_else_is_run(hosted: Hosted, command):
    async with hosted.connect() as conn:
        result = await conn.run(command)
    assert result.stdout == ""
    assert result.exit_status == 127
    assert "unknown command; available: status, status --json, snapshot, headline" in result.stderr


async def test_no_shell_without_a_terminal_or_with_a_dumb_one(hosted: Hosted):
    for more in ({"request_pty": False}, {"term_type": "dumb"}, {"term_type": "x[31m"}):
        async with hosted.connect() as conn:
            result = await conn.run(None, **more)
        assert result.exit_status == 1
        assert "rotation-tui: " in result.stdout


async def test_no_sftp_forwards_agent_x11_or_second_session(hosted: Hosted):
    async with hosted.connect() as conn:
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.open_connection("127.0.0.1", 22)
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.open_unix_connection("/run/docker.sock")
        with pytest.raises(asyncssh.ChannelListenError):
            await conn.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 22)
        with pytest.raises(asyncssh.ChannelListenError):
            await conn.forward_remote_path("/tmp/rotation-test.sock", "/tmp/nowhere")
    async with hosted.connect() as conn:
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.start_sftp_client()
    async with hosted.connect(agent_forwarding=True) as conn:
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.run(None, x11_forwarding=True, x11_display=":0", term_type="xterm")
    visitor = await hosted.look()
    with pytest.raises(asyncssh.ChannelOpenError):
        await visitor.conn.run("status")
    await visitor.see("1 Legs")


async def test_a_forced_command_and_no_pty_of_a_key(hosted: Hosted, tmp_path, scenes):
    public = hosted.key.export_public_key().decode()
    for options, ends in (('command="headline"', 0), ("no-pty", 1), ("restrict", 1)):
        (tmp_path / "keys").write_text(f"{options} {public}")
        hosted.host.reload()
        async with hosted.connect() as conn:
            result = await conn.run("status", request_pty=False) if ends == 0 else await conn.run(None)
        assert result.exit_status == ends
        assert (result.stdout == quotation(scenes["live"]) + "\n") == (ends == 0)
    for options in ('expiry-time="20200101"', 'from="192.0.2.*"', "cert-authority"):
        (tmp_path / "keys").write_text(f"{options} {public}")
        hosted.host.reload()
        with pytest.raises(asyncssh.PermissionDenied):
            await hosted.connect()


async def test_reload_takes_new_keys_and_sends_the_withdrawn_away(hosted: Hosted, tmp_path, caplog):
    leaves, other = await hosted.look(), asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "keys").write_bytes(b"\xff\xfe")
    hosted.host.reload()
    assert "keys not reloaded" in caplog.text
    assert not leaves.closed.is_set()
    (tmp_path / "keys").write_bytes(other.export_public_key())
    hosted.host.reload()
    await leaves.closed.wait()
    assert FAREWELLS["withdrawn"] in leaves.screen.raw.decode()
    await (await hosted.look(client_keys=[other])).see("1 Legs")


async def test_a_file_of_keys_that_others_may_write_is_refused(tmp_path, scenes):
    (tmp_path / "keys").touch()
    async with hosting(tmp_path, scenes["live"]) as hosted:
        (tmp_path / "keys").chmod(0o666)
        with pytest.raises(InputError, match="writable by other users"):
            hosted.host.state.authorized_keys.reload()


async def test_the_host_key_is_kept_and_private(tmp_path, scenes):
    fingerprints = []
    for _ in range(2):
        async with hosting(tmp_path, scenes["live"]) as hosted, hosted.connect() as conn:
            fingerprints.append(conn.get_server_host_key().get_fingerprint())
    assert fingerprints[0] == fingerprints[1]
    assert (tmp_path / "host_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("host_key")] == ["host_key"]
    (tmp_path / "host_key").chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        async with hosting(tmp_path, scenes["live"]):
            pass


async def test_the_crash_of_one_session_leaves_the_others(hosted: Hosted, scenes, monkeypatch, caplog, capfd):
    crashes, other = await hosted.look(), await hosted.look()
    await other.see("1 Legs")
    await crashes.see("1 Legs")
    boom = RuntimeError("boom")

    def fail(_keys: object) -> None:
        raise boom

    monkeypatch.setattr(crashes.viewer, "_press", fail)
    for visitor in (crashes, other):
        visitor.press(b"]")
    await crashes.closed.wait()
    assert FAREWELLS["error"] in crashes.screen.raw.decode()
    assert LEAVE in crashes.screen.raw
    hosted.desk.push(with_leg(scenes["live"], "IWM", last=987.65))
    await other.see("987.65")
    assert not other.closed.is_set()
    assert "session failed" in caplog.text
    assert "boom" not in capfd.readouterr().out


async def test_a_client_that_vanishes_leaves_the_others(hosted: Hosted, scenes):
    vanishes, other = await hosted.look(), await hosted.look()
    vanishes.conn.abort()
    await until(lambda: len(hosted.host.state.connections) == 1)
    hosted.desk.push(with_leg(scenes["live"], "IWM", last=987.65))
    await other.see("987.65")


async def test_stopping_says_so_and_gives_terminals_back(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"]) as hosted:
        visitors = [await hosted.look() for _ in range(3)]
        hosted.host.stop()
        for visitor in visitors:
            await visitor.closed.wait()
            assert visitor.screen.raw.endswith(LEAVE + FAREWELLS["stop"].encode() + b"\r\n")
            assert visitor.chan.get_exit_status() == 0
        await hosted.task


async def test_a_desk_that_fails_ends_the_host_with_its_error(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"]) as hosted:
        visitor = await hosted.look()
        hosted.desk.fail(InputError("IWM.csv, line 3"))
        await visitor.closed.wait()
        assert visitor.screen.raw.endswith(LEAVE + FAREWELLS["stop"].encode() + b"\r\n")
        with pytest.raises(ExceptionGroup) as failed:
            await hosted.task
        assert failed.value.exceptions == (hosted.desk.failure,)


@pytest.mark.parametrize(("reason", "later_s"), [("idle", 31 * 60), ("visit", 13 * 3600)])
async def test_idle_and_very_long_visits_end(hosted: Hosted, reason, later_s):
    visitor = await hosted.look()
    state, steady = hosted.host.state, hosted.host.state.clock
    await until(lambda: state.sessions)
    state.sweep()
    assert not visitor.closed.is_set()
    state.clock = lambda: steady() + later_s
    if reason == "visit":
        state.sessions[0].viewer.last_key = state.clock()
    state.sweep()
    await visitor.closed.wait()
    assert FAREWELLS[reason] in visitor.screen.raw.decode()


async def test_choices_are_kept_by_key_between_visits_and_runs(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"]) as hosted:
        visitor = await hosted.look(term="xterm-256color")
        await visitor.see("1 Legs")
        visitor.press(b"tC3q")
        await visitor.closed.wait()
        again = await hosted.look(term="xterm-256color")
        await again.see("1 Legs")
        viewer = hosted.host.state.sessions[0].viewer
        chosen = (viewer.view.theme, viewer.view.focus, viewer.colours)
        assert chosen == (THEMED.themes[1], "ratio", "16")
        key = hosted.key
    kept = json.loads((tmp_path / "visitors.json").read_bytes())["visitors"]
    assert list(kept) == [key.get_fingerprint()]
    async with hosting(tmp_path, scenes["live"]) as hosted:
        (tmp_path / "keys").write_bytes(key.export_public_key())
        hosted.host.reload()
        await (await hosted.look(client_keys=[key], term="xterm-256color")).see("1 Legs")
        viewer = hosted.host.state.sessions[0].viewer
        assert (viewer.view.theme, viewer.view.focus, viewer.colours) == chosen


async def test_one_line_is_logged_at_the_end_of_a_session(hosted: Hosted, caplog):
    caplog.set_level("INFO", logger="tui.ssh")
    visitor = await hosted.look(username='eve"}; rm -rf ' + "x" * 500)
    await visitor.see("1 Legs")
    visitor.press(b"q")
    await visitor.closed.wait()
    await until(lambda: not hosted.host.state.connections)
    ends = [record.fields for record in caplog.records if record.getMessage() == "session end"]
    assert len(ends) == 1
    assert ends[0]["user"].startswith('eve"}; rm -rf x')
    assert len(ends[0]["user"]) == 64
    assert ends[0]["key"] == hosted.key.get_fingerprint()
    assert (ends[0]["reason"], ends[0]["term"], ends[0]["frames"]) == ("quit", "xterm-kitty", 1)


async def test_nothing_of_a_visit_stays_behind(hosted: Hosted):
    """Connection, session and viewer are freed: memory does not grow with visits."""
    for _ in range(15):
        visitor = await hosted.look()
        visitor.press(b"?/a\x1b")
        await visitor.see("find")
        visitor.conn.abort()
        hosted.lookers.clear()
        del visitor
    await until(lambda: not hosted.host.state.connections)
    await until(lambda: not left_over())


def left_over() -> list[object]:
    gc.collect()
    kinds = (SshConnection, Session, Viewer, asyncssh.SSHServerConnection, asyncssh.SSHServerChannel)
    return [each for each in gc.get_objects() if isinstance(each, kinds)]


async def test_the_loop_is_left_as_it_was(hosted: Hosted):
    """Python 3.12+: eager tasks on the host's loop make concurrent logins hang."""
    conns = await asyncio.gather(*(hosted.connect() for _ in range(8)))
    assert [(await conn.run("headline")).exit_status for conn in conns] == [0] * 8
    assert asyncio.get_running_loop().get_task_factory() is None


async def test_a_full_host_and_a_busy_address_turn_newcomers_away(tmp_path, scenes):
    async with hosting(tmp_path, scenes["live"], limits=Limits(sessions=2, new_per_minute=100)) as hosted:
        visitors = [await hosted.look() for _ in range(2)]
        with pytest.raises((asyncssh.Error, OSError)):
            await hosted.connect()
        assert hosted.host.state.meter.refused["full"] == 1
        visitors[0].press(b"q")
        await visitors[0].closed.wait()
        visitors[0].conn.close()
        await until(lambda: len(hosted.host.state.connections) == 1)
        await (await hosted.look()).see("1 Legs")


@pytest.mark.parametrize("name", ["\x1b[2Jeve", "eve\nadmin", "\u202eeve", "e" * 10_000])
async def test_a_hostile_user_name_is_one_short_word_in_the_log(hosted: Hosted, name):
    connection = SshConnection(hosted.host.state)
    assert connection.begin_auth(name)
    logged = connection.log_fields["user"]
    assert isinstance(logged, str)
    assert logged.isprintable()
    assert len(logged) <= 64


@pytest.mark.parametrize("has_signature", [False, True])
async def test_a_key_merely_offered_is_not_its_owners_attempt(hosted: Hosted, caplog, has_signature):
    """Anyone may know a public key: without a valid signature it does not name who was there."""
    caplog.set_level("INFO", logger="tui.ssh")
    (pair,) = asyncssh.load_keypairs([hosted.key])
    (other,) = asyncssh.load_keypairs([asyncssh.generate_private_key("ssh-ed25519")])

    def sign(data: bytes) -> bytes:
        if has_signature:
            return other.sign(data)
        raise ValueError

    pair.sign = sign
    with pytest.raises(asyncssh.PermissionDenied):
        await hosted.connect(client_keys=[pair])
    await until(lambda: hosted.host.state.meter.refused["no login"] == 1)
    (refused,) = [record.fields for record in caplog.records if record.getMessage() == "refused"]
    assert (refused["user"], refused["key"]) == ("eve", "")
    assert hosted.key.get_fingerprint() not in caplog.text


async def test_an_offered_key_leaves_nothing_behind_for_who_logs_in_without(tmp_path, scenes):
    """An open host keeps preferences by key: offering another's key must not read or write that person's."""
    async with hosting(tmp_path, scenes["live"], is_open=True) as hosted:
        (pair,) = asyncssh.load_keypairs([hosted.key])

        def sign(_data: bytes) -> bytes:
            raise ValueError

        pair.sign = sign
        visitor = await hosted.look(client_keys=[pair], client_factory=Answers)
        await visitor.see("1 Legs")
        assert [connection.fingerprint for connection in hosted.host.state.connections] == [""]


async def test_the_login_deadline_ends_with_the_login(hosted: Hosted, scenes):
    """Neither a viewer nor a client that has left is cut off once the time for logging in has passed."""
    state, time = hosted.host.state, Time()
    state.later = time.later
    visitor = await hosted.look()
    await visitor.see("1 Legs")
    assert not time.waiting, "without this a viewer that is cut off is waited for"
    time.pass_(state.limits.login_s + 1)
    hosted.desk.push(with_leg(scenes["live"], "IWM", last=987.65))
    await visitor.see("987.65")
    assert not state.meter.refused
    with pytest.raises(asyncssh.PermissionDenied):
        await hosted.connect(client_keys=())
    await until(lambda: len(state.connections) == 1)
    assert not time.waiting
    assert state.meter.refused == {"no login": 1}


async def test_the_login_deadline_cuts_who_has_no_session(hosted: Hosted):
    state, time = hosted.host.state, Time()
    state.later = time.later
    async with hosted.connect() as conn:
        time.pass_(state.limits.login_s - 0.1)
        assert len(state.connections) == 1
        time.pass_(0.2)
        await conn.wait_closed()
    await until(lambda: not state.connections)
    assert state.meter.refused == {"login time": 1}


async def test_every_byte_goes_through_the_guard(hosted: Hosted, scenes):
    """The guard stands in front of asyncssh's end of every connection, which is ours too."""
    visitor = await hosted.look()
    await visitor.see("1 Legs")
    (connection,) = hosted.host.state.connections
    guard = connection._conn._transport.get_protocol()
    assert isinstance(guard, SocketGuard)
    assert isinstance(connection._conn, ServerConnection)
    assert connection._conn.get_owner() is connection
    before = connection.traffic._bytes._tokens
    assert before < CONNECTION_BURST
    guard.pause_writing()
    hosted.desk.push(with_leg(scenes["live"], "IWM", last=987.65))
    await until(lambda: visitor.viewer.dropped)
    guard.resume_writing()
    await visitor.see("987.65")


async def test_a_guard_whose_connection_has_ended_passes_nothing_on(hosted: Hosted):
    visitor = await hosted.look()
    (connection,) = hosted.host.state.connections
    guard = connection._conn._transport.get_protocol()
    visitor.conn.abort()
    await until(lambda: not hosted.host.state.connections)
    guard.pause_writing()
    guard.resume_writing()
    assert connection.traffic.stalled_parts == set()
