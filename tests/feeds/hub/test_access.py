"""TLS, NKeys, JWT credentials, permissions per subject: a real server with the rules of docs/deploy.md."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import ipaddress
import json
import os
import time
from pathlib import Path

import msgspec
import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from feeds.clock import wall_ns
from feeds.errors import InputError, UnavailableError
from feeds.hub.broker.connection import Access, check
from feeds.hub.broker.serve import Hub
from feeds.hub.broker.tape_stream import Limits
from feeds.hub.broker.viewer import HubFeed
from feeds.hub.tape_replaying import read_day
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.market.market import Market
from tests.support.live_desk import closes
from tests.support.paths import ROOT
from tests.support.servers.nats import nats_server

WAIT_S = 60.0
DEPLOY = (ROOT / "docs" / "deploy.md").read_text("utf-8")


def key_pair(prefix: int) -> tuple[str, str, nkeys.KeyPair]:
    """An NKey: seed, public key, and the pair."""
    seed = nkeys.encode_seed(bytearray(os.urandom(32)), prefix)
    pair = nkeys.from_seed(bytearray(seed))
    return bytes(seed).decode(), pair.public_key.decode(), pair


def rules(hub: str, viewer: str) -> str:
    """The block of the document, with these keys."""
    block = DEPLOY[DEPLOY.index("authorization {") :]
    block = block[: block.index("```")]
    return block.replace("HUB_PUBLIC_KEY", hub).replace("VIEWER_PUBLIC_KEY", viewer)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=9))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "server.pem", folder / "server.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form, no_cipher = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, no_cipher))
    return cert, secret


def make():
    now_ns = wall_ns()
    market = Market(closes(now_ns), Desk(), as_of_ns=now_ns)
    return Supervisor(market, []), Desk().legs


@contextlib.asynccontextmanager
async def running(access, tape=None):
    """A hub without a vendor; its settled history is enough to see."""

    class Stays:
        name, mode = "nothing", Desk

    def stays():
        supervisor, legs = make()

        async def run():
            supervisor._refresh(wall_ns())
            await asyncio.Event().wait()

        supervisor.run = run
        return supervisor, legs

    lines: list[str] = []
    task = asyncio.create_task(Hub(access, stays, lines.append, tape=tape).run())
    try:
        yield lines
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def whole(access, wait_s=WAIT_S):
    """A viewer's receiver once it has the whole market, or after ``wait_s``."""
    feed = HubFeed(access)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s), contextlib.aclosing(feed.events()) as events:
            async for _ in events:
                if feed.receiver.is_complete and feed.receiver.is_alive(time.monotonic()):
                    break
    return feed.receiver


@contextlib.asynccontextmanager
async def following(access):
    """What a viewer receives, for as long as the body runs."""
    feed = HubFeed(access)

    async def follow():
        async for _ in feed.events():
            pass

    task = asyncio.create_task(follow())
    try:
        yield feed.receiver
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def refusal(access, words):
    """Why such a viewer gets nothing, once these words are in it; what follows does not hide them."""
    async with following(access) as receiver:
        ends_s = time.monotonic() + WAIT_S
        while words not in receiver.problem:
            assert time.monotonic() < ends_s, receiver.problem
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        return receiver.problem


