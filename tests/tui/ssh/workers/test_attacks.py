"""The attacks of bench/ssh/abuse.py against two workers: viewers go on, limits hold over both."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager

from bench.ssh.abuse import ATTACKS
from tests.support.paths import ROOT
from tests.support.pty_terminal import PATIENCE_S
from tests.support.tui.workers import alive, children, has_ended, until

LASTS_S = 3.0
VIEWERS = 3
"""As many as ``--per-address`` lets in from one address."""


@contextmanager
def strangers(host, attack: str):
    """They misbehave meanwhile."""
    command = [sys.executable, "-m", "bench.ssh.abuse", str(host.port), attack]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        time.sleep(LASTS_S)
        assert process.poll() is None, "the strangers have gone home"
        yield
    finally:
        process.kill()
        process.wait()


def run_from(host, address: str, *words: str, key: str = "id") -> subprocess.CompletedProcess[str]:
    """One try of a client at this address."""
    return subprocess.run(
        host.ssh(*words, key=key, options=("-b", address)), capture_output=True, text=True, check=False,
        timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def status(host, address: str):
    """What an administrator reads, tried until he comes in."""
    return json.loads(
        until(lambda: run_from(host, address, "status", "--json", key="boss").stdout, "a status")
    )


def test_viewers_and_limits_of_two_workers_outlast_every_attack(workers):
    host = workers("--per-address", str(VIEWERS), "--max-sessions", "8", "--new-per-minute", "60")
    with host.look(VIEWERS) as terminals:
        pids = children(host.process.pid)
        for number, attack in enumerate(ATTACKS, 1):
            with strangers(host, attack):
                refused = host.run("headline", again=False)
                assert refused.returncode == 255, attack
                assert "too many open connections from your address" in refused.stderr, attack
                now = status(host, f"127.9.1.{number}")
                assert now["sessions"] == VIEWERS, attack
                assert sum(each["sessions"] for each in now["workers"]) == VIEWERS
                assert now["most_sessions"] == 8
                until(
                    lambda number=number: (
                        run_from(host, f"127.9.2.{number}", "status").returncode == 0
                        or run_from(host, f"127.9.3.{number}", "headline").returncode == 0
                    ),
                    f"{attack}: a newcomer",
                )
                for terminal in terminals:
                    text = terminal.text
                    terminal.wait(lambda t, text=text: t.text != text, f"{attack}: the viewers to go on")
            assert not any(map(has_ended, terminals)), attack
            assert children(host.process.pid) == pids, "no worker has died"
            assert all(map(alive, pids))
        refusals = status(host, "127.9.1.9")["refused"]
        assert sum(refusals.values()) > 100
    assert host.end() == 0
