"""The installed command and real OpenSSH clients in real terminals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

from tests.support.pty_terminal import PATIENCE_S, Terminal
from tests.support.tui.openssh import ssh_words
from tui.ssh.rooms.painter import LEAVE

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).parent / "rotation-tui"
CURSOR, WRAP = 25, 7
ENTER, OVERLOADED = b"\x1b[?1049h", b"the host is overloaded"
MANY = ("--allow-root", "--new-per-minute", "1000", "--per-address", "50")
"""All visitors of these tests come from one address, and the tests may run as root."""

pytestmark = pytest.mark.skipif(
    not (which("ssh") and which("ssh-keygen")), reason="needs the OpenSSH client (apt: openssh-client)"
)


class Server:
    """``rotation-tui host`` in a process of its own, on the demo's tape at sixty times its speed."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.key = home / "id"
        if not self.key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
            self.keys = home / "keys"
            self.keys.write_bytes((home / "id.pub").read_bytes())
            self.keys.chmod(0o600)
        env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        command = [COMMAND, "host", "--listen", "127.0.0.1:0", "--demo", "--speed", "60", *MANY]
        who = options or ("--authorized-keys", str(home / "keys"))
        with (home / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *who], env={**env, "HOME": str(home)}, stdout=subprocess.PIPE, stderr=log
            )
        self.port = self._port()

    def _port(self) -> int:
        while self.process.poll() is None:
            for line in (self.home / "log").read_text("utf-8").splitlines():
                if line.startswith("rotation-tui: listening on "):
                    return int(line.rpartition(" ")[2])
        raise AssertionError((self.home / "log").read_text("utf-8"))

    def ssh(self, *words: str, key: Path | None = None, options: tuple[str, ...] = ()) -> list[str]:
        """An ssh command line that depends on nothing of this machine's user."""
        return ssh_words(self.home, self.port, key or self.key, words, options)

    def run(self, *words: str, typed: bytes = b"", **more) -> subprocess.CompletedProcess[str]:
        """Once the host lets us in: on a busy machine it may be overloaded by what else runs there."""
        stdin: dict[str, object] = {"input": typed} if typed else {"stdin": subprocess.DEVNULL}
        while True:
            done = subprocess.run(
                self.ssh(*words, **more), capture_output=True, timeout=PATIENCE_S, check=False, **stdin
            )
            if done.returncode != 255 or OVERLOADED not in done.stderr:
                out, err = done.stdout.decode(), done.stderr.decode()
                return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    @contextmanager
    def look(self, size: tuple[int, int] = (100, 30)) -> Iterator[Terminal]:
        """As ``run``, in a terminal."""
        while True:
            with Terminal(self.ssh(options=("-tt",)), size=size, env=dict(os.environ)) as terminal:
                terminal.wait(lambda t: ENTER in t.raw or OVERLOADED in t.raw, "to be let in or refused")
                if ENTER in terminal.raw:
                    yield terminal
                    return

    def end(self) -> tuple[int, bytes]:
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("host"))
    yield server
    if server.process.poll() is None:
        server.process.kill()
    server.process.communicate()


def at_rest(terminal: Terminal) -> bool:
    return terminal.modes <= {CURSOR, WRAP} and terminal.attributes_now == terminal.attributes


def test_a_visit_from_login_to_a_restored_terminal(server):
    with server.look() as terminal:
        terminal.see("Russell 2000 (IWM)", "1 Legs", "2 Spread", "DEMO")
        assert 1049 in terminal.modes
        assert CURSOR not in terminal.modes
        terminal.press("3z")
        terminal.wait(lambda t: "1 Legs" not in t.text and "3 Ratio" in t.text, "the ratio alone")
        terminal.press("\x1b")
        terminal.see("1 Legs")
        terminal.press("?/midrank\r")
        terminal.see("midrank")
        terminal.press("\x1b")
        terminal.press("\x1b")
        terminal.see("1 Legs")
        terminal.resize(160, 45)
        terminal.see("5 Health")
        terminal.resize(50, 12)
        terminal.wait(lambda t: "2 Spread" not in t.text, "one panel")
        terminal.press("q")
        assert terminal.end() == 0
        assert at_rest(terminal)


def test_two_sizes_at_once_and_a_late_joiner(server):
    """All press Space, each then shows its own moment; before that the same clock runs for all."""
    with server.look() as early, server.look((160, 45)) as large, server.look() as late:
        for terminal in (early, large, late):
            terminal.see("Russell 2000 (IWM)", "1 Legs")
        # A held tape would need its owner: instead wait until one frame stands on both.
        early.wait(
            lambda t: (late.read(), t.text == late.text and t.styles == late.styles)[1], "the same cells"
        )
        assert len(large.lines) == 45
        for terminal in (early, large, late):
            terminal.press("q")
            assert terminal.end() == 0


def test_killing_a_client_leaves_the_others(server):
    with server.look() as killed, server.look() as other:
        for terminal in (killed, other):
            terminal.see("1 Legs")
        killed.send_signal(signal.SIGKILL)
        killed.end()
        before = other.text
        other.wait(lambda t: t.text != before, "to go on")
        other.press("q")
        assert other.end() == 0


