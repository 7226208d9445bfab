"""What tests of the core share."""

from __future__ import annotations

import csv
from datetime import date
from typing import TYPE_CHECKING

import pytest

from rotation.macro.assemble import SERIES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def files(shared_data: Path) -> dict[str, dict[date, float]]:
    """FRED's series of macro, by name and day."""
    made = {}
    for name in SERIES:
        with (shared_data / "macro" / f"{name}.csv").open() as lines:
            rows = [(date.fromisoformat(row["date"]), row["value"]) for row in csv.DictReader(lines)]
        made[name] = {day: float(value) for day, value in rows if value not in ("", ".")}
    return made
