"""Errors of the feeds."""

from __future__ import annotations

from rotation.errors import InputError

__all__ = ["InputError"]
