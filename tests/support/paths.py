"""Where the checkout is, and the shared market data beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
HANG_S = 500.0
"""Only ends a test that would hang, before pytest does; on no machine is anything measured by it."""
SHARED = ROOT.parent / "shared" / "data"
"""Read-only and not in every clone."""
