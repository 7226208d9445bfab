"""docs/deploy.md on one machine: a cluster of three, and two hosts behind a TCP balancer."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from shutil import which

import pytest

from tests.support.hub.programs import (
    PROGRAMS,
    WAIT_S,
    Run,
    asked,
    block,
    commands,
    homes_in,
    key_of,
    live_vendors,
)
from tests.support.paths import ROOT
from tests.support.servers.nats import free_port

DEPLOY = (ROOT / "docs" / "deploy.md").read_text("utf-8")
CLUSTER, BALANCER = "## A cluster of three", "## Many hosts behind a TCP balancer"
NUMBERS = (1, 2, 3)
KEEPS = "ROTATION_TUI_NOW"
HAPROXY = which("haproxy", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
"""Debian puts it where an ordinary user does not look."""
VISITOR = "127.0.0.5"


@pytest.fixture
def stack():
    with ExitStack() as made:
        yield made


@pytest.fixture
def world():
    with live_vendors() as made:
        yield made


class Cluster:
    """Three servers with the text of the document; ``here``: what its names are on this machine."""

    def __init__(self, stack, folder):
        self.ports = {number: free_port() for number in NUMBERS}
        routes = {number: free_port() for number in NUMBERS}
        clients = {f"nats-{n}:4222": f"127.0.0.1:{self.ports[n]}" for n in NUMBERS}
        peers = {f"nats-{n}:6222": f"127.0.0.1:{routes[n]}" for n in NUMBERS}
        self.here = clients
        self.servers = []
        written = block(DEPLOY, CLUSTER, "")
        for number in NUMBERS:
            text = written
            for old, new in {
                **peers,
                "server_name: nats-1": f"server_name: nats-{number}",
                "0.0.0.0:4222": f"127.0.0.1:{self.ports[number]}",
                "0.0.0.0:6222": f"127.0.0.1:{routes[number]}",
                "/var/lib/nats": str(folder / f"store-{number}"),
            }.items():
                assert old in text, old
                text = text.replace(old, new)
            path = folder / f"nats-{number}.conf"
            path.write_text(text)
            command = [*PROGRAMS["nats-server"], "-c", str(path)]
            self.servers.append(Run(stack, command, folder, f"nats-{number}", {}))
        for server in self.servers:
            server.until("Server is ready")


@pytest.fixture
def cluster(stack, tmp_path):
    return Cluster(stack, tmp_path)


def snapshot(cluster, folder, viewer):
    """What a viewer of the cluster prints once its prices are live."""
    url = ",".join(f"nats://{address}" for address in cluster.here.values())
    words = [*PROGRAMS["rotation-tui"], "snapshot", "--feed", "nats", "--nats", url]
    ends_s = time.monotonic() + WAIT_S
    while True:
        done = asked(words, cwd=folder, env={**os.environ, **viewer, **homes_in(folder / "viewer")})
        if "LIVE" in done.stdout:
            return done.stdout
        assert time.monotonic() < ends_s, done.stdout + done.stderr


def viewing(world):
    return {KEEPS: world[KEEPS], "ROTATION_TUI_OFFLINE": "", "PYTHONPATH": str(ROOT)}


def test_the_cluster_of_the_document_goes_on_without_one_of_its_servers(stack, cluster, world, tmp_path):
    (hub,) = commands(block(DEPLOY, CLUSTER), cluster.here)
    assert hub[-2:] == ["--replicas", "3"]
    publishing = Run(stack, hub, tmp_path, "hub", world)
    publishing.until("publishing as hub")
    assert "IWM" in snapshot(cluster, tmp_path, viewing(world))
    cluster.servers[0].kill()
    assert "IWM" in snapshot(cluster, tmp_path, viewing(world))
    assert publishing.process.poll() is None


class Hosts:
    """Two hosts of the document's command, and the balancer of its text before them."""

    def __init__(self, stack, cluster, folder, environment):
        (folder / "viewers.keys").write_bytes(key_of(folder, "id").with_suffix(".pub").read_bytes())
        ports = [free_port(), free_port()]
        self.port = free_port()
        self.folder = folder
        self.hosts = []
        here = {**cluster.here, "192.0.2.10": "127.0.0.1"}
        for number, port in enumerate(ports, 1):
            keygen, host = commands(block(DEPLOY, BALANCER), {**here, "*:2222": f"127.0.0.1:{port}"})
            if number == 1:
                assert not asked(keygen, cwd=folder).returncode
            host += ["--allow-root"] if os.geteuid() == 0 else []
            self.hosts.append(Run(stack, host, folder, f"host-{number}", environment))
        text = block(DEPLOY, BALANCER, "")
        for old, new in {
            "bind :22": f"bind 127.0.0.1:{self.port}",
            **{f"host-{n}:2222": f"127.0.0.1:{port}" for n, port in enumerate(ports, 1)},
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "haproxy.cfg").write_text(text)
        for host in self.hosts:
            host.until("listening on")
        self.balancer = Run(stack, [HAPROXY, "-db", "-f", "haproxy.cfg"], folder, "haproxy", {})

    def login(self, *words, checking="yes"):
        """An ssh client through the balancer, from an address of its own."""
        return asked([
            "ssh", "-F", "none", "-b", VISITOR, "-p", str(self.port), "-i", self.folder / "id",
            "-oIdentitiesOnly=yes", "-oIdentityAgent=none", f"-oStrictHostKeyChecking={checking}",
            f"-oUserKnownHostsFile={self.folder / 'known'}", "visitor@127.0.0.1", *words,
        ])  # fmt: skip

    def events(self, name):
        """By host, the log's lines of this event."""
        lines = [[json.loads(x) for x in host.log.splitlines() if x.startswith("{")] for host in self.hosts]
        return [[line for line in each if line["event"] == name] for each in lines]


@pytest.mark.skipif(HAPROXY is None, reason="needs HAProxy (apt: haproxy)")
def test_a_host_that_dies_behind_the_balancer_is_replaced_by_the_other(stack, cluster, world, tmp_path):
    (hub,) = commands(block(DEPLOY, CLUSTER), cluster.here)
    Run(stack, hub, tmp_path, "hub", world).until("publishing as hub")
    hosts = Hosts(stack, cluster, tmp_path, viewing(world))
    ends_s = time.monotonic() + WAIT_S
    while "LIVE" not in (first := hosts.login("snapshot", checking="accept-new")).stdout:
        assert time.monotonic() < ends_s, first.stderr + hosts.balancer.log
        time.sleep(0.2)
    for _ in range(3):
        assert not hosts.login("headline").returncode
    served = hosts.events("session begin")
    assert all(served), "the balancer uses both"
    assert {line["address"] for lines in served for line in lines} == {VISITOR}
    hosts.hosts[0].kill()
    before = len(hosts.events("session begin")[1])
    # The key is known from the first login; whoever showed another one would be refused.
    after = hosts.login("snapshot")
    assert after.returncode == 0, after.stderr
    assert "IWM" in after.stdout
    assert len(hosts.events("session begin")[1]) == before + 1
    assert not hosts.events("refused")[1], "the balancer's health checks are no strangers"
