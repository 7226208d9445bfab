"""Who comes in and who is sent away when the files change, over SSH; and what the log says about them."""

from __future__ import annotations

import asyncio
import subprocess
from shutil import which

import asyncssh
import pytest

from tests.support.ssh_host import Hosted, hosting, until
from tui.ssh.access.authorized_keys import AuthorizedKeys, Certificate
from tui.ssh.reasons import FAREWELLS

LIMIT_S = 60.0


@pytest.fixture
async def hosted(tmp_path, scenes, caplog):
    caplog.set_level("INFO", logger="tui.ssh")
    async with hosting(tmp_path, scenes["live"]) as hosted, asyncio.timeout(LIMIT_S):
        yield hosted


def events(caplog, name: str) -> list[dict[str, object]]:
    return [record.fields for record in caplog.records if record.getMessage() == name]


@pytest.mark.parametrize("text", ["", "# the last key is gone\n", "rubbish\n"])
async def test_a_file_without_a_key_lets_nobody_in(hosted: Hosted, tmp_path, text, caplog):
    """Seen at the next login, without a signal; who is at the screen is sent away."""
    viewer = await hosted.look()
    (tmp_path / "keys").write_text(text, "utf-8")
    with pytest.raises(asyncssh.PermissionDenied):
        await hosted.connect()
    await viewer.closed.wait()
    assert FAREWELLS["withdrawn"] in viewer.screen.raw.decode()
    assert "no key may log in" in caplog.text


async def test_an_unreadable_file_keeps_the_keys_and_says_so(hosted: Hosted, tmp_path, caplog):
    (tmp_path / "keys").unlink()
    async with hosted.connect() as conn:
        assert (await conn.run("headline")).exit_status == 0
    hosted.host.reload()
    assert len(events(caplog, "keys not reloaded")) == 2


async def test_a_key_that_is_restricted_while_its_owner_looks(hosted: Hosted, tmp_path):
    public = hosted.key.export_public_key().decode()
    for options in ("no-pty", 'command="headline"'):
        (tmp_path / "keys").write_text(public, "utf-8")
        hosted.host.reload()
        viewer = await hosted.look()
        (tmp_path / "keys").write_text(f"{options} {public}", "utf-8")
        hosted.host.reload()
        await viewer.closed.wait()
        assert FAREWELLS["restricted"] in viewer.screen.raw.decode()


async def test_a_viewer_leaves_when_the_key_expires(hosted: Hosted, tmp_path):
    public = hosted.key.export_public_key().decode()
    (tmp_path / "keys").write_text(f'expiry-time="20990101Z" {public}', "utf-8")
    hosted.host.reload()
    viewer = await hosted.look()
    hosted.host.state.sweep()
    assert not viewer.closed.is_set()
    hosted.host.state.authorized_keys._now = lambda: 5e9
    hosted.host.state.sweep()
    await viewer.closed.wait()
    assert FAREWELLS["withdrawn"] in viewer.screen.raw.decode()


async def test_a_revoked_authority_and_a_revoked_key_of_a_certificate(tmp_path):
    key, authority = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    keys, revoked = tmp_path / "keys", tmp_path / "revoked"
    keys.write_bytes(b"cert-authority " + authority.export_public_key())
    certificate = Certificate(key, authority, ("eve",), "eve", allows_terminal=True, command=None)
    for lines, may in ((b"", True), (key.export_public_key(), False), (authority.export_public_key(), False)):
        revoked.write_bytes(lines)
        list_of_keys = AuthorizedKeys(keys, revoked=revoked, now=lambda: 0.0)
        assert (list_of_keys.certified(certificate, "192.0.2.1") is not None) == may
        assert list_of_keys.access(authority, "192.0.2.1") is None


async def test_an_empty_command_gives_no_access(hosted: Hosted, tmp_path, caplog):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    public = hosted.key.export_public_key().decode()
    (tmp_path / "keys").write_text(f'{other}command="" {public}', "utf-8")
    hosted.host.reload()
    with pytest.raises(asyncssh.PermissionDenied):
        await hosted.connect()
    (refused,) = events(caplog, "key line refused")
    assert refused["line"] == 2
    assert events(caplog, "keys reloaded")[-1]["lines_refused"] == 1


