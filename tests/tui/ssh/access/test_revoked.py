"""Revoked keys: OpenSSH's own binary lists, judged as OpenSSH judges them, and bytes that are none."""

from __future__ import annotations

import asyncio
import subprocess
import time
from functools import partial
from shutil import which
from typing import TYPE_CHECKING

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.errors import InputError
from tests.support.ssh_host import hosting
from tui.ssh.access import krl
from tui.ssh.access.authorized_keys import AuthorizedKeys, Certificate
from tui.ssh.access.revoked import FILE_MAX, read_revoked
from tui.ssh.reasons import FAREWELLS

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 60.0
ALL = krl.MAGIC + bytes([0, 0, 0, 1]) + bytes(3 * 8) + bytes(2 * 4)
"""A list that revokes nothing."""
SPEC = """\
serial: 7
serial: 200000-299999
serial: 1000
serial: 1002
serial: 1004
serial: 1006-1007
serial: 1010
serial: 18446744073709551615
id: stolen laptop
"""
SERIALS = (
    1, 6, 7, 8, 199_999, 200_000, 299_999, 300_000, 999, 1_000, 1_001, 1_002, 1_005, 1_007, 1_010, 1_011,
    2**63, 2**64 - 2, 2**64 - 1,
)  # fmt: skip

needs_openssh = pytest.mark.skipif(
    not (which("ssh") and which("ssh-keygen")), reason="needs the OpenSSH client (apt: openssh-client)"
)