def test_without_the_key_no_one_comes_in(server, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    refused = server.run("headline", key=tmp_path / "other")
    assert refused.returncode == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_commands_answer_and_nothing_else_runs(server):
    assert server.run("headline").stdout.startswith("DEMO: Russell 2000 (IWM)")
    assert '"sessions":' in server.run("status", "--json").stdout
    assert "IWM" in server.run("snapshot").stdout
    for words in (("id",), ("sh", "-c", "id")):
        refused = server.run(*words)
        assert refused.returncode == 127
        assert refused.stdout == ""
        assert "unknown command; available: status, status --json, snapshot, headline" in refused.stderr
    shell = server.run(options=("-T",))
    assert shell.returncode == 1
    assert "the screen needs a terminal; use: ssh -t …" in shell.stdout


def test_no_sftp_no_scp_no_forwards_no_agent(server, tmp_path):
    refused = server.run("sftp", options=("-s",))
    assert refused.returncode != 0
    assert refused.stdout == ""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    back = server.run("headline", options=("-R", f"{port}:127.0.0.1:22", "-oExitOnForwardFailure=yes"))
    assert back.returncode != 0
    assert "forwarding failed" in back.stderr
    through = server.run(options=("-W", "127.0.0.1:22"))
    assert through.returncode != 0
    assert through.stdout == ""
    agent = server.run("env", options=("-A", "-X"))
    assert agent.returncode == 127


def test_the_host_key_is_kept_and_sigterm_gives_terminals_back(tmp_path):
    server = Server(tmp_path)
    with server.look() as terminal:
        terminal.see("1 Legs")
        code, out = server.end()
        assert code == 0
        assert out == b""
        assert terminal.end() == 0
        assert at_rest(terminal)
        assert "the host is shutting down; reconnect later." in terminal.last_words
    before = (tmp_path / "known").read_text("utf-8").split()[1:]
    again = Server(tmp_path)
    try:
        assert again.run("headline").returncode == 0
        now = [line.split()[1:] for line in (tmp_path / "known").read_text("utf-8").splitlines()]
        assert now == [before[:2], before[:2]]
        (tmp_path / "keys").write_text("")
        again.process.send_signal(signal.SIGHUP)
        while again.run("headline").returncode == 0:
            pass
        assert again.run("headline").returncode == 255
    finally:
        again.end()


def test_an_open_host_asks_nothing(tmp_path):
    server = Server(tmp_path, "--open")
    try:
        known = server.run("headline")
        unknown = server.run("headline", options=("-oPubkeyAuthentication=no",))
        assert (known.returncode, unknown.returncode) == (0, 0)
    finally:
        server.end()


def test_a_terminal_without_input_is_let_go(server):
    """``ssh -tt host </dev/null``: nobody can press a key, so no place is held."""
    seen = server.run(options=("-tt",))
    assert seen.returncode == 1
    assert seen.stdout.endswith(LEAVE.decode())


def test_taking_the_last_key_away_locks_it_out_and_an_administrator_kicks(tmp_path):
    """Real clients: no signal is needed, and the terminal is given back with a reason."""
    (tmp_path / "admins").touch(0o600)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "boss"], check=True)
    (tmp_path / "admins").write_bytes((tmp_path / "boss.pub").read_bytes())
    keys = tmp_path / "keys"
    server = Server(tmp_path, "--authorized-keys", str(keys), "--admin-keys", str(tmp_path / "admins"))
    try:
        with server.look() as terminal:
            terminal.see("1 Legs")
            listed = server.run("status", key=tmp_path / "boss").stdout.splitlines()[-1].split()
            assert listed[3] == "100x30"
            assert server.run("kick", listed[0]).returncode == 127
            assert server.run("kick", listed[0], key=tmp_path / "boss").returncode == 0
            terminal.end()
            assert at_rest(terminal)
            assert "disconnected by an administrator." in terminal.last_words
        with server.look() as terminal:
            terminal.see("1 Legs")
            keys.write_text("# nobody\n", "utf-8")
            assert server.run("headline").returncode == 255
            terminal.end()
            assert at_rest(terminal)
            assert "your key is no longer authorized." in terminal.last_words
    finally:
        server.end()


def test_a_refusal_is_shown_and_a_flood_gives_the_terminal_back(tmp_path):
    server = Server(tmp_path, "--authorized-keys", str(tmp_path / "keys"), "--new-per-minute", "1")
    try:
        flooder = server.run(options=("-tt",), typed=b"x" * 2_000_000)
        assert flooder.returncode == 1
        assert flooder.stdout.endswith(LEAVE.decode() + "rotation-tui: disconnected: too much input.\r\n")
        refused = server.run("headline")
        assert refused.returncode == 255
        assert "rotation-tui: too many new connections from your address; try again in" in refused.stderr
    finally:
        server.end()


def test_six_wrong_keys_are_enough(server, tmp_path):
    keys = [tmp_path / f"key{n}" for n in range(8)]
    for key in keys:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    options = tuple(word for key in keys[1:] for word in ("-i", str(key)))
    refused = server.run("headline", key=keys[0], options=options)
    assert refused.returncode == 255
    assert "Too many authentication failures" in refused.stderr
