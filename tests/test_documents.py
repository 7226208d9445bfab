"""What the documents say is so: their links lead somewhere, and the table that a program wrote is current."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import takewhile
from typing import TYPE_CHECKING

import click
import pytest

from tests.support.paths import ROOT
from tests.support.tui.pictures import pictures
from tui.cli.app import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
HISTORY = ROOT / "docs" / "fedwatch-history.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
FOLDERS = ("rotation", "feeds", "tui", "themes", "tests", "bench", "docs")
SHORT = {"T": "tests", "F": "tests/feeds", "R": "tests/rotation", "U": "tests/tui"}
"""Folders as docs/truth.md writes them."""
CITED = re.compile(rf"(?<![\w/.:<-])((?:{'|'.join((*FOLDERS, *SHORT))})/[\w./-]*\w)(?:::(\w+))?")
COMMAND = re.compile(r"^ *rotation-tui\b(.*)$", re.MULTILINE)


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


def sources() -> list[Path]:
    """Every document and every module: comments cite files too."""
    return [*DOCUMENTS, *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]


def test_every_file_and_test_that_is_cited_exists() -> None:
    missing = []
    for source in sources():
        for cited, test in CITED.findall(source.read_text("utf-8")):
            top, _, rest = cited.partition("/")
            if top in SHORT and source.name != "truth.md":
                continue
            path = ROOT / SHORT.get(top, top) / rest
            if path.name == "NAME.py":  # stands for the vendor's
                continue
            if not path.exists() or (test and test not in path.read_text("utf-8")):
                missing.append(f"{source.relative_to(ROOT)}: {cited} {test}")
    assert not missing, "\n".join(missing)


def commands(document: Path) -> Iterator[list[str]]:
    """The arguments of each command line in a document, up to a comment, a pipe or a gap of prose."""
    for line in COMMAND.findall(document.read_text("utf-8")):
        bare = re.split(r"(?:^| +)#|  +", line.strip())[0]
        if not re.search(r"[…\[]", bare):
            yield list(takewhile(lambda word: word not in {"|", ">", "&"}, shlex.split(bare)))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_line_of_a_document_is_one_that_the_program_has(document: Path) -> None:
    for words in commands(document):
        command: click.Command = cli
        left = list(words)
        # As the program makes it: click keeps the names of the help option of whichever context came first.
        with click.Context(cli, **cli.context_settings) as ctx:
            while isinstance(command, click.Group) and left and not left[0].startswith("-"):
                inner = command.get_command(ctx, left[0])
                assert inner is not None, words
                command, left = inner, left[1:]
            options = {name for each in command.get_params(ctx) for name in each.opts + each.secondary_opts}
            assert not {word for word in left if word.startswith("--")} - options, words


@pytest.mark.parametrize("name", ["desk.svg", "fed.svg"])
def test_the_pictures_are_whole_and_fetch_nothing(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    ET.fromstring(text)
    assert "@font-face" not in text
    assert " 4 Fed " in " ".join(re.findall(r"<tspan [^>]*>([^<]*)</tspan>", text))


def test_the_pictures_are_those_that_the_program_draws_now() -> None:
    stale = [
        name
        for name, picture in pictures().items()
        if (ROOT / "docs" / f"{name}.svg").read_text("utf-8") != picture
    ]
    assert not stale, "run python -m tests.support.tui.pictures"


def test_the_differences_from_cme_s_own_export_are_current(shared_data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.fedwatch.history", str(shared_data)],
        cwd=ROOT, capture_output=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == HISTORY.read_bytes(), "run the line at its top"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_has_no_trace_of_a_merge(document: Path) -> None:
    marks = ("<" * 7, "=" * 7, ">" * 7)
    assert not [line for line in document.read_text("utf-8").splitlines() if line.startswith(marks)]
