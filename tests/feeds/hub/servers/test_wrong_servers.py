"""Servers that cannot be used, or no longer: one clear error, and back by itself where it is mended."""

from __future__ import annotations

import asyncio
import json
import signal
import time

import pytest

from feeds.clock import Time
from feeds.errors import UnavailableError
from feeds.hub.broker import stream_check, tape_stream
from feeds.hub.broker.connection import Access, Cause
from feeds.hub.broker.kept import config, ensure_stream
from feeds.hub.broker.tape_sender import TapeSender
from feeds.hub.broker.tape_stream import Limits
from feeds.hub.tape_replaying import read_day
from tests.feeds.hub.test_access import following, refusal, running, whole
from tests.feeds.hub.test_hub_run import noted_clients, until
from tests.support.servers.nats import nats_server

WITHOUT = "# no jetstream"
USERS = """authorization {{ users: [
  {{ user: hub, password: right, permissions: {{ publish: [{publish}], subscribe: [">"] }} }}
  {{ user: viewer, password: right
     permissions: {{ publish: ["$JS.API.DIRECT.GET.QUOTES"], subscribe: [{subscribe}] }} }}
] }}"""
ALL = '">"'
QUOTES = '"quotes.>", "desk.>"'
DENIED = "the NATS server denies this user the permission to publish to "


def as_user(server, name, password="right"):
    return Access(server.url.replace("nats://", f"nats://{name}:{password}@"))


@pytest.fixture
def guarded(tmp_path):
    with nats_server(tmp_path, USERS.format(publish=ALL, subscribe=ALL)) as server:
        yield server


def reload(server, **rules):
    """Other rules for the same users, while it runs."""
    path = server.folder / "nats.conf"
    text = path.read_text()
    path.write_text(
        text[: text.index("authorization {")] + USERS.format(**{"publish": ALL, "subscribe": ALL, **rules})
    )
    server.send(signal.SIGHUP)


async def test_a_server_without_jetstream_is_named(tmp_path):
    with nats_server(tmp_path, WITHOUT) as server:
        async with running(Access(server.url)) as lines:
            await until(lambda: lines, lines)
            await asyncio.sleep(1.5)
            assert lines == ["the NATS server offers no JetStream; start it with --jetstream"]


async def test_a_client_that_closes_before_there_is_a_stream_is_replaced(tmp_path, monkeypatch):
    clients = noted_clients(monkeypatch)
    with nats_server(tmp_path, WITHOUT) as server:
        async with running(Access(server.url)) as lines:
            await until(lambda: lines, lines)
            await clients[0]._process_err("'Unknown Protocol Operation'")
            await until(lambda: len(clients) == 2, lines)


async def test_a_stream_of_that_name_for_something_else_is_named_and_left_alone(tmp_path):
    import nats

    with nats_server(tmp_path) as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="QUOTES", subjects=["prices.>"])
        async with running(Access(server.url)) as lines:
            await until(lambda: lines, lines)
            await asyncio.sleep(1.5)
            assert lines == ["the NATS server's stream QUOTES is not one of a hub; delete or rename it"]
            await client.jetstream().delete_stream("QUOTES")
            await until(lambda: any("publishing" in line for line in lines), lines)
        await client.close()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [({"max_msgs_per_subject": 5}, "exactly one message"), ({"max_age": 60 * 10**9}, "by age")],
)
async def test_a_stream_that_keeps_too_much_or_forgets_is_named(tmp_path, changed, problem):
    import nats

    with nats_server(tmp_path) as server:
        client = await nats.connect(server.url)
        await ensure_stream(client, {**config(1), **changed})
        with pytest.raises(UnavailableError, match=problem):
            await stream_check.check_stream(client)
        await client.close()


async def test_a_tape_stream_for_something_else_is_named(tmp_path):
    import nats

    from feeds.hub.tape.writer import TapeWriter

    with nats_server(tmp_path) as server:
        client = await nats.connect(server.url)
        await ensure_stream(client, {**tape_stream.config(1, Limits()), "allow_direct": False})
        sender = TapeSender(
            client, TapeWriter(epoch=1), Limits(), replicas=1, proved_s=lambda: 0.0, time=Time(), report=print
        )  # fmt: skip
        with pytest.raises(UnavailableError, match="stream TAPE is not one of a hub"):
            await sender._turn()
        await client.close()


async def test_a_wrong_password_is_refused_and_is_in_no_line(guarded, caplog):
    async with running(as_user(guarded, "hub", "secret-guess")) as lines:
        await until(lambda: lines, lines)
        problem = await refusal(as_user(guarded, "viewer", "secret-guess"), Cause.CREDENTIALS.value)
        assert problem == Cause.CREDENTIALS.value
        assert lines == [Cause.CREDENTIALS.value]
    assert "secret-guess" not in caplog.text