async def test_nkeys_tls_and_permissions_as_documented(tmp_path):
    import nats

    cert, secret = certificate(tmp_path)
    (hub_seed, hub_key, _), (seed, key, _) = (
        key_pair(nkeys.PREFIX_BYTE_USER),
        key_pair(nkeys.PREFIX_BYTE_USER),
    )
    (tmp_path / "hub.nk").write_text(hub_seed)
    (tmp_path / "viewer.nk").write_text(seed)
    config = f'tls {{ cert_file: "{cert}", key_file: "{secret}" }}\n' + rules(hub_key, key)
    with nats_server(tmp_path, config) as server:
        url = server.url.replace("nats://", "tls://")
        viewer = Access(url, nkey=tmp_path / "viewer.nk", ca=cert)
        async with running(Access(url, nkey=tmp_path / "hub.nk", ca=cert)) as lines:
            receiver = await whole(viewer)
            assert receiver.is_complete, lines
            assert "certificate" in await refusal(Access(url, nkey=tmp_path / "viewer.nk"), "certificate")
            refused_words = "the NATS server refuses these credentials"
            assert await refusal(Access(url, ca=cert), refused_words) == refused_words
            refused: list[str] = []

            async def note(error):
                refused.append(str(error))

            context = __import__("ssl").create_default_context(cafile=cert)
            client = await nats.connect(
                url, tls=context, nkeys_seed=str(tmp_path / "viewer.nk"), error_cb=note
            )
            await client.publish("quotes.IWM", b"a lie")
            await client.publish("$JS.API.STREAM.PURGE.QUOTES", b"")
            await client.flush()
            ends_s = time.monotonic() + WAIT_S  # the library calls back in tasks of their own
            while len(refused) < 2:
                assert time.monotonic() < ends_s, refused
                await asyncio.sleep(0.02)
            await client.close()
            assert len(refused) == 2
            assert all("permissions violation" in text.lower() for text in refused)


def jwt(claims: dict[str, object], issuer: nkeys.KeyPair) -> str:
    """A token as NATS signs them."""
    parts = [{"typ": "JWT", "alg": "ed25519-nkey"}, {"iat": int(time.time()), "jti": "x", **claims}]
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )
    return f"{text}.{base64.urlsafe_b64encode(issuer.sign(text.encode())).rstrip(b'=').decode()}"


async def test_jwt_credentials(tmp_path):
    _, operator, operator_pair = key_pair(nkeys.PREFIX_BYTE_OPERATOR)
    _, account, account_pair = key_pair(nkeys.PREFIX_BYTE_ACCOUNT)
    seed, user, _ = key_pair(nkeys.PREFIX_BYTE_USER)
    unlimited = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    store = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1, "wildcards": True}
    _, system, _ = key_pair(nkeys.PREFIX_BYTE_ACCOUNT)
    own = {"type": "operator", "version": 2, "system_account": system}
    trust = jwt({"iss": operator, "sub": operator, "name": "op", "nats": own}, operator_pair)
    of_desk = {"type": "account", "version": 2, "limits": unlimited | store}
    desk = jwt({"iss": operator, "sub": account, "name": "desk", "nats": of_desk}, operator_pair)
    of_system = {"type": "account", "version": 2, "limits": unlimited}
    sys = jwt({"iss": operator, "sub": system, "name": "SYS", "nats": of_system}, operator_pair)
    token = jwt(
        {"iss": account, "sub": user, "name": "viewer",
         "nats": {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1}},
        account_pair,
    )  # fmt: skip
    creds = tmp_path / "desk.creds"
    creds.write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
    config = (
        f"operator: {trust}\nresolver: MEMORY\nresolver_preload: {{ {account}: {desk}, {system}: {sys} }}\n"
    )
    config += f"system_account: {system}\n"
    with nats_server(tmp_path, config) as server:
        async with running(Access(server.url, creds=creds)) as lines:
            receiver = await whole(Access(server.url, creds=creds))
            assert receiver.is_complete, lines


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": ""}, "--nats: name the server"),
        ({"url": "http://127.0.0.1"}, "--nats: expected an address"),
        ({"nkey": Path("/nowhere/seed")}, "/nowhere/seed: cannot be read"),
        ({"ca": Path("/nowhere/ca.pem")}, "the certificates for NATS cannot be read"),
    ],
)
def test_what_no_try_can_mend_is_an_input_error(change, message):
    with pytest.raises(InputError, match=message):
        check(msgspec.structs.replace(Access("nats://127.0.0.1:4222"), **change))


def seed_text() -> str:
    return key_pair(nkeys.PREFIX_BYTE_USER)[0]


