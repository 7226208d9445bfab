"""docs/deploy.md as it is written: the commands of one machine, run against vendors of our own."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from tests.support.hub.programs import WAIT_S, Run, asked, block, commands, homes_in, key_of, live_vendors
from tests.support.paths import ROOT
from tests.support.servers.nats import chosen_port, free_port

KEEPS = "ROTATION_TUI_NOW"


def test_the_recipe_of_one_machine_runs_as_it_is_written(tmp_path):
    ssh_port = free_port()
    text = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    recipe = block(text, "## On one machine")
    server, *_ = commands(recipe, {"4222": "-1"})
    server += ["--ports_file_dir", str(tmp_path / "ports")]
    (tmp_path / "ports").mkdir()
    key = key_of(tmp_path, "id")
    (tmp_path / "viewers.keys").write_bytes(key.with_suffix(".pub").read_bytes())
    with live_vendors() as world, ExitStack() as stack:
        # A viewer has neither the vendors' addresses nor a feed of its own: only the clock is everybody's.
        viewer = {KEEPS: world[KEEPS], "ROTATION_TUI_OFFLINE": "", "PYTHONPATH": str(ROOT)}
        Run(stack, server, tmp_path, "server", {}).until("Server is ready")
        while (port := chosen_port(tmp_path / "ports")) is None:
            time.sleep(0.05)
        _, hub, host, desk, snapshot = commands(recipe, {"4222": str(port)})
        Run(stack, hub, tmp_path, "hub", world).until("publishing as hub")
        shown = ""
        ends_s = time.monotonic() + WAIT_S
        while "LIVE" not in shown and time.monotonic() < ends_s:
            done = asked(
                snapshot, cwd=tmp_path, env={**os.environ, **viewer, **homes_in(tmp_path / "viewer")}
            )
            shown = done.stdout
        assert "IWM" in shown, done.stderr
        assert "LIVE" in shown, shown
        assert "--feed" in desk
        on = [*host, "--listen", f"127.0.0.1:{ssh_port}", *(["--allow-root"] if os.geteuid() == 0 else [])]
        Run(stack, on, tmp_path, "host", viewer).until("listening on")
        ssh = ["ssh", "-p", str(ssh_port), "-i", str(key), "-o", "StrictHostKeyChecking=no",
               "-o", f"UserKnownHostsFile={tmp_path / 'known'}", "127.0.0.1", "snapshot"]  # fmt: skip
        ends_s = time.monotonic() + WAIT_S
        shown = ""
        while "LIVE" not in shown and time.monotonic() < ends_s:
            shown = asked(ssh).stdout
            time.sleep(0.2)
        assert "LIVE" in shown, shown
