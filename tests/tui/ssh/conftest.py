"""A host of several processes for each test."""

from __future__ import annotations

import signal
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.tui.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def workers(tmp_path) -> Iterator[Callable[..., Workers]]:
    """Start a host with these options; it and its workers are gone at the end."""
    if not (which("ssh") and which("ssh-keygen")):
        pytest.skip("needs the OpenSSH client (apt: openssh-client)")
    if not Path("/proc/self/stat").exists():
        pytest.skip("finds processes in /proc")
    started: list[Workers] = []

    def start(*options: str, **more: Any) -> Workers:
        started.append(Workers(tmp_path, "--new-per-minute", "1000", *options, **more))
        return started[-1]

    yield start
    for host in started:
        if host.process.poll() is None:
            host.process.send_signal(signal.SIGCONT)
            host.process.kill()
        host.process.wait()
