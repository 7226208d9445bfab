"""What the documents say is so: their links lead somewhere, and the table that a program wrote is current."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
HISTORY = ROOT / "docs" / "fedwatch-history.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(document: Path) -> set[str]:
    """The names that a heading can be reached by."""
    heads = re.findall(r"^#+ +(.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text("utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("name", ["desk.svg", "fed.svg"])
def test_the_pictures_are_whole_and_fetch_nothing(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    ET.fromstring(text)
    assert "@font-face" not in text
    assert "4&#160;Fed" in text


def test_the_differences_from_cme_s_own_export_are_current(shared_data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.fedwatch.history", str(shared_data)],
        cwd=ROOT, capture_output=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == HISTORY.read_bytes(), "run the line at its top"