@pytest.mark.parametrize("url", ["nats://h:abc", "nats://:4222", "nats://a,ws://b", "nats://[::1", "wss://a"])
def test_an_address_that_none_can_reach_is_an_input_error(url):
    with pytest.raises(InputError, match="--nats: expected an address"):
        check(Access(url))


@pytest.mark.parametrize("text", ["", "no seed", "SUAX" * 14, "SU\n\x00"])
def test_a_file_without_a_seed_is_an_input_error(tmp_path, text):
    path = tmp_path / "viewer.nk"
    path.write_text(text)
    with pytest.raises(InputError, match=r"viewer\.nk: holds no NKey seed"):
        check(Access("nats://127.0.0.1:4222", nkey=path))
    path.write_text(seed_text() + "\n")
    check(Access("nats://127.0.0.1:4222", nkey=path))


def test_a_file_without_credentials_is_an_input_error(tmp_path):
    path = tmp_path / "desk.creds"
    for text in ("", "-----BEGIN NATS USER JWT-----\n", f"-----BEGIN USER NKEY SEED-----\n{seed_text()}\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"desk\.creds: is no \.creds file"):
            check(Access("nats://127.0.0.1:4222", creds=path))


def test_a_key_without_its_certificate_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="--nats-key: name its certificate"):
        check(Access("nats://127.0.0.1:4222", key=tmp_path / "client.key"))


async def test_a_server_without_tls_gets_no_credentials_where_tls_was_asked_for(tmp_path):
    with nats_server(tmp_path) as server:
        cert, _ = certificate(tmp_path)
        words = "the NATS server offers no TLS"
        for access in (Access(server.url.replace("nats://", "tls://")), Access(server.url, ca=cert)):
            assert await refusal(access, words) == words


async def test_the_tape_needs_the_rights_that_the_document_gives(tmp_path):
    import nats

    (hub_seed, hub_key, _), (seed, key, _) = (
        key_pair(nkeys.PREFIX_BYTE_USER),
        key_pair(nkeys.PREFIX_BYTE_USER),
    )
    (tmp_path / "hub.nk").write_text(hub_seed)
    (tmp_path / "viewer.nk").write_text(seed)
    with nats_server(tmp_path, rules(hub_key, key)) as server:
        viewer = Access(server.url, nkey=tmp_path / "viewer.nk")
        async with running(Access(server.url, nkey=tmp_path / "hub.nk"), Limits()) as lines:
            ends_s = time.monotonic() + WAIT_S
            kinds = set()
            while "Batch" not in kinds:
                assert time.monotonic() < ends_s, lines
                await asyncio.sleep(0.2)
                with contextlib.suppress(UnavailableError, InputError):
                    kinds = set((await asyncio.to_thread(read_day, viewer, None)).tape["kind"])
            refused: list[str] = []

            async def note(error):
                refused.append(str(error))

            client = await nats.connect(server.url, nkeys_seed=str(tmp_path / "viewer.nk"), error_cb=note)
            for subject in ("tape.2026-11-27", "$JS.API.STREAM.PURGE.TAPE", "$JS.API.STREAM.MSG.GET.TAPE"):
                await client.publish(subject, b"a lie")
            await client.flush()
            ends_s = time.monotonic() + WAIT_S  # the library calls back in tasks of their own
            while len(refused) < 3:
                assert time.monotonic() < ends_s, refused
                await asyncio.sleep(0.05)
            await client.close()
            assert len(refused) == 3
    without = rules(hub_key, key).replace('"tape.>", "$JS.API.STREAM.INFO.TAPE",', "")
    with nats_server(tmp_path / "old", without) as server:
        access = Access(server.url, nkey=tmp_path / "hub.nk")
        async with running(access, Limits()) as lines:
            receiver = await whole(Access(server.url, nkey=tmp_path / "viewer.nk"))
            assert receiver.is_complete, lines
            ends_s = time.monotonic() + WAIT_S
            while not any("the tape is not being written" in line for line in lines):
                assert time.monotonic() < ends_s, lines
                await asyncio.sleep(0.1)
