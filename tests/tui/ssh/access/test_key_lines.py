"""Lines of authorized_keys: what is understood holds, what is not lets nobody in and is reported."""

from __future__ import annotations

import time

import asyncssh
import pytest

from rotation.errors import InputError
from tui.ssh.access.authorized_keys import AuthorizedKeys
from tui.ssh.access.key_file import read_keys
from tui.ssh.access.key_line import KeyLineError, parse
from tui.ssh.access.sources import matches

KEY = asyncssh.generate_private_key("ssh-ed25519", comment="eve@desk")
PUBLIC = KEY.export_public_key().decode().strip()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ('command=""', "needs a value"),
        ('command="sh"', "unknown command 'sh'"),
        ("command=headline", "neither a public key nor options"),
        ('comand="headline"', "unknown option comand"),
        ("no-ptyy", "unknown option no-ptyy"),
        ('expiry-time="tomorrow"', "is not YYYYMMDD"),
        ('expiry-time="20261399"', "is not YYYYMMDD"),
        ('from="desk.example.com"', "host names are not looked up"),
        ('from="10.0.0.1/8"', "has host bits set"),
        ('from=""', "needs a value"),
        ('principals="eve"', "needs cert-authority"),
        ("verify-required", "unknown option verify-required"),
        ('restrict="yes"', "takes no value"),
        ("restrict,restrict", "given twice"),
    ],
)
def test_a_line_that_is_not_understood_lets_nobody_in(options, why):
    with pytest.raises(KeyLineError, match=why):
        parse(f"{options} {PUBLIC}")


@pytest.mark.parametrize(
    ("options", "terminal"),
    [
        ("restrict", False),
        ("restrict,pty", True),
        ("no-pty", False),
        ("no-agent-forwarding", True),
        ("NO-PTY", False),
    ],
)
def test_the_terminal_of_a_key(options, terminal):
    line = parse(f"{options} {PUBLIC}")
    assert line.options.allows_terminal == terminal
    assert line.comment == "eve@desk"


@pytest.mark.parametrize(
    ("patterns", "address", "fits"),
    [
        (("192.0.2.0/24",), "192.0.2.7", True),
        (("192.0.2.*", "!192.0.2.7"), "192.0.2.7", False),
        (("192.0.2.*", "!192.0.2.7"), "192.0.2.8", True),
        (("!192.0.2.7",), "192.0.2.8", False),
        (("2001:db8::/32",), "2001:DB8::1", True),
        (("192.0.2.7",), "::ffff:192.0.2.7", True),
        (("192.0.2.?",), "192.0.2.77", False),
        (("*",), "", False),
    ],
)
def test_addresses_of_from(patterns, address, fits):
    assert matches(patterns, address) == fits


def test_refused_lines_have_the_number_of_their_line(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# viewers\n\n{PUBLIC}\nrestict {PUBLIC}\nrubbish\n", "utf-8")
    file = read_keys(path, "--authorized-keys")
    assert len(file.lines) == 1
    assert [(line.number, line.reason.split()[0]) for line in file.refused] == [
        (4, "unknown"),
        (5, "neither"),
    ]


def test_an_expiry_time_ends_by_the_clock(tmp_path):
    now = 0.0
    path = tmp_path / "keys"
    path.write_text(f'expiry-time="19700102Z" {PUBLIC}\n', "utf-8")
    keys = AuthorizedKeys(path, now=lambda: now)
    assert keys.access(KEY, "192.0.2.1") is not None
    now = 86_400.0
    assert keys.access(KEY, "192.0.2.1") is None


def test_a_revoked_key_is_out_and_a_broken_list_of_them_is_no_list(tmp_path):
    path, revoked = tmp_path / "keys", tmp_path / "revoked"
    path.write_text(PUBLIC + "\n", "utf-8")
    for line in (PUBLIC, KEY.get_fingerprint()):
        revoked.write_text(f"# gone\n{line}\n", "utf-8")
        assert AuthorizedKeys(path, revoked=revoked, now=time.time).access(KEY, "192.0.2.1") is None
        assert AuthorizedKeys(None, revoked=revoked, now=time.time).access(KEY, "192.0.2.1") is None
    for rubbish in ("SHA256:short", "rubbish", "SSHKRL\n"):
        revoked.write_text(rubbish, "utf-8")
        with pytest.raises(InputError, match="--revoked-keys"):
            AuthorizedKeys(path, revoked=revoked, now=time.time)


def test_a_change_on_disk_is_seen_and_an_unreadable_file_is_logged_once(tmp_path, caplog):
    path = tmp_path / "keys"
    path.write_text(PUBLIC + "\n", "utf-8")
    keys = AuthorizedKeys(path, now=time.time)
    assert not keys.refresh()
    path.unlink()
    assert not keys.refresh()
    assert not keys.refresh()
    assert caplog.text.count("keys not reloaded") == 1
    assert keys.access(KEY, "192.0.2.1") is not None
    path.write_text("# nobody\n", "utf-8")
    assert keys.refresh()
    assert keys.access(KEY, "192.0.2.1") is None
