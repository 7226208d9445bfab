"""docs/hosting.md as an operator follows it: the unit's own command line, environment and restrictions."""

from __future__ import annotations

import configparser
import ctypes
import json
import os
import pwd
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import which

import pytest

from tests.tui.ssh.test_openssh import COMMAND
from tests.tui.ssh.unit.restrict import FAMILIES, MISSING, USER

DOCS = Path(__file__).parents[3] / "docs" / "hosting.md"
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
SPARE_TASKS = 32
"""Threads that must fit beside those of a host at rest: lookups of names, writes to disk."""
LIMIT_S = 60.0

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not (which("ssh") and which("ssh-keygen")), reason="needs Linux and OpenSSH"
)


def unit() -> configparser.SectionProxy:
    (block,) = re.findall(r"```ini\n(\[Unit\].*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read_string(block)
    return parser["Service"]


def restricted() -> None:
    """Apply what the unit does to memory; runs in the child."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0):
        os.write(2, b"no PR_SET_MDWE\n")


def test_the_unit_starts_serves_reloads_and_stops(tmp_path):
    service = unit()
    assert service["MemoryDenyWriteExecute"] == service["NoNewPrivileges"] == "yes"
    folder = tmp_path / "state"
    folder.mkdir()
    keys = tmp_path / "viewers.keys"
    environment = dict(
        word.split("=", 1) for word in shlex.split(service["Environment"].replace("%S", str(folder)))
    )
    for name in ("id", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    keys.write_bytes((tmp_path / "id.pub").read_bytes())
    keys.chmod(0o644)
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).name == COMMAND.name
    words = ["127.0.0.1:0" if word == "*:2222" else word for word in words]
    words = [str(keys) if word == "/etc/rotation-tui/viewers.keys" else word for word in words]
    assert str(keys) in words
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [COMMAND, *words, "--demo", "--allow-root", "--new-per-minute", "1000"],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.DEVNULL, stderr=stderr, preexec_fn=restricted,  # noqa: PLW1509 - it only calls prctl
        )  # fmt: skip
    try:
        port = until(lambda: started(process, log))
        assert "no PR_SET_MDWE" not in log.read_text("utf-8") or os.uname().release < "6.3"
        assert login(port, tmp_path / "id", tmp_path) == 0
        assert login(port, tmp_path / "other", tmp_path) == 255
        tasks = len(list(Path(f"/proc/{process.pid}/task").iterdir()))
        assert tasks + SPARE_TASKS <= int(service["TasksMax"])
        keys.write_bytes((tmp_path / "other.pub").read_bytes())
        assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
        process.send_signal(signal.SIGHUP)
        assert login(port, tmp_path / "id", tmp_path) == 255
        assert login(port, tmp_path / "other", tmp_path) == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=float(service["TimeoutStopSec"])) == 0
    finally:
        process.kill()
        process.wait()
    for line in log.read_text("utf-8").splitlines():
        assert json.loads(line)["at"], "with --log-json every line of stderr is JSON"


RESTRICT = Path(__file__).parent / "unit" / "restrict.py"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_the_host_runs_under_the_unit_s_user_mounts_tasks_system_calls_and_capabilities(tmp_path):
    """No account, no home, everything but the state and an empty /tmp read-only: see unit/restrict.py."""
    service = unit()
    assert service["RestrictAddressFamilies"].split() == list(FAMILIES)
    assert service["SystemCallErrorNumber"] == "EPERM"
    assert re.findall(r"^SystemCallFilter=(.*)$", DOCS.read_text("utf-8"), re.MULTILINE) == [
        "@system-service",
        "~@privileged",
    ]
    with pytest.raises(KeyError):
        pwd.getpwuid(USER)
    state, keys, log = tmp_path / "state", tmp_path / "etc" / "viewers.keys", tmp_path / "log"
    state.mkdir()
    keys.parent.mkdir()
    for name in ("id", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    keys.write_bytes((tmp_path / "id.pub").read_bytes())
    keys.chmod(0o644)
    environment = dict(
        word.split("=", 1) for word in shlex.split(service["Environment"].replace("%S", "/mnt/state"))
    )
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, RESTRICT, service["TasksMax"], state, keys.parent, COMMAND, "host", "--log-json",
             "--listen", "127.0.0.1:0", "--authorized-keys", "/mnt/keys/viewers.keys", "--demo",
             "--new-per-minute", "1000"],
            # systemd sets these for a dynamic user, too.
            env={"PATH": os.environ["PATH"], "HOME": "/", "USER": "rotation-tui", **environment},
            stdout=subprocess.DEVNULL, stderr=stderr, umask=int(service["UMask"], 8),
        )  # fmt: skip
    try:
        port = until(lambda: missing(process, log) or started(process, log))
        of_process = Path(f"/proc/{process.pid}")
        status = (of_process / "status").read_text("utf-8")
        assert re.search(r"^Seccomp:\s*2$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\s*0+$", status, re.MULTILINE)
        assert re.search(rf"^Uid:\s*{USER}\s", status, re.MULTILINE)
        limits = (of_process / "limits").read_text("utf-8")
        assert re.search(rf"^Max processes\s+{service['TasksMax']}\s", limits, re.MULTILINE)
        assert not (of_process / "root" / tmp_path.relative_to("/")).exists(), "its /tmp is its own"
        assert login(port, tmp_path / "id", tmp_path) == 0
        assert login(port, tmp_path / "other", tmp_path) == 255
        keys.write_bytes((tmp_path / "other.pub").read_bytes())
        process.send_signal(signal.SIGHUP)
        assert login(port, tmp_path / "other", tmp_path) == 0
        (host_key,) = state.rglob("host_key")
        assert (host_key.stat().st_mode & 0o777, host_key.stat().st_uid) == (0o600, USER)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=float(service["TimeoutStopSec"])) == 0
    finally:
        process.kill()
        process.wait()
    levels = {json.loads(line).get("level") for line in log.read_text("utf-8").splitlines()}
    assert levels == {"info"}, log.read_text("utf-8")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_the_limit_of_tasks_is_one_that_the_restricted_host_meets(tmp_path):
    """With a tenth of the unit's TasksMax its threads do not fit: what the test above sets is enforced."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "etc" / "keys").touch(0o644)
    # No compiler: a library is looked for with it, and it tries for half a minute to fork.
    done = subprocess.run(
        [sys.executable, RESTRICT, "2", tmp_path / "state", tmp_path / "etc", COMMAND, "host",
         "--listen", "127.0.0.1:0", "--authorized-keys", "/mnt/keys/keys", "--demo"],
        env={"PATH": "/nowhere", "HOME": "/", "POLARS_SKIP_CPU_CHECK": "1"},
        capture_output=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode == MISSING:
        pytest.skip(done.stderr.decode().strip())
    assert done.returncode != 0
    assert b"Resource temporarily unavailable" in done.stderr, "a thread, and nothing else, is what it lacks"
    assert b"host started" not in done.stderr


def missing(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() == MISSING:
        pytest.skip(log.read_text("utf-8").strip())


@pytest.mark.skipif(not which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_accepts_every_line_of_the_unit(tmp_path):
    (block,) = re.findall(r"```ini\n(\[Unit\].*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "rotation-tui.service"
    path.write_text(block.replace("/opt/rotation-tui/bin/rotation-tui", str(COMMAND)), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_number_of_threads_does_not_follow_the_number_of_cores():
    """Polars and its runtime start a thread per core: on a large machine TasksMax would not be enough."""
    environment = dict(word.split("=", 1) for word in shlex.split(unit()["Environment"]))
    assert environment["POLARS_SKIP_CPU_CHECK"] == "1"
    assert int(environment["POLARS_MAX_THREADS"]) + int(environment["TOKIO_WORKER_THREADS"]) < 16


def test_every_option_of_the_host_that_the_document_names_exists():
    text = DOCS.read_text("utf-8")
    shown = subprocess.run([COMMAND, "host", "--help"], capture_output=True, text=True, check=True).stdout
    for line in re.findall(r"rotation-tui host (.*)", text):
        for option in re.findall(r"(--[a-z-]+)", line):
            assert option in shown, option


def started(process: subprocess.Popen[bytes], log: Path) -> int | None:
    assert process.poll() is None, log.read_text("utf-8")
    match = re.search(r'"event":"host started".*?"port":(\d+)', log.read_text("utf-8"))
    return int(match[1]) if match else None


def until(answer):
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if (result := answer()) is not None:
            return result
        time.sleep(0.05)
    raise AssertionError("too late")


def login(port: int, key: Path, home: Path) -> int:
    return subprocess.run(
        ["ssh", "-F", "none", "-p", str(port), "-i", key, "-oStrictHostKeyChecking=no",
         f"-oUserKnownHostsFile={home / 'known'}", "-oIdentitiesOnly=yes", "-oIdentityAgent=none",
         "-oBatchMode=yes", "eve@127.0.0.1", "status"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=LIMIT_S,
    ).returncode  # fmt: skip
