"""The command line of ``host``, its log, and what it keeps: every mistake is one line, exit code 2."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

from tui.cli import app as cli
from tui.cli import logs
from tui.compose.backend import LocalBackend
from tui.ssh import event_log, preferences
from tui.ssh.preferences import Choice, Preferences

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIu0J8oR9NPVbDvZ7m0n8tW0m6q8cQ3i2y0m4nBzkq3Y someone\n"
WHO = "say who may log in: either --authorized-keys FILE, or --open for anyone"
LISTEN = f"--listen: cannot listen on 192.0.2.77:2222: {os.strerror(errno.EADDRNOTAVAIL)}"
FILES = "--max-sessions 100000 needs 100256 open files, but the system allows 4096; lower it"


@pytest.fixture
def run_host(monkeypatch, tmp_path, capsys):
    """Run ``rotation-tui host …``; its exit code and what it stderr."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for kind in ("DATA", "STATE", "CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    root = logging.getLogger()
    before = list(root.handlers), root.level

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["rotation-tui", "host", *words])
        code = cli.run(LocalBackend())
        return code, capsys.readouterr().err

    yield run
    root.handlers[:], level = before
    root.setLevel(level)


def test_without_asyncssh_one_line_says_what_to_install(run_host, monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncssh", None)
    code, stderr = run_host("--open")
    assert code == 2
    assert stderr.endswith(
        "host needs asyncssh, which is not installed; run: pip install 'rotation-tui[ssh]'\n"
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), WHO),
        (
            ("--open", "--authorized-keys", "keys"),
            WHO,
        ),
        (("--demo", "--authorized-keys", "nowhere"), "nowhere"),
        (("--open", "--listen", "localhost"), "write for example 127.0.0.1:2222 or *:2222"),
        (("--open", "--listen", "127.0.0.1:99999"), "write for example 127.0.0.1:2222 or *:2222"),
        (("--open", "--theme", "plaid"), "unknown theme 'plaid'; choose one of midnight, "),
        (("--open", "--offline"), "nothing to show"),
        (
            ("--open", "--demo", "--listen", "192.0.2.77:2222"),
            LISTEN,
        ),
        (("--open", "--demo", "--host-key", "/dev/null/key"), "--host-key"),
        (
            ("--open", "--demo", "--max-sessions", "100000"),
            FILES,
        ),
        (("--open", "--demo", "--workers", "0"), "0 is not in the range 1<=x<=256"),
        (("--open", "--demo", "--workers", "257"), "257 is not in the range 1<=x<=256"),
        (
            ("--open", "--demo", "--workers", "9", "--max-sessions", "8"),
            "--workers 9 with --max-sessions 8: each worker needs a session of its own",
        ),
        (("--open", "--demo", "--worker-memory", "1", "--workers", "2"), "1.0 is not in the range"),
        (("--demo", "--authorized-keys", "nowhere", "--workers", "2"), "nowhere"),
        (("--open", "--demo", "--workers", "2", "--listen", "192.0.2.77:2222"), LISTEN),
    ],
)
def test_a_mistake_is_one_line(run_host, words, says, monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _which: (1_024, 4_096))
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    code, stderr = run_host("--allow-root", *words)
    line = next(line for line in stderr.splitlines() if says in line)
    assert code == 2
    assert "Traceback" not in stderr
    assert len(line) < 300


def test_workers_that_this_system_cannot_have(run_host, monkeypatch):
    monkeypatch.delattr("socket.send_fds")
    code, stderr = run_host("--allow-root", "--open", "--demo", "--workers", "2")
    assert code == 2
    assert "--workers: this system cannot pass open sockets to other processes; use 1" in stderr


def test_more_workers_than_cores_are_allowed_with_a_word(run_host, monkeypatch):
    """How many cores there will be is not ours to know: a container's limit may be raised meanwhile."""
    monkeypatch.setattr("tui.ssh.workers.handover.cores", lambda: 1)
    code, stderr = run_host("--allow-root", "--demo", "--authorized-keys", "nowhere", "--workers", "2")
    assert code == 2
    assert "rotation-tui: --workers 2: this machine has 1 core; more workers use memory" in stderr


def test_root_is_refused_unless_allowed(run_host, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    code, stderr = run_host("--open")
    assert code == 2
    assert "does not run as root" in stderr


def test_the_demo_is_never_shown_unasked(run_host):
    """A host without history would otherwise serve an invented market to everyone."""
    code, stderr = run_host("--open", "--allow-root", "--offline")
    assert code == 2
    assert "nothing to show" in stderr


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        (KEY, 0o666, "writable by other users"),
        ("rubbish\n", 0o600, "expected one public key per line"),
        ("\udcff", 0o600, "keys"),
    ],
)
def test_a_file_of_keys_that_cannot_be_used(run_host, tmp_path, text, mode, says):
    keys = tmp_path / "keys"
    keys.write_bytes(text.encode("utf-8", "surrogateescape"))
    keys.chmod(mode)
    code, stderr = run_host("--allow-root", "--demo", "--authorized-keys", str(keys))
    assert code == 2
    assert says in stderr


