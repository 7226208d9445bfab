"""``alerts watch`` goes on with a changed desk: an alert that has fired does not fire again."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack

from tests.support.hub.programs import WAIT_S, Run, live_vendors

ALERT = '[[alerts]]\nname = "up"\nwhen = "iwm.last > 1"\nrepeat = "crossing"\nany_hour = true\n'


def test_it_goes_on_with_another_desk_and_fires_once(tmp_path):
    path = tmp_path / "watch" / "CONFIG" / "rotation-tui" / "config.toml"
    path.parent.mkdir(parents=True)

    def write(*desk: str) -> None:
        path.write_text("\n".join(["[desk]", *desk, ALERT]))

    write('legs = ["IWM", "QQQ"]')
    with live_vendors() as world, ExitStack() as stack:
        command = [sys.executable, "-m", "tui", "alerts", "watch", "--format", "json"]
        run = Run(stack, command, tmp_path, "watch", world)
        run.until('"kind":"alert"')
        write('legs = ["IWM", "QQQ", "DIA"]', 'pair = "IWM/DIA"')
        run.until("config.toml: applied desk.pair, desk.legs")
        write('legs = ["IWM", "QQQ"]', 'benchmark = "DIA"', 'pair = "IWM/DIA"')
        run.until("applied desk.legs, desk.benchmark")
        ends_s = time.monotonic() + 2.0  # some Snapshots of the last desk
        while time.monotonic() < ends_s:
            assert run.process.poll() is None, run.log
            time.sleep(0.1)
        run.process.terminate()
        assert run.process.wait(WAIT_S) == 0
        lines = [json.loads(line) for line in run.log.splitlines() if line.startswith("{")]
        assert [line["subject"] for line in lines if line["kind"] == "alert"] == ["up"]
    kept = json.loads((tmp_path / "watch" / "STATE" / "rotation-tui" / "alerts.json").read_text())
    assert len(kept["calls"]) == 1
    assert kept["states"]["up"]["fired"] == 1
