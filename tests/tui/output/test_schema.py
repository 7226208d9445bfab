"""The schema in docs/ is the one that the types give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest

from tests.support.paths import ROOT
from tui.output.schema import schema

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

SHIPPED = ROOT / "docs" / "snapshot.schema.json"


def test_the_documented_schema_is_current() -> None:
    assert SHIPPED.read_bytes() == schema(), "run: make schema"


@pytest.mark.parametrize("scene", ["live", "closed", "cached", "empty"])
def test_every_scene_is_valid_by_it(scene: str, scenes: dict[str, Snapshot]) -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(scenes[scene]))
    jsonschema.validate(decoded, msgspec.json.decode(SHIPPED.read_bytes()))