def test_help_names_what_a_visitor_may_do():
    result = CliRunner().invoke(cli.cli, ["host", "--help"], obj=SimpleNamespace(notices=list))
    assert result.exit_code == 0
    assert "\n  ssh HOST headline         the headline as one sentence\n" in result.output


def test_host_stands_in_the_list_of_commands_and_costs_nobody_else_its_library():
    code = (
        "import sys; from tui.cli import app as cli; "
        "sys.exit('asyncssh' in sys.modules or 'tui.ssh' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert "host" in cli.cli.list_commands(None)


def test_a_host_has_no_textual():
    """Its apps would capture stdout, change the loop and leave 1.6 MB each; rooms need none of it."""
    code = (
        "import sys, tui.__main__, tui.cli.app, tui.compose.desk.opening, tui.ssh.command, tui.ssh.host; "
        "sys.exit(any(name.partition('.')[0] == 'textual' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_log_is_one_object_a_line(monkeypatch):
    record = logging.LogRecord("tui.ssh", logging.INFO, __file__, 1, "%s", ("session end",), None)
    record.fields = {"user": 'eve"\n\x1b[2J', "seconds": 1.5}
    monkeypatch.setattr(logs, "redact", lambda text: text.replace("1.5", "…"))
    line = event_log.JsonLines().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert line.endswith('"seconds":…}')
    logged = json.loads(line.replace("…", "0"))
    assert (logged["event"], logged["level"], logged["user"]) == ("session end", "info", 'eve"\n\x1b[2J')


def test_choices_survive_a_torn_file_and_two_hosts(tmp_path, caplog):
    path = tmp_path / "state" / "visitors.json"
    first, other = Preferences(path), Preferences(path)
    first.keep("SHA256:a", Choice("paper", "ratio", "256", 1))
    first.write(first.take_unsaved())
    assert first.take_unsaved() == {}
    other.keep("SHA256:b", Choice("mono", "legs", "", 2))
    other.write(other.take_unsaved())
    assert Preferences(path).of("SHA256:a") == Choice("paper", "ratio", "256", 1)
    assert Preferences(path).of("SHA256:b").theme == "mono"
    assert [file.name for file in path.parent.iterdir()] == ["visitors.json"]
    path.write_bytes(path.read_bytes()[:20])
    torn = Preferences(path)
    assert torn.of("SHA256:a") == Choice()
    assert "viewer preferences unreadable, starting from the defaults" in caplog.text
    torn.keep("SHA256:a", Choice("mono", "legs", "", 3))
    torn.write(torn.take_unsaved())
    assert Preferences(path).of("SHA256:a").theme == "mono"


def test_choices_of_strangers_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(preferences, "VIEWERS_MAX", 10)
    path = tmp_path / "visitors.json"
    kept = Preferences(path)
    for at in range(50):
        kept.keep(f"SHA256:{at}", Choice("paper", at=at))
    kept.keep("", Choice("paper"))
    kept.write(kept.take_unsaved())
    assert len(kept) == 10
    held = msgspec.json.decode(path.read_bytes())["visitors"]
    assert list(held) == [f"SHA256:{at}" for at in range(40, 50)]


def test_a_visit_that_changes_nothing_is_not_written(tmp_path):
    kept = Preferences(tmp_path / "visitors.json")
    kept.keep("SHA256:a", Choice("paper", at=1))
    kept.take_unsaved()
    kept.keep("SHA256:a", Choice("paper", at=2))
    assert kept.take_unsaved() == {}


def test_a_disk_that_refuses_stops_nobody(tmp_path, caplog):
    (tmp_path / "file").touch()
    kept = Preferences(tmp_path / "file" / "visitors.json")
    kept.keep("SHA256:a", Choice("paper", at=1))
    kept.write(kept.take_unsaved())
    assert "viewer preferences not saved" in caplog.text


@pytest.mark.parametrize(
    "words",
    [
        ("--open", "--offline"),
        ("--open", "--listen", "localhost"),
        ("--open", "--authorized-keys", "nowhere"),
        ("--open", "--demo", "--metrics", "0.0.0.0:9222"),
        ("--no-such-option",),
    ],
)
def test_with_log_json_every_line_of_stderr_is_json(words, tmp_path):
    """Also the notice about the clock, a mistake in the options, and a warning of a library."""
    code = (
        "import sys, warnings, tui.ssh.event_log as log; start = log.start; "
        "log.start = lambda level: (start(level), warnings.warn('of a library')); "
        "from tui.__main__ import main; main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "host", "--allow-root", "--log-json", *words],
        env=os.environ | {"HOME": str(tmp_path), "ROTATION_TUI_NOW": "2026-11-27T12:30:00-05:00"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert result.returncode == 2
    assert all(line["at"] for line in lines)
    if "--offline" in words:
        assert any("2026-11-27" in line.get("text", "") for line in lines)
        assert any("of a library" in line["event"] for line in lines)


def test_without_it_the_mistake_is_one_plain_line(run_host):
    code, stderr = run_host("--open", "--allow-root", "--offline")
    assert (code, stderr.startswith("rotation-tui: nothing to show")) == (2, True)
