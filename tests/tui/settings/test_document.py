"""docs/config.md: its example is a file that can be used, and its table is the program's."""

from __future__ import annotations

import re

from tests.support.paths import ROOT
from tui.settings.file import read
from tui.settings.schema import SETTINGS

DOCUMENT = (ROOT / "docs" / "config.md").read_text("utf-8")


def test_the_example_sets_what_it_says(tmp_path) -> None:
    example = re.search(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert example is not None
    path = tmp_path / "config.toml"
    path.write_text(example[1], "utf-8")
    assert set(read(path).values) == {setting.name for setting in SETTINGS}


def test_every_setting_and_its_variable_is_in_the_table() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (?:`(\w+)`)?", DOCUMENT, re.MULTILINE))
    assert rows == {setting.name: setting.env for setting in SETTINGS}