async def test_a_hub_that_may_no_longer_publish_says_so_and_goes_on_once_it_may(guarded):
    async with running(as_user(guarded, "hub")) as lines:
        await until(lambda: any("publishing" in line for line in lines), lines)
        assert (await whole(as_user(guarded, "viewer"))).is_complete
        before = len(lines)
        reload(guarded, publish='"$JS.API.>"')
        await until(lambda: Cause.DENIED.value in lines, lines)
        await asyncio.sleep(3)
        assert lines[before:].count(Cause.DENIED.value) == 1
        assert not any("only connected viewers" in line for line in lines), "no viewer receives anything"
        reload(guarded)
        await until(lambda: (await_lines := lines[before + 1 :]) and "storing" in await_lines[-1], lines)
        assert (await whole(as_user(guarded, "viewer"))).is_complete


@pytest.mark.parametrize(
    ("publish", "subject"),
    [
        (
            '"quotes.>", "desk.>", "$JS.API.*.*.QUOTES", "$JS.API.STREAM.MSG.GET.QUOTES"',
            "$JS.API.STREAM.INFO.TAPE",
        ),
        (f'{QUOTES}, "$JS.API.>"', "tape."),
    ],
)
async def test_a_hub_that_may_not_write_the_tape_names_the_permission(guarded, publish, subject):
    reload(guarded, publish=publish)
    async with running(as_user(guarded, "hub"), tape=Limits()) as lines:
        refused = (
            "the tape is not being written (the NATS server denies this user the permission to publish to "
        )
        await until(lambda: any(line.startswith(refused + subject) for line in lines), lines)
        sentence = next(line for line in lines if line.startswith(refused))
        assert sentence.endswith("; see docs/deploy.md); quotes go on")
        assert not any("JetStream does not answer" in line for line in lines)


async def test_who_may_not_read_the_tape_is_told_which_permission_is_missing(guarded):
    with pytest.raises(UnavailableError) as caught:
        await asyncio.to_thread(read_day, as_user(guarded, "viewer"), None)
    assert str(caught.value) == (
        f"the tape cannot be read from the NATS server ({DENIED}$JS.API.DIRECT.GET.TAPE; see docs/deploy.md)"
    )


async def test_a_viewer_that_may_no_longer_listen_says_so_and_comes_back(guarded, monkeypatch):
    from feeds.hub.broker import viewer as viewers

    monkeypatch.setattr(viewers, "DENIED_S", 0.5)
    async with running(as_user(guarded, "hub")) as lines, following(as_user(guarded, "viewer")) as receiver:
        await until(lambda: receiver.is_complete and not receiver.problem, lines)
        reload(guarded, subscribe='"_INBOX.>"')
        await until(lambda: receiver.problem == Cause.DENIED.value, [receiver.problem])
        reload(guarded)
        await until(lambda: not receiver.problem and receiver.is_alive(time.monotonic()), [receiver.problem])


async def test_a_server_that_stands_still_is_offline_and_back(tmp_path):
    with nats_server(tmp_path) as server:
        async with running(Access(server.url)) as lines, following(Access(server.url)) as receiver:
            await until(lambda: receiver.is_complete and receiver.is_alive(time.monotonic()), lines)
            server.send(signal.SIGSTOP)
            await until(lambda: not receiver.is_alive(time.monotonic()), lines)
            server.send(signal.SIGCONT)
            await until(lambda: receiver.is_alive(time.monotonic()) and not receiver.wants_fetch, lines)


@pytest.mark.parametrize(
    ("version", "is_old"),
    [("2.10.24", True), ("2.9", True), ("2.11.0-RC.1", False), ("3.0.0", False), ("", False)],
)
async def test_a_server_of_an_old_version_is_named(version, is_old):
    """A server that says so of itself; what it would answer later is not asked."""
    is_asked = asyncio.Event()

    async def serve(reader, writer):
        info = {"server_id": "x", "version": version, "max_payload": 2**20, "headers": True, "proto": 1}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
                is_asked.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with following(Access(url)) as receiver:
            if not is_old:
                await is_asked.wait()  # it was connecting until then
            await until(lambda: receiver.problem == (Cause.OLD.value if is_old else ""), [receiver.problem])
    finally:
        server.close()


async def test_a_connection_that_was_given_up_is_closed():
    greeted, closed = asyncio.Event(), asyncio.Event()

    async def serve(reader, writer):
        info = {"server_id": "x", "version": "2.11.0", "max_payload": 2**20, "headers": True, "proto": 1}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while await reader.readline():  # it answers nothing
            greeted.set()
        closed.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with asyncio.timeout(60):
            async with following(Access(url)) as receiver:
                await greeted.wait()
                assert receiver.problem
            await closed.wait()
    finally:
        server.close()
