"""Every command of README.md, docs/config.md and docs/alerts.md is run in a home of its own, in order; every
TOML example of a document passes ``config check``."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT
from tests.support.tui.files import BARS, closes, write
from tests.test_documents import DOCUMENTS, commands

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.tui.program import Here

RUN = [ROOT / "README.md", ROOT / "docs" / "config.md", ROOT / "docs" / "alerts.md"]
HOLDINGS = ('Fund Holdings as of,"Jul 15, 2024"', "", "Ticker,Name,Sector,Weight (%)", "AAA,A,Energy,100")
TOML = re.compile(r"```toml\n(.*?)```", re.DOTALL)


OTHERS = {
    "history sync": "asks vendors: tests/feeds/history",
    "history sync --universe r2k": "asks vendors: tests/tui/cli/test_members.py",
    "--members": "prices members: tests/feeds/desk/members/test_prices.py",
    "contributions R2K": "needs a universe: tests/tui/cli/test_members.py",
    "record desk": "runs until it is ended: tests/tui/cli/test_record.py",
    "doctor --stream": "asks vendors: tests/tui/cli/test_doctor.py",
    "doctor --capture report.jsonl.gz": "asks vendors: tests/feeds/desk/test_capture.py",
    "config key set alpaca": "asks for a key: tests/tui/cli/config/test_config.py",
    "host --listen *:2222 --authorized-keys viewers.keys": "serves: tests/tui/ssh/test_command.py",
    "hub --nats nats://127.0.0.1:4222": "serves: tests/tui/hub",
    "--feed nats --nats nats://127.0.0.1:4222": "shows a hub's prices: tests/tui/hub",
    "fed": "asks vendors: tests/tui/cli/test_fed.py",
    "fed --view local --format csv": "asks vendors: tests/tui/cli/test_fed.py",
}
"""Command → why it is not run here."""


def bars(path: Path, *prices: float) -> None:
    """Bars of five minutes from the bell of 16 July 2024."""
    lines = [
        f"2024-07-16T09:{30 + 5 * n}:00-04:00,{price},{price},{price},{price},100"
        for n, price in enumerate(prices)
    ]
    write(path, BARS.strip(), *lines)


@pytest.fixture
def desk(here: Here) -> Here:
    """A home with the files that the documents name."""
    home = here.home
    for symbol, base, step in (("IWM", 200, 7), ("QQQ", 480, 3), ("AAA", 20, 5)):
        closes(home / "closes", symbol, *(base * (1 + ((i * i * step) % 11 - 5) / 200) for i in range(400)))
    bars(home / "IWM_5m.csv", 201, 202)
    bars(home / "QQQ_5m.csv", 481, 480)
    write(home / "IWM_holdings.csv", *HOLDINGS)
    write(home / "watch.txt", "AAPL, BRK-B")
    write(home / "zq" / "zq.csv", "date,contract,settle", "2024-07-15,ZQN24,94.67", "2024-07-15,ZQQ24,94.69")
    (home / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "strip.json", home / "docs")
    return here


@pytest.mark.parametrize("document", RUN, ids=lambda path: path.name)
def test_every_command_of_a_document_runs(document: Path, desk: Here) -> None:
    if document.name == "alerts.md":
        config = desk.home / "config" / "rotation-tui" / "config.toml"
        write(config, "[targets.phone]", 'kind = "ntfy"', 'url = "https://ntfy.sh/my-topic"')
        desk.out("history", "import", "closes")
    ran = 0
    for words in commands(document):
        if " ".join(words) in OTHERS:
            continue
        done = desk(*words)
        ran += 1
        assert done.returncode == 0, (words, done.stderr)
        if "json" in words and "--format" in words:
            assert all(json.loads(line) is not None for line in done.stdout.splitlines()), words
    assert ran >= 4


def test_no_exception_outlives_its_command() -> None:
    named = {" ".join(words) for document in RUN for words in commands(document)}
    assert set(OTHERS) <= named


EXAMPLES = [
    pytest.param(text, id=f"{path.name} {number}")
    for path in DOCUMENTS
    for number, text in enumerate(TOML.findall(path.read_text("utf-8")), 1)
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_toml_example_passes_the_check(text: str, here: Here) -> None:
    write(here.home / "russell2000.csv", "symbol,Sector,Weight (%)", "AAPL,Technology,100")
    path = write(here.home / "example.toml", text)
    assert "no error" in here.out("config", "check", path)