def keygen(folder: Path, *words: object, code: int = 0) -> str:
    done = subprocess.run(
        ["ssh-keygen", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Keys of two authorities and four viewers."""
    folder = tmp_path_factory.mktemp("krl")
    for name, kind in (
        ("ca", "ed25519"), ("ca2", "ecdsa"), ("eve", "ed25519"), ("bob", "ecdsa"), ("ann", "rsa"),
        ("dan", "ed25519"),
    ):  # fmt: skip
        keygen(folder, "-q", "-t", kind, "-N", "", "-C", name, "-f", name)
    return folder


def public(folder: Path, name: str) -> asyncssh.SSHKey:
    return asyncssh.read_public_key(folder / f"{name}.pub")


def listed(folder: Path, spec: str, *options: object) -> Path:
    """The list that ssh-keygen makes of a specification."""
    (folder / "spec").write_text(spec, "utf-8")
    path = folder / "list"
    path.unlink(missing_ok=True)
    keygen(folder, "-q", "-k", "-f", path, *options, "spec")
    path.chmod(0o600)
    return path


def is_revoked_by_openssh(folder: Path, path: Path, name: str) -> bool:
    done = subprocess.run(
        ["ssh-keygen", "-Q", "-f", path, f"{name}.pub"],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode in {0, 1}
    return done.returncode == 1


@needs_openssh
@pytest.mark.parametrize("kind", ["key", "sha1", "sha256"])
def test_keys_that_are_listed_in_full_or_by_a_hash(folder, kind):
    lines = [f"{kind}: {(folder / f'{name}.pub').read_text('utf-8')}" for name in ("eve", "ann", "ca2")]
    path = listed(folder, "".join(lines))
    revoked = read_revoked(path, "--revoked-keys")
    assert revoked.size == 3
    for name in ("ca", "ca2", "eve", "bob", "ann", "dan"):
        assert revoked.has_key(public(folder, name)) == is_revoked_by_openssh(folder, path, name), name


@needs_openssh
@pytest.mark.parametrize("signer", ["ca", ""])
def test_certificates_by_serial_number_range_bitmap_and_key_id(folder, signer):
    """``ssh-keygen -Q`` is the judge; without a named authority the list holds for all of them."""
    path = listed(folder, SPEC, *(("-s", "ca.pub") if signer else ("-s", "none")))
    revoked = read_revoked(path, "--revoked-keys")
    (of_signer,) = revoked.certificates.values()
    assert of_signer.serials
    assert of_signer.ranges
    assert of_signer.bitmaps
    assert of_signer.key_ids
    cases = [(serial, "a phone") for serial in SERIALS] + [
        (0, "a phone"),
        (0, "stolen laptop"),
        (8, "stolen laptop"),
    ]
    for authority in ("ca", "ca2"):
        for serial, key_id in cases:
            keygen(folder, "-q", "-s", authority, "-z", serial, "-I", key_id, "-n", "eve", "eve.pub")
            expected = is_revoked_by_openssh(folder, path, "eve-cert")
            may = not revoked.has_certificate(public(folder, authority), serial, key_id)
            assert may != expected, (authority, serial, key_id)


@needs_openssh
def test_a_certificate_in_the_list_and_a_list_that_was_added_to(folder):
    keygen(folder, "-q", "-s", "ca", "-z", 77, "-I", "lost", "-n", "eve", "eve.pub")
    certificate = (folder / "eve-cert.pub").read_text("utf-8")
    path = folder / "updated"
    (folder / "spec").write_text(certificate, "utf-8")
    keygen(folder, "-q", "-k", "-f", path, "-s", "ca.pub", "spec")
    (folder / "spec").write_bytes(b"sha256: " + (folder / "bob.pub").read_bytes())
    keygen(folder, "-q", "-k", "-u", "-z", 2, "-f", path, "spec")
    path.chmod(0o600)
    revoked = read_revoked(path, "--revoked-keys")
    assert revoked.has_certificate(public(folder, "ca"), 77, "another")
    assert not revoked.has_key(public(folder, "eve"))
    assert revoked.has_key(public(folder, "bob"))


@needs_openssh
async def test_openssh_clients_are_refused_and_viewers_leave(folder, tmp_path, scenes):
    """A plain key and a certificate, each until a list revokes it; a viewer is sent away at once."""
    nothing = tmp_path / "revoked"
    nothing.write_bytes(ALL)
    nothing.chmod(0o600)
    keygen(folder, "-q", "-s", "ca", "-z", 77, "-I", "eve's phone", "-n", "eve", "eve.pub")
    async with hosting(tmp_path, scenes["live"], revoked_keys=nothing) as hosted, asyncio.timeout(LIMIT_S):
        keys = hosted.key.export_public_key() + (folder / "bob.pub").read_bytes()
        keys += b"cert-authority " + (folder / "ca.pub").read_bytes()
        (tmp_path / "keys").write_bytes(keys)
        viewer = await hosted.look()
        assert [await login(hosted.host.port, folder, name) for name in ("eve", "bob")] == [0, 0]
        for spec, codes in (
            ("serial: 77", [255, 0]),
            ("id: eve's phone", [255, 0]),
            ("serial: 78", [0, 0]),
            (f"sha1: {(folder / 'bob.pub').read_text('utf-8')}", [0, 255]),
        ):
            nothing.write_bytes(listed(folder, spec + "\n", "-s", "ca.pub").read_bytes())
            hosted.host.reload()
            assert [await login(hosted.host.port, folder, name) for name in ("eve", "bob")] == codes, spec
        assert not viewer.closed.is_set()
        fingerprint = hosted.key.get_fingerprint()
        nothing.write_bytes(listed(folder, f"hash: {fingerprint}\n").read_bytes())
        hosted.host.reload()
        await viewer.closed.wait()
        assert FAREWELLS["withdrawn"] in viewer.screen.raw.decode()


async def login(port: int, folder: Path, name: str) -> int:
    process = await asyncio.create_subprocess_exec(
        "ssh", "-F", "none", "-p", str(port), "-i", str(folder / name), "-oStrictHostKeyChecking=no",
        f"-oUserKnownHostsFile={folder / 'known'}", "-oIdentitiesOnly=yes", "-oIdentityAgent=none",
        "-oBatchMode=yes", "eve@127.0.0.1", "headline",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return await process.wait()


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def section(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + string(data)


def about_certificates(*parts: bytes) -> bytes:
    return section(krl.CERTIFICATES, string(b"") + string(b"") + b"".join(parts))


def number(value: int) -> bytes:
    return value.to_bytes(8, "big")


def bitmap(first: int, bits: bytes) -> bytes:
    return ALL + about_certificates(section(krl.SERIAL_BITMAP, number(first) + string(bits)))


EXTENSION = string(b"sparkle@example.com") + b"\x00" + string(b"data")
CRITICAL = string(b"sparkle@example.com") + b"\x01" + string(b"data")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        section(krl.SIGNATURE, b"a key that signed") + string(b"its signature"),
        section(krl.EXTENSION, EXTENSION),
        about_certificates(section(krl.CERTIFICATES_EXTENSION, EXTENSION)),
        about_certificates(section(krl.SERIAL_BITMAP, number(2**64 - 8) + string(b"\x00\x80"))),
    ],
)
def test_what_a_list_may_also_hold(data):
    assert krl.parse(ALL + data).sha256 == frozenset()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"SSHKRL\n", "truncated or damaged"),
        (b"SSHKRL\r\n" + ALL[8:], "not a KRL"),
        (krl.MAGIC + bytes([0, 0, 0, 2]), "format version 2"),
        (ALL + b"\x02", "truncated or damaged"),
        (ALL + section(6, b""), "unknown section 6"),
        (ALL + section(krl.SHA1_HASHES, string(bytes(32))), "a hash of 32 bytes instead of 20"),
        (ALL + section(krl.SHA256_HASHES, string(bytes(20))), "a hash of 20 bytes instead of 32"),
        (ALL + section(krl.EXTENSION, CRITICAL), "extension 'sparkle@example.com' is not supported"),
        (ALL + section(krl.EXTENSION, EXTENSION + b"!"), "truncated or damaged"),
        (ALL + section(krl.SIGNATURE, b"a key that signed"), "truncated or damaged"),
        (ALL + section(krl.CERTIFICATES, string(b"a key") + string(b"")), "the key of an authority"),
        (ALL + about_certificates(section(0x24, b"")), "unknown section 36 about certificates"),
        (ALL + about_certificates(section(krl.SERIAL_LIST, number(0))), "serial number 0"),
        (ALL + about_certificates(section(krl.SERIAL_LIST, bytes(7))), "truncated or damaged"),
        (ALL + about_certificates(section(krl.SERIAL_RANGE, number(5) + number(4))), "ends before it begins"),
        (bitmap(0, b"\x01"), "do not exist"),
        (bitmap(2**64 - 1, b"\x02"), "do not exist"),
        (bitmap(9, b"\x80"), "negative or too large"),
        (bitmap(9, b"\x01" * 2_049), "negative or too large"),
        (ALL + about_certificates(section(krl.CERTIFICATES_EXTENSION, CRITICAL)), "is not supported"),
    ],
)  # fmt: skip
def test_a_broken_list_is_refused_with_a_reason(tmp_path, data, why):
    path = tmp_path / "revoked"
    path.write_bytes(data)
    with pytest.raises(InputError, match="invalid revocation list") as refused:
        read_revoked(path, "--revoked-keys")
    assert str(refused.value).startswith(f"--revoked-keys: {path}: invalid revocation list (KRL): ")
    assert why in str(refused.value)


@pytest.fixture(scope="module")
def full(folder) -> bytes:
    """A list with a section of every kind that ssh-keygen writes."""
    keys = [f"{kind}: {(folder / 'eve.pub').read_text('utf-8')}" for kind in ("key", "sha1", "sha256")]
    return listed(folder, SPEC + "".join(keys), "-s", "ca.pub").read_bytes()


@needs_openssh
def test_a_truncated_list_is_refused(full):
    """Only between two sections does a shorter list exist at all; nothing there says how many follow."""
    whole = krl.parse(full)
    assert (len(whole.sha256), len(whole.sha1), len(whole.certificates)) == (1, 1, 1)
    refused = 0
    for size in range(len(full)):
        try:
            krl.parse(full[:size])
        except krl.KrlError:
            refused += 1
    assert refused == len(full) - 4


@needs_openssh
@given(data=st.data())
def test_hostile_bytes_are_a_list_or_the_one_error(tmp_path_factory, full, data):
    """Never anything else, whatever bytes are changed, put in or cut out; text too."""
    at = data.draw(st.integers(0, len(full)))
    cut = data.draw(st.integers(0, 12))
    put = data.draw(st.binary(max_size=12))
    hostile = data.draw(
        st.sampled_from(
            [full[:at] + put + full[at + cut :], full[:6] + put, put, ALL + put, put.hex().encode()]
        )
    )
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(hostile)
    path.chmod(0o600)
    message = ""
    try:
        revoked = read_revoked(path, "--revoked-keys")
        revoked.has_certificate(KEY, data.draw(st.integers(0, 2**64 - 1)), "a phone")
        revoked.has_key(KEY)
    except InputError as error:
        message = str(error)
    assert not message or (message.startswith(f"--revoked-keys: {path}: ") and "\n" not in message)


KEY = asyncssh.generate_private_key("ssh-ed25519")


def test_a_broken_list_keeps_the_one_before_and_a_huge_file_is_none(tmp_path, caplog):
    path, keys = tmp_path / "revoked", tmp_path / "keys"
    keys.write_bytes(KEY.export_public_key())
    path.write_bytes(ALL + section(krl.EXPLICIT_KEYS, string(KEY.public_data)))
    authorized = AuthorizedKeys(keys, revoked=path, now=time.time)
    assert authorized.access(KEY, "192.0.2.1") is None
    path.write_bytes(ALL[:-1])
    assert not authorized.refresh()
    assert authorized.access(KEY, "192.0.2.1") is None
    assert "invalid revocation list" in caplog.records[-1].fields["why"]
    path.write_bytes(b"#" * (FILE_MAX + 1))
    with pytest.raises(InputError, match="larger than 16 MB"):
        read_revoked(path, "--revoked-keys")


def test_a_certificate_is_refused_by_number_by_name_and_by_its_keys(tmp_path):
    authority = asyncssh.generate_private_key("ssh-ed25519")
    path, keys = tmp_path / "revoked", tmp_path / "keys"
    keys.write_bytes(b"cert-authority " + authority.export_public_key())
    certificate = partial(Certificate, KEY, authority, ("eve",), "eve", allows_terminal=True, command=None)
    part = section(krl.SERIAL_RANGE, number(5) + number(6)) + section(
        krl.KEY_IDS, string("gestohlen é".encode())
    )
    for data, may in (
        (about_certificates(part), [False, True, False]),
        (section(krl.EXPLICIT_KEYS, string(KEY.public_data)), [False] * 3),
        (section(krl.EXPLICIT_KEYS, string(authority.public_data)), [False] * 3),
        (section(krl.EXPLICIT_KEYS, string(b"another")), [True] * 3),
    ):
        path.write_bytes(ALL + data)
        authorized = AuthorizedKeys(keys, revoked=path, now=time.time)
        cases = [(6, "a phone"), (7, "a phone"), (0, "gestohlen é")]
        assert [
            authorized.certified(certificate(serial=serial, key_id=name), "192.0.2.1") is not None
            for serial, name in cases
        ] == may
