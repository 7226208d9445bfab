"""Client certificates on a server that asks for them, configured by the text of docs/deploy.md."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from feeds.errors import InputError
from feeds.hub.broker.connection import Access, check
from tests.feeds.hub.test_access import DEPLOY, refusal, running, whole
from tests.support.hub.certificates import Authority
from tests.support.paths import ROOT
from tests.support.servers.nats import nats_server

NEEDED = "the NATS server asks for a client certificate; name it with --nats-cert and --nats-key"
REFUSED = "the NATS server refuses this client certificate"


def verifying(folder, server, authority):
    """The block of the document, with these files."""
    block = DEPLOY[DEPLOY.index("tls {\n") :]
    block = block[: block.index("```")]
    names = {"server.pem": server.cert, "server.key": server.key, "clients-ca.pem": authority.pem}
    assert "verify: true" in block
    for name, path in names.items():
        assert f'"{name}"' in block
        block = block.replace(f'"{name}"', f'"{path}"')
    return block


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def server(tmp_path, authority):
    with nats_server(tmp_path, verifying(tmp_path, authority.sign("server"), authority)) as made:
        yield made


def access(server, authority, pair=None):
    url = server.url.replace("nats://", "tls://")
    cert, key = pair or (None, None)
    return Access(url, ca=authority.pem, cert=cert, key=key)


async def test_the_right_certificate_is_let_in(server, authority):
    async with running(access(server, authority, authority.sign("hub"))) as lines:
        receiver = await whole(access(server, authority, authority.sign("viewer")))
        assert receiver.is_complete, lines


async def test_a_certificate_of_another_authority_is_refused_and_named(server, authority, tmp_path):
    foreign = Authority(tmp_path, "other").sign("stranger")
    assert await refusal(access(server, authority, foreign), REFUSED) == REFUSED


def run(folder, *words):
    """A command of the program with a home of its own: its exit code and stderr."""
    homes = {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("DATA", "STATE", "CACHE", "CONFIG")}
    environment = {**os.environ, **homes, "PYTHONPATH": str(ROOT), "ROTATION_TUI_OFFLINE": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tui", *words], cwd=folder, env=environment, capture_output=True, text=True,
        check=False, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stderr


def options(server, authority, pair=None):
    named = ["--nats", server.url.replace("nats://", "tls://"), "--nats-ca", str(authority.pem)]
    return named + (["--nats-cert", str(pair.cert), "--nats-key", str(pair.key)] if pair else [])


@pytest.mark.parametrize("words", [("hub", "--feed", "yahoo"), ("snapshot", "--feed", "nats")])
def test_without_a_certificate_no_try_can_help(server, authority, tmp_path, words):
    code, stderr = run(tmp_path, *words, *options(server, authority))
    assert code == 2, stderr
    assert NEEDED in stderr
    assert stderr.count("client certificate") == 1, "one error"


def test_a_foreign_certificate_ends_a_snapshot_with_the_reason(server, authority, tmp_path):
    foreign = Authority(tmp_path, "other").sign("stranger")
    code, stderr = run(tmp_path, "snapshot", "--feed", "nats", *options(server, authority, foreign))
    assert code not in (0, 2), stderr
    assert REFUSED in stderr


@pytest.mark.parametrize("words", [("hub", "--feed", "yahoo"), ("snapshot", "--feed", "nats")])
def test_an_expired_certificate_is_bad_input(server, authority, tmp_path, words):
    code, stderr = run(tmp_path, *words, *options(server, authority, authority.sign("old", days=(-9, -1))))
    assert code == 2, stderr
    assert "old.pem: the client certificate has expired" in stderr


def checked(pair):
    check(Access("tls://127.0.0.1:4222", cert=pair.cert, key=pair.key))


def test_a_certificate_is_checked_before_anything_is_asked(authority, tmp_path):
    checked(authority.sign("good"))
    with pytest.raises(InputError, match=r"new\.pem: the client certificate is not valid yet"):
        checked(authority.sign("new", days=(1, 9)))
    with pytest.raises(InputError, match=r"locked\.key: the key is encrypted"):
        checked(authority.sign("locked", passphrase=b"secret"))
    mixed = authority.sign("good")._replace(key=authority.sign("another").key)
    with pytest.raises(InputError, match="the certificates for NATS cannot be read"):
        checked(mixed)
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    with pytest.raises(InputError, match="the certificates for NATS cannot be read"):
        checked(authority.sign("good")._replace(cert=empty))