async def test_the_log_tells_who_came_who_left_and_which_keys_were_rejected(hosted: Hosted, caplog):
    viewer = await hosted.look(size=(100, 30))
    await viewer.see("1 Legs")
    (begin,) = events(caplog, "session begin")
    assert begin["key"] == hosted.key.get_fingerprint()
    assert str(begin["client"]).startswith("SSH-2.0-AsyncSSH")
    assert (begin["address"], begin["size"]) == ("127.0.0.1", "100x30")
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(asyncssh.PermissionDenied):
        await hosted.connect(client_keys=[stranger])
    (rejected,) = events(caplog, "key rejected")
    assert (rejected["key"], rejected["address"]) == (stranger.get_fingerprint(), "127.0.0.1")
    viewer.press(b"q")
    await viewer.closed.wait()
    await until(lambda: events(caplog, "session end"))
    assert events(caplog, "session end")[0]["size"] == "100x30"


async def test_clients_without_a_session_are_told_apart(hosted: Hosted, caplog, monkeypatch):
    monkeypatch.setattr("tui.ssh.host_state.REFUSALS_EVERY_S", 0.0)
    refused = hosted.host.state.meter.refused
    _, scanner = await asyncio.open_connection("127.0.0.1", hosted.host.port)
    scanner.close()
    await until(lambda: refused["no login"] == 1)
    for number, keys in ((2, ()), (3, [asyncssh.generate_private_key("ssh-ed25519")])):
        with pytest.raises(asyncssh.PermissionDenied):
            await hosted.connect(client_keys=keys)
        await until(lambda number=number: refused["no login"] == number)
    async with hosted.connect():
        pass
    await until(lambda: refused["no login"] == 4)
    kinds = [event["kind"] for event in events(caplog, "refused")]
    assert kinds == ["scanner", "no key", "wrong key", "no session"]


async def test_refused_commands_and_subsystems_name_who_asked(hosted: Hosted, caplog, monkeypatch):
    monkeypatch.setattr("tui.ssh.host_state.REFUSALS_EVERY_S", 0.0)
    async with hosted.connect() as conn:
        assert (await conn.run("rm -rf \x1b[2J/")).exit_status == 127
    async with hosted.connect() as conn:
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.start_sftp_client()
    command, subsystem = events(caplog, "refused")[:2]
    assert (command["command"], command["key"]) == ("rm -rf \ufffd[2J/", hosted.key.get_fingerprint())
    assert (subsystem["subsystem"], subsystem["address"]) == ("sftp", "127.0.0.1")


@pytest.mark.skipif(not (which("ssh") and which("ssh-keygen")), reason="needs the OpenSSH client")
async def test_openssh_certificates(hosted: Hosted, tmp_path):
    """An authority's certificate lets in by principal, until it is revoked; OpenSSH makes it and shows it."""
    for name in ("ca", "id", "ca2"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name))
    authority = (tmp_path / "ca.pub").read_text("utf-8")

    async def login(*sign: str, user: str = "eve", options: str = "cert-authority", ca: str = "ca") -> int:
        (tmp_path / "id-cert.pub").unlink(missing_ok=True)
        if sign:
            run("ssh-keygen", "-q", "-s", str(tmp_path / ca), "-I", "id", *sign, str(tmp_path / "id.pub"))
        (tmp_path / "keys").write_text(f"{options} {authority}", "utf-8")
        hosted.host.reload()
        process = await asyncio.create_subprocess_exec(
            "ssh", "-F", "none", "-p", str(hosted.host.port), "-i", str(tmp_path / "id"),
            "-oStrictHostKeyChecking=no",
            f"-oUserKnownHostsFile={tmp_path / 'known'}", "-oIdentitiesOnly=yes",
            "-oIdentityAgent=none", "-oBatchMode=yes", f"{user}@127.0.0.1", "headline",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait()

    assert await login() == 255
    assert await login("-n", "eve") == 0
    assert await login("-n", "eve", user="bob") == 255
    assert await login("-n", "desk", options='cert-authority,principals="ops,desk"', user="bob") == 0
    assert await login("-n", "eve", options='cert-authority,principals="ops,desk"') == 255
    assert await login("-n", "eve", "-V", "20200101:20200102") == 255
    assert await login("-n", "eve", "-O", "source-address=192.0.2.0/24") == 255
    assert await login("-n", "eve", "-O", "force-command=id") == 127
    assert await login("-n", "eve", ca="ca2") == 255
    assert await login("-h", "-n", "eve") == 255
    assert await login() == 255


def run(*words: str) -> None:
    subprocess.run(words, check=True, timeout=LIMIT_S)
