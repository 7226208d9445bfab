"""Webhooks that answer, refuse, ask to wait or hang; commands that fail, hang or have children."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import socket
import ssl
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from feeds.alerts import senders
from feeds.alerts.errors import DeliveryError
from feeds.alerts.senders import desktop_argv, sender
from rotation.alerts.rule import Fired
from rotation.alerts.target import Target
from tests.support.fake_time import until
from tests.support.hub.certificates import HOST, Authority

AT = dt.datetime(2024, 7, 16, 14, tzinfo=dt.UTC)
FIRED = Fired("wide", "spread.5.pp > 10", AT.date(), AT, {"spread.5.pp": 10.3}, 3)
TEXT = "wide: spread.5.pp > 10 — <b> & “10.3 pp”"
SECRET = "tk_very_secret_1234"


@asynccontextmanager
async def server(status=200, headers="", hang=False):
    """Answers every POST with this status; what was asked is in the list."""
    asked: list[tuple[dict[str, str], bytes]] = []
    writers = []

    async def answer(reader, writer):
        writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        asked.append((fields | {"": head[0]}, await reader.readexactly(int(fields["content-length"]))))
        if not hang:
            writer.write(f"HTTP/1.1 {status} X\r\n{headers}content-length: 0\r\n\r\n".encode())
            await writer.drain()
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/hook", asked
    finally:
        for writer in writers:
            writer.close()
        listening.close()


async def post(kind: str, url: str, secret: str = "", timeout_s: float = 5.0) -> None:
    await sender(Target(name="t", kind=kind, url=url, timeout_s=timeout_s), secret)(FIRED, TEXT)


async def test_each_webhook_gets_its_own_form():
    async with server() as (url, asked):
        for kind in ("json", "ntfy", "slack", "discord"):
            await post(kind, url, SECRET if kind in ("json", "ntfy") else "")
    generic, ntfy, slack, discord = asked
    body = json.loads(generic[1])
    assert body == {
        "id": "wide#3", "name": "wide", "condition": "spread.5.pp > 10", "session": "2024-07-16",
        "at": "2024-07-16T14:00:00Z", "values": {"spread.5.pp": 10.3}, "n": 3, "text": TEXT,
    }  # fmt: skip
    assert generic[0]["authorization"] == f"bearer {SECRET}"
    assert ntfy[1].decode() == TEXT
    assert ntfy[0]["title"] == "rotation-tui: wide"
    assert json.loads(slack[1]) == {"text": "wide: spread.5.pp &gt; 10 — &lt;b&gt; &amp; “10.3 pp”"}
    assert json.loads(discord[1]) == {"content": TEXT, "allowed_mentions": {"parse": []}}


async def test_without_an_address_the_secret_is_the_address():
    async with server() as (url, asked):
        await sender(Target(name="t", kind="slack"), f"{url}/{SECRET}")(FIRED, TEXT)
    assert asked[0][0][""] == f"POST /hook/{SECRET} HTTP/1.1"
    assert "authorization" not in asked[0][0]


@pytest.mark.parametrize(
    ("status", "headers", "message", "again", "after_s"),
    [
        (429, "retry-after: 7\r\n", "asked to wait (HTTP 429)", True, 7.0),
        (429, "retry-after: 999999\r\n", "asked to wait (HTTP 429)", True, 300.0),
        (429, "retry-after: soon\r\n", "asked to wait (HTTP 429)", True, 0.0),
        (500, "", "refused (HTTP 500)", True, None),
        (404, "", "refused (HTTP 404)", False, None),
        (503, "retry-after: 40\r\n", "refused (HTTP 503)", True, 40.0),
        (302, "location: http://127.0.0.1:1/\r\n", "refused (HTTP 302)", False, None),
        (301, "location: javascript:1\r\n", "refused (redirects to an invalid address)", False, None),
    ],
)
async def test_what_a_refusal_means(status, headers, message, again, after_s):
    async with server(status, headers) as (url, _):
        with pytest.raises(DeliveryError) as failure:
            await post("json", f"{url}?key={SECRET}", SECRET)
    error = failure.value
    assert (str(error), error.again, error.after_s) == (message, again, after_s)
    assert SECRET not in repr(error)
    assert error.__cause__ is None


async def test_a_server_that_hangs_costs_its_time_out_and_no_more():
    async with server(hang=True) as (url, _):
        began = time.monotonic()
        with pytest.raises(DeliveryError, match=r"no answer within 0\.3 s"):
            await post("json", url, timeout_s=0.3)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("url", "message", "again"),
    [
        ("http://127.0.0.1:1/", "connection refused", True),
        ("https://xn--zzzzz99999/", "the address is not valid", False),
        ("https://[v1.x]/", "the address is not valid", False),
        ("https://two words.example/", "the address is not valid", False),
        ("https://127.0.0.1:99999999/", "the address is not valid", False),
        ("gopher://example/", "the address is not valid", False),
        ("http://example.com/", "the address is not valid", False),
        ("tk_a_token", "the address is not valid", False),
    ],
)
async def test_nobody_there(url, message, again):
    with pytest.raises(DeliveryError) as failure:
        await post("json", url)
    assert (str(failure.value), failure.value.again) == (message, again)


@pytest.mark.parametrize("token", ["tök", "tok\nen", "tok\0en", " tk_1"])
async def test_a_token_that_cannot_be_a_header_is_named_and_not_tried_again(token):
    async with server() as (url, asked):
        with pytest.raises(
            DeliveryError, match="the token is not valid: it must be printable ASCII"
        ) as failure:
            await post("json", url, token)
    assert not failure.value.again
    assert token not in str(failure.value)
    assert not asked


async def test_what_goes_to_this_machine_does_not_go_through_a_proxy(monkeypatch):
    """Unencrypted as it is, it would hand the token to whoever runs the proxy."""
    async with server() as (proxy, seen), server() as (url, asked):
        monkeypatch.setenv("HTTP_PROXY", proxy.removesuffix("/hook"))
        await post("json", url.replace("127.0.0.1", "localhost"), SECRET)
    assert not seen
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        (f"socks5://me:{SECRET}@127.0.0.1:1", r"a SOCKS proxy needs one more library"),
        (f"foo://me:{SECRET}@127.0.0.1:1", "invalid proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"),
        (f"http://me:{SECRET}@127.0.0.1:x", "invalid proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_named_without_its_password(monkeypatch, proxy, message):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(DeliveryError, match=message) as failure:
        await post("json", "https://example.invalid/")
    assert not failure.value.again
    assert SECRET not in repr(failure.value)


async def test_certificates_that_cannot_be_read_are_named(monkeypatch):
    senders._tls.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem")
    monkeypatch.setattr(httpx, "create_ssl_context", _unreadable)
    with pytest.raises(DeliveryError, match="certificates of this machine cannot be read"):
        await post("json", "https://example.invalid/")


def _unreadable():
    raise FileNotFoundError(2, "No such file or directory")


async def test_a_certificate_that_nobody_trusts_is_told_as_such(tmp_path):
    pair = Authority(tmp_path).sign("server")
    async with untrusted(pair) as port:
        with pytest.raises(DeliveryError, match="certificate not accepted") as failure:
            await post("json", f"https://{HOST}:{port}/", SECRET)
    assert failure.value.again


@asynccontextmanager
async def untrusted(pair):
    """A server with a certificate that no authority known here has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    listening = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


