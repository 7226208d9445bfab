"""Keys on the command line: real processes, and a marker searched for in everything they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.clock import without_notice
from tests.support.paths import ROOT
from tests.support.pty_terminal import Terminal
from tests.support.tui.leaks import files_with, process_list
from tests.support.tui.program import COMMAND, Program, complaint

MARKER = "mArKeRsEcReT/0123456789+abcdefghijkl"
KEY_ID = "PKMARKERID0123456789"
SHOWN = KEY_ID[-4:]
CHILD_LIMIT_S = 500

VAULT = """
import json, pathlib
from keyring.backend import KeyringBackend

class Vault(KeyringBackend):
    priority = 5
    path = pathlib.Path(__file__).with_name("vault.json")

    def _all(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get_password(self, service, user):
        return self._all().get(f"{service}/{user}")

    def set_password(self, service, user, password):
        self.path.write_text(json.dumps({**self._all(), f"{service}/{user}": password}))

    def delete_password(self, service, user):
        self.path.write_text(json.dumps({k: v for k, v in self._all().items() if k != f"{service}/{user}"}))

class Locked(Vault):
    def get_password(self, *_):
        import time
        time.sleep(3600)

    set_password = delete_password = get_password
"""


@pytest.fixture
def program(tmp_path) -> Program:
    made = Program(tmp_path)
    # A keyring on the machine that runs the tests is none of their business.
    made.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    for name in (
        "APCA_API_KEY_ID",
        "APCA_API_SECRET_KEY",
        "FINNHUB_API_KEY",
        "MASSIVE_API_KEY",
        "POLYGON_API_KEY",
    ):
        made.env.pop(name, None)
    return made


def with_keyring(program: Program, name: str) -> None:
    folder = program.home / "lib"
    folder.mkdir()
    (folder / "vault.py").write_text(VAULT)
    program.env |= {"PYTHONPATH": str(folder), "PYTHON_KEYRING_BACKEND": f"vault.{name}"}


def feed(program: Program, *args: str, stdin: str) -> subprocess.CompletedProcess[str]:
    """Run the command while looking at what every user of the machine sees of all processes."""
    child = subprocess.Popen(
        [COMMAND, *args],
        env=program.env,
        cwd=program.home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert child.stdin is not None
    first, rest = stdin[:5], stdin[5:]
    child.stdin.write(first)
    child.stdin.flush()
    assert MARKER not in process_list()
    out, err = child.communicate(rest, timeout=CHILD_LIMIT_S)
    return subprocess.CompletedProcess(args, child.returncode, out, without_notice(err))


def test_a_key_goes_into_the_file_and_shows_nowhere_else(program):
    kept = feed(program, "config", "key", "set", "alpaca", stdin=f"{KEY_ID}\n{MARKER}\n")
    assert (kept.returncode, kept.stderr) == (0, "")
    path = program.home / "config" / "rotation-tui" / "keys.json"
    assert f"alpaca: stored in {path}" in kept.stdout
    assert path.stat().st_mode & 0o777 == 0o600
    commands = (["config", "key", "list"], ["config", "show"], ["config", "path"])
    collected = [kept.stdout, *(program.out("--log-level", "debug", *command) for command in commands)]
    assert f"alpaca    file {path}, ends in {SHOWN}" in collected[1].splitlines()
    assert str(path) in collected[3]
    assert MARKER not in "".join(collected)
    assert MARKER[-4:] not in "".join(collected), "not even the end of a secret"
    assert files_with(program.home, MARKER) == ["config/rotation-tui/keys.json"]
    assert program.out("config", "key", "clear", "alpaca").startswith("alpaca: removed from ")
    assert files_with(program.home, MARKER) == []
    assert "alpaca    none; see: rotation-tui config key set alpaca" in program.out("config", "key", "list")


def test_a_key_goes_into_the_keyring_where_there_is_one(program):
    with_keyring(program, "Vault")
    kept = feed(program, "config", "key", "set", "finnhub", stdin=f"{MARKER}\n")
    assert (kept.returncode, kept.stderr) == (0, "")
    assert kept.stdout.startswith("finnhub: stored in the keyring (")
    assert files_with(program.home, MARKER) == ["lib/vault.json"]
    listed = program.out("config", "key", "list")
    assert f"finnhub   keyring, ends in {MARKER[-4:]}" in listed
    assert MARKER not in listed
    assert program.out("config", "key", "clear", "finnhub") == "finnhub: removed from the keyring\n"
    assert files_with(program.home, MARKER) == []


def test_a_locked_keyring_delays_and_stops_nothing(program):
    with_keyring(program, "Locked")
    kept = feed(program, "config", "key", "set", "finnhub", stdin=f"{MARKER}\n")
    assert (kept.returncode, kept.stderr) == (0, "")
    assert "the keyring did not answer within 3 s; it may be locked" in kept.stdout
    assert files_with(program.home, MARKER) == ["config/rotation-tui/keys.json"]
    listed = program.out("config", "key", "list").splitlines()
    assert listed[1].startswith("finnhub   file ")
    assert listed[2].startswith("massive   unknown: the keyring does not answer"), "it may be in there"


def test_a_key_typed_at_the_prompt_is_not_echoed(program):
    with Terminal([COMMAND, "config", "key", "set", "alpaca"], env=program.env, cwd=program.home) as terminal:
        terminal.see("alpaca key ID (hidden):")
        terminal.press(KEY_ID + "\n")
        terminal.see("alpaca secret key (hidden):")
        terminal.press(MARKER + "\n")
        assert terminal.end() == 0
        raw = terminal.raw.decode()
    assert "alpaca: stored in " in raw
    assert MARKER not in raw
    assert KEY_ID not in raw
    assert files_with(program.home, MARKER) == ["config/rotation-tui/keys.json"]


def test_a_key_on_the_command_line_is_refused_and_not_repeated(program):
    line = complaint(program("config", "key", "set", "alpaca", KEY_ID, MARKER))
    assert "keys are not accepted on the command line" in line
    assert MARKER not in line
    assert files_with(program.home, MARKER) == []


@pytest.mark.parametrize(
    ("args", "stdin", "part"),
    [
        (("alpaca",), f"{KEY_ID}\n", "standard input: expected 2 lines for alpaca: key ID and secret key"),
        (("alpaca",), "", "standard input: "),
        (
            ("yahoo",),
            MARKER,
            "'yahoo' does not take a key — choose one of alpaca, finnhub, massive",
        ),
        (("finnhub",), f"{MARKER} and more\n", "the API key of finnhub contains spaces"),
    ],
)
def test_what_cannot_be_a_key_is_told_without_it(program, args, stdin, part):
    done = feed(program, "config", "key", "set", *args, stdin=stdin)
    assert part in complaint(done)
    assert MARKER not in done.stderr
    assert files_with(program.home, MARKER) == []


def test_a_file_that_others_can_read_is_told_with_the_remedy(program):
    feed(program, "config", "key", "set", "finnhub", stdin=f"{MARKER}\n")
    path = program.home / "config" / "rotation-tui" / "keys.json"
    path.chmod(0o644)
    listed = program.out("config", "key", "list")
    assert f"chmod 600 '{path}'" in listed
    assert "chmod 600" in complaint(feed(program, "config", "key", "set", "massive", stdin=f"{MARKER}\n"))
    assert MARKER not in listed


def test_show_hides_what_the_environment_holds(program):
    program.env |= {
        "FINNHUB_API_KEY": MARKER,
        "ROTATION_TUI_YAHOO_REST_URL": "http://me:hush@127.0.0.1:8080/x?token=hush",
    }
    output = program.out("config", "show")
    assert "finnhub   environment FINNHUB_API_KEY" in output
    assert "ROTATION_TUI_YAHOO_REST_URL = http://127.0.0.1:8080/x" in output
    assert "hush" not in output
    assert MARKER not in output


FAILS = """
import asyncio, sys
from tui import __main__
from tui.cli import app as cli, logs
from tui.compose import backend
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

class Backend(backend.LocalBackend):
    def list_history(self):
        from feeds.keys.keys import find
        keys = find("alpaca")
        asyncio.run(talk(keys.secret))
        raise RuntimeError(f"a library quotes {keys.secret} and {keys}")

async def talk(secret):
    async def answer(socket):
        await socket.send(await socket.recv())

    async with serve(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"ws://127.0.0.1:{port}/?token={secret}"
        async with connect(url, additional_headers={"X-Key": secret}) as ws:
            await ws.send(f'{{"action":"auth","secret":"{secret}"}}')
            assert secret in await ws.recv()

backend.LocalBackend = Backend
__main__.main()
"""


def test_a_crash_and_a_talkative_library_leave_no_key_in_the_log(program):
    program.env |= {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": MARKER}
    script = program.home / "fails.py"
    script.write_text(FAILS)
    program.env["PYTHONPATH"] = str(ROOT)
    done = program.run([sys.executable, script, "--log-level", "debug", "history", "list"])
    assert done.returncode == 1
    assert "internal error: RuntimeError: a library quotes ••• and Keys(alpaca" in done.stderr
    logged = program.log.read_text()
    assert "RuntimeError: a library quotes ••• and Keys(alpaca" in logged, "the traceback is in the log"
    assert MARKER not in done.stdout + done.stderr + logged
    assert files_with(program.home, MARKER) == []
    assert os.environ.get("APCA_API_SECRET_KEY") != MARKER
