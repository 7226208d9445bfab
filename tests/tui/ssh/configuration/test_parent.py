"""What a parent tells its workers of changed settings; no process is started."""

from __future__ import annotations

import time

import asyncssh

from tests.support.ssh_host import PushedDesk
from tui.ssh.configuration.settings import Settings
from tui.ssh.rooms.defaults import Notice, ViewDefaults
from tui.ssh.workers import wire
from tui.ssh.workers.parent import Options, Parent


class Worker:
    """Takes what it is sent."""

    def __init__(self) -> None:
        self.sent: list[wire.ToWorker] = []

    def send(self, message: wire.ToWorker) -> None:
        self.sent.append(message)


async def test_a_worker_that_begins_to_serve_is_sent_what_has_changed_since_its_setup(tmp_path, scenes):
    """Between its setup and the opening of its channel nothing can be sent to it."""
    (tmp_path / "host_key").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    (tmp_path / "host_key").chmod(0o600)
    settings = Settings(
        address="127.0.0.1", port=0, authorized_keys=None, host_key=tmp_path / "host_key",
        preferences=tmp_path / "visitors.json", now_s=time.time,
    )  # fmt: skip
    parent = Parent(PushedDesk(scenes["live"]), settings, Options(2, 512.0, log_json=False))
    setup, worker = parent._setup(1), Worker()
    now = ViewDefaults(theme="paper", windows=(1, 10))
    parent.adopt(now, Notice("config.toml: applied screen.theme"))
    parent.state.bans.add("192.0.2.7")
    parent._take(worker, wire.Ready())
    assert setup.defaults == ViewDefaults()
    assert parent._setup(1).defaults == now
    banned, adopt = worker.sent
    assert banned.names == ("192.0.2.7/32",)
    assert (adopt.defaults, adopt.notice) == (now, None), "administrators have been told once"
    for message in worker.sent:
        assert wire.read_for_worker(wire.frame(message)[5:]) == message