async def test_a_host_name_that_does_not_resolve_is_told_as_such(monkeypatch):
    async def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(DeliveryError, match="host name not found") as failure:
        await post("json", "https://no-such-host.invalid/", SECRET)
    assert failure.value.again


def command(*argv: str, timeout_s: float = 30.0, environ=None):
    target = Target(name="t", kind="command", command=argv, timeout_s=timeout_s)
    return sender(target, "", environ if environ is not None else dict(os.environ))


async def test_a_command_gets_json_on_stdin_arguments_as_they_are_and_no_key(tmp_path):
    out = tmp_path / "out"
    code = (
        "import sys, os, json; "
        "json.dump([sys.argv[2:], sys.stdin.read(), dict(os.environ)], open(sys.argv[1], 'w'))"
    )
    arguments = ["$(touch hacked)", "; rm -rf x", "a b"]
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path),
        "ALPACA_SECRET": "s", "ROTATION_TUI_FINNHUB_KEY": "k", "GITHUB_TOKEN": "t",
    }  # fmt: skip
    await command(sys.executable, "-c", code, str(out), *arguments, environ=environ)(FIRED, TEXT)
    given, stdin, env = json.loads(out.read_text())
    assert given == arguments
    assert json.loads(stdin)["id"] == "wide#3"
    assert stdin.endswith("}\n")
    assert {"PATH", "HOME"} <= env.keys()
    assert not {"ALPACA_SECRET", "ROTATION_TUI_FINNHUB_KEY", "GITHUB_TOKEN"} & env.keys()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("sh", "-c", "kill -9 $$"), "sh: ended by signal 9"),
        ((sys.executable, "-c", "raise SystemExit(3)"), f"{sys.executable}: exit code 3"),
        (("/nonexistent/notify",), "/nonexistent/notify: cannot be started (No such file or directory)"),
        (("/",), "/: cannot be started (Permission denied)"),
    ],
)
async def test_a_command_that_fails(argv, message):
    with pytest.raises(DeliveryError) as failure:
        await command(*argv)(FIRED, TEXT)
    assert (str(failure.value), failure.value.again) == (message, False)


async def test_a_command_that_reads_nothing_is_fine():
    await command(sys.executable, "-c", "import os; os.close(0)")(FIRED, "x" * 1_000_000)


async def test_a_command_that_hangs_is_ended_with_its_children(tmp_path, monkeypatch):
    """Its time is over once both run, however long a busy machine takes to start them."""
    pids = tmp_path / "pids"
    hangs = 'sleep 600 & echo $$ $! > "$1.new"; mv "$1.new" "$1"; wait'
    sending = asyncio.create_task(command("sh", "-c", hangs, "sh", str(pids), timeout_s=300.0)(FIRED, TEXT))
    await until(lambda: pids.exists() or sending.done())
    both = [int(word) for word in pids.read_text().split()]
    assert len(both) == 2
    assert all(map(_runs, both))
    loop = asyncio.get_running_loop()
    now_s = loop.time
    monkeypatch.setattr(loop, "time", lambda: now_s() + 300.0)
    with pytest.raises(DeliveryError, match="still running after 300 s, ended"):
        await sending
    await until(lambda: not any(map(_runs, both)))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_desktop_notification_quotes_nothing_for_a_shell_or_a_script():
    title, text = "rotation-tui: -x", '"; do shell script "x'
    assert desktop_argv(title, text, "linux") == ("notify-send", "--app-name=rotation-tui", "--", title, text)
    argv = desktop_argv(title, text, "darwin")
    assert argv is not None
    assert argv[-2:] == (title, text)
    assert not any(text in part for part in argv[:-2])
    assert desktop_argv(title, text, "win32") is None


async def test_a_desktop_without_a_notifier_says_so():
    send = sender(Target(name="desktop", kind="desktop"), "", {"PATH": ""})
    send._which = lambda _: None
    with pytest.raises(DeliveryError, match=r"(notify-send|osascript) is not installed"):
        await send(FIRED, TEXT)
