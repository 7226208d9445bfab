"""The fail2ban filter of docs/hosting.md, tried on lines that the host really writes."""

from __future__ import annotations

import asyncio
import configparser
import logging
import re
from pathlib import Path

import asyncssh
import pytest

from tests.support.ssh_host import hosting, until
from tui.ssh.event_log import JsonLines

DOCS = Path(__file__).parents[3] / "docs" / "hosting.md"
ADDRESS = r"(?P<address>[0-9A-Fa-f:.]+)"
"""What fail2ban puts in place of <ADDR>."""


@pytest.fixture
def definition() -> configparser.SectionProxy:
    (block,) = re.findall(r"```ini\n(\[Definition\].*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    parser = configparser.ConfigParser()
    parser.read_string(block)
    return parser["Definition"]


async def test_strangers_are_matched_and_viewers_are_not(tmp_path, scenes, caplog, monkeypatch, definition):
    monkeypatch.setattr("tui.ssh.host_state.REFUSALS_EVERY_S", 0.0)
    caplog.set_level(logging.INFO, logger="tui.ssh")
    async with hosting(tmp_path, scenes["live"]) as hosted, asyncio.timeout(60):
        refused = hosted.host.state.meter.refused
        with pytest.raises(asyncssh.PermissionDenied):
            await hosted.connect(
                client_keys=[asyncssh.generate_private_key("ssh-ed25519")], username='x","address":"8.8.8.8'
            )
        _, scanner = await asyncio.open_connection("127.0.0.1", hosted.host.port)
        scanner.close()
        await until(lambda: refused["no login"] == 2)
        begin = len(caplog.records)
        async with hosted.connect() as conn:  # as ssh -N
            pass
        async with hosted.connect() as conn:
            await conn.run("headline")
        await until(lambda: not hosted.host.state.connections)
    lines = [JsonLines().format(record) for record in caplog.records if record.name == "tui.ssh"]
    patterns = [re.compile(each.replace("<ADDR>", ADDRESS)) for each in definition["failregex"].split("\n")]
    matched = []
    for line in lines:
        hit = next((match for pattern in patterns if (match := pattern.search(line))), None)
        if hit and not re.search(definition["ignoreregex"], line):
            matched.append(hit["address"])
        assert re.match(re.sub("%[YmdHMS]", r"\\d+", definition["datepattern"]), line)
    assert begin
    assert matched == ["127.0.0.1"] * 3
